//! What one write transaction wants to change: rows, and the entities they belong to.
//!
//! **Invariant:** `changes` names every entity whose rows differ, with the commitment to its row.
//! A set is plain data: applying it twice gives what applying it once gives.

use super::ascending::Ascending;
use super::log::{Aspects, Change, ChangeKind, Model};
use super::row_key::RowKey;
use super::set_edges::SetEdges;
use crate::ids::MemoryId;
use crate::schema::Table;
use std::sync::Arc;

/// How safe a commit is when its call returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// May lose the last moments (100 ms or some MiB) when the process dies or the power goes;
    /// never torn. Everything before the loss is intact.
    Relaxed,
    /// Survives power loss once the call has returned.
    #[default]
    Durable,
}

/// What a writer says about its transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteOptions {
    pub(crate) durability: Option<Durability>,
    pub(crate) actor: String,
    pub(crate) reason: String,
    pub(crate) idempotency_key: Option<String>,
}

impl WriteOptions {
    /// Nothing said: the durability of the handle, no annotations.
    pub fn new() -> Self {
        WriteOptions::default()
    }

    /// Sets how safe the commit is when the call returns.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// Says who writes; kept in the log.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = actor.into();
        self
    }

    /// Says why; kept in the log.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Names the transaction, so that its outcome can be asked for later and a repetition is
    /// refused. Remembered for at least an hour.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }
}

/// The value of a row after the set: `None` if the set removes it.
pub(crate) type NewRow = Option<Arc<[u8]>>;

/// The rows of one table, in key order.
pub(crate) type SetRows = Ascending<RowKey, NewRow>;

/// The changes of one write transaction.
pub(crate) struct WriteSet {
    rows: [SetRows; Table::ALL.len()],
    /// Of each model by its numbers; `None` of what came and went within the set, which nobody else ever sees.
    changes: [Ascending<u64, Option<Change>>; Model::ALL.len()],
    touches_catalog: bool,
    bytes: usize,
    pub(crate) options: WriteOptions,
    pub(crate) durability: Durability,
    /// The time of the commit.
    pub(crate) now_ms: i64,
    /// The id that the next memory, node or edge gets.
    pub(crate) next_memory: u64,
    /// Which edges come and go, and where they are.
    pub(crate) edges: SetEdges,
    /// Is there to be a row in the log even if nothing changes?
    pub(crate) is_kept: bool,
}

/// What a row costs in memory beyond its bytes.
const ROW_OVERHEAD: usize = 64;

impl WriteSet {
    pub(crate) fn new(
        options: WriteOptions,
        durability: Durability,
        now_ms: i64,
        next_memory: MemoryId,
    ) -> Self {
        WriteSet {
            rows: Default::default(),
            changes: Default::default(),
            touches_catalog: false,
            bytes: 0,
            options,
            durability,
            now_ms,
            next_memory: next_memory.0,
            edges: SetEdges::default(),
            is_kept: false,
        }
    }

    /// Is there nothing to commit?
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_kept && self.changes().next().is_none() && self.rows.iter().all(SetRows::is_empty)
    }

    /// What the set takes in memory, about.
    pub(crate) fn size_bytes(&self) -> usize {
        self.bytes
    }

    /// What the set says of a row; `None` if nothing.
    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Option<&NewRow> {
        self.rows[table as usize].get(key)
    }

    pub(crate) fn put(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) {
        self.touches_catalog |= table == Table::Catalog;
        let size = ROW_OVERHEAD + key.len() + value.map_or(0, <[u8]>::len);
        // All that are empty share one.
        let value = value.map(|v| if v.is_empty() { Arc::default() } else { Arc::from(v) });
        let old = self.rows[table as usize].insert(key.into(), value);
        self.bytes += size;
        if let Some(old) = old {
            self.bytes -= ROW_OVERHEAD + key.len() + old.map_or(0, |v| v.len());
        }
    }

    /// Notes that an entity changed, on top of what the set says of it already.
    pub(crate) fn note(
        &mut self,
        model: Model,
        id: u64,
        kind: ChangeKind,
        aspects: Aspects,
        commitment: [u8; 16],
    ) {
        let change = Change { model, id, kind, aspects, commitment };
        let changes = &mut self.changes[model.place()];
        let Some(slot) = changes.get_mut(&id) else {
            changes.insert(id, Some(change));
            return;
        };
        *slot = match *slot {
            None => Some(change),
            Some(old) if old.kind == ChangeKind::Created && kind == ChangeKind::Deleted => None,
            Some(old) => {
                let kind = if old.kind == ChangeKind::Created { old.kind } else { kind };
                Some(Change { kind, aspects: old.aspects.with(aspects), ..change })
            }
        };
    }

    /// Sorted by model, then id.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().flatten().filter_map(|(_, change)| change.as_ref())
    }

    /// Does it change this one?
    pub(crate) fn has_changed(&self, model: Model, id: u64) -> bool {
        self.changes[model.place()].get(&id).is_some_and(Option::is_some)
    }

    /// Does it change which spaces or metadata indexes there are? The changes alone do not tell: an
    /// index that took the number of a dropped one, and was dropped itself, has come and gone.
    pub(crate) fn touches_catalog(&self) -> bool {
        self.touches_catalog
    }

    /// The rows of one table.
    pub(crate) fn rows(&self, table: Table) -> &SetRows {
        &self.rows[table as usize]
    }

    /// Gives all rows away, and keeps what names them: for a set that is applied directly.
    pub(crate) fn take_rows(&mut self) -> [SetRows; Table::ALL.len()] {
        self.bytes = 0;
        std::mem::take(&mut self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChangeKind::{Created, Deleted, Updated};

    fn after(kinds: &[ChangeKind]) -> Vec<ChangeKind> {
        let mut set = WriteSet::new(WriteOptions::new(), Durability::Durable, 0, MemoryId(1));
        for kind in kinds {
            set.note(Model::Edge, 7, *kind, Aspects::ALL, [0; 16]);
        }
        assert_eq!(set.has_changed(Model::Edge, 7), set.changes().count() == 1);
        assert_eq!(set.is_empty(), set.changes().count() == 0);
        set.changes().map(|change| change.kind).collect()
    }

    #[test]
    fn changes_of_one_thing_are_one() {
        assert_eq!(after(&[Created, Updated]), [Created]);
        assert_eq!(after(&[Updated, Updated]), [Updated]);
        assert_eq!(after(&[Updated, Deleted]), [Deleted]);
        assert_eq!(after(&[Created, Updated, Deleted]), [], "nobody else ever sees it");
        assert_eq!(after(&[Created, Deleted, Created]), [Created], "its number was given again");
    }

    #[test]
    fn changes_come_by_model_and_number_whatever_came_first() {
        let mut set = WriteSet::new(WriteOptions::new(), Durability::Durable, 0, MemoryId(1));
        let noted = [(Model::Edge, 9), (Model::Memory, 4), (Model::Edge, 2), (Model::Node, 1)];
        for (model, id) in noted {
            set.note(model, id, Created, Aspects::ALL, [0; 16]);
        }
        let changes: Vec<_> = set.changes().map(|change| (change.model, change.id)).collect();
        assert!(changes.is_sorted());
        assert_eq!(changes.len(), noted.len());
    }
}
