//! The file: how it is opened, damaged, verified and made smaller, and what calls refuse.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod damaged;
mod errors;
mod opening;
mod space;
mod verified;

use memlith::{Error, ErrorKind, NewMemory, Result};
use std::fmt::Debug;

#[track_caller]
fn assert_error<T: Debug>(done: Result<T>, kind: ErrorKind, message: &str) -> Error {
    let error = done.expect_err("it must be refused");
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
    error
}

fn memory() -> NewMemory {
    NewMemory::new("note")
}
