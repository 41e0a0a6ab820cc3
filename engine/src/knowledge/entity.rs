//! What an edge can join: nodes and memories.
//!
//! **Invariant:** the code of an entity is its number times two, plus one for a memory. It is what rows
//! hold; what edges join has one of 31 bits.

use super::MAX_GRAPH_NUMBER;
use crate::Result;
use crate::error::Detail;
use crate::ids::{MemoryId, NodeId};
use std::fmt;

/// A node or a memory: what edges join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entity {
    /// A node of the graph.
    Node(NodeId),
    /// A memory.
    Memory(MemoryId),
}

impl Entity {
    pub(crate) fn code(self) -> u64 {
        match self {
            Entity::Node(id) => id.0 << 1,
            Entity::Memory(id) => id.0 << 1 | 1,
        }
    }

    pub(crate) fn of_code(code: u64) -> Self {
        if code & 1 == 0 {
            Entity::Node(NodeId(code >> 1))
        } else {
            Entity::Memory(MemoryId(code >> 1))
        }
    }

    pub(crate) fn number(self) -> u64 {
        match self {
            Entity::Node(NodeId(number)) | Entity::Memory(MemoryId(number)) => number,
        }
    }

    /// Its code, as edges have it.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if its number is too high to be joined to anything.
    pub(super) fn end_code(self) -> Result<u32> {
        let (number, limit) = (self.number(), MAX_GRAPH_NUMBER - 1);
        if number > limit {
            let what = "the number of what an edge joins";
            return Err(Detail::Limit { what, found: number, limit }.into());
        }
        Ok(self.code() as u32)
    }
}

impl From<NodeId> for Entity {
    fn from(id: NodeId) -> Self {
        Entity::Node(id)
    }
}

impl From<MemoryId> for Entity {
    fn from(id: MemoryId) -> Self {
        Entity::Memory(id)
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entity::Node(id) => write!(f, "node {id}"),
            Entity::Memory(id) => write!(f, "memory {id}"),
        }
    }
}

/// How a caller names a node or a memory.
///
/// ```
/// use memlith::{EntityRef, MemoryId};
/// let by_name = EntityRef::from("ada"); // a node, by its external id or an alias
/// let by_number = EntityRef::from(MemoryId(7));
/// # assert_ne!(by_name, by_number);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EntityRef {
    /// By its number.
    Number(Entity),
    /// A node, by its external id or an alias.
    Name(String),
}

impl<T: Into<Entity>> From<T> for EntityRef {
    fn from(entity: T) -> Self {
        EntityRef::Number(entity.into())
    }
}

impl From<&str> for EntityRef {
    fn from(name: &str) -> Self {
        EntityRef::Name(name.into())
    }
}

impl From<String> for EntityRef {
    fn from(name: String) -> Self {
        EntityRef::Name(name)
    }
}

impl fmt::Display for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntityRef::Number(entity) => entity.fmt(f),
            EntityRef::Name(name) => name.fmt(f),
        }
    }
}

/// Between whom an edge is, by their codes, and of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ends {
    pub(crate) source: u64,
    pub(crate) kind: u16,
    pub(crate) target: u64,
}
