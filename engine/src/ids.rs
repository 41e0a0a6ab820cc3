//! Newtypes of the numbers that users and rows speak of.
//!
//! **Invariant:** an id is allotted once and never reused; memories, nodes and edges share one run of
//! numbers, which rises in commit order.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// No file has so many commits or memories: a larger number was made up, and to count on from there
/// is to overflow in the end.
pub(crate) const MAX_NUMBER: u64 = 1 << 62;

/// The number of a memory in its file. Rises with every memory, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryId(pub u64);

/// The number of a node of the knowledge graph in its file. Rises with every node, never reused, and no
/// memory or edge has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

/// The number of an edge of the knowledge graph in its file. Rises with every edge, never reused, and no
/// memory or node has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeId(pub u64);

/// The sequence number of a commit: 1 for the first, one more for each that follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// The number of a vector space in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SpaceId(pub(crate) u32);

macro_rules! in_text {
    ($($id:ident),*) => {
        $(
            impl fmt::Display for $id {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl FromStr for $id {
                type Err = ParseIntError;

                fn from_str(s: &str) -> Result<Self, ParseIntError> {
                    s.parse().map($id)
                }
            }
        )*
    };
}
in_text!(MemoryId, NodeId, EdgeId);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
