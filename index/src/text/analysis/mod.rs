//! Text to terms: the one place that decides what counts as the same word.
//!
//! Words are cut by the Unicode rules (UAX #29), folded, and, where they look like names rather
//! than words, emitted whole *and* by part: `src/main.rs` is found as itself and under `src`,
//! `main.rs`, `main` and `rs`.
//!
//! **Invariant:** documents and queries pass through the same [`Analyzer`]; equal settings give
//! equal terms. An image records the [`fingerprint`](Analyzer::fingerprint) it was built under.

mod fold;
mod identifier;
mod segment;

use segment::Piece;
use xxhash_rust::xxh3::xxh3_64;

/// The longest term in bytes. A longer token is cut to it: long tokens are data (keys, hashes,
/// addresses), and their first bytes tell them apart.
pub const MAX_TERM_BYTES: usize = 128;

/// How much of a text is indexed, in bytes; what lies behind is ignored.
pub const MAX_TEXT_BYTES: usize = 16 << 20;

/// Raised with every change to the rules in this module, so that older images are rebuilt.
const RULES_VERSION: u8 = 1;

/// The settings under which text becomes terms.
///
/// ```
/// use memlith_index::text::Analyzer;
///
/// let mut terms = Vec::new();
/// Analyzer::default().analyze("Crème brûlée", |term| terms.push(term.to_owned()));
/// assert_eq!(terms, ["creme", "brulee"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analyzer {
    fold_accents: bool,
    split_names: bool,
}

impl Default for Analyzer {
    fn default() -> Self {
        Self { fold_accents: true, split_names: true }
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

    /// Hands every term of `text` to `emit`, in a fixed order, each at most [`MAX_TERM_BYTES`]
    /// long and never empty. Reads the first [`MAX_TEXT_BYTES`] bytes. Any string is fine.
    pub fn analyze(&self, text: &str, mut emit: impl FnMut(&str)) {
        let mut folded = String::with_capacity(MAX_TERM_BYTES);
        let mut term = |raw: &str| {
            folded.clear();
            fold::fold(raw, self.fold_accents, MAX_TERM_BYTES, &mut folded);
            if !folded.is_empty() {
                emit(&folded);
            }
        };
        let text = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
        segment::pieces(text, |piece| match piece {
            Piece::Word(word) => {
                term(word);
                if self.split_names {
                    identifier::parts(word, &mut term);
                }
            }
            Piece::Compound(whole) if self.split_names => term(whole),
            Piece::Compound(_) => {}
        });
    }

    /// Equal for two analyzers exactly if they make equal terms of every text: it covers the
    /// settings, the rules of this version and the Unicode tables they rest on.
    pub fn fingerprint(&self) -> u64 {
        let (segment_major, segment_minor, segment_patch) = unicode_segmentation::UNICODE_VERSION;
        let (fold_major, fold_minor, fold_patch) = unicode_normalization::UNICODE_VERSION;
        let (case_major, case_minor, case_patch) = char::UNICODE_VERSION;
        xxh3_64(&[
            RULES_VERSION,
            u8::from(self.fold_accents),
            u8::from(self.split_names),
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
