//! Views: one instant of the whole file, for as long as the caller holds it.
//!
//! **Invariant:** everything that a View answers is of one commit, except that expiry moves with
//! the clock. A View never blocks a writer. The newest View is never revoked.

use crate::access::Accesses;
use crate::clock::Clock;
use crate::commit::Chain;
use crate::derived::{Indexes, Versions};
use crate::embed::Embedders;
use crate::embeddings::Embeddings;
use crate::error::Detail;
use crate::ids::Seq;
use crate::knowledge::GraphAnswers;
use crate::recall::{Admission, Answers};
use crate::rows::Pinned;
use crate::sealed::Figures;
use crate::sync::{MappedRwLockReadGuard, Mutex, RwLock, RwLockReadGuard};
use crate::{Error, Result};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// What every View of a handle shares.
pub(crate) struct Shared {
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) accesses: Accesses,
    pub(crate) embedders: Embedders,
    pub(crate) embeddings: Embeddings,
    pub(crate) searches: Admission,
    pub(crate) answers: Answers,
    pub(crate) graph_answers: GraphAnswers,
    /// The process that opened the file.
    pub(crate) pid: u32,
}

impl Shared {
    /// Refuses to go on in a child process: the lock of the file and the threads stayed behind.
    pub(crate) fn check_process(&self) -> Result<()> {
        if std::process::id() == self.pid { Ok(()) } else { Err(Detail::Forked.into()) }
    }
}

/// When a View that somebody still holds is taken away from them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ViewLimits {
    pub(crate) max_age_ms: i64,
    /// Bytes committed after the View, whose space its pages keep from being used again.
    pub(crate) max_bytes: u64,
}

/// One instant of the file: rows, attributes, text and vectors of the same commit.
///
/// Cheap to get and to clone, and usable from any thread. Hold one while several reads must agree
/// with each other, and drop it then: it keeps replaced pages from being used again, and is
/// revoked (reads answer [`SnapshotExpired`](crate::ErrorKind::SnapshotExpired)) beyond the age and
/// size that [`Options`](crate::Options) allow.
///
/// ```
/// # let db = memlith::Options::new().in_memory()?;
/// let id = db.remember(memlith::NewMemory::new("before"))?;
/// let view = db.read()?;
/// db.update(id, &memlith::Patch::new().content("after"))?;
/// assert_eq!(view.get(id)?.unwrap().content, "before");
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone)]
pub struct View {
    inner: Arc<Inner>,
}

struct Inner {
    chain: Chain,
    born_ms: i64,
    /// Bytes that the handle had committed when the View was born.
    born_bytes: u64,
    rows: RwLock<Option<Pinned>>,
    /// Its rows were taken for a moment, and could not be had again: the handle is latched.
    is_lost: AtomicBool,
    versions: Versions,
    sealed: Arc<Figures>,
    shared: Arc<Shared>,
}

/// The rows of a View, kept from revocation while this is held.
pub(crate) type RowsGuard<'a> = MappedRwLockReadGuard<'a, Pinned>;

impl View {
    /// The commit that this View shows.
    pub fn seq(&self) -> Seq {
        self.inner.chain.seq
    }

    /// When that commit was made, in milliseconds since 1970; `None` if there was none yet.
    pub fn time_ms(&self) -> Option<i64> {
        (self.inner.chain.seq > Seq(0)).then_some(self.inner.chain.time_ms)
    }

    pub(crate) fn chain(&self) -> Chain {
        self.inner.chain
    }

    pub(crate) fn versions(&self) -> &Versions {
        &self.inner.versions
    }

    /// The sealed vectors in figures.
    pub(crate) fn sealed(&self) -> &Figures {
        &self.inner.sealed
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// The time by which this call judges expiry.
    pub(crate) fn now_ms(&self) -> i64 {
        self.inner.shared.clock.now_ms().max(self.inner.chain.time_ms)
    }

    pub(crate) fn rows(&self) -> Result<RowsGuard<'_>> {
        self.inner.shared.check_process()?;
        RwLockReadGuard::try_map(self.inner.rows.read(), Option::as_ref).map_err(|_| {
            if self.inner.is_lost.load(Ordering::Acquire) {
                return Detail::Latched.into();
            }
            let age = self.inner.shared.clock.now_ms().saturating_sub(self.inner.born_ms);
            Error::from(Detail::SnapshotExpired { age_ms: age.max(0) as u64 })
        })
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("seq", &self.seq()).finish_non_exhaustive()
    }
}

