//! How an analysis runs: with how many threads, and who hears of it.

use std::fmt;

/// An analysis was stopped by whoever asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the analysis was stopped before it was done")]
pub struct Cancelled;

/// How an analysis runs. Neither changes what comes out.
pub struct Run<'a> {
    threads: usize,
    progress: &'a mut dyn FnMut(f64) -> bool,
}

impl<'a> Run<'a> {
    /// Runs on `threads` threads, of which the calling one is one, and tells `progress` now and then
    /// which part is done, from zero to one. It says whether to go on.
    pub fn new(threads: usize, progress: &'a mut dyn FnMut(f64) -> bool) -> Self {
        Self { threads: threads.clamp(1, MAX_THREADS), progress }
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Tells how much is done.
    pub(super) fn report(&mut self, done: usize, of: usize) -> Result<(), Cancelled> {
        let part = if of == 0 { 1.0 } else { done as f64 / of as f64 };
        if (self.progress)(part.min(1.0)) { Ok(()) } else { Err(Cancelled) }
    }
}

/// The most threads of an analysis.
pub const MAX_THREADS: usize = 256;

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("threads", &self.threads).finish_non_exhaustive()
    }
}
