//! The container: state of the file, and the protocol that keeps it whole.
//!
//! **Invariant:** the eight rules of [the module](super). Handles are cheap clones of one state;
//! the file stays open and locked until the last of them, of its table spaces and of its segment
//! sources is dropped. Called by the kernel.

use super::alloc::{Allocator, Extent, Owner};
use super::backend::TableSpace;
use super::disk::{Disk, FileDisk};
use super::fault::error_from;
use super::latch::LatchedDisk;
use super::map::RUN_LEN;
use super::open::{self, Space};
use super::overlay::Overlay;
use super::pages::{Mode, PageSums};
use super::segment::{self, Bytes, Layout, Pin, SegmentRef, SegmentSource};
use super::slot::{self, Descriptor, HEAD_LEN, INLINE_RUNS, SLOT_LEN, Slot};
use super::{Access, Settings, lock};
use crate::error::{Detail, Error, Result};
use memlith_index::image::SharedSource;
use parking_lot::{Mutex, MutexGuard, RwLock};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use xxhash_rust::xxh3::xxh3_64;

/// Format versions of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// What a reader must know.
    pub(crate) read: u32,
    /// What a writer must know.
    pub(crate) write: u32,
}

/// Sizes of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContainerStats {
    pub(crate) file_len: u64,
    pub(crate) chunk_bytes: u64,
    pub(crate) chunks: usize,
    pub(crate) free_chunks: usize,
    /// Length of the active table space, as redb sees it.
    pub(crate) table_len: u64,
    pub(crate) table_chunks: usize,
    pub(crate) segment_chunks: usize,
    /// Runs of the active table space's map.
    pub(crate) map_runs: usize,
    /// Chunks of maps that do not fit their slot.
    pub(crate) map_chunks: usize,
    /// Writes of a header slot since the file was created.
    pub(crate) slot_writes: u64,
}

/// What changes while the file is open.
#[derive(Debug)]
pub(super) struct State {
    /// Of the newest slot.
    sequence: u64,
    pub(super) active: usize,
    pub(super) spaces: [Space; 2],
    pub(super) chunks: Allocator,
    /// The file has at least this many bytes, durably.
    floor: u64,
    /// The newest slot no longer says what holds.
    pub(super) dirty: bool,
    /// What was zeroed must be durable before the next slot is written (rule 6).
    pub(super) zeroed: bool,
    /// Both slots say the same.
    has_twin: bool,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) disk: LatchedDisk,
    file_id: [u8; 16],
    format: Format,
    pub(super) chunk_bytes: u64,
    settings: Settings,
    access: Access,
    pub(super) state: RwLock<State>,
    /// Held from the writing of a slot until it is durable (rule 2).
    syncing: Mutex<()>,
    pub(super) pages: [PageSums; 2],
    /// Is a database open on the space?
    pub(super) in_use: [AtomicBool; 2],
}

/// A handle to an open file.
#[derive(Clone, Debug)]
pub(crate) struct Container(pub(super) Arc<Inner>);

impl Container {
    /// Opens a file: locks it, reads its slots, syncs, and trusts what it read.
    ///
    /// # Errors
    /// `NotFound`; `InUse`, with the process that holds it where the system can tell;
    /// `NotMemlith`; `UnsupportedFormat`; `Corruption`; `Io`. The file is as it was.
    pub(crate) fn open(path: &Path, settings: &Settings, access: Access) -> Result<Self> {
        let disk = Arc::new(FileDisk::new(lock::open_locked(path, access)?));
        match access {
            Access::ReadWrite => Self::load(disk, settings, access),
            Access::ReadOnly => {
                let overlay = Overlay::new(disk, settings.overlay_limit_bytes);
                Self::load(Arc::new(overlay), settings, access)
            }
        }
    }

    /// Opens what a disk holds, for reading and writing.
    pub(crate) fn open_on(disk: Arc<dyn Disk>, settings: &Settings) -> Result<Self> {
        Self::load(disk, settings, Access::ReadWrite)
    }

