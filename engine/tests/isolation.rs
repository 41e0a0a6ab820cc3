//! Snapshot isolation: every View is of one commit, whatever is written meanwhile.

use memlith::{
    Clock, Db, Durability, ErrorKind, Filter, List, Memory, MemoryId, Metric, NewMemory, Options,
    Order, Patch, Recall, Result, Space, View, WriteOptions,
};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const ACCOUNTS: usize = 6;
const TOTAL: i64 = 600;
const WRITERS: u64 = 4;
const READERS: usize = 4;
const TRANSFERS: u64 = 40;

/// An account says its value five times: priority, content, tag, metadata, vector.
fn account(at: usize, value: i64) -> NewMemory {
    NewMemory::new(word(value))
        .external_id(format!("account {at}"))
        .priority(value)
        .tag(word(value))
        .metadata(json!({ "value": value }))
        .vector_in("place", place(value))
}

/// The value in letters: a word without parts, so that no other value shares one.
fn word(value: i64) -> String {
    let letter = |c: char| c.to_digit(10).map_or('m', |d| (b'a' + d as u8) as char);
    format!("z{}", value.to_string().chars().map(letter).collect::<String>())
}

fn place(value: i64) -> Vec<f32> {
    vec![value as f32, 1.0]
}

fn bank(options: Options) -> Result<(TempDir, Db)> {
    let folder = tempfile::tempdir().expect("a folder");
    let db = options.open(folder.path().join("bank.lith"))?;
    db.write(|tx| {
        tx.create_space(&Space::new("place", 2).metric(Metric::L2))?;
        tx.index_metadata("value")?;
        (0..ACCOUNTS).try_for_each(|at| tx.remember(account(at, 100)).map(drop))
    })?;
    Ok((folder, db))
}

/// Moves a little from one account to another; `n` says what, between which, and how safely.
fn transfer(db: &Db, n: u64) -> Result<()> {
    let durability = if n.is_multiple_of(2) { Durability::Durable } else { Durability::Relaxed };
    let [from, to] = [n, n / 7 + n % 5 + 1].map(|n| n as usize % ACCOUNTS);
    if from == to {
        return Ok(());
    }
    let work = |tx: &mut memlith::WriteTx<'_>| {
        for (at, by) in [(from, -1 - n as i64 % 3), (to, 1 + n as i64 % 3)] {
            let name = format!("account {at}");
            let old = tx.get_external("default", &name)?.expect("no account ever goes");
            tx.upsert(account(at, old.priority + by))?;
        }
        Ok(())
    };
    db.transact(WriteOptions::new().durability(durability), work).map(drop)
}

/// What must hold in every View: nothing is lost, and all that an account says agrees.
fn check(view: &View) -> Result<()> {
    let accounts = view.list(&List::new().order(Order::Oldest))?.memories;
    assert_eq!(accounts.len(), ACCOUNTS);
    assert_eq!(accounts.iter().map(|m| m.priority).sum::<i64>(), TOTAL);
    for memory in &accounts {
        let value = memory.priority;
        assert_eq!(memory.metadata["value"], value);
        assert_eq!(memory.tags, [word(value)]);
        assert_eq!(view.vector(memory.id, "place")?, Some(place(value)));

        let same: Vec<MemoryId> =
            accounts.iter().filter(|m| m.priority == value).map(|m| m.id).collect();
        let filters = [
            Filter::tag(word(value)),
            Filter::meta("value").is(value),
            Filter::on(memlith::filter::Attribute::Priority).is(value),
        ];
        for filter in filters {
            let found = view.list(&List::new().filter(filter).order(Order::Oldest))?.memories;
            assert_eq!(found.iter().map(|m| m.id).collect::<Vec<_>>(), same);
        }
        let by_text = view.recall(&Recall::new().text(word(value)))?;
        assert_eq!(sorted_ids(by_text.hits.iter().map(|h| &h.memory)), same);
        let near = Recall::new().space("place").vector(place(value)).limit(same.len());
        assert_eq!(sorted_ids(view.recall(&near)?.hits.iter().map(|h| &h.memory)), same);
    }
    Ok(())
}

