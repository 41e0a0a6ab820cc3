//! What the tail knows of each of its entries.
//!
//! **Invariant:** a slot is written once, before any view can count it, but for its death. One
//! writer; readers look without a lock. Slots never move: a bucket twice the size of the one
//! before is added when the last is full, and each bucket begins at a multiple of [`WINDOW`].

use crate::text::WINDOW;
use crate::text::deaths::{self, ALIVE};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Enough for every `u32`: bucket `b` holds `WINDOW << b` slots.
const BUCKETS: usize = 21;

const _: () = assert!(WINDOW.is_power_of_two() && (WINDOW as u64) << (BUCKETS - 1) == 1 << 32);

/// No entry; ends the chain of [`Slot::previous`].
const NONE: u32 = u32::MAX;

/// One entry of the tail.
#[derive(Debug)]
pub(in crate::text) struct Slot {
    ordinal: AtomicU32,
    length: AtomicU32,
    previous: AtomicU32,
    died: AtomicU64,
}

impl Slot {
    fn vacant() -> Self {
        Self {
            ordinal: AtomicU32::new(0),
            length: AtomicU32::new(0),
            previous: AtomicU32::new(NONE),
            died: AtomicU64::new(ALIVE),
        }
    }

    pub(in crate::text) fn ordinal(&self) -> u32 {
        self.ordinal.load(Ordering::Relaxed)
    }

    /// Terms in the document, with repetition.
    pub(in crate::text) fn length(&self) -> u32 {
        self.length.load(Ordering::Relaxed)
    }

    /// The entry that held this ordinal before.
    pub(in crate::text) fn previous(&self) -> Option<u32> {
        Some(self.previous.load(Ordering::Relaxed)).filter(|&entry| entry != NONE)
    }

    pub(in crate::text) fn is_live(&self, seq: u64) -> bool {
        deaths::is_live(&self.died, seq)
    }

    /// The sequence at which it died, or [`ALIVE`].
    pub(in crate::text) fn died(&self) -> u64 {
        self.died.load(Ordering::Relaxed)
    }

    /// Marks the entry as dead from `seq` on; false if it was dead already.
    pub(in crate::text) fn kill(&self, seq: u64) -> bool {
        deaths::kill(&self.died, seq)
    }
}

#[derive(Debug, Default)]
pub(in crate::text) struct Slots {
    buckets: [OnceLock<Box<[Slot]>>; BUCKETS],
}

impl Slots {
    /// Fills the slot of `entry`. Writer only, in ascending order of entries.
    pub(in crate::text) fn fill(
        &self,
        entry: u32,
        ordinal: u32,
        length: u32,
        previous: Option<u32>,
    ) {
        let (bucket, at) = place(entry);
        let bucket = self.buckets[bucket].get_or_init(|| {
            let slots = u64::from(WINDOW) << bucket;
            (0..slots).map(|_| Slot::vacant()).collect()
        });
        let slot = &bucket[at];
        slot.ordinal.store(ordinal, Ordering::Relaxed);
        slot.length.store(length, Ordering::Relaxed);
        slot.previous.store(previous.unwrap_or(NONE), Ordering::Relaxed);
    }

    /// The slot of `entry`, if its bucket exists.
    pub(in crate::text) fn get(&self, entry: u32) -> Option<&Slot> {
        let (bucket, at) = place(entry);
        self.buckets[bucket].get()?.get(at)
    }

    /// The slots of the window that begins at `first`.
    pub(in crate::text) fn window(&self, first: u32) -> &[Slot] {
        let (bucket, at) = place(first);
        self.buckets[bucket].get().and_then(|b| b.get(at..at + WINDOW as usize)).unwrap_or(&[])
    }

    pub(in crate::text) fn heap_bytes(&self) -> usize {
        self.buckets.iter().filter_map(OnceLock::get).map(|bucket| size_of_val(&**bucket)).sum()
    }
}

/// Bucket of an entry, and its index in there.
fn place(entry: u32) -> (usize, usize) {
    let bucket = (entry / WINDOW + 1).ilog2();
    let first = u64::from(WINDOW) * ((1 << bucket) - 1);
    (bucket as usize, (u64::from(entry) - first) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_one_place_and_windows_do_not_straddle() {
        assert_eq!(place(0), (0, 0));
        assert_eq!(place(WINDOW - 1), (0, 4095));
        assert_eq!(place(WINDOW), (1, 0));
        assert_eq!(place(3 * WINDOW - 1), (1, 2 * 4096 - 1));
        assert_eq!(place(3 * WINDOW), (2, 0));
        assert!(place(u32::MAX).0 < BUCKETS);
        for window in [0, 1, 2, 3, 6, 7, 1000, u32::MAX / WINDOW] {
            let (bucket, at) = place(window * WINDOW);
            assert_eq!(place(window * WINDOW + (WINDOW - 1)), (bucket, at + 4095));
        }
    }
}
