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

use super::map::MAX_CHUNKS;
use crate::sync::RwLock;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
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
    cache: RwLock<Cache>,
    /// More chunks than that leave memory with the next sync.
    max_cached: usize,
}

#[derive(Debug, Default)]
struct Cache {
    /// The checksums of a chunk's pages, by logical chunk.
    chunks: HashMap<usize, Box<[u64]>>,
    /// Chunks whose checksums differ from the disk.
    dirty: BTreeSet<usize>,
    /// How often chunks have left memory for want of room.
    evictions: u64,
}

/// Spreads a place over all bits of a checksum; odd, so that [`place_of`] can take it back.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
const _: () = assert!(SPREAD.wrapping_mul(inverse(SPREAD)) == 1);

/// The checksum of a page: also of its place, so that a page gone astray does not match.
pub(super) fn checksum(page: &[u8], logical: usize, index: usize) -> u64 {
    let place = (logical as u64) << 16 | index as u64;
    let sum = xxh3_64(page) ^ place.wrapping_mul(SPREAD);
    if sum == NEVER { 1 } else { sum }
}

/// The logical chunk for which page number `index` of it has this checksum; `None` if it has it
/// for no place there can be. Of 2^40 pages that do not match, one passes.
pub(super) fn place_of(page: &[u8], index: usize, sum: u64) -> Option<usize> {
    let place = (sum ^ xxh3_64(page)).wrapping_mul(inverse(SPREAD));
    let logical = (place >> 16) as usize;
    let is_possible = sum != NEVER && place & 0xffff == index as u64;
    (is_possible && logical < MAX_CHUNKS as usize).then_some(logical)
}

/// The number whose product with an odd one is 1, modulo 2^64: each step doubles the bits that
/// are right, of which the first three are.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut bits = 3;
    while bits < u64::BITS {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        bits *= 2;
    }
    inverse
}

impl PageSums {
    pub(super) fn new() -> Self {
        let mode = AtomicU8::new(Mode::Verifying as u8);
        PageSums { mode, cache: RwLock::default(), max_cached: MAX_CACHED }
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
        let mut cache = self.cache.write();
        cache.chunks.retain(|logical, _| *logical < from);
        cache.dirty.retain(|logical| *logical < from);
    }

    fn change(
        &self,
        logical: usize,
        load: impl FnOnce() -> io::Result<Box<[u64]>>,
        change: impl FnOnce(&mut [u64]),
    ) -> io::Result<()> {
        let Cache { chunks, dirty, .. } = &mut *self.cache.write();
        let sums = match chunks.entry(logical) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(load()?),
        };
        change(sums);
        dirty.insert(logical);
        Ok(())
    }

    /// Checks pages just read: whole ones from number `first` of a chunk. The inner error is the
    /// number of the first that does not match.
    pub(super) fn read(
        &self,
        logical: usize,
        first: usize,
        pages: &[u8],
        load: impl Fn() -> io::Result<Box<[u64]>>,
    ) -> io::Result<Result<(), usize>> {
        if self.is_off() || pages.is_empty() {
            return Ok(Ok(()));
        }
        let check = |sums: &[u64]| first_mismatch(sums, logical, first, pages);
        let (known, evictions) = {
            let cache = self.cache.read();
            (cache.chunks.get(&logical).map(|sums| check(sums)), cache.evictions)
        };
        let mismatch = if let Some(mismatch) = known {
            mismatch
        } else {
            let sums = load()?;
            let mut cache = self.cache.write();
            if cache.evictions == evictions {
                // Somebody may have loaded and changed them meanwhile.
                check(cache.chunks.entry(logical).or_insert(sums))
            } else {
                // Or even changed them, and they have left memory again: what was loaded holds for
                // these pages, which nobody writes under a reader, and must not come back.
                check(&sums)
            }
        };
        let Some(index) = mismatch else { return Ok(Ok(())) };
        if !self.is(Mode::Recovering) {
            return Ok(Err(index));
        }
        self.wrote(logical, first, pages, load)?;
        Ok(Ok(()))
    }

    /// Hands each changed chunk's checksums to `write`, and counts them as written.
    pub(super) fn flush(
        &self,
        mut write: impl FnMut(usize, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let changed: Vec<(usize, Vec<u8>)> = {
            let Cache { chunks, dirty, .. } = &mut *self.cache.write();
            let dirty = std::mem::take(dirty).into_iter();
            let bytes = |sums: &[u64]| sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
            dirty.map(|logical| (logical, bytes(&chunks[&logical]))).collect()
        };
        changed.iter().try_for_each(|(logical, bytes)| write(*logical, bytes))?;
        // Only now: until it is written nobody may load a chunk's checksums from the disk.
        let Cache { chunks, dirty, evictions } = &mut *self.cache.write();
        if chunks.len() > self.max_cached {
            chunks.retain(|logical, _| dirty.contains(logical));
            *evictions += 1;
        }
        Ok(())
    }
}

