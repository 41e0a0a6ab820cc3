//! What is kept while there is room for it: what was not used for longest goes first.
//!
//! **Invariant:** all that is kept takes no more bytes than it may, as whoever keeps it counts them, and each
//! key stands once in the order of use.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

struct Kept<V> {
    value: V,
    bytes: u64,
    used: u64,
}

/// Values by their keys, within a limit in bytes.
pub(crate) struct RecentlyUsed<K, V> {
    kept: HashMap<K, Kept<V>>,
    /// Keys by when they were last used.
    order: BTreeMap<u64, K>,
    clock: u64,
    limit_bytes: u64,
    bytes: u64,
    hits: u64,
    misses: u64,
}

impl<K: Clone + Eq + Hash, V> RecentlyUsed<K, V> {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self {
            kept: HashMap::new(),
            order: BTreeMap::new(),
            clock: 0,
            limit_bytes,
            bytes: 0,
            hits: 0,
            misses: 0,
        }
    }

    pub(crate) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// How often a value was found, and how often none.
    pub(crate) fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits, self.misses)
    }

    /// The value of a key, if it is one that `is_it` takes. That counts as a use of it.
    pub(crate) fn find(&mut self, key: &K, is_it: impl FnOnce(&V) -> bool) -> Option<&V> {
        let Some(found) = self.kept.get_mut(key).filter(|kept| is_it(&kept.value)) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        self.order.remove(&found.used);
        self.clock += 1;
        found.used = self.clock;
        self.order.insert(self.clock, key.clone());
        Some(&found.value)
    }

    /// Keeps a value in place of the one before, and of those that were not used for longest. One that takes
    /// more than all may is not kept.
    pub(crate) fn put(&mut self, key: K, value: V, bytes: usize) {
        let bytes = bytes as u64;
        self.remove(&key);
        if bytes > self.limit_bytes {
            return;
        }
        while self.bytes + bytes > self.limit_bytes {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.remove(&oldest);
        }
        self.clock += 1;
        self.order.insert(self.clock, key.clone());
        self.bytes += bytes;
        self.kept.insert(key, Kept { value, bytes, used: self.clock });
    }

    fn remove(&mut self, key: &K) {
        if let Some(gone) = self.kept.remove(key) {
            self.order.remove(&gone.used);
            self.bytes -= gone.bytes;
        }
    }
}
