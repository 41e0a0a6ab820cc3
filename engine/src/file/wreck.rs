//! What is left of a damaged file: the bytes of its table space, as far as they can be placed.
//!
//! A header slot says where each chunk of the tables lies. Where none can be asked, the chunks
//! say it themselves: the checksums of a chunk's pages include its place (`claim.rs`).
//!
//! **Invariant:** the file is locked against writers and never written. Whatever its bytes are, no
//! range panics, and none that is read takes more memory than twice what the file is long. Nothing
//! is promised of what is read: who reads it must prove it. Used by salvage alone.

use super::alloc::Extent;
use super::claim::{self, Claim};
use super::disk::{Disk, FileDisk};
use super::fault::error_from;
use super::pages::{PAGE_LEN, SUM_LEN, SUMS_LEN, checksum};
use super::remains::Header;
use super::slot::{HEAD_LEN, SLOT_LEN, has_magic};
use super::table::payload;
use super::{Access, lock};
use crate::error::{Detail, Result};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

/// Something of the container that is not as it must be: where, and what.
pub(crate) type Flaw = (&'static str, String);

/// Another physical chunk than the first choice, for one logical chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Swap {
    logical: u32,
    physical: u32,
}

/// A damaged file, open for reading.
#[derive(Debug)]
pub(crate) struct Wreck {
    disk: Arc<dyn Disk>,
    file_len: u64,
    chunk_bytes: u64,
    file_id: Option<[u8; 16]>,
    /// Of the table space.
    len: u64,
    /// Logical chunk to physical chunk; a chunk that is not here reads as zeros.
    places: BTreeMap<u32, u32>,
    /// Further chunks that say that they are the same logical chunk.
    others: BTreeMap<u32, Vec<u32>>,
    flaws: Vec<Flaw>,
}

/// The pages of one chunk.
pub(crate) struct ChunkPages {
    /// Where the first page lies in the table space.
    pub(crate) offset: u64,
    /// How to read this chunk, and not another of the same place.
    pub(crate) swap: Option<Swap>,
    bytes: Vec<u8>,
    logical: u32,
}

impl Wreck {
    /// Opens a file as it is.
    ///
    /// # Errors
    /// `NotFound`; `InUse`; `NotMemlith` if nothing in it is ours; `UnsupportedFormat`; `Io`.
    pub(crate) fn open(path: &Path) -> Result<Wreck> {
        let file = lock::open_locked(path, Access::ReadOnly)?;
        Wreck::of(Arc::new(FileDisk::new(file)))
    }

    pub(crate) fn of(disk: Arc<dyn Disk>) -> Result<Wreck> {
        let reading = |e| error_from("reading the header", e);
        let file_len = disk.len().map_err(reading)?;
        if file_len == 0 {
            return Err(Detail::NotMemlith { why: "it is empty" }.into());
        }
        let mut header = vec![0; HEAD_LEN as usize];
        // Slots that cannot be read are as good as wiped ones.
        let is_read = disk.read_at(0, &mut header).is_ok();
        let (slots, _) = header.as_chunks::<SLOT_LEN>();
        let Header { slot, space, is_sure, mut flaws } = Header::read(&*disk, slots, file_len)?;
        if !is_read {
            flaws.push(("file header", "cannot be read".into()));
        }
        let chunk_bytes = match &slot {
            Some(slot) => u64::from(slot.chunk_bytes),
            None => claim::chunk_bytes(&*disk, file_len),
        };
        let mut wreck = Wreck {
            disk,
            file_len,
            chunk_bytes,
            file_id: slot.map(|slot| slot.file_id),
            len: 0,
            places: BTreeMap::new(),
            others: BTreeMap::new(),
            flaws,
        };
        if let Some(space) = &space {
            wreck.len = space.len;
            let placed = |logical: usize| Some((logical as u32, space.map.get(logical)?));
            wreck.places = (0..space.map.len()).filter_map(placed).collect();
        }
        if !is_sure {
            wreck.place_by_claims();
        }
        if wreck.places.is_empty() && !slots.iter().any(|slot| has_magic(slot)) {
            return Err(Detail::NotMemlith { why: "nothing in it is of a Memlith file" }.into());
        }
        Ok(wreck)
    }

