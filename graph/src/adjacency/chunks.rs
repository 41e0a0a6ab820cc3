//! A list that one thread extends while others read, of items that can be written through `&`.
//!
//! Chunks double in size and never move, so that growing copies nothing and a reader takes no lock.
//! Items are made of atomics, which cost nothing to read: no `unsafe` is needed.
//!
//! **Invariant:** an item exists from the first [`Chunks::slot`] of its chunk on; who was told of an item
//! after it was written sees what was written. Only this folder calls it.

use std::sync::OnceLock;

/// Items of the first chunk; chunk `c` has `FIRST << c`.
const FIRST: usize = 64;

/// Chunks at most: as many items as a `u32` counts.
const CHUNKS: usize = 26;

/// See the module.
pub(super) struct Chunks<T>([OnceLock<Box<[T]>>; CHUNKS]);

/// The chunk of item `at`, and its place in there.
#[inline]
fn locate(at: u32) -> (usize, usize) {
    let shifted = at as usize + FIRST;
    let chunk = (shifted.ilog2() - FIRST.ilog2()) as usize;
    (chunk, shifted - (FIRST << chunk))
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
        let items = || (0..FIRST << chunk).map(|_| T::default()).collect();
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
        for at in 0..FIRST * 31 {
            assert_eq!(locate(at as u32), expected);
            expected.1 += 1;
            if expected.1 == FIRST << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert_eq!(locate(u32::MAX - FIRST as u32).0, CHUNKS - 1);
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
        assert_eq!(
            chunks.heap_bytes(),
            4 * FIRST * 31,
            "1,000 items fill four chunks and begin a fifth"
        );
    }
}
