//! A query: what a document must, may and must not have.
//!
//! **Invariant:** any string is a query; one without words finds nothing. The order of words changes no
//! score.

mod fuzzy;
mod parse;
mod resolve;

pub use fuzzy::MAX_TYPOS;
pub(super) use fuzzy::{Automaton, Verdict};
pub(super) use resolve::{Kind, Leaf, Resolved};

use super::analysis::{Analyzer, Language};

/// Distinct terms of a query that are looked up; those that come later are ignored.
pub const MAX_QUERY_TERMS: usize = 1024;

/// How much of a query is read, in bytes: enough for the terms above.
const MAX_QUERY_BYTES: usize = 64 << 10;

/// Does a document need it?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occur {
    /// It counts where it is there. A document needs one such clause if nothing is required.
    Should,
    /// Documents without it are not found.
    Must,
    /// Documents with it are not found.
    MustNot,
}

/// What a clause looks for. [`Query::parse`] reads them from what people type:
///
/// | written | means |
/// |---|---|
/// | `word` | counts where it is there |
/// | `"two words"` | in a row |
/// | `+word`, `+"two words"` | required |
/// | `-word`, `-"two words"` | excluded |
/// | `wor*` | any word that begins so |
/// | `word~`, `word~1` | words that differ by two letters, or one |
///
/// A sign counts only where it stands at the beginning or end of a word.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pattern {
    /// The words of a text, each by itself.
    Words(String),
    /// The words of a text in a row. Where an index keeps no positions: all of them.
    Phrase(String),
    /// Any word that begins so, all of them together as one word; the first 1,024.
    Prefix(String),
    /// Words that differ by few letters, of which those count less that differ by more. A letter too many,
    /// too few, another one, or two neighbours that changed places are one each.
    Fuzzy {
        /// The word.
        word: String,
        /// The most letters that others may differ by; [`MAX_TYPOS`] at most.
        typos: u8,
    },
}

/// One condition of a query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Clause {
    /// Does a document need it?
    pub occur: Occur,
    /// What it looks for.
    pub pattern: Pattern,
}

/// A query.
///
/// ```
/// use memlith_index::text::{Clause, Occur, Pattern, Query};
///
/// let mut query = Query::words("where did we put the spare key");
/// query.push(Clause { occur: Occur::MustNot, pattern: Pattern::Words("car".into()) });
/// assert_eq!(query.clauses().len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Query {
    clauses: Vec<Clause>,
    /// Each once; those of the index where it names none.
    languages: Vec<Option<Language>>,
}

impl Query {
    /// The words of a text, of which a document needs one: no character means anything else.
    pub fn words(text: &str) -> Self {
        Self::default().with(Occur::Should, Pattern::Words(text.to_owned()))
    }

    /// The words of a text, all of which a document needs.
    pub fn all_words(text: &str) -> Self {
        Self::default().with(Occur::Must, Pattern::Words(text.to_owned()))
    }

    /// Adds a clause.
    #[must_use]
    pub fn with(mut self, occur: Occur, pattern: Pattern) -> Self {
        self.push(Clause { occur, pattern });
        self
    }

    /// Adds a clause.
    pub fn push(&mut self, clause: Clause) {
        self.clauses.push(clause);
    }

    /// Asks in these languages, where documents of one index are in several; in that of the index unless told.
    /// A document is found by a word in any of them, and a word of which two make the same counts once. Words
    /// that one of them has for grammar are left out, as [`Analyzer::stem`] says.
    ///
    /// ```
    /// use memlith_index::text::{Analyzer, Language, Query, TextIndex};
    ///
    /// # fn main() -> Result<(), memlith_index::text::TextError> {
    /// let [english, german] = [Language::English, Language::German].map(Some);
    /// let mut index = TextIndex::new(Analyzer::default().stem(english));
    /// index.insert(0, "houses by the sea", 1)?;
    /// index.insert_fields(1, &[("ein Haus am Meer", 1)], german, 1)?;
    /// let query = Query::words("Häuser, house").in_languages([english, german]);
    /// assert_eq!(index.view(1).search(&query, 10, None, &mut || true)?.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn in_languages(mut self, languages: impl IntoIterator<Item = Option<Language>>) -> Self {
        self.languages.clear();
        for language in languages {
            if !self.languages.contains(&language) {
                self.languages.push(language);
            }
        }
        self
    }

    /// One condition, asked for in the same languages.
    pub(super) fn alone(&self, occur: Occur, pattern: Pattern) -> Self {
        Self { clauses: vec![Clause { occur, pattern }], languages: self.languages.clone() }
    }

    /// How its words become terms of an index with this analyzer: in at least one way.
    pub(super) fn analyzers(&self, of_index: &Analyzer) -> Vec<Analyzer> {
        if self.languages.is_empty() {
            return vec![of_index.clone()];
        }
        self.languages.iter().map(|language| of_index.clone().stem(*language)).collect()
    }

    /// Its conditions.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }
}
