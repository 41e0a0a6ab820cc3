//! The text index: BM25 over an immutable image and an exact in-memory tail.
//!
//! A [`TextIndex`] is the one writer; [`TextView`]s are its readers, each fixed at one sequence.
//! Documents are numbered twice: *ordinals* are the engine's, *entries* are ours. An entry is
//! appended for every insert and never changes but for the sequence at which it died, so a view
//! needs no copy: it pins how many entries there are and skips those that had died.
//!
//! ```text
//! TextIndex ──writes──▶ Parts ◀──reads── TextView
//!                        ├─ sealed   image (bytes of a segment) + deaths of its entries
//!                        └─ tail     entry slots + term -> posting list
//! ```
//!
//! Both parts answer the same two questions, "which postings has this term" and "what is known
//! of these documents", and the scorer asks nothing else; a further kind of part needs no more.
//!
//! **Invariant:** what a view answers depends only on the documents that live in it. Document
//! counts, lengths and term frequencies cover those and no others, so moving documents from the
//! tail into an image, or rebuilding the index, changes no score by a bit.
//!
//! ```
//! use memlith_index::text::{Analyzer, Query, TextIndex};
//!
//! # fn main() -> Result<(), memlith_index::text::TextError> {
//! let mut index = TextIndex::new(Analyzer::default());
//! index.insert(0, "the café opens at eight", 1)?;
//! index.insert(1, "E1234 in src/main.rs", 1)?;
//! let view = index.view(1);
//! let hits = view.search(&Query::words("cafe"), 10, None, &mut || true)?;
//! assert_eq!(hits[0].ordinal, 0);
//! assert_eq!(view.search(&Query::words("main.rs"), 10, None, &mut || true)?[0].ordinal, 1);
//! # Ok(())
//! # }
//! ```

mod analysis;
mod bm25;
mod compact;
mod deaths;
mod image;
mod part;
mod query;
mod sealed;
mod search;
mod snippet;
mod tail;
mod tiers;
mod view;
mod walk;
mod writer;

pub use analysis::{Analyzer, Language, MAX_TERM_BYTES, MAX_TEXT_BYTES, Token};
pub use bm25::Bm25;
pub use compact::{Compacted, Compaction, Receipt};
pub use query::{Clause, MAX_QUERY_TERMS, MAX_TYPOS, Occur, Pattern, Query};
pub use search::TextHit;
pub use snippet::Snippet;
pub use view::{TextError, TextView};
pub use writer::{Segment, TextIndex};

/// Documents that are scored together, so that their sums stay in the first-level cache. Slots
/// and deaths are allocated in multiples of it, which makes a window of either one slice.
const WINDOW: u32 = 4096;
