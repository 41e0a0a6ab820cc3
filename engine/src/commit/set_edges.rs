//! Where the edges are that a write set makes and removes: for later looks of its transaction at what is at an
//! end, for the links of them, and for the fold, which no row tells where an edge was.
//!
//! **Invariant:** every edge that the set creates is in here, and every one that it removes.

use crate::ids::EdgeId;
use crate::knowledge::{Ends, LINK_LEN, Side, link_key, read_link};
use crate::sync::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// See the module.
#[derive(Default)]
pub(crate) struct SetEdges {
    made: Vec<(EdgeId, Ends)>,
    removed: BTreeMap<u64, Ends>,
    links: Mutex<Links>,
}

/// The keys that links of made edges have, as far as somebody has asked for any.
#[derive(Default)]
struct Links {
    /// Edges whose keys are in here.
    made: usize,
    keys: BTreeSet<[u8; LINK_LEN]>,
}

impl SetEdges {
    pub(crate) fn make(&mut self, id: EdgeId, ends: Ends) {
        self.made.push((id, ends));
    }

    pub(crate) fn remove(&mut self, id: EdgeId, ends: Ends) {
        self.removed.insert(id.0, ends);
    }

    /// Those that were made, though some of them may have been removed again.
    pub(crate) fn made(&self) -> &[(EdgeId, Ends)] {
        &self.made
    }

    pub(crate) fn removed(&self) -> &BTreeMap<u64, Ends> {
        &self.removed
    }

    /// Those that were made and whose links begin with `prefix`. The first to ask pays for all that were made.
    pub(crate) fn each_with(&self, prefix: &[u8], mut each: impl FnMut(EdgeId, Ends)) {
        if self.made.is_empty() {
            return;
        }
        let mut links = self.links.lock();
        let fresh = std::mem::replace(&mut links.made, self.made.len());
        for (id, ends) in &self.made[fresh..] {
            links.keys.extend([Side::Out, Side::In].map(|side| link_key(side, *ends, *id)));
        }
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let keys = links.keys.range::<[u8], _>(from).take_while(|key| key.starts_with(prefix));
        for (_, ends, id) in keys.filter_map(|key| read_link(key)) {
            each(id, ends);
        }
    }
}
