//! The log of a damaged file: which of its rows are surely there, and what they say last of each
//! memory.
//!
//! A row found anywhere belongs to the history if the row after it names its hash; the last one
//! does if it was reached from the root of the state that is salvaged. So the history is known from
//! its end backwards, as far as no row is missing.
//!
//! **Invariant:** [`Chain::last`] speaks of commits that are in the history, without a gap up to
//! its end. What it does not name has not changed within the known part.

use crate::commit::log::{ChangeKind, GENESIS, LogRow, Model};
use crate::ids::Seq;
use std::collections::{BTreeMap, HashMap};

/// The end of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tip {
    pub(super) seq: u64,
    pub(super) hash: [u8; 32],
    pub(super) next_memory: u64,
}

impl Tip {
    /// Before the first commit.
    pub(super) const START: Tip = Tip { seq: 0, hash: GENESIS, next_memory: 1 };

    pub(super) fn of(row: &LogRow) -> Self {
        Tip { seq: row.seq.0, hash: row.hash, next_memory: row.next_memory }
    }
}

/// What the log says of a memory: the commitment to its row, or `None` if it is gone.
pub(super) type Last = Option<[u8; 16]>;

/// What of a log row is needed: no texts.
struct Link {
    hash: [u8; 32],
    previous: [u8; 32],
    memories: Box<[(u64, Last)]>,
    /// Nodes and edges, which have no numbers in common.
    graph: Box<[(u64, Last)]>,
    changes_catalog: bool,
}

/// Rows of a log that were found, wherever.
#[derive(Default)]
pub(super) struct Links(BTreeMap<u64, Vec<Link>>);

impl Links {
    /// Takes in a row whose own hash holds. Returns its number.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) -> Option<Seq> {
        let row =
            LogRow::decode(value).ok().filter(|row| key == crate::schema::log_key(row.seq))?;
        let found = self.0.entry(row.seq.0).or_default();
        if found.iter().all(|link| link.hash != row.hash) {
            let of = |models: &[Model]| {
                let changes = row.changes.iter().filter(|c| models.contains(&c.model));
                let last = |kind, commitment| (kind != ChangeKind::Deleted).then_some(commitment);
                changes.map(|c| (c.id, last(c.kind, c.commitment))).collect()
            };
            found.push(Link {
                hash: row.hash,
                previous: row.previous,
                memories: of(&[Model::Memory]),
                graph: of(&[Model::Node, Model::Edge]),
                changes_catalog: row.changes.iter().any(|c| c.model.is_of_catalog()),
            });
        }
        Some(row.seq)
    }
}

/// The history up to a tip.
pub(super) struct Chain {
    tip: Option<Tip>,
    /// The first commit of the known part.
    from: u64,
    rows: u64,
    last: HashMap<u64, Last>,
    last_of_graph: HashMap<u64, Last>,
    /// The last commit of the known part that changed the catalogue, or 0.
    catalog_changed: u64,
}

impl Chain {
    /// Follows the links back from the tip; without one, nothing is known.
    pub(super) fn new(links: &Links, tip: Option<Tip>) -> Self {
        let from = tip.map_or(u64::MAX, |tip| tip.seq.saturating_add(1));
        let (last, last_of_graph) = (HashMap::new(), HashMap::new());
        let mut chain = Chain { tip, from, rows: 0, last, last_of_graph, catalog_changed: 0 };
        let Some(Tip { mut seq, mut hash, .. }) = tip else { return chain };
        while let Some(link) = links.0.get(&seq).and_then(|l| l.iter().find(|l| l.hash == hash)) {
            for (id, last) in &link.memories {
                chain.last.entry(*id).or_insert(*last);
            }
            for (id, last) in &link.graph {
                chain.last_of_graph.entry(*id).or_insert(*last);
            }
            if link.changes_catalog && chain.catalog_changed == 0 {
                chain.catalog_changed = seq;
            }
            chain.from = seq;
            chain.rows += 1;
            let Some(before) = seq.checked_sub(1) else { break };
            (seq, hash) = (before, link.previous);
        }
        chain
    }

    /// Rows of it that are known.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// What the log says last of a memory, if the known part names it.
    pub(super) fn last(&self, id: u64) -> Option<Last> {
        self.last.get(&id).copied()
    }

