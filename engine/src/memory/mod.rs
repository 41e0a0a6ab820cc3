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
mod write;

pub use limits::*;
pub use list::{Cursor, List, Order, Page};
pub(crate) use read::require_row;
pub use record::{
    DEFAULT_IMPORTANCE, DEFAULT_NAMESPACE, DEFAULT_PRIORITY, DEFAULT_SPACE, Memory, NewMemory,
    Patch, Upsert,
};
pub(crate) use row::{ArchivedMemoryRow, LabelOf, MemoryRow, SpaceVector, access, vector_digest};
pub(crate) use subject::RowSubject;
pub(crate) use validate::{admit as admit_vector, vector as check_vector};
pub(crate) use write::VectorBytes;
