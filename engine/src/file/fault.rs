//! What goes wrong below redb, typed, so that it survives the journey through it.
//!
//! **Invariant:** an `io::Error` made here gives back its [`Fault`] in [`error_from`], however
//! many layers have passed it on. Called by this module and by whoever maps redb's errors.

use crate::error::{Detail, Error};
use std::io;

/// A failure that is ours, carried inside an `io::Error` because redb's backend speaks that.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// An earlier write or sync failed.
    #[error("an earlier failure closed this container")]
    Latched,
    /// A page of the table space does not match its checksum.
    #[error("table page at {offset} does not match its checksum")]
    DamagedPage { offset: u64 },
    /// A page that the tables name lies behind the end of their space.
    #[error("a table page ends at {end}, the table space at {len}")]
    BeyondEnd { end: u64, len: u64 },
    /// Repairing a read-only file needs more memory than the overlay may take.
    #[error("repair in memory needs more than {limit} bytes")]
    OverlayFull { needed: u64, limit: u64 },
    /// The file would need more chunks than its format can name.
    #[error("the file would need {chunks} chunks, the format has room for {limit}")]
    TooManyChunks { chunks: u64, limit: u64 },
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        let kind = match fault {
            Fault::DamagedPage { .. } => io::ErrorKind::InvalidData,
            Fault::BeyondEnd { .. } => io::ErrorKind::UnexpectedEof,
            Fault::OverlayFull { .. } => io::ErrorKind::OutOfMemory,
            Fault::TooManyChunks { .. } => io::ErrorKind::FileTooLarge,
            Fault::Latched => io::ErrorKind::Other,
        };
        io::Error::new(kind, fault)
    }
}

/// The library's error for an `io::Error`, whether it came from the system or from a [`Fault`].
pub(crate) fn error_from(doing: &'static str, e: io::Error) -> Error {
    let fault = e.get_ref().and_then(|inner| inner.downcast_ref::<Fault>());
    match fault {
        None => Error::io(doing, e),
        Some(Fault::Latched) => Detail::Latched.into(),
        Some(Fault::DamagedPage { offset }) => Error::corruption(
            "table page",
            "bytes that match their checksum",
            format!("a mismatch at {offset} of the table space"),
        ),
        Some(Fault::BeyondEnd { end, len }) => Error::corruption(
            "table space",
            format!("pages within its {len} bytes"),
            format!("one that ends at {end}"),
        ),
        Some(&Fault::OverlayFull { needed, limit }) => {
            Detail::Limit { what: "memory to repair a read-only file", found: needed, limit }.into()
        }
        Some(&Fault::TooManyChunks { chunks, limit }) => {
            Detail::Limit { what: "the number of chunks in the file", found: chunks, limit }.into()
        }
    }
}
