//! What was begun and what was acknowledged, and what the file must therefore hold.
//!
//! **Invariant:** the log of the file says which transactions are in it and in which order; the
//! ledger, whether that may be: each was begun, none gave up, none is there twice or before the one
//! it follows; what was called durable is there; and the memories are those that they leave.

use super::Outcome;
use super::note::{Change, Note};
use std::collections::{BTreeMap, HashMap};

/// A namespace, and an external id in it.
pub(super) type Id = (String, String);
/// The number of a process, in the order of their starts.
pub(super) type Process = usize;
/// The number of a transaction.
pub(super) type Entry = usize;

/// Everything that processes set out to do to one file.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<Planned>,
    by_key: HashMap<String, Entry>,
    /// The turn of each process: those of an earlier turn have ended when a later one begins.
    turns: Vec<usize>,
    /// Planned or begun since the last check.
    open: Vec<Entry>,
    /// The turn that the last transaction of the log belongs to.
    turn: usize,
    /// What the file must hold, as far as the log was read.
    pub(super) memories: BTreeMap<Id, Note>,
}

/// A transaction as it is meant.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The reason in its row of the log; empty if the door cannot give one.
    pub(super) key: String,
    pub(super) namespace: String,
    pub(super) changes: Vec<Change>,
    /// It can only be in the file if this one is.
    pub(super) after: Option<Entry>,
    /// Is it to be rolled back?
    pub(super) gives_up: bool,
}

#[derive(Debug)]
struct Planned {
    plan: Plan,
    begun_by: Vec<Process>,
    acknowledged: Option<Acknowledged>,
    committed: Option<u64>,
}

/// How a transaction was said to have ended.
#[derive(Clone, Copy, Debug)]
struct Acknowledged {
    /// Not every door says it.
    seq: Option<u64>,
    is_durable: bool,
}

/// A row of the log.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) reason: String,
    /// What it changed, and whether that is there behind it.
    pub(super) changed: BTreeMap<Id, bool>,
}

/// What became of the transactions that were begun since the last check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Called durable, and there.
    pub(super) durable: u64,
    /// Not called durable, and there.
    pub(super) kept: u64,
    /// Begun, and not there.
    pub(super) gone: u64,
}

impl Ledger {
    /// Plans a transaction.
    pub(super) fn plan(&mut self, plan: Plan) -> Entry {
        let entry = self.entries.len();
        if !plan.key.is_empty() {
            self.by_key.insert(plan.key.clone(), entry);
        }
        self.open.push(entry);
        self.entries.push(Planned { plan, begun_by: vec![], acknowledged: None, committed: None });
        entry
    }

    /// A process starts, when all others have ended or else `beside` the last one.
    pub(super) fn process(&mut self, beside: bool) -> Process {
        let last = self.turns.last().copied().unwrap_or_default();
        self.turns.push(if beside { last } else { last + 1 });
        self.turns.len() - 1
    }

    /// Is it known, from the last check, what the file has under this id?
    pub(super) fn is_settled(&self, id: &Id) -> bool {
        !self.open.iter().map(|entry| &self.entries[*entry].plan).any(|plan| {
            plan.namespace == id.0 && plan.changes.iter().any(|change| change.id == id.1)
        })
    }

    /// A process begins a transaction.
    pub(super) fn begin(&mut self, entry: Entry, by: Process) {
        let planned = &mut self.entries[entry];
        planned.begun_by.push(by);
        if planned.committed.is_none() && !self.open.contains(&entry) {
            self.open.push(entry);
        }
    }

    /// A transaction was committed durably; where, was not said.
    pub(super) fn acknowledge(&mut self, entry: Entry) {
        self.entries[entry].acknowledged = Some(Acknowledged { seq: None, is_durable: true });
    }

