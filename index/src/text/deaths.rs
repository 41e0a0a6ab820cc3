//! At which sequence each entry of a segment died.
//!
//! **Invariant:** an entry dies once; a death never moves. One writer; readers look without a
//! lock. A page costs memory only once an entry of it has died, so that opening costs nothing.

use super::WINDOW;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

/// The sequence at which nothing has died yet.
pub(super) const ALIVE: u64 = u64::MAX;

/// Death sequences of one window.
type Page = Box<[AtomicU64]>;

#[derive(Debug)]
pub(super) struct Deaths {
    pages: Box<[OnceLock<Page>]>,
    /// The dead, in the order in which they died.
    log: RwLock<Vec<u32>>,
}

impl Deaths {
    /// For `entries` entries, all alive.
    pub(super) fn new(entries: u32) -> Self {
        let pages = (0..entries.div_ceil(WINDOW)).map(|_| OnceLock::new()).collect();
        Self { pages, log: RwLock::default() }
    }

    /// Marks `entry` as dead from `seq` on; false if it was dead already.
    pub(super) fn kill(&self, entry: u32, seq: u64) -> bool {
        let Some(page) = self.pages.get((entry / WINDOW) as usize) else { return false };
        let page = page.get_or_init(|| (0..WINDOW).map(|_| AtomicU64::new(ALIVE)).collect());
        let was_live = kill(&page[(entry % WINDOW) as usize], seq);
        if was_live {
            self.log.write().unwrap_or_else(PoisonError::into_inner).push(entry);
        }
        was_live
    }

    /// The deaths in the window that begins at `first`, if there are any.
    pub(super) fn window(&self, first: u32) -> Option<&[AtomicU64]> {
        self.pages.get((first / WINDOW) as usize)?.get().map(|page| &page[..])
    }

    pub(super) fn is_live(&self, entry: u32, seq: u64) -> bool {
        self.died(entry) > seq
    }

    /// The sequence at which an entry died, or [`ALIVE`].
    pub(super) fn died(&self, entry: u32) -> u64 {
        self.window(entry - entry % WINDOW)
            .map_or(ALIVE, |page| page[(entry % WINDOW) as usize].load(Ordering::Relaxed))
    }

    /// How many had died at `seq`.
    pub(super) fn count_at(&self, seq: u64) -> usize {
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner);
        // Sequences ascend, so the last few decide as a rule.
        log.partition_point(|&entry| self.died(entry) <= seq)
    }

    /// The `from`th to die and those after it, up to the `to`th, by ascending entry.
    pub(super) fn between(&self, from: usize, to: usize) -> Vec<u32> {
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner);
        let mut dead = log.get(from..to.min(log.len())).unwrap_or_default().to_vec();
        drop(log);
        dead.sort_unstable();
        dead
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let touched = self.pages.iter().filter(|page| page.get().is_some()).count();
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner).capacity();
        size_of_val(&*self.pages)
            + touched * WINDOW as usize * size_of::<AtomicU64>()
            + log * size_of::<u32>()
    }
}

/// Is an entry that died at `died` still there for a view at `seq`?
pub(super) fn is_live(died: &AtomicU64, seq: u64) -> bool {
    died.load(Ordering::Relaxed) > seq
}

/// Sets a death; false if there is one already. Only the writer calls it, so load and store need
/// not be one step, and a view reads either "alive" or a sequence after its own.
pub(super) fn kill(died: &AtomicU64, seq: u64) -> bool {
    let was_alive = died.load(Ordering::Relaxed) == ALIVE;
    if was_alive {
        died.store(seq, Ordering::Relaxed);
    }
    was_alive
}
