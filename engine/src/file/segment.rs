//! A segment: immutable bytes in consecutive chunks, named by a row.
//!
//! See `docs/file-format.md`, "Segment". The checksums of its 64 KiB blocks lie behind the bytes;
//! one checksum over them stands in the row. A block is checked when it is first touched.
//!
//! **Invariant:** [`SegmentSource::get`] returns the bytes that were written or an error, and
//! [`SegmentSource::verified`] those or nothing. While a source lives its chunks are not reused and
//! the file stays locked. Sources are made by
//! [`Container::open_segment`](super::Container::open_segment).

use super::alloc::Extent;
use super::container::Container;
use super::disk::Mapping;
use crate::error::{Error, Result};
use memlith_index::image::{ImageError, Source};
use memmap2::MmapMut;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

/// Bytes that share a checksum.
pub(super) const BLOCK_LEN: usize = 64 << 10;
/// Bytes of a block's checksum.
const CHECKSUM_LEN: usize = 8;

/// Names a segment: what a row stores to own it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SegmentRef {
    pub(crate) extent: Extent,
    /// Bytes of content.
    pub(crate) len: u64,
    /// Over the length and the checksums of all blocks.
    pub(crate) checksum: u64,
}

impl SegmentRef {
    /// Bytes of an encoded reference.
    pub(crate) const ENCODED_LEN: usize = 24;

    pub(crate) fn encode(&self) -> [u8; Self::ENCODED_LEN] {
        let mut bytes = [0; Self::ENCODED_LEN];
        bytes[..4].copy_from_slice(&self.extent.start.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.extent.chunks.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.len.to_le_bytes());
        bytes[16..].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    /// Reads a reference; whether it fits the file is checked when it is registered or opened.
    ///
    /// # Errors
    /// Corruption, if there are too few or too many bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let Ok(bytes) = <&[u8; Self::ENCODED_LEN]>::try_from(bytes) else {
            return Err(Error::corruption(
                "segment reference",
                format!("{} bytes", Self::ENCODED_LEN),
                format!("{} bytes", bytes.len()),
            ));
        };
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let extent = Extent { start: word(0) as u32, chunks: (word(0) >> 32) as u32 };
        Ok(SegmentRef { extent, len: word(8), checksum: word(16) })
    }
}

/// How the parts of a segment lie behind one another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Bytes of content.
    pub(super) len: usize,
    /// Where the checksums begin.
    pub(super) tail: usize,
    /// Bytes in all.
    pub(super) end: usize,
}

impl Layout {
    pub(super) fn of(len: u64) -> Option<Self> {
        let len = usize::try_from(len).ok()?;
        let tail = len.checked_next_multiple_of(CHECKSUM_LEN)?;
        let end = tail.checked_add(len.div_ceil(BLOCK_LEN) * CHECKSUM_LEN)?;
        Some(Layout { len, tail, end })
    }

    /// Blocks of the content.
    fn blocks(self) -> usize {
        self.len.div_ceil(BLOCK_LEN)
    }

    /// Chunks that the segment takes.
    pub(super) fn chunks(self, chunk_bytes: u64) -> u64 {
        (self.end as u64).div_ceil(chunk_bytes).max(1)
    }
}

/// The checksums of content that comes in pieces.
#[derive(Default)]
pub(super) struct BlockSums {
    block: Xxh3Default,
    /// Bytes of the content so far.
    len: u64,
    sums: Vec<u8>,
}

impl BlockSums {
    /// Takes in what follows.
    pub(super) fn update(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let room = BLOCK_LEN - (self.len % BLOCK_LEN as u64) as usize;
            let (now, later) = piece.split_at(room.min(piece.len()));
            self.block.update(now);
            self.len += now.len() as u64;
            if self.len.is_multiple_of(BLOCK_LEN as u64) {
                self.end_block();
            }
            piece = later;
        }
    }

    fn end_block(&mut self) {
        self.sums.extend(self.block.digest().to_le_bytes());
        self.block.reset();
    }

    /// Bytes taken in.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Padding and block checksums to be written behind the content, and the checksum of the
    /// whole.
    pub(super) fn seal(mut self) -> (Vec<u8>, u64) {
        if !self.len.is_multiple_of(BLOCK_LEN as u64) {
            self.end_block();
        }
        let padding = self.len.next_multiple_of(CHECKSUM_LEN as u64) - self.len;
        let mut tail = vec![0; padding as usize];
        tail.extend(&self.sums);
        (tail, checksum_of(self.len, &self.sums))
    }
}

fn checksum_of(len: u64, block_checksums: &[u8]) -> u64 {
    let mut hasher = Xxh3Default::new();
    hasher.update(&len.to_le_bytes());
    hasher.update(block_checksums);
    hasher.digest()
}

/// Where the bytes of an open segment are.
#[derive(Debug)]
pub(super) enum Bytes {
    Mapped(Mapping),
    /// Read into memory.
    Read(MmapMut),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Read(memory) => memory,
        }
    }
}

/// Zeros, in large pages where the system gives them: what searches read lies at places that have nothing to do with
/// one another, and in small pages they wait for the tables of pages, too.
pub(super) fn memory(len: usize) -> io::Result<MmapMut> {
    let memory = MmapMut::map_anon(len)?;
    // A hint.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    Ok(memory)
}

/// Keeps a segment's chunks from being reused, and the file open and locked.
#[derive(Debug)]
pub(crate) struct Pin {
    pub(super) container: Container,
    pub(super) extent: Extent,
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.container.unpin(self.extent);
    }
}