    /// The same of a node or an edge.
    pub(super) fn last_of_graph(&self, id: u64) -> Option<Last> {
        self.last_of_graph.get(&id).copied()
    }

    /// Memories that the known part leaves alive.
    pub(super) fn alive(&self) -> impl Iterator<Item = u64> + '_ {
        self.last.iter().filter(|(_, last)| last.is_some()).map(|(id, _)| *id)
    }

    /// Is what the log does not name the same now as it was after commit `seq`?
    pub(super) fn reaches(&self, seq: u64) -> bool {
        self.tip.is_some_and(|tip| seq <= tip.seq) && seq.saturating_add(1) >= self.from
    }

    /// Is the catalogue the same now as it was after commit `seq`?
    pub(super) fn keeps_catalog_since(&self, seq: u64) -> bool {
        self.reaches(seq) && self.catalog_changed <= seq
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::Change;
    use crate::commit::log::Aspects;
    use crate::schema::log_key;

    const MEMORY: u64 = 7;

    /// Appends a row that commits to a state of the memory. Returns its tip.
    fn append(links: &mut Links, before: Tip, model: Model, commitment: [u8; 16]) -> Tip {
        let kind = ChangeKind::Updated;
        let change = Change { model, id: MEMORY, kind, aspects: Aspects::ALL, commitment };
        let mut row = LogRow {
            seq: Seq(before.seq + 1),
            time_ms: 0,
            previous: before.hash,
            next_memory: 9,
            actor: String::new(),
            reason: String::new(),
            changes: vec![change],
            hash: GENESIS,
        };
        let bytes = row.seal();
        assert_eq!(links.add(&log_key(row.seq), &bytes), Some(row.seq));
        Tip::of(&row)
    }

    #[test]
    fn what_the_last_row_says_holds_and_what_did_not_happen_does_not() {
        let mut links = Links::default();
        let first = append(&mut links, Tip::START, Model::Memory, [1; 16]);
        let second = append(&mut links, first, Model::Space, [0; 16]);
        // A commit that a crash took back, and the one that came in its place.
        append(&mut links, second, Model::Memory, [2; 16]);
        let third = append(&mut links, second, Model::Memory, [3; 16]);
        append(&mut links, third, Model::Memory, [4; 16]);

        let chain = Chain::new(&links, Some(third));
        assert_eq!((chain.rows(), chain.last(MEMORY)), (3, Some(Some([3; 16]))));
        assert_eq!(chain.alive().collect::<Vec<_>>(), [MEMORY]);
        assert!(chain.reaches(0) && chain.reaches(3) && !chain.reaches(4));
        assert!(chain.keeps_catalog_since(2) && !chain.keeps_catalog_since(1));
        assert_eq!(Chain::new(&links, Some(second)).last(MEMORY), Some(Some([1; 16])));
    }

    #[test]
    fn before_a_row_that_is_missing_nothing_is_known() {
        let mut links = Links::default();
        let first = append(&mut links, Tip::START, Model::Memory, [1; 16]);
        let second = append(&mut Links::default(), first, Model::Memory, [2; 16]);
        let third = append(&mut links, second, Model::Space, [0; 16]);
        let chain = Chain::new(&links, Some(third));
        assert_eq!((chain.rows(), chain.last(MEMORY)), (1, None));
        assert!(chain.reaches(2) && !chain.reaches(1));
        // Without its end nothing of it is.
        let unknown = Chain::new(&links, None);
        assert_eq!((unknown.rows(), unknown.last(MEMORY)), (0, None));
        assert!(!unknown.reaches(0) && !unknown.reaches(u64::MAX));
    }

    #[test]
    fn a_row_under_another_key_or_with_other_bytes_is_none() {
        let mut links = Links::default();
        let tip = append(&mut links, Tip::START, Model::Memory, [1; 16]);
        assert_eq!(links.add(&log_key(Seq(tip.seq)), b"no row"), None);
        let mut row = LogRow {
            seq: Seq(5),
            time_ms: 0,
            previous: tip.hash,
            next_memory: 9,
            actor: String::new(),
            reason: String::new(),
            changes: Vec::new(),
            hash: GENESIS,
        };
        let bytes = row.seal();
        assert_eq!(links.add(&log_key(Seq(6)), &bytes), None);
    }
}
