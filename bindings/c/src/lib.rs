//! The C door: every function of `include/memlith.h`.
//!
//! The header is made of this crate's types, functions and comments by `tests/header.rs`, and is the
//! manual. So comments on what is exported speak to whoever reads the header.
//!
//! **Invariant:** nothing that a caller passes is dereferenced outside of `boundary`; no panic leaves a
//! function (`call`); a handle is never a pointer to anything (`handle`).
#![expect(
    unsafe_code,
    reason = "C calls it: exported functions and, in `boundary`, what they are given"
)]
#![expect(non_camel_case_types, reason = "types have the names that they have in C")]
#![expect(
    clippy::missing_safety_doc,
    reason = "what a caller must uphold is the same everywhere, and stands in the header"
)]

mod answer;
mod batch;
mod boundary;
mod call;
mod cancellation;
mod cursor;
mod db;
mod embedder;
mod error;
mod graph;
mod handle;
mod history;
mod library;
mod memories;
mod nearest;
mod new_memory;
mod options;
mod progress;
mod recall;
mod report;
mod snapshot;
mod space;
mod status;
mod text;
mod transaction;
mod upkeep;
mod views;
mod write;

pub use answer::*;
pub use batch::*;
pub use cancellation::*;
pub use cursor::*;
pub use db::*;
pub use embedder::*;
pub use error::*;
pub use graph::*;
pub use history::*;
pub use library::*;
pub use memories::*;
pub use nearest::*;
pub use new_memory::*;
pub use options::*;
pub use progress::*;
pub use recall::*;
pub use report::*;
pub use snapshot::*;
pub use space::*;
pub use status::*;
pub use text::*;
pub use transaction::*;
pub use upkeep::*;
pub use views::*;
pub use write::*;
