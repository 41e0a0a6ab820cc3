//! Between redb and the container: a file that does not open is not changed, and what cannot be
//! written any more can still be read.
//!
//! redb writes while it opens: it marks the file as being in use, and repairs what a crash left.
//! That is held back in memory until everything has been read that opening needs, so that a file
//! which is refused stays as it was.
//!
//! And redb takes the first error of its backend for the end of everything, reads included. But a
//! full disk is no reason to forget: so once a write, a sync or a change of length has failed, redb
//! is told that this one and all that follow went well; what it writes is kept in memory, for it to
//! read again; and whoever commits asks [`Failure::check`] before believing it.
//!
//! A read that fails cannot be kept from redb: it answers nothing from then on, and the handle is
//! latched as well.
//!
//! **Invariant:** changes reach the container in redb's order, syncs included, or not at all. After
//! the first failure nothing is written, and [`Failure::check`] never succeeds again. redb reads
//! what it wrote, or an error. Only the kernel opens a database over it.

use crate::Result;
use crate::error::Detail;
use crate::file::{Container, Fault, REDB_HEADER_LEN, TableSpace, error_from, hide_close};
use crate::sync::RwLock;
use redb::{BackendError, StorageBackend};
use std::io;
use std::ops::Bound;
use std::sync::Arc;

/// Bytes that are kept in memory: about what one commit writes. An opening that writes more writes
/// to the file; what could not be written is lost beyond this, and reading it fails.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// The table space of a file, for the one database over it.
#[derive(Debug)]
pub(crate) struct Shield {
    shared: Arc<Shared>,
    /// redb is not told that the file was closed in good order.
    hides_close: bool,
}

/// What went wrong below a database, if anything. Clones are of the same database.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inner: TableSpace,
    container: Container,
    state: RwLock<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Changes are held back; redb hears of errors, and gives up.
    Opening,
    /// So many changes came while opening that they are no longer held back.
    Passing,
    /// Changes are made; a failure is kept from redb.
    Running,
    /// Changes are kept in memory, for redb to read.
    Failed,
}

#[derive(Debug)]
enum Change {
    Write(u64, Box<[u8]>),
    SetLen(u64),
    Sync,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// What redb changed and the container does not have, in order.
    kept: Vec<Change>,
    kept_bytes: usize,
    is_full: bool,
    /// How long redb believes the table space to be …
    len: u64,
    /// … and how far it shows what the container has.
    shown: u64,
    /// The first error, until somebody has been told.
    first: Option<io::Error>,
}

impl Failure {
    /// The file has opened: what was changed meanwhile is written, and failures are kept from redb
    /// from now on.
    ///
    /// # Errors
    /// Of writing it; the file must be opened again then.
    pub(crate) fn arm(&self) -> Result<()> {
        let mut state = self.0.state.write();
        let written = state.write_kept(&self.0.inner);
        state.phase = if written.is_ok() { Phase::Running } else { Phase::Failed };
        written.map_err(|e| {
            self.0.container.latch();
            error_from("recovering the file", e)
        })
    }

    /// Has the file opened, and has nothing failed since?
    pub(super) fn is_armed(&self) -> bool {
        self.0.state.read().phase == Phase::Running
    }

    /// # Errors
    /// What went wrong first, to the first who asks; `Latched` to everybody else.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.state.read().phase != Phase::Failed {
            return Ok(());
        }
        match self.0.state.write().first.take() {
            Some(e) => Err(error_from("writing to the table space", e)),
            None => Err(Detail::Latched.into()),
        }
    }
}

impl Shield {
    pub(crate) fn new(container: &Container) -> Result<Self> {
        let inner = container.backend();
        let len = inner.len().map_err(|e| error_from("opening the table space", e))?;
        let state = State {
            phase: Phase::Opening,
            kept: Vec::new(),
            kept_bytes: 0,
            is_full: false,
            len,
            shown: len,
            first: None,
        };
        let container = container.clone();
        let shared = Arc::new(Shared { inner, container, state: RwLock::new(state) });
        Ok(Shield { shared, hides_close: false })
    }

    /// Makes redb verify every page by its own checksums before it uses any, as it does after a
    /// crash, although the file was closed in good order. False if it was not: then redb does what
    /// it must.
    pub(crate) fn hide_close(&mut self) -> Result<bool> {
        let mut header = [0; REDB_HEADER_LEN];
        if self.shared.inner.len().is_ok_and(|len| len >= header.len() as u64) {
            let read = self.shared.inner.read(0, &mut header);
            read.map_err(|e| error_from("opening the table space", e))?;
            self.hides_close = hide_close(&mut header);
        }
        Ok(self.hides_close)
    }

