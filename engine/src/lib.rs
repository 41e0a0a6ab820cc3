//! Memlith: one file that remembers and recalls.
mod clock;
mod commit;
mod error;
pub mod filter;
mod file;

pub use clock::{Clock, SystemClock};
pub use error::{Error, ErrorKind, Result};
