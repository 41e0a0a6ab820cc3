//! The command line: a process for each thing that is done.
//!
//! **Invariant:** since the last check no memory is touched by two commands, apart from an import
//! that is run again: what the file holds then tells which commands came to their end. A command
//! acknowledges with its exit code.

use super::{Door, Job, Task};
use crate::kill::Outcome;
use crate::kill::ledger::{Entry, Id, Plan};
use crate::kill::note::{Change, Note, VECTORS};
use crate::kill::place::Place;
use fastrand::Rng;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const NAMESPACE: &str = "default";
/// Lines of an import, and how many of them are one commit.
const LINES: usize = 400;
const BATCH: usize = 25;
/// Memories that are put.
const PUT: u64 = 20;

/// The program `memlith`.
pub(super) struct CommandLine {
    program: PathBuf,
    imports: usize,
    /// An import that has not come to its end.
    import: Option<Import>,
}

#[derive(Clone)]
struct Import {
    input: PathBuf,
    batches: Vec<Entry>,
}

impl CommandLine {
    pub(super) fn new() -> Outcome<Self> {
        Ok(CommandLine { program: program()?, imports: 0, import: None })
    }

    fn command(&self, name: &str, place: &Place) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(name).arg(place.file()).arg("--json");
        command
    }

    /// One memory.
    fn put(&self, task: &mut Task<'_>) -> Job {
        let mut id = String::new();
        // There are far more ids than commands between two checks.
        while id.is_empty() || !task.ledger.is_settled(&of(&id)) {
            id = format!("put-{}", task.rng.u64(..PUT));
        }
        let note = note(&format!("{id} by {}", task.process), task.rng);
        let mut command = self.command("put", task.place);
        command.args(["--id", &id, "--tag", note.tag()]);
        if let Some(vector) = note.vector() {
            command.args(["--vector", &json!(vector).to_string()]);
        }
        command.arg("--").arg(&note.text);
        let answer = format!("\"id\":\"{id}\"");
        let silent = vec![transaction(task, vec![Change { id, note: Some(note) }], None)];
        Job { kind: "put", command, silent, answer, speaks: false }
    }

    /// Some memories that are there for certain. `None` if there are none.
    fn forget(&self, task: &mut Task<'_>) -> Option<Job> {
        let unfinished = format!("import-{}-", self.imports);
        let is_there = |id: &&Id| !id.1.starts_with(&unfinished) && task.ledger.is_settled(id);
        let there = task.ledger.memories.keys().filter(is_there).map(|id| id.1.clone());
        let count = task.rng.usize(1..=5);
        let ids = task.rng.choose_multiple(there, count);
        if ids.is_empty() {
            return None;
        }
        let mut command = self.command("forget", task.place);
        command.args(&ids);
        let answer = format!("\"forgotten\":{}", ids.len());
        let changes = ids.into_iter().map(|id| Change { id, note: None }).collect();
        let silent = vec![transaction(task, changes, None)];
        Some(Job { kind: "forget", command, silent, answer, speaks: false })
    }

    /// The import that has not come to its end, or a new one.
    fn import(&mut self, task: &mut Task<'_>) -> Outcome<Job> {
        let import = match &self.import {
            Some(import) => import.clone(),
            None => self.new_import(task)?,
        };
        let mut command = self.command("import", task.place);
        command.args(["--strict", "--batch", &BATCH.to_string()]).arg(&import.input);
        let silent = import.batches.clone();
        self.import = Some(import);
        let answer = "\"skipped\":0".to_owned();
        Ok(Job { kind: "import", command, silent, answer, speaks: false })
    }

    fn new_import(&mut self, task: &mut Task<'_>) -> Outcome<Import> {
        self.imports += 1;
        let (mut lines, mut batches) = (String::new(), Vec::new());
        let has_vectors = task.rng.bool();
        for from in (0..LINES).step_by(BATCH) {
            let mut changes = Vec::new();
            for line in from..LINES.min(from + BATCH) {
                let id = format!("import-{}-{line}", self.imports);
                let mut note = note(&id, task.rng);
                note.vector = note.vector.filter(|_| has_vectors);
                lines.push_str(&line_of(&id, &note));
                lines.push('\n');
                changes.push(Change { id, note: Some(note) });
            }
            batches.push(transaction(task, changes, batches.last().copied()));
        }
        let input = task.place.input(&format!("import-{}.jsonl", self.imports));
        fs::write(&input, lines).map_err(|e| format!("writing an input: {e}"))?;
        Ok(Import { input, batches })
    }

    /// A command that changes no memory.
    fn other(&self, kind: &'static str, place: &Place) -> Job {
        let mut command = self.command(kind, place);
        let answer = match kind {
            "export" => {
                command.arg("--out").arg(place.export());
                "\"exported\":"
            }
            "rebuild" => "\"rebuilt\":true",
            _ => "\"seq\":",
        };
        Job { kind, command, silent: Vec::new(), answer: answer.to_owned(), speaks: false }
    }
}

