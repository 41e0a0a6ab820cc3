//! Extents freed while somebody reads them: checkpoints, readers, tables and trimming over one
//! container.

use crate::file::disk::Disk;
use crate::file::{Arranged, Container, SegmentRef, Settings};
use crate::sync::{Mutex, thread};
use memlith_index::image::SharedSource;
use redb::StorageBackend;
use std::io;
use std::ops::Range;
use std::sync::Arc;

const CHUNK_BYTES: u64 = 16 << 10;
/// Bytes of the two header slots, before the first chunk.
const HEAD_BYTES: u64 = 64 << 10;
const PAGE_BYTES: usize = 4 << 10;
/// Pages of the table space that a chunk holds, behind their checksums.
const CHUNK_PAGES: u64 = 3;

const CHECKPOINTS: u8 = 3;
const READERS: usize = 2;
const READS: usize = 2;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Nothing.
    None,
    /// A source gives up its pin while it is still read.
    PinsTooBriefly,
}

/// A disk in memory that knows which of its bytes are mapped, and how slots may be written.
#[derive(Clone, Debug, Default)]
struct WatchedDisk(Arc<Mutex<Watched>>);

#[derive(Debug, Default)]
struct Watched {
    bytes: Vec<u8>,
    mapped: Vec<Range<u64>>,
    /// A slot was written since the last sync.
    has_new_slot: bool,
}

impl Watched {
    fn check(&self, change: &Range<u64>) {
        let is_hit = |mapped: &Range<u64>| mapped.start < change.end && change.start < mapped.end;
        assert!(!self.mapped.iter().any(is_hit), "{change:?} changes under a live source");
    }
}

impl WatchedDisk {
    fn map(&self, segment: &SegmentRef) -> Mapping {
        let start = HEAD_BYTES + u64::from(segment.extent.start) * CHUNK_BYTES;
        let range = start..start + segment.len;
        self.0.lock().mapped.push(range.clone());
        Mapping { disk: self.clone(), range }
    }
}

impl Disk for WatchedDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock();
        let from = (offset as usize).min(state.bytes.len());
        let n = out.len().min(state.bytes.len() - from);
        out[..n].copy_from_slice(&state.bytes[from..from + n]);
        out[n..].fill(0);
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock();
        let end = offset + data.len() as u64;
        state.check(&(offset..end));
        if offset < HEAD_BYTES {
            let is_second = std::mem::replace(&mut state.has_new_slot, true);
            assert!(!is_second, "a second slot before the first is durable");
        }
        if state.bytes.len() < end as usize {
            state.bytes.resize(end as usize, 0);
        }
        state.bytes[offset as usize..end as usize].copy_from_slice(data);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        state.check(&(len..u64::MAX));
        state.bytes.resize(len as usize, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.lock().has_new_slot = false;
        Ok(())
    }
}

/// Bytes of the disk that are read in place, as a memory map is.
struct Mapping {
    disk: WatchedDisk,
    range: Range<u64>,
}

impl Mapping {
    fn bytes(&self) -> Vec<u8> {
        let state = self.disk.0.lock();
        state.bytes[self.range.start as usize..self.range.end as usize].to_vec()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let mut state = self.disk.0.lock();
        let at = state.mapped.iter().position(|mapped| *mapped == self.range);
        state.mapped.swap_remove(at.expect("it is mapped"));
    }
}

/// An open image and what it says.
struct Image {
    // Before the source, which holds the pin: the mapping goes first.
    mapping: Mapping,
    source: Option<SharedSource>,
    says: u8,
}

impl Image {
    fn check(&self) {
        assert!(self.mapping.bytes().iter().all(|byte| *byte == self.says), "it was overwritten");
        let Some(source) = &self.source else { return };
        let bytes = source.get(0..source.len()).expect("it is whole");
        assert!(bytes.iter().all(|byte| *byte == self.says), "another's bytes were read");
    }
}

/// The file, and the image that is in force with the segment that holds it.
struct File {
    disk: WatchedDisk,
    container: Container,
    newest: Mutex<(SegmentRef, Arc<Image>)>,
    defect: Defect,
}

impl File {
    fn new(defect: Defect) -> Self {
        let disk = WatchedDisk::default();
        let settings = Settings { chunk_bytes: CHUNK_BYTES as u32, ..Settings::default() };
        let container =
            Container::create_on(Arc::new(disk.clone()), &settings).expect("an empty file");
        container.sync().expect("the disk takes all");
        let first = store(&disk, &container, 0, defect);
        File { disk, container, newest: Mutex::new(first), defect }
    }

