//! The driver of the library: carries out a script, in a process that is there to be killed.
//!
//! It says on stdout, each in one line and one write, its words separated by tabs:
//!
//! ```text
//! begin WHAT                         before it does it
//! done  WHAT [SEQ durable|relaxed]   behind it, with the commit of a transaction
//! ```
//! `WHAT` is the key of a transaction, or `open`, `close`, or `checkpoint/W`, `rebuild/W`,
//! `flush/W` with the number of the writer. A transaction that gives up is done without a commit.
//!
//! **Invariant:** nothing is said to be done before its call has returned, and nothing is done
//! before it was said to begin.

use super::Outcome;
use super::note::NOTES;
use super::script::{Ending, Script, Stage, Task, Transact, Upkeep, namespace};
use memlith::{Db, Durability, NewEdge, NewNode, WriteOptions};
use std::fmt::Display;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;

/// Carries out the script in a file.
///
/// # Errors
/// In words, the first thing that failed.
pub(crate) fn drive(file: &Path, script: &Path) -> Outcome {
    let script: Script = fs::read_to_string(script).map_err(in_words)?.parse()?;
    let speaker = Speaker::on_stdout()?;
    script.stages.iter().try_for_each(|stage| run(stage, file, &speaker))
}

fn in_words(error: impl Display) -> String {
    error.to_string()
}

/// Opens the file, lets every writer do its tasks, and closes it.
fn run(stage: &Stage, file: &Path, speaker: &Speaker) -> Outcome {
    speaker.say(&["begin", "open"])?;
    let db = Db::open(file).map_err(in_words)?;
    speaker.say(&["done", "open"])?;
    thread::scope(|scope| {
        let db = &db;
        let work = |(writer, tasks): (usize, &'_ Vec<Task>)| {
            let tasks = tasks.clone();
            scope.spawn(move || {
                tasks.iter().try_for_each(|task| carry_out(task, writer, db, speaker))
            })
        };
        let writers: Vec<_> = stage.writers.iter().enumerate().map(work).collect();
        let join = |w: thread::ScopedJoinHandle<'_, Outcome>| w.join().map_err(|_| "panicked")?;
        writers.into_iter().try_for_each(join)
    })?;
    speaker.say(&["begin", "close"])?;
    db.close().map_err(in_words)?;
    speaker.say(&["done", "close"])
}

fn carry_out(task: &Task, writer: usize, db: &Db, speaker: &Speaker) -> Outcome {
    match task {
        Task::Transact(transact) => {
            let what = &transact.key;
            speaker.say(&["begin", what])?;
            let committed = commit(transact, &namespace(writer), db).map_err(in_words)?;
            let seq = committed.map(|seq| seq.to_string());
            match (&seq, transact.ending) {
                (Some(seq), Ending::Relaxed) => speaker.say(&["done", what, seq, "relaxed"]),
                (Some(seq), _) => speaker.say(&["done", what, seq, "durable"]),
                (None, _) => speaker.say(&["done", what]),
            }
        }
        Task::Upkeep(upkeep) => {
            let what = format!("{}/{writer}", upkeep.word());
            speaker.say(&["begin", &what])?;
            let done = match upkeep {
                Upkeep::Checkpoint => db.checkpoint(),
                Upkeep::Rebuild => db.rebuild(&mut |_, _| {}),
                Upkeep::Flush => db.flush(),
            };
            done.map_err(in_words)?;
            speaker.say(&["done", &what])
        }
    }
}

fn commit(transact: &Transact, namespace: &str, db: &Db) -> memlith::Result<Option<memlith::Seq>> {
    let durability = match transact.ending {
        Ending::Relaxed => Durability::Relaxed,
        Ending::Durable | Ending::GivesUp => Durability::Durable,
    };
    let options = WriteOptions::new()
        .reason(&transact.key)
        .idempotency_key(&transact.key)
        .durability(durability);
    let mut tx = db.begin(options)?;
    for change in &transact.changes {
        match &change.note {
            Some(note) => {
                let memory = tx.upsert(note.memory(namespace, &change.id))?.id();
                let mut graph = tx.graph(namespace);
                let text = serde_json::json!({ "text": note.text });
                graph.upsert_node(NewNode::new(&change.id).properties(text))?;
                graph.upsert_edge(NewEdge::new(memory, NOTES, &*change.id))?;
            }
            None => {
                if let Some(memory) = tx.get_external(namespace, &change.id)? {
                    tx.forget(memory.id)?;
                    tx.graph(namespace).delete_node(&*change.id)?;
                }
            }
        }
    }
    if transact.ending == Ending::GivesUp {
        tx.rollback();
        return Ok(None);
    }
    tx.commit()
}

/// Says lines on stdout past its buffer: what was said is in the pipe when the call returns.
struct Speaker(File);

impl Speaker {
    fn on_stdout() -> Outcome<Self> {
        let stdout = std::io::stdout().as_fd().try_clone_to_owned().map_err(in_words)?;
        Ok(Speaker(stdout.into()))
    }

    fn say(&self, words: &[&str]) -> Outcome {
        let line = words.join("\t") + "\n";
        (&self.0).write_all(line.as_bytes()).map_err(in_words)
    }
}
