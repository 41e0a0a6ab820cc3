//! The file that an export goes to.
//!
//! **Invariant:** under its own name it is complete; until then it stands beside it under another,
//! and a failure takes that away again. What an export leaves that is killed, the next one to the
//! same name removes.

use crate::output::{Failure, Outcome};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Ends the names of files under way.
const SUFFIX: &str = ".exporting";
/// How often a file is begun anew when another export takes it for one that was left.
const ATTEMPTS: usize = 8;

/// A file under way.
pub(super) struct Target {
    path: PathBuf,
    partial: PathBuf,
    file: File,
    is_kept: bool,
}

impl Target {
    /// Begins to write what will stand at `path`.
    ///
    /// # Errors
    /// If that is the store itself, or cannot be written.
    pub(super) fn create(path: &Path, store: &Path) -> Outcome<Target> {
        let is_store = match (fs::canonicalize(path), fs::canonicalize(store)) {
            (Ok(path), Ok(store)) => path == store,
            _ => false,
        };
        if is_store {
            return Err(Failure::Usage(format!("{} is the store itself", path.display())));
        }
        let (partial, file) = begin(path).map_err(|e| Failure::io("creating", path, e))?;
        Ok(Target { path: path.to_owned(), partial, file, is_kept: false })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// It is complete: gives it its name.
    pub(super) fn keep(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.partial, &self.path)?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.is_kept {
            // If it cannot be removed the next export to the same name will.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// What the names of files under way to `path` begin with.
fn prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    prefix
}

/// A new file beside `path`, locked for as long as it is open: it is not one that was left.
fn begin(path: &Path) -> io::Result<(PathBuf, File)> {
    remove_left(path);
    for attempt in 0..ATTEMPTS {
        let mut name = prefix(path);
        name.push(format!("{}-{attempt}{SUFFIX}", std::process::id()));
        let partial = path.with_file_name(name);
        let file = match File::options().write(true).create_new(true).open(&partial) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(e) => return Err(e),
        };
        // Where there are no locks nothing is removed either. A lock of somebody else is that of
        // another export, which is about to remove the file.
        let is_ours = !matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        if is_ours && partial.symlink_metadata().is_ok() {
            return Ok((partial, file));
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// Removes what killed exports to the same name have left. Best effort: a file that cannot be
/// removed is in nobody's way.
fn remove_left(path: &Path) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = fs::read_dir(folder) else { return };
    let prefix = prefix(path);
    for entry in entries.flatten().filter(|entry| is_under_way(&entry.file_name(), &prefix)) {
        let Ok(file) = File::open(entry.path()) else { continue };
        // An export that is alive holds the lock; it is held here until the file is gone.
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_under_way(name: &OsStr, prefix: &OsStr) -> bool {
    let rest = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
    rest.and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()))
        .is_some_and(|middle| middle.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'))
}