/// An open segment.
#[derive(Debug)]
pub(super) struct SegmentSource {
    // Before the pin: the mapping goes first.
    bytes: Bytes,
    layout: Layout,
    /// One bit for each block that has been checked.
    checked: Vec<AtomicU64>,
    /// How many blocks have not been.
    unchecked: AtomicUsize,
    /// The block that is checked next without being asked for.
    ahead: AtomicUsize,
    _pin: Pin,
}

impl SegmentSource {
    /// Checks the checksums themselves; the blocks are checked as they are read.
    ///
    /// # Errors
    /// Corruption, if the tail is not the one that the reference names.
    pub(super) fn open(
        bytes: Bytes,
        segment: &SegmentRef,
        layout: Layout,
        pin: Pin,
    ) -> Result<Self> {
        let found = checksum_of(segment.len, &bytes.as_slice()[layout.tail..layout.end]);
        if found != segment.checksum {
            return Err(Error::corruption(
                "segment",
                format!("checksum {:016x}", segment.checksum),
                format!("{found:016x}"),
            ));
        }
        let blocks = layout.blocks();
        let checked = (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let unchecked = AtomicUsize::new(blocks);
        let ahead = AtomicUsize::new(0);
        Ok(SegmentSource { bytes, layout, checked, unchecked, ahead, _pin: pin })
    }

    fn check_block(&self, block: usize) -> Result<(), ImageError> {
        let (word, bit) = (&self.checked[block / 64], 1 << (block % 64));
        // Relaxed, here and below: neither guards other memory, the bytes are immutable.
        if word.load(Ordering::Relaxed) & bit != 0 {
            return Ok(());
        }
        let bytes = self.bytes.as_slice();
        let start = block * BLOCK_LEN;
        let end = (start + BLOCK_LEN).min(self.layout.len);
        let stored = &bytes[self.layout.tail + block * CHECKSUM_LEN..][..CHECKSUM_LEN];
        if xxh3_64(&bytes[start..end]).to_le_bytes() != stored {
            return Err(ImageError::Damaged { start, end });
        }
        if word.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            self.unchecked.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Checks a block that nobody may ever ask for. Once many searches have gone through an image few
    /// are left, and as long as any is, each step of a search has to ask whether its block is checked.
    /// Damage is told to whoever asks for it.
    fn check_another(&self) {
        let block = self.ahead.fetch_add(1, Ordering::Relaxed);
        if block < self.layout.blocks() {
            let _ = self.check_block(block);
        }
    }
}

impl Source for SegmentSource {
    fn len(&self) -> usize {
        self.layout.len
    }

    fn get(&self, range: Range<usize>) -> Result<&[u8], ImageError> {
        let Range { start, end } = range;
        let content = &self.bytes.as_slice()[..self.layout.len];
        let bytes =
            content.get(range).ok_or(ImageError::Truncated { end, len: self.layout.len })?;
        if !bytes.is_empty() {
            (start / BLOCK_LEN..=(end - 1) / BLOCK_LEN).try_for_each(|b| self.check_block(b))?;
        }
        Ok(bytes)
    }

    fn prefetch(&self) {
        if let Bytes::Mapped(map) = &self.bytes {
            map.prefetch();
        }
    }

    fn verified(&self) -> Option<&[u8]> {
        let unchecked = self.unchecked.load(Ordering::Relaxed);
        if (1..=self.layout.blocks() / 2).contains(&unchecked) {
            self.check_another();
        }
        (unchecked == 0).then(|| &self.bytes.as_slice()[..self.layout.len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_reads_back_as_it_was() {
        let extent = Extent { start: 3, chunks: u32::MAX };
        let segment = SegmentRef { extent, len: 1 << 40, checksum: 0x0123_4567_89ab_cdef };
        assert_eq!(SegmentRef::decode(&segment.encode()).unwrap(), segment);
        assert!(SegmentRef::decode(&segment.encode()[1..]).is_err());
    }

    #[test]
    fn a_layout_of_any_length_is_bounded() {
        assert!(Layout::of(u64::MAX).is_none());
        let layout = Layout::of(BLOCK_LEN as u64 + 1).unwrap();
        assert_eq!((layout.tail, layout.end), (BLOCK_LEN + 8, BLOCK_LEN + 24));
        assert_eq!(Layout::of(0).unwrap().chunks(1 << 18), 1);
    }

    #[test]
    fn content_in_pieces_has_the_checksums_of_its_blocks() {
        let data: Vec<u8> = (0..2 * BLOCK_LEN + 13).map(|i| (i * 7 % 251) as u8).collect();
        for len in [0, 1, 8, BLOCK_LEN, BLOCK_LEN + 1, 2 * BLOCK_LEN, data.len()] {
            for piece in [1_000, BLOCK_LEN, data.len()] {
                let mut sums = BlockSums::default();
                data[..len].chunks(piece).for_each(|piece| sums.update(piece));
                let (tail, checksum) = sums.seal();
                let blocks: Vec<u8> =
                    data[..len].chunks(BLOCK_LEN).flat_map(|b| xxh3_64(b).to_le_bytes()).collect();
                assert_eq!(tail[len.next_multiple_of(CHECKSUM_LEN) - len..], blocks);
                assert_eq!(checksum, checksum_of(len as u64, &blocks));
            }
        }
    }
}
