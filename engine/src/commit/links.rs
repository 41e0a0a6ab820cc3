//! Links: rows that lead from an end to its edges, for a graph that is too large to be held in memory.
//!
//! As long as the adjacency is held it knows what is at an end, and links would be two rows an edge at random places of
//! their table, for each commit. They are written once the graph has outgrown its memory: those of new edges from then on
//! with every commit, those of the others in steps beside the writers. Then the adjacency is let go.
//!
//! **Invariant:** an edge has both of its links or none, by its number. The adjacency is let go only when all edges have
//! theirs, and from then on all always have.

use super::committer::{Committer, Repair, State};
use super::write_set::WriteSet;
use crate::ids::EdgeId;
use crate::knowledge::{LINK_LEN, Side, access_edge, link_key};
use crate::planted::{self, Defect};
use crate::rows::Pinned;
use crate::schema::{self, Table, edge_key, fact, read_u64};
use crate::{Error, Result};
use redb::{ReadableTable, WriteTransaction};
use std::sync::Arc;

/// Edges that get their links in one step.
const STEP: usize = 4_096;

/// Which edges have links: those whose number is less than `below`, and those from `from` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Linked {
    below: u64,
    from: u64,
}

impl Linked {
    const NONE: Linked = Linked { below: 0, from: u64::MAX };

    /// As a file says it.
    pub(crate) fn load(rows: &Pinned) -> Result<Linked> {
        let facts = rows.transaction().open_table(schema::FACTS)?;
        let Some(row) = facts.get(fact::LINKED)? else { return Ok(Linked::NONE) };
        let row = row.value().as_chunks::<8>();
        let ([below, from], []) = row else {
            return Err(Error::corruption("facts", "which edges have links", "other bytes"));
        };
        Ok(Linked { below: u64::from_le_bytes(*below), from: u64::from_le_bytes(*from) })
    }

    fn store(self, transaction: &WriteTransaction) -> Result<()> {
        let row = [self.below.to_le_bytes(), self.from.to_le_bytes()].concat();
        transaction.open_table(schema::FACTS)?.insert(fact::LINKED, row.as_slice())?;
        Ok(())
    }

    /// Has this edge its links?
    pub(crate) fn has(self, id: EdgeId) -> bool {
        id.0 < self.below || id.0 >= self.from
    }

    /// Have all edges theirs?
    pub(crate) fn is_complete(self) -> bool {
        self.below >= self.from
    }
}

impl Committer {
    /// Has the graph outgrown its memory, while edges are still without links?
    pub(crate) fn are_links_due(&self) -> bool {
        are_due(&self.state.lock())
    }

    /// Gives a bounded number of edges their links. Returns the bytes of these; `None` if none are due.
    pub(crate) fn link_step(&self) -> Result<Option<u64>> {
        if !self.are_links_due() {
            return Ok(None);
        }
        self.with_state(Repair::Walk, |state, transaction, _| {
            let mut linked = state.linked;
            linked.from = linked.from.min(state.chain.next_memory.0);
            let keys = keys_of(&transaction, &mut linked)?;
            let bytes = (keys.len() * LINK_LEN) as u64;
            write(&transaction, keys.into_iter().map(|key| (key, true)).collect())?;
            linked.store(&transaction)?;
            self.commit_rows(transaction)?;
            state.set_linked(linked);
            Ok(Some(bytes))
        })
    }

    /// Gives all edges their links if they are due, where the file comes to rest.
    pub(crate) fn link_at_rest(&self) -> Result<()> {
        while self.link_step()?.is_some() {}
        Ok(())
    }
}

fn are_due(state: &State) -> bool {
    !state.linked.is_complete() && state.indexes.knowledge.is_too_large()
}

/// The keys of the next links, on which `linked` goes on.
fn keys_of(transaction: &WriteTransaction, linked: &mut Linked) -> Result<Vec<[u8; LINK_LEN]>> {
    let edges = transaction.open_table(Table::Edges.definition())?;
    let (first, end) = (edge_key(EdgeId(linked.below)), edge_key(EdgeId(linked.from)));
    if first >= end {
        return Ok(Vec::new());
    }
    let mut keys = Vec::new();
    linked.below = linked.from;
    for (count, row) in edges.range(first.as_slice()..end.as_slice())?.enumerate() {
        let (key, row) = row?;
        let bad = || Error::corruption("edge key", "eight bytes", "another length");
        let id = read_u64(key.value()).map(EdgeId).ok_or_else(bad)?;
        if count == STEP {
            linked.below = id.0;
            break;
        }
        let ends = access_edge(row.value())?.ends();
        keys.extend([Side::Out, Side::In].map(|side| link_key(side, ends, id)));
    }
    Ok(keys)
}

/// Writes the links of the edges that these sets make, and removes those of what they remove.
pub(super) fn write_links(
    transaction: &WriteTransaction,
    linked: Linked,
    sets: &[Arc<WriteSet>],
) -> Result<()> {
    let sides = if planted::is(Defect::EdgeHalfLinked) { 1 } else { 2 };
    let mut rows = Vec::new();
    for set in sets {
        let made = set.edges.made().iter().map(|(id, ends)| (*id, *ends, true));
        let removed = set.edges.removed().iter().map(|(id, ends)| (EdgeId(*id), *ends, false));
        for (id, ends, is_there) in made.chain(removed).filter(|(id, ..)| linked.has(*id)) {
            let sides = [Side::Out, Side::In].into_iter().take(sides);
            rows.extend(sides.map(|side| (link_key(side, ends, id), is_there)));
        }
    }
    write(transaction, rows)
}

/// Writes and removes links, the later deciding.
fn write(transaction: &WriteTransaction, mut rows: Vec<([u8; LINK_LEN], bool)>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by_key(|(key, _)| *key);
    let mut links = transaction.open_table(Table::Links.definition())?;
    for (key, is_there) in rows {
        if is_there {
            links.insert(key.as_slice(), [].as_slice())?;
        } else {
            links.remove(key.as_slice())?;
        }
    }
    Ok(())
}
