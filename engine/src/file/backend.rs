//! redb's door: a table space as its [`StorageBackend`].
//!
//! **Invariant:** at most one database is open on a space. Locks against other processes are the
//! container's, taken before it reads its first byte and held longer than any database; what
//! redb asks for here is answered in memory. Handed to redb by the kernel.

use super::container::Container;
use redb::{BackendError, StorageBackend};
use std::io;
use std::ops::Bound;
use std::sync::atomic::Ordering;

/// One of the two table spaces of a container.
#[derive(Debug)]
pub(crate) struct TableSpace {
    container: Container,
    space: usize,
}

impl TableSpace {
    pub(super) fn new(container: Container, space: usize) -> Self {
        TableSpace { container, space }
    }

    fn try_use(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        // redb tries ranges first, and falls back to the whole.
        if !is_whole(start, end) {
            return Err(BackendError::Unsupported);
        }
        if self.container.0.in_use[self.space].swap(true, Ordering::AcqRel) {
            return Ok(false);
        }
        // redb locks before it reads anything.
        self.container.begin_recovery(self.space)?;
        Ok(true)
    }

    fn stop_use(&self) {
        self.container.0.in_use[self.space].store(false, Ordering::Release);
    }
}

fn is_whole(start: Bound<u64>, end: Bound<u64>) -> bool {
    matches!(start, Bound::Unbounded | Bound::Included(0)) && end == Bound::Unbounded
}

impl StorageBackend for TableSpace {
    fn len(&self) -> io::Result<u64> {
        Ok(self.container.table_len(self.space))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.container.read_table(self.space, offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.container.set_table_len(self.space, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.container.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.container.write_table(self.space, offset, data)
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.try_use(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.try_use(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        if !is_whole(start, end) {
            return Err(BackendError::Unsupported);
        }
        self.stop_use();
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        // redb has made everything durable that it wants to keep.
        self.stop_use();
        if self.container.is_latched() {
            return Ok(());
        }
        self.container.sync_twin()
    }
}
