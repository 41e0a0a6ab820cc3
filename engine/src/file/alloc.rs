//! Who owns each physical chunk, and where the next one comes from.
//!
//! **Invariant:** a chunk has one owner. It is handed out only while it is free, and it becomes
//! free only when nothing durable and nothing alive refers to it: a chunk that left a map passes
//! through limbo until a slot without it is durable; a released segment waits for its last pin.
//! Used by the container, under its lock.

use super::arrange;
use super::fault::Fault;
use super::map::MAX_CHUNKS;
use crate::planted::{self, Defect};
use std::collections::HashMap;
use std::ops::Range;

/// What a chunk is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Free,
    /// Part of a table space.
    Table,
    /// Holds a map that does not fit its slot.
    Map,
    /// Part of a segment: a row names it, or soon will, or a source still pins it.
    Segment,
    /// Has left the map; the durable slot may still name it.
    Limbo,
}

/// Consecutive physical chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Extent {
    pub(crate) start: u32,
    pub(crate) chunks: u32,
}

impl Extent {
    /// The chunks of the extent, if all of them can exist.
    pub(super) fn checked_range(self) -> Option<Range<u32>> {
        let end = self.start.checked_add(self.chunks).filter(|end| *end <= MAX_CHUNKS)?;
        (self.chunks > 0).then_some(self.start..end)
    }

    /// The chunks of an extent that this process has allocated or checked.
    pub(super) fn range(self) -> Range<u32> {
        self.start..self.start + self.chunks
    }
}