    pub(crate) fn failure(&self) -> Failure {
        Failure(self.shared.clone())
    }

    /// Makes a change, or keeps it.
    fn change(
        &self,
        make: impl FnOnce(&TableSpace) -> io::Result<()>,
        kept: impl FnOnce() -> Change,
    ) -> io::Result<()> {
        let Shared { inner, container, state } = &*self.shared;
        let phase = state.read().phase;
        if matches!(phase, Phase::Running | Phase::Passing) {
            let Err(e) = make(inner) else { return Ok(()) };
            if phase == Phase::Passing {
                return Err(e);
            }
            // Also where the container could have gone on: redb's pages and the file's differ.
            container.latch();
            let mut state = state.write();
            if state.phase == Phase::Running {
                state.len = inner.len()?;
                state.shown = state.len;
                state.first = Some(e);
                state.phase = Phase::Failed;
            }
        }
        let mut state = state.write();
        state.keep(kept());
        if state.phase == Phase::Opening && state.kept_bytes > MAX_KEPT_BYTES {
            state.write_kept(inner)?;
            state.phase = Phase::Passing;
        }
        Ok(())
    }
}

impl State {
    fn keep(&mut self, change: Change) {
        match &change {
            Change::Write(_, data) => self.kept_bytes = self.kept_bytes.saturating_add(data.len()),
            Change::SetLen(len) => {
                self.len = *len;
                self.shown = self.shown.min(*len);
            }
            Change::Sync => {}
        }
        if self.phase == Phase::Failed {
            self.is_full |= self.kept_bytes > MAX_KEPT_BYTES;
        }
        if !self.is_full {
            self.kept.push(change);
        }
    }

    /// Makes what was kept, in order.
    fn write_kept(&mut self, inner: &TableSpace) -> io::Result<()> {
        self.kept_bytes = 0;
        std::mem::take(&mut self.kept).into_iter().try_for_each(|change| match change {
            Change::Write(offset, data) => inner.write(offset, &data),
            Change::SetLen(len) => inner.set_len(len),
            Change::Sync => inner.sync_data(),
        })
    }

    /// Reads as if everything had been written.
    fn read(&self, inner: &TableSpace, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(out.len() as u64);
        if end > self.len {
            return Err(Fault::BeyondEnd { end, len: self.len }.into());
        }
        if self.is_full {
            return Err(io::Error::other("what could not be written cannot be read"));
        }
        let writes = || {
            self.kept.iter().filter_map(|change| match change {
                Change::Write(at, data) => Some((*at, data)),
                Change::SetLen(_) | Change::Sync => None,
            })
        };
        // What was half written must not be looked at: its checksum is not that of its bytes.
        if !writes().any(|(at, data)| at <= offset && end <= at + data.len() as u64) {
            let there = self.shown.saturating_sub(offset).min(out.len() as u64) as usize;
            if there > 0 {
                inner.read(offset, &mut out[..there])?;
            }
            out[there..].fill(0);
        }
        for (at, data) in writes() {
            let (from, to) = (offset.max(at), end.min(at + data.len() as u64));
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
        let state = self.shared.state.read();
        match state.phase {
            Phase::Opening | Phase::Failed => Ok(state.len),
            Phase::Passing | Phase::Running => self.shared.inner.len(),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.shared.state.read();
        if matches!(state.phase, Phase::Opening | Phase::Failed) {
            state.read(&self.shared.inner, offset, out)?;
            let is_closed = offset == 0 && self.hides_close && state.kept.is_empty();
            if is_closed && out.len() >= REDB_HEADER_LEN {
                hide_close(out);
            }
            return Ok(());
        }
        drop(state);
        // redb answers nothing any more once a read has failed, so nothing can be built on it.
        self.shared.inner.read(offset, out).inspect_err(|_| self.shared.container.latch())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|inner| inner.set_len(len), || Change::SetLen(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(StorageBackend::sync_data, || Change::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(|inner| inner.write(offset, data), || Change::Write(offset, data.into()))
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.shared.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.shared.inner.try_lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.shared.inner.unlock_range(start, end)
    }

    fn close(&self) -> io::Result<()> {
        if self.shared.state.read().phase == Phase::Opening {
            // The file was refused: closing must not write to it either.
            self.shared.container.latch();
        }
        self.shared.inner.close()
    }
}
