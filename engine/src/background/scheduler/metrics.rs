//! Background work in figures: what has been done, why, and what went wrong.
//!
//! **Invariant:** every text in it is bounded. Counted under the lock of the scheduler, so that the
//! figures of one moment agree with each other.

use super::job::Progress;
use std::time::Duration;

/// Bytes of an error that are kept.
const MAX_ERROR_BYTES: usize = 1_024;

/// Background work of a handle in figures, since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackgroundStats {
    /// Threads that do it; if there are none, writers do it behind their commits.
    pub threads: usize,
    /// Is it paused?
    pub is_paused: bool,
    /// Transactions that had to wait because a job could not keep up.
    pub throttled_writes: u64,
    /// How long they were told to wait, all together, in microseconds.
    pub throttled_us: u64,
    /// Every job, the most pressing first.
    pub jobs: Vec<JobStats>,
}

/// A job of the background in figures, since the handle was opened.
///
/// A *run* begins when the job is due and ends when it has nothing left to do; it consists of
/// *steps*, between which more pressing jobs get their turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobStats {
    /// Its name.
    pub name: &'static str,
    /// Is a run under way?
    pub is_running: bool,
    /// Runs begun.
    pub runs: u64,
    /// Steps made, those that failed included.
    pub steps: u64,
    /// Steps that failed.
    pub failures: u64,
    /// Of these, steps that panicked: defects of this library.
    pub panics: u64,
    /// Bytes that it has read or written, as far as it counts them.
    pub bytes: u64,
    /// How much is done of the run that is under way, or was last, and how much there is to do, in
    /// units of the job; `None` if it does not say.
    pub progress: Option<(u64, u64)>,
    /// Why it ran last.
    pub last_reason: Option<&'static str>,
    /// How long the steps of the last run took that has ended, in microseconds.
    pub last_run_us: u64,
    /// What went wrong last, if anything.
    pub last_error: Option<String>,
}

/// Why a step did not succeed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) words: String,
    pub(super) is_panic: bool,
}

impl Failure {
    pub(super) fn new(mut words: String, is_panic: bool) -> Self {
        words.truncate(words.floor_char_boundary(MAX_ERROR_BYTES));
        Failure { words, is_panic }
    }
}

/// Counts one job.
#[derive(Debug, Default)]
pub(super) struct Meter {
    stats: JobStats,
    run: Duration,
}

impl Meter {
    pub(super) fn new(name: &'static str) -> Self {
        Meter { stats: JobStats { name, ..JobStats::default() }, run: Duration::ZERO }
    }

    pub(super) fn stats(&self) -> JobStats {
        self.stats.clone()
    }

    pub(super) fn begin_step(&mut self, reason: &'static str) {
        let stats = &mut self.stats;
        if !stats.is_running {
            stats.is_running = true;
            stats.runs += 1;
            stats.last_reason = Some(reason);
            stats.progress = None;
            self.run = Duration::ZERO;
        }
        stats.steps += 1;
    }

    /// `is_last`: no other thread is in a step of the job.
    pub(super) fn end_step(
        &mut self,
        outcome: Result<Progress, &Failure>,
        took: Duration,
        is_last: bool,
    ) {
        self.run += took;
        if let Err(failure) = outcome {
            self.fail(failure);
        }
        if is_last && outcome.ok() != Some(Progress::More) {
            self.end_run();
        }
    }

    /// Nothing is left to do.
    pub(super) fn end_run(&mut self) {
        if std::mem::take(&mut self.stats.is_running) {
            self.stats.last_run_us = self.run.as_micros() as u64;
        }
    }

    pub(super) fn fail(&mut self, failure: &Failure) {
        self.stats.failures += 1;
        self.stats.panics += u64::from(failure.is_panic);
        self.stats.last_error = Some(failure.words.clone());
    }

    pub(super) fn progress(&mut self, done: u64, left: u64) {
        let before = self.stats.progress.map_or(0, |(done, _)| done);
        let done = before.saturating_add(done);
        self.stats.progress = Some((done, done.saturating_add(left)));
    }

    pub(super) fn count_bytes(&mut self, bytes: u64) {
        self.stats.bytes = self.stats.bytes.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_lasts_until_a_step_leaves_nothing() {
        let mut meter = Meter::new("fake");
        let took = Duration::from_micros(5);
        meter.begin_step("first");
        meter.end_step(Ok(Progress::More), took, true);
        meter.progress(1, 3);
        meter.progress(2, 1);
        meter.begin_step("second");
        // Another thread is still at it.
        meter.end_step(Ok(Progress::Done), took, false);
        let stats = meter.stats();
        assert_eq!((stats.runs, stats.steps, stats.is_running), (1, 2, true));
        assert_eq!((stats.last_reason, stats.last_run_us), (Some("first"), 0));
        assert_eq!(stats.progress, Some((3, 4)));
        meter.end_step(Ok(Progress::Done), took, true);
        assert_eq!((meter.stats().is_running, meter.stats().last_run_us), (false, 15));

        let failure = Failure::new("é".repeat(MAX_ERROR_BYTES), true);
        meter.begin_step("third");
        meter.end_step(Err(&failure), took, true);
        let stats = meter.stats();
        assert_eq!((stats.runs, stats.failures, stats.panics, stats.is_running), (2, 1, 1, false));
        assert_eq!(stats.progress, None);
        assert_eq!(stats.last_error.map(|e| e.len()), Some(MAX_ERROR_BYTES));
    }
}
