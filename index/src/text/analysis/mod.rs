//! Text to terms: the one place that decides what counts as the same word.
//!
//! Words are cut by the Unicode rules (UAX #29), folded, and, where they look like names rather
//! than words, emitted whole *and* by part: `src/main.rs` is found as itself and under `src`,
//! `main.rs`, `main` and `rs`. Scripts that write no spaces are cut into characters, and neighbours are
//! emitted together too: `東京` is `東`, `京` and `東京`.
//!
//! **Invariant:** documents and queries pass through the same [`Analyzer`], but for the language, which each
//! may say for itself; equal settings give equal terms. What is a word, and where it stands, depends on no
//! language. An image records the [`fingerprint`](Analyzer::fingerprint) it was built under.

mod fold;
mod function_words;
mod identifier;
mod known;
mod segment;
mod stem;

pub(super) use known::KnownTerms;
pub use stem::Language;

use segment::Piece;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// The longest term in bytes. A longer token is cut to it: long tokens are data (keys, hashes,
/// addresses), and their first bytes tell them apart.
pub const MAX_TERM_BYTES: usize = 128;

/// How much of a text is indexed, in bytes; what lies behind is ignored.
pub const MAX_TEXT_BYTES: usize = 16 << 20;

/// Raised with every change to the rules in this module, so that older images are rebuilt.
const RULES_VERSION: u8 = 2;

/// A term of a text, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// The term, folded.
    pub term: &'a str,
    /// How many words or parts of words begin before it. A name and its first part stand at the same
    /// place, so that a phrase finds either.
    pub position: u32,
    /// What of the text it was made from, in bytes.
    pub range: Range<usize>,
}

/// Numbers the places where terms begin.
#[derive(Default)]
struct Places {
    /// Where the last new place begins, and its number.
    last: Option<(usize, u32)>,
    /// The first word of a run.
    run: Option<(usize, u32)>,
    /// The last word.
    word: Option<(usize, u32)>,
    /// The word before it.
    before: Option<(usize, u32)>,
}

impl Places {
    /// The place that begins at `start`, no earlier than the last.
    fn next(&mut self, start: usize) -> u32 {
        let number = match self.last {
            None => 0,
            Some((last, number)) if last == start => number,
            Some((_, number)) => number + 1,
        };
        self.last = Some((start, number));
        number
    }

    fn of_word(&mut self, start: usize) -> u32 {
        let number = self.next(start);
        self.before = self.word.replace((start, number));
        self.run = self.run.or(self.word);
        number
    }

    /// A compound begins with the first word of its run, is the last word with its mark, or the last two.
    fn of_compound(&self, start: usize) -> u32 {
        let mut places = [self.run, self.word, self.before].into_iter().flatten();
        places.find(|place| place.0 == start).map_or(0, |place| place.1)
    }
}

/// The settings under which text becomes terms.
///
/// ```
/// use memlith_index::text::Analyzer;
///
/// let mut terms = Vec::new();
/// Analyzer::default().analyze("Crème brûlée", |token| terms.push(token.term.to_owned()));
/// assert_eq!(terms, ["creme", "brulee"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analyzer {
    fold_accents: bool,
    split_names: bool,
    keep_positions: bool,
    language: Option<Language>,
}

impl Default for Analyzer {
    fn default() -> Self {
        Self { fold_accents: true, split_names: true, keep_positions: true, language: None }
    }
}

impl Analyzer {
    /// Is `é` found as `e`? On by default; off for languages where the two are other letters.
    #[must_use]
    pub fn fold_accents(self, fold_accents: bool) -> Self {
        Self { fold_accents, ..self }
    }

    /// Are identifiers, paths and numbers found by part as well as whole? On by default.
    #[must_use]
    pub fn split_names(self, split_names: bool) -> Self {
        Self { split_names, ..self }
    }

    /// Are the positions of terms kept, for phrases? On by default; without them an index is smaller,
    /// and a phrase finds what has all of its words.
    #[must_use]
    pub fn keep_positions(self, keep_positions: bool) -> Self {
        Self { keep_positions, ..self }
    }

    /// Are words brought to the stem that a language gives them, so that `walks` is found as `walking`?
    /// Off by default: which language a text is in is the caller's to say. Of a language whose function
    /// words are known, which English is, [`Query::words`](super::Query::words) and what is like it leave
    /// those out, unless there is no other word; phrases and what is required or excluded keep them.
    ///
    /// ```
    /// use memlith_index::text::{Analyzer, Language};
    ///
    /// let mut terms = Vec::new();
    /// let english = Analyzer::default().stem(Some(Language::English));
    /// english.analyze("connected connections", |token| terms.push(token.term.to_owned()));
    /// assert_eq!(terms, ["connect", "connect"]);
    /// ```
    #[must_use]
    pub fn stem(self, language: Option<Language>) -> Self {
        Self { language, ..self }
    }

