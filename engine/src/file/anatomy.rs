//! Which byte of a file is what: for whoever damages one on purpose.
//!
//! **Invariant:** ranges are those of `docs/file-format.md`, found from the bytes alone by the same
//! code that opens a file. For torture alone.

use super::disk::{Disk, MemoryDisk};
use super::open;
use super::pages::{PAGE_LEN, SUM_LEN, SUMS_LEN, checksum};
use super::segment::{Layout, SegmentRef};
use super::slot::{Found, HEAD_LEN, SLOT_LEN, Slot};
use super::table::payload;
use crate::Result;
use crate::error::{Detail, Error};
use std::ops::Range;

/// A page of the table space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TablePage {
    pub(crate) bytes: Range<usize>,
    /// Its checksum.
    pub(crate) sum: Range<usize>,
    /// Its logical chunk, and its number in it.
    place: (usize, usize),
}

/// The parts of a file that was closed in good order.
#[derive(Clone, Debug)]
pub(crate) struct Anatomy {
    pub(crate) chunk_bytes: usize,
    /// The fields and runs of the two slots.
    pub(crate) slots: [Range<usize>; 2],
    /// Maps that do not fit the newest slot.
    pub(crate) maps: Vec<Range<usize>>,
    /// redb's header.
    pub(crate) header: Range<usize>,
    /// Every page that has a place, in reach or not, but for redb's header.
    pub(crate) pages: Vec<TablePage>,
    /// Contents and checksums of segments.
    pub(crate) segments: Vec<Range<usize>>,
}

impl Anatomy {
    /// Of a sound file whose rows name these segments.
    pub(crate) fn of(bytes: &[u8], segments: &[SegmentRef]) -> Result<Self> {
        let disk = MemoryDisk::default();
        disk.write_at(0, bytes).map_err(|e| Error::io("copying a file", e))?;
        let open::Loaded { slot, spaces, .. } = open::load(&disk)?;
        let chunk_bytes = slot.chunk_bytes as usize;
        let chunk_at = |chunk: u32| HEAD_LEN as usize + chunk as usize * chunk_bytes;
        let mut maps = Vec::new();
        for (space, descriptor) in spaces.iter().zip(&slot.spaces) {
            if let Some(spill) = space.spill {
                let at = chunk_at(spill.start);
                maps.push(at..at + descriptor.runs as usize * super::map::RUN_LEN);
            }
        }
        let mut pages = Vec::new();
        let map = &spaces[slot.active].map;
        for logical in 0..map.len() {
            let Some(chunk) = map.get(logical) else { continue };
            for page in 0..payload(chunk_bytes as u64) as usize / PAGE_LEN {
                let at = chunk_at(chunk) + SUMS_LEN + page * PAGE_LEN;
                let sum = chunk_at(chunk) + page * SUM_LEN;
                pages.push(TablePage {
                    bytes: at..at + PAGE_LEN,
                    sum: sum..sum + SUM_LEN,
                    place: (logical, page),
                });
            }
        }
        // Page 0 is redb's header.
        let header = pages.remove(0).bytes;
        let mut parts = Vec::new();
        for segment in segments {
            let too_long = Detail::Internal { doing: "laying out a segment" };
            let layout = Layout::of(segment.len).ok_or(too_long)?;
            let at = chunk_at(segment.extent.start);
            parts.extend([at..at + layout.len, at + layout.tail..at + layout.end]);
        }
        let slots = [0, 1].map(|i| used_of_slot(bytes, i));
        Ok(Anatomy { chunk_bytes, slots, maps, header, pages, segments: parts })
    }
}

impl TablePage {
    /// Makes the checksum in the file that of the page in it.
    pub(crate) fn mend(&self, bytes: &mut [u8]) {
        let Some(page) = bytes.get(self.bytes.clone()) else { return };
        let sum = checksum(page, self.place.0, self.place.1);
        bytes[self.sum.clone()].copy_from_slice(&sum.to_le_bytes());
    }
}

/// The part of a slot that its checksums cover.
fn used_of_slot(bytes: &[u8], index: usize) -> Range<usize> {
    let at = index * SLOT_LEN;
    let (slots, _) = bytes.as_chunks::<SLOT_LEN>();
    match slots.get(index).map(Slot::decode) {
        Some(Found::Valid(slot)) => at..at + slot.inline_range(1).end,
        _ => at..at,
    }
}
