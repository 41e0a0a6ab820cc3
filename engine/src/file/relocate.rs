//! Moving what lies high in the file into holes below, so that the file can end earlier; and segments
//! aside for a while, where holes are too short for any.
//!
//! **Invariant:** nothing is named before it is durable where it is named: the copies of chunks of
//! a table space before the slot of their map (rule 10), that of a segment before its row (rule 4).
//! What they left is reused by rules 3 and 5 as anything else. Readers and writers go on; they wait
//! for the copying of a single chunk at most. Called by the kernel, step by step.

use super::alloc::{Allocator, Extent, Owner};
use super::arrange::{self, Move};
use super::container::{Container, State};
use super::fault::error_from;
use super::map::RUN_LEN;
use super::open::Space;
use super::segment::{Layout, SegmentRef};
use super::slot::INLINE_RUNS;
use crate::error::{ErrorKind, Result};
use crate::planted::{self, Defect};
use memlith_index::image::Source;
use std::io;

/// Bytes of table space that one step moves.
const STEP_BYTES: u64 = 4 << 20;
/// Bytes of a segment that are copied at once.
const COPY_BYTES: usize = 1 << 20;

/// What a step has done, or who has to do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arranged {
    /// So many bytes were moved; there may be more to do.
    Moved(u64),
    /// This segment is to be moved by whoever owns it: see [`Container::copy_segment`].
    Segment(Extent, Toward),
    /// Nothing that could be moved would make the file shorter.
    Done,
}

/// Where a segment that moves comes to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toward {
    /// In the first hole below it.
    Below,
    /// Behind all that is in use, so that holes become one.
    Aside,
}

/// Room in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Bytes of the file, rounded up to whole chunks.
    pub(crate) file: u64,
    /// What of them nobody owns.
    pub(crate) free: u64,
}

/// A chunk of a table space on its way.
struct Passage {
    space: usize,
    logical: usize,
    from: u32,
}

impl Container {
    /// How much of the file is free. Costs nothing.
    pub(crate) fn room(&self) -> Room {
        let state = self.0.state.read();
        let bytes = |chunks: usize| chunks as u64 * self.0.chunk_bytes;
        Room { file: bytes(state.chunks.len()), free: bytes(state.chunks.free_len()) }
    }

    /// Bytes that lie behind as many chunks as are in use: about what has to be moved.
    pub(crate) fn displaced(&self) -> u64 {
        let state = self.0.state.read();
        let used = state.chunks.len() - state.chunks.free_len();
        let behind = state.chunks.owners()[used..].iter().filter(|o| **o != Owner::Free).count();
        behind as u64 * self.0.chunk_bytes
    }

