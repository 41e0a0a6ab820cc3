//! Checksums of the table space's pages: damage is noticed when redb reads it.
//!
//! See `docs/file-format.md`, "Chunk of a table space": each chunk begins with the checksums of
//! its pages. They are kept in memory while in use, follow each write of a page, and go to disk
//! with the next sync, before its one fsync.
//!
//! After a crash a page and its checksum may be of different age, but only if the page was
//! written after the last sync; redb then either does not reach it, or it belongs to a commit
//! that was never acknowledged and that redb's own recovery verifies page by page. So while such a
//! recovery runs ([`Mode::Recovering`]) a mismatch is mended, and never otherwise.
//!
//! **Invariant:** in [`Mode::Verifying`] a page is returned only if it is the one written last,
//! in this place. Used by the table space.

use super::fault::Fault;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use xxhash_rust::xxh3::xxh3_64;

/// redb's page size, and the unit of checking.
pub(super) const PAGE_LEN: usize = 4096;
/// Bytes at the head of a table chunk that hold the checksums of the rest.
pub(super) const SUMS_LEN: usize = PAGE_LEN;
/// Bytes of a page's checksum.
pub(super) const SUM_LEN: usize = 8;
/// Chunks whose checksums stay in memory between syncs: about 32 MiB, for 16 GiB of tables.
const MAX_CACHED: usize = 1 << 16;

/// The checksum of a page that was never written.
const NEVER: u64 = 0;

/// What to do with a page that does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mode {
    /// Refuse it.
    Verifying = 0,
    /// redb repairs what a crash has left, and verifies what it uses: take the page as it is.
    Recovering = 1,
    /// Neither keep nor check any: for measuring what the checksums cost.
    #[cfg(test)]
    Off = 2,
}

/// The checksums of one table space.
#[derive(Debug)]
pub(super) struct PageSums {
    mode: AtomicU8,
    /// By logical chunk.
    chunks: RwLock<HashMap<usize, Sums>>,
}

#[derive(Debug)]
struct Sums {
    sums: Box<[u64]>,
    /// Differs from the disk.
    is_dirty: bool,
}

/// The checksum of a page: also of its place, so that a page gone astray does not match.
fn checksum(page: &[u8], logical: usize, index: usize) -> u64 {
    let place = (logical as u64) << 16 | index as u64;
    let sum = xxh3_64(page) ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    if sum == NEVER { 1 } else { sum }
}

impl PageSums {
    pub(super) fn new() -> Self {
        PageSums { mode: AtomicU8::new(Mode::Verifying as u8), chunks: RwLock::default() }
    }

