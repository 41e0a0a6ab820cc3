//! Work beside the writers, as a user meets it: what is done, why, what a pause holds off, and how
//! a handle is closed while something is at work.

use memlith::{
    BackgroundStats, Clock, Db, Durability, ErrorKind, JobStats, NewMemory, Options, Result,
    WriteOptions,
};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

const START_MS: i64 = 1_750_000_000_000;

/// What the clock does to a thread of the engine's own that asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Answers,
    Panics,
    Hesitates,
}

/// A clock that is moved by hand, and that can get in the way of background work.
#[derive(Clone)]
struct HandClock(Arc<Inner>);

struct Inner {
    now_ms: AtomicI64,
    mood: Mutex<Mood>,
    changed: Condvar,
    is_waited_for: AtomicBool,
}

impl HandClock {
    fn new() -> Self {
        HandClock(Arc::new(Inner {
            now_ms: AtomicI64::new(START_MS),
            mood: Mutex::new(Mood::Answers),
            changed: Condvar::new(),
            is_waited_for: AtomicBool::new(false),
        }))
    }

    fn advance(&self, ms: i64) {
        self.0.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn becomes(&self, mood: Mood) {
        *self.0.mood.lock().expect("nobody panics with it") = mood;
        self.0.changed.notify_all();
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        let own = thread::current().name().is_some_and(|name| name.starts_with("memlith-"));
        if own {
            let mut mood = self.0.mood.lock().expect("nobody panics with it");
            while *mood == Mood::Hesitates {
                self.0.is_waited_for.store(true, Ordering::Relaxed);
                mood = self.0.changed.wait(mood).expect("nobody panics with it");
            }
            let panics = *mood == Mood::Panics;
            drop(mood);
            if panics {
                // Unlike `panic!` this keeps the output of the tests quiet.
                resume_unwind(Box::new("no time"));
            }
        }
        self.0.now_ms.load(Ordering::Relaxed)
    }
}

/// Waits for what comes for certain, if it is not in order to wait forever.
fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    for _ in 0..60_000 {
        if is_so()? {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("it never came about that {what}")
}

fn job(stats: &BackgroundStats, name: &str) -> JobStats {
    let found = stats.jobs.iter().find(|job| job.name == name);
    found.unwrap_or_else(|| panic!("no job {name} in {stats:?}")).clone()
}

fn job_of(db: &Db, name: &str) -> Result<JobStats> {
    Ok(job(&db.stats()?.background, name))
}

/// Memories that expire in a second, in one commit.
fn remember_briefly(db: &Db, count: usize) -> Result<()> {
    let brief = |n| NewMemory::new(format!("brief {n}")).expires_ms(START_MS + 1_000);
    db.remember_batch((0..count).map(brief).collect()).map(drop)
}

fn remember_relaxed(db: &Db) -> Result<()> {
    let options = WriteOptions::new().durability(Durability::Relaxed);
    db.transact(options, |tx| tx.remember(NewMemory::new("relaxed"))).map(drop)
}

fn is_durable(db: &Db) -> Result<bool> {
    Ok(db.durable_seq() == db.read()?.seq())
}

#[test]
fn without_threads_a_commit_deletes_a_bounded_part_of_what_has_expired() -> Result<()> {
    let clock = HandClock::new();
    let db = Options::new().threads(false).clock(clock.clone()).in_memory()?;
    remember_briefly(&db, 2_500)?;
    assert_eq!(job_of(&db, "expiry")?.runs, 0);
    clock.advance(2_000);
    for (left, done) in [(1_500, 1_000), (500, 2_000), (0, 2_500)] {
        db.remember(NewMemory::new("other"))?;
        let expiry = job_of(&db, "expiry")?;
        assert_eq!(db.stats()?.memories - db.read()?.count(None, None)?, left);
        assert_eq!(expiry.progress, Some((done, 2_500)));
        assert_eq!((expiry.runs, expiry.is_running), (1, left > 0));
    }
    let expiry = job_of(&db, "expiry")?;
    assert_eq!((expiry.steps, expiry.failures, expiry.last_error), (3, 0, None));
    assert_eq!(expiry.last_reason, Some("memories have expired"));
    assert_eq!(db.stats()?.background.threads, 0);
    Ok(())
}

#[test]
fn images_are_written_once_enough_has_changed_and_figures_say_so() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    let batch = |n: usize| (0..n).map(|n| NewMemory::new(format!("note {n}"))).collect();
    db.remember_batch(batch(8_000))?;
    assert_eq!(job_of(&db, "checkpoint")?.runs, 0);
    db.remember_batch(batch(200))?;
    let checkpoint = job_of(&db, "checkpoint")?;
    assert_eq!((checkpoint.runs, checkpoint.steps, checkpoint.is_running), (1, 1, false));
    assert_eq!(checkpoint.last_reason, Some("a quarter of the file has changed"));
    let stats = db.stats()?;
    assert_eq!(stats.unsaved_changes, 0);
    assert!(checkpoint.bytes > 100_000, "{checkpoint:?}");
    Ok(())
}

#[test]
fn with_threads_the_same_is_done_behind_the_writers() -> Result<()> {
    for threads in [1, 3] {
        let clock = HandClock::new();
        let db = Options::new().background_threads(threads).clock(clock.clone()).in_memory()?;
        assert_eq!(db.stats()?.background.threads, threads);
        remember_briefly(&db, 2_500)?;
        clock.advance(2_000);
        db.remember(NewMemory::new("other"))?;
        until("what has expired is deleted", || Ok(db.stats()?.memories == 1))?;
        until("the run has ended", || Ok(!job_of(&db, "expiry")?.is_running))?;
        assert_eq!(job_of(&db, "expiry")?.progress, Some((2_500, 2_500)));
        assert_eq!(db.stats()?.last_background_error, None);
        assert!(db.verify(&mut |_| {})?.is_clean());
    }
    Ok(())
}

#[test]
fn a_pause_holds_all_off_but_durability() -> Result<()> {
    let clock = HandClock::new();
    let db = Options::new().background_threads(1).clock(clock.clone()).in_memory()?;
    let pause = db.pause_background();
    remember_briefly(&db, 10)?;
    clock.advance(2_000);
    // The second time, whatever else had been asked for with the first would be done.
    for _ in 0..2 {
        remember_relaxed(&db)?;
        until("a relaxed commit is durable", || is_durable(&db))?;
    }
    assert!(pause.settle(Duration::from_mins(1)));
    assert!(db.stats()?.background.is_paused);
    assert_eq!(db.stats()?.memories, 12);
    assert_eq!(job_of(&db, "expiry")?.steps, 0);
    drop(pause);
    until("what has expired is deleted", || Ok(db.stats()?.memories == 2))?;
    assert!(!db.stats()?.background.is_paused);
    Ok(())
}

#[test]
fn a_pause_holds_writers_without_threads_off_too() -> Result<()> {
    let clock = HandClock::new();
    let db = Options::new().threads(false).clock(clock.clone()).in_memory()?;
    remember_briefly(&db, 10)?;
    clock.advance(2_000);
    let (outer, inner) = (db.pause_background(), db.pause_background());
    db.remember(NewMemory::new("one"))?;
    drop(outer);
    db.remember(NewMemory::new("two"))?;
    assert_eq!(db.stats()?.memories, 12);
    drop(inner);
    db.remember(NewMemory::new("three"))?;
    assert_eq!(db.stats()?.memories, 3);
    Ok(())
}

#[test]
fn a_pause_does_not_keep_the_file_open() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("b.lith");
    let db = Db::open(&path)?;
    let pause = db.pause_background();
    db.remember(NewMemory::new("kept"))?;
    db.close()?;
    let options = Options::new().busy_timeout(Duration::ZERO);
    assert_eq!(options.open(&path)?.read()?.count(None, None)?, 1);
    drop(pause);
    Ok(())
}