fn first_mismatch(sums: &[u64], logical: usize, first: usize, pages: &[u8]) -> Option<usize> {
    let mut pages = pages.chunks_exact(PAGE_LEN).zip(first..);
    pages.find(|(page, i)| sums[*i] != checksum(page, logical, *i)).map(|(_, i)| i)
}

/// redb `docs/design.md`: nine magic bytes, then one byte of flags.
const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";
const RECOVERY_REQUIRED: u8 = 2;
const TWO_PHASE_COMMIT: u8 = 4;

/// What redb reads and writes of its header's page.
pub(crate) const REDB_HEADER_LEN: usize = 320;

/// The flags of redb's header, if it is one.
fn flags(redb_header: &[u8]) -> Option<u8> {
    redb_header.strip_prefix(&MAGIC)?.first().copied()
}

/// Does redb's header say that opening must verify every page, because the last commit was not
/// synced before it was named? Only then may a page in use be newer than its checksum. The flag
/// is set again by the commit that ends the recovery, after a sync: so mended checksums are
/// durable before this says no. A clean close sets it too.
pub(super) fn needs_mending(redb_header: &[u8]) -> bool {
    flags(redb_header).is_some_and(|flags| flags & TWO_PHASE_COMMIT == 0)
}

/// Does redb's header say that its database was closed in good order? It says so only after a sync
/// of everything before.
pub(super) fn is_closed(redb_header: &[u8]) -> bool {
    flags(redb_header).is_some_and(|flags| flags & RECOVERY_REQUIRED == 0)
}

/// Makes the header of a database that was closed in good order look like one whose last commit
/// was of one phase: redb verifies all that such a commit reaches before it uses it. False, and
/// nothing is changed, for any other header.
pub(crate) fn hide_close(redb_header: &mut [u8]) -> bool {
    let hides = is_closed(redb_header);
    if hides {
        redb_header[MAGIC.len()] &= !TWO_PHASE_COMMIT;
    }
    hides
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn checksums_that_were_loaded_before_a_change_do_not_come_back_after_it() {
        let sums = PageSums { max_cached: 0, ..PageSums::new() };
        let disk = RefCell::new(vec![0; SUMS_LEN]);
        let load = || -> io::Result<Box<[u64]>> {
            let bytes = disk.borrow();
            let (words, _) = bytes.as_chunks::<SUM_LEN>();
            Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
        };
        let flush = || {
            sums.flush(|_, bytes| {
                *disk.borrow_mut() = bytes.to_vec();
                Ok(())
            })
        };
        let (first, second) = (vec![1; PAGE_LEN], vec![2; PAGE_LEN]);
        sums.wrote(0, 1, &first, load).unwrap();
        flush().unwrap();

        // While a reader of the first page holds what it has loaded, the second is written, and
        // the checksums go to the disk and out of memory.
        let slowly = || {
            let loaded = load();
            sums.wrote(0, 2, &second, load)?;
            flush()?;
            loaded
        };
        assert_eq!(sums.read(0, 1, &first, slowly).unwrap(), Ok(()));
        assert_eq!(sums.read(0, 2, &second, load).unwrap(), Ok(()));
    }
}
