//! The container: state of the file, and the protocol that keeps it whole.
//!
//! **Invariant:** the ten rules of [the module](super). Handles are cheap clones of one state;
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
use super::seal;
use super::slot::{self, HEAD_LEN, Slot};
use super::{Access, Settings, lock};
use crate::error::{Detail, Error, Result};
use crate::sync::{Mutex, RwLock};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    pub(super) sequence: u64,
    pub(super) active: usize,
    pub(super) spaces: [Space; 2],
    pub(super) chunks: Allocator,
    /// The file has at least this many bytes, durably.
    pub(super) floor: u64,
    /// The newest slot no longer says what holds.
    pub(super) dirty: bool,
    /// What was zeroed or moved must be durable before the next slot is written (rules 6 and 10).
    pub(super) unsettled: bool,
    /// Both slots say the same.
    pub(super) has_twin: bool,
    /// Of the newest slot: while it is not 0, redb's header must not change (rule 9).
    pub(super) seal: u64,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) disk: LatchedDisk,
    pub(super) file_id: [u8; 16],
    pub(super) format: Format,
    pub(super) chunk_bytes: u64,
    pub(super) settings: Settings,
    access: Access,
    pub(super) state: RwLock<State>,
    /// Held from the writing of a slot until it is durable (rule 2).
    pub(super) syncing: Mutex<()>,
    pub(super) pages: [PageSums; 2],
    /// Is a database open on the space?
    pub(super) in_use: [AtomicBool; 2],
    /// Was one of the two slots damaged when the file was opened?
    found_one_slot: AtomicBool,
    /// That slot, or its map, is not what it was: a write that puts them right again by chance would have
    /// it hold once more, seal and all, unless it is replaced first.
    pub(super) is_slot_stale: AtomicBool,
    /// Does a seal count although the other slot is damaged?
    trusts_lone_seal: AtomicBool,
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
        Self::open_with(disk, settings, access)
    }

    fn open_with(disk: Arc<dyn Disk>, settings: &Settings, access: Access) -> Result<Self> {
        match access {
            Access::ReadWrite => Self::load(disk, settings, access),
            Access::ReadOnly => {
                let overlay = Overlay::new(disk, settings.overlay_limit_bytes);
                Self::load(Arc::new(overlay), settings, access)
            }
        }
    }

    /// Opens what a simulated disk holds, for reading and writing.
    #[cfg(any(test, feature = "torture"))]
    pub(crate) fn open_on(disk: Arc<dyn Disk>, settings: &Settings) -> Result<Self> {
        Self::open_with(disk, settings, Access::ReadWrite)
    }

    /// Opens what a simulated disk holds, for reading only.
    #[cfg(any(test, feature = "torture"))]
    pub(crate) fn open_on_read_only(disk: Arc<dyn Disk>, settings: &Settings) -> Result<Self> {
        Self::open_with(disk, settings, Access::ReadOnly)
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
            unsettled: false,
            has_twin: false,
            seal: seal::NONE,
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
            found_one_slot: AtomicBool::new(false),
            is_slot_stale: AtomicBool::new(false),
            trusts_lone_seal: AtomicBool::new(false),
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
            unsettled: false,
            has_twin: false,
            seal: loaded.slot.seal,
        };
        if state.spaces[1 - active].len > 0 {
            // A rewrite was under way and did not get as far as the switch.
            state.drop_space(1 - active);
        }
        let slot = loaded.slot;
        let format = Format { read, write };
        let chunk_bytes = slot.chunk_bytes.into();
        let container = Self::new(disk, settings, access, slot.file_id, format, chunk_bytes, state);
        // The very first slot has no twin yet.
        let found_one_slot = !loaded.has_twin && slot.sequence > 1;
        container.0.found_one_slot.store(found_one_slot, Ordering::Relaxed);
        container.0.is_slot_stale.store(found_one_slot, Ordering::Relaxed);
        Ok(container)
    }

    /// The active table space, for one redb database at a time.
    pub(crate) fn backend(&self) -> TableSpace {
        TableSpace::new(self.clone(), self.0.state.read().active)
    }

    /// Call it when redb has opened a space: from now on no page is used that does not match its
    /// checksum. Until then the repair of a crash may mend checksums.
    pub(crate) fn set_verifying(&self) {
        for pages in &self.0.pages {
            pages.set_mode(Mode::Verifying);
        }
    }

    /// Sixteen random bytes drawn when the file was created.
    pub(crate) fn file_id(&self) -> [u8; 16] {
        self.0.file_id
    }

    /// Was one of the two header slots damaged when the file was opened? Its next sync has
    /// replaced it, or, for reading only, nothing has.
    pub(crate) fn found_one_slot(&self) -> bool {
        self.0.found_one_slot.load(Ordering::Relaxed)
    }

    /// From now on a seal counts although the other slot is damaged: a file that does not keep to it
    /// may be one that a killed process had opened, or an older one. Whoever wants neither opens
    /// the file with verification.
    pub(crate) fn trust_lone_seal(&self) {
        self.0.trusts_lone_seal.store(true, Ordering::Relaxed);
    }

    pub(super) fn trusts_lone_seal(&self) -> bool {
        self.0.trusts_lone_seal.load(Ordering::Relaxed)
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

    pub(super) fn check_writable(&self) -> Result<()> {
        if self.is_read_only() {
            return Err(Detail::ReadOnly.into());
        }
        if self.is_latched() {
            return Err(Detail::Latched.into());
        }
        Ok(())
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

    pub(super) fn file_len(&self) -> Result<u64> {
        self.0.disk.len().map_err(|e| error_from("asking for the file's length", e))
    }

    /// Where a chunk lies in the file.
    pub(super) fn offset(&self, chunk: u32) -> u64 {
        HEAD_LEN + u64::from(chunk) * self.0.chunk_bytes
    }
}

impl State {
    /// Empties a table space; its chunks are free once a slot without them is durable.
    pub(super) fn drop_space(&mut self, space: usize) {
        let Space { map, spill, .. } = std::mem::take(&mut self.spaces[space]);
        self.dirty = true;
        if let Some(spill) = spill {
            self.chunks.leave(spill);
        }
        for start in map.physical() {
            self.chunks.leave(Extent { start, chunks: 1 });
        }
    }
}
