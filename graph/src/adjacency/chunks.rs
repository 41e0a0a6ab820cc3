//! A list that one thread extends while others read, of items that can be written through `&`.
//!
//! Chunks never move, so that growing copies nothing and a reader takes no lock. They double in size every
//! eight: at most an eighth is there ahead of its use.
//! Items are made of atomics, which cost nothing to read: no `unsafe` is needed.
//!
//! **Invariant:** an item exists from the first [`Chunks::slot`] of its chunk on; who was told of an item
//! after it was written sees what was written. Only this folder calls it.

use std::sync::OnceLock;

/// Items of each of the first chunks; those of level `l` have `FIRST << l`.
const FIRST: usize = 8;

/// Chunks of one size.
const ALIKE: usize = 8;

/// Chunks at most: as many items as a `u32` counts.
const CHUNKS: usize = 27 * ALIKE;

/// See the module.
pub(super) struct Chunks<T>([OnceLock<Box<[T]>>; CHUNKS]);

/// The chunk of item `at`, and its place in there.
#[inline]
fn locate(at: u32) -> (usize, usize) {
    let shifted = at as usize + FIRST * ALIKE;
    let level = (shifted / (FIRST * ALIKE)).ilog2() as usize;
    // Of a level the first item has only its highest bit, and each chunk as many items.
    let len = FIRST << level;
    (level * ALIKE + shifted / len - ALIKE, shifted & (len - 1))
}

impl<T: Default> Chunks<T> {
    pub(super) fn new() -> Self {
        Self([const { OnceLock::new() }; CHUNKS])
    }

    /// The item `at`, if its chunk exists.
    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<&T> {
        let (chunk, place) = locate(at);
        self.0.get(chunk)?.get()?.get(place)
    }

    /// The item `at`, which is made if need be.
    ///
    /// # Panics
    /// If `at` is beyond the last chunk, which is beyond what a delta can have.
    pub(super) fn slot(&self, at: u32) -> &T {
        let (chunk, place) = locate(at);
        let items = || (0..FIRST << (chunk / ALIKE)).map(|_| T::default()).collect();
        &self.0[chunk].get_or_init(items)[place]
    }

    /// Memory of the chunks that exist.
    pub(super) fn heap_bytes(&self) -> usize {
        let items: usize = self.0.iter().filter_map(OnceLock::get).map(|chunk| chunk.len()).sum();
        items * size_of::<T>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn chunks_tile_the_items() {
        let mut expected = (0, 0);
        for at in 0..FIRST * ALIKE * 31 {
            assert_eq!(locate(at as u32), expected);
            expected.1 += 1;
            if expected.1 == FIRST << (expected.0 / ALIKE) {
                expected = (expected.0 + 1, 0);
            }
        }
        assert!(locate(u32::MAX).0 < CHUNKS);
    }

    #[test]
    fn items_keep_their_place_while_others_come() {
        let chunks: Chunks<AtomicU32> = Chunks::new();
        assert!(chunks.get(0).is_none());
        for at in 0..1000 {
            chunks.slot(at).store(at + 1, Ordering::Relaxed);
        }
        for at in 0..1000 {
            assert_eq!(chunks.get(at).map(|item| item.load(Ordering::Relaxed)), Some(at + 1));
        }
        assert!((4_000..4_500).contains(&chunks.heap_bytes()), "hardly more than it holds");
    }
}
