//! Memories: the records that agents remember and recall.

mod limits;
mod record;
mod row;

pub use limits::*;
pub use record::{
    DEFAULT_IMPORTANCE, DEFAULT_NAMESPACE, DEFAULT_PRIORITY, DEFAULT_SPACE, Memory, NewMemory,
    Patch, Upsert,
};
pub(crate) use row::{ArchivedMemoryRow, MemoryRow, SpaceVector, access, vector_digest};
