//! A disk that says what was read from it, and gives up where there is no end to it.
//!
//! **Invariant:** the record has every read since it began, in order.

use crate::file::Disk;
use crate::file::sim::SimDisk;
use crate::sync::Mutex;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// A simulated disk under watch; clones are the same disk.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    below: SimDisk,
    reads: Arc<Mutex<Reads>>,
}

#[derive(Debug)]
struct Reads {
    record: Option<Vec<Range<usize>>>,
    bytes: u64,
    limit_bytes: u64,
}

impl Watched {
    /// Over these bytes. Reading fails once so many have been read.
    pub(super) fn new(bytes: Vec<u8>, limit_bytes: u64) -> Self {
        let reads = Reads { record: None, bytes: 0, limit_bytes };
        Watched { below: SimDisk::new(bytes), reads: Arc::new(Mutex::new(reads)) }
    }

    /// Begins to record.
    pub(super) fn start_recording(&self) {
        self.reads.lock().record = Some(Vec::new());
    }

    /// What was read since.
    pub(super) fn take_record(&self) -> Vec<Range<usize>> {
        self.reads.lock().record.take().unwrap_or_default()
    }

    /// How many bytes have been read in all.
    pub(super) fn read_bytes(&self) -> u64 {
        self.reads.lock().bytes
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.below.bytes()
    }

    /// From now on nothing changes any more.
    pub(super) fn cut_power(&self) {
        self.below.cut_power();
    }
}

impl Disk for Watched {
    fn len(&self) -> io::Result<u64> {
        self.below.len()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut reads = self.reads.lock();
        reads.bytes += out.len() as u64;
        if reads.bytes > reads.limit_bytes {
            return Err(io::Error::other("there is no end to it"));
        }
        if let Some(record) = &mut reads.record {
            record.push(offset as usize..offset as usize + out.len());
        }
        self.below.read_at(offset, out)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.below.write_at(offset, data)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.below.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.below.sync()
    }
}
