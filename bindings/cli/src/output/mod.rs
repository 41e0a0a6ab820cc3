//! What leaves the command line: answers, remarks, errors, tables and progress.
//!
//! **Invariant:** every command writes through [`Console`] or to a file it was given, so that
//! stdout holds answers only. Used by `commands` and `main`.

mod console;
mod failure;
mod memory;
mod progress;
pub(crate) mod table;
mod time;

pub(crate) use console::{Console, write_json_line};
pub(crate) use failure::{Failure, Outcome, report};
pub(crate) use memory::{Embedding, MemoryLine, shown_id};
pub(crate) use progress::Bar;
pub(crate) use time::Time;
