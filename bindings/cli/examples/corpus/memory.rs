//! A memory as a line of `memories.jsonl`.

use serde::Serialize;
use std::path::Path;

/// A piece longer than this is cut: it would say too much at once to be found by any of it.
const MAX_CHARS: usize = 1_600;

#[derive(Serialize)]
pub(crate) struct Memory {
    id: String,
    text: String,
    kind: &'static str,
    tags: Vec<String>,
    session: String,
    project: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
}

impl Memory {
    /// Something that stands in a file, from this line on.
    pub(crate) fn in_file(kind: &'static str, path: &Path, line: usize, text: &str) -> Self {
        let file = path.to_string_lossy().replace('\\', "/");
        let area = file.split_once('/').map_or("top", |(area, _)| area).to_owned();
        let file_type = path.extension().map(|e| e.to_string_lossy().into_owned());
        Memory {
            id: format!("{file}:{line}"),
            text: cut(text),
            kind,
            tags: std::iter::once(area).chain(file_type).collect(),
            session: file.clone(),
            project: "memlith",
            source: Some(file),
            created_at: None,
        }
    }

    /// A commit.
    pub(crate) fn of_commit(hash: &str, time: &str, message: &str) -> Self {
        let area = message.split_once(':').map(|(area, _)| area).filter(|a| !a.contains(' '));
        Memory {
            id: format!("commit/{}", &hash.get(..12).unwrap_or(hash)),
            text: cut(message),
            kind: "commit",
            tags: area.map(str::to_owned).into_iter().collect(),
            session: time.split('T').next().unwrap_or(time).to_owned(),
            project: "memlith",
            source: None,
            created_at: Some(time.to_owned()),
        }
    }

    #[must_use]
    pub(crate) fn created_at(mut self, time: Option<&str>) -> Self {
        self.created_at = time.map(str::to_owned);
        self
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

fn cut(text: &str) -> String {
    text.trim().chars().take(MAX_CHARS).collect()
}