    /// An empty container on an empty disk. It is not durable before the first sync; a file is
    /// made by [`create`](Self::create), which hides it until then.
    pub(crate) fn create_on(disk: Arc<dyn Disk>, settings: &Settings) -> Result<Self> {
        let (min, max) = slot::CHUNK_BYTES.into_inner();
        if !settings.chunk_bytes.is_power_of_two() || !(min..=max).contains(&settings.chunk_bytes) {
            return Err(Error::invalid("chunk size", "a power of two from 16 KiB to 2 MiB"));
        }
        let mut file_id = [0; 16];
        getrandom::fill(&mut file_id)
            .map_err(|e| Error::io("drawing a file id", io::Error::other(e)))?;
        let state = State {
            sequence: 0,
            active: 0,
            spaces: [Space::default(), Space::default()],
            chunks: Allocator::new(0, true),
            floor: 0,
            dirty: true,
            zeroed: false,
            has_twin: false,
        };
        let format = Format { read: slot::READ_VERSION, write: slot::WRITE_VERSION };
        let chunk_bytes = settings.chunk_bytes.into();
        Ok(Self::new(disk, settings, Access::ReadWrite, file_id, format, chunk_bytes, state))
    }

    fn new(
        disk: Arc<dyn Disk>,
        settings: &Settings,
        access: Access,
        file_id: [u8; 16],
        format: Format,
        chunk_bytes: u64,
        state: State,
    ) -> Self {
        Container(Arc::new(Inner {
            disk: LatchedDisk::new(disk),
            file_id,
            format,
            chunk_bytes,
            settings: settings.clone(),
            access,
            state: RwLock::new(state),
            syncing: Mutex::new(()),
            pages: [PageSums::new(), PageSums::new()],
            in_use: [AtomicBool::new(false), AtomicBool::new(false)],
        }))
    }

    fn load(disk: Arc<dyn Disk>, settings: &Settings, access: Access) -> Result<Self> {
        let loaded = open::load(&*disk)?;
        let Slot { read_version: read, write_version: write, active, .. } = loaded.slot;
        if access == Access::ReadWrite {
            if write > slot::WRITE_VERSION {
                let (found, supported) = (write, slot::WRITE_VERSION);
                return Err(Detail::Format { does: "writes", found, supported }.into());
            }
            // Rule 7: after a mere crash of the process what was read may not be durable.
            disk.sync().map_err(|e| error_from("opening the file", e))?;
        }
        let mut state = State {
            sequence: loaded.slot.sequence,
            active,
            spaces: loaded.spaces,
            chunks: loaded.chunks,
            floor: loaded.slot.floor,
            // A torn slot is replaced by the next sync.
            dirty: !loaded.has_twin,
            zeroed: false,
            has_twin: false,
        };
        if state.spaces[1 - active].len > 0 {
            // A rewrite was under way and did not get as far as the switch.
            state.drop_space(1 - active);
        }
        let slot = loaded.slot;
        let format = Format { read, write };
        let chunk_bytes = slot.chunk_bytes.into();
        Ok(Self::new(disk, settings, access, slot.file_id, format, chunk_bytes, state))
    }

    /// The active table space, for one redb database at a time.
    pub(crate) fn backend(&self) -> TableSpace {
        TableSpace::new(self.clone(), self.0.state.read().active)
    }

    /// The other table space, emptied: where a rewrite of the tables goes.
    ///
    /// # Panics
    /// If a database is still open on it.
    pub(crate) fn spare_backend(&self) -> TableSpace {
        let mut state = self.0.state.write();
        let spare = 1 - state.active;
        assert!(!self.is_in_use(spare), "the spare table space is in use");
        state.drop_space(spare);
        self.0.pages[spare].forget(0);
        TableSpace::new(self.clone(), spare)
    }

    /// Makes the spare table space the active one, with one header write. A database that is
    /// still open on the other may go on reading it until it closes and
    /// [`drop_spare`](Self::drop_spare) is called.
    pub(crate) fn switch_spaces(&self) -> Result<()> {
        {
            let mut state = self.0.state.write();
            state.active = 1 - state.active;
            state.dirty = true;
        }
        self.sync().map_err(|e| error_from("switching table spaces", e))
    }

    /// Gives back the chunks of the table space that is not active.
    ///
    /// # Panics
    /// If a database is still open on it.
    pub(crate) fn drop_spare(&self) -> Result<()> {
        {
            let mut state = self.0.state.write();
            let spare = 1 - state.active;
            assert!(!self.is_in_use(spare), "the spare table space is in use");
            state.drop_space(spare);
            self.0.pages[spare].forget(0);
        }
        self.sync().map_err(|e| error_from("dropping a table space", e))
    }

    /// Call it when redb has opened a space: from now on no page is used that does not match its
    /// checksum. Until then the repair of a crash may mend checksums.
    pub(crate) fn set_verifying(&self) {
        for pages in &self.0.pages {
            pages.set_mode(Mode::Verifying);
        }
    }

    fn is_in_use(&self, space: usize) -> bool {
        self.0.in_use[space].load(std::sync::atomic::Ordering::Acquire)
    }

