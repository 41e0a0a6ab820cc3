//! A thread beside its owner: it works when it is woken, also after a long rest, and until it is
//! told to stop.
//!
//! **Invariant:** after each call of [`Worker::wake`] work begins, unless the worker is stopped; calls
//! that come close together share it. Once the first call of [`Worker::stop`] has returned, no work
//! runs and none will begin; only from within the work does it return at once. Started by
//! `maintenance`.

use crate::sync::{Monitor, Mutex, thread};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How patient a worker is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// From waking to work: what comes meanwhile shares it.
    pub(crate) delay: Duration,
    /// When nobody wakes it.
    pub(crate) rest: Duration,
}

/// Why there is work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Somebody woke the worker.
    Woken,
    /// Nobody did, for as long as it rests.
    Rested,
}

/// A thread, if it was started, and how to talk to it.
#[derive(Default)]
pub(crate) struct Worker {
    signal: Arc<Monitor<Signal>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

#[derive(Default)]
struct Signal {
    is_woken: bool,
    is_stopped: bool,
}

impl Worker {
    /// Starts the thread. It ends by itself when `work` returns false.
    pub(crate) fn start(
        &self,
        pace: Pace,
        work: impl FnMut(Occasion) -> bool + Send + 'static,
    ) -> io::Result<()> {
        let signal = self.signal.clone();
        let thread = thread::Builder::new()
            .name("memlith".into())
            .spawn(move || run(&signal, pace, work))?;
        *self.thread.lock() = Some(thread);
        Ok(())
    }

    pub(crate) fn wake(&self) {
        self.signal.update(|s| s.is_woken = true);
    }

    /// Ends the thread and waits for it.
    pub(crate) fn stop(&self) {
        self.signal.update(|s| s.is_stopped = true);
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            // The work may be what stops it: the last handle may be dropped there.
            if thread.thread().id() != thread::current().id() {
                // A panic in the work ends only the thread.
                let _ = thread.join();
            }
        }
    }

    /// Forgets the thread, which a child process does not have.
    pub(crate) fn abandon(&self) {
        std::mem::forget(self.thread.lock().take());
    }
}

fn run(signal: &Monitor<Signal>, pace: Pace, mut work: impl FnMut(Occasion) -> bool) {
    loop {
        let woken = signal.wait_at_most(pace.rest, |s| {
            let due = std::mem::take(&mut s.is_woken) || s.is_stopped;
            due.then_some(s.is_stopped)
        });
        let occasion = match woken {
            Some(true) => return,
            Some(false) => Occasion::Woken,
            None => Occasion::Rested,
        };
        let is_stopped = signal.wait_at_most(pace.delay, |s| s.is_stopped.then_some(())).is_some();
        if is_stopped || !work(occasion) {
            return;
        }
    }
}
