//! The file that an export goes to.
//!
//! **Invariant:** under its own name it is complete; until then it stands beside it under another,
//! and a failure takes that away again.

use crate::output::{Failure, Outcome};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

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
        let mut name = path.file_name().map(OsString::from).unwrap_or_default();
        name.push(format!(".{}.partial", std::process::id()));
        let partial = path.with_file_name(name);
        let file = File::create(&partial).map_err(|e| Failure::io("creating", path, e))?;
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
            // What is left over is in nobody's way: its name says that it is partial.
            let _ = fs::remove_file(&self.partial);
        }
    }
}
