//! Newtypes of the numbers that users and rows speak of.
//!
//! **Invariant:** an id is allotted once and never reused; ids of memories rise in commit order.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// No file has so many commits or memories: a larger number was made up, and to count on from there
/// is to overflow in the end.
pub(crate) const MAX_NUMBER: u64 = 1 << 62;

/// The number of a memory in its file. Rises with every memory, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryId(pub u64);

/// The sequence number of a commit: 1 for the first, one more for each that follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// The number of a vector space in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SpaceId(pub(crate) u32);

impl fmt::Display for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for MemoryId {
    type Err = ParseIntError;

    fn from_str(s: &str) -> Result<Self, ParseIntError> {
        s.parse().map(MemoryId)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
