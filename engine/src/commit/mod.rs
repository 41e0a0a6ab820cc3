//! Commits: from a write set to a durable log row and a new View.
//!
//! ```text
//! closure -> WriteSet -> group (turns, one leader) -> Committer: rows + log rows, one fsync
//!                                                        -> fold -> View -> receipts
//! ```

mod ascending;
mod committer;
mod compact;
mod group;
mod links;
pub(crate) mod log;
mod merge;
mod pack;
mod replace;
mod row_key;
mod seal;
mod set_edges;
mod shield;
mod tables;
mod text;
mod unit;
mod vectors;
mod write_set;

pub(crate) use ascending::Ascending;
pub(crate) use committer::{Chain, Committer, CommitterSettings, IndexStats, Opened, Repair};
pub(crate) use compact::{Compacting, named_segments};
#[cfg(any(test, feature = "torture"))]
pub(crate) use group::Store;
pub(crate) use group::{Failure, Group, Turn};
pub(crate) use links::Linked;
pub use log::{Change, ChangeKind, LogRow, Model};
#[cfg(any(test, feature = "torture"))]
pub(crate) use seal::Sealing;
pub(crate) use shield::Shield;
pub(crate) use tables::Tables;
pub use write_set::{Durability, WriteOptions};
pub(crate) use write_set::{NewRow, WriteSet};
