//! How a graph reads the bytes of its image.
//!
//! An *image* is the immutable serialized form of an adjacency. The engine stores it in a segment and
//! hands it back as a [`Source`], and it is read in place, range by range.
//!
//! **Invariant:** bytes that a [`Source`] returns are those that were written, or it returns
//! [`ImageError::Damaged`]: integrity is the source's business. The *content* is still untrusted
//! (an old version, a bug): whoever reads it bounds every length before using it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Why an image could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Stored bytes do not match their checksum.
    #[error("image bytes {start}..{end} do not match their checksum")]
    Damaged {
        /// First byte of the range that was asked for.
        start: usize,
        /// One past its last byte.
        end: usize,
    },
    /// The image ends before a range that it must contain.
    #[error("image of {len} bytes ends before {end}")]
    Truncated {
        /// Where the range that was asked for ends.
        end: usize,
        /// Length of the image in bytes.
        len: usize,
    },
    /// The image is of another kind or format version.
    #[error("image header is not one of {expected}")]
    WrongFormat {
        /// What the reader expected.
        expected: &'static str,
    },
    /// The bytes are intact but contradict each other.
    #[error("image is inconsistent: {what}")]
    Inconsistent {
        /// The rule that does not hold.
        what: &'static str,
    },
    /// What lies elsewhere could not be read.
    #[error("{0}")]
    Elsewhere(Elsewhere),
}

/// Why what lies elsewhere could not be read, in the words of whoever keeps it.
#[derive(Clone, Debug)]
pub struct Elsewhere(pub Arc<dyn std::error::Error + Send + Sync>);

/// Equal if it is the same one.
impl PartialEq for Elsewhere {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Elsewhere {}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Immutable bytes of an image, checked against their checksums on first touch.
pub trait Source: Send + Sync + 'static {
    /// Length of the image in bytes.
    fn len(&self) -> usize;

    /// Is the image without a single byte?
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of `range`, verified. Costs a checksum the first time a block is touched and a
    /// bit test afterwards.
    ///
    /// # Errors
    /// [`ImageError::Damaged`] or [`ImageError::Truncated`].
    fn get(&self, range: Range<usize>) -> Result<&[u8], ImageError>;

    /// Says that all bytes will be read soon; whoever has to fetch them may begin to.
    fn prefetch(&self) {}

    /// All bytes, once every one of them is verified: who reads here and there need not ask for each
    /// place then.
    fn verified(&self) -> Option<&[u8]> {
        None
    }
}

/// A shared image.
pub type SharedSource = Arc<dyn Source>;

impl Source for Vec<u8> {
    fn len(&self) -> usize {
        self.len()
    }

    fn get(&self, range: Range<usize>) -> Result<&[u8], ImageError> {
        let end = range.end;
        self.as_slice().get(range).ok_or(ImageError::Truncated { end, len: Vec::len(self) })
    }

    fn verified(&self) -> Option<&[u8]> {
        Some(self)
    }
}
