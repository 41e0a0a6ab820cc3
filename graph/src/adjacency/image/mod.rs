//! The stored form of an adjacency: compressed sparse rows, once by source and once by target.
//!
//! | file | what |
//! |---|---|
//! | `layout` | where everything lies |
//! | `read` | reading it in place |
//! | `write` | making it, step by step |
//!
//! **Invariant:** what an image holds decides its bytes, however it came about.

mod layout;
mod read;
mod write;

use super::edge::Side;

pub(crate) use layout::MAX_COUNT;
pub(crate) use read::{Image, ImageReader, Sieve};
pub use write::ImageWriter;

/// A record: the side, the node whose list it is in, and its slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) side: Side,
    pub(crate) owner: u32,
    pub(crate) slot: u32,
}
