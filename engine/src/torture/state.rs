//! What the file holds at one commit, and all commits of a run.
//!
//! **Invariant:** two states are equal exactly if every row of every user table, every vector
//! whether it is a row or sealed, and the chain of the log, are. Which edges have links no commit says.

use super::actions::Known;
use crate::Result;
use crate::ids::SpaceId;
use crate::knowledge::NodeRow;
use crate::memory::{MemoryRow, SpaceVector};
use crate::rows::Rows;
use crate::schema::{Table, read_u64, vector_key};
use crate::view::View;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// Everything that a commit left behind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    /// The end of the chain: equal only if the whole log was.
    head: [u8; 32],
    /// Digest of each row, by table and key.
    rows: BTreeMap<(Table, Vec<u8>), u128>,
}

impl State {
    /// All that a View shows.
    pub(super) fn of(view: &View) -> Result<State> {
        let rows = view.rows()?;
        let mut all = BTreeMap::new();
        for table in Table::ALL.into_iter().filter(|table| *table != Table::Links) {
            rows.scan(table, Bound::Unbounded, |key, value| {
                all.insert((table, key.to_vec()), xxh3_128(value));
                Ok(true)
            })?;
        }
        // A vector counts whether it is a row or sealed; a row that nothing names stays foreign.
        let mut note = |key: &[u8], named: Vec<SpaceVector>| {
            for vector in named {
                let owner = read_u64(key).expect("an id");
                let key = vector_key(SpaceId(vector.space), owner);
                let bytes = rows.get(Table::Vectors, &key)?.map_or(0, |bytes| xxh3_128(&bytes));
                all.insert((Table::Vectors, key.to_vec()), bytes);
            }
            Ok(true)
        };
        rows.scan(Table::Memories, Bound::Unbounded, |key, value| {
            note(key, MemoryRow::decode(value)?.vectors)
        })?;
        rows.scan(Table::Nodes, Bound::Unbounded, |key, value| {
            note(key, NodeRow::decode(value)?.vectors)
        })?;
        Ok(State { head: view.chain().hash, rows: all })
    }

    /// What differs, in words.
    pub(super) fn assert_is(&self, expected: &State, seq: u64) {
        for (row, digest) in &expected.rows {
            match self.rows.get(row) {
                None => panic!("row {row:?} of commit {seq} is missing"),
                Some(found) => assert!(found == digest, "row {row:?} is not that of commit {seq}"),
            }
        }
        let foreign = self.rows.keys().find(|row| !expected.rows.contains_key(*row));
        assert_eq!(foreign, None, "a row that commit {seq} does not have");
        assert_eq!(self.head, expected.head, "the log is not that of commit {seq}");
    }
}

/// What a workload knows of the memories there should be, from what it did alone.
pub(super) fn assert_known(view: &View, known: &Known) -> Result<()> {
    let mut left = known.memories.clone();
    view.rows()?.scan(Table::Memories, Bound::Unbounded, |key, value| {
        let row = MemoryRow::decode(value)?;
        let Some(memory) = read_u64(key).and_then(|id| left.remove(&id)) else {
            panic!("a memory that was never remembered: {:?}", row.content);
        };
        assert_eq!(row.content, memory.content);
        assert_eq!(memory.tags, row.tags.iter().cloned().collect(), "tags of {:?}", row.content);
        Ok(true)
    })?;
    assert!(left.is_empty(), "memories are missing: {left:?}");
    known.graph.assert_is(view)
}

/// The commits of one run, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    /// By sequence number; the first is the empty file.
    pub(super) states: Vec<Arc<State>>,
    /// What the workload knew after each.
    pub(super) known: Vec<Arc<Known>>,
    /// Idempotency keys, and the commit that each belongs to.
    pub(super) keys: BTreeMap<String, u64>,
}

impl Timeline {
    pub(super) fn last(&self) -> u64 {
        self.states.len() as u64 - 1
    }

    /// Adds the commit that a View shows.
    pub(super) fn push(&mut self, view: &View, known: Known) -> Result<()> {
        self.push_behind(0, view, known)
    }

    /// Adds the commit that a View shows, behind some that nobody ever sees by themselves: they
    /// share a transaction with it. Adds nothing if it cannot be read.
    pub(super) fn push_behind(&mut self, unseen: usize, view: &View, known: Known) -> Result<()> {
        let expected = (self.states.len() + unseen) as u64;
        assert_eq!(view.seq().0, expected, "one commit, one number");
        assert_known(view, &known)?;
        let state = State::of(view)?;
        let never = Arc::new(State { head: [0xff; 32], rows: BTreeMap::new() });
        self.states.extend((0..unseen).map(|_| never.clone()));
        self.known.extend((0..unseen).map(|_| Arc::default()));
        self.states.push(Arc::new(state));
        self.known.push(Arc::new(known));
        Ok(())
    }

    /// The same, as if nothing had come after `seq`.
    pub(super) fn up_to(&self, seq: u64) -> Timeline {
        let mut cut = self.clone();
        cut.states.truncate(seq as usize + 1);
        cut.known.truncate(seq as usize + 1);
        cut.keys.retain(|_, of| *of <= seq);
        cut
    }
}
