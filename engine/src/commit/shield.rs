//! Between redb and the container: what cannot be written any more can still be read.
//!
//! redb takes the first error of its backend for the end of everything, reads included. But a full
//! disk is no reason to forget: so once a write, a sync or a change of length has failed, redb is
//! told that this one and all that follow went well; what it writes is kept in memory, for it to
//! read again; and whoever commits asks [`Failure::check`] before believing it.
//!
//! **Invariant:** after the first failure nothing is written, and [`Failure::check`] never succeeds
//! again. redb reads what it wrote, or an error. Only the committer opens a database over it.

use crate::Result;
use crate::error::Detail;
use crate::file::{Container, TableSpace, error_from};
use parking_lot::RwLock;
use redb::{BackendError, StorageBackend};
use std::io;
use std::ops::Bound;
use std::sync::Arc;

/// Bytes that are kept in memory because they could not be written: about what one commit writes.
/// Beyond that they are lost, and reading them fails.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// The table space of a file, for the one database over it.
#[derive(Debug)]
pub(crate) struct Shield {
    inner: TableSpace,
    container: Container,
    failure: Failure,
}

/// What went wrong below a database, if anything. Clones are of the same database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure(Arc<RwLock<State>>);

#[derive(Debug, Default)]
struct State {
    /// Opening is over: from now on failures are kept from redb.
    is_armed: bool,
    is_failed: bool,
    /// The first error, until somebody has been told.
    first: Option<io::Error>,
    /// What redb wrote since, in order.
    kept: Vec<(u64, Box<[u8]>)>,
    kept_bytes: usize,
    is_full: bool,
    /// How long redb believes the table space to be.
    len: u64,
}

impl Failure {
    /// The database is open. Until then redb hears of errors, and gives up.
    pub(crate) fn arm(&self) {
        self.0.write().is_armed = true;
    }

    /// # Errors
    /// What went wrong first, to the first who asks; `Latched` to everybody else.
    pub(crate) fn check(&self) -> Result<()> {
        if !self.0.read().is_failed {
            return Ok(());
        }
        match self.0.write().first.take() {
            Some(e) => Err(error_from("writing to the table space", e)),
            None => Err(Detail::Latched.into()),
        }
    }
}

impl Shield {
    pub(crate) fn new(container: &Container) -> Self {
        let inner = container.backend();
        Shield { inner, container: container.clone(), failure: Failure::default() }
    }

    pub(crate) fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// Makes a change, or says so although it could not be made: then `instead` takes note.
    fn change(
        &self,
        change: impl FnOnce(&TableSpace) -> io::Result<()>,
        instead: impl FnOnce(&mut State),
    ) -> io::Result<()> {
        if !self.failure.0.read().is_failed {
            let Err(e) = change(&self.inner) else { return Ok(()) };
            let mut state = self.failure.0.write();
            if !state.is_armed {
                return Err(e);
            }
            // Also where the container could have gone on: redb's pages and the file's differ.
            self.container.latch();
            if !state.is_failed {
                (state.is_failed, state.len) = (true, self.inner.len()?);
                state.first = Some(e);
            }
        }
        instead(&mut self.failure.0.write());
        Ok(())
    }
}

impl State {
    fn keep(&mut self, offset: u64, data: &[u8]) {
        self.kept_bytes = self.kept_bytes.saturating_add(data.len());
        self.is_full |= self.kept_bytes > MAX_KEPT_BYTES;
        if !self.is_full {
            self.kept.push((offset, data.into()));
        }
    }

    /// Reads as if everything had been written.
    fn read(&self, inner: &TableSpace, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(out.len() as u64);
        if self.is_full || end > self.len {
            return Err(io::Error::other("what could not be written cannot be read"));
        }
        // What was half written must not be looked at: its checksum is not that of its bytes.
        let covers =
            |(at, data): &&(u64, Box<[u8]>)| *at <= offset && end <= *at + data.len() as u64;
        if !self.kept.iter().any(|kept| covers(&kept)) {
            let there = inner.len()?.saturating_sub(offset).min(out.len() as u64) as usize;
            if there > 0 {
                inner.read(offset, &mut out[..there])?;
            }
            out[there..].fill(0);
        }
        for (at, data) in &self.kept {
            let (from, to) = (offset.max(*at), end.min(at + data.len() as u64));
            if from < to {
                let part = &data[(from - at) as usize..(to - at) as usize];
                out[(from - offset) as usize..(to - offset) as usize].copy_from_slice(part);
            }
        }
        Ok(())
    }
}

impl StorageBackend for Shield {
    fn len(&self) -> io::Result<u64> {
        let state = self.failure.0.read();
        if state.is_failed { Ok(state.len) } else { self.inner.len() }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.failure.0.read();
        if state.is_failed {
            return state.read(&self.inner, offset, out);
        }
        drop(state);
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|inner| inner.set_len(len), |state| state.len = len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(StorageBackend::sync_data, |_| {})
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(|inner| inner.write(offset, data), |state| state.keep(offset, data))
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }
}