/// The newest View, and those that readers may still hold.
pub(crate) struct Views {
    newest: RwLock<Option<View>>,
    older: Mutex<VecDeque<Weak<Inner>>>,
    committed_bytes: Mutex<u64>,
    limits: ViewLimits,
    shared: Arc<Shared>,
}

impl Views {
    pub(crate) fn new(shared: Arc<Shared>, limits: ViewLimits) -> Self {
        Views {
            newest: RwLock::new(None),
            older: Mutex::new(VecDeque::new()),
            committed_bytes: Mutex::new(0),
            limits,
            shared,
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Makes the present state of the indexes, with the rows of the same commit, the newest View.
    pub(crate) fn publish(&self, rows: Pinned, indexes: &Indexes, chain: Chain, bytes: u64) {
        let born_bytes = {
            let mut committed = self.committed_bytes.lock();
            *committed += bytes;
            *committed
        };
        let inner = Arc::new(Inner {
            chain,
            born_ms: self.shared.clock.now_ms(),
            born_bytes,
            sealed: rows.sealed().figures().clone(),
            rows: RwLock::new(Some(rows)),
            is_lost: AtomicBool::new(false),
            versions: indexes.versions(chain.seq),
            shared: self.shared.clone(),
        });
        let before = self.newest.write().replace(View { inner });
        if let Some(view) = before {
            let mut older = self.older.lock();
            older.push_back(Arc::downgrade(&view.inner));
            drop(view);
            older.retain(|v| v.strong_count() > 0);
        }
        self.revoke_expired();
    }

    pub(crate) fn current(&self) -> View {
        // Published before the handle exists, and only ever replaced.
        self.newest.read().clone().expect("a view is published on opening")
    }

    /// Takes the rows of Views away that are past their limits. One that is being read at this
    /// moment is left for the next time.
    pub(crate) fn revoke_expired(&self) {
        self.each_expired(|view| {
            if let Some(mut rows) = view.rows.try_write() {
                *rows = None;
            }
        });
    }

    /// Is there a View past its limits that still has its rows?
    pub(crate) fn has_expired(&self) -> bool {
        let mut found = false;
        self.each_expired(|view| found |= view.rows.read().is_some());
        found
    }

    fn each_expired(&self, mut each: impl FnMut(&Inner)) {
        let now_ms = self.shared.clock.now_ms();
        let committed = *self.committed_bytes.lock();
        for view in self.older.lock().iter().filter_map(Weak::upgrade) {
            let is_old = now_ms.saturating_sub(view.born_ms) > self.limits.max_age_ms;
            let is_large = committed - view.born_bytes > self.limits.max_bytes;
            if is_old || is_large {
                each(&view);
            }
        }
    }

    /// Runs `work` while the newest View has no rows: whoever reads them waits. `None`, and nothing
    /// is run, if somebody reads them just now. `renew` must give rows of the same commit; if it fails, reads
    /// of the View do from then on, and the caller must latch the handle.
    pub(crate) fn without_rows<T>(
        &self,
        work: impl FnOnce() -> Result<T>,
        renew: impl FnOnce() -> Result<Pinned>,
    ) -> Result<Option<T>> {
        let view = self.current();
        let Some(mut rows) = view.inner.rows.try_write() else { return Ok(None) };
        *rows = None;
        let done = work();
        let renewed = renew().inspect_err(|_| view.inner.is_lost.store(true, Ordering::Release));
        *rows = Some(renewed?);
        done.map(Some)
    }

    /// Views older than the newest that somebody holds.
    pub(crate) fn held(&self) -> usize {
        self.older.lock().iter().filter(|v| v.strong_count() > 0).count()
    }
}
