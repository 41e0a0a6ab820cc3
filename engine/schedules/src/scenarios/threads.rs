//! The thread beside the writers: woken, stopped, outlived.

use crate::sync::{Monitor, Mutex, thread};
use crate::worker::{Occasion, Pace, Worker};
use std::sync::{Arc, Weak};
use std::time::Duration;

const WAKERS: usize = 2;
const EACH: usize = 2;

/// A delay that may pass at any point, and a rest that never does: whoever is not woken is stuck.
const PACE: Pace = Pace { delay: Duration::from_millis(1), rest: Duration::from_mins(1) };
/// A rest that may pass as well.
const RESTLESS: Pace = Pace { rest: Duration::from_millis(1), ..PACE };

/// Work that is asked for and done, counted.
#[derive(Default)]
struct Counts {
    asked: Mutex<usize>,
    done: Monitor<usize>,
    runs: Mutex<usize>,
}

fn start(worker: &Worker, pace: Pace, counts: &Arc<Counts>) {
    let counts = counts.clone();
    let started = worker.start(pace, move |occasion| {
        assert!(pace.rest == RESTLESS.rest || occasion == Occasion::Woken);
        *counts.runs.lock() += 1;
        let asked = *counts.asked.lock();
        counts.done.update(|done| *done = asked);
        true
    });
    started.expect("a thread");
}

/// What is asked for before a call of `wake` is done; after `stop` nothing is.
pub fn whoever_wakes_it_is_served() {
    let (worker, counts) = (Worker::default(), Arc::new(Counts::default()));
    start(&worker, PACE, &counts);
    thread::scope(|scope| {
        for _ in 0..WAKERS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    *counts.asked.lock() += 1;
                    worker.wake();
                }
            });
        }
    });
    counts.done.wait_for(|done| (*done == WAKERS * EACH).then_some(()));
    worker.stop();
    let runs = *counts.runs.lock();
    assert!((1..=WAKERS * EACH).contains(&runs));
    worker.wake();
    thread::yield_now();
    assert_eq!(*counts.runs.lock(), runs, "it works although it was stopped");
}

/// Whatever it is doing when it is stopped, it ends.
pub fn stopping_ends_it() {
    let (worker, counts) = (Worker::default(), Arc::new(Counts::default()));
    start(&worker, RESTLESS, &counts);
    thread::scope(|scope| {
        scope.spawn(|| worker.wake());
        scope.spawn(|| worker.wake());
    });
    worker.stop();
    let runs = *counts.runs.lock();
    thread::yield_now();
    assert_eq!(*counts.runs.lock(), runs, "it works although it was stopped");
    // And it may be stopped again.
    worker.stop();
}

/// A handle with a worker that does not keep it alive, as `maintenance` has it.
#[derive(Default)]
struct Handle {
    worker: Worker,
    ended: Arc<Monitor<bool>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.worker.stop();
        self.ended.update(|ended| *ended = true);
    }
}

/// The last handle may be dropped by the work itself, which then must not wait for its own end.
pub fn the_last_handle_may_be_dropped_by_the_work() {
    let handle = Arc::new(Handle::default());
    let ended = handle.ended.clone();
    let weak: Weak<Handle> = Arc::downgrade(&handle);
    let started = handle.worker.start(PACE, move |_| {
        let Some(handle) = weak.upgrade() else { return false };
        thread::yield_now();
        drop(handle);
        true
    });
    started.expect("a thread");
    let other = handle.clone();
    let writer = thread::spawn(move || other.worker.wake());
    handle.worker.wake();
    drop(handle);
    ended.wait_for(|ended| ended.then_some(()));
    writer.join().expect("no panic");
}
