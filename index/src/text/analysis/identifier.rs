//! The parts of one word: `foo_bar`, `fooBar`, `E1234`, `main.rs`, `dog's`.
//!
//! **Invariant:** parts are ranges of the word, each smaller than it; they begin no earlier than the part
//! before, and their number is bounded by the word's length. Called by the analyzer only.

use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// A longer run of letters and digits is data, not a name: cutting a base64 text at every change
/// of case would only litter the index.
const MAX_NAME_BYTES: usize = 64;

/// Hands every part of `word` to `emit`: first cut at punctuation, and each of those again where
/// the case or the class of its characters changes.
pub(super) fn parts(word: &str, mut emit: impl FnMut(Range<usize>)) {
    // Most words, also at the beginning of a sentence.
    let behind_first = word.get(1..).unwrap_or_default();
    if word.is_ascii()
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && behind_first.bytes().all(|b| b.is_ascii_lowercase())
    {
        return;
    }
    let mut start = 0;
    for (at, separator) in word.char_indices().filter(|&(_, c)| is_separator(c)) {
        run(word, start, at, &mut emit);
        start = at + separator.len_utf8();
    }
    run(word, start, word.len(), &mut emit);
}

/// Emits `word[start..end]`, which holds no punctuation, and its parts.
fn run(word: &str, start: usize, end: usize, emit: &mut impl FnMut(Range<usize>)) {
    let run = &word[start..end];
    // The `s` of `dog's` and the `l` of `l'eau` are no words; the `x` of `x.y` is one.
    let is_clitic = is_single(run)
        && (word[..start].ends_with(is_apostrophe) || word[end..].starts_with(is_apostrophe));
    if !run.is_empty() && run.len() < word.len() && !is_clitic {
        emit(start..end);
    }
    if run.len() > MAX_NAME_BYTES {
        return;
    }
    let mut from = 0;
    let mut around = [None, None];
    for (at, c) in run.char_indices().filter(|&(_, c)| !is_combining_mark(c)) {
        let next = Class::of(c);
        if let Some(cut) = boundary(around, (at, next)) {
            subword(run, start, from..cut, emit);
            from = cut;
        }
        around = [around[1], Some((at, next))];
    }
    subword(run, start, from..run.len(), emit);
}

/// Emits a part of a run that begins at `start` of the word.
fn subword(run: &str, start: usize, range: Range<usize>, emit: &mut impl FnMut(Range<usize>)) {
    let part = &run[range.clone()];
    // One letter or digit of a longer name finds everything and says nothing.
    if part.len() < run.len() && !is_single(part) {
        emit(start + range.start..start + range.end);
    }
}

/// Where to cut, having read two characters and then `next`.
fn boundary(around: [Option<(usize, Class)>; 2], next: (usize, Class)) -> Option<usize> {
    use Class::{Digit, Lower, Upper};
    let (last_at, last) = around[1]?;
    match (last, next.1) {
        (Digit, class) if class != Digit => Some(next.0),
        (class, Digit) if class != Digit => Some(next.0),
        (Lower, Upper) => Some(next.0),
        // The last capital of `HTTPServer` belongs to the word that follows.
        (Upper, Lower) if matches!(around[0], Some((_, Upper))) => Some(last_at),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Upper,
    Lower,
    Digit,
    /// Letters without case.
    Other,
}

impl Class {
    fn of(c: char) -> Self {
        if c.is_uppercase() {
            Class::Upper
        } else if c.is_lowercase() {
            Class::Lower
        } else if c.is_numeric() {
            Class::Digit
        } else {
            Class::Other
        }
    }
}

fn is_single(part: &str) -> bool {
    part.chars().nth(1).is_none()
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{FF07}')
}

/// Neither a letter, a digit, a mark on one, nor a control that folding drops.
fn is_separator(c: char) -> bool {
    !c.is_alphanumeric() && !is_combining_mark(c) && !super::fold::is_ignorable(c)
}
