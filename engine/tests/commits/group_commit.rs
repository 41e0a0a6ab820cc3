//! Writers of several threads: what they see of each other, and what becomes of each one's work.

use memlith::{
    Clock, Db, Durability, ErrorKind, MemoryId, NewMemory, Options, Patch, Result, Seq,
    WriteOptions, WriteTx,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

fn open(options: Options) -> Result<(tempfile::TempDir, Db)> {
    let folder = tempfile::tempdir().expect("a folder");
    let db = options.open(folder.path().join("g.lith"))?;
    Ok((folder, db))
}

fn assert_clean(db: &Db) -> Result<()> {
    let report = db.verify(&mut |_| {})?;
    assert!(report.is_clean(), "{report:#?}");
    Ok(())
}

/// Adds one to a counter that every writer shares. Returns what it became.
fn count_up(tx: &mut WriteTx<'_>) -> Result<i64> {
    let old = tx.get_external("default", "counter")?.map_or(0, |m| m.priority);
    tx.upsert(NewMemory::new("counter").external_id("counter").priority(old + 1))?;
    Ok(old + 1)
}

#[test]
fn each_writer_sees_everything_that_was_accepted_before() -> Result<()> {
    const WRITERS: usize = 8;
    const EACH: usize = 25;
    let (_folder, db) = open(Options::new())?;
    let committed = thread::scope(|scope| {
        let write = || -> Result<Vec<(i64, Seq)>> {
            (0..EACH)
                .map(|n| {
                    let done = db.transact(WriteOptions::new(), |tx| {
                        tx.remember(NewMemory::new(format!("note {n}")))?;
                        count_up(tx)
                    })?;
                    let seq = done.seq.expect("it wrote something");
                    assert!(db.read()?.seq() >= seq, "what is committed is visible");
                    Ok((done.value, seq))
                })
                .collect()
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        writers.into_iter().map(|w| w.join().expect("no panic")).collect::<Result<Vec<_>>>()
    })?;
    let mut all = committed.concat();
    all.sort_unstable();
    // The n-th to count got n, in the n-th commit.
    let expected = 1..=(WRITERS * EACH) as i64;
    assert!(all.iter().copied().eq(expected.map(|n| (n, Seq(n as u64)))), "{all:?}");
    assert_eq!(db.read()?.count(None, None)?, (WRITERS * EACH) as u64 + 1);
    assert_clean(&db)
}

#[test]
fn what_fails_or_panics_drops_itself_alone() -> Result<()> {
    const WRITERS: usize = 6;
    const EACH: usize = 15;
    let (_folder, db) = open(Options::new())?;
    let write = |writer: usize| -> Result<()> {
        for n in 0..EACH {
            let work = |tx: &mut WriteTx<'_>| {
                tx.remember(NewMemory::new("note").external_id(format!("{writer} {n}")))?;
                count_up(tx)?;
                match writer % 3 {
                    0 => tx.forget(MemoryId(0)).map(drop),
                    1 => tx.drop_space("none"),
                    // Unlike `panic!` this keeps the output of the tests quiet.
                    _ => resume_unwind(Box::new("asked to")),
                }
            };
            let done = catch_unwind(AssertUnwindSafe(|| db.write(work)));
            match (writer % 3, done) {
                (0, Ok(Ok(()))) | (2, Err(_)) => {}
                (1, Ok(Err(e))) => assert_eq!(e.kind(), ErrorKind::NotFound),
                (_, done) => panic!("writer {writer} ended with {done:?}"),
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS).map(|w| scope.spawn(move || write(w))).collect();
        writers.into_iter().try_for_each(|w| w.join().expect("no panic"))
    })?;
    let view = db.read()?;
    let kept = WRITERS / 3 * EACH;
    assert_eq!(view.count(None, None)?, kept as u64 + 1);
    let counter = view.get_external("default", "counter")?.expect("it is there");
    assert_eq!(counter.priority, kept as i64);
    for n in 0..EACH {
        assert!(view.get_external("default", &format!("0 {n}"))?.is_some());
        assert!(view.get_external("default", &format!("1 {n}"))?.is_none());
        assert!(view.get_external("default", &format!("2 {n}"))?.is_none());
    }
    assert_clean(&db)
}

#[test]
fn a_writer_that_waits_too_long_is_told_so() -> Result<()> {
    let (_folder, db) = open(Options::new().busy_timeout(Duration::from_millis(20)))?;
    let mut tx = db.begin(WriteOptions::new())?;
    tx.remember(NewMemory::new("first"))?;
    let other = thread::scope(|scope| {
        scope.spawn(|| db.remember(NewMemory::new("second"))).join().expect("no panic")
    });
    let error = other.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert_eq!(
        error.to_string(),
        "no write could start within 20 ms; another write is still running"
    );
    // Also in one thread: a write inside a write can never start.
    assert_eq!(db.write(|_| Ok(())).unwrap_err().kind(), ErrorKind::Busy);
    tx.commit()?;
    db.remember(NewMemory::new("third"))?;
    let nested = db.write(|_| db.remember(NewMemory::new("inner")));
    assert_eq!(nested.unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(db.read()?.count(None, None)?, 2);
    Ok(())
}

/// A mebibyte that costs the text index nothing.
fn heavy(n: usize) -> NewMemory {
    let pad = "x".repeat((1 << 20) - 100);
    NewMemory::new(format!("heavy {n}"))
        .external_id(format!("heavy {n}"))
        .metadata(json!({ "pad": pad, "n": n }))
        .vector([n as f32, 1.0])
}

#[derive(Clone)]
struct Frozen;

impl Clock for Frozen {
    fn now_ms(&self) -> i64 {
        1_750_000_000_000
    }
}

#[test]
fn a_transaction_beyond_memory_is_all_or_nothing() -> Result<()> {
    const HEAVY: usize = 70;
    let timeout = Duration::from_millis(50);
    let (folder, db) = open(Options::new().threads(false).busy_timeout(timeout).clock(Frozen))?;
    let fill = |tx: &mut WriteTx<'_>| -> Result<()> {
        for n in 0..HEAVY {
            tx.remember(heavy(n))?;
        }
        // What has left memory already is still seen, and can still be changed.
        let first = tx.get_external("default", "heavy 0")?.expect("it was written");
        assert_eq!(first.metadata["n"], 0);
        assert!(tx.update(first.id, &Patch::new().kind("first"))?);
        assert!(tx.forget(MemoryId(first.id.0 + 1))?);
        let filter = "meta.n >= 60".parse()?;
        assert_eq!(tx.update_many(None, &filter, &Patch::new().kind("late"))?, 10);
        // Something for maintenance to do in the end.
        tx.remember(NewMemory::new("old").expires_ms(1)).map(drop)
    };
    let failed = db.write(|tx| fill(tx).and_then(|()| tx.drop_space("none")));
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(db.read()?.count(None, None)?, 0);
    assert_eq!(db.read()?.seq(), Seq(0));

    db.write(fill)?;
    let check = |db: &Db| -> Result<()> {
        let view = db.read()?;
        assert_eq!(view.count(None, None)?, HEAVY as u64 - 1);
        assert_eq!(view.count(None, Some(&"kind:late".parse()?))?, 10);
        let last = view.get_external("default", "heavy 69")?.expect("it was written");
        assert_eq!(last.metadata["pad"].as_str().map(str::len), Some((1 << 20) - 100));
        assert_eq!(view.vector(last.id, "default")?, Some(vec![69.0, 1.0]));
        assert!(view.get_external("default", "heavy 1")?.is_none());
        Ok(())
    };
    check(&db)?;
    assert_eq!(db.stats()?.last_background_error, None);
    assert_eq!(db.stats()?.memories, HEAVY as u64 - 1, "what has expired is deleted");
    assert_clean(&db)?;
    db.close()?;
    check(&Options::new().clock(Frozen).open(folder.path().join("g.lith"))?)
}

#[test]
fn a_key_names_a_transaction_for_ever_after() -> Result<()> {
    let (folder, db) = open(Options::new())?;
    let keyed = || WriteOptions::new().idempotency_key("order 17");
    assert_eq!(db.outcome("order 17")?, None);
    let failed = db.transact(keyed(), |tx| tx.drop_space("none"));
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(db.outcome("order 17")?, None, "what failed may be tried again");

    let done = db.transact(keyed(), |tx| tx.remember(NewMemory::new("paid")))?;
    let outcome = db.outcome("order 17")?.expect("it is committed");
    assert_eq!(Some(outcome.seq), done.seq);
    let time_ms = db.log(outcome.seq, 1)?[0].time_ms;
    assert_eq!(outcome.time_ms, time_ms);

    let again = |db: &Db| -> Result<()> {
        let done = db.transact(keyed(), |tx| tx.remember(NewMemory::new("paid twice")));
        let error = done.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(
            error.to_string(),
            "transaction with idempotency key \"order 17\" exists already"
        );
        assert_eq!(db.outcome("order 17")?, Some(outcome));
        assert_eq!(db.read()?.count(None, None)?, 1);
        Ok(())
    };
    again(&db)?;
    drop(db);
    again(&Db::open(folder.path().join("g.lith"))?)
}

#[test]
fn of_many_with_one_key_one_is_committed() -> Result<()> {
    let (_folder, db) = open(Options::new())?;
    let write = |n: usize| {
        let options = WriteOptions::new().idempotency_key("the only one");
        db.transact(options, |tx| tx.remember(NewMemory::new(n.to_string())))
    };
    let done: Vec<_> = thread::scope(|scope| {
        let writers: Vec<_> = (0..8).map(|n| scope.spawn(move || write(n))).collect();
        writers.into_iter().map(|w| w.join().expect("no panic")).collect()
    });
    let kinds: BTreeSet<_> =
        done.iter().filter_map(|d| d.as_ref().err()).map(|e| format!("{:?}", e.kind())).collect();
    assert_eq!(done.iter().filter(|d| d.is_ok()).count(), 1);
    assert_eq!(kinds, BTreeSet::from(["AlreadyExists".to_owned()]));
    assert_eq!(db.read()?.count(None, None)?, 1);
    Ok(())
}

#[test]
fn a_relaxed_commit_is_visible_at_once_and_durable_after_a_flush() -> Result<()> {
    let (folder, db) = open(Options::new().threads(false).durability(Durability::Relaxed))?;
    let before = db.durable_seq();
    for n in 1..=3_u64 {
        let done = db.transact(WriteOptions::new(), |tx| tx.remember(NewMemory::new("quick")))?;
        assert_eq!(done.seq, Some(Seq(before.0 + n)));
        assert_eq!(db.read()?.count(None, None)?, n);
        assert_eq!(db.durable_seq(), before);
    }
    db.flush()?;
    assert_eq!(db.durable_seq(), Seq(before.0 + 3));
    assert_eq!(db.read()?.seq(), Seq(before.0 + 3), "a flush is no commit");

    db.remember(NewMemory::new("quick"))?;
    assert!(db.durable_seq() < db.read()?.seq());
    let options = WriteOptions::new().durability(Durability::Durable);
    db.transact(options, |tx| tx.remember(NewMemory::new("safe")))?;
    assert_eq!(db.durable_seq(), db.read()?.seq(), "a durable commit makes those before durable");

    db.remember(NewMemory::new("quick"))?;
    db.close()?;
    assert_eq!(Db::open(folder.path().join("g.lith"))?.read()?.count(None, None)?, 6);
    Ok(())
}
