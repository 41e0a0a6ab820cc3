//! What the scheduler runs: a job says whether it is due, and works in steps.
//!
//! **Invariant:** between two steps a job holds nothing that others wait for, and what it has done
//! so far stands: each step may be the last that is ever made.

use super::state::State;
use crate::Result;
use crate::sync::Monitor;
use std::time::Duration;

/// What jobs work on.
pub(crate) trait Host: Send + Sync + 'static {
    /// May anything be changed? Until it may, no job is asked.
    fn may_work(&self) -> bool;
}

/// Why jobs are asked whether they are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Something was committed, and what comes close behind it has been gathered.
    Woken,
    /// Nothing was, for as long as an idle handle waits.
    Rested,
    /// A writer asks behind its own commit, for there is no thread.
    Inline,
}

/// How a step has left its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing is left that this thread could do: the job is asked again when the next commit is.
    Done,
    /// There is more to do, now.
    More,
}

/// Work that is done in the background, a bounded step at a time.
///
/// Jobs stand in an order, which is their priority: behind each step the scheduler begins at the
/// first again. A step that fails, or panics, ends the run; the job is asked again with a later
/// commit, and seldom if it goes on failing.
pub(crate) trait Job<H>: Send + Sync {
    /// Its name in figures: one word.
    fn name(&self) -> &'static str;

    /// Is there something to do, and why? The reason is shown in figures, in the words of someone
    /// who uses the library. Asked at each commit, or a tenth of a second behind it, and before
    /// each step: it should cost a microsecond.
    fn due(&self, host: &H, when: Occasion) -> Result<Option<&'static str>>;

    /// Does a bounded part of it: some milliseconds, or less. What must take longer looks at
    /// [`Context::should_stop`] every few milliseconds.
    fn step(&self, host: &H, context: &Context<'_>) -> Result<Progress>;

    /// So many threads may be in a step of it at once; each step takes a part that no other has.
    fn max_threads(&self) -> usize {
        1
    }

    /// Does it keep a promise? Then it goes on while background work is paused, and its share of
    /// the machine is not bounded.
    fn is_urgent(&self) -> bool {
        false
    }

    /// How long a writer should wait before its commit because this job cannot keep up; nothing
    /// unless writers outrun it. While it says so it does not rest. Asked before each transaction:
    /// it should cost some nanoseconds.
    fn backlog_delay(&self, _host: &H) -> Duration {
        Duration::ZERO
    }
}

/// What a step is told, and what it tells.
pub(crate) struct Context<'a> {
    pub(super) state: &'a Monitor<State>,
    pub(super) job: usize,
    pub(super) when: Occasion,
}

impl Context<'_> {
    /// Is the handle being closed, or background work paused? Then the step returns as soon as it
    /// can, with what is left as [`Progress::More`].
    pub(crate) fn should_stop(&self) -> bool {
        self.state.lock().should_stop(self.job, self.when)
    }

    /// Says how much this step has done, and how much is left to do, in units of the job.
    pub(crate) fn progress(&self, done: u64, left: u64) {
        self.state.lock().meter(self.job).progress(done, left);
    }

    /// Counts bytes that this step has read or written, towards the share of the disk.
    pub(crate) fn account(&self, bytes: u64) {
        self.state.lock().spend(self.job, bytes);
    }
}
