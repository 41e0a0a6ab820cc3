//! The graph of Memlith.
//!
//! Pure data structures and algorithms over dense `u32` ordinals: an adjacency of typed, weighted edges
//! that is read in place, walks over it, and analyses of it as a whole. They own their bytes (`&[u8]` in,
//! `Vec<u8>` out) and know no file, no clock, no public id and no other index; the engine supplies them.
//!
//! ```text
//!   rows of the engine --> adjacency::GraphIndex      one writer: image + delta
//!                                 |  view()
//!                          adjacency::GraphView       any number of readers, each of one moment
//!                             |            |
//!                   traverse::related   analytics::Projection     the edges in question, flat in memory
//!                   shortest_path ...      |
//!                                       page_rank, leiden ...
//! ```
//!
//! Walks read the view itself and cost what they meet. Analyses read everything many times over, and so
//! take the nodes and edges that they are about out of the view first.
//!
//! **Invariant:** nothing here performs I/O, reads a clock or panics on bytes it was given. Threads are
//! started by analyses alone, as many as the caller says, and none outlives the call.

pub mod adjacency;
pub mod analytics;
pub mod image;
mod prefetch;
pub mod traverse;
