//! What enters the command line: lines of JSON, matrices of vectors, memories in either.
//!
//! **Invariant:** whatever the bytes are, reading them ends in a value or an error that says
//! where; memory is bounded by named limits. Used by `commands`.

mod derived_id;
mod jsonl;
mod npy;
mod query;

pub(crate) use derived_id::DerivedIds;
pub(crate) use jsonl::{BytesRead, Counted, Line, Lines};
pub(crate) use memlith_json::{Defaults, Record};
pub(crate) use npy::{Matrix, NpyError};
pub(crate) use query::Query;
