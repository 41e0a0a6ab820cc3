//! Which job may be claimed by whom: the state that workers share.
//!
//! A commit *wakes* the scheduler. Once what comes close behind it has been gathered, the jobs are
//! *opened*: each is *ready* to be claimed, until a claim finds that it is not due or has nothing
//! left to do.
//!
//! **Invariant:** of the workers that are not in a step, the one with the lowest number is *first*:
//! it alone gathers, rests and claims whatever is ready; the others help with what several may do
//! at once. A job that was opened after it had been claimed stays ready, whatever the claim comes
//! to. No job is in more threads at once than it allows.

use super::Pace;
use super::budget::Bucket;
use super::job::{Occasion, Progress};
use super::metrics::{BackgroundStats, Failure, Meter};
use crate::sync::Instant;
use std::time::Duration;

/// A job that goes on failing is passed over for less than 2 to the power of this openings.
const MAX_BACKOFF: u32 = 7;

/// How the scheduler sees a job.
pub(super) struct Slot {
    max_threads: usize,
    is_urgent: bool,
    is_ready: bool,
    when: Occasion,
    /// How often it was opened.
    opened: u64,
    /// Threads that have claimed it.
    claims: usize,
    /// Failures since it last succeeded.
    failures: u32,
    /// Openings that pass it over.
    skips: u32,
    meter: Meter,
}

impl Slot {
    pub(super) fn new(name: &'static str, max_threads: usize, is_urgent: bool) -> Self {
        Slot {
            max_threads: max_threads.max(1),
            is_urgent,
            is_ready: false,
            when: Occasion::Woken,
            opened: 0,
            claims: 0,
            failures: 0,
            skips: 0,
            meter: Meter::new(name),
        }
    }
}

/// A thread has taken a job; given back by [`State::release`] or [`State::finish`].
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) job: usize,
    pub(super) when: Occasion,
    /// The number of the worker; `None` for a writer.
    worker: Option<usize>,
    opened: u64,
}

/// What a worker waits by; if it changes, the worker looks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Role {
    is_first: bool,
    is_woken: bool,
}

/// What to do when nothing has happened for as long as the worker waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    LookAgain,
    Refreshed,
    Open(Occasion),
}

pub(super) struct State {
    pub(super) is_stopped: bool,
    /// Threads that have not ended.
    pub(super) live: usize,
    pauses: usize,
    /// The first waking since the jobs were opened.
    woken: Option<Instant>,
    /// Is this worker in a step?
    at_work: Vec<bool>,
    slots: Vec<Slot>,
    bucket: Option<Bucket>,
    throttled_writes: u64,
    throttled_us: u64,
    last_error: Option<String>,
}

impl State {
    pub(super) fn new(slots: Vec<Slot>, pace: &Pace) -> Self {
        State {
            is_stopped: false,
            live: 0,
            pauses: 0,
            woken: None,
            at_work: vec![false; pace.threads],
            slots,
            bucket: pace.io_bytes_per_second.map(Bucket::new),
            throttled_writes: 0,
            throttled_us: 0,
            last_error: None,
        }
    }

    pub(super) fn has_threads(&self) -> bool {
        self.live > 0 && !self.is_stopped
    }

    /// Returns whether anybody has to be told: who was woken before gathers what comes now.
    pub(super) fn wake(&mut self) -> bool {
        self.woken.replace(self.woken.unwrap_or_else(Instant::now)).is_none()
    }

    pub(super) fn pause(&mut self) {
        self.pauses += 1;
    }

    pub(super) fn resume(&mut self) {
        self.pauses -= 1;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.pauses > 0
    }

    /// Is nobody at work that a pause is to hold off?
    pub(super) fn is_settled(&self) -> bool {
        self.slots.iter().all(|slot| slot.is_urgent || slot.claims == 0)
    }

    pub(super) fn should_stop(&self, job: usize, when: Occasion) -> bool {
        let is_closing = self.is_stopped && when != Occasion::Inline;
        is_closing || self.is_paused() && !self.slots[job].is_urgent
    }

    pub(super) fn role(&self, worker: usize) -> Role {
        let is_first = self.at_work.iter().take(worker).all(|at_work| *at_work);
        Role { is_first, is_woken: self.woken.is_some() }
    }

    /// How long the worker has nothing to do at most, and what then. `rest` is what it owes.
    pub(super) fn outlook(&self, worker: usize, pace: &Pace, rest: Duration) -> (Duration, Then) {
        let Role { is_first, .. } = self.role(worker);
        let mut outlook = match self.woken {
            Some(at) if is_first => {
                (pace.gather.saturating_sub(at.elapsed()), Then::Open(Occasion::Woken))
            }
            None if is_first => (pace.idle, Then::Open(Occasion::Rested)),
            _ => (pace.idle, Then::LookAgain),
        };
        if !rest.is_zero() && rest < outlook.0 {
            outlook = (rest, Then::Refreshed);
        }
        let refill = self.refill_wait();
        if !refill.is_zero() && refill < outlook.0 {
            outlook = (refill, Then::LookAgain);
        }
        outlook
    }

    fn refill_wait(&self) -> Duration {
        self.bucket.as_ref().map_or(Duration::ZERO, Bucket::wait)
    }

