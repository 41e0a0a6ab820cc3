//! The image of a text segment: immutable, read in place, byte for byte determined by its content.
//!
//! ```text
//! header       80 B
//! documents    pages of 4,096 by ascending ordinal: ordinals and lengths in as few bytes as they need
//! pages        12 B each: where the page lies, what its numbers look like
//! dictionary   blocks of 32 terms by ascending term, front-coded, each with its list's length
//! blocks       12 B each: where the block and the lists of its terms begin
//! lists        per term: the documents that have it, how often, and where
//! ```
//!
//! See `docs/file-format.md`, "Text". All integers are little-endian.
//!
//! **Invariant:** opening checks that the sections fill the image exactly; everything else is checked
//! where it is read, so that opening costs the same for every size.

mod dictionary;
mod documents;
mod header;
mod impact;
mod list;
mod pack;
mod posting_block;
mod read;
mod tiny;
mod varint;
mod write;

pub(super) use dictionary::{TermCursor, TermRecord};
pub(super) use documents::Page;
pub(super) use impact::{Impacts, Point};
pub(super) use list::{ListReader, Span};
pub(super) use pack::BLOCK;
pub(super) use posting_block::Postings;
pub(super) use read::Image;
pub(super) use write::{ImageWriter, TermPostings};

use crate::image::ImageError;

/// The most documents of a segment: adding up gaps of a block then needs no wider integers.
pub(super) const MAX_DOCUMENTS: u32 = 1 << 31;

fn inconsistent(what: &'static str) -> ImageError {
    ImageError::Inconsistent { what }
}
