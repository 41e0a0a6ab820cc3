//! Who works in the background, at what, when, and how much.
//!
//! ```text
//! commit -- wake --> gather -- open --> [ job | job | job | ... ]  first = most pressing
//!                                          ^ claim, is it due?, one step, give back
//!                                       worker 0      worker 1, if 0 is in a step or needs help
//! ```
//!
//! Behind each step a worker chooses anew, so that a long job holds up a pressing one by a step at
//! most. Without threads a writer makes one step of each due job behind its commit.
//!
//! **Invariant:** after each [`wake`](Scheduler::wake) every job is asked whether it is due, unless the
//! scheduler is stopped or passes over one that goes on failing; wakings that come close together
//! share it. Once [`stop`](Scheduler::stop) has returned true, no worker works and none will.
//! Knows nothing of the engine but what a [`Job`] says; used by `background`.

mod budget;
mod job;
mod metrics;
mod pause;
mod state;
#[cfg(test)]
mod tests;
mod worker;

pub(crate) use job::{Context, Host, Job, Occasion, Progress};
pub use metrics::{BackgroundStats, JobStats};
pub use pause::BackgroundPause;

use crate::sync::{Monitor, Mutex, thread};
use state::{Slot, State};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A writer is not held back for longer, before one transaction.
const MAX_THROTTLE: Duration = Duration::from_millis(50);
/// Steps that a writer makes behind one commit of a job that cannot keep up.
const MAX_INLINE_STEPS: usize = 8;

/// How much may be done, and when.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// None: writers do the work.
    pub(crate) threads: usize,
    /// From waking to work: what comes meanwhile shares it.
    pub(crate) gather: Duration,
    /// When nobody wakes it.
    pub(crate) idle: Duration,
    /// Of one core, for each thread.
    pub(crate) cpu_percent: u8,
    /// Of what jobs count; all that there is if `None`.
    pub(crate) io_bytes_per_second: Option<u64>,
}

/// What workers and pauses share.
pub(crate) struct Shared {
    pace: Pace,
    state: Monitor<State>,
}

/// What a thread needs to work.
struct Crew<H> {
    jobs: Vec<Box<dyn Job<H>>>,
    shared: Arc<Shared>,
}

/// The one owner of background work of a handle.
pub(crate) struct Scheduler<H> {
    crew: Arc<Crew<H>>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
    /// Held by the writer who does the work, where there is no thread.
    inline: Mutex<()>,
}

impl<H: Host> Scheduler<H> {
    /// `jobs` in the order of their priority.
    pub(crate) fn new(jobs: Vec<Box<dyn Job<H>>>, pace: Pace) -> Self {
        let slots =
            jobs.iter().map(|job| Slot::new(job.name(), job.max_threads(), job.is_urgent()));
        let state = Monitor::new(State::new(slots.collect(), &pace));
        let shared = Arc::new(Shared { pace, state });
        Scheduler {
            crew: Arc::new(Crew { jobs, shared }),
            threads: Mutex::default(),
            inline: Mutex::default(),
        }
    }

    /// Starts its threads, which do not keep `host` alive.
    pub(crate) fn start(&self, host: &Arc<H>) -> io::Result<()> {
        let mut threads = self.threads.lock();
        let state = &self.crew.shared.state;
        for worker in 0..self.crew.shared.pace.threads {
            let (crew, weak) = (self.crew.clone(), Arc::downgrade(host));
            state.lock().live += 1;
            let thread = thread::Builder::new()
                .name(format!("memlith-{worker}"))
                .spawn(move || crew.work(worker, &weak))
                .inspect_err(|_| state.lock().live -= 1)?;
            threads.push(thread);
        }
        Ok(())
    }

    /// Says that something was committed: a thread will look at the jobs, or else this one does.
    pub(crate) fn tend(&self, host: &H) {
        if !self.wake() {
            self.work_inline(host);
        }
    }

    /// Wakes the threads; false if there are none.
    pub(crate) fn wake(&self) -> bool {
        let (has_threads, is_news) = {
            let mut state = self.crew.shared.state.lock();
            let has_threads = state.has_threads();
            (has_threads, has_threads && state.wake())
        };
        if is_news {
            self.crew.shared.state.update(|_| ());
        }
        has_threads
    }

    /// Makes a step of each job that is due, in their order, and a few more of one that cannot keep
    /// up. Does nothing while another writer does it.
    fn work_inline(&self, host: &H) {
        let Some(_alone) = self.inline.lock_within(Duration::ZERO) else { return };
        for job in 0..self.crew.jobs.len() {
            for _ in 0..MAX_INLINE_STEPS {
                let claim = self.crew.shared.state.lock().claim_inline(job);
                let Some(claim) = claim else { break };
                if !self.crew.serve(host, &claim).has_more || !self.crew.is_behind(host, job) {
                    break;
                }
            }
        }
    }

    /// Holds a writer back, before its transaction, if it outruns a job. Not where nobody could
    /// catch up meanwhile.
    pub(crate) fn throttle(&self, host: &H) {
        self.throttle_by(host, |delay| {
            let stopped = |s: &mut State| s.is_stopped.then_some(());
            self.crew.shared.state.wait_at_most(delay, stopped);
        });
    }

    fn throttle_by(&self, host: &H, wait: impl FnOnce(Duration)) {
        let jobs = 0..self.crew.jobs.len();
        let delay = jobs.map(|job| self.crew.backlog_delay(host, job)).max().unwrap_or_default();
        let delay = delay.min(MAX_THROTTLE);
        if delay.is_zero() {
            return;
        }
        {
            let mut state = self.crew.shared.state.lock();
            if !state.has_threads() || state.is_paused() {
                return;
            }
            state.throttle(delay);
        }
        wait(delay);
    }

    /// Holds work off that is not urgent.
    pub(crate) fn pause(&self) -> BackgroundPause {
        BackgroundPause::new(&self.crew.shared)
    }

    /// Ends the threads and waits for them, for as long as `timeout`; from within a job, for the
    /// others. False if one is still at work: it will end with its step.
    pub(crate) fn stop(&self, timeout: Duration) -> bool {
        let state = &self.crew.shared.state;
        state.update(|s| s.is_stopped = true);
        // The last one who has the host may be a worker.
        let own = thread::current().id();
        let is_own = self.threads.lock().iter().any(|t| t.thread().id() == own);
        let ended = |s: &mut State| (s.live <= usize::from(is_own)).then_some(());
        if state.wait_at_most(timeout, ended).is_none() {
            return false;
        }
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads.into_iter().filter(|t| t.thread().id() != own) {
            // It has nothing left to panic at, and if it did, it has ended.
            let _ = thread.join();
        }
        true
    }

    /// Forgets the threads, which a child process does not have.
    pub(crate) fn abandon(&self) {
        std::mem::forget(std::mem::take(&mut *self.threads.lock()));
    }

    /// What went wrong last, in any job.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.crew.shared.state.lock().last_error()
    }

    pub(crate) fn stats(&self) -> BackgroundStats {
        self.crew.shared.state.lock().stats()
    }
}
