//! Turns a checkout of Memlith into memories: its documents, its source and its history.
//!
//! `corpus ROOT OUT` writes `memories.jsonl` with `memories.npy` beside it, `questions.jsonl` with
//! `questions.npy`, and the vector of the first question, ready for `memlith import` and
//! `memlith recall`.
//!
//! **Invariant:** the same checkout gives the same bytes; without `git`, or outside a repository,
//! only the history is missing.

mod code;
mod commits;
mod documents;
mod embed;
mod memory;
mod npy;

use commits::History;
use embed::Embedder;
use memory::Memory;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What a newcomer may want to know. The first one is also asked on its own.
const QUESTIONS: [&str; 6] = [
    "how is a filter applied inside a vector search",
    "what happens to the file when the process is killed in the middle of a commit",
    "which exit code says that the file is damaged",
    "why does an index never have to be rebuilt after a crash",
    "how long may a memory be and how many tags can it have",
    "half precision matrix of embeddings",
];

/// Left out: the questions above would be their own best answers.
const OWN_FOLDER: &str = "bindings/cli/examples";

/// A file longer than this is no prose and no source.
const MAX_FILE_BYTES: u64 = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(root), Some(out), None) = (args.next(), args.next(), args.next()) else {
        return Err("usage: corpus ROOT OUT".into());
    };
    let history = History::read(&root);
    let mut memories = history.memories();
    for path in files(&root, &history)? {
        let Ok(text) = fs::read_to_string(root.join(&path)) else { continue };
        let found = match path.extension().and_then(|e| e.to_str()) {
            Some("md") => documents::memories(&path, &text),
            Some("rs") => code::memories(&path, &text),
            _ => continue,
        };
        let created_at = history.last_change(&path);
        memories.extend(found.into_iter().map(|m| m.created_at(created_at)));
    }
    let texts: Vec<&str> = memories.iter().map(Memory::text).collect();
    let embedder = Embedder::new(&texts);

    fs::create_dir_all(&out)?;
    lines(&out.join("memories.jsonl"), memories.iter().map(serde_json::to_string))?;
    npy::write(&out.join("memories.npy"), texts.iter().map(|text| embedder.embed(text)))?;
    let questions = QUESTIONS.map(|text| serde_json::json!({ "text": text }));
    lines(&out.join("questions.jsonl"), questions.iter().map(serde_json::to_string))?;
    npy::write(&out.join("questions.npy"), QUESTIONS.iter().map(|text| embedder.embed(text)))?;
    npy::write(&out.join("question.npy"), std::iter::once(embedder.embed(QUESTIONS[0])))?;
    writeln!(io::stdout(), "{} memories from {}", memories.len(), root.display())?;
    Ok(())
}

/// Files that git knows, or else all below the folder but for what is hidden or built.
fn files(root: &Path, history: &History) -> io::Result<Vec<PathBuf>> {
    let mut files = history.files().to_vec();
    if files.is_empty() {
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let name = entry.file_name();
                if name.to_string_lossy().starts_with('.') || name == "target" {
                    continue;
                }
                let kind = entry.file_type()?;
                let path = folder.join(name);
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() {
                    files.push(path);
                }
            }
        }
    }
    files.retain(|path| {
        let metadata = fs::symlink_metadata(root.join(path));
        !path.starts_with(OWN_FOLDER)
            && metadata.is_ok_and(|m| m.is_file() && m.len() <= MAX_FILE_BYTES)
    });
    files.sort();
    Ok(files)
}

fn lines(
    path: &Path,
    lines: impl Iterator<Item = serde_json::Result<String>>,
) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(File::create(path)?);
    for line in lines {
        writeln!(out, "{}", line?)?;
    }
    out.flush()?;
    Ok(())
}
