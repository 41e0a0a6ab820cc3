//! Making things durable: the writing of slots, and the trimming of the file.
//!
//! **Invariant:** at most one slot is written between two fsyncs (rule 2), after what it relies on
//! is durable (rules 6 and 10), and what it no longer names is reused only after it is durable (rule 3).
//! Called by redb through the table space, and by the kernel.

use super::alloc::{Extent, Owner};
use super::container::{Container, State};
use super::fault::error_from;
use super::map::RUN_LEN;
use super::slot::{Descriptor, INLINE_RUNS, SLOT_LEN, Slot};
use crate::error::Result;
use crate::planted::{self, Defect};
use crate::sync::MutexGuard;
use std::io;
use xxhash_rust::xxh3::xxh3_64;

impl Container {
    /// Makes everything written so far durable, a changed map included.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let one = self.0.syncing.lock();
        let len = self.0.disk.len()?;
        self.sync_slot(&one)?;
        // Never lowered here: `trim` does that, holding the same lock.
        let mut state = self.0.state.write();
        state.floor = state.floor.max(len);
        Ok(())
    }

    /// One slot write at most, then one fsync (rules 1 and 2).
    fn sync_slot(&self, _one: &MutexGuard<'_, ()>) -> io::Result<()> {
        let disk = &self.0.disk;
        let are_sums_late = planted::is(Defect::SumsBehindSync);
        if !are_sums_late {
            self.write_sums()?;
        }
        let left = loop {
            let mut state = self.0.state.write();
            if !state.dirty {
                break Vec::new();
            }
            if !std::mem::take(&mut state.unsettled) {
                break self.write_slot(&mut state)?;
            }
            // Rules 6 and 10. Without the lock, so that readers go on; look again afterwards.
            drop(state);
            disk.sync()?;
        };
        disk.sync()?;
        if are_sums_late {
            self.write_sums()?;
        }
        // Rule 3.
        self.0.state.write().chunks.free_left(left);
        Ok(())
    }

    /// Writes the next slot, unsynced; returns what it no longer names.
    fn write_slot(&self, state: &mut State) -> io::Result<Vec<Extent>> {
        let spills = state.spaces.each_mut().map(|space| space.spill.take());
        spills.into_iter().flatten().for_each(|spill| state.chunks.leave(spill));
        let left = state.chunks.take_leaving();
        let mut inline = Vec::new();
        let mut room = self.0.settings.inline_runs.min(INLINE_RUNS);
        let mut descriptors = [Descriptor::default(); 2];
        for (space, descriptor) in state.spaces.iter_mut().zip(&mut descriptors) {
            let runs = space.map.encode();
            let count = runs.len() / RUN_LEN;
            if count <= room {
                room -= count;
                inline.extend_from_slice(&runs);
            } else {
                let chunks = (runs.len() as u64).div_ceil(self.0.chunk_bytes) as u32;
                let spill = state.chunks.take(chunks, Owner::Map)?;
                // Before the write, which may fail: the chunks are taken.
                space.spill = Some(spill);
                self.0.disk.write_at(self.offset(spill.start), &runs)?;
            }
            *descriptor = Descriptor {
                len: space.len,
                runs: count as u32,
                spill: space.spill,
                map_checksum: xxh3_64(&runs),
            };
        }
        state.sequence += 1;
        let slot = Slot {
            read_version: self.0.format.read,
            write_version: self.0.format.write,
            file_id: self.0.file_id,
            sequence: state.sequence,
            chunk_bytes: self.0.chunk_bytes as u32,
            active: state.active,
            floor: state.floor,
            spaces: descriptors,
            seal: state.seal,
        };
        let is_second = state.sequence % 2 == 1 && !planted::is(Defect::SlotsInPlace);
        let at = u64::from(is_second) * SLOT_LEN as u64;
        if !planted::is(Defect::SlotNotWritten) {
            self.0.disk.write_at(at, &slot.encode(&inline))?;
        }
        state.dirty = false;
        state.has_twin = false;
        Ok(left)
    }

    /// Seals redb's header, and writes the state into the older slot too, so that damage to either
    /// is harmless later.
    pub(super) fn sync_twin(&self) -> io::Result<()> {
        let seal = self.find_seal()?;
        let (dirty, has_twin) = {
            let mut state = self.0.state.write();
            state.dirty |= state.seal != seal;
            state.seal = seal;
            (state.dirty, state.has_twin)
        };
        if dirty {
            self.sync()?;
        } else if has_twin {
            return Ok(());
        }
        self.0.state.write().dirty = true;
        self.sync()?;
        self.0.state.write().has_twin = true;
        Ok(())
    }

    /// Cuts free chunks off the end of the file.
    pub(crate) fn trim(&self) -> Result<()> {
        self.check_writable()?;
        self.cut().map_err(|e| error_from("trimming the file", e))
    }

    fn cut(&self) -> io::Result<()> {
        let one = self.0.syncing.lock();
        let file_len = self.0.disk.len()?;
        let end = {
            let mut state = self.0.state.write();
            let end = self.offset(state.chunks.used_len() as u32);
            if end >= file_len {
                return Ok(());
            }
            state.floor = state.floor.min(end);
            state.dirty = true;
            end
        };
        // The slot that permits a shorter file is durable before the file gets shorter.
        if !planted::is(Defect::CutBeforeSlot) {
            self.sync_slot(&one)?;
        }
        let mut state = self.0.state.write();
        let used = state.chunks.used_len();
        let end = end.max(self.offset(used as u32));
        if end < file_len {
            self.0.disk.cut(end)?;
            state.chunks.truncate(used);
            // Or a chunk behind the new end might not come back as zeros.
            state.unsettled = true;
        }
        drop(state);
        self.0.disk.sync()
    }
}
