//! Creating a file: complete and durable under its name, or not there at all.
//!
//! A file is made under a temporary name beside its own, with its first transaction in it, and
//! gets its name by a link or rename that never replaces a file.
//!
//! **Invariant:** at every instant the target does not exist or is a whole file. A creation that
//! was killed leaves a temporary file, which the next creation of the same target removes.

use super::disk::FileDisk;
use super::fault::error_from;
use super::{Access, Container, Settings, lock};
use crate::error::{Detail, Error, Result};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Ends the names of temporary files.
const SUFFIX: &str = ".creating";
/// How often a name is drawn anew when another creation takes the file for a stale one.
const ATTEMPTS: usize = 8;

/// How far a creation has come; for tests that stop it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Opened,
    Filled,
    Synced,
    Published,
}

impl Container {
    /// Creates the file `path`, with permissions for its owner alone. `init` is to make the redb
    /// database through [`backend`](Self::backend), commit a first transaction, and close it.
    ///
    /// # Errors
    /// `AlreadyExists`, if something has the name, also if it appeared meanwhile; whatever `init`
    /// returns; `Io`.
    pub(crate) fn create(
        path: &Path,
        settings: &Settings,
        init: impl FnOnce(&Container) -> Result<()>,
    ) -> Result<()> {
        create_by_steps(path, settings, init, |_| Ok(()))
    }
}

/// [`Container::create`], asking before each step; if the answer is an error it stops as a killed
/// process would, cleaning nothing up.
pub(super) fn create_by_steps(
    path: &Path,
    settings: &Settings,
    init: impl FnOnce(&Container) -> Result<()>,
    before: impl Fn(Step) -> Result<()>,
) -> Result<()> {
    let exists = || {
        Error::from(Detail::AlreadyExists { what: "file", name: path.display().to_string().into() })
    };
    if path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let name = path.file_name().ok_or_else(|| Error::invalid("path", "must name a file"))?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    remove_stale(folder, name);

    let (file, temporary) = open_temporary(folder, name)?;
    let mut temporary = Temporary { path: temporary, keep: false };
    let mut ask = |step| before(step).inspect_err(|_| temporary.keep = true);
    ask(Step::Opened)?;
    let syncing = |e| error_from("making the new file durable", e);
    let clone = file.try_clone().map_err(syncing)?;
    let container = Container::create_on(Arc::new(FileDisk::new(file)), settings)?;
    init(&container)?;
    ask(Step::Filled)?;
    container.sync().map_err(syncing)?;
    clone.sync_all().map_err(syncing)?;
    ask(Step::Synced)?;
    publish(&temporary.path, path).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => exists(),
        _ => Error::io("giving the new file its name", e),
    })?;
    ask(Step::Published)?;
    sync_folder(folder).map_err(|e| Error::io("making the new file's name durable", e))
}

/// A temporary file, removed unless it has become the target.
struct Temporary {
    path: PathBuf,
    keep: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.keep {
            // It is gone already if it was renamed.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What the names of a target's temporary files begin with.
fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

fn open_temporary(folder: &Path, name: &OsStr) -> Result<(File, PathBuf)> {
    let failed = |e| Error::io("creating the file", e);
    for _ in 0..ATTEMPTS {
        let random = getrandom::u64().map_err(|e| failed(io::Error::other(e)))?;
        let mut file_name = prefix(name);
        file_name.push(format!("{random:016x}{SUFFIX}"));
        let path = folder.join(file_name);
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed)?;
        // Between the two calls another creation may have taken it for a stale one.
        let locked = lock::try_lock(&file, Access::ReadWrite).map_err(failed)?;
        if locked && path.symlink_metadata().is_ok() {
            return Ok((file, path));
        }
    }
    Err(failed(io::ErrorKind::ResourceBusy.into()))
}

/// Removes what killed creations of the same target have left. Best effort: a file that cannot
/// be removed is in nobody's way.
fn remove_stale(folder: &Path, name: &OsStr) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let prefix = prefix(name);
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let bytes = file_name.as_encoded_bytes();
        let random = bytes
            .strip_prefix(prefix.as_encoded_bytes())
            .and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
        if !random.is_some_and(|r| r.len() == 16 && r.iter().all(u8::is_ascii_hexdigit)) {
            continue;
        }
        let path = entry.path();
        // A creation that is alive holds the lock; it is held here until the file is gone.
        if let Ok(_locked) = lock::open_locked(&path, Access::ReadWrite) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Gives a file its name unless something has it.
fn publish(temporary: &Path, path: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::EXIST) => return Err(io::ErrorKind::AlreadyExists.into()),
            // Not every file system knows the flag; a link never replaces either.
            Err(_) => {}
        }
    }
    fs::hard_link(temporary, path)?;
    fs::remove_file(temporary)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A folder cannot be synced here; the file system's journal keeps the name.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