#[test]
fn a_panic_in_a_job_is_told_and_the_work_goes_on() -> Result<()> {
    let clock = HandClock::new();
    let db = Options::new().background_threads(1).clock(clock.clone()).in_memory()?;
    let pause = db.pause_background();
    remember_briefly(&db, 1)?;
    clock.advance(2_000);
    clock.becomes(Mood::Panics);
    drop(pause);
    db.remember(NewMemory::new("other"))?;
    let panics =
        || -> Result<u64> { Ok(db.stats()?.background.jobs.iter().map(|job| job.panics).sum()) };
    until("a job has panicked", || Ok(panics()? > 0))?;
    let error = db.stats()?.last_background_error;
    assert_eq!(error.as_deref(), Some("panicked: no time"));
    clock.becomes(Mood::Answers);
    until("what has expired is deleted", || {
        db.remember(NewMemory::new("another"))?;
        Ok(job_of(&db, "expiry")?.progress == Some((1, 1)))
    })?;
    db.close()
}

#[test]
fn closing_waits_for_a_step_no_longer_than_it_may_and_loses_nothing() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("b.lith");
    let clock = HandClock::new();
    let options = Options::new().background_threads(1).close_timeout(Duration::ZERO);
    let db = options.clock(clock.clone()).open(&path)?;
    remember_briefly(&db, 1)?;
    clock.becomes(Mood::Hesitates);
    db.remember(NewMemory::new("kept"))?;
    until("a job hesitates", || Ok(clock.0.is_waited_for.load(Ordering::Relaxed)))?;
    remember_relaxed(&db)?;
    assert!(!is_durable(&db)?);
    let other = db.clone();
    assert_eq!(db.close().unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    assert!(is_durable(&other)?, "closing has made it durable all the same");
    drop(other);

    let opened = Options::new().busy_timeout(Duration::ZERO).clock(clock.clone()).open(&path);
    assert_eq!(opened.map(drop).unwrap_err().kind(), ErrorKind::InUse, "the step is under way");
    clock.becomes(Mood::Answers);
    let db = Options::new().busy_timeout(Duration::from_mins(1)).clock(clock).open(&path)?;
    assert_eq!(db.read()?.count(None, None)?, 3);
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
fn behind_a_close_the_writers_of_other_clones_do_the_work() -> Result<()> {
    let clock = HandClock::new();
    let db = Options::new().clock(clock.clone()).in_memory()?;
    remember_briefly(&db, 10)?;
    db.clone().close()?;
    clock.advance(2_000);
    assert_eq!(db.stats()?.background.threads, 0);
    db.remember(NewMemory::new("other"))?;
    assert_eq!(db.stats()?.memories, 1);
    Ok(())
}
