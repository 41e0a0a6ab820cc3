//! Memlith: one file that remembers and recalls.
mod error;
pub mod filter;
mod file;

pub use error::{Error, ErrorKind, Result};
