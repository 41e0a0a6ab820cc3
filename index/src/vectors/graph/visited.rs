//! Which nodes a search has met.
//!
//! A byte a node holds the number of the search that met it last, so that forgetting all costs
//! nothing but at every 255th search.
//!
//! **Invariant:** between two calls of [`Visited::clear`] a node is new once.

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Visited {
    met_in: Vec<u8>,
    search: u8,
}

impl Visited {
    /// Forgets all nodes, and makes room for those below `nodes`.
    pub(super) fn clear(&mut self, nodes: usize) {
        if self.met_in.len() < nodes {
            // A quarter more, so that a growing index does not ask at every search.
            self.met_in.resize(nodes + nodes / 4, 0);
        }
        self.search = self.search.wrapping_add(1);
        if self.search == 0 {
            self.met_in.fill(0);
            self.search = 1;
        }
    }

    /// Marks a node. Is it new, and one that there can be?
    #[inline]
    pub(super) fn insert(&mut self, node: u32) -> bool {
        let Some(met_in) = self.met_in.get_mut(node as usize) else { return false };
        std::mem::replace(met_in, self.search) != self.search
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_new_once_in_each_of_many_searches() {
        let mut visited = Visited::default();
        for search in 0..1_000_u32 {
            visited.clear(10);
            let node = search % 7;
            assert!(visited.insert(node) && !visited.insert(node) && visited.insert(node + 1));
            assert!(!visited.insert(100));
        }
        visited.clear(101);
        assert!(visited.insert(100));
    }
}
