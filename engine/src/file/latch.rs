//! The disk behind a latch: after a failed write or sync nothing is written any more.
//!
//! A sync that failed once may "succeed" when repeated although the bytes are lost, so nothing
//! retries: the handle is closed to writing and the caller reopens the file.
//!
//! **Invariant:** once [`is_latched`](LatchedDisk::is_latched), every write and sync fails with
//! [`Fault::Latched`]. All of the container's I/O passes through here.

use super::disk::{Disk, Mapping};
use super::fault::Fault;
use super::open;
use crate::error::{Error, Result};
use crate::planted::{self, Defect};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug)]
pub(super) struct LatchedDisk {
    disk: Arc<dyn Disk>,
    latched: AtomicBool,
}

impl LatchedDisk {
    pub(super) fn new(disk: Arc<dyn Disk>) -> Self {
        LatchedDisk { disk, latched: AtomicBool::new(false) }
    }

    pub(super) fn is_latched(&self) -> bool {
        self.latched.load(Ordering::Acquire)
    }

    pub(super) fn latch(&self) {
        self.latched.store(true, Ordering::Release);
    }

    fn guarded(&self, change: impl FnOnce(&dyn Disk) -> io::Result<()>) -> io::Result<()> {
        if self.is_latched() {
            return Err(Fault::Latched.into());
        }
        change(&*self.disk).inspect_err(|_| {
            if !planted::is(Defect::LatchSkipped) {
                self.latch();
            }
        })
    }

    pub(super) fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    pub(super) fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(offset, out)
    }

    pub(super) fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.guarded(|disk| disk.write_at(offset, data))
    }

    pub(super) fn zero(&self, offset: u64, len: u64) -> io::Result<()> {
        self.guarded(|disk| disk.zero(offset, len))
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        if planted::is(Defect::SyncSkipped) {
            return Ok(());
        }
        self.guarded(Disk::sync)
    }

    /// Cuts the file. Where a live mapping forbids that (Windows) the file is as it was and
    /// nothing is lost, so this alone does not latch.
    pub(super) fn cut(&self, len: u64) -> io::Result<()> {
        if self.is_latched() {
            return Err(Fault::Latched.into());
        }
        self.disk.set_len(len)
    }

    /// Checks that the file's header, read anew, is that of the given slot.
    ///
    /// # Errors
    /// As [`open::load`]; `Corruption` if either slot is damaged or the newest is another.
    pub(super) fn verify_header(&self, sequence: u64) -> Result<()> {
        let loaded = open::load(&*self.disk)?;
        let found = loaded.slot.sequence;
        // The very first slot has no twin yet.
        if found != sequence || (sequence > 1 && !loaded.has_twin) {
            let (expected, found) =
                (format!("slot {sequence} and the one before it"), format!("slot {found} alone"));
            return Err(Error::corruption("file header", expected, found));
        }
        Ok(())
    }

    pub(super) fn map(&self, offset: u64, len: usize) -> io::Result<Option<Mapping>> {
        self.disk.map(offset, len)
    }
}
