//! The folders of a trial: the file alone in one of them, everything else beside it.
//!
//! **Invariant:** they are gone when the trial is over, unless it failed: what cannot be run again
//! to the same instant has to be kept.

use super::Outcome;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use tempfile::TempDir;

/// The name of the file that processes work on.
const FILE: &str = "agent.lith";

/// Where a trial takes place.
#[derive(Debug)]
pub(super) struct Place(TempDir);

impl Place {
    pub(super) fn new() -> Outcome<Place> {
        let folder = tempfile::Builder::new().prefix("memlith-kill-").tempdir();
        let place = Place(folder.map_err(|e| format!("making a folder: {e}"))?);
        for name in ["store", "export"] {
            fs::create_dir(place.0.path().join(name))
                .map_err(|e| format!("making a folder: {e}"))?;
        }
        Ok(place)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The file.
    pub(super) fn file(&self) -> PathBuf {
        self.0.path().join("store").join(FILE)
    }

    /// A file that processes are given.
    pub(super) fn input(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Where an export goes.
    pub(super) fn export(&self) -> PathBuf {
        self.0.path().join("export").join("memories.jsonl")
    }

    /// Where the file is copied to before it is looked at, which changes it.
    pub(super) fn copy(&self) -> PathBuf {
        self.0.path().join("as-killed.lith")
    }

    /// What lies beside the file, and beside the export, and should not.
    pub(super) fn litter(&self) -> Outcome<Litter> {
        let count = |path: PathBuf| {
            let entries = fs::read_dir(path.parent().unwrap_or(&path));
            let entries = entries.map_err(|e| format!("reading a folder: {e}"))?;
            Ok::<_, String>(entries.flatten().filter(|entry| entry.path() != path).count())
        };
        Ok(Litter { of_creations: count(self.file())?, of_exports: count(self.export())? })
    }
}

/// Files that killed processes left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Litter {
    pub(super) of_creations: usize,
    pub(super) of_exports: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.disable_cleanup(true);
        }
    }
}
