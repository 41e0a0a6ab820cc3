//! Workers beside the writers: woken, relieved, paused, stopped, outlived.

use crate::Result;
use crate::scheduler::{Context, Host, Job, Occasion, Pace, Progress, Scheduler};
use crate::sync::{Monitor, Mutex, thread};
use std::sync::Arc;
use std::time::Duration;

const WAKERS: usize = 2;
const EACH: usize = 2;
/// It never passes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A gathering that may end at any point, and an idleness that never does: whoever is not woken is
/// stuck.
const PACE: Pace = Pace {
    threads: 2,
    gather: Duration::from_millis(1),
    idle: PATIENCE,
    // Whoever has worked for any time at all rests, for a time that may end at any point.
    cpu_percent: 99,
    io_bytes_per_second: None,
};
/// Idleness may come at any point as well.
const RESTLESS: Pace = Pace { idle: Duration::from_millis(1), ..PACE };

/// What there is to do of one kind, and what has been done.
#[derive(Default)]
struct Pile {
    asked: Mutex<usize>,
    done: Monitor<usize>,
    /// Threads that are at it.
    inside: Mutex<usize>,
    /// Steps that were begun.
    steps: Mutex<usize>,
}

impl Pile {
    fn ask(&self) {
        *self.asked.lock() += 1;
    }

    fn left(&self) -> usize {
        *self.asked.lock() - *self.done.lock()
    }

    fn steps(&self) -> usize {
        *self.steps.lock()
    }

    fn wait_for(&self, count: usize) {
        self.done.wait_for(|done| (*done >= count).then_some(()));
    }

    /// Does one thing, among so many threads at most.
    fn do_one(&self, max_threads: usize) -> Progress {
        *self.steps.lock() += 1;
        {
            let mut inside = self.inside.lock();
            *inside += 1;
            assert!(*inside <= max_threads, "more threads than the job allows");
        }
        thread::yield_now();
        let asked = *self.asked.lock();
        let left = self.done.update(|done| {
            *done = asked.min(*done + 1);
            asked - *done
        });
        *self.inside.lock() -= 1;
        if left > 0 { Progress::More } else { Progress::Done }
    }
}

/// What is worked on: what anybody may ask for, what is promised, and what several may do at once.
#[derive(Default)]
struct Desk {
    any: Pile,
    promised: Pile,
    shared: Pile,
}

impl Host for Desk {
    fn may_work(&self) -> bool {
        true
    }
}

/// A job of one pile.
struct OfPile {
    name: &'static str,
    pile: fn(&Desk) -> &Pile,
    is_urgent: bool,
    max_threads: usize,
    /// It does not end before what is promised at its beginning is kept.
    waits_for_promises: bool,
}

impl Job<Desk> for OfPile {
    fn name(&self) -> &'static str {
        self.name
    }

    fn due(&self, desk: &Desk, _: Occasion) -> Result<Option<&'static str>> {
        Ok(((self.pile)(desk).left() > 0).then_some("asked to"))
    }

    fn step(&self, desk: &Desk, _: &Context<'_>) -> Result<Progress> {
        if self.waits_for_promises {
            desk.promised.wait_for(1);
        }
        Ok((self.pile)(desk).do_one(self.max_threads))
    }

    fn is_urgent(&self) -> bool {
        self.is_urgent
    }

    fn max_threads(&self) -> usize {
        self.max_threads
    }
}

const ANY: OfPile = OfPile {
    name: "any",
    pile: |desk| &desk.any,
    is_urgent: false,
    max_threads: 1,
    waits_for_promises: false,
};
const LONG: OfPile = OfPile { waits_for_promises: true, ..ANY };
const PROMISED: OfPile =
    OfPile { name: "promised", pile: |desk| &desk.promised, is_urgent: true, ..ANY };
const SHARED: OfPile = OfPile { name: "shared", pile: |desk| &desk.shared, max_threads: 2, ..ANY };

fn start<const N: usize>(jobs: [OfPile; N], pace: Pace) -> (Scheduler<Desk>, Arc<Desk>) {
    let jobs = jobs.map(|job| Box::new(job) as Box<dyn Job<Desk>>).into();
    let (scheduler, desk) = (Scheduler::new(jobs, pace), Arc::new(Desk::default()));
    scheduler.start(&desk).expect("threads");
    (scheduler, desk)
}

