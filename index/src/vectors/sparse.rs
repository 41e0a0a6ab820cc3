//! A table from `u32` to `u64` that one thread fills while others read.
//!
//! A radix tree of four levels: a page of 256 values is allocated when the first of them is
//! stored, and nothing ever moves or goes away. Dense runs of keys cost 8 bytes a key.
//!
//! **Invariant:** what was stored before a value, under any key of any table, is visible to whoever
//! reads that value. Only this folder calls it; one writer at a time stores.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What a key holds until something is stored.
pub(super) const NONE: u64 = u64::MAX;

const FANOUT: usize = 256;

struct Node<T>([OnceLock<Box<T>>; FANOUT]);

struct Page([AtomicU64; FANOUT]);

impl<T> Node<T> {
    fn new() -> Self {
        Self([const { OnceLock::new() }; FANOUT])
    }
}

/// See the module.
pub(super) struct SparseTable {
    root: Node<Node<Node<Page>>>,
    heap_bytes: AtomicUsize,
}

impl SparseTable {
    pub(super) fn new() -> Self {
        Self { root: Node::new(), heap_bytes: AtomicUsize::new(0) }
    }

    /// The value stored last under `key`, or [`NONE`].
    pub(super) fn get(&self, key: u32) -> u64 {
        let [a, b, c, d] = key.to_be_bytes().map(usize::from);
        self.root.0[a]
            .get()
            .and_then(|node| node.0[b].get())
            .and_then(|node| node.0[c].get())
            .map_or(NONE, |page| page.0[d].load(Ordering::Acquire))
    }

    pub(super) fn store(&self, key: u32, value: u64) {
        let [a, b, c, d] = key.to_be_bytes().map(usize::from);
        let node = self.grown(&self.root.0[a], Node::new);
        let node = self.grown(&node.0[b], Node::new);
        let page = self.grown(&node.0[c], || Page([const { AtomicU64::new(NONE) }; FANOUT]));
        page.0[d].store(value, Ordering::Release);
    }

    fn grown<'a, T>(&self, slot: &'a OnceLock<Box<T>>, new: fn() -> T) -> &'a T {
        slot.get_or_init(|| {
            self.heap_bytes.fetch_add(size_of::<T>(), Ordering::Relaxed);
            Box::new(new())
        })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.heap_bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_is_a_map(
            stores in proptest::collection::vec((prop_oneof![0_u32..600, any::<u32>()], any::<u64>()), 0..60),
            misses in proptest::collection::vec(any::<u32>(), 0..10),
        ) {
            let table = SparseTable::new();
            let mut model = BTreeMap::new();
            for &(key, value) in &stores {
                table.store(key, value);
                model.insert(key, value);
            }
            for key in stores.iter().map(|store| store.0).chain(misses) {
                prop_assert_eq!(table.get(key), model.get(&key).copied().unwrap_or(NONE));
            }
        }
    }
}
