//! A map that is mostly filled in the order of its keys, as numbers are given.
//!
//! **Invariant:** the keys of the run ascend, and each of the rest is below the last of them: what comes behind
//! all others is put down without a search.

use std::borrow::Borrow;
use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;
use std::slice;

/// See the module.
pub(crate) struct Ascending<K, V> {
    run: Vec<(K, V)>,
    rest: BTreeMap<K, V>,
}

impl<K, V> Default for Ascending<K, V> {
    fn default() -> Self {
        Ascending { run: Vec::new(), rest: BTreeMap::new() }
    }
}

impl<K: Ord, V> Ascending<K, V> {
    pub(crate) fn is_empty(&self) -> bool {
        self.run.is_empty()
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match self.find(key) {
            Some(at) => Some(&self.run[at].1),
            None => self.rest.get(key),
        }
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        match self.find(key) {
            Some(at) => Some(&mut self.run[at].1),
            None => self.rest.get_mut(key),
        }
    }

    /// Returns the value that the key had before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if self.run.last().is_none_or(|(last, _)| *last < key) {
            self.run.push((key, value));
            return None;
        }
        match self.find(&key) {
            Some(at) => Some(std::mem::replace(&mut self.run[at].1, value)),
            None => self.rest.insert(key, value),
        }
    }

    /// In the order of keys.
    pub(crate) fn iter(&self) -> Iter<'_, K, V> {
        Iter { run: self.run.iter().peekable(), rest: self.rest.iter().peekable() }
    }

    /// Where in the run a key is.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        // New keys are looked for as well, and most of those lie behind all.
        if self.run.last().is_none_or(|(last, _)| last.borrow() < key) {
            return None;
        }
        self.run.binary_search_by(|(known, _)| known.borrow().cmp(key)).ok()
    }
}

impl<'a, K: Ord, V> IntoIterator for &'a Ascending<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

/// The entries, in the order of keys.
pub(crate) struct Iter<'a, K, V> {
    run: Peekable<slice::Iter<'a, (K, V)>>,
    rest: Peekable<btree_map::Iter<'a, K, V>>,
}

impl<'a, K: Ord, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        // Behind the last of the run there is nothing.
        let (next, _) = self.run.peek()?;
        if let Some(before) = self.rest.next_if(|(key, _)| *key < next) {
            return Some(before);
        }
        self.run.next().map(|(key, value)| (key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.run.len() + self.rest.len();
        (len, Some(len))
    }
}

impl<K: Ord, V> ExactSizeIterator for Iter<'_, K, V> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_a_map_in_whatever_order_it_is_filled(
            runs in proptest::collection::vec((0..60_u8, 1..12_u8, any::<u16>()), 0..20),
            looks in proptest::collection::vec(0..80_u8, 0..20),
        ) {
            let (mut map, mut model) = (Ascending::default(), BTreeMap::new());
            for (from, len, value) in runs {
                for key in from..from + len {
                    prop_assert_eq!(map.insert(key, value), model.insert(key, value));
                }
                if let Some(value) = map.get_mut(&from) {
                    *value ^= 1;
                    *model.get_mut(&from).unwrap() ^= 1;
                }
            }
            prop_assert_eq!(map.is_empty(), model.is_empty());
            prop_assert_eq!(map.iter().len(), model.len());
            prop_assert!(map.iter().eq(&model));
            for key in looks {
                prop_assert_eq!(map.get(&key), model.get(&key));
            }
        }
    }
}