    /// As a checkpoint does it: the new image is open before it is in force, the old one is
    /// released after that.
    fn checkpoint(&self, says: u8) {
        let stored = store(&self.disk, &self.container, says, self.defect);
        let (old, image) = std::mem::replace(&mut *self.newest.lock(), stored);
        // With its own hold of the image or without: then a reader's may be the last.
        let kept = says.is_multiple_of(2).then_some(image);
        self.container.release(&old);
        drop(kept);
        // One that was stored in vain.
        let vain = self.container.write_segment(&[u8::MAX; 10]).expect("the disk takes all");
        self.container.release(&vain);
    }

    /// A step towards a file without holes, as compaction takes it: it moves chunks of the tables,
    /// or the image in force.
    fn compact(&self) {
        let named = self.newest.lock().0;
        let arranged = self.container.arrange(&[named], true, &mut || true);
        let Arranged::Segment(_, toward) = arranged.expect("the disk takes all") else { return };
        let mut newest = self.newest.lock();
        if newest.0 != named {
            return;
        }
        let copied = self.container.copy_segment(&named, toward, &mut || true);
        let Some(copy) = copied.expect("the disk takes all") else { return };
        let says = newest.1.says;
        let image = Arc::new(open(&self.disk, &self.container, &copy, says, self.defect));
        *newest = (copy, image);
        self.container.release(&named);
    }

    /// The image in force, which some readers open once more.
    fn read(&self, opens: bool) -> Arc<Image> {
        let newest = self.newest.lock();
        let (segment, image) = &*newest;
        if !opens {
            return image.clone();
        }
        Arc::new(open(&self.disk, &self.container, segment, image.says, self.defect))
    }

    /// What redb may do: grow, write, sync, read, shrink.
    fn change_tables(&self) {
        let tables = self.container.backend();
        let page = [7; PAGE_BYTES];
        let mut read = [0; PAGE_BYTES];
        for chunks in [1, 3, 1, 2] {
            let len = chunks * CHUNK_PAGES * PAGE_BYTES as u64;
            let last = len - PAGE_BYTES as u64;
            tables.set_len(len).expect("there is room");
            tables.write(last, &page).expect("the disk takes all");
            tables.sync_data().expect("the disk takes all");
            tables.read(last, &mut read).expect("its checksum matches");
            assert_eq!(read, page, "a table page was overwritten");
        }
    }
}

fn store(
    disk: &WatchedDisk,
    container: &Container,
    says: u8,
    defect: Defect,
) -> (SegmentRef, Arc<Image>) {
    // Of one chunk and of two, in turn.
    let len = (1 + usize::from(says) % 2) * (CHUNK_BYTES as usize - 1_000);
    let segment = container.write_segment(&vec![says; len]).expect("the disk takes all");
    (segment, Arc::new(open(disk, container, &segment, says, defect)))
}

fn open(
    disk: &WatchedDisk,
    container: &Container,
    segment: &SegmentRef,
    says: u8,
    defect: Defect,
) -> Image {
    let source = container.open_segment(segment).expect("it is not released yet");
    let source = (defect == Defect::None).then_some(source);
    Image { mapping: disk.map(segment), source, says }
}

/// No byte changes under a live source, whoever frees and takes chunks meanwhile; every chunk is
/// free again in the end.
pub fn a_live_source_is_never_overwritten(defect: Defect) {
    let file = File::new(defect);
    thread::scope(|scope| {
        scope.spawn(|| (1..=CHECKPOINTS).for_each(|says| file.checkpoint(says)));
        scope.spawn(|| file.change_tables());
        scope.spawn(|| {
            for _ in 0..2 {
                file.compact();
                file.container.trim().expect("the disk takes all");
            }
        });
        for reader in 0..READERS {
            let file = &file;
            scope.spawn(move || {
                let mut newest = 0;
                for read in 0..READS {
                    let image = file.read((reader + read).is_multiple_of(2));
                    assert!(image.says >= newest, "an older image is in force again");
                    newest = image.says;
                    image.check();
                    thread::yield_now();
                    image.check();
                }
            });
        }
    });
    file.container.verify().expect("each chunk has one owner");
    let File { container, newest, .. } = file;
    {
        let newest = newest.lock();
        newest.1.check();
        container.release(&newest.0);
    }
    drop(newest);
    container.sync().expect("the disk takes all");
    let stats = container.stats().expect("the disk says its length");
    let used = stats.table_chunks + stats.map_chunks;
    assert_eq!((stats.segment_chunks, stats.free_chunks + used), (0, stats.chunks));
}
