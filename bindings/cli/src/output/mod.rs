//! What leaves the command line: answers, remarks, errors, tables and progress.
//!
//! **Invariant:** every command writes through [`Console`] or to a file it was given, so that
//! stdout holds answers only. Used by `commands` and `main`.

mod console;
mod failure;
mod progress;
pub(crate) mod table;

pub(crate) use console::{Console, write_json_line};
pub(crate) use failure::{Failure, Outcome, report};
pub(crate) use memlith_json::{Embedding, MemoryLine, Time, shown_id};
pub(crate) use progress::Bar;
