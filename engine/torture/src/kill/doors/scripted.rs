//! Doors that are libraries: a driver carries out scripts through them.
//!
//! **Invariant:** what a script does to a memory does not depend on what the file holds: it can be
//! written while that is in doubt.

use super::{Door, Job, Task};
use crate::kill::Outcome;
use crate::kill::ledger::{Entry, Plan};
use crate::kill::note::{Change, Note, VECTORS};
use crate::kill::script::{self, Ending, Script, Stage, Transact, Upkeep};
use fastrand::Rng;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The one kind of process there is.
const SCRIPT: &str = "script";
/// Memories of a namespace that small transactions are about, and large ones.
const FEW: u64 = 30;
const MANY: u64 = 300;
const VOCABULARY: [&str; 12] = [
    "kettle", "tea", "meeting", "deploy", "vault", "garden", "invoice", "rain", "harbour",
    "ladder", "copper", "willow",
];

/// A library, reached through a driver.
pub(super) struct Scripted {
    pub(super) name: &'static str,
    /// The driver; the file and the script follow as two more arguments.
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
}

/// The library itself. Its driver is this program.
pub(super) fn library() -> Outcome<Scripted> {
    let program = env::current_exe().map_err(|e| format!("where am I? {e}"))?;
    Ok(Scripted { name: "library", program, arguments: vec!["drive".to_owned()] })
}

impl Door for Scripted {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kinds(&self) -> &'static [&'static str] {
        &[SCRIPT]
    }

    fn job(&mut self, kind: &'static str, mut task: Task<'_>) -> Outcome<Job> {
        // Where others commit durably, what is relaxed becomes durable with them.
        let relaxed = if task.rng.u32(..3) == 0 { 10 } else { 3 };
        let script = Author { task: &mut task, written: Vec::new(), relaxed }.script();
        let path = task.place.input(&format!("{}.script", task.process));
        fs::write(&path, script.to_string()).map_err(|e| format!("writing a script: {e}"))?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(task.place.file()).arg(path);
        let answer = "done\tclose".to_owned();
        Ok(Job { kind, command, silent: Vec::new(), answer, speaks: true })
    }
}

/// Writes a script.
struct Author<'a, 'b> {
    task: &'a mut Task<'b>,
    /// By writer, how many transactions there are that do not give up, and the last of them.
    written: Vec<(usize, Option<Entry>)>,
    /// How many transactions of ten are relaxed, of those that do not give up.
    relaxed: u32,
}

impl Author<'_, '_> {
    fn script(&mut self) -> Script {
        let writers = self.task.rng.usize(1..=4);
        self.written = vec![(0, None); writers];
        let stages = self.task.rng.usize(1..=3);
        Script { stages: (0..stages).map(|_| self.stage(writers)).collect() }
    }

    fn stage(&mut self, writers: usize) -> Stage {
        let mut of_writer = |writer| {
            let tasks = self.task.rng.usize(2..=8);
            (0..tasks).map(|_| self.one(writer)).collect()
        };
        Stage { writers: (0..writers).map(&mut of_writer).collect() }
    }

    fn one(&mut self, writer: usize) -> script::Task {
        match self.task.rng.u32(..20) {
            0 => script::Task::Upkeep(Upkeep::Rebuild),
            1 | 2 => script::Task::Upkeep(Upkeep::Checkpoint),
            3 | 4 => script::Task::Upkeep(Upkeep::Flush),
            _ => script::Task::Transact(self.transaction(writer)),
        }
    }

    fn transaction(&mut self, writer: usize) -> Transact {
        let Author { task, written, relaxed } = self;
        let (count, last) = &mut written[writer];
        let key = format!("{}/{writer}/{count}", task.process);
        let ending = match task.rng.u32(..10) {
            _ if task.rng.u32(..10) == 0 => Ending::GivesUp,
            n if n < *relaxed => Ending::Relaxed,
            _ => Ending::Durable,
        };
        let changes = changes(&key, task.rng);
        let gives_up = ending == Ending::GivesUp;
        let plan = Plan {
            key: key.clone(),
            namespace: script::namespace(writer),
            changes: changes.clone(),
            after: *last,
            gives_up,
        };
        let entry = task.ledger.plan(plan);
        *count += 1;
        if !gives_up {
            *last = Some(entry);
        }
        Transact { key, ending, changes }
    }
}

/// Each of another memory. Something is always changed: the first gets a text that none ever had.
fn changes(key: &str, rng: &mut Rng) -> Vec<Change> {
    if rng.u32(..25) == 0 {
        return (0..MANY).map(|i| put(&format!("many-{i}"), key, 3, true, rng)).collect();
    }
    let count = rng.usize(1..=6);
    let few = rng.choose_multiple(0..FEW, count);
    let any = |(i, id): (usize, u64)| {
        let id = format!("few-{id}");
        if i > 0 && rng.u32(..4) == 0 {
            return Change { id, note: None };
        }
        let words = if rng.u32(..20) == 0 { rng.usize(500..4_000) } else { rng.usize(2..20) };
        let has_vector = rng.bool();
        put(&id, key, words, has_vector, rng)
    };
    few.into_iter().enumerate().map(any).collect()
}

fn put(id: &str, key: &str, words: usize, has_vector: bool, rng: &mut Rng) -> Change {
    let mut text = format!("{key} {id}");
    for _ in 0..words {
        text.push(' ');
        text.push_str(VOCABULARY[rng.usize(..VOCABULARY.len())]);
    }
    let vector = has_vector.then(|| rng.u64(1..VECTORS));
    Change { id: id.to_owned(), note: Some(Note { text, vector }) }
}