    /// The language whose stems words are brought to.
    pub(super) fn language(&self) -> Option<Language> {
        self.language
    }

    /// Does an index keep positions?
    pub(super) fn keeps_positions(&self) -> bool {
        self.keep_positions
    }

    /// Hands every term of `text` to `emit`, in a fixed order, each at most [`MAX_TERM_BYTES`]
    /// long and never empty. Reads the first [`MAX_TEXT_BYTES`] bytes. Any string is fine.
    pub fn analyze(&self, text: &str, emit: impl FnMut(Token<'_>)) {
        self.analyze_by(|word, into| self.term(word, into), text, emit);
    }

    /// The same, for whoever analyses many texts: terms of words that were met before need not be found again.
    pub(super) fn analyze_knowing(
        &self,
        known: &mut KnownTerms,
        text: &str,
        emit: impl FnMut(Token<'_>),
    ) {
        let Some(language) = self.language else { return self.analyze(text, emit) };
        let rules = language.code() << 1 | u8::from(self.fold_accents);
        let term = |word: &str, into: &mut String| {
            known.term(rules, word, into, |into| self.term(word, into));
        };
        self.analyze_by(term, text, emit);
    }

    fn analyze_by(
        &self,
        mut term: impl FnMut(&str, &mut String),
        text: &str,
        mut emit: impl FnMut(Token<'_>),
    ) {
        let mut folded = String::with_capacity(MAX_TERM_BYTES);
        self.words(text, |range, position| {
            folded.clear();
            term(&text[range.clone()], &mut folded);
            if !folded.is_empty() {
                emit(Token { term: &folded, position, range });
            }
        });
    }

    /// Hands what of `text` is brought to terms to `visit`, with the position of each: the same in every
    /// language.
    pub(super) fn words(&self, text: &str, mut visit: impl FnMut(Range<usize>, u32)) {
        let mut places = Places::default();
        let text = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
        segment::pieces(text, |piece| match piece {
            Piece::Gap => places.run = None,
            Piece::Word(word) => {
                visit(word.clone(), places.of_word(word.start));
                if self.split_names {
                    identifier::parts(&text[word.clone()], |part| {
                        let range = word.start + part.start..word.start + part.end;
                        let position = places.next(range.start);
                        visit(range, position);
                    });
                }
            }
            Piece::Pair(pair) => {
                let position = places.of_compound(pair.start);
                visit(pair, position);
            }
            Piece::Compound(whole) if self.split_names => {
                let position = places.of_compound(whole.start);
                visit(whole, position);
            }
            Piece::Compound(_) => {}
        });
    }

    /// Appends what a word is found as.
    fn term(&self, word: &str, into: &mut String) {
        let Some(language) = self.language else {
            return fold::fold(word, self.fold_accents, MAX_TERM_BYTES, into);
        };
        // Stemming knows accents, and words without them are others.
        let mut lower = String::new();
        fold::fold(word, false, MAX_TERM_BYTES, &mut lower);
        fold::fold(&language.stem(&lower), self.fold_accents, MAX_TERM_BYTES, into);
    }

    /// Does the language have this word for grammar alone? Such words tell documents apart by accident.
    pub(super) fn is_function_word(&self, word: &str) -> bool {
        let Some(language) = self.language else { return false };
        let mut lower = String::new();
        fold::fold(word, true, MAX_TERM_BYTES, &mut lower);
        language.is_function_word(&lower)
    }

    /// What one word is found as.
    pub(super) fn word(&self, word: &str) -> String {
        let mut term = String::new();
        self.term(word, &mut term);
        term
    }

    /// What the beginning of a word is found as: it has no stem.
    pub(super) fn beginning(&self, beginning: &str) -> String {
        let mut folded = String::new();
        fold::fold(beginning, self.fold_accents, MAX_TERM_BYTES, &mut folded);
        folded
    }

    /// Equal for two analyzers exactly if they make equal images of every text: it covers the
    /// settings, the rules of this version and the Unicode tables they rest on.
    pub fn fingerprint(&self) -> u64 {
        let (segment_major, segment_minor, segment_patch) = unicode_segmentation::UNICODE_VERSION;
        let (fold_major, fold_minor, fold_patch) = unicode_normalization::UNICODE_VERSION;
        let (case_major, case_minor, case_patch) = char::UNICODE_VERSION;
        xxh3_64(&[
            RULES_VERSION,
            u8::from(self.fold_accents),
            u8::from(self.split_names),
            u8::from(self.keep_positions),
            self.language.map_or(0, Language::code),
            segment_major as u8,
            segment_minor as u8,
            segment_patch as u8,
            fold_major,
            fold_minor,
            fold_patch,
            case_major,
            case_minor,
            case_patch,
        ])
    }
}
