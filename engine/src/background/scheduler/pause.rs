//! Holding background work off for a while.
//!
//! **Invariant:** while a [`BackgroundPause`] lives, no step of a job begins that is not urgent.
//! Pauses nest: work goes on when the last one is dropped, with everything that came due meanwhile.

use super::Shared;
use std::sync::Arc;
use std::time::Duration;

/// Background work is paused while this lives. Got from
/// [`Db::pause_background`](crate::Db::pause_background); does not keep the file open.
#[must_use = "background work goes on when this is dropped"]
pub struct BackgroundPause {
    shared: Arc<Shared>,
    pid: u32,
}

impl BackgroundPause {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let pid = std::process::id();
        // Nobody waits for a pause to begin.
        shared.state.lock().pause();
        BackgroundPause { shared: shared.clone(), pid }
    }

    /// Waits until the steps that were under way when the pause began have ended, which they are
    /// asked to. False if they have not within `timeout`.
    #[must_use = "it may not have settled"]
    pub fn settle(&self, timeout: Duration) -> bool {
        let settled = |s: &mut super::state::State| s.is_settled().then_some(());
        self.is_ours() && self.shared.state.wait_at_most(timeout, settled).is_some()
    }

    /// A child process has no background work, and the lock may be held by a thread that it does not
    /// have either.
    fn is_ours(&self) -> bool {
        self.pid == std::process::id()
    }
}

impl Drop for BackgroundPause {
    fn drop(&mut self) {
        if self.is_ours() {
            self.shared.state.update(super::state::State::resume);
        }
    }
}

impl std::fmt::Debug for BackgroundPause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackgroundPause").finish_non_exhaustive()
    }
}