    /// Takes in what the chunks themselves say of their places; a map goes before them.
    fn place_by_claims(&mut self) {
        let mut claims = claim::all(&*self.disk, self.file_len, self.chunk_bytes);
        claims.sort_by_key(|claim| std::cmp::Reverse(claim.pages));
        for Claim { logical, physical, .. } in claims {
            let first = *self.places.entry(logical).or_insert(physical);
            if first != physical {
                self.others.entry(logical).or_default().push(physical);
            }
            self.len = self.len.max((u64::from(logical) + 1) * payload(self.chunk_bytes));
        }
        self.flaws.push(("chunk map", "is put together from what the chunks say".into()));
    }

    /// Sixteen bytes drawn when the file was created, if a slot still says them.
    pub(crate) fn file_id(&self) -> Option<[u8; 16]> {
        self.file_id
    }

    /// What is wrong with the container itself.
    pub(crate) fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// The table space has no byte at or beyond this.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Reads a range of the table space; `None` if it cannot be one, or if the device fails.
    pub(crate) fn read(&self, offset: u64, len: u64, swap: Option<Swap>) -> Option<Vec<u8>> {
        let end = offset.checked_add(len)?;
        // At least half of a page that is in use is in the file.
        if end > self.len || len > self.file_len.saturating_mul(2) {
            return None;
        }
        let mut out = vec![0; usize::try_from(len).ok()?];
        let payload = payload(self.chunk_bytes);
        let mut done = 0;
        while done < out.len() {
            let at = offset + done as u64;
            let (logical, within) = (u32::try_from(at / payload).ok()?, at % payload);
            let n = (payload - within).min((out.len() - done) as u64) as usize;
            let swapped = swap.filter(|s| s.logical == logical).map(|s| s.physical);
            if let Some(physical) = swapped.or_else(|| self.places.get(&logical).copied()) {
                let from = self.chunk_offset(physical) + SUMS_LEN as u64 + within;
                self.disk.read_at(from, &mut out[done..done + n]).ok()?;
            }
            done += n;
        }
        Some(out)
    }

    /// Reads a range of the file itself; `None` if it does not lie in it, or if the device fails.
    pub(crate) fn read_file(&self, at: u64, len: u64) -> Option<Vec<u8>> {
        at.checked_add(len).filter(|end| *end <= self.file_len)?;
        let mut out = vec![0; usize::try_from(len).ok()?];
        self.disk.read_at(at, &mut out).ok()?;
        Some(out)
    }

    /// Where in the file each chunk begins.
    pub(crate) fn chunk_offsets(&self) -> impl Iterator<Item = u64> + use<> {
        (HEAD_LEN..self.file_len).step_by(self.chunk_bytes as usize)
    }

    /// Where in the file an extent begins.
    pub(crate) fn extent_offset(&self, extent: Extent) -> u64 {
        self.chunk_offset(extent.start)
    }

    /// The ways to read a range: the first choice, and one for each other chunk that may be meant.
    /// None, if it cannot be a range of the table space.
    pub(crate) fn ways(&self, offset: u64, len: u64) -> Vec<Option<Swap>> {
        let Some(range) = self.chunks_of(offset, len) else { return Vec::new() };
        let other = |(logical, chunks): (&u32, &Vec<u32>)| {
            let logical = *logical;
            chunks.clone().into_iter().map(move |physical| Some(Swap { logical, physical }))
        };
        [None].into_iter().chain(self.others.range(range).flat_map(other)).collect()
    }

    /// The logical chunks that a range of the table space lies in.
    fn chunks_of(&self, offset: u64, len: u64) -> Option<RangeInclusive<u32>> {
        let end = offset.checked_add(len).filter(|end| *end <= self.len)?;
        let logical = |at: u64| u32::try_from(at / payload(self.chunk_bytes)).ok();
        Some(logical(offset)?..=logical(end.saturating_sub(1).max(offset))?)
    }

