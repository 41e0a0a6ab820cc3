//! The file: one container for redb's tables and for immutable segments.
//!
//! ```text
//! [slot A 32 KiB][slot B 32 KiB][chunk 0][chunk 1] ...
//! ```
//!
//! redb believes that it owns a plain file, the *table space*; [`Container`] maps it onto chunks.
//! Segments take chunks of their own and belong to the rows that name them. Every byte is
//! described in `docs/file-format.md`, every choice in `docs/decisions/0001-container-file.md`.
//!
//! **Invariant:** whatever instant the power fails at, the file opens to the last acknowledged
//! commit or a later one, and no chunk has two owners. Ten ordering rules keep that; each is
//! named, as "Rule n", where it is kept:
//!
//! 1. A changed map is written inside redb's sync, before its one fsync.
//! 2. One slot write per fsync; slots alternate and carry checksums; the newest valid one wins.
//! 3. A chunk that leaves the map is reused only once a slot without it is durable.
//! 4. A segment is durable before the row that names it is committed.
//! 5. A freed segment is reused only after a durable commit without its row, and when nothing
//!    pins it.
//! 6. A used chunk that joins the table space is zeroed, durably, before the slot that maps it.
//! 7. Opening locks, reads, syncs, and only then trusts; until the segment rows are read, chunks
//!    come from behind the end of the file; every length read is bounded before use.
//! 8. After a failed write or sync the container latches.
//! 9. A slot carries the seal of redb's header only once that header is durable and its database
//!    closed; a slot without one is durable before the header changes again.
//! 10. The copy of a chunk that moves is durable before the slot that maps it; the file is cut only
//!     where a durable slot permits it, and never below what a row names or a source pins.
//!
//! The kernel calls [`Container`]; nobody else touches the file.

mod alloc;
mod arrange;
mod backend;
mod claim;
mod container;
mod create;
pub(crate) mod disk;
mod fault;
mod latch;
mod lock;
mod map;
mod open;
mod overlay;
mod pages;
mod relocate;
mod remains;
mod seal;
mod segment;
mod segments;
mod slot;
mod spare;
mod sync;
mod table;
mod wreck;

#[cfg(any(test, feature = "torture"))]
pub(crate) mod anatomy;
#[cfg(any(test, feature = "torture"))]
pub(crate) mod crash;
#[cfg(any(test, feature = "torture"))]
pub(crate) mod sim;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use alloc::Extent;
pub(crate) use backend::TableSpace;
pub(crate) use container::Container;
#[cfg(any(test, feature = "torture"))]
pub(crate) use disk::Disk;
pub(crate) use disk::MemoryDisk;
pub(crate) use fault::{Fault, error_from};
pub(crate) use pages::{REDB_HEADER_LEN, hide_close};
pub(crate) use relocate::{Arranged, Room, Toward};
pub(crate) use segment::{Pin, SegmentRef};
pub(crate) use segments::SegmentWriter;
pub(crate) use wreck::{Flaw, Swap, Wreck};

/// What the caller means to do with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The only opener of the file.
    ReadWrite,
    /// One of any number of readers; not a byte of the file changes.
    ReadOnly,
}

/// How a container behaves.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Chunk size of a file that is created; an existing file has its own.
    pub(crate) chunk_bytes: u32,
    /// A map of more runs than this goes into chunks of its own.
    pub(crate) inline_runs: usize,
    /// Are segments mapped? If not, they are read into memory when opened.
    pub(crate) mapping: bool,
    /// Memory that the repair of a read-only file may take.
    pub(crate) overlay_limit_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            chunk_bytes: 256 << 10,
            inline_runs: slot::INLINE_RUNS,
            mapping: true,
            overlay_limit_bytes: 256 << 20,
        }
    }
}
