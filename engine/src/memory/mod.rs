//! Memories: the records that agents remember and recall.

mod limits;
mod list;
mod matching;
mod merge;
mod read;
mod record;
mod restore;
mod row;
mod spaces;
mod sparse;
mod subject;
mod successor;
mod validate;
mod vectors;
mod write;

pub use limits::*;
pub use list::{Cursor, List, Order, Page};
pub(crate) use merge::merge as merge_patch;
pub(crate) use read::{metadata_value, require_row};
pub use record::{
    DEFAULT_IMPORTANCE, DEFAULT_NAMESPACE, DEFAULT_PRIORITY, DEFAULT_SPACE, Memory, NewMemory,
    Patch, Upsert,
};
pub(crate) use row::{
    ArchivedMemoryRow, ArchivedSpaceVector, LabelOf, MemoryRow, SpaceVector, access, vector_digest,
};
pub(crate) use sparse::Sparse;
pub(crate) use subject::RowSubject;
pub(crate) use validate::{
    admit as admit_vector, depth as check_depth, label as check_label,
    not_empty as check_not_empty, vector as check_vector,
};
pub(crate) use vectors::{Given, VectorBytes};
