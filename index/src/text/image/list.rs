//! The postings of one term.
//!
//! ```text
//! fewer than 8 documents:   varints, see `tiny`
//! up to 128 documents:      impacts (4) | a block
//! more:                     impacts (4) | 12 B a block: last entry u32, end u32, impacts (4) | blocks
//! ```
//!
//! Ends count from the first block on; `end` of the block before is where a block begins.
//!
//! **Invariant:** whatever bytes there are, postings that were read ascend and name documents of the
//! segment.

use super::impact::{Gatherer, IMPACTS_BYTES, Impacts};
use super::inconsistent;
use super::pack::BLOCK;
use super::posting_block::{self, Postings};
use super::tiny::{self, TINY};
use crate::image::ImageError;

/// Bytes of a block's record.
const RECORD_BYTES: usize = 12;

/// The blocks of a list, read in place.
#[derive(Clone, Copy)]
pub(in crate::text) struct ListReader<'a> {
    count: u32,
    /// Documents of the segment.
    documents: u32,
    has_positions: bool,
    impacts: Impacts,
    /// Of the blocks; none for a list of one block.
    records: &'a [[u8; RECORD_BYTES]],
    blocks: &'a [u8],
}

/// What is known of a block before it is read.
#[derive(Clone, Copy)]
pub(in crate::text) struct Span {
    /// No entry is lower.
    pub(in crate::text) first: u32,
    /// No entry is higher.
    pub(in crate::text) last: u32,
    pub(in crate::text) impacts: Impacts,
}

impl<'a> ListReader<'a> {
    /// The list of a term that `count` of so many `documents` have.
    pub(super) fn new(
        bytes: &'a [u8],
        count: u32,
        documents: u32,
        has_positions: bool,
    ) -> Result<Self, ImageError> {
        if count == 0 || count > documents {
            return Err(inconsistent("a term is in some of the documents that there are"));
        }
        let mut list = Self {
            count,
            documents,
            has_positions,
            impacts: Impacts::ANY,
            records: &[],
            blocks: bytes,
        };
        if count >= TINY {
            let cut = || inconsistent("a list has a record for each block");
            let (impacts, rest) = bytes.split_first_chunk::<IMPACTS_BYTES>().ok_or_else(cut)?;
            list.impacts = Impacts::from_bytes(*impacts);
            list.blocks = rest;
            if list.block_count() > 1 {
                let records = list.block_count() * RECORD_BYTES;
                let (records, blocks) = rest.split_at_checked(records).ok_or_else(cut)?;
                (list.records, list.blocks) = (records.as_chunks().0, blocks);
            }
        }
        Ok(list)
    }

    /// Documents that have the term, dead ones among them.
    pub(in crate::text) fn count(&self) -> u32 {
        self.count
    }

    pub(in crate::text) fn block_count(&self) -> usize {
        (self.count as usize).div_ceil(BLOCK)
    }

    /// Of all blocks.
    pub(in crate::text) fn impacts(&self) -> Impacts {
        self.impacts
    }

    /// What is known of block `at`, which there must be.
    #[inline]
    pub(in crate::text) fn span(&self, at: usize) -> Result<Span, ImageError> {
        let Some([l0, l1, l2, l3, _, _, _, _, impacts @ ..]) = self.records.get(at) else {
            let last = self.documents - 1;
            return Ok(Span { first: 0, last, impacts: self.impacts });
        };
        let last = u32::from_le_bytes([*l0, *l1, *l2, *l3]);
        let first = if at == 0 { 0 } else { self.last(at - 1).saturating_add(1) };
        if first > last || last >= self.documents {
            return Err(inconsistent("the blocks of a list ascend"));
        }
        Ok(Span { first, last, impacts: Impacts::from_bytes(*impacts) })
    }

    /// The last entry of block `at`, as its record has it.
    fn last(&self, at: usize) -> u32 {
        let [l0, l1, l2, l3, ..] = self.records[at];
        u32::from_le_bytes([l0, l1, l2, l3])
    }

    /// The first block from `from` on that may have `entry` or a higher one; their number if none has.
    #[inline]
    pub(in crate::text) fn seek(&self, from: usize, entry: u32) -> usize {
        if self.records.is_empty() {
            return from;
        }
        // Most steps are short ones.
        let mut step = 1;
        let (mut low, mut high) = (from, from);
        while high < self.records.len() && self.last(high) < entry {
            low = high + 1;
            high += step;
            step *= 2;
        }
        let range = low..high.min(self.records.len());
        low + self.records[range].partition_point(|[l0, l1, l2, l3, ..]| {
            u32::from_le_bytes([*l0, *l1, *l2, *l3]) < entry
        })
    }

