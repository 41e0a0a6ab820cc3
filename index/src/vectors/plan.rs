//! Whether a search walks the graph or scans.
//!
//! A scan costs a step for each entry that the filter keeps; a walk costs more steps the fewer of the
//! nodes that it meets are wanted. Of `n` entries a filter keeps `c`: looking for `ef` of them, a
//! walk meets about `NODES_PER_EF * ef * n / c` nodes if the filter does not depend on the query.
//!
//! If it does, what is near the query is kept more often, or less, than the rest. That shows on the way: a
//! walk is judged once by the share that it has met, and given up if by that share it would cost more than the
//! scan. So one is begun, and judged soon, where numbers speak against it but one that meets nothing else than
//! what is wanted would be much cheaper. Whatever it has met, it is given up once it has cost as much as the scan,
//! so that a search never costs more than twice what the better way does.
//!
//! **Invariant:** what is begun depends on numbers of entries alone, never on vectors; what a walk meets can only
//! end it, for a scan.

use roaring::RoaringBitmap;

use super::search::{Effort, Search};
use super::view::VectorView;

/// Nodes that a walk looks at for each one that it keeps.
const NODES_PER_EF: u64 = 14;

/// What looking at a node of the graph costs, in codes scanned in their order …
const NODE_COST: u64 = 6;

/// … and what visiting the entry of an ordinal does.
const VISIT_COST: u64 = 4;

/// A walk is judged when it has cost this part of the scan …
const TRIAL_SHARE: u64 = 8;

/// … or this one, if by numbers the scan is cheaper …
const DOUBTFUL_SHARE: u64 = 32;

/// … and the best that there can be so many times cheaper than the scan.
const DOUBTFUL_GAIN: u64 = 2;

/// How candidates were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// By looking at every entry in the filter.
    Scan,
    /// By walking the graph, and looking at every entry that is not in it yet.
    Walk,
    /// By a walk that led too far, and then a scan.
    WalkThenScan,
}

impl Strategy {
    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Walk => "walk",
            Self::WalkThenScan => "walk, then scan",
        }
    }
}

/// How a search went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// How candidates were found.
    pub strategy: Strategy,
    /// Entries of the graph when the search began; a walk scans the others.
    pub linked: usize,
    /// Nodes that a walk under a filter, or among dead ones, looked at.
    pub walked: usize,
    /// Full vectors that were fetched.
    pub fetched: usize,
    /// Nodes that a walk may look at before it is given up.
    pub(super) allowance: usize,
    /// Nodes after which it is judged by what it has met.
    pub(super) trial: usize,
    /// Entries that a walk should find, if it keeps so many.
    pub(super) expected: usize,
}

impl Plan {
    /// Will a walk cost more than a scan that has met so many nodes and wanted some of them?
    pub(super) fn is_hopeless(&self, ef: usize, met: usize, wanted: usize) -> bool {
        let nodes = NODES_PER_EF.saturating_mul(ef as u64).saturating_mul(met as u64);
        nodes > (self.allowance as u64).saturating_mul(wanted as u64)
    }
}

/// Is visiting the entries of a filter cheaper than scanning all codes?
pub(super) fn is_sparse(filter: &RoaringBitmap, entries: usize) -> bool {
    filter.len().saturating_mul(VISIT_COST) <= entries as u64
}

/// Chooses how to search.
pub(super) fn choose(view: &VectorView, search: &Search<'_>) -> Plan {
    let entries = view.entries.len() as u64;
    let linked = view.linked() as u64;
    let wanted = search.filter.map_or(entries, |filter| filter.len().min(entries));
    let scan = entries.min(wanted.saturating_mul(VISIT_COST));
    // What a walk costs that meets so many nodes for so many that it wants.
    let walk = |(meets, wants): (u64, u64)| match search.effort {
        Effort::Exact => u64::MAX,
        Effort::Ef(ef) => {
            let nodes = NODES_PER_EF.saturating_mul(ef.max(search.k) as u64);
            let met = nodes.saturating_mul(meets) / wants.max(1);
            met.saturating_mul(NODE_COST).saturating_add(entries - linked)
        }
    };
    let candidates = wanted.min(view.live() as u64);
    let may_walk = linked > 0 && candidates > search.scan_below as u64;
    let (strategy, share) = if may_walk && walk((entries, wanted)) < scan {
        (Strategy::Walk, TRIAL_SHARE)
    } else if may_walk && walk((1, 1)).saturating_mul(DOUBTFUL_GAIN) < scan {
        (Strategy::Walk, DOUBTFUL_SHARE)
    } else {
        (Strategy::Scan, 1)
    };
    // What is dead, and what is not linked, may be what the filter keeps.
    let missing = (entries - view.live() as u64) + (entries - linked);
    Plan {
        strategy,
        linked: linked as usize,
        walked: 0,
        fetched: 0,
        allowance: (scan / NODE_COST) as usize,
        trial: (scan / NODE_COST / share) as usize,
        expected: wanted.saturating_sub(missing) as usize,
    }
}