    /// Takes in what a process said, line by line, until it ended.
    pub(super) fn hear<'a>(
        &mut self,
        lines: impl IntoIterator<Item = &'a str>,
        by: Process,
    ) -> Outcome {
        let mut said = Said::default();
        for line in lines {
            let words: Vec<&str> = line.split('\t').collect();
            let heard = self.hear_one(&words, by, &mut said);
            heard.ok_or_else(|| format!("a driver said {line:?}"))?;
        }
        Ok(())
    }

    fn hear_one<'a>(&mut self, words: &[&'a str], by: Process, said: &mut Said<'a>) -> Option<()> {
        match *words {
            ["begin", what] => match self.by_key.get(what) {
                Some(entry) => self.begin(*entry, by),
                None => {
                    said.before.insert(what, said.done.len());
                }
            },
            ["done", what, seq, durability @ ("durable" | "relaxed")] => {
                let entry = *self.by_key.get(what)?;
                let acknowledged = Acknowledged {
                    seq: Some(seq.parse().ok()?),
                    is_durable: durability == "durable",
                };
                self.entries[entry].acknowledged = Some(acknowledged);
                said.done.push(entry);
            }
            ["done", what] if what == "close" || what.starts_with("flush/") => {
                for entry in &said.done[..*said.before.get(what)?] {
                    let acknowledged = self.entries[*entry].acknowledged.as_mut()?;
                    acknowledged.is_durable = true;
                }
            }
            ["done", _] => {}
            _ => return None,
        }
        Some(())
    }

    /// Takes in a row of the log, behind all before it.
    pub(super) fn take(&mut self, row: &Row) -> Outcome {
        let wrong = |why: &str| Err(format!("commit {} ({:?}) {why}", row.seq, row.reason));
        let Some(entry) = self.find(row) else { return wrong("is of no transaction") };
        let Planned { plan, begun_by, acknowledged, committed } = &self.entries[entry];
        if plan.gives_up {
            return wrong("was rolled back");
        }
        if let Some(earlier) = committed {
            return wrong(&format!("is there as commit {earlier} already"));
        }
        if plan.after.is_some_and(|before| self.entries[before].committed.is_none()) {
            return wrong("is there without the one before it");
        }
        if let Some(said) = acknowledged.and_then(|a| a.seq).filter(|seq| *seq != row.seq) {
            return wrong(&format!("was acknowledged as commit {said}"));
        }
        let turns = begun_by.iter().map(|process| self.turns[*process]);
        let Some(turn) = turns.filter(|turn| *turn >= self.turn).min() else {
            return wrong("was not begun, or by an earlier process than the commit before");
        };
        for Change { id, note } in &plan.changes {
            let id = (plan.namespace.clone(), id.clone());
            match note {
                Some(note) => self.memories.insert(id, note.clone()),
                None => self.memories.remove(&id),
            };
        }
        self.turn = turn;
        self.entries[entry].committed = Some(row.seq);
        Ok(())
    }

    /// The transaction that a row is of: by its reason, or else by what it changed.
    fn find(&self, row: &Row) -> Option<Entry> {
        if !row.reason.is_empty() {
            return self.by_key.get(&row.reason).copied();
        }
        let has_this_effect = |entry: &&Entry| {
            let Planned { plan, committed, .. } = &self.entries[**entry];
            let is_of = |change: &Change| {
                let id = (plan.namespace.clone(), change.id.clone());
                row.changed.get(&id) == Some(&change.note.is_some())
            };
            committed.is_none()
                && plan.key.is_empty()
                && plan.changes.len() == row.changed.len()
                && plan.changes.iter().all(is_of)
        };
        self.open.iter().find(has_this_effect).copied()
    }

    /// What must be true of outcomes: of each key, the commit.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = (&str, Option<u64>)> {
        let open = self.open.iter().map(|entry| &self.entries[*entry]);
        open.filter(|e| !e.plan.key.is_empty()).map(|e| (e.plan.key.as_str(), e.committed))
    }

    /// The log was read to its end: what is not there now will never be.
    ///
    /// # Errors
    /// If something is missing that must be there.
    pub(super) fn settle(&mut self) -> Outcome<Found> {
        let open = std::mem::take(&mut self.open);
        let open = || open.iter().map(|entry| &self.entries[*entry]);
        // The last commit of each process: all that it committed before is there as well.
        let mut newest: HashMap<Process, u64> = HashMap::new();
        for (process, seq) in open().flat_map(|e| e.begun_by.iter().zip(e.committed)) {
            let newest = newest.entry(*process).or_default();
            *newest = seq.max(*newest);
        }
        let mut found = Found::default();
        for Planned { plan, begun_by, acknowledged, committed } in open() {
            let is_durable = acknowledged.is_some_and(|a| a.is_durable);
            match committed {
                Some(_) if is_durable => found.durable += 1,
                Some(_) => found.kept += 1,
                None if is_durable => {
                    return Err(format!("{:?} was acknowledged and is lost: {plan:?}", plan.key));
                }
                None => found.gone += u64::from(!begun_by.is_empty()),
            }
            let seq = acknowledged.and_then(|a| a.seq);
            let newest = begun_by.iter().filter_map(|process| newest.get(process)).max();
            if committed.is_none() && seq.is_some() && seq <= newest.copied() {
                return Err(format!("{:?} is lost, and what came behind it is not", plan.key));
            }
        }
        Ok(found)
    }
}

