//! Memlith: one file that remembers and recalls.
mod error;
mod file;
pub mod filter;

pub use error::{Error, ErrorKind, Result};
