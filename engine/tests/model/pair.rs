//! A file and its model, taken through the same steps.
//!
//! **Invariant:** after each step both hold the same memories, spaces and metadata indexes, and
//! every call gave the same answer or the same kind of error.

use super::check::{check_everything, check_look};
use super::naive::{Naive, Told};
use super::record::Record;
use super::step::{Answer, Edit, How, Step, number_at};
use super::values::{EXTERNAL, NAMESPACES, START_MS};
use memlith::{Clock, Db, Durability, ErrorKind, MemoryId, Options, Result, WriteOptions, WriteTx};
use proptest::sample::Index;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

/// A clock that is set by hand.
#[derive(Clone)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions {
    pub(crate) has_threads: bool,
    pub(crate) is_durable: bool,
}

pub(crate) struct Pair {
    folder: TempDir,
    conditions: Conditions,
    clock: HandClock,
    db: Option<Db>,
    model: Naive,
}

impl Pair {
    /// Takes a new file and a new model through all steps. With a background thread it cannot be
    /// known when what has expired is deleted, so then nothing expires.
    pub(crate) fn run(conditions: Conditions, mut steps: Vec<Step>) {
        if conditions.has_threads {
            steps.iter_mut().for_each(Step::clear_expiry);
        }
        let mut pair = Pair {
            folder: tempfile::tempdir().expect("a folder"),
            conditions,
            clock: HandClock(Arc::new(AtomicI64::new(START_MS))),
            db: None,
            model: Naive::new(START_MS),
        };
        pair.reopen();
        for step in steps {
            pair.step(step).expect("only what the model refuses is refused");
            check_everything(&pair.db().read().expect("a view"), &pair.model);
        }
        pair.verify();
        pair.reopen();
        check_everything(&pair.db().read().expect("a view"), &pair.model);
        pair.verify();
    }

    fn db(&self) -> &Db {
        self.db.as_ref().expect("it is open")
    }

    fn reopen(&mut self) {
        drop(self.db.take());
        let Conditions { has_threads, is_durable } = self.conditions;
        let durability = if is_durable { Durability::Durable } else { Durability::Relaxed };
        let options =
            Options::new().threads(has_threads).durability(durability).clock(self.clock.clone());
        self.db = Some(options.open(self.folder.path().join("m.lith")).expect("it opens"));
    }

    fn verify(&self) {
        let report = self.db().verify(&mut |_| {}).expect("it can be verified");
        assert!(report.is_clean(), "{report:#?}");
    }