fn indices(range: Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// Sources that read a segment.
#[derive(Debug, Default)]
struct Pin {
    sources: usize,
    /// The row is gone: the chunks are free once the last source is.
    released: bool,
}

/// Owners of all chunks of the file.
#[derive(Debug, Default)]
pub(super) struct Allocator {
    owners: Vec<Owner>,
    /// How many of them are free.
    free: usize,
    /// No chunk below is free.
    lowest_free: usize,
    /// By extent start.
    pins: HashMap<u32, Pin>,
    /// Chunks that have left a map since the last slot was written.
    leaving: Vec<Extent>,
    /// Until the rows that own segments have been read, a chunk that looks free may be one.
    knows_segments: bool,
}

impl Allocator {
    /// For a file of `chunks` chunks whose owners are not known yet.
    pub(super) fn new(chunks: usize, knows_segments: bool) -> Self {
        let owners = vec![Owner::Free; chunks];
        Allocator { owners, free: chunks, knows_segments, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.owners.len()
    }

    pub(super) fn count(&self, owner: Owner) -> usize {
        self.owners.iter().filter(|o| **o == owner).count()
    }

    /// Free chunks. Unlike [`count`](Self::count) it costs nothing to ask.
    pub(super) fn free_len(&self) -> usize {
        self.free
    }

    /// May what looks free be used?
    pub(super) fn knows_segments(&self) -> bool {
        self.knows_segments
    }

    pub(super) fn owner(&self, chunk: u32) -> Option<Owner> {
        self.owners.get(chunk as usize).copied()
    }

    pub(super) fn owners(&self) -> &[Owner] {
        &self.owners
    }

    /// Records an owner read from the file. False if the chunks cannot exist or have another.
    #[must_use]
    pub(super) fn claim(&mut self, extent: Extent, owner: Owner) -> bool {
        let Some(range) = extent.checked_range().map(indices) else { return false };
        self.reach(range.end);
        let unclaimed = self.owners[range.clone()].iter().all(|o| *o == Owner::Free);
        if unclaimed {
            self.occupy(range, owner);
        }
        unclaimed
    }

    /// All segments are claimed: whatever is not owned is free indeed.
    pub(super) fn segments_known(&mut self) {
        self.knows_segments = true;
    }

    /// Takes consecutive chunks: the first that fit, else at the end of the file.
    pub(super) fn take(&mut self, chunks: u32, owner: Owner) -> Result<Extent, Fault> {
        let start = self.first_fit(chunks as usize);
        let end = start as u64 + u64::from(chunks);
        if end > u64::from(MAX_CHUNKS) {
            return Err(Fault::TooManyChunks { chunks: end, limit: MAX_CHUNKS.into() });
        }
        let end = end as usize;
        self.reach(end);
        self.occupy(start..end, owner);
        Ok(Extent { start: start as u32, chunks })
    }

    /// Takes the first consecutive chunks that are free and end at or below `limit`, if there are
    /// any.
    pub(super) fn take_below(&mut self, chunks: u32, limit: u32, owner: Owner) -> Option<Extent> {
        let start = arrange::hole_below(&self.owners, chunks as usize, limit as usize)?;
        self.occupy(start..start + chunks as usize, owner);
        Some(Extent { start: start as u32, chunks })
    }

    /// Takes consecutive chunks behind all that are in use, if the format can name as many.
    pub(super) fn take_behind(&mut self, chunks: u32, owner: Owner) -> Option<Extent> {
        let start = self.used_len();
        let range = Extent { start: start as u32, chunks }.checked_range().map(indices)?;
        self.reach(range.end);
        self.occupy(range, owner);
        Some(Extent { start: start as u32, chunks })
    }

    /// Takes the first free chunk that does not lie within `room`, else one at the end of the file.
    pub(super) fn take_outside(&mut self, room: &Range<usize>, owner: Owner) -> Option<Extent> {
        let is_free = |c: &usize| self.owners[*c] == Owner::Free && !room.contains(c);
        let all = self.owners.len();
        let at = (0..all).find(is_free).unwrap_or(all);
        if at >= MAX_CHUNKS as usize {
            return None;
        }
        self.reach(at + 1);
        self.occupy(at..at + 1, owner);
        Some(Extent { start: at as u32, chunks: 1 })
    }

    /// There are at least so many chunks.
    fn reach(&mut self, len: usize) {
        if self.owners.len() < len {
            self.free += len - self.owners.len();
            self.owners.resize(len, Owner::Free);
        }
    }

    /// Gives free chunks an owner.
    fn occupy(&mut self, range: Range<usize>, owner: Owner) {
        debug_assert!(self.owners[range.clone()].iter().all(|o| *o == Owner::Free));
        self.free -= range.len();
        if range.start == self.lowest_free {
            self.lowest_free = range.end;
        }
        self.owners[range].fill(owner);
    }

    fn first_fit(&mut self, chunks: usize) -> usize {
        if !self.knows_segments && !planted::is(Defect::FreeBeforeKnown) {
            return self.owners.len();
        }
        let is_free = |c: &usize| self.owners[*c] == Owner::Free;
        let all = self.owners.len();
        self.lowest_free = (self.lowest_free..all).find(is_free).unwrap_or(all);
        let mut run = 0;
        let fit = (self.lowest_free..all).find(|c| {
            run = if is_free(c) { run + 1 } else { 0 };
            run == chunks
        });
        // A run that reaches the end of the file is continued behind it.
        fit.map_or(all - run, |last| last + 1 - chunks)
    }

    fn free(&mut self, extent: Extent) {
        let range = indices(extent.range());
        self.lowest_free = self.lowest_free.min(range.start);
        self.free += range.len();
        self.owners[range].fill(Owner::Free);
    }

    /// Chunks leave the map: the slot on disk may still name them.
    pub(super) fn leave(&mut self, extent: Extent) {
        if planted::is(Defect::LimboSkipped) {
            return self.free(extent);
        }
        self.owners[indices(extent.range())].fill(Owner::Limbo);
        self.leaving.push(extent);
    }

    /// Has anything left a map since the last slot was written?
    pub(super) fn is_leaving(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// What the slot being written no longer names; free it when that slot is durable.
    pub(super) fn take_leaving(&mut self) -> Vec<Extent> {
        std::mem::take(&mut self.leaving)
    }

    /// Frees chunks whose slot has become durable.
    pub(super) fn free_left(&mut self, extents: Vec<Extent>) {
        for extent in extents {
            self.free(extent);
        }
    }

    pub(super) fn pin(&mut self, extent: Extent) {
        self.pins.entry(extent.start).or_default().sources += 1;
    }

    pub(super) fn unpin(&mut self, extent: Extent) {
        let Some(pin) = self.pins.get_mut(&extent.start) else { return };
        pin.sources -= 1;
        if pin.sources == 0 {
            let released = pin.released;
            self.pins.remove(&extent.start);
            if released {
                self.free(extent);
            }
        }
    }

    /// Gives a segment's chunks back, at once or when its last source is gone.
    ///
    /// # Panics
    /// If the chunks are not those of a segment: the caller released it twice.
    pub(super) fn release(&mut self, extent: Extent) {
        let owners = &self.owners[indices(extent.range())];
        assert!(owners.iter().all(|o| *o == Owner::Segment), "released chunks are no segment");
        match self.pins.get_mut(&extent.start) {
            Some(pin) if !planted::is(Defect::PinsIgnored) => {
                assert!(!pin.released, "segment released twice");
                pin.released = true;
            }
            _ => self.free(extent),
        }
    }

    /// Chunks up to the last that is in use.
    pub(super) fn used_len(&self) -> usize {
        let used = self.owners.iter().rposition(|o| *o != Owner::Free).map_or(0, |last| last + 1);
        // What looks free may be a segment that no row has claimed yet.
        if self.knows_segments { used } else { self.owners.len() }
    }

    /// Forgets the free chunks behind `len`.
    pub(super) fn truncate(&mut self, len: usize) {
        debug_assert!(self.owners[len..].iter().all(|o| *o == Owner::Free));
        self.free -= self.owners.len() - len;
        self.owners.truncate(len);
        self.lowest_free = self.lowest_free.min(len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(chunks: usize) -> Allocator {
        Allocator::new(chunks, true)
    }

    #[test]
    fn first_fit_reuses_and_continues_behind_the_end() {
        let mut a = known(0);
        let first = a.take(2, Owner::Segment).unwrap();
        let second = a.take(1, Owner::Table).unwrap();
        assert_eq!((first.start, second.start), (0, 2));
        a.release(first);
        assert_eq!(a.take(1, Owner::Table).unwrap().start, 0);
        assert_eq!(a.take(2, Owner::Table).unwrap().start, 3);
        let tail = a.take(2, Owner::Segment).unwrap();
        a.release(tail);
        assert_eq!(a.take(4, Owner::Segment).unwrap().start, tail.start);
    }

    #[test]
    fn nothing_inside_the_file_is_taken_before_the_segments_are_known() {
        let mut a = Allocator::new(5, false);
        assert_eq!(a.take(1, Owner::Table).unwrap().start, 5);
        assert_eq!(a.used_len(), 6);
        assert!(a.claim(Extent { start: 1, chunks: 2 }, Owner::Segment));
        a.segments_known();
        assert_eq!(a.take(1, Owner::Table).unwrap().start, 0);
        assert_eq!(a.take(2, Owner::Table).unwrap().start, 3);
    }

    #[test]
    fn a_pinned_segment_is_free_only_when_its_last_source_is_gone() {
        let mut a = known(0);
        let e = a.take(3, Owner::Segment).unwrap();
        a.pin(e);
        a.pin(e);
        a.release(e);
        a.unpin(e);
        assert_eq!(a.count(Owner::Free), 0);
        a.unpin(e);
        assert_eq!((a.count(Owner::Free), a.used_len()), (3, 0));
    }

    #[test]
    fn a_pin_alone_frees_nothing() {
        let mut a = known(0);
        let e = a.take(1, Owner::Segment).unwrap();
        a.pin(e);
        a.unpin(e);
        assert_eq!(a.owner(e.start), Some(Owner::Segment));
        a.release(e);
        assert_eq!(a.owner(e.start), Some(Owner::Free));
    }

    #[test]
    fn chunks_that_left_a_map_wait_for_the_slot() {
        let mut a = known(0);
        let e = a.take(2, Owner::Table).unwrap();
        a.leave(e);
        assert_ne!(a.take(1, Owner::Table).unwrap().start, e.start);
        let left = a.take_leaving();
        assert!(a.take_leaving().is_empty());
        a.free_left(left);
        assert_eq!(a.take(1, Owner::Table).unwrap().start, e.start);
    }

    #[test]
    fn a_chunk_is_claimed_once_and_within_bounds() {
        let mut a = known(2);
        assert!(a.claim(Extent { start: 1, chunks: 2 }, Owner::Table));
        assert!(!a.claim(Extent { start: 2, chunks: 1 }, Owner::Segment));
        assert!(!a.claim(Extent { start: u32::MAX, chunks: 2 }, Owner::Segment));
        assert!(!a.claim(Extent { start: 0, chunks: 0 }, Owner::Segment));
        assert!(!a.claim(Extent { start: MAX_CHUNKS, chunks: 1 }, Owner::Segment));
    }

    #[test]
    fn a_file_has_no_more_chunks_than_its_format_can_name() {
        assert!(known(0).take(MAX_CHUNKS + 1, Owner::Segment).is_err());
    }

    #[test]
    fn free_chunks_are_counted_wherever_they_come_from() {
        let mut a = known(3);
        let segment = a.take(4, Owner::Segment).unwrap();
        a.reach(9);
        assert!(a.claim(Extent { start: 12, chunks: 2 }, Owner::Segment));
        assert_eq!(a.take_outside(&(4..8), Owner::Table).map(|e| e.start), Some(8));
        assert_eq!(a.take_below(3, 6, Owner::Segment), None);
        assert_eq!(a.take_below(2, 7, Owner::Segment), Some(Extent { start: 4, chunks: 2 }));
        assert_eq!(a.take_behind(MAX_CHUNKS, Owner::Segment), None);
        assert_eq!(a.take_behind(3, Owner::Segment), Some(Extent { start: 14, chunks: 3 }));
        assert_eq!(a.free_len(), a.count(Owner::Free));
        a.release(Extent { start: 14, chunks: 3 });
        a.leave(Extent { start: 8, chunks: 1 });
        a.release(segment);
        let left = a.take_leaving();
        a.free_left(left);
        a.release(Extent { start: 12, chunks: 2 });
        a.truncate(a.used_len());
        assert_eq!((a.free_len(), a.len()), (a.count(Owner::Free), 6));
    }
}
