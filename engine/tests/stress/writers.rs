//! Writers: what each does is a function of its number. It sees at once what it was told is
//! committed, and nothing of what failed.

use super::HandClock;
use super::bank::{self, ACCOUNTS, SCRATCH};
use memlith::{
    Clock, Db, Durability, ErrorKind, Filter, MemoryId, NewMemory, Result, Seq, Space,
    WriteOptions, WriteTx,
};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// For so long a memory lives that is remembered to expire.
pub(super) const LIFE_MS: i64 = 1_000;

/// An acknowledged commit.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) seq: Seq,
    pub(super) reason: String,
    /// From, to, how much.
    pub(super) transfer: Option<(usize, usize, i64)>,
}

pub(super) struct Writer<'a> {
    db: &'a Db,
    clock: &'a HandClock,
    number: u64,
    /// The pairs of notes that it has not forgotten yet.
    notes: Vec<[MemoryId; 2]>,
    pub(super) done: Vec<Done>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(db: &'a Db, clock: &'a HandClock, number: u64) -> Self {
        Writer { db, clock, number, notes: Vec::new(), done: Vec::new() }
    }

    /// Its `n`-th operation.
    pub(super) fn act(&mut self, n: u64) -> Result<()> {
        match (self.number, n % 3) {
            (0, 0) => return self.come_or_go(n),
            (1, 0) => return self.index_or_not(n),
            _ => {}
        }
        match (self.number + n) % 6 {
            0..=2 => self.transfer(n),
            3 => self.note(n),
            4 => self.fail(n),
            _ => self.mayfly(n),
        }
    }

    fn options(&self, n: u64, what: &str) -> WriteOptions {
        let is_durable = (self.number + n).is_multiple_of(2);
        let durability = if is_durable { Durability::Durable } else { Durability::Relaxed };
        let reason = self.reason(n, what);
        WriteOptions::new().durability(durability).actor("writer").reason(reason)
    }

    fn reason(&self, n: u64, what: &str) -> String {
        format!("{} {n} {what}", self.number)
    }

    /// Runs a transaction that must succeed, and looks for it in the newest View.
    fn commit<T>(
        &mut self,
        n: u64,
        what: &str,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T>,
    ) -> Result<T> {
        let committed = self.db.transact(self.options(n, what), work)?;
        let seq = committed.seq.expect("it wrote something");
        self.acknowledge(seq, n, what)?;
        Ok(committed.value)
    }

    fn acknowledge(&mut self, seq: Seq, n: u64, what: &str) -> Result<()> {
        assert!(self.done.last().is_none_or(|last| last.seq < seq), "commits out of order");
        assert!(self.db.read()?.seq() >= seq, "what is committed is not visible");
        self.done.push(Done { seq, reason: self.reason(n, what), transfer: None });
        Ok(())
    }

    fn plan(&self, n: u64) -> (usize, usize, i64) {
        let from = (self.number * 5 + n * 7) as usize % ACCOUNTS;
        let distance = 1 + (self.number + n * 3) as usize % (ACCOUNTS - 1);
        (from, (from + distance) % ACCOUNTS, 1 + n as i64 % 3)
    }

    /// Moves money, now with a closure and now with an explicit transaction.
    fn transfer(&mut self, n: u64) -> Result<()> {
        let plan = self.plan(n);
        if n.is_multiple_of(4) {
            let mut tx = self.db.begin(self.options(n, "transfer"))?;
            shift(&mut tx, plan)?;
            let seq = tx.commit()?.expect("it wrote something");
            self.acknowledge(seq, n, "transfer")?;
        } else {
            self.commit(n, "transfer", |tx| shift(tx, plan))?;
        }
        self.done.last_mut().expect("it was just acknowledged").transfer = Some(plan);
        Ok(())
    }

    /// Remembers a pair of notes, and forgets an older one.
    fn note(&mut self, n: u64) -> Result<()> {
        let old = (self.notes.len() > 2).then(|| self.notes.remove(0));
        let words = format!("note {n} of {}", self.number);
        let pair = self.commit(n, "note", |tx| {
            if let Some([left, right]) = old {
                assert!(tx.forget(left)? && tx.forget(right)?);
            }
            let mut remember = |side: &str| {
                tx.remember(NewMemory::new(words.as_str()).namespace("notes").tag(side))
            };
            Ok([remember("left")?, remember("right")?])
        })?;
        self.notes.push(pair);
        let found = self.db.read()?.get_many(&pair)?;
        assert!(found.iter().flatten().all(|m| m.content == words) && found.len() == 2);
        if let Some([left, _]) = old {
            assert!(self.db.get(left)?.is_none(), "a forgotten note is there");
        }
        Ok(())
    }

    /// Half a transfer, ended in one of four ways: of none is anything left.
    fn fail(&mut self, n: u64) -> Result<()> {
        let (from, _, amount) = self.plan(n);
        let half = |tx: &mut WriteTx<'_>| add(tx, from, -amount);
        match n % 4 {
            0 => {
                let refused = self.db.transact(self.options(n, "fails"), |tx| {
                    half(tx)?;
                    tx.drop_space("none")
                });
                assert!(refused.is_err_and(|e| e.kind() == ErrorKind::NotFound));
            }
            1 => {
                let panicked = catch_unwind(AssertUnwindSafe(|| {
                    self.db.transact(self.options(n, "panics"), |tx| -> Result<()> {
                        half(tx)?;
                        // Unlike `panic!` this prints nothing.
                        resume_unwind(Box::new("asked to"))
                    })
                }));
                assert!(panicked.is_err());
            }
            2 => {
                let mut tx = self.db.begin(self.options(n, "rolls back"))?;
                half(&mut tx)?;
                tx.rollback();
            }
            _ => {
                let key = self.reason(n, "once");
                let options = || self.options(n, "once").idempotency_key(key.as_str());
                let once = self.db.transact(options(), |tx| mayfly(tx, self.clock))?;
                let again = self.db.transact(options(), half);
                assert!(again.is_err_and(|e| e.kind() == ErrorKind::AlreadyExists));
                self.acknowledge(once.seq.expect("it wrote something"), n, "once")?;
            }
        }
        Ok(())
    }

    /// Remembers what will expire.
    fn mayfly(&mut self, n: u64) -> Result<()> {
        let clock = self.clock;
        self.commit(n, "mayfly", |tx| mayfly(tx, clock))
    }

    /// Makes the space that comes and goes, with a vector, or drops it.
    fn come_or_go(&mut self, n: u64) -> Result<()> {
        if n.is_multiple_of(2) {
            self.commit(n, "comes", |tx| {
                tx.create_space(&Space::new(SCRATCH, 3))?;
                let new = NewMemory::new("scratch").namespace(SCRATCH).external_id("scratch");
                tx.upsert(new.vector_in(SCRATCH, bank::founding_vector())).map(drop)
            })
        } else {
            self.commit(n, "goes", |tx| tx.drop_space(SCRATCH))
        }
    }

    /// Declares an index of metadata, or drops it.
    fn index_or_not(&mut self, n: u64) -> Result<()> {
        let is_even = n.is_multiple_of(2);
        self.commit(n, "indexes", |tx| {
            if is_even { tx.index_metadata("half") } else { tx.drop_metadata_index("half") }
        })?;
        let is_indexed = self.db.read()?.metadata_indexes().iter().any(|path| path == "half");
        assert_eq!(is_indexed, is_even);
        Ok(())
    }
}

fn mayfly(tx: &mut WriteTx<'_>, clock: &HandClock) -> Result<()> {
    let new = NewMemory::new("mayfly").namespace("mayflies").expires_ms(clock.now_ms() + LIFE_MS);
    tx.remember(new).map(drop)
}

/// Moves money from one account to another.
fn shift(tx: &mut WriteTx<'_>, (from, to, amount): (usize, usize, i64)) -> Result<()> {
    add(tx, from, -amount)?;
    add(tx, to, amount)?;
    // Also what is not committed yet is found by filters.
    let filter = Filter::namespace("bank").and(Filter::tag("none"));
    assert_eq!(tx.forget_where(Some("bank"), &filter)?, 0);
    Ok(())
}

fn add(tx: &mut WriteTx<'_>, at: usize, amount: i64) -> Result<()> {
    let old = tx.get_external("bank", &format!("account {at}"))?.expect("no account ever goes");
    tx.upsert(bank::account(at, old.priority + amount)).map(drop)
}
