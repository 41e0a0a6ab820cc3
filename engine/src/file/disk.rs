//! What lies under the container: a file, or memory.
//!
//! **Invariant:** a [`Disk`] is a byte-addressed device whose unwritten bytes read as zeros, also
//! those past its end. It orders nothing: what is not synced may be lost, whole or in part, in
//! any order. Only the container calls it.

use crate::sync::RwLock;
use memmap2::Mmap;
use std::fmt::Debug;
use std::fs::File;
use std::io;

/// A byte-addressed device.
pub(crate) trait Disk: Debug + Send + Sync + 'static {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Fills `out` from `offset`; zeros past the end.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;
    /// Writes all of `data`, growing the device if need be.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()>;
    /// Cuts or extends (with zeros) to `len` bytes.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes everything written before durable.
    fn sync(&self) -> io::Result<()>;

    /// Makes a range that lies inside the device read as zeros.
    fn zero(&self, offset: u64, len: u64) -> io::Result<()> {
        write_zeros(self, offset, len)
    }

    /// A read-only mapping of a range that lies inside the device, where the device can map.
    fn map(&self, _offset: u64, _len: usize) -> io::Result<Option<Mapping>> {
        Ok(None)
    }
}

/// Bytes of a device, in place.
#[derive(Debug)]
pub(crate) enum Mapping {
    File(Mmap),
    #[cfg(any(test, feature = "torture"))]
    Simulated(super::sim::Watch),
}

impl Mapping {
    /// Has the operating system begin to read all of it.
    pub(crate) fn prefetch(&self) {
        match self {
            // A hint: where it is refused, the bytes are read when they are touched.
            #[cfg(unix)]
            Mapping::File(map) => drop(map.advise(memmap2::Advice::WillNeed)),
            #[cfg(not(unix))]
            Mapping::File(_) => {}
            #[cfg(any(test, feature = "torture"))]
            Mapping::Simulated(_) => {}
        }
    }
}

impl std::ops::Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Mapping::File(map) => map,
            #[cfg(any(test, feature = "torture"))]
            Mapping::Simulated(watch) => watch.bytes(),
        }
    }
}

/// A file, read and written at offsets.
#[derive(Debug)]
pub(crate) struct FileDisk(File);

impl FileDisk {
    pub(crate) fn new(file: File) -> Self {
        FileDisk(file)
    }

    #[cfg(unix)]
    fn read_some(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, out, offset)
    }

    #[cfg(windows)]
    fn read_some(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, out, offset)
    }

    #[cfg(unix)]
    fn write_some(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.0, data, offset)
    }

    #[cfg(windows)]
    fn write_some(&self, offset: u64, data: &[u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.0, data, offset)
    }

    /// Gives the blocks of a range back to the file system, where it knows how.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn punch(&self, offset: u64, len: u64) -> bool {
        use rustix::fs::{FallocateFlags, fallocate};
        let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&self.0, how, offset, len).is_ok()
    }
}

impl Disk for FileDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < out.len() {
            match self.read_some(offset + done as u64, &mut out[done..]) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        out[done..].fill(0);
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut done = 0;
        while done < data.len() {
            match self.write_some(offset + done as u64, &data[done..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    /// `fdatasync`, which also makes a changed length durable; `F_FULLFSYNC` on Apple systems.
    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn zero(&self, offset: u64, len: u64) -> io::Result<()> {
        if len == 0 || self.punch(offset, len) {
            return Ok(());
        }
        // Not every file system can punch; writing zeros is the same, dearer.
        write_zeros(self, offset, len)
    }

    fn map(&self, offset: u64, len: usize) -> io::Result<Option<Mapping>> {
        let mut options = memmap2::MmapOptions::new();
        options.offset(offset).len(len);
        #[expect(unsafe_code, reason = "segments are read in place, without copying them")]
        // SAFETY: the container maps only segments: their bytes are written before, never
        // rewritten while a source pins them, and never cut off (`Container::trim` cuts free
        // chunks alone). The lock keeps other Memlith processes out; a foreign program that
        // truncates the file raises SIGBUS, which the documentation of the option says.
        let map = unsafe { options.map(&self.0) }?;
        Ok(Some(Mapping::File(map)))
    }
}

/// Writes zeros, a piece at a time.
fn write_zeros(disk: &(impl Disk + ?Sized), offset: u64, len: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let (mut at, end) = (offset, offset + len);
    while at < end {
        let n = (end - at).min(ZEROS.len() as u64);
        disk.write_at(at, &ZEROS[..n as usize])?;
        at += n;
    }
    Ok(())
}

/// Memory: a database that vanishes with its handle.
#[derive(Debug, Default)]
pub(crate) struct MemoryDisk(RwLock<Vec<u8>>);

impl Disk for MemoryDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.read().len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_from(&self.0.read(), offset, out);
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        write_to(&mut self.0.write(), offset, data);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.write().resize(len as usize, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Copies bytes out of an in-memory device, zeros past its end.
pub(super) fn read_from(bytes: &[u8], offset: u64, out: &mut [u8]) {
    let from = (offset as usize).min(bytes.len());
    let n = out.len().min(bytes.len() - from);
    out[..n].copy_from_slice(&bytes[from..from + n]);
    out[n..].fill(0);
}

/// Copies bytes into an in-memory device, growing it if need be.
pub(super) fn write_to(bytes: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let (from, end) = (offset as usize, offset as usize + data.len());
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[from..end].copy_from_slice(data);
}
