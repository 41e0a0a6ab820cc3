//! One process owns the file: locking it, and telling who holds it.
//!
//! **Invariant:** a file is locked before a byte of it is read. The lock belongs to the open file
//! and goes with it. Called when a container is opened or created.

use super::Access;
use crate::error::{Detail, Error, Result};
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Opens an existing file and locks it: for this handle alone, or shared with other readers.
pub(super) fn open_locked(path: &Path, access: Access) -> Result<File> {
    let opening = |e| Error::io("opening the file", e);
    let found = path.metadata().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Error::not_found("file", path.display()),
        _ => opening(e),
    })?;
    // Before opening: opening a pipe would wait for its other end.
    if !found.is_file() {
        return Err(Detail::NotMemlith { why: "it is not a regular file" }.into());
    }
    let writing = access == Access::ReadWrite;
    let file = File::options().read(true).write(writing).open(path).map_err(opening)?;
    if try_lock(&file, access).map_err(|e| Error::io("locking the file", e))? {
        Ok(file)
    } else {
        Err(Detail::InUse { pid: holder(&file) }.into())
    }
}

/// False if somebody else holds a lock that forbids this one.
pub(super) fn try_lock(file: &File, access: Access) -> io::Result<bool> {
    let locked = match access {
        Access::ReadWrite => file.try_lock(),
        Access::ReadOnly => file.try_lock_shared(),
    };
    match locked {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// The process that holds a lock on the file, where the system can tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn holder(file: &File) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let found = file.metadata().ok()?;
    let device = (rustix::fs::major(found.dev()), rustix::fs::minor(found.dev()));
    holder_in(&std::fs::read_to_string("/proc/locks").ok()?, device, found.ino())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn holder(_file: &File) -> Option<u32> {
    None
}

/// Looks for a whole-file lock in lines like `1: FLOCK  ADVISORY  WRITE 812 08:01:3933 0 EOF`.
///
/// Some file systems (btrfs, overlays) show another device number here than in a file's
/// metadata; then the inode alone decides, if only one process holds a lock on such an inode.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn holder_in(locks: &str, device: (u32, u32), inode: u64) -> Option<u32> {
    let mut by_inode = Vec::new();
    for line in locks.lines() {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        // A waiting lock has `->` as its second field and is nobody's.
        let [_, "FLOCK", _, _, pid, place, ..] = fields[..] else { continue };
        let mut place = place.split(':');
        let mut number = |radix| u64::from_str_radix(place.next()?, radix).ok();
        let (major, minor, found) = (number(16), number(16), number(10));
        // A process of another namespace shows as 0 or below.
        let Some(pid) = pid.parse().ok().filter(|pid| *pid > 0) else { continue };
        if found == Some(inode) {
            if (major, minor) == (Some(device.0.into()), Some(device.1.into())) {
                return Some(pid);
            }
            by_inode.push(pid);
        }
    }
    by_inode.dedup();
    if let [pid] = by_inode[..] { Some(pid) } else { None }
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    const LOCKS: &str = "\
1: POSIX  ADVISORY  WRITE 100 08:01:77 0 EOF
2: FLOCK  ADVISORY  WRITE 812 08:01:77 0 EOF
2: -> FLOCK  ADVISORY  WRITE 813 08:01:77 0 EOF
3: FLOCK  ADVISORY  READ  -1 08:01:78 0 EOF
4: FLOCK  ADVISORY  WRITE 900 00:2f:79 0 EOF
";

    #[test]
    fn the_holder_is_found_by_device_and_inode() {
        assert_eq!(holder_in(LOCKS, (8, 1), 77), Some(812));
        assert_eq!(holder_in(LOCKS, (8, 1), 78), None);
        assert_eq!(holder_in(LOCKS, (8, 1), 80), None);
        assert_eq!(holder_in("nonsense\n1: FLOCK\n", (8, 1), 77), None);
    }

    #[test]
    fn a_device_shown_differently_is_bridged_by_a_lone_inode() {
        assert_eq!(holder_in(LOCKS, (9, 9), 79), Some(900));
    }
}
