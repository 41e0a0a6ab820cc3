//! The graph of Memlith.
//!
//! Pure data structures and algorithms over dense `u32` ordinals.
//!
//! **Invariant:** nothing here performs I/O, reads a clock or panics on bytes it was given.

pub mod adjacency;
pub mod analytics;
pub mod image;
pub mod traverse;
