//! Giving space back: what lies high in the file moves down, and the file ends where it ends then.
//!
//! Chunks of the tables the container moves by itself. A segment is moved by its *owner*, the table
//! whose row names it: it is copied, the row changed in a durable commit, and what was there before
//! given back. Readers keep what they have pinned for as long as they hold it.
//!
//! **Invariant:** every table whose rows name segments is one of [`OWNERS`]; opening a file registers
//! what they name. A step leaves the file whole, whatever comes after it.

use super::committer::Committer;
use crate::derived::ImageRow;
use crate::file::{Arranged, Room, SegmentRef, Toward};
use crate::rows::{Pinned, guarded};
use crate::sealed::SealedRow;
use crate::{Error, Result};
use redb::CompactionError;
use std::sync::atomic::Ordering;

/// A table whose rows name segments.
trait Owner: Sync {
    /// What its rows name.
    fn named(&self, rows: &Pinned) -> Result<Vec<SegmentRef>>;

    /// Puts a segment of its own elsewhere.
    fn relocate(
        &self,
        committer: &Committer,
        segment: &SegmentRef,
        toward: Toward,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Compacting>;
}

/// All of them.
const OWNERS: &[&dyn Owner] = &[&Images, &Sealed];

/// The images of the indexes.
struct Images;

impl Owner for Images {
    fn named(&self, rows: &Pinned) -> Result<Vec<SegmentRef>> {
        let images = ImageRow::load_all(rows)?;
        Ok(images.values().filter_map(|row| row.place.segment()).collect())
    }

    fn relocate(
        &self,
        committer: &Committer,
        segment: &SegmentRef,
        toward: Toward,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Compacting> {
        committer.move_image(segment, toward, goes_on)
    }
}

/// The sealed vectors.
struct Sealed;

impl Owner for Sealed {
    fn named(&self, rows: &Pinned) -> Result<Vec<SegmentRef>> {
        Ok(SealedRow::load_all(rows)?.iter().map(|row| row.segment).collect())
    }

    fn relocate(
        &self,
        committer: &Committer,
        segment: &SegmentRef,
        toward: Toward,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Compacting> {
        committer.move_sealed(segment, toward, goes_on)
    }
}

/// The segments that rows name.
pub(crate) fn named_segments(rows: &Pinned) -> Result<Vec<SegmentRef>> {
    let named: Result<Vec<_>> = OWNERS.iter().map(|owner| owner.named(rows)).collect();
    Ok(named?.concat())
}

/// What a step has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compacting {
    /// So many bytes were moved.
    Moved(u64),
    /// Images of so many bytes were written anew, for too much was in none: now they can be moved.
    Rewritten(u64),
    /// Nothing that can be moved now would make the file shorter.
    Done,
}

impl Committer {
    /// Takes a step towards a file without holes. What it leaves behind the end
    /// [`trim`](crate::file::Container::trim) cuts off. With `may_grow` the file may get longer by a
    /// segment for a while.
    pub(crate) fn compact_step(
        &self,
        may_grow: bool,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Compacting> {
        let mut named = Vec::new();
        {
            let rows = self.newest_rows()?;
            for owner in OWNERS {
                named.extend(owner.named(&rows)?.into_iter().map(|segment| (*owner, segment)));
            }
        }
        let segments: Vec<SegmentRef> = named.iter().map(|(_, segment)| *segment).collect();
        match self.container().arrange(&segments, may_grow, goes_on)? {
            Arranged::Moved(bytes) => Ok(Compacting::Moved(bytes)),
            Arranged::Done => Ok(Compacting::Done),
            Arranged::Segment(extent, toward) => {
                let found = named.iter().find(|(_, segment)| segment.extent == extent);
                let Some((owner, segment)) = found else { return Ok(Compacting::Done) };
                owner.relocate(self, segment, toward, goes_on)
            }
        }
    }

    pub(crate) fn room(&self) -> Room {
        self.container().room()
    }

    /// Memories deleted since somebody last said that he has seen to it.
    pub(crate) fn deleted(&self) -> u64 {
        self.deleted.load(Ordering::Relaxed)
    }

    pub(crate) fn forget_deleted(&self) {
        self.deleted.store(0, Ordering::Relaxed);
    }

    /// Bytes of the table space that the tables use, and all of them. Reads every page of the tables,
    /// and writers wait meanwhile.
    pub(crate) fn table_use(&self) -> Result<(u64, u64)> {
        let stats = guarded(|| {
            let transaction = self.begin_write()?;
            let stats = transaction.stats()?;
            transaction.abort()?;
            Ok(stats)
        })?;
        let used = stats.allocated_pages() * stats.page_size() as u64;
        Ok((used, self.container().stats()?.table_len))
    }

    /// Moves the pages of the tables to the front of their space, and gives what lies behind them
    /// back. `false` if somebody reads or writes just now, or holds an older View. Whoever reads or
    /// writes rows meanwhile waits.
    pub(crate) fn compact_tables(&self) -> Result<bool> {
        let mut state = self.state.lock();
        let compact = || {
            guarded(|| match self.database.try_compact() {
                None | Some(Err(CompactionError::TransactionInProgress)) => Ok(false),
                Some(done) => done.map(|_| true).map_err(Error::from),
            })
        };
        let compacted = self.views.without_rows(compact, || self.rows(&state));
        let compacted = compacted.and_then(|done| self.failure.check().map(|()| done));
        if compacted.inspect_err(|_| self.container().latch())? != Some(true) {
            return Ok(false);
        }
        state.relaxed_bytes = 0;
        state.needs_walk = true;
        self.durable.store(state.chain.seq.0, Ordering::Release);
        Ok(true)
    }
}