    /// Sixteen random bytes drawn when the file was created.
    pub(crate) fn file_id(&self) -> [u8; 16] {
        self.0.file_id
    }

    pub(crate) fn format(&self) -> Format {
        self.0.format
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.0.access == Access::ReadOnly
    }

    /// Has a write or sync failed? Then nothing is written any more.
    pub(crate) fn is_latched(&self) -> bool {
        self.0.disk.is_latched()
    }

    /// Latches the container for a failure that the caller has noticed.
    pub(crate) fn latch(&self) {
        self.0.disk.latch();
    }

    fn check_writable(&self) -> Result<()> {
        if self.is_read_only() {
            return Err(Detail::ReadOnly.into());
        }
        if self.is_latched() {
            return Err(Detail::Latched.into());
        }
        Ok(())
    }

    /// The segment rows have been read: what neither they nor the maps name is free from now on.
    ///
    /// # Errors
    /// Corruption, if a segment cannot be where its row says: the container is of no further use.
    pub(crate) fn register(&self, segments: &[SegmentRef]) -> Result<()> {
        let file_len = self.file_len()?;
        let mut state = self.0.state.write();
        for segment in segments {
            self.check_bounds(segment, file_len)?;
            if !state.chunks.claim(segment.extent, Owner::Segment) {
                let found = format!("{:?} with another owner", segment.extent);
                return Err(Error::corruption("segment reference", "chunks of its own", found));
            }
        }
        state.chunks.segments_known();
        Ok(())
    }

    /// The layout of a segment that can be where its reference says.
    fn check_bounds(&self, segment: &SegmentRef, file_len: u64) -> Result<Layout> {
        let wrong = |expected: &str| {
            Error::corruption("segment reference", expected, format!("{segment:?}"))
        };
        let layout = Layout::of(segment.len).ok_or_else(|| wrong("a length that fits memory"))?;
        if segment.extent.checked_range().is_none() {
            return Err(wrong("chunks that can exist"));
        }
        if layout.chunks(self.0.chunk_bytes) != u64::from(segment.extent.chunks) {
            return Err(wrong("as many chunks as its length needs"));
        }
        let end = self.offset(segment.extent.start) + layout.end as u64;
        if end > file_len {
            return Err(open::truncated(end, file_len));
        }
        Ok(layout)
    }

    /// Stores bytes as a segment, durably. It is free again after a crash until a row names it;
    /// if none is to, [`release`](Self::release) it.
    pub(crate) fn write_segment(&self, data: &[u8]) -> Result<SegmentRef> {
        self.check_writable()?;
        let failed = |e| error_from("writing a segment", e);
        let len = data.len() as u64;
        let chunks = Layout::of(len).map_or(u64::MAX, |layout| layout.chunks(self.0.chunk_bytes));
        let chunks = u32::try_from(chunks).unwrap_or(u32::MAX);
        let extent = self.0.state.write().chunks.take(chunks, Owner::Segment);
        let extent = extent.map_err(|fault| failed(fault.into()))?;
        let (tail, checksum) = segment::seal(data);
        let at = self.offset(extent.start);
        self.0.disk.write_at(at, data).map_err(failed)?;
        self.0.disk.write_at(at + len, &tail).map_err(failed)?;
        // Rule 4.
        self.sync().map_err(failed)?;
        Ok(SegmentRef { extent, len, checksum })
    }

    /// Opens a segment for reading. Its chunks are pinned until every clone is dropped.
    ///
    /// # Errors
    /// Corruption, if the segment is not where the reference says or its checksums are damaged.
    pub(crate) fn open_segment(&self, segment: &SegmentRef) -> Result<SharedSource> {
        let layout = self.check_bounds(segment, self.file_len()?)?;
        let pin = self.pin(segment.extent)?;
        let failed = |e| error_from("reading a segment", e);
        let at = self.offset(segment.extent.start);
        let map = match self.0.settings.mapping && layout.end > 0 {
            true => self.0.disk.map(at, layout.end).map_err(failed)?,
            false => None,
        };
        let mut bytes = map.map_or_else(|| Bytes::heap(layout.end), Bytes::Mapped);
        if let Some(out) = bytes.heap_mut(layout.end) {
            self.0.disk.read_at(at, out).map_err(failed)?;
        }
        Ok(Arc::new(SegmentSource::open(bytes, segment, layout, pin)?))
    }

    fn pin(&self, extent: Extent) -> Result<Pin> {
        let mut state = self.0.state.write();
        if extent.range().any(|c| state.chunks.owner(c) != Some(Owner::Segment)) {
            let found = format!("{extent:?} with another owner");
            return Err(Error::corruption("segment reference", "chunks of its own", found));
        }
        state.chunks.pin(extent);
        Ok(Pin { container: self.clone(), extent })
    }

