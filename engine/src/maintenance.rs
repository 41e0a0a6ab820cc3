//! Work beside the writers: making relaxed commits durable, writing images, trimming the log.
//!
//! **Invariant:** none of it changes what a reader finds, except that what has expired is also
//! deleted. With threads off, writers do the same work after their commit, a bounded part at a time.

use crate::Result;
use crate::commit::{IndexStats, Monitor};
use crate::db::Core;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long the thread sleeps when nobody wakes it.
const IDLE: Duration = Duration::from_secs(30);
/// Images are written again once this many changes are not in them …
const MIN_UNSAVED: u64 = 8_192;
/// … and this part of all that is in them.
const UNSAVED_SHARE: u64 = 4;
/// The same, when the file is closed.
const MIN_UNSAVED_AT_CLOSE: u64 = 512;
const UNSAVED_SHARE_AT_CLOSE: u64 = 64;

/// The background thread of a handle, and how to talk to it.
#[derive(Default)]
pub(crate) struct Maintenance {
    signal: Arc<Monitor<Signal>>,
    thread: crate::commit::Mutex<Option<JoinHandle<()>>>,
    last_error: crate::commit::Mutex<Option<String>>,
}

#[derive(Default)]
struct Signal {
    is_woken: bool,
    is_stopped: bool,
}

impl Maintenance {
    /// Starts the thread. It does not keep the handle alive.
    pub(crate) fn start(core: &Arc<Core>) -> Result<()> {
        let weak = Arc::downgrade(core);
        let signal = core.maintenance.signal.clone();
        let delay = core.settings.relaxed_delay;
        let thread = thread::Builder::new()
            .name("memlith".into())
            .spawn(move || run(&weak, &signal, delay))
            .map_err(|e| crate::Error::io("starting the background thread", e))?;
        *core.maintenance.thread.lock() = Some(thread);
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
            // The last handle may be dropped by the thread itself.
            if thread.thread().id() != thread::current().id() {
                // It reports what goes wrong through `last_error`; a panic in it ends only itself.
                let _ = thread.join();
            }
        }
    }

    /// What went wrong last in the background, if anything.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.lock().clone()
    }
}

fn run(core: &Weak<Core>, signal: &Monitor<Signal>, delay: Duration) {
    loop {
        let is_stopped = signal
            .wait_at_most(IDLE, |s| {
                let due = std::mem::take(&mut s.is_woken) || s.is_stopped;
                due.then_some(s.is_stopped)
            })
            .unwrap_or(false);
        if is_stopped {
            return;
        }
        // Gathers what comes within the promise of relaxed commits.
        let is_stopped = signal.wait_at_most(delay, |s| s.is_stopped.then_some(()));
        let Some(core) = core.upgrade() else { return };
        if is_stopped.is_some() {
            return;
        }
        if let Err(e) = core.maintain() {
            *core.maintenance.last_error.lock() = Some(e.to_string());
        }
    }
}

impl Core {
    /// Does what is due.
    pub(crate) fn maintain(&self) -> Result<()> {
        if self.check_writable().is_err() {
            return Ok(());
        }
        if self.settings.threads || self.committer.is_sync_due() {
            self.committer.sync()?;
        }
        if self.committer.views.shared().accesses.is_flush_due() {
            self.flush_accesses()?;
        }
        self.committer.views.revoke_expired();
        if self.is_checkpoint_due(false) {
            self.committer.checkpoint()?;
        }
        self.trim_log()
    }

    pub(crate) fn flush_accesses(&self) -> Result<()> {
        let accesses = &self.committer.views.shared().accesses;
        if accesses.is_empty() {
            return Ok(());
        }
        self.committer.maintain(|transaction| accesses.flush(transaction))
    }

    /// Have enough changes gathered that writing the images again pays?
    pub(crate) fn is_checkpoint_due(&self, at_close: bool) -> bool {
        let IndexStats { unsaved, ordinals: all, .. } = self.committer.index_stats();
        if at_close {
            unsaved >= MIN_UNSAVED_AT_CLOSE.max(all / UNSAVED_SHARE_AT_CLOSE)
        } else {
            unsaved >= MIN_UNSAVED.max(all / UNSAVED_SHARE)
        }
    }
}
