//! A seeded workload over one handle: transactions, maintenance, reopenings, reads.
//!
//! **Invariant:** after each step the record of the disk says how far the workload has come:
//! `Begin` before a commit that may happen, `Acknowledged` with what the handle calls durable.

use super::actions::{self, Act, Known};
use super::invariants;
use super::setup::{Setup, TestClock};
use super::state::{State, Timeline};
use crate::commit::{Durability, Sealing, Store, WriteOptions, WriteSet};
use crate::db::Db;
use crate::error::Detail;
use crate::file::crash::Rng;
use crate::file::sim::{Event, SimDisk};
use crate::ids::{MemoryId, Seq};
use crate::recall::Recall;
use crate::transaction::Transaction;
use crate::view::View;
use crate::{Error, ErrorKind, Result};
use std::sync::Arc;

/// A View held on to, and what it showed when it was new.
type Held = (View, Arc<State>);

/// A handle at work.
pub(super) struct Workload {
    pub(super) setup: Setup,
    pub(super) disk: SimDisk,
    pub(super) clock: TestClock,
    pub(super) rng: Rng,
    pub(super) timeline: Timeline,
    /// Writes to the disk fail now and then.
    pub(super) is_faulty: bool,
    /// A sync that fails loses what it was to sync.
    pub(super) is_lossy: bool,
    /// None after it was closed, or if it did not open again.
    pub(super) db: Option<Db>,
    held: Option<Held>,
    /// The transaction that was under way when something failed.
    pub(super) doubt: Option<Doubt>,
}

/// A transaction that did not return in good order.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    /// Idempotency keys, and the commits that they belong to.
    pub(super) keys: Vec<(String, u64)>,
    /// What there is after each of the commits that may have been made, in order; `None` where no
    /// file ever ends with it.
    pub(super) commits: Vec<Option<Known>>,
    /// How it failed; `None` if it did not, but something after it did.
    pub(super) failure: Option<ErrorKind>,
}

impl Workload {
    /// A new file. Its disk records, from a moment on when all of it was durable; the bytes of
    /// that moment come with it.
    pub(super) fn new(seed: u64) -> Result<(Self, Vec<u8>)> {
        let (setup, disk, clock) = (Setup::of(seed), SimDisk::default(), TestClock::new());
        setup.create(&disk, &clock)?;
        let start = disk.start_recording();
        let timeline = Timeline::default();
        let mut workload = Self::over(setup, disk, clock, Rng::new(seed), timeline);
        workload.open()?;
        let view = workload.db().read()?;
        workload.timeline.push(&view, Known::default())?;
        Ok((workload, start))
    }

    /// Over a file that is there, and whose commits are known.
    pub(super) fn over(
        setup: Setup,
        disk: SimDisk,
        clock: TestClock,
        rng: Rng,
        timeline: Timeline,
    ) -> Self {
        let (is_faulty, is_lossy) = (false, false);
        let (db, held, doubt) = (None, None, None);
        Workload { setup, disk, clock, rng, timeline, is_faulty, is_lossy, db, held, doubt }
    }

    pub(super) fn open(&mut self) -> Result<()> {
        self.db = Some(self.setup.open(&self.disk, &self.clock)?);
        self.acknowledge();
        Ok(())
    }

    pub(super) fn db(&self) -> &Db {
        self.db.as_ref().expect("the handle is open")
    }

    fn acknowledge(&self) {
        if let Some(db) = &self.db {
            self.disk.mark(Event::Acknowledged(db.durable_seq().0));
        }
    }

    /// Does one thing.
    ///
    /// # Errors
    /// Whatever the engine reports, on a disk that fails.
    pub(super) fn step(&mut self) -> Result<()> {
        self.clock.advance(self.rng.below(4_000) as i64);
        let done = self.choose();
        self.assert_jobs()?;
        done?;
        self.acknowledge();
        self.disk.assert_maps_held();
        Ok(())
    }

    fn choose(&mut self) -> Result<()> {
        match self.rng.below(100) {
            0..61 => self.transact()?,
            61..64 => self.seal_beside_a_writer()?,
            64..66 => drop(self.db().core.committer.merge_step()?),
            66..70 => self.batch()?,
            70..74 => self.abandon()?,
            74..81 => self.db().checkpoint()?,
            81..83 => self.db().rebuild(&mut |_, _| {})?,
            83..85 => self.db().flush()?,
            85..87 => drop(self.db().compact(&mut |_, _| {})?),
            87..92 => self.reopen()?,
            92..95 => self.hold()?,
            _ => self.recall()?,
        }
        Ok(())
    }

    /// Whatever failed, it was no panic that a job has kept to itself.
    fn assert_jobs(&self) -> Result<()> {
        self.db.as_ref().map_or(Ok(()), invariants::jobs)
    }

