//! Folding: one form for what readers take to be the same characters.
//!
//! Compatibility decomposition (`ﬁ` to `fi`, `Ａ` to `A`), lower case, accents off, and back into
//! composed form so that scripts which decompose (Hangul, kana) keep short terms.
//!
//! **Invariant:** the result holds no white space, no control character and at most the bytes
//! asked for. Called by the analyzer only.

use unicode_normalization::UnicodeNormalization;

/// How much of a token is looked at. Characters may vanish in folding; without this bound a
/// token of a million accents would be sorted whole, only to vanish.
const MAX_RAW_BYTES: usize = 1024;

/// Appends the folded `raw` to `into`, at most `max_bytes` of it.
pub(super) fn fold(raw: &str, fold_accents: bool, max_bytes: usize, into: &mut String) {
    let raw = &raw[..raw.floor_char_boundary(MAX_RAW_BYTES)];
    if raw.bytes().all(|b| b.is_ascii_graphic()) {
        let start = into.len();
        into.push_str(&raw[..raw.len().min(max_bytes)]);
        into[start..].make_ascii_lowercase();
        return;
    }
    let is_kept = |c: &char| {
        let is_dropped = is_ignorable(*c) || c.is_whitespace() || c.is_control();
        !is_dropped && (!fold_accents || !is_accent(*c))
    };
    let folded = raw.nfkd().filter(is_kept).flat_map(char::to_lowercase).filter(is_kept);
    let start = into.len();
    for c in folded.nfc() {
        let mut utf8 = [0; 4];
        let piece = match c {
            'ς' => "σ",
            '\u{2019}' => "'",
            _ if fold_accents => unstroked(c).unwrap_or_else(|| c.encode_utf8(&mut utf8)),
            _ => c.encode_utf8(&mut utf8),
        };
        if into.len() - start + piece.len() > max_bytes {
            break;
        }
        into.push_str(piece);
    }
}

/// Combining marks that accent a letter. Marks that *are* letters, such as the vowel signs of
/// Indic scripts, lie in other blocks and stay.
fn is_accent(c: char) -> bool {
    matches!(
        c,
        '\u{0300}'..='\u{036F}'
            | '\u{1AB0}'..='\u{1AFF}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{20D0}'..='\u{20FF}'
            | '\u{FE20}'..='\u{FE2F}'
    )
}

/// Characters that show nothing: soft hyphens, joiners, direction marks, variation selectors.
pub(super) fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}'
            | '\u{061C}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Letters that people type without their stroke or ligature, though Unicode does not take them
/// apart.
fn unstroked(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ŧ' => "t",
        'þ' => "th",
        'ı' => "i",
        _ => return None,
    })
}
