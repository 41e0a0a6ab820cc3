//! The search structures of Memlith.
//!
//! Pure data structures over dense `u32` ordinals: int8 vector scan, BM25 postings, attribute
//! bitmaps and columns. They own their bytes (`&[u8]` in, `Vec<u8>` out) and know no file, no
//! clock and no public id; the engine supplies all three.
//!
//! **Invariant:** nothing here performs I/O, reads a clock or panics on bytes it was given.

pub mod arena;
pub mod attributes;
pub mod image;
pub mod text;
pub mod vectors;
