//! What a file must hold after a process on it was killed.
//!
//! **Invariant:** looking at it first changes nothing: a copy is made, and a reader leaves every byte
//! as it is. Only then is it opened for writing, which recovers it.

use super::Outcome;
use super::ledger::{Found, Id, Ledger, Row};
use super::note::{NOTES, Note};
use super::place::Place;
use memlith::{ChangeKind, Db, Follow, Head, List, LogRow, Memory, Model, Node, Order, Seq, View};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

/// Memories, and rows of the log, that are read at a time.
const PAGE: usize = 500;

/// Checks a file again and again, and knows what it held the last time.
#[derive(Default)]
pub(super) struct Check {
    /// The end of the log then: whatever comes later builds on it.
    head: Option<Head>,
    /// Which memory had which number.
    numbers: HashMap<u64, Id>,
    /// Files that a creation left when it was killed beside another one, which nobody removes.
    pub(super) strays: usize,
}

impl Check {
    /// Checks the file.
    ///
    /// # Errors
    /// In words, what does not hold.
    pub(super) fn file(&mut self, place: &Place, ledger: &mut Ledger) -> Outcome<Found> {
        self.litter(place)?;
        let file = place.file();
        if !file.exists() {
            return if self.head.is_none() {
                ledger.settle()
            } else {
                Err("the file is gone".into())
            };
        }
        let copied = fs::copy(&file, place.copy());
        copied.map_err(|e| format!("copying the file: {e}"))?;
        read(&file, &place.copy()).map_err(|e| format!("opened for reading, {e}"))?;
        let db = Db::open(&file).map_err(|e| format!("it does not open: {e}"))?;
        let found = self.open(&db, ledger)?;
        db.close().map_err(|e| format!("it does not close: {e}"))?;
        Ok(found)
    }

    /// A killed creation may leave a file, but the next one removes it.
    fn litter(&self, place: &Place) -> Outcome {
        let litter = place.litter()?;
        let pending = usize::from(!place.file().exists());
        if litter.of_creations > pending + self.strays || litter.of_exports > 1 {
            return Err(format!("killed processes left {litter:?}"));
        }
        Ok(())
    }

    fn open(&mut self, db: &Db, ledger: &mut Ledger) -> Outcome<Found> {
        let text = |e: memlith::Error| e.to_string();
        clean(db)?;
        db.verify_log(self.head.as_ref()).map_err(text)?;
        let view = db.read().map_err(text)?;
        let memories = memories(&view).map_err(text)?;
        for row in rows(db, self.head.map_or(1, |head| head.seq.0 + 1)).map_err(text)? {
            ledger.take(&self.resolved(&row, &memories))?;
        }
        for (key, seq) in ledger.outcomes() {
            let outcome = db.outcome(key).map_err(text)?.map(|outcome| outcome.seq.0);
            if outcome != seq {
                return Err(format!("the outcome of {key:?} is {outcome:?}, not {seq:?}"));
            }
        }
        let found = ledger.settle()?;
        compare(&view, &memories, &ledger.memories)?;
        joined(&view, &memories)?;
        let number = |(id, memory): (&Id, &Memory)| (memory.id.0, id.clone());
        self.numbers = memories.iter().map(number).collect();
        self.head = Some(db.head().map_err(text)?);
        Ok(found)
    }

    /// A row of the log with the ids of what it changed. A memory that was gone before it could
    /// be looked at has none.
    fn resolved(&self, row: &LogRow, memories: &BTreeMap<Id, Memory>) -> Row {
        let now: HashMap<u64, &Id> = memories.iter().map(|(id, m)| (m.id.0, id)).collect();
        let id_of = |number: u64| {
            let known = now.get(&number).copied().or_else(|| self.numbers.get(&number));
            known.cloned().unwrap_or_else(|| (String::new(), number.to_string()))
        };
        let of_memories = row.changes.iter().filter(|change| change.model == Model::Memory);
        let changed = of_memories.map(|c| (id_of(c.id), c.kind != ChangeKind::Deleted)).collect();
        Row { seq: row.seq.0, reason: row.reason.clone(), changed }
    }
}

/// A reader sees a sound file, and changes nothing about it.
fn read(file: &Path, copy: &Path) -> Outcome {
    let db = Db::open_read_only(file).map_err(|e| e.to_string())?;
    clean(&db)?;
    db.close().map_err(|e| e.to_string())?;
    let bytes = |path| fs::read(path).map_err(|e| e.to_string());
    if bytes(file)? == bytes(copy)? { Ok(()) } else { Err("it was changed".into()) }
}

fn clean(db: &Db) -> Outcome {
    let report = db.verify(&mut |_| {}).map_err(|e| format!("verify fails: {e}"))?;
    match report.problems.first() {
        None => Ok(()),
        Some(problem) => Err(format!("{}: {}", problem.place, problem.what)),
    }
}

fn memories(view: &View) -> memlith::Result<BTreeMap<Id, Memory>> {
    let mut all = BTreeMap::new();
    let mut list = List::new().order(Order::Oldest).limit(PAGE);
    loop {
        let page = view.list(&list)?;
        let with_id = |memory: Memory| {
            let id = memory.external_id.clone().unwrap_or_default();
            ((memory.namespace.clone(), id), memory)
        };
        all.extend(page.memories.into_iter().map(with_id));
        match page.next {
            Some(cursor) => list = list.after(cursor),
            None => return Ok(all),
        }
    }
}

fn rows(db: &Db, from: u64) -> memlith::Result<Vec<LogRow>> {
    let mut rows: Vec<LogRow> = Vec::new();
    loop {
        let next = rows.last().map_or(from, |row| row.seq.0 + 1);
        let page = db.log(Seq(next), PAGE)?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
    }
}

/// The memories are exactly those that they must be.
fn compare(view: &View, found: &BTreeMap<Id, Memory>, expected: &BTreeMap<Id, Note>) -> Outcome {
    if let Some(id) = found.keys().find(|id| !expected.contains_key(*id)) {
        return Err(format!("{id:?} is there, and must not be"));
    }
    for (id, note) in expected {
        let Some(memory) = found.get(id) else { return Err(format!("{id:?} is missing")) };
        let vector = match memory.spaces.first() {
            Some(space) => view.vector(memory.id, space).map_err(|e| e.to_string())?,
            None => None,
        };
        let is_same =
            memory.content == note.text && memory.tags == [note.tag()] && vector == note.vector();
        if !is_same {
            return Err(format!("{id:?} is {memory:?}, and must be {note:?}"));
        }
    }
    Ok(())
}

/// If the door writes a graph, each memory has the node of its id, of the same text, and an edge to it: they
/// came in one transaction.
fn joined(view: &View, memories: &BTreeMap<Id, Memory>) -> Outcome {
    let follow = Follow::new().kinds([NOTES]);
    let mut without = None;
    let mut nodes = 0;
    for ((namespace, id), memory) in memories {
        let graph = view.graph(namespace.as_str());
        let Some(node) = graph.node(&**id).map_err(|e| e.to_string())? else {
            without = Some(id);
            continue;
        };
        nodes += 1;
        let found = graph.neighbours(memory.id, &follow, 2).map_err(|e| e.to_string())?.found;
        let leads_to = |node: &Node| matches!(&found[..], [next] if next.entity == node.id.into());
        if node.properties["text"] != memory.content || !leads_to(&node) {
            return Err(format!(
                "{id:?} is {memory:?}, and its node {node:?}, joined by {found:?}"
            ));
        }
    }
    match without {
        Some(id) if nodes > 0 => Err(format!("{id:?} has no node, and others have")),
        _ => Ok(()),
    }
}
