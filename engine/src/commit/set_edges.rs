//! Where the edges are that a write set makes and removes: for later looks of its transaction at what is at an
//! end, for the links of them, and for the fold, which no row tells where an edge was.
//!
//! **Invariant:** every edge that the set creates is in here, and every one that it removes. The first to look
//! pays for all that were made until then; who only adds edges pays nothing.

use crate::ids::EdgeId;
use crate::knowledge::{Ends, Entity};
use crate::sync::Mutex;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// See the module.
#[derive(Default)]
pub(crate) struct SetEdges {
    made: Vec<(EdgeId, Ends)>,
    removed: BTreeMap<u64, Ends>,
    at_ends: Mutex<AtEnds>,
    between: Mutex<Between>,
}

/// Which of the first so many are at an end.
#[derive(Default)]
struct AtEnds {
    known: usize,
    /// The code of an end, and which edge of those that were made.
    places: BTreeSet<(u64, usize)>,
}

/// Which of the first so many lead from one end to another.
#[derive(Default)]
struct Between {
    /// For each that is known, the one before it between the same two.
    before: Vec<Option<usize>>,
    last: HashMap<Ends, usize>,
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

    /// Those among the made ones that are at an end; a loop twice.
    pub(crate) fn made_at(&self, end: Entity) -> Vec<(EdgeId, Ends)> {
        if self.made.is_empty() {
            return Vec::new();
        }
        let mut at_ends = self.at_ends.lock();
        let known = std::mem::replace(&mut at_ends.known, self.made.len());
        for (place, (_, ends)) in self.made.iter().enumerate().skip(known) {
            at_ends.places.extend([(ends.source, place), (ends.target, place)]);
        }
        let places = at_ends.places.range((end.code(), 0)..=(end.code(), usize::MAX));
        places.map(|(_, place)| self.made[*place]).collect()
    }

    /// Those among the made ones that are of a kind and lead from one end to another.
    pub(crate) fn made_between(&self, ends: Ends) -> Vec<EdgeId> {
        if self.made.is_empty() {
            return Vec::new();
        }
        let Between { before, last } = &mut *self.between.lock();
        for (place, (_, ends)) in self.made.iter().enumerate().skip(before.len()) {
            before.push(last.insert(*ends, place));
        }
        let newest = last.get(&ends).copied();
        let places = std::iter::successors(newest, |place| before[*place]);
        places.map(|place| self.made[place].0).collect()
    }
}