impl Door for CommandLine {
    fn name(&self) -> &'static str {
        "command line"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["import", "put", "forget", "rebuild", "export", "stats"]
    }

    fn any_kind(&self, rng: &mut Rng) -> &'static str {
        match rng.u32(..12) {
            0..5 => "import",
            5..8 => "put",
            8 => "forget",
            9 => "rebuild",
            10 => "export",
            _ => "stats",
        }
    }

    fn job(&mut self, kind: &'static str, mut task: Task<'_>) -> Outcome<Job> {
        // Nothing but these two makes a file.
        let is_maker = matches!(kind, "import" | "put");
        Ok(match kind {
            _ if !is_maker && !task.place.file().exists() => self.put(&mut task),
            "import" => self.import(&mut task)?,
            "put" => self.put(&mut task),
            "forget" => match self.forget(&mut task) {
                Some(job) => job,
                None => self.put(&mut task),
            },
            other => self.other(other, task.place),
        })
    }

    fn left_over(&self) -> Option<&'static str> {
        self.import.as_ref().map(|_| "import")
    }

    fn finished(&mut self, job: &Job) {
        if job.kind == "import" {
            self.import = None;
        }
    }

    fn inspect(&self, place: &Place) -> Outcome {
        if !place.file().exists() {
            return Ok(());
        }
        let output = self.command("verify", place).output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout);
            return Err(format!("memlith verify ({}): {said}", output.status));
        }
        whole_export(&place.export())
    }
}

fn of(id: &str) -> Id {
    (NAMESPACE.to_owned(), id.to_owned())
}

fn transaction(task: &mut Task<'_>, changes: Vec<Change>, after: Option<Entry>) -> Entry {
    let (key, namespace) = (String::new(), NAMESPACE.to_owned());
    task.ledger.plan(Plan { key, namespace, changes, after, gives_up: false })
}

fn note(text: &str, rng: &mut Rng) -> Note {
    let vector = rng.bool().then(|| rng.u64(1..VECTORS));
    Note { text: text.to_owned(), vector }
}

fn line_of(id: &str, note: &Note) -> String {
    json!({"id": id, "text": note.text, "tags": [note.tag()], "embedding": note.vector()})
        .to_string()
}

/// If there is an export it ends with a whole line, and each of its lines is JSON.
fn whole_export(path: &Path) -> Outcome {
    let Ok(text) = fs::read_to_string(path) else { return Ok(()) };
    let is_json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    if text.lines().all(is_json) && (text.is_empty() || text.ends_with('\n')) {
        return Ok(());
    }
    Err("an export is there that is cut off".into())
}

/// The program beside this one, as cargo puts them.
///
/// # Errors
/// If there is none, with the command that makes it.
fn program() -> Outcome<PathBuf> {
    static PROGRAM: OnceLock<Outcome<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(|| super::built::beside("memlith-cli", "memlith")).clone()
}