fn sorted_ids<'a>(memories: impl Iterator<Item = &'a Memory>) -> Vec<MemoryId> {
    let mut ids: Vec<_> = memories.map(|m| m.id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn every_view_is_of_one_commit() -> Result<()> {
    let (_folder, db) = bank(Options::new())?;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|w| {
                let db = &db;
                scope.spawn(move || (0..TRANSFERS).try_for_each(|n| transfer(db, w + n * WRITERS)))
            })
            .collect();
        let readers: Vec<_> = (0..READERS)
            .map(|_| {
                scope.spawn(|| -> Result<u64> {
                    let mut newest = 0;
                    while !is_over.load(Ordering::Acquire) {
                        let view = db.read()?;
                        assert!(view.seq().0 >= newest, "a later View is of an earlier commit");
                        newest = view.seq().0;
                        check(&view)?;
                    }
                    Ok(newest)
                })
            })
            .collect();
        for n in 0..4 {
            if n % 2 == 0 { db.checkpoint()? } else { db.rebuild(&mut |_, _| {})? }
        }
        writers.into_iter().try_for_each(|w| w.join().expect("no panic"))?;
        is_over.store(true, Ordering::Release);
        readers.into_iter().try_for_each(|r| r.join().expect("no panic").map(drop))
    })?;
    check(&db.read()?)?;
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

/// Everything that a View answers, but for accesses, which count on.
fn answers(view: &View) -> Result<String> {
    let mut said = Vec::new();
    let mut note = |memories: &mut dyn Iterator<Item = &Memory>| {
        for memory in memories {
            let mut memory = memory.clone();
            (memory.accesses, memory.accessed_ms) = (0, None);
            said.push(format!("{memory:?}"));
        }
    };
    let orders = [Order::Newest, Order::Oldest, Order::Updated, Order::Importance, Order::Priority];
    for order in orders {
        note(&mut view.list(&List::new().order(order))?.memories.iter());
    }
    let ids: Vec<_> = (1..30).map(MemoryId).collect();
    note(&mut view.get_many(&ids)?.iter().flatten());
    let mut scores = Vec::new();
    let requests = [
        Recall::new().text([100, 99, 101].map(word).join(" ")),
        Recall::new().space("place").vector([100.0, 1.0]),
        Recall::new().text(word(100)).space("place").vector([90.0, 2.0]).explain(true),
        Recall::new().filter(Filter::meta("value").at_least(100)),
    ];
    for request in requests {
        let hits = view.recall(&request.limit(100))?.hits;
        note(&mut hits.iter().map(|h| &h.memory));
        scores.extend(hits.into_iter().map(|h| (h.score.to_bits(), h.explanation)));
    }
    let counts = (
        view.count(None, None)?,
        view.count(None, Some(&Filter::tag(word(100))))?,
        view.namespaces(None, 10)?,
        view.namespace_stats("default")?,
        view.spaces(),
        view.metadata_indexes(),
        view.seq(),
        ids.iter().map(|id| view.vector(*id, "place")).collect::<Result<Vec<_>>>()?,
    );
    Ok(format!("{said:#?} {scores:?} {counts:?}"))
}

#[derive(Clone)]
struct HandClock(Arc<AtomicI64>);

impl HandClock {
    fn new() -> Self {
        HandClock(Arc::new(AtomicI64::new(1_750_000_000_000)))
    }

    fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn a_view_that_is_held_answers_the_same_for_ever() -> Result<()> {
    let (_folder, db) = bank(Options::new().clock(HandClock::new()))?;
    (0..5).try_for_each(|n| transfer(&db, n))?;
    let early = db.read()?;
    let before = answers(&early)?;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|w| {
                let db = &db;
                scope.spawn(move || -> Result<()> {
                    for n in 0..10 {
                        transfer(db, w + n * WRITERS)?;
                        let id = db.remember(NewMemory::new(word(100)).tag(word(100)))?;
                        db.update(id, &Patch::new().content("other"))?;
                        db.forget(id)?;
                    }
                    Ok(())
                })
            })
            .collect();
        for _ in 0..3 {
            assert_eq!(answers(&early)?, before);
        }
        writers.into_iter().try_for_each(|w| w.join().expect("no panic"))
    })?;
    db.checkpoint()?;
    assert_eq!(answers(&early)?, before);
    db.rebuild(&mut |_, _| {})?;
    db.write(|tx| {
        tx.drop_space("place")?;
        tx.drop_metadata_index("value")?;
        tx.forget_where(None, &Filter::All).map(drop)
    })?;
    db.checkpoint()?;
    assert_eq!(answers(&early)?, before);
    assert_eq!(db.read()?.count(None, None)?, 0);
    Ok(())
}

