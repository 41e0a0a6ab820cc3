//! A thread that does what is due, and how any thread does a step.
//!
//! **Invariant:** a worker keeps its host alive only for as long as it has a claim. A panic in a job
//! is a failure of that job and nothing else.

use super::budget::Fatigue;
use super::job::{Context, Host, Progress};
use super::metrics::Failure;
use super::state::{Claim, Then};
use super::{Crew, Shared};
use crate::Result;
use crate::sync::Instant;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::time::Duration;

/// What a claim came to.
pub(super) struct Served {
    /// Is there more to do at once?
    pub(super) has_more: bool,
    /// Work that is to be rested for.
    pub(super) tiring: Duration,
}

const IDLE: Served = Served { has_more: false, tiring: Duration::ZERO };

/// Counts a thread as ended, however it ends.
struct Live<'a>(&'a Shared);

impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.0.state.update(|s| s.live -= 1);
    }
}

enum Next {
    End,
    Work(Claim),
    LookAgain,
}

impl Shared {
    /// Waits for something to do; `None` if that is to end.
    fn next(&self, worker: usize, fatigue: &mut Fatigue) -> Option<Claim> {
        loop {
            let rest = fatigue.left();
            let (role, (patience, then)) = {
                let state = self.state.lock();
                (state.role(worker), state.outlook(worker, &self.pace, rest))
            };
            let next = self.state.wait_at_most(patience, |s| {
                if s.is_stopped {
                    return Some(Next::End);
                }
                let claim = s.claim(worker, &self.pace, !rest.is_zero());
                let has_changed = s.role(worker) != role;
                claim.map(Next::Work).or_else(|| has_changed.then_some(Next::LookAgain))
            });
            match next {
                Some(Next::End) => return None,
                Some(Next::Work(claim)) => return Some(claim),
                Some(Next::LookAgain) => {}
                None => match then {
                    Then::LookAgain => {}
                    Then::Refreshed => fatigue.settle(),
                    Then::Open(when) => self.state.lock().open(when),
                },
            }
        }
    }

    fn tell(&self, others_are_concerned: bool) {
        if others_are_concerned {
            self.state.update(|_| ());
        }
    }
}

impl<H: Host> Crew<H> {
    /// Works until it is told to end, or until nobody has the host any more.
    pub(super) fn work(&self, worker: usize, host: &Weak<H>) {
        let _live = Live(&self.shared);
        let mut fatigue = Fatigue::new(self.shared.pace.cpu_percent);
        while let Some(claim) = self.shared.next(worker, &mut fatigue) {
            let Some(host) = host.upgrade() else {
                let concerned = self.shared.state.lock().release(&claim, None);
                return self.shared.tell(concerned);
            };
            let served = self.serve(&host, &claim);
            fatigue.add(served.tiring);
            // This may have been the last one who had it: then it ends here.
            drop(host);
        }
    }

    /// Makes one step of a claimed job, if it is due.
    pub(super) fn serve(&self, host: &H, claim: &Claim) -> Served {
        let (job, state) = (&*self.jobs[claim.job], &self.shared.state);
        let due = || if host.may_work() { job.due(host, claim.when) } else { Ok(None) };
        let reason = match caught(due) {
            Ok(Some(reason)) => reason,
            not_due => {
                let concerned = state.lock().release(claim, not_due.as_ref().err());
                self.shared.tell(concerned);
                return IDLE;
            }
        };
        let concerned = state.lock().begin(claim, reason);
        self.shared.tell(concerned);
        let context = Context { state, job: claim.job, when: claim.when };
        let started = Instant::now();
        let outcome = caught(|| job.step(host, &context));
        let took = started.elapsed();
        let has_more = matches!(outcome, Ok(Progress::More));
        let concerned = state.lock().finish(claim, outcome.as_ref().copied(), took);
        self.shared.tell(concerned);
        let is_untiring = state.lock().is_urgent(claim.job) || self.is_behind(host, claim.job);
        Served { has_more, tiring: if is_untiring { Duration::ZERO } else { took } }
    }

    /// Do writers outrun this job?
    pub(super) fn is_behind(&self, host: &H, job: usize) -> bool {
        !self.backlog_delay(host, job).is_zero()
    }

    pub(super) fn backlog_delay(&self, host: &H, job: usize) -> Duration {
        caught(|| Ok(self.jobs[job].backlog_delay(host))).unwrap_or_default()
    }
}

fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|e| Failure::new(e.to_string(), false)),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Failure::new(format!("panicked: {}", words.unwrap_or("without a word")), true))
        }
    }
}