    /// Takes a step towards a file without holes: a bounded one, but for segments, which are their
    /// owners' to move. `segments` are all that rows name. With `may_grow` the file may get longer by a
    /// segment for a while. Ends early when `goes_on` says no.
    pub(crate) fn arrange(
        &self,
        segments: &[SegmentRef],
        may_grow: bool,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Arranged> {
        self.check_writable()?;
        let failed = |e| error_from("moving chunks", e);
        // What has left the maps counts as in use until a slot says so.
        if self.0.state.read().chunks.is_leaving() {
            self.sync().map_err(failed)?;
        }
        let extents: Vec<Extent> = segments.iter().map(|s| s.extent).collect();
        let planned = {
            let state = self.0.state.read();
            let knows = state.chunks.knows_segments();
            let spare_runs = self.spare_runs(&state);
            let plan = || arrange::next(state.chunks.owners(), &extents, spare_runs, may_grow);
            knows.then(plan).flatten()
        };
        let most = (STEP_BYTES / self.0.chunk_bytes).max(1) as usize;
        let moved = match planned {
            None => return Ok(Arranged::Done),
            Some(Move::Segment(extent)) => return Ok(Arranged::Segment(extent, Toward::Below)),
            Some(Move::Aside(extent)) => return Ok(Arranged::Segment(extent, Toward::Aside)),
            Some(Move::Maps) => {
                self.0.state.write().dirty = true;
                1
            }
            Some(Move::TablesBehind(used)) => {
                let mut passages = self.passages(|chunk| chunk >= used);
                let surplus = passages.len().saturating_sub(most);
                passages.drain(..surplus);
                // In the order of the space, into ascending holes: few runs.
                passages.sort_unstable_by_key(|p| (p.space, p.logical));
                let place =
                    |chunks: &mut Allocator| chunks.take_below(1, used as u32, Owner::Table);
                self.move_chunks(&passages, place, goes_on).map_err(failed)?
            }
            Some(Move::TablesWithin(room)) => {
                let passages = self.passages(|chunk| room.contains(&chunk));
                let place = |chunks: &mut Allocator| chunks.take_outside(&room, Owner::Table);
                self.move_chunks(&passages, place, goes_on).map_err(failed)?
            }
        };
        if moved == 0 {
            return Ok(Arranged::Done);
        }
        self.sync().map_err(failed)?;
        Ok(Arranged::Moved(moved as u64 * self.0.chunk_bytes))
    }

    /// How many more runs the maps may have and still fit into a slot.
    fn spare_runs(&self, state: &State) -> usize {
        let runs = state.spaces.iter().map(|space| space.map.encode().len() / RUN_LEN);
        let room = self.0.settings.inline_runs.min(INLINE_RUNS);
        room.saturating_sub(runs.sum())
    }

    /// The chunks of table spaces that lie where `chosen` says, in the order of the file.
    fn passages(&self, chosen: impl Fn(usize) -> bool) -> Vec<Passage> {
        let state = self.0.state.read();
        let mut found = Vec::new();
        for (space, Space { map, .. }) in state.spaces.iter().enumerate() {
            for logical in 0..map.len() {
                if let Some(from) = map.get(logical).filter(|from| chosen(*from as usize)) {
                    found.push(Passage { space, logical, from });
                }
            }
        }
        found.sort_unstable_by_key(|p| p.from);
        found
    }

    /// Moves chunks to where `place` says, one at a time; returns how many.
    fn move_chunks(
        &self,
        passages: &[Passage],
        place: impl Fn(&mut Allocator) -> Option<Extent>,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> io::Result<usize> {
        let mut bytes = vec![0; self.0.chunk_bytes as usize];
        let mut moved = 0;
        for Passage { space, logical, from } in passages {
            // Nobody writes into the chunk meanwhile, nor reads it where it is not yet.
            if !goes_on() {
                break;
            }
            let mut state = self.0.state.write();
            if state.spaces[*space].map.get(*logical) != Some(*from) {
                continue;
            }
            self.0.disk.read_at(self.offset(*from), &mut bytes)?;
            let Some(to) = place(&mut state.chunks) else { break };
            self.0.disk.write_at(self.offset(to.start), &bytes)?;
            let State { spaces, chunks, dirty, unsettled, .. } = &mut *state;
            spaces[*space].map.replace(*logical, to.start);
            // Rule 10.
            *unsettled |= !planted::is(Defect::MoveNotSynced);
            // Rule 3.
            let left = Extent { start: *from, chunks: 1 };
            if planted::is(Defect::MovedFromFree) {
                chunks.free_left(vec![left]);
            } else {
                chunks.leave(left);
            }
            *dirty = true;
            moved += 1;
        }
        Ok(moved)
    }

    /// Copies a segment, durably, to another place; the copy is its caller's to name, or to
    /// [`release`](Self::release). `None` if there is no such place (any more), or `goes_on` says no.
    /// Nobody may release the segment meanwhile.
    ///
    /// # Errors
    /// Corruption if a block does not match its checksum: what is damaged stays where it is.
    pub(crate) fn copy_segment(
        &self,
        segment: &SegmentRef,
        toward: Toward,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<SegmentRef>> {
        self.check_writable()?;
        // What is opened is pinned, and read against its checksums.
        let source = self.open_segment(segment)?;
        let SegmentRef { extent, len, checksum } = *segment;
        let taken = {
            let chunks = &mut self.0.state.write().chunks;
            match toward {
                Toward::Below => chunks.take_below(extent.chunks, extent.start, Owner::Segment),
                Toward::Aside => chunks.take_behind(extent.chunks, Owner::Segment),
            }
        };
        let Some(extent) = taken else { return Ok(None) };
        let copy = SegmentRef { extent, len, checksum };
        let copied = self.copy_blocks(&*source, segment, &copy, goes_on);
        if !matches!(copied, Ok(true)) {
            self.release(&copy);
        }
        match copied {
            Err(e) if toward == Toward::Aside && e.kind() == ErrorKind::StorageFull => Ok(None),
            copied => copied.map(|is_whole| is_whole.then_some(copy)),
        }
    }

    fn copy_blocks(
        &self,
        source: &dyn Source,
        segment: &SegmentRef,
        copy: &SegmentRef,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool> {
        let failed = |e| error_from("moving a segment", e);
        let (from, to) = (self.offset(segment.extent.start), self.offset(copy.extent.start));
        let layout = Layout::of(segment.len).map_or(0..0, |layout| layout.len..layout.end);
        for start in (0..source.len()).step_by(COPY_BYTES) {
            if !goes_on() {
                return Ok(false);
            }
            let bytes = source.get(start..source.len().min(start + COPY_BYTES))?;
            self.0.disk.write_at(to + start as u64, bytes).map_err(failed)?;
        }
        let mut tail = vec![0; layout.len()];
        self.0.disk.read_at(from + layout.start as u64, &mut tail).map_err(failed)?;
        self.0.disk.write_at(to + layout.start as u64, &tail).map_err(failed)?;
        // Rule 4.
        if !planted::is(Defect::CopyNotSynced) {
            self.sync().map_err(failed)?;
        }
        Ok(true)
    }
}