fn stop(scheduler: &Scheduler<Desk>, desk: &Desk) {
    assert!(scheduler.stop(PATIENCE));
    let steps = || [&desk.any, &desk.promised, &desk.shared].map(Pile::steps);
    let before = steps();
    assert!(!scheduler.wake());
    thread::yield_now();
    assert_eq!(steps(), before, "it works although it was stopped");
    // And it may be stopped again.
    assert!(scheduler.stop(PATIENCE));
    assert!(scheduler.stats().jobs.iter().all(|job| job.failures == 0), "a step has failed");
}

/// What is asked for before a call of `wake` is done, by no more threads than may; after `stop`
/// nothing is.
pub fn whoever_wakes_them_is_served() {
    let (scheduler, desk) = start([SHARED, ANY], PACE);
    thread::scope(|scope| {
        for _ in 0..WAKERS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    desk.any.ask();
                    desk.shared.ask();
                    assert!(scheduler.wake());
                }
            });
        }
    });
    desk.any.wait_for(WAKERS * EACH);
    desk.shared.wait_for(WAKERS * EACH);
    stop(&scheduler, &desk);
    assert_eq!(desk.any.steps(), WAKERS * EACH);
}

/// While one is in a long step, the other keeps promises; also such as were made before.
pub fn a_busy_one_is_relieved() {
    let (scheduler, desk) = start([LONG, PROMISED], PACE);
    thread::scope(|scope| {
        scope.spawn(|| {
            desk.any.ask();
            scheduler.wake();
        });
        scope.spawn(|| {
            desk.promised.ask();
            scheduler.wake();
        });
    });
    desk.any.wait_for(1);
    stop(&scheduler, &desk);
}

/// While they are paused nothing begins but what is promised; afterwards everything is done.
pub fn a_pause_holds_all_but_promises() {
    let (scheduler, desk) = start([ANY, SHARED, PROMISED], PACE);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..EACH {
                desk.any.ask();
                desk.shared.ask();
                scheduler.wake();
            }
        });
        scope.spawn(|| {
            let outer = scheduler.pause();
            let inner = scheduler.pause();
            assert!(inner.settle(PATIENCE));
            let steps = || [&desk.any, &desk.shared].map(Pile::steps);
            let before = steps();
            desk.promised.ask();
            scheduler.wake();
            desk.promised.wait_for(1);
            drop(outer);
            thread::yield_now();
            assert_eq!(steps(), before, "it works although it is paused");
            drop(inner);
        });
    });
    desk.any.wait_for(EACH);
    desk.shared.wait_for(EACH);
    stop(&scheduler, &desk);
}

/// Whatever they are doing when they are stopped, they end: at work, idle, resting, paused.
pub fn stopping_ends_them() {
    let (scheduler, desk) = start([ANY, SHARED], RESTLESS);
    thread::scope(|scope| {
        for _ in 0..WAKERS {
            scope.spawn(|| {
                desk.any.ask();
                desk.shared.ask();
                scheduler.wake();
            });
        }
        scope.spawn(|| drop(scheduler.pause()));
    });
    stop(&scheduler, &desk);
}

/// A handle with workers that do not keep it alive, as the engine's is.
struct Handle {
    scheduler: Scheduler<Handle>,
    ended: Arc<Monitor<bool>>,
}

impl Host for Handle {
    fn may_work(&self) -> bool {
        true
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        assert!(self.scheduler.stop(PATIENCE));
        self.ended.update(|ended| *ended = true);
    }
}

struct Linger;

impl Job<Handle> for Linger {
    fn name(&self) -> &'static str {
        "linger"
    }

    fn due(&self, _: &Handle, _: Occasion) -> Result<Option<&'static str>> {
        Ok(Some("always"))
    }

    fn step(&self, _: &Handle, _: &Context<'_>) -> Result<Progress> {
        thread::yield_now();
        Ok(Progress::Done)
    }

    fn max_threads(&self) -> usize {
        2
    }
}

/// The last handle may be dropped by a worker, which then must not wait for its own end.
pub fn the_last_handle_may_be_dropped_by_the_work() {
    let ended = Arc::new(Monitor::default());
    let scheduler = Scheduler::new(vec![Box::new(Linger) as Box<dyn Job<Handle>>], PACE);
    let handle = Arc::new(Handle { scheduler, ended: ended.clone() });
    handle.scheduler.start(&handle).expect("threads");
    let other = handle.clone();
    let writer = thread::spawn(move || other.scheduler.tend(&other));
    handle.scheduler.wake();
    drop(handle);
    ended.wait_for(|ended| ended.then_some(()));
    writer.join().expect("no panic");
}
