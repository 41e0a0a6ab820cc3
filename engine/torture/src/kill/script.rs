//! What a driver is to do, as lines that a program in any language can read.
//!
//! ```text
//! stage                                 open the file; at the end of the stage close it
//! W begin KEY durable|relaxed|gives-up
//! W put ID VECTOR TEXT                  of the transaction that was begun
//! W forget ID
//! W end                                 commit, or give up
//! W checkpoint|rebuild|flush
//! ```
//! Words are separated by tabs. `W` is the number of a writer, which does its lines in their order,
//! beside the others, in the namespace `wW`. `KEY` is the idempotency key and the reason of the
//! transaction. `VECTOR` is the number that [`Note::vector`] makes a vector of, or `-`.
//!
//! **Invariant:** a script that was written reads back as it was.

use super::note::{Change, Note};
use std::fmt::{self, Display};
use std::str::FromStr;

/// Opens the file as often as it has stages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    pub(super) stages: Vec<Stage>,
}

/// What each writer does while the file is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stage {
    pub(super) writers: Vec<Vec<Task>>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Transact(Transact),
    Upkeep(Upkeep),
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transact {
    pub(super) key: String,
    pub(super) ending: Ending,
    pub(super) changes: Vec<Change>,
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Durable,
    Relaxed,
    GivesUp,
}

/// What is done to the file beside transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upkeep {
    Checkpoint,
    Rebuild,
    Flush,
}

impl Ending {
    const ALL: [Ending; 3] = [Ending::Durable, Ending::Relaxed, Ending::GivesUp];

    fn word(self) -> &'static str {
        match self {
            Ending::Durable => "durable",
            Ending::Relaxed => "relaxed",
            Ending::GivesUp => "gives-up",
        }
    }
}

impl Upkeep {
    const ALL: [Upkeep; 3] = [Upkeep::Checkpoint, Upkeep::Rebuild, Upkeep::Flush];

    pub(super) fn word(self) -> &'static str {
        match self {
            Upkeep::Checkpoint => "checkpoint",
            Upkeep::Rebuild => "rebuild",
            Upkeep::Flush => "flush",
        }
    }
}

/// The namespace of a writer.
pub(super) fn namespace(writer: usize) -> String {
    format!("w{writer}")
}

impl Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stage in &self.stages {
            writeln!(f, "stage")?;
            for (writer, tasks) in stage.writers.iter().enumerate() {
                for task in tasks {
                    write_task(f, writer, task)?;
                }
            }
        }
        Ok(())
    }
}

fn write_task(f: &mut fmt::Formatter<'_>, writer: usize, task: &Task) -> fmt::Result {
    let Transact { key, ending, changes } = match task {
        Task::Upkeep(upkeep) => return writeln!(f, "{writer}\t{}", upkeep.word()),
        Task::Transact(transact) => transact,
    };
    writeln!(f, "{writer}\tbegin\t{key}\t{}", ending.word())?;
    for Change { id, note } in changes {
        match note {
            None => writeln!(f, "{writer}\tforget\t{id}")?,
            Some(Note { text, vector }) => {
                let vector = vector.map_or_else(|| "-".to_owned(), |v| v.to_string());
                writeln!(f, "{writer}\tput\t{id}\t{vector}\t{text}")?;
            }
        }
    }
    writeln!(f, "{writer}\tend")
}

impl FromStr for Script {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut script = Script::default();
        for line in text.lines() {
            script.add(line).ok_or_else(|| format!("this is no line of a script: {line:?}"))?;
        }
        Ok(script)
    }
}

impl Script {
    fn add(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split('\t').collect();
        if words == ["stage"] {
            self.stages.push(Stage::default());
            return Some(());
        }
        let (writer, words) = words.split_first()?;
        let writers = &mut self.stages.last_mut()?.writers;
        let writer: usize = writer.parse().ok()?;
        if writers.len() <= writer {
            writers.resize_with(writer + 1, Vec::new);
        }
        let tasks = &mut writers[writer];
        let mut change = |id: &str, note| match tasks.last_mut()? {
            Task::Transact(last) => {
                last.changes.push(Change { id: id.to_owned(), note });
                Some(())
            }
            Task::Upkeep(_) => None,
        };
        match *words {
            ["begin", key, ending] => {
                let ending = Ending::ALL.into_iter().find(|e| e.word() == ending)?;
                let changes = Vec::new();
                tasks.push(Task::Transact(Transact { key: key.to_owned(), ending, changes }));
            }
            ["forget", id] => change(id, None)?,
            ["put", id, vector, text] => {
                let vector = match vector {
                    "-" => None,
                    number => Some(number.parse().ok()?),
                };
                change(id, Some(Note { text: text.to_owned(), vector }))?;
            }
            // Which task it ends is plain from what comes next; drivers elsewhere may want it said.
            ["end"] => {}
            [word] => {
                let upkeep = Upkeep::ALL.into_iter().find(|u| u.word() == word)?;
                tasks.push(Task::Upkeep(upkeep));
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads_back() {
        let put = |id: &str, vector| Change {
            id: id.to_owned(),
            note: Some(Note { text: "some words".to_owned(), vector }),
        };
        let forget = Change { id: "a".to_owned(), note: None };
        let key = "3/w1/0".to_owned();
        let transact = |ending| {
            let changes = vec![put("a", Some(7)), forget.clone(), put("b", None)];
            Task::Transact(Transact { key: key.clone(), ending, changes })
        };
        let writers = vec![
            vec![Task::Upkeep(Upkeep::Rebuild), transact(Ending::GivesUp)],
            vec![transact(Ending::Relaxed), transact(Ending::Durable)],
        ];
        let one = Stage { writers: vec![vec![Task::Upkeep(Upkeep::Flush)]] };
        let script = Script { stages: vec![Stage { writers }, one] };
        assert_eq!(script.to_string().parse(), Ok(script));
        for wrong in ["0\tflush", "stage\n0\tput\ta\t-\tb", "stage\n0\tsleep", "stage\nx\tflush"] {
            assert!(wrong.parse::<Script>().is_err(), "{wrong}");
        }
    }
}