    fn step(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Write(How::Singly, edits) => edits.iter().for_each(|edit| {
                self.write_one(edit);
                if edit.is_idempotent() {
                    self.write_one(edit);
                }
            }),
            Step::Write(How::Closure, edits) => self.write_closure(&edits, false),
            Step::Write(How::Failing, edits) => self.write_closure(&edits, true),
            Step::Write(How::Commit, edits) => self.write_explicitly(&edits, true)?,
            Step::Write(How::Rollback, edits) => self.write_explicitly(&edits, false)?,
            Step::Look(look) => check_look(&self.db().read()?, &mut self.model, &look),
            Step::Get(places) => self.get(&places)?,
            Step::Advance(ms) => {
                self.model.clock_ms += ms;
                self.clock.0.store(self.model.clock_ms, Ordering::Relaxed);
            }
            Step::Checkpoint => self.db().checkpoint()?,
            Step::Rebuild => self.db().rebuild(&mut |_, _| {})?,
            Step::Flush => self.db().flush()?,
            Step::Reopen => self.reopen(),
        }
        Ok(())
    }

    fn write_one(&mut self, edit: &Edit) {
        let mut changed = self.model.clone();
        let told = edit.make_naively(&mut changed);
        let before = self.db().read().expect("a view").seq();
        let done = edit.make_on(self.db(), &self.model.numbers());
        assert_same(edit, &done, &told);
        let has_committed = self.db().read().expect("a view").seq() > before;
        self.accept(changed, told.is_ok(), has_committed);
    }

    fn write_closure(&mut self, edits: &[Edit], fails: bool) {
        let mut changed = self.model.clone();
        let done = self.db().transact(WriteOptions::new(), |tx| {
            for edit in edits {
                let numbers = changed.numbers();
                let told = edit.make_naively(&mut changed);
                let done = edit.make_in(tx, &numbers);
                assert_same(edit, &done, &told);
                done?;
                assert_reads(tx, &changed);
            }
            if fails {
                tx.drop_space("no such space")?;
            }
            Ok(())
        });
        let has_committed = done.as_ref().is_ok_and(|committed| committed.seq.is_some());
        self.accept(changed, done.is_ok(), has_committed);
    }

    fn write_explicitly(&mut self, edits: &[Edit], commits: bool) -> Result<()> {
        let mut changed = self.model.clone();
        let mut tx = self.db().begin(WriteOptions::new())?;
        for edit in edits {
            let numbers = changed.numbers();
            let told = edit.make_naively(&mut changed);
            let done = edit.make_in(&mut tx, &numbers);
            assert_same(edit, &done, &told);
            if done.is_err() && !edit.is_whole() {
                tx.rollback();
                return Ok(());
            }
            assert_reads(&tx, &changed);
        }
        if !commits {
            tx.rollback();
            return Ok(());
        }
        let has_committed = tx.commit()?.is_some();
        self.accept(changed, true, has_committed);
        Ok(())
    }

    /// Takes over what a write made of the model.
    fn accept(&mut self, changed: Naive, is_ok: bool, has_committed: bool) {
        assert!(is_ok || !has_committed, "a write that failed is committed");
        if is_ok {
            assert!(has_committed || changed.records == self.model.records, "it is not committed");
            self.model = changed;
        }
        if has_committed {
            self.model.last_commit_ms = self.model.now_ms();
            self.model.forget_expired();
        }
    }

    fn get(&mut self, places: &[Index]) -> Result<()> {
        let view = self.db().read()?;
        let numbers = self.model.numbers();
        let ids: Vec<u64> = places.iter().map(|at| number_at(*at, &numbers)).collect();
        let asked: Vec<MemoryId> = ids.iter().map(|id| MemoryId(*id)).collect();
        let found: Vec<Option<u64>> =
            view.get_many(&asked)?.iter().map(|m| m.as_ref().map(|m| m.id.0)).collect();
        let known: Vec<Option<u64>> =
            ids.iter().map(|id| self.model.get(*id).map(|r| r.id)).collect();
        assert_eq!(found, known);
        for namespace in NAMESPACES {
            for external in EXTERNAL {
                let found = view.get_external(namespace, external)?.map(|m| m.id.0);
                let known = self.model.get_external(namespace, external).map(|r| r.id);
                assert_eq!(found, known, "{namespace} {external}");
                self.model.touch(known);
            }
        }
        self.model.touch(known.into_iter().flatten());
        Ok(())
    }
}

fn assert_same(edit: &Edit, done: &Result<Answer>, told: &Told<Answer>) {
    match (done, told) {
        (Ok(done), Ok(told)) => assert_eq!(done, told, "{edit:?}"),
        (Err(e), Err(kind)) => {
            let is_right = e.kind() == *kind || is_of_arguments(e.kind()) && is_of_arguments(*kind);
            assert!(is_right, "{e} is not {kind:?} of {edit:?}");
        }
        _ => panic!("{edit:?} is {done:?} and must be {told:?}"),
    }
}

/// Of several broken rules any may be told.
fn is_of_arguments(kind: ErrorKind) -> bool {
    use ErrorKind::{DimensionMismatch, InvalidInput, LimitExceeded, NotFound};
    [DimensionMismatch, InvalidInput, LimitExceeded, NotFound].contains(&kind)
}

/// A transaction sees what it has written.
fn assert_reads(tx: &WriteTx<'_>, model: &Naive) {
    assert_eq!(tx.now_ms(), model.now_ms());
    for id in 1..=model.next {
        let found = tx.get(MemoryId(id)).expect("it can be read");
        let found = found.as_ref().map(Record::shown);
        assert_eq!(found, model.get(id).map(Record::in_transaction));
    }
    for namespace in NAMESPACES {
        let found = tx.get_external(namespace, EXTERNAL[0]).expect("it can be read");
        let known = model.get_external(namespace, EXTERNAL[0]);
        assert_eq!(found.map(|m| m.id.0), known.map(|r| r.id));
    }
}