    /// Reads block `at`, which there must be.
    pub(in crate::text) fn read(
        &self,
        at: usize,
        with_positions: bool,
        into: &mut Postings,
    ) -> Result<(), ImageError> {
        let with_positions = with_positions && self.has_positions;
        if self.count < TINY {
            return tiny::read(self.blocks, self.count, self.documents, self.has_positions, into);
        }
        let len = BLOCK.min(self.count as usize - at * BLOCK);
        let span = self.span(at)?;
        into.read(self.bytes(at)?, len, span.first, with_positions)?;
        let last = into.entries[len - 1];
        let is_sound = if self.records.is_empty() { last <= span.last } else { last == span.last };
        if !is_sound {
            into.len = 0;
            return Err(inconsistent("a block ends with the last entry that its list names"));
        }
        Ok(())
    }

    fn bytes(&self, at: usize) -> Result<&'a [u8], ImageError> {
        let end = |at: usize| {
            let [_, _, _, _, e0, e1, e2, e3, ..] = self.records[at];
            u32::from_le_bytes([e0, e1, e2, e3]) as usize
        };
        let range = if self.records.is_empty() {
            0..self.blocks.len()
        } else {
            (if at == 0 { 0 } else { end(at - 1) })..end(at)
        };
        self.blocks.get(range).ok_or_else(|| inconsistent("blocks lie in their list"))
    }
}

/// Postings to be written: entries, frequencies, and the deltas of positions of all, one after the
/// other.
#[derive(Clone, Copy)]
pub(super) struct ListWriter<'a> {
    pub(super) entries: &'a [u32],
    pub(super) tfs: &'a [u32],
    /// `None` if they are not kept.
    pub(super) positions: Option<&'a [u32]>,
    /// Of the documents of the segment.
    pub(super) lengths: &'a [(u32, u32)],
}

impl ListWriter<'_> {
    /// Appends the list.
    ///
    /// # Errors
    /// It would be longer than 4 GiB, or has too few positions.
    pub(super) fn write(
        &self,
        gatherer: &mut Gatherer,
        into: &mut Vec<u8>,
    ) -> Result<(), ImageError> {
        let Self { entries, tfs, positions, lengths } = *self;
        if entries.len() < TINY as usize {
            tiny::write(entries, tfs, positions.unwrap_or_default(), into);
            return Ok(());
        }
        let blocks = entries.len().div_ceil(BLOCK);
        let head = into.len();
        let records = if blocks > 1 { blocks * RECORD_BYTES } else { 0 };
        into.resize(head + IMPACTS_BYTES + records, 0);
        let start = into.len();
        let mut whole = Gatherer::clone(gatherer);
        let mut rest = positions;
        let mut first = 0;
        let pairs = entries.chunks(BLOCK).zip(tfs.chunks(BLOCK));
        for (at, (entries, tfs)) in pairs.enumerate() {
            let own = match rest {
                None => None,
                Some(all) => {
                    let count = tfs.iter().map(|&tf| tf as usize).sum();
                    // They may come from an image that says other frequencies than it has positions.
                    let few = || inconsistent("a list has fewer positions than frequencies");
                    let (own, behind) = all.split_at_checked(count).ok_or_else(few)?;
                    rest = Some(behind);
                    Some(own)
                }
            };
            posting_block::write(first, entries, tfs, own, into);
            for (&entry, &tf) in entries.iter().zip(tfs) {
                let length = lengths[entry as usize].1;
                gatherer.add(tf, length);
                whole.add(tf, length);
            }
            let (last, impacts) = (entries[entries.len() - 1], gatherer.finish());
            first = last + 1;
            if records > 0 {
                let end = u32::try_from(into.len() - start)
                    .map_err(|_| inconsistent("a list takes 4 GiB at most"))?;
                let record = head + IMPACTS_BYTES + at * RECORD_BYTES;
                into[record..record + 4].copy_from_slice(&last.to_le_bytes());
                into[record + 4..record + 8].copy_from_slice(&end.to_le_bytes());
                into[record + 8..record + 12].copy_from_slice(&impacts.to_bytes());
            }
        }
        let impacts = whole.finish().to_bytes();
        into[head..head + IMPACTS_BYTES].copy_from_slice(&impacts);
        Ok(())
    }
}