    /// Makes the jobs ready, unless what it is for is past.
    pub(super) fn open(&mut self, when: Occasion) {
        let is_woken = self.woken.is_some();
        if is_woken != (when == Occasion::Woken) {
            return;
        }
        self.woken = None;
        for slot in &mut self.slots {
            if when == Occasion::Woken && slot.skips > 0 {
                slot.skips -= 1;
                continue;
            }
            slot.skips = 0;
            slot.is_ready = true;
            slot.when = when;
            slot.opened += 1;
        }
    }

    /// The most pressing job that this worker may take, if there is one.
    pub(super) fn claim(&mut self, worker: usize, pace: &Pace, is_resting: bool) -> Option<Claim> {
        let Role { is_first, .. } = self.role(worker);
        if is_first && self.woken.is_some_and(|at| at.elapsed() >= pace.gather) {
            self.open(Occasion::Woken);
        }
        let is_held = is_resting || self.is_paused() || !self.refill_wait().is_zero();
        let job = self.slots.iter().position(|slot| {
            slot.is_ready
                && slot.claims < slot.max_threads
                && (is_first || slot.claims > 0)
                && (slot.is_urgent || !is_held)
        })?;
        let slot = &mut self.slots[job];
        slot.claims += 1;
        Some(Claim { job, when: slot.when, worker: Some(worker), opened: slot.opened })
    }

    /// The same for a writer, of one job.
    pub(super) fn claim_inline(&mut self, job: usize) -> Option<Claim> {
        let is_paused = self.is_paused();
        let slot = &mut self.slots[job];
        if slot.claims == slot.max_threads || is_paused && !slot.is_urgent {
            return None;
        }
        slot.claims += 1;
        Some(Claim { job, when: Occasion::Inline, worker: None, opened: slot.opened })
    }

    /// Begins a step. Returns whether others have to be told.
    pub(super) fn begin(&mut self, claim: &Claim, reason: &'static str) -> bool {
        if let Some(worker) = claim.worker {
            self.at_work[worker] = true;
        }
        let slot = &mut self.slots[claim.job];
        slot.meter.begin_step(reason);
        // Somebody else is first now, or may help.
        let is_shared = slot.max_threads > 1;
        is_shared || self.has_more()
    }

    /// Ends a step. Returns whether others have to be told.
    pub(super) fn finish(
        &mut self,
        claim: &Claim,
        outcome: Result<Progress, &Failure>,
        took: Duration,
    ) -> bool {
        if let Some(worker) = claim.worker {
            self.at_work[worker] = false;
        }
        let slot = &mut self.slots[claim.job];
        slot.meter.end_step(outcome, took, slot.claims == 1);
        match outcome {
            Ok(progress) => {
                slot.failures = 0;
                slot.is_ready |= progress == Progress::More;
            }
            Err(failure) => self.note(claim.job, failure),
        }
        self.give_back(claim, outcome.ok() == Some(Progress::More))
    }

    /// Gives a job back that was not due, or could not say. Returns whether others have to be told.
    pub(super) fn release(&mut self, claim: &Claim, failure: Option<&Failure>) -> bool {
        let slot = &mut self.slots[claim.job];
        if slot.claims == 1 {
            slot.meter.end_run();
        }
        if let Some(failure) = failure {
            slot.meter.fail(failure);
            self.note(claim.job, failure);
        }
        self.give_back(claim, false)
    }

    fn note(&mut self, job: usize, failure: &Failure) {
        let slot = &mut self.slots[job];
        slot.failures = (slot.failures + 1).min(MAX_BACKOFF);
        if !slot.is_urgent {
            slot.skips = (1 << (slot.failures - 1)) - 1;
        }
        self.last_error = Some(failure.words.clone());
    }

    fn give_back(&mut self, claim: &Claim, has_more: bool) -> bool {
        let slot = &mut self.slots[claim.job];
        slot.claims -= 1;
        if !has_more && slot.opened == claim.opened {
            slot.is_ready = false;
        }
        // Whoever is first goes on by itself. Others may wait for the end of this.
        let is_first = claim.worker.is_some_and(|worker| self.role(worker).is_first);
        !is_first && self.has_more() || self.is_paused() || self.is_stopped
    }

    fn has_more(&self) -> bool {
        self.live > 1 && (self.woken.is_some() || self.slots.iter().any(|slot| slot.is_ready))
    }

    pub(super) fn meter(&mut self, job: usize) -> &mut Meter {
        &mut self.slots[job].meter
    }

    pub(super) fn is_urgent(&self, job: usize) -> bool {
        self.slots[job].is_urgent
    }

    pub(super) fn spend(&mut self, job: usize, bytes: u64) {
        self.meter(job).count_bytes(bytes);
        if let Some(bucket) = &mut self.bucket {
            bucket.spend(bytes);
        }
    }

    /// Counts a writer that is to wait.
    pub(super) fn throttle(&mut self, delay: Duration) {
        self.throttled_writes += 1;
        self.throttled_us = self.throttled_us.saturating_add(delay.as_micros() as u64);
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.clone()
    }

    pub(super) fn stats(&self) -> BackgroundStats {
        BackgroundStats {
            threads: self.live,
            is_paused: self.is_paused(),
            throttled_writes: self.throttled_writes,
            throttled_us: self.throttled_us,
            jobs: self.slots.iter().map(|slot| slot.meter.stats()).collect(),
        }
    }
}
