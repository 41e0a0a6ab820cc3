//! Cuts text into words, and notices words that were written as one.
//!
//! **Invariant:** pieces are slices of the text. A compound follows the words it consists of.
//! Called by the analyzer only.

use unicode_segmentation::UnicodeSegmentation;

/// What [`pieces`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A word by the Unicode rules, or a pictograph.
    Word(&'a str),
    /// Two or more words without a space between them, such as a path, an address or a date.
    Compound(&'a str),
}

/// Bytes between the words of a compound: enough for `://` and `::`.
const MAX_JOINT_BYTES: usize = 3;

/// Hands every word of `text` to `found`, and every compound after its last word.
pub(super) fn pieces<'a>(text: &'a str, mut found: impl FnMut(Piece<'a>)) {
    let mut run = Run { start: 0, end: 0, words: 0 };
    for (start, word) in text.split_word_bound_indices() {
        if !is_word(word) {
            continue;
        }
        let end = start + word.len();
        if run.words > 0 && joins(&text[run.end..start]) {
            run = Run { end, words: run.words + 1, ..run };
        } else {
            run.close(text, &mut found);
            run = Run { start, end, words: 1 };
        }
        found(Piece::Word(word));
        let mark = trailing_mark(&text[end..]);
        if mark > 0 {
            found(Piece::Compound(&text[start..end + mark]));
        }
    }
    run.close(text, &mut found);
}

/// Words that hang together so far.
struct Run {
    start: usize,
    end: usize,
    words: u32,
}

impl Run {
    fn close<'a>(&self, text: &'a str, found: &mut impl FnMut(Piece<'a>)) {
        if self.words > 1 {
            found(Piece::Compound(&text[self.start..self.end]));
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