    /// How many chunks [`each_chunk`](Self::each_chunk) gives.
    pub(crate) fn chunks(&self) -> usize {
        self.places.len() + self.others.values().map(Vec::len).sum::<usize>()
    }

    /// All chunks of the table space, in no order that matters.
    pub(crate) fn each_chunk(&self) -> impl Iterator<Item = ChunkPages> + '_ {
        let first = self.places.iter().map(|(logical, physical)| (*logical, *physical, None));
        let others = self.others.iter().flat_map(|(logical, chunks)| {
            let swap = |physical| Swap { logical: *logical, physical };
            chunks.iter().map(move |physical| (*logical, *physical, Some(swap(*physical))))
        });
        first.chain(others).map(|(logical, physical, swap)| {
            let mut bytes = vec![0; self.chunk_bytes as usize];
            let from = self.chunk_offset(physical);
            if self.disk.read_at(from, &mut bytes).is_err() {
                self.read_by_pages(from, &mut bytes);
            }
            let offset = u64::from(logical) * payload(self.chunk_bytes);
            ChunkPages { offset, swap, bytes, logical }
        })
    }

    /// Where the device fails, the rest of the chunk may still be had.
    fn read_by_pages(&self, from: u64, out: &mut [u8]) {
        for (page, at) in out.chunks_mut(PAGE_LEN).zip((from..).step_by(PAGE_LEN)) {
            if self.disk.read_at(at, page).is_err() {
                page.fill(0);
            }
        }
    }

    fn chunk_offset(&self, physical: u32) -> u64 {
        HEAD_LEN + u64::from(physical) * self.chunk_bytes
    }
}

