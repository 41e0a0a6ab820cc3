//! Which entries of a graph are linked, and who links the next.
//!
//! **Invariant:** every entry below [`linked`](Progress::linked) was claimed and finished, by
//! whichever thread; a claim that is dropped unfinished is handed out again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

/// See the module.
pub(in crate::vectors) struct Progress {
    linked: AtomicU32,
    state: Mutex<State>,
}

struct State {
    /// The next entry that nobody has claimed yet.
    next: u32,
    /// Claims that were given up, lowest first.
    returned: BinaryHeap<Reverse<u32>>,
    /// Entries above `linked` that are finished.
    finished: BinaryHeap<Reverse<u32>>,
}

impl Progress {
    pub(super) fn new(linked: u32) -> Self {
        let state =
            State { next: linked, returned: BinaryHeap::new(), finished: BinaryHeap::new() };
        Self { linked: AtomicU32::new(linked), state: Mutex::new(state) }
    }

    /// How many entries, from the first on, are linked. Their lists are visible to who asks.
    pub(in crate::vectors) fn linked(&self) -> u32 {
        self.linked.load(Ordering::Acquire)
    }

    /// The next entry below `end` that is to be linked, if there is one.
    pub(super) fn claim(&self, end: u32) -> Option<Claim<'_>> {
        let mut state = self.state.lock();
        let entry = match state.returned.peek() {
            Some(&Reverse(entry)) if entry < end => {
                state.returned.pop();
                entry
            }
            _ if state.next < end => {
                state.next += 1;
                state.next - 1
            }
            _ => return None,
        };
        Some(Claim { progress: self, entry, is_finished: false })
    }
}

/// An entry that one thread is to link.
pub(super) struct Claim<'a> {
    progress: &'a Progress,
    pub(super) entry: u32,
    is_finished: bool,
}

impl Claim<'_> {
    /// The entry is linked.
    pub(super) fn finish(mut self) {
        self.is_finished = true;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut state = self.progress.state.lock();
        if !self.is_finished {
            state.returned.push(Reverse(self.entry));
            return;
        }
        state.finished.push(Reverse(self.entry));
        let mut linked = self.progress.linked.load(Ordering::Relaxed);
        while state.finished.peek() == Some(&Reverse(linked)) {
            state.finished.pop();
            linked += 1;
        }
        self.progress.linked.store(linked, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linked_is_what_is_finished_without_a_gap() {
        let progress = Progress::new(2);
        let claims: Vec<_> = (0..3).map(|_| progress.claim(5).unwrap()).collect();
        assert_eq!(claims.iter().map(|claim| claim.entry).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(progress.claim(5).is_none());
        let [first, second, third] = claims.try_into().ok().unwrap();
        third.finish();
        assert_eq!(progress.linked(), 2);
        first.finish();
        assert_eq!(progress.linked(), 3);
        drop(second);
        assert_eq!(progress.linked(), 3);
        let again = progress.claim(5).unwrap();
        assert_eq!(again.entry, 3);
        again.finish();
        assert_eq!(progress.linked(), 5);
        assert_eq!(progress.claim(6).map(|claim| claim.entry), Some(5));
    }
}