    pub(super) fn set_mode(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::Release);
    }

    fn is(&self, mode: Mode) -> bool {
        self.mode.load(Ordering::Acquire) == mode as u8
    }

    #[cfg(test)]
    fn is_off(&self) -> bool {
        self.is(Mode::Off)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "only measuring switches it off")]
    fn is_off(&self) -> bool {
        false
    }

    /// Takes note of pages just written: `pages` are whole ones from number `first` of a chunk.
    pub(super) fn wrote(
        &self,
        logical: usize,
        first: usize,
        pages: &[u8],
        load: impl FnOnce() -> io::Result<Box<[u64]>>,
    ) -> io::Result<()> {
        if self.is_off() {
            return Ok(());
        }
        let sums: Vec<u64> = pages
            .chunks_exact(PAGE_LEN)
            .zip(first..)
            .map(|(page, index)| checksum(page, logical, index))
            .collect();
        self.change(logical, load, |stored| {
            stored[first..first + sums.len()].copy_from_slice(&sums);
        })
    }

    /// Forgets the checksums of a chunk's pages from number `first` on: the space was cut there.
    pub(super) fn cut(
        &self,
        logical: usize,
        first: usize,
        load: impl FnOnce() -> io::Result<Box<[u64]>>,
    ) -> io::Result<()> {
        self.change(logical, load, |sums| sums[first..].fill(NEVER))
    }

    /// Forgets chunks that have left the space.
    pub(super) fn forget(&self, from: usize) {
        self.chunks.write().retain(|logical, _| *logical < from);
    }

    fn change(
        &self,
        logical: usize,
        load: impl FnOnce() -> io::Result<Box<[u64]>>,
        change: impl FnOnce(&mut [u64]),
    ) -> io::Result<()> {
        let mut chunks = self.chunks.write();
        let chunk = match chunks.entry(logical) {
            std::collections::hash_map::Entry::Occupied(chunk) => chunk.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(Sums { sums: load()?, is_dirty: false })
            }
        };
        change(&mut chunk.sums);
        chunk.is_dirty = true;
        Ok(())
    }

    /// Checks pages just read: whole ones from number `first` of a chunk.
    ///
    /// # Errors
    /// [`Fault::DamagedPage`], with the number of the page in its chunk as the offset.
    pub(super) fn read(
        &self,
        logical: usize,
        first: usize,
        pages: &[u8],
        load: impl FnOnce() -> io::Result<Box<[u64]>>,
    ) -> io::Result<Result<(), usize>> {
        if self.is_off() || pages.is_empty() {
            return Ok(Ok(()));
        }
        let known = {
            let chunks = self.chunks.read();
            chunks.get(&logical).map(|chunk| first_mismatch(&chunk.sums, logical, first, pages))
        };
        let mismatch = if let Some(mismatch) = known {
            mismatch
        } else {
            let sums = load()?;
            let mut chunks = self.chunks.write();
            // Somebody may have loaded and changed them meanwhile.
            let chunk = chunks.entry(logical).or_insert(Sums { sums, is_dirty: false });
            first_mismatch(&chunk.sums, logical, first, pages)
        };
        let Some(index) = mismatch else { return Ok(Ok(())) };
        if !self.is(Mode::Recovering) {
            return Ok(Err(index));
        }
        self.wrote(logical, first, pages, || Err(Fault::Latched.into()))?;
        Ok(Ok(()))
    }

    /// Hands each changed chunk's checksums to `write`, and counts them as written.
    pub(super) fn flush(
        &self,
        mut write: impl FnMut(usize, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let changed: Vec<(usize, Vec<u8>)> = {
            let mut chunks = self.chunks.write();
            let dirty = chunks.iter_mut().filter(|(_, chunk)| chunk.is_dirty);
            dirty
                .map(|(logical, chunk)| {
                    chunk.is_dirty = false;
                    (*logical, chunk.sums.iter().flat_map(|sum| sum.to_le_bytes()).collect())
                })
                .collect()
        };
        changed.iter().try_for_each(|(logical, bytes)| write(*logical, bytes))?;
        let mut chunks = self.chunks.write();
        if chunks.len() > MAX_CACHED {
            chunks.retain(|_, chunk| chunk.is_dirty);
        }
        Ok(())
    }
}

fn first_mismatch(sums: &[u64], logical: usize, first: usize, pages: &[u8]) -> Option<usize> {
    let mut pages = pages.chunks_exact(PAGE_LEN).zip(first..);
    pages.find(|(page, i)| sums[*i] != checksum(page, logical, *i)).map(|(_, i)| i)
}

/// Does redb's header say that opening must verify every page, because the last commit was not
/// synced before it was named? Only then may a page in use be newer than its checksum. The flag
/// is set again by the commit that ends the recovery, after a sync: so mended checksums are
/// durable before this says no. A clean close sets it too.
///
/// redb `docs/design.md`: nine magic bytes, then one byte of flags.
pub(super) fn needs_mending(redb_header: [u8; 10]) -> bool {
    const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";
    const TWO_PHASE_COMMIT: u8 = 4;
    redb_header.starts_with(&MAGIC) && redb_header[MAGIC.len()] & TWO_PHASE_COMMIT == 0
}