    /// Does one thing that needs no other handle. The disk does not hear of it: what is durable stays
    /// that.
    pub(super) fn step_in_place(&mut self) -> Result<()> {
        let done = match self.rng.below(9) {
            0..3 => self.transact(),
            3 => self.db().checkpoint(),
            4 => self.db().rebuild(&mut |_, _| {}),
            5 => self.db().flush(),
            6 => self.db().compact(&mut |_, _| {}).map(drop),
            7 => self.recall(),
            _ => self.release(),
        };
        self.assert_jobs()?;
        done
    }

    /// A transaction of one or several actions, and the deletion of what has expired, which the
    /// engine commits behind it.
    pub(super) fn transact(&mut self) -> Result<()> {
        let db = self.db().clone();
        let seq = self.timeline.last() + 1;
        let mut options = WriteOptions::new().actor("torture");
        let is_relaxed = self.rng.one_in(3);
        if is_relaxed {
            options = options.durability(Durability::Relaxed);
        }
        let key = format!("key-{seq}-{}", self.rng.below(1 << 20));
        let key = self.rng.one_in(2).then_some(key);
        if let Some(key) = &key {
            options = options.idempotency_key(key);
        }
        self.disk.mark(Event::Begin(seq));
        let mut known = self.known().clone();
        let mut unexpired = None;
        let (rng, disk) = (&mut self.rng, &self.disk);
        self.clock.watch(&db)?;
        let committed = db.transact(options, |tx| {
            for _ in 0..=rng.below(6) {
                actions::any(&mut Act { tx: &mut *tx, rng: &mut *rng, known: &mut known })?;
            }
            unexpired = known.without_expired(tx.now_ms());
            if unexpired.is_some() {
                disk.mark(Event::Begin(seq + 1));
            }
            Ok(())
        });
        let views = self.clock.unwatch()?;
        let failure = committed.as_ref().err().map(Error::kind);
        // A latched handle did not even begin: what was in doubt before still is.
        if failure != Some(ErrorKind::Latched) {
            let commits = [Some(known.clone()), unexpired.clone()].into_iter().flatten();
            let commits = commits.map(Some).collect();
            let keys = key.iter().map(|key| (key.clone(), seq)).collect();
            self.doubt = Some(Doubt { keys, commits, failure });
        }
        let Some(committed) = committed?.seq else {
            assert!(views.is_empty(), "commits nobody asked for: {views:?}");
            self.doubt = None;
            return Ok(());
        };
        assert_eq!(committed.0, seq, "commits are numbered without a gap");
        assert!(is_relaxed || db.durable_seq() >= committed, "durable on return");
        let mut views = views.iter();
        self.timeline.push(views.next().expect("the commit"), known)?;
        self.doubt = unexpired.clone().map(|known| {
            let commits = vec![Some(known)];
            Doubt { keys: Vec::new(), commits, failure: None }
        });
        if let Some(key) = key {
            self.timeline.keys.insert(key.clone(), seq);
            assert_eq!(db.outcome(&key)?.map(|o| o.seq), Some(committed));
        }
        match (views.next(), unexpired) {
            (Some(view), Some(unexpired)) => {
                self.timeline.push(view, unexpired)?;
                self.doubt = None;
                let log = db.log(Seq(seq + 1), 1)?;
                assert_eq!(log[0].actor, "memlith");
            }
            (None, None) => {}
            // The deletion failed, which the call could not say.
            (None, Some(_)) if self.is_faulty => {}
            (view, unexpired) => panic!("{view:?} where what has expired leaves {unexpired:?}"),
        }
        assert!(views.next().is_none(), "commits nobody asked for");
        Ok(())
    }

    fn known(&self) -> &Known {
        self.timeline.known.last().expect("the empty file")
    }

    /// Two transactions that share a commit, as those of several threads do.
    fn batch(&mut self) -> Result<()> {
        let db = self.db().clone();
        let seq = self.timeline.last() + 1;
        let mut known = self.known().clone();
        let keys =
            [0, 1].map(|n| (format!("key-{}-{}", seq + n, self.rng.below(1 << 20)), seq + n));
        let options = |n: usize| WriteOptions::new().idempotency_key(&keys[n].0);

        // Nothing of the second depends on the first: it may not see it yet.
        let mut tx = db.begin(options(1))?;
        let victims: Vec<u64> = known.memories.keys().copied().step_by(7).collect();
        for id in victims {
            tx.forget(MemoryId(id))?;
            known.memories.remove(&id);
        }
        known.forget_edges();
        let mut second = take_set(&mut tx);
        drop(tx);
        if second.is_empty() {
            return Ok(());
        }
        let mut tx = db.begin(options(0))?;
        actions::remember(&mut Act { tx: &mut tx, rng: &mut self.rng, known: &mut known })?;
        let first = take_set(&mut tx);
        drop(tx);
        second.next_memory = first.next_memory;

        self.disk.mark(Event::Begin(seq + 1));
        let committed = db.core.committer.commit(&[Arc::new(first), Arc::new(second)]);
        let failure = committed.as_ref().err().map(|_| ErrorKind::OutcomeUnknown);
        let commits = vec![None, Some(known.clone())];
        self.doubt = Some(Doubt { keys: keys.to_vec(), commits, failure });
        let receipts =
            committed.map_err(|e| Error::from(Detail::OutcomeUnknown { source: Arc::new(e) }))?;
        assert_eq!(receipts.iter().map(|r| r.seq.0).collect::<Vec<_>>(), [seq, seq + 1]);
        self.timeline.push_behind(1, &db.read()?, known)?;
        self.timeline.keys.extend(keys);
        self.doubt = None;
        self.assert_outcomes()
    }

