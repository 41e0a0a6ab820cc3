//! Cuts text into words, and notices words that were written as one.
//!
//! **Invariant:** pieces are ranges of the text. A compound follows the words it consists of.
//! Called by the analyzer only.

use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// What [`pieces`] finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A word by the Unicode rules, or a pictograph.
    Word(Range<usize>),
    /// Two or more words without a space between them, such as a path, an address or a date; or one word
    /// with a mark that belongs to it.
    Compound(Range<usize>),
    /// Two neighbours, each a character of a script that writes no spaces.
    Pair(Range<usize>),
    /// The word that follows does not hang together with the one before.
    Gap,
}

/// Bytes between the words of a compound: enough for `://` and `::`.
const MAX_JOINT_BYTES: usize = 3;

/// Hands every word of `text` to `found`, and every compound after its last word.
pub(super) fn pieces(text: &str, mut found: impl FnMut(Piece)) {
    let mut run = Run { start: 0, end: 0, words: 0 };
    // The last word, if its script writes no spaces.
    let mut unspaced: Option<Range<usize>> = None;
    words(text, |start, end| {
        let word = &text[start..end];
        if run.words > 0 && joins(&text[run.end..start]) {
            run = Run { end, words: run.words + 1, ..run };
        } else {
            run.close(&mut found);
            run = Run { start, end, words: 1 };
            found(Piece::Gap);
        }
        found(Piece::Word(start..end));
        let before = std::mem::take(&mut unspaced);
        if word.starts_with(is_unspaced) {
            if let Some(before) = before.filter(|before| before.end == start) {
                found(Piece::Pair(before.start..end));
            }
            unspaced = Some(start..end);
        }
        let mark = trailing_mark(&text[end..]);
        if mark > 0 {
            found(Piece::Compound(start..end + mark));
        }
    });
    run.close(&mut found);
}

/// Hands start and end of every word to `found`. Blanks end a word in any script, so what lies between
/// two of them stands for itself, and plain ASCII needs no tables.
fn words(text: &str, mut found: impl FnMut(usize, usize)) {
    let mut start = 0;
    for chunk in text.split_inclusive(' ') {
        if chunk.is_ascii() {
            ascii_words(chunk.as_bytes(), |from, to| found(start + from, start + to));
        } else {
            for (from, word) in chunk.split_word_bound_indices().filter(|(_, word)| is_word(word)) {
                found(start + from, start + from + word.len());
            }
        }
        start += chunk.len();
    }
}

/// The words of ASCII, as the Unicode rules have them: letters, digits and underscores, and between two
/// letters a dot or an apostrophe or a colon, between two digits a dot or an apostrophe or a comma or a
/// semicolon.
fn ascii_words(text: &[u8], mut found: impl FnMut(usize, usize)) {
    let is_inner = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut at = 0;
    while at < text.len() {
        if !is_inner(text[at]) {
            at += 1;
            continue;
        }
        let start = at;
        let mut has_sign = false;
        loop {
            has_sign |= text[at] != b'_';
            at += 1;
            match text[at..] {
                [next, ..] if is_inner(next) => {}
                [middle, next, ..] if joins_ascii(text[at - 1], middle, next) => at += 1,
                _ => break,
            }
        }
        if has_sign {
            found(start, at);
        }
    }
}

fn joins_ascii(before: u8, middle: u8, behind: u8) -> bool {
    if before.is_ascii_alphabetic() && behind.is_ascii_alphabetic() {
        matches!(middle, b'.' | b'\'' | b':')
    } else {
        let are_digits = before.is_ascii_digit() && behind.is_ascii_digit();
        are_digits && matches!(middle, b'.' | b'\'' | b',' | b';')
    }
}

/// Words that hang together so far.
struct Run {
    start: usize,
    end: usize,
    words: u32,
}

impl Run {
    fn close(&self, found: &mut impl FnMut(Piece)) {
        if self.words > 1 {
            found(Piece::Compound(self.start..self.end));
        }
    }
}

/// Is the segment worth a term: does it hold a letter or a digit, or is it a pictograph?
fn is_word(segment: &str) -> bool {
    segment.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        || segment.chars().any(char::is_alphanumeric)
        || segment.starts_with(is_pictograph)
}

/// The blocks of symbols and emoji. Nobody searches for a dash, many search for a 🎉.
fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27BF}' | '\u{1F000}'..='\u{1FAFF}')
}

/// Scripts that write no spaces, and that the Unicode rules cut into characters for want of a dictionary.
fn is_unspaced(c: char) -> bool {
    matches!(
        c,
        '\u{0E00}'..='\u{0EFF}'
            | '\u{1000}'..='\u{109F}'
            | '\u{1780}'..='\u{17FF}'
            | '\u{3005}'..='\u{3007}'
            | '\u{3041}'..='\u{309F}'
            | '\u{3400}'..='\u{9FFF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{3FFFF}'
    )
}

/// Does `gap` hold two words together? Dots and dashes in a row are prose, not a name.
fn joins(gap: &str) -> bool {
    let of_only = |joints: &[u8]| gap.bytes().all(|b| joints.contains(&b));
    match gap.len() {
        1 => of_only(b"/\\-.:@#_+=&?%~$"),
        2..=MAX_JOINT_BYTES => of_only(b"/\\-.:@#_+=&?%~$>") && !of_only(b".") && !of_only(b"-"),
        _ => false,
    }
}

/// Length of the `++` or `#` that ends names such as `C++` and `F#`.
fn trailing_mark(rest: &str) -> usize {
    let mark = if rest.starts_with("++") {
        2
    } else if rest.starts_with('#') {
        1
    } else {
        return 0;
    };
    if rest[mark..].starts_with(|c: char| c.is_alphanumeric() || c == '#' || c == '+') {
        0
    } else {
        mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_the_rules(text: &str) -> Vec<(usize, usize)> {
        let words = text.split_word_bound_indices().filter(|(_, word)| is_word(word));
        words.map(|(start, word)| (start, start + word.len())).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn words_are_those_of_the_unicode_rules(text in "([ -~]|[ab1_.':;, ]|[\\t\\né\u{301}ー東🎉\u{200d}]){0,24}") {
            let mut found = Vec::new();
            words(&text, |start, end| found.push((start, end)));
            prop_assert_eq!(found, by_the_rules(&text));
        }
    }
}
