//! Work beside the writers: making relaxed commits durable, writing images, trimming the log.
//!
//! **Invariant:** none of it changes what a reader finds, except that what has expired is also
//! deleted. With threads off, writers do the same work after their commit, a bounded part at a time.

use crate::Result;
use crate::commit::{IndexStats, Repair, WriteOptions};
use crate::db::Core;
use crate::derived::{column, field};
use crate::ids::MemoryId;
use crate::sync::Mutex;
use crate::transaction::WriteTx;
use crate::worker::{Occasion, Pace, Worker};
use redb::WriteTransaction;
use std::sync::Arc;
use std::time::Duration;

/// How long the thread rests when nobody wakes it.
const REST: Duration = Duration::from_secs(30);
/// Images are written again once this many changes are not in them …
const MIN_UNSAVED: u64 = 8_192;
/// … and this part of all that is in them.
const UNSAVED_SHARE: u64 = 4;
/// … or what they take in memory is beyond this part of the memory limit.
const HEAP_SHARE: u64 = 4;
/// Expired memories that one transaction forgets.
const MAX_EXPIRED: usize = 1_000;
/// The same as the first two, when the file is closed.
const MIN_UNSAVED_AT_CLOSE: u64 = 512;
const UNSAVED_SHARE_AT_CLOSE: u64 = 64;

/// The background thread of a handle, and what it has to say.
#[derive(Default)]
pub(crate) struct Maintenance {
    worker: Worker,
    last_error: Mutex<Option<String>>,
    /// Held while the work is done: what it commits must not start it again.
    working: Mutex<()>,
}

impl Maintenance {
    /// Starts the thread. It does not keep the handle alive.
    pub(crate) fn start(core: &Arc<Core>) -> Result<()> {
        let weak = Arc::downgrade(core);
        // The delay gathers what comes within the promise of relaxed commits.
        let pace = Pace { delay: core.settings.relaxed_delay, rest: REST };
        let started = core.maintenance.worker.start(pace, move |occasion| {
            let Some(core) = weak.upgrade() else { return false };
            core.maintenance.note(core.maintain().and_then(|()| match occasion {
                Occasion::Woken => Ok(()),
                Occasion::Rested => core.rest(),
            }));
            true
        });
        started.map_err(|e| crate::Error::io("starting the background thread", e))
    }

    pub(crate) fn wake(&self) {
        self.worker.wake();
    }

    /// Ends the thread and waits for it.
    pub(crate) fn stop(&self) {
        self.worker.stop();
    }

    /// Forgets the thread, which a child process does not have.
    pub(crate) fn abandon(&self) {
        self.worker.abandon();
    }

    /// Keeps what went wrong for who asks.
    pub(crate) fn note(&self, done: Result<()>) {
        if let Err(e) = done {
            *self.last_error.lock() = Some(e.to_string());
        }
    }

    /// What went wrong last in the background, if anything.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.lock().clone()
    }
}

impl Core {
    /// Does what is due.
    pub(crate) fn maintain(&self) -> Result<()> {
        let Some(_alone) = self.maintenance.working.lock_within(Duration::ZERO) else {
            return Ok(());
        };
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
        self.delete_expired()?;
        if self.is_checkpoint_due(false) {
            self.committer.checkpoint()?;
        }
        self.trim_log()
    }

    /// What an idle handle does once: it may be killed while it waits.
    fn rest(&self) -> Result<()> {
        if self.check_writable().is_err() {
            return Ok(());
        }
        self.flush_accesses()?;
        self.committer.rest()
    }

    pub(crate) fn flush_accesses(&self) -> Result<()> {
        let accesses = &self.committer.views.shared().accesses;
        if accesses.is_empty() {
            return Ok(());
        }
        let flush = |transaction: &WriteTransaction| accesses.flush(transaction);
        accesses.settle(&self.committer.maintain(Repair::Walk, flush)?);
        Ok(())
    }

    /// Forgets memories that have expired, a bounded part at a time. Readers have not seen them
    /// since they did.
    fn delete_expired(&self) -> Result<()> {
        let view = self.committer.current();
        let attributes = &view.versions().attributes;
        let expiring = attributes.label(field::FLAG, field::EXPIRES)?;
        if expiring.is_empty() {
            return Ok(());
        }
        let until_now = i64::MIN + 1..=view.now_ms();
        let expired = attributes.range(column::EXPIRES, until_now, &expiring)?;
        if expired.is_empty() {
            return Ok(());
        }
        let ids = expired.iter().take(MAX_EXPIRED).map(|o| view.id_of(o));
        let ids = ids.collect::<Result<Vec<MemoryId>>>()?;
        let options = WriteOptions::new().actor("memlith").reason("expired");
        let mut tx = WriteTx::begin(self, options)?;
        for id in ids {
            tx.forget_expired(id)?;
        }
        tx.commit(())?;
        Ok(())
    }

    /// Have enough changes gathered that writing the images again pays?
    pub(crate) fn is_checkpoint_due(&self, at_close: bool) -> bool {
        let IndexStats { unsaved, ordinals, heap_bytes } = self.committer.index_stats();
        if at_close {
            return unsaved >= MIN_UNSAVED_AT_CLOSE.max(ordinals / UNSAVED_SHARE_AT_CLOSE);
        }
        let is_heavy = heap_bytes > self.settings.memory_limit as u64 / HEAP_SHARE;
        let least = if is_heavy { 0 } else { ordinals / UNSAVED_SHARE };
        unsaved >= MIN_UNSAVED.max(least)
    }
}