/// What a process has said so far.
#[derive(Default)]
struct Said<'a> {
    /// Transactions that are done, in this order.
    done: Vec<Entry>,
    /// How many were when something else began: a flush is of those.
    before: HashMap<&'a str, usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Transactions `a`, `b`, … of one writer, and a process that began those.
    fn ledger(keys: &[&str]) -> Ledger {
        let mut ledger = Ledger::default();
        let mut after = None;
        for key in keys {
            let note = Note { text: (*key).to_owned(), vector: None };
            let changes = vec![Change { id: (*key).to_owned(), note: Some(note) }];
            let (key, namespace) = ((*key).to_owned(), "n".to_owned());
            after = Some(ledger.plan(Plan { key, namespace, changes, after, gives_up: false }));
        }
        ledger.process(false);
        ledger
    }

    fn row(seq: u64, reason: &str) -> Row {
        Row { seq, reason: reason.to_owned(), changed: BTreeMap::new() }
    }

    fn found(durable: u64, kept: u64, gone: u64) -> Found {
        Found { durable, kept, gone }
    }

    #[test]
    fn what_is_called_durable_must_be_there_and_what_is_begun_may_be() {
        let said = ["begin\ta", "done\ta\t1\tdurable", "begin\tb", "begin\tc"];
        for kept in 0..=3 {
            let mut ledger = ledger(&["a", "b", "c"]);
            ledger.hear(said, 0).unwrap();
            let rows = [row(1, "a"), row(2, "b"), row(3, "c")];
            rows[..kept].iter().for_each(|row| ledger.take(row).unwrap());
            let expected = [None, Some(found(1, 0, 2)), Some(found(1, 1, 1)), Some(found(1, 2, 0))];
            assert_eq!(ledger.settle().ok(), expected[kept], "{kept} kept");
            assert_eq!(ledger.memories.len(), kept);
        }
    }

    #[test]
    fn relaxed_commits_may_be_lost_from_the_end_unless_they_were_flushed() {
        let relaxed = ["begin\ta", "done\ta\t1\trelaxed", "begin\tb", "done\tb\t2\trelaxed"];
        let mut lost = ledger(&["a", "b"]);
        lost.hear(relaxed, 0).unwrap();
        lost.take(&row(1, "a")).unwrap();
        assert_eq!(lost.settle(), Ok(found(0, 1, 1)));

        for last in ["flush/0", "close"] {
            let mut flushed = ledger(&["a", "b"]);
            let [begin, done] = [format!("begin\t{last}"), format!("done\t{last}")];
            // The second was committed while the flush was under way.
            let said = [relaxed[0], relaxed[1], &begin, relaxed[2], relaxed[3], &done];
            flushed.hear(said, 0).unwrap();
            assert!(flushed.settle().unwrap_err().contains("\"a\" was acknowledged"));
        }

        let mut hole = ledger(&["a"]);
        let (namespace, changes) = ("n".to_owned(), Vec::new());
        let (key, after, gives_up) = ("b".to_owned(), None, false);
        hole.plan(Plan { key, namespace, changes, after, gives_up });
        hole.hear(relaxed, 0).unwrap();
        hole.take(&row(2, "b")).unwrap();
        assert!(hole.settle().unwrap_err().contains("what came behind it is not"));
    }

    #[test]
    fn the_log_may_hold_nothing_else() {
        let began = ["begin\ta", "begin\tb", "done\tb\t2\trelaxed"];
        let wrong = |rows: &[Row], words: &str| {
            let mut ledger = ledger(&["a", "b", "c"]);
            ledger.hear(began, 0).unwrap();
            let (last, rows) = rows.split_last().unwrap();
            for row in rows {
                ledger.take(row).unwrap();
            }
            let why = ledger.take(last).unwrap_err();
            assert!(why.contains(words), "{why}");
        };
        wrong(&[row(1, "x")], "of no transaction");
        wrong(&[row(1, "")], "of no transaction");
        wrong(&[row(1, "a"), row(2, "a")], "already");
        wrong(&[row(2, "b")], "without the one before");
        wrong(&[row(1, "a"), row(3, "b")], "acknowledged as commit 2");
        wrong(&[row(1, "a"), row(2, "b"), row(3, "c")], "not begun");
    }

    #[test]
    fn a_process_that_was_killed_commits_nothing_later() {
        let mut ledger = ledger(&["a", "b"]);
        ledger.hear(["begin\ta"], 0).unwrap();
        let later = ledger.process(false);
        ledger.entries[1].plan.after = None;
        ledger.begin(1, later);
        ledger.take(&row(1, "b")).unwrap();
        assert!(ledger.take(&row(2, "a")).unwrap_err().contains("earlier process"));
    }

    #[test]
    fn a_row_without_a_reason_is_known_by_what_it_changed() {
        let mut ledger = ledger(&[]);
        let change = |id: &str, text: Option<&str>| Change {
            id: id.to_owned(),
            note: text.map(|t| Note { text: t.to_owned(), vector: None }),
        };
        let both = vec![change("a", Some("x")), change("b", None)];
        let (key, namespace) = (String::new(), "n".to_owned());
        let plan = Plan { key, namespace, changes: both, after: None, gives_up: false };
        let entry = ledger.plan(plan);
        ledger.begin(entry, 0);
        assert!(!ledger.is_settled(&("n".into(), "a".into())));
        assert!(ledger.is_settled(&("m".into(), "a".into())));
        let row = |a, b| {
            let id = |id: &str| ("n".to_owned(), id.to_owned());
            let changed = [(id("a"), a), (id("b"), b)].into();
            Row { seq: 1, reason: String::new(), changed }
        };
        assert!(ledger.take(&row(true, true)).is_err());
        ledger.take(&row(true, false)).unwrap();
        assert!(ledger.take(&row(true, false)).is_err(), "twice");
    }
}