    /// A transaction that its closure gives up, or that is rolled back: it leaves nothing.
    fn abandon(&mut self) -> Result<()> {
        let db = self.db().clone();
        let before = self.timeline.known.last().expect("the empty file");
        let rng = &mut self.rng;
        let mut known = Known::clone(before);
        let mut tx = db.begin(WriteOptions::new())?;
        for _ in 0..=rng.below(6) {
            actions::any(&mut Act { tx: &mut tx, rng: &mut *rng, known: &mut known })?;
        }
        tx.rollback();
        let mut known = Known::clone(before);
        let given_up: Result<()> = db.write(|tx| {
            actions::any(&mut Act { tx, rng, known: &mut known })?;
            Err(Error::invalid("torture", "gives up"))
        });
        match given_up {
            Err(e) if e.kind() == ErrorKind::InvalidInput => {}
            other => return other,
        }
        self.assert_current()
    }

    /// Closes the handle, in good order or by dropping it, and opens the file again.
    fn reopen(&mut self) -> Result<()> {
        self.release()?;
        let db = self.db.take().expect("the handle is open");
        let durable = db.durable_seq().0;
        if self.rng.one_in(2) {
            db.close()?;
        } else {
            drop(db);
        }
        if self.is_lossy && self.disk.has_failed() {
            // Until the machine starts anew, the file reads as if nothing had been lost, and whoever
            // opens it builds on that.
            return Err(Error::io("dropping the handle", std::io::ErrorKind::Other.into()));
        }
        self.open()?;
        let seq = self.db().read()?.seq().0;
        if self.is_faulty && seq < self.timeline.last() {
            // Dropping it could not say that what was relaxed did not become durable.
            assert!(seq >= durable, "lost commit {durable}, holds {seq}");
            self.timeline = self.timeline.up_to(seq);
        }
        self.assert_current()
    }

    /// Holds on to a View for some steps.
    fn hold(&mut self) -> Result<()> {
        self.release()?;
        let state = self.timeline.states.last().expect("the empty file").clone();
        self.held = Some((self.db().read()?, state));
        Ok(())
    }

    /// Lets go of the held View, which must show what it always showed.
    fn release(&mut self) -> Result<()> {
        if let Some((view, state)) = self.held.take() {
            State::of(&view)?.assert_is(&state, view.seq().0);
        }
        Ok(())
    }

    /// A segment is written, others commit, and only then are its rows given up.
    fn seal_beside_a_writer(&mut self) -> Result<()> {
        let db = self.db().clone();
        let sealing = db.core.committer.begin_seal()?;
        for _ in 0..4 {
            self.transact()?;
        }
        sealing.map(Sealing::finish).transpose()?;
        self.assert_current()
    }

    /// Reads, so that there are accesses to be written.
    fn recall(&mut self) -> Result<()> {
        let word = *actions::pick(&mut self.rng, &actions::VOCABULARY);
        self.db().recall(&Recall::new().text(word).limit(5))?;
        Ok(())
    }

    /// The handle shows the newest commit and nothing else.
    pub(super) fn assert_current(&self) -> Result<()> {
        let view = self.db().read()?;
        let seq = view.seq().0;
        assert_eq!(seq, self.timeline.last());
        State::of(&view)?.assert_is(&self.timeline.states[seq as usize], seq);
        Ok(())
    }

    /// Every outcome is told as it is.
    pub(super) fn assert_outcomes(&self) -> Result<()> {
        let db = self.db();
        let last = db.read()?.seq().0;
        for (key, seq) in &self.timeline.keys {
            let expected = (*seq <= last).then_some(*seq);
            assert_eq!(db.outcome(key)?.map(|o| o.seq.0), expected, "outcome of {key}");
        }
        Ok(())
    }
}

/// What a transaction would commit; it is left with nothing.
fn take_set(tx: &mut Transaction<'_>) -> WriteSet {
    let WriteSet { durability, now_ms, next_memory, .. } = tx.set;
    let empty = WriteSet::new(WriteOptions::new(), durability, now_ms, MemoryId(next_memory));
    std::mem::replace(&mut tx.set, empty)
}
