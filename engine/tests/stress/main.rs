//! Sixteen writers and sixteen readers on one file, while it is checkpointed, rebuilt and flushed,
//! Views are held and revoked, and memories expire.
//!
//! The operating system chooses the schedule, so a failure need not come again; what the writers do
//! is always the same. `MEMLITH_STRESS_OPS` sets how many operations each thread does.
mod bank;
mod readers;
mod writers;

use bank::{ACCOUNTS, START};
use memlith::{Clock, Db, Options, Result, Seq};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;
use writers::{Done, LIFE_MS, Writer};

const WRITERS: u64 = 16;
const READERS: u64 = 16;
const OPS: u64 = 100;

/// A clock that all handles share and that a test moves.
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

fn options(clock: &HandClock) -> Options {
    Options::new()
        .clock(clock.clone())
        // However slow the machine is, or what watches the threads.
        .busy_timeout(Duration::from_hours(1))
        // Some Views that are held are revoked, most are not.
        .snapshot_max_bytes(64 << 10)
}

fn ops() -> u64 {
    let given = std::env::var("MEMLITH_STRESS_OPS").ok();
    given.map_or(OPS, |text| text.parse().expect("MEMLITH_STRESS_OPS must be a number"))
}

/// What is done beside readers and writers.
fn tend(db: &Db, clock: &HandClock) -> Result<()> {
    for round in 0..ops() {
        clock.advance(LIFE_MS / 4);
        match round % 4 {
            0 => db.rebuild(&mut |_, _| {})?,
            1 => db.flush()?,
            2 => db.stats().map(drop)?,
            _ => db.checkpoint()?,
        }
    }
    Ok(())
}

#[test]
fn thirty_two_threads_see_one_history() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bank.lith");
    let clock = HandClock::new();
    let db = options(&clock).open(&path)?;
    let founded = bank::found(&db)?;

    let done = run(&db, &clock)?;
    let view = db.read()?;
    bank::check(&view)?;
    check_balances(&db, &done)?;
    check_log(&db, founded, &done)?;
    clock.advance(2 * LIFE_MS);
    assert_eq!(view.count(Some("mayflies"), None)?, 0, "an expired memory is listed");
    assert!(db.verify(&mut |_| {})?.is_clean());

    let before = bank::facts(&view)?;
    drop(view);
    db.close()?;
    let db = options(&clock).open(&path)?;
    let view = db.read()?;
    bank::check(&view)?;
    assert!(bank::facts(&view)? == before, "it answers differently when opened again");
    check_log(&db, founded, &done)?;
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

/// Lets all threads loose. Returns what the writers were told.
fn run(db: &Db, clock: &HandClock) -> Result<Vec<Done>> {
    let start = Barrier::new((WRITERS + READERS + 1) as usize);
    thread::scope(|scope| {
        let start = &start;
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                scope.spawn(move || {
                    let mut writer = Writer::new(db, clock, number);
                    start.wait();
                    (0..ops()).try_for_each(|n| writer.act(n))?;
                    Ok(writer.done)
                })
            })
            .collect();
        let readers: Vec<_> = (0..READERS)
            .map(|number| {
                scope.spawn(move || {
                    start.wait();
                    readers::read(db, number, ops())
                })
            })
            .collect();
        start.wait();
        tend(db, clock)?;
        readers.into_iter().try_for_each(|r| r.join().expect("no panic"))?;
        let done: Result<Vec<Vec<Done>>> =
            writers.into_iter().map(|w| w.join().expect("no panic")).collect();
        Ok(done?.concat())
    })
}

/// Each account has what the acknowledged transfers left there.
fn check_balances(db: &Db, done: &[Done]) -> Result<()> {
    let mut balances = [START; ACCOUNTS];
    for (from, to, amount) in done.iter().filter_map(|d| d.transfer) {
        balances[from] -= amount;
        balances[to] += amount;
    }
    assert_eq!(bank::balances(&db.read()?)?, balances);
    Ok(())
}

/// The log holds what was acknowledged, in its place, and nothing else but what the engine itself
/// forgets because it has expired.
fn check_log(db: &Db, founded: Seq, done: &[Done]) -> Result<()> {
    db.verify_log(None)?;
    let last = db.read()?.seq();
    let acknowledged: BTreeMap<Seq, &str> =
        done.iter().map(|d| (d.seq, d.reason.as_str())).collect();
    assert_eq!(acknowledged.len(), done.len(), "two calls were told the same commit");
    let mut logged = BTreeMap::new();
    let mut next = Seq(founded.0 + 1);
    loop {
        let rows = db.log(next, 1_000)?;
        let Some(end) = rows.last().map(|row| row.seq.0) else { break };
        assert!(rows.iter().map(|row| row.seq.0).eq(next.0..=end), "the log has a gap");
        next = Seq(end + 1);
        logged.extend(rows.into_iter().map(|row| (row.seq, (row.actor, row.reason))));
    }
    assert!(next > last, "the log ends before the newest View");
    logged.retain(|_, (actor, reason)| (actor.as_str(), reason.as_str()) != ("memlith", "expired"));
    let logged: BTreeMap<Seq, &str> =
        logged.iter().map(|(seq, (_, reason))| (*seq, reason.as_str())).collect();
    assert_eq!(logged, acknowledged);
    Ok(())
}
