//! The history of a checkout, as far as `git` can tell.

use crate::memory::Memory;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Between commits, and between the parts of one.
const RECORD: char = '\u{1e}';
const UNIT: char = '\u{1f}';

#[derive(Default)]
pub(crate) struct History {
    files: Vec<PathBuf>,
    /// Hash, time and message, newest first.
    commits: Vec<[String; 3]>,
    last_change: HashMap<PathBuf, String>,
}

impl History {
    /// Asks git; an empty history if it has nothing to say.
    pub(crate) fn read(root: &Path) -> Self {
        let mut history = History::default();
        if let Some(files) = git(root, &["ls-files", "-z"]) {
            history.files = files.split('\0').filter(|f| !f.is_empty()).map(Into::into).collect();
        }
        let format = "--format=%x1e%H%x1f%aI%x1f%B%x1f";
        let log = git(root, &["-c", "core.quotePath=false", "log", "--name-only", format]);
        for commit in log.as_deref().unwrap_or_default().split(RECORD) {
            let parts: Vec<&str> = commit.split(UNIT).collect();
            let [hash, time, message, files] = parts[..] else { continue };
            for file in files.lines().filter(|line| !line.is_empty()) {
                // Newest first: what is there already is newer.
                history.last_change.entry(file.into()).or_insert_with(|| time.to_owned());
            }
            history.commits.push([hash, time, message].map(str::to_owned));
        }
        history
    }

    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    pub(crate) fn last_change(&self, path: &Path) -> Option<&str> {
        self.last_change.get(path).map(String::as_str)
    }

    pub(crate) fn memories(&self) -> Vec<Memory> {
        let commits = self.commits.iter();
        commits.map(|[hash, time, message]| Memory::of_commit(hash, time, message)).collect()
    }
}

fn git(root: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