    pub(super) fn unpin(&self, extent: Extent) {
        self.0.state.write().chunks.unpin(extent);
    }

    /// Gives a segment's chunks back: call it after a *durable* commit without its row (rule 5),
    /// or if it never got one. They are reused when no source pins them any more.
    ///
    /// # Panics
    /// If the segment is not one of this file, or was released before.
    pub(crate) fn release(&self, segment: &SegmentRef) {
        self.0.state.write().chunks.release(segment.extent);
    }

    /// Makes everything written so far durable, a changed map included.
    pub(super) fn sync(&self) -> io::Result<()> {
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
        self.write_sums()?;
        let left = loop {
            let mut state = self.0.state.write();
            if !state.dirty {
                break Vec::new();
            }
            if !std::mem::take(&mut state.zeroed) {
                break self.write_slot(&mut state)?;
            }
            // Rule 6. Without the lock, so that readers go on; look again afterwards.
            drop(state);
            disk.sync()?;
        };
        disk.sync()?;
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
                self.0.disk.write_at(self.offset(spill.start), &runs)?;
                space.spill = Some(spill);
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
        };
        let at = state.sequence % 2 * SLOT_LEN as u64;
        self.0.disk.write_at(at, &slot.encode(&inline))?;
        state.dirty = false;
        state.has_twin = false;
        Ok(left)
    }

    /// Writes the state into the older slot too, so that damage to either is harmless later.
    pub(super) fn sync_twin(&self) -> io::Result<()> {
        let (dirty, has_twin) = {
            let state = self.0.state.read();
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
        self.sync_slot(&one)?;
        let mut state = self.0.state.write();
        let used = state.chunks.used_len();
        let end = end.max(self.offset(used as u32));
        if end < file_len {
            self.0.disk.cut(end)?;
            state.chunks.truncate(used);
            // Or a chunk behind the new end might not come back as zeros.
            state.zeroed = true;
        }
        drop(state);
        self.0.disk.sync()
    }

    pub(crate) fn stats(&self) -> Result<ContainerStats> {
        let file_len = self.file_len()?;
        let state = self.0.state.read();
        let active = &state.spaces[state.active];
        Ok(ContainerStats {
            file_len,
            chunk_bytes: self.0.chunk_bytes,
            chunks: state.chunks.len(),
            free_chunks: state.chunks.count(Owner::Free),
            table_len: active.len,
            table_chunks: state.chunks.count(Owner::Table),
            segment_chunks: state.chunks.count(Owner::Segment),
            map_runs: active.map.encode().len() / RUN_LEN,
            map_chunks: state.chunks.count(Owner::Map),
            slot_writes: state.sequence,
        })
    }

    /// Checks the slots on disk, the maps, and that every chunk has the owner it should.
    ///
    /// # Errors
    /// Corruption, naming the first thing that does not hold.
    pub(crate) fn verify(&self) -> Result<()> {
        let _one = self.0.syncing.lock();
        let state = self.0.state.read();
        if !state.dirty {
            self.0.disk.verify_header(state.sequence)?;
        }
        let mut chunks = Allocator::default();
        let single = state.spaces.iter().all(|space| open::claim_space(&mut chunks, space));
        let mapped = |o: &Owner| matches!(o, Owner::Table | Owner::Map);
        let known = state.chunks.owners();
        let same = |(i, owner): (usize, &Owner)| {
            mapped(owner) == chunks.owners().get(i).is_some_and(mapped)
        };
        if !single || chunks.len() > known.len() || !known.iter().enumerate().all(same) {
            return Err(Error::corruption("chunk map", "one owner for each chunk", "another"));
        }
        Ok(())
    }

    fn file_len(&self) -> Result<u64> {
        self.0.disk.len().map_err(|e| error_from("asking for the file's length", e))
    }

    /// Where a chunk lies in the file.
    pub(super) fn offset(&self, chunk: u32) -> u64 {
        HEAD_LEN + u64::from(chunk) * self.0.chunk_bytes
    }
}

impl State {
    /// Empties a table space; its chunks are free once a slot without them is durable.
    fn drop_space(&mut self, space: usize) {
        let Space { map, spill, .. } = std::mem::take(&mut self.spaces[space]);
        self.dirty = true;
        spill.into_iter().for_each(|spill| self.chunks.leave(spill));
        for start in map.physical() {
            self.chunks.leave(Extent { start, chunks: 1 });
        }
    }
}