fn kinds(view: &View) -> [Option<ErrorKind>; 4] {
    fn kind<T>(answer: Result<T>) -> Option<ErrorKind> {
        answer.err().map(|e| e.kind())
    }
    [
        kind(view.get(MemoryId(1))),
        kind(view.list(&List::new())),
        kind(view.recall(&Recall::new().text(word(100)))),
        kind(view.recall(&Recall::new().space("place").vector([1.0, 1.0]))),
    ]
}

#[test]
fn a_view_is_revoked_at_its_age() -> Result<()> {
    let clock = HandClock::new();
    let options =
        Options::new().threads(false).clock(clock.clone()).snapshot_max_age(Duration::from_secs(1));
    let (_folder, db) = bank(options)?;
    let early = db.read()?;
    clock.advance(1_000);
    transfer(&db, 1)?;
    assert_eq!(kinds(&early), [None; 4]);
    clock.advance(1);
    let late = db.read()?;
    transfer(&db, 2)?;
    assert_eq!(kinds(&early), [Some(ErrorKind::SnapshotExpired); 4]);
    assert_eq!(kinds(&late), [None; 4], "another View is none the older");

    let error = early.get(MemoryId(1)).unwrap_err().to_string();
    assert!(error.contains("revoked after 1001 ms") && error.contains("read again"), "{error}");
    Ok(())
}

#[test]
fn the_newest_view_is_never_revoked() -> Result<()> {
    let clock = HandClock::new();
    let options = Options::new()
        .threads(false)
        .clock(clock.clone())
        .snapshot_max_age(Duration::ZERO)
        .snapshot_max_bytes(0);
    let (_folder, db) = bank(options)?;
    let newest = db.read()?;
    clock.advance(1_000_000);
    db.flush()?;
    // Nothing was written, and so nothing is newer.
    assert_eq!(kinds(&newest), [None; 4]);
    transfer(&db, 1)?;
    assert_eq!(kinds(&newest), [Some(ErrorKind::SnapshotExpired); 4]);
    assert_eq!(kinds(&db.read()?), [None; 4]);
    Ok(())
}

#[test]
fn a_view_is_revoked_by_what_is_written_after_it() -> Result<()> {
    let (_folder, db) = bank(Options::new().threads(false).snapshot_max_bytes(100_000))?;
    let early = db.read()?;
    db.remember(NewMemory::new("x ".repeat(30_000)))?;
    assert_eq!(kinds(&early), [None; 4]);
    db.remember(NewMemory::new("x ".repeat(30_000)))?;
    assert_eq!(kinds(&early), [Some(ErrorKind::SnapshotExpired); 4]);
    Ok(())
}

#[test]
fn a_transaction_outlives_the_view_it_began_with() -> Result<()> {
    let clock = HandClock::new();
    let options = Options::new().threads(false).clock(clock.clone());
    let (_folder, db) = bank(options.snapshot_max_age(Duration::from_secs(1)))?;
    let mut tx = db.begin(WriteOptions::new())?;
    clock.advance(5_000);
    db.checkpoint()?;
    let account = tx.get(MemoryId(1))?.expect("it is there");
    assert!(tx.update(account.id, &Patch::new().priority(account.priority))?);
    assert_eq!(tx.update_many(None, &Filter::All, &Patch::new().kind("account"))?, 6);
    tx.commit()?;
    assert_eq!(db.read()?.count(None, Some(&Filter::kind("account")))?, 6);
    Ok(())
}

#[test]
fn writers_read_although_every_older_view_is_revoked_at_once() -> Result<()> {
    let (_folder, db) = bank(Options::new().snapshot_max_bytes(0))?;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|w| {
                let db = &db;
                scope.spawn(move || (0..TRANSFERS).try_for_each(|n| transfer(db, w + n * WRITERS)))
            })
            .collect();
        writers.into_iter().try_for_each(|w| w.join().expect("no panic"))
    })?;
    check(&db.read()?)
}
