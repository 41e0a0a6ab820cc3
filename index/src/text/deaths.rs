//! At which sequence each entry of an image died.
//!
//! **Invariant:** an entry dies once; a death never moves. One writer; readers look without a
//! lock. A page costs memory only once an entry of it has died, so that opening costs nothing.

use super::WINDOW;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The sequence at which nothing has died yet.
pub(super) const ALIVE: u64 = u64::MAX;

/// Death sequences of one window.
type Page = Box<[AtomicU64]>;

#[derive(Debug)]
pub(super) struct Deaths {
    pages: Box<[OnceLock<Page>]>,
}

impl Deaths {
    /// For `entries` entries, all alive.
    pub(super) fn new(entries: u32) -> Self {
        Self { pages: (0..entries.div_ceil(WINDOW)).map(|_| OnceLock::new()).collect() }
    }

    /// Marks `entry` as dead from `seq` on; false if it was dead already.
    pub(super) fn kill(&self, entry: u32, seq: u64) -> bool {
        let Some(page) = self.pages.get((entry / WINDOW) as usize) else { return false };
        let page = page.get_or_init(|| (0..WINDOW).map(|_| AtomicU64::new(ALIVE)).collect());
        kill(&page[(entry % WINDOW) as usize], seq)
    }

    /// The deaths in the window that begins at `first`, if there are any.
    pub(super) fn window(&self, first: u32) -> Option<&[AtomicU64]> {
        self.pages.get((first / WINDOW) as usize)?.get().map(|page| &page[..])
    }

    pub(super) fn is_live(&self, entry: u32, seq: u64) -> bool {
        self.window(entry - entry % WINDOW)
            .is_none_or(|page| is_live(&page[(entry % WINDOW) as usize], seq))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let touched = self.pages.iter().filter(|page| page.get().is_some()).count();
        size_of_val(&*self.pages) + touched * WINDOW as usize * size_of::<AtomicU64>()
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