impl ChunkPages {
    /// Each page, with its place in the table space and whether it matches its checksum.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (u64, &[u8], bool)> {
        let (sums, pages) = self.bytes.split_at(SUMS_LEN);
        let (sums, _) = sums.as_chunks::<SUM_LEN>();
        pages.chunks_exact(PAGE_LEN).zip(sums).enumerate().map(|(index, (page, sum))| {
            let offset = self.offset + (index * PAGE_LEN) as u64;
            let is_intact =
                checksum(page, self.logical as usize, index) == u64::from_le_bytes(*sum);
            (offset, page, is_intact)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::MemoryDisk;
    use super::super::{Container, Settings};
    use super::*;
    use crate::Error;
    use redb::{Database, TableDefinition};

    const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");

    /// A file of several chunks, and the bytes of its table space.
    fn sound(chunk_bytes: u32) -> Vec<u8> {
        let disk = Arc::new(MemoryDisk::default());
        let settings = Settings { chunk_bytes, ..Settings::default() };
        let container = Container::create_on(disk.clone(), &settings).unwrap();
        let tables = Database::builder().create_with_backend(container.backend()).unwrap();
        for commit in 0..5 {
            let tx = tables.begin_write().unwrap();
            for key in 0..50 {
                let value = vec![commit as u8 + 1; 3_000];
                tx.open_table(ROWS).unwrap().insert(commit * 50 + key, &value[..]).unwrap();
            }
            tx.commit().unwrap();
        }
        drop(tables);
        let mut bytes = vec![0; disk.len().unwrap() as usize];
        disk.read_at(0, &mut bytes).unwrap();
        bytes
    }

    fn wreck(bytes: &[u8]) -> Result<Wreck, Error> {
        let disk = MemoryDisk::default();
        disk.write_at(0, bytes)?;
        Wreck::of(Arc::new(disk))
    }

    impl From<std::io::Error> for Error {
        fn from(e: std::io::Error) -> Self {
            Error::io("writing to memory", e)
        }
    }

    /// Every page that matches its checksum, by its place.
    fn pages(wreck: &Wreck) -> BTreeMap<u64, Vec<u8>> {
        let mut all = BTreeMap::new();
        for chunk in wreck.each_chunk() {
            all.extend(chunk.pages().filter(|p| p.2).map(|(at, page, _)| (at, page.to_vec())));
        }
        all
    }

    #[test]
    fn chunks_say_themselves_where_they_belong() {
        for chunk_bytes in [16 << 10, 64 << 10, 256 << 10] {
            let mut bytes = sound(chunk_bytes);
            let before = wreck(&bytes).unwrap();
            assert!(before.flaws().is_empty() && before.places.len() > 3);
            let pages_before = pages(&before);
            bytes[..HEAD_LEN as usize].fill(0);
            let after = wreck(&bytes).unwrap();
            assert_eq!(after.chunk_bytes, u64::from(chunk_bytes));
            let known = |(l, p): (&u32, &u32)| before.places.get(l) == Some(p);
            assert!(after.places.iter().all(known) && after.others.is_empty());
            assert_eq!(pages(&after), pages_before);
            for (at, page) in pages_before {
                assert_eq!(after.read(at, PAGE_LEN as u64, None), Some(page));
            }
        }
    }

    /// A file without slots, one chunk of which is there twice, and the bytes of the copy.
    fn with_two_of_one_place() -> (Wreck, Vec<u8>) {
        let mut bytes = sound(16 << 10);
        let (from, len) = (HEAD_LEN as usize + 2 * (16 << 10), 16 << 10);
        let copy = bytes[from..from + len].to_vec();
        bytes.resize(bytes.len().next_multiple_of(len), 0);
        bytes.extend(&copy);
        // One page of the first is damaged, so the copy is the better of the two.
        bytes[from + PAGE_LEN + 50] ^= 1;
        bytes[..HEAD_LEN as usize].fill(0);
        (wreck(&bytes).unwrap(), copy)
    }

    #[test]
    fn a_chunk_of_the_same_place_can_be_read_too() {
        let (wreck, copy) = with_two_of_one_place();
        let (logical, others) = wreck.others.first_key_value().expect("two of one place");
        assert_eq!(others.len(), 1);
        let at = u64::from(*logical) * payload(16 << 10);
        let read: Vec<_> = wreck
            .ways(at, PAGE_LEN as u64)
            .into_iter()
            .map(|way| wreck.read(at, PAGE_LEN as u64, way).unwrap())
            .collect();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0], copy[PAGE_LEN..2 * PAGE_LEN]);
        assert_ne!(read[0], read[1]);
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        for bytes in [Vec::new(), b"a shopping list".repeat(20_000)] {
            let error = wreck(&bytes).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::NotMemlith);
        }
    }

    #[test]
    fn a_range_beyond_the_table_space_cannot_be_read_in_any_way() {
        let (wreck, _) = with_two_of_one_place();
        let payload = payload(16 << 10);
        let len = PAGE_LEN as u64;
        // Numbers of chunks that no longer fit 32 bits, and ends that no longer fit 64.
        for offset in [wreck.len, (payload << 32) - len, payload << 32, u64::MAX - 1] {
            assert_eq!(wreck.ways(offset, len), [], "{offset}");
            assert_eq!(wreck.read(offset, len, None), None, "{offset}");
        }
        assert_eq!(wreck.ways(wreck.len - len, len).first(), Some(&None));
        // A range without bytes lies in the chunk that it begins in.
        for logical in wreck.others.keys() {
            assert_eq!(wreck.ways(u64::from(*logical) * payload, 0).len(), 2);
        }
    }

    #[test]
    fn no_range_takes_more_memory_than_twice_the_file() {
        let mut wreck = wreck(&sound(16 << 10)).unwrap();
        // A slot can say anything.
        wreck.len = u64::MAX;
        assert_eq!(wreck.read(0, 2 * wreck.file_len + 1, None), None);
        wreck.len = wreck.places.len() as u64 * payload(wreck.chunk_bytes);
        assert_eq!(wreck.read(0, u64::MAX, None), None);
        assert_eq!(wreck.read(u64::MAX, 1, None), None);
        assert_eq!(wreck.read(wreck.len, 1, None), None);
    }
}
