//! A persistent map from `u32` to `T`: a radix tree of shared nodes.
//!
//! **Invariant:** a clone costs one reference count and never changes; writing through one copy
//! copies the nodes on one path, at most eight of sixteen slots each, and only those that another
//! copy still shares. For the row blocks and postings of this index only.

use std::sync::Arc;

const BITS: u32 = 4;
const FANOUT: usize = 1 << BITS;

#[derive(Clone)]
enum Node<T> {
    Inner([Option<Arc<Node<T>>>; FANOUT]),
    Leaf([Option<T>; FANOUT]),
}

#[derive(Clone)]
pub(super) struct Trie<T> {
    root: Arc<Node<T>>,
    /// Inner levels above the leaves.
    height: u32,
    nodes: usize,
}

impl<T: Clone> Trie<T> {
    pub(super) fn new() -> Self {
        Self { root: Arc::new(Node::Leaf([const { None }; FANOUT])), height: 0, nodes: 1 }
    }

    pub(super) fn get(&self, key: u32) -> Option<&T> {
        if !covers(self.height, key) {
            return None;
        }
        let mut node = &*self.root;
        let mut level = self.height;
        loop {
            match node {
                Node::Leaf(slots) => return slots[digit(key, 0)].as_ref(),
                Node::Inner(children) => {
                    node = children[digit(key, level)].as_deref()?;
                    level -= 1;
                }
            }
        }
    }

    /// The slot of `key`, to fill, change or empty.
    pub(super) fn slot(&mut self, key: u32) -> &mut Option<T> {
        while !covers(self.height, key) {
            let mut children = [const { None }; FANOUT];
            children[0] = Some(Arc::clone(&self.root));
            self.root = Arc::new(Node::Inner(children));
            self.height += 1;
            self.nodes += 1;
        }
        let mut node = &mut self.root;
        let mut level = self.height;
        loop {
            match Arc::make_mut(node) {
                Node::Leaf(slots) => return &mut slots[digit(key, 0)],
                Node::Inner(children) => {
                    let child = &mut children[digit(key, level)];
                    level -= 1;
                    node = child.get_or_insert_with(|| {
                        self.nodes += 1;
                        Arc::new(if level == 0 {
                            Node::Leaf([const { None }; FANOUT])
                        } else {
                            Node::Inner([const { None }; FANOUT])
                        })
                    });
                }
            }
        }
    }

    /// Bytes of the nodes; what the values own besides is not counted.
    pub(super) const fn heap_bytes(&self) -> usize {
        self.nodes * size_of::<Node<T>>()
    }
}

const fn covers(height: u32, key: u32) -> bool {
    (key as u64) >> (BITS * (height + 1)) == 0
}

const fn digit(key: u32, level: u32) -> usize {
    (key >> (BITS * level)) as usize % FANOUT
}

#[cfg(test)]
mod tests {
    use super::Trie;

    #[test]
    fn every_key_has_a_slot_of_its_own() {
        let mut trie = Trie::new();
        let keys = [0, 1, 15, 16, 255, 256, 65_535, 65_536, 1 << 28, u32::MAX];
        for key in keys {
            assert_eq!(trie.get(key), None);
            *trie.slot(key) = Some(key);
        }
        for key in keys {
            assert_eq!(trie.get(key), Some(&key));
        }
        assert_eq!(trie.get(2), None);
        assert_eq!(trie.get(u32::MAX - 1), None);
    }

    #[test]
    fn a_clone_keeps_what_it_saw() {
        let mut trie = Trie::new();
        for key in 0..1_000 {
            *trie.slot(key) = Some(key);
        }
        let old = trie.clone();
        *trie.slot(500) = Some(7);
        *trie.slot(501) = None;
        *trie.slot(100_000) = Some(8);
        assert!((0..1_000).all(|key| old.get(key) == Some(&key)));
        assert_eq!(old.get(100_000), None);
        assert_eq!((trie.get(500), trie.get(501), trie.get(100_000)), (Some(&7), None, Some(&8)));
    }
}
