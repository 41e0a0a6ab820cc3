//! The schema of the table space: every table of a Memlith file, its keys and its values.
//!
//! Keys are byte strings that sort as their fields do: integers big-endian, strings that others
//! follow preceded by their length. Values are described with the module that owns them and, byte
//! for byte, in `docs/file-format.md`.
//!
//! **Invariant:** no table is named anywhere else; a change here is a change of the file format.

use crate::ids::{EdgeId, MemoryId, NodeId, Seq, SpaceId};
use redb::TableDefinition;

/// A table of byte keys and byte values.
pub(crate) type Bytes = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// Commit sequence (u64) -> log row (`commit::log`).
pub(crate) const LOG: Bytes = TableDefinition::new("log");

/// Idempotency key -> sequence (u64), time in ms (i64).
pub(crate) const OUTCOMES: Bytes = TableDefinition::new("outcomes");

/// Index name -> image row (`derived::image`).
pub(crate) const IMAGES: Bytes = TableDefinition::new("images");

/// Memory id (u64) -> accesses (u64), last access in ms (i64). Written in batches, and not logged:
/// reading is no change of what an agent knows.
pub(crate) const ACCESSES: Bytes = TableDefinition::new("accesses");

/// Hash of an embedder's identity and of a text -> the vector, f32 little-endian. Written in batches, and not
/// logged: it is what need not be made again (`embeddings::stored`).
pub(crate) const EMBEDDINGS: Bytes = TableDefinition::new("embeddings");

/// Name -> value of single facts: see the constants of [`fact`].
pub(crate) const FACTS: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("facts");

/// Space (u32), number of the segment (u32) -> a segment of sealed vectors (`sealed::SealedRow`).
pub(crate) const SEALED: Bytes = TableDefinition::new("sealed");

/// What a table is called while it is written anew, which ends with its transaction.
pub(crate) const PACKED: Bytes = TableDefinition::new("packed");

/// Names in [`FACTS`].
pub(crate) mod fact {
    /// What the log says before its oldest row: sequence (u64), hash (32 bytes).
    pub(crate) const LOG_ANCHOR: &str = "log_anchor";
    /// Which edges have [links](super::Table::Links) (`commit::links`): all whose number is less than the first
    /// (u64), and all from the second (u64) on.
    pub(crate) const LINKED: &str = "linked";
}

/// The tables that user transactions write through a write set, and links, which follow from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Table {
    /// Memory id (u64) -> memory row (`memory::row`).
    Memories,
    /// Space (u32), id of a memory or a node (u64) -> the vector, f32 little-endian, until it is sealed.
    Vectors,
    /// Length of namespace (u16), namespace, external id -> memory id (u64).
    External,
    /// Kind (u8), name -> catalogue row (`catalog`): vector spaces, metadata indexes, kinds of edges.
    Catalog,
    /// Node id (u64) -> node row (`knowledge::row`).
    Nodes,
    /// Length of namespace (u16), namespace, external id or alias -> node id (u64).
    NodeNames,
    /// Edge id (u64) -> edge row (`knowledge::row`).
    Edges,
    /// An end of an edge, seen from there (`knowledge::link`) -> nothing. Two rows an edge, or none
    /// (`commit::links`).
    Links,
}

impl Table {
    pub(crate) const ALL: [Table; 8] = [
        Table::Memories,
        Table::Vectors,
        Table::External,
        Table::Catalog,
        Table::Nodes,
        Table::NodeNames,
        Table::Edges,
        Table::Links,
    ];

    pub(crate) const fn definition(self) -> Bytes {
        match self {
            Table::Memories => TableDefinition::new("memories"),
            Table::Vectors => TableDefinition::new("vectors"),
            Table::External => TableDefinition::new("external"),
            Table::Catalog => TableDefinition::new("catalog"),
            Table::Nodes => TableDefinition::new("nodes"),
            Table::NodeNames => TableDefinition::new("node_names"),
            Table::Edges => TableDefinition::new("edges"),
            Table::Links => TableDefinition::new("links"),
        }
    }
}

pub(crate) fn memory_key(id: MemoryId) -> [u8; 8] {
    id.0.to_be_bytes()
}

/// Where the vector of a memory or a node is, by its number: the two are numbered in one run.
pub(crate) fn vector_key(space: SpaceId, owner: u64) -> [u8; 12] {
    let mut key = [0; 12];
    key[..4].copy_from_slice(&space.0.to_be_bytes());
    key[4..].copy_from_slice(&owner.to_be_bytes());
    key
}

/// The space and the number of a key of [`Table::Vectors`].
pub(crate) fn read_vector_key(key: &[u8]) -> Option<(SpaceId, u64)> {
    let (space, owner) = key.split_first_chunk()?;
    Some((SpaceId(u32::from_be_bytes(*space)), read_u64(owner)?))
}

pub(crate) fn sealed_key(space: SpaceId, number: u32) -> [u8; 8] {
    let mut key = [0; 8];
    key[..4].copy_from_slice(&space.0.to_be_bytes());
    key[4..].copy_from_slice(&number.to_be_bytes());
    key
}

pub(crate) fn external_key(namespace: &str, external: &str) -> Vec<u8> {
    let len = u16::try_from(namespace.len()).unwrap_or(u16::MAX);
    [&len.to_be_bytes(), namespace.as_bytes(), external.as_bytes()].concat()
}

pub(crate) fn node_key(id: NodeId) -> [u8; 8] {
    id.0.to_be_bytes()
}

pub(crate) fn edge_key(id: EdgeId) -> [u8; 8] {
    id.0.to_be_bytes()
}

pub(crate) fn log_key(seq: Seq) -> [u8; 8] {
    seq.0.to_be_bytes()
}

/// Reads a big-endian u64 key or value; `None` if it is not exactly eight bytes.
pub(crate) fn read_u64(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}
