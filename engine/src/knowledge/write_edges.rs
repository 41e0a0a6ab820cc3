//! Writing edges: what a transaction can do to them.
//!
//! **Invariant:** each changed edge is noted for the log with the commitment to its new row, and where it is for
//! whoever looks for what is at an end.

use super::row::{EdgeRow, Valid};
use super::write_nodes::{GraphTx, merged};
use super::{Edge, EdgePatch, Ends, Entity, NewEdge, Upserted, validate};
use crate::commit::Model;
use crate::commit::log::{Aspects, ChangeKind, commitment};
use crate::ids::EdgeId;
use crate::memory::check_label;
use crate::planted::{self, Defect};
use crate::rows::Rows;
use crate::schema::{Table, edge_key};
use crate::transaction::WriteTx;
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

impl WriteTx<'_> {
    pub(super) fn edge_row(&self, id: EdgeId) -> Result<Option<EdgeRow>> {
        let row = Rows::get(self, Table::Edges, &edge_key(id))?;
        row.as_deref().map(EdgeRow::decode).transpose()
    }

    /// Writes a new edge or the changed row of one.
    pub(super) fn put_edge(&mut self, id: EdgeId, row: &EdgeRow, kind: ChangeKind) -> Result<()> {
        let bytes = row.encode_into(std::mem::take(&mut self.encoded));
        self.set.note(Model::Edge, id.0, kind, Aspects::ALL, commitment(&row.salt, &bytes));
        if kind == ChangeKind::Created {
            self.set.edges.make(id, row.ends());
        }
        let put = self.put(Table::Edges, &edge_key(id), Some(&bytes));
        self.encoded = bytes;
        put
    }

    pub(super) fn remove_edge(&mut self, id: EdgeId, ends: Ends) -> Result<()> {
        self.set.note(Model::Edge, id.0, ChangeKind::Deleted, Aspects::ALL, [0; 16]);
        self.set.edges.remove(id, ends);
        self.put(Table::Edges, &edge_key(id), None)
    }

    /// The edges at an end, by their numbers.
    pub(crate) fn edges_at(&self, end: Entity) -> Result<BTreeMap<EdgeId, Ends>> {
        let mut found = self.look_back(|view| view.edges_at(end))?;
        for set in self.sets() {
            found.extend(set.edges.made_at(end));
        }
        // No number is given twice, so that what one set has removed none of the others has made since.
        for set in self.sets() {
            found.retain(|id, _| !set.edges.removed().contains_key(&id.0));
        }
        Ok(found)
    }

    /// The edges of a kind from one end to another, by their numbers.
    fn edges_between(&self, ends: Ends) -> Result<BTreeSet<EdgeId>> {
        let mut found = self.look_back(|view| view.edges_between(ends))?;
        for set in self.sets() {
            found.extend(set.edges.made_between(ends));
        }
        for set in self.sets() {
            found.retain(|id| !set.edges.removed().contains_key(&id.0));
        }
        Ok(found)
    }

    /// Removes all edges of what is about to be removed. Costs nothing in a file that has none.
    pub(crate) fn drop_edges_of(&mut self, end: Entity) -> Result<()> {
        if self.catalog().edge_kinds().len() == 0 || planted::is(Defect::EdgesWithoutEnd) {
            return Ok(());
        }
        for (id, ends) in self.edges_at(end)? {
            self.remove_edge(id, ends)?;
        }
        Ok(())
    }

    /// The number of a kind of edge, which it gets now if it has none.
    pub(super) fn edge_kind(&mut self, name: &str) -> Result<u16> {
        if let Some(number) = self.catalog().edge_kind(name) {
            return Ok(number);
        }
        check_label("kind of an edge", name)?;
        let (number, (key, row)) = self.catalog().add_edge_kind(name)?;
        self.put_catalog(&key, row.as_deref())?;
        self.note_catalog(Model::EdgeKind, u64::from(number), ChangeKind::Created, name)?;
        Ok(number)
    }
}

impl GraphTx<'_, '_> {
    /// An edge, as this transaction sees it.
    pub fn edge(&self, id: EdgeId) -> Result<Option<Edge>> {
        let row = self.own_edge(id)?;
        Ok(row.map(|row| Edge::from_row(id, &row, self.tx.catalog())))
    }

    /// Writes an edge: creates it, or makes the one of the same kind between the same two the same. If
    /// there are several, the newest. Of an edge that stands there already, the creation time is kept
    /// unless one is given.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if an end is not in the namespace;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) or
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if a rule is broken. Then nothing of it is
    /// written.
    pub fn upsert_edge(&mut self, new: NewEdge) -> Result<Upserted<EdgeId>> {
        self.upsert_one_of(new, |_| true)
    }

    /// As [`upsert_edge`](Self::upsert_edge), but that edges of one kind between the same two are told apart
    /// by when they begin to hold: for reading in what held before and holds again.
    ///
    /// # Errors
    /// As [`upsert_edge`](Self::upsert_edge).
    pub fn upsert_edge_since(&mut self, new: NewEdge) -> Result<Upserted<EdgeId>> {
        let from_ms = new.from_ms;
        self.upsert_one_of(new, |row| row.valid.from_ms == from_ms)
    }

    /// Makes the newest parallel edge that `is_it` takes the same, or creates one.
    fn upsert_one_of(
        &mut self,
        new: NewEdge,
        is_it: impl Fn(&EdgeRow) -> bool,
    ) -> Result<Upserted<EdgeId>> {
        let created_ms = new.created_ms;
        let (mut row, kind) = self.row_of(new)?;
        // A kind without a number has no edges yet.
        let found = match self.tx.catalog().edge_kind(&kind) {
            Some(kind) => self.newest_parallel(Ends { kind, ..row.ends() }, is_it)?,
            None => None,
        };
        let Some((id, old)) = found else {
            return self.create_edge(row, &kind).map(Upserted::Created);
        };
        row.kind = old.kind;
        row.created_ms = created_ms.unwrap_or(old.created_ms);
        let is_changed = self.replace_edge(id, &old, row)?;
        Ok(if is_changed { Upserted::Updated(id) } else { Upserted::Unchanged(id) })
    }

    /// Writes several, in order.
    pub fn upsert_edges(&mut self, new: Vec<NewEdge>) -> Result<Vec<Upserted<EdgeId>>> {
        new.into_iter().map(|edge| self.upsert_edge(edge)).collect()
    }

    /// Adds an edge, whether there is one of its kind between the same two or not: for what held before
    /// and holds again.
    ///
    /// # Errors
    /// As [`upsert_edge`](Self::upsert_edge).
    pub fn add_edge(&mut self, new: NewEdge) -> Result<EdgeId> {
        let (row, kind) = self.row_of(new)?;
        self.create_edge(row, &kind)
    }

    /// Changes parts of an edge. Returns `false` if there is none.
    ///
    /// # Errors
    /// As [`upsert_edge`](Self::upsert_edge).
    pub fn update_edge(&mut self, id: EdgeId, patch: &EdgePatch) -> Result<bool> {
        let Some(old) = self.own_edge(id)? else { return Ok(false) };
        let mut row = old.clone();
        row.weight = patch.weight.unwrap_or(row.weight);
        row.valid.from_ms = patch.from_ms.unwrap_or(row.valid.from_ms);
        row.valid.until_ms = patch.until_ms.unwrap_or(row.valid.until_ms);
        if let Some(change) = &patch.properties {
            row.properties = merged(&old.properties, change)?;
        }
        self.replace_edge(id, &old, row)?;
        Ok(true)
    }

    /// Deletes an edge. Returns `false` if there is none.
    pub fn delete_edge(&mut self, id: EdgeId) -> Result<bool> {
        let Some(row) = self.own_edge(id)? else { return Ok(false) };
        self.tx.remove_edge(id, row.ends())?;
        Ok(true)
    }

    /// The row of an edge of this namespace.
    fn own_edge(&self, id: EdgeId) -> Result<Option<EdgeRow>> {
        let Some(row) = self.tx.edge_row(id)? else { return Ok(None) };
        let source = Entity::of_code(row.source.into());
        let namespace = super::names::namespace_of(&*self.tx, source, i64::MIN)?;
        Ok(namespace.is_some_and(|namespace| namespace == self.namespace).then_some(row))
    }

    /// The row of a new edge, which has no kind yet, and the name of that.
    fn row_of(&mut self, new: NewEdge) -> Result<(EdgeRow, String)> {
        check_label("kind of an edge", &new.kind)?;
        let (source, target) = (self.require(&new.source)?, self.require(&new.target)?);
        let now_ms = self.tx.now_ms();
        let row = EdgeRow {
            salt: self.salts.next()?,
            source: source.end_code()?,
            target: target.end_code()?,
            kind: 0,
            // Plus zero: there is one zero only.
            weight: new.weight + 0.0,
            properties: validate::properties(&new.properties)?,
            valid: Valid { from_ms: new.from_ms, until_ms: new.until_ms },
            created_ms: new.created_ms.unwrap_or(now_ms),
            updated_ms: now_ms,
        };
        validate::edge(&row)?;
        Ok((row, new.kind))
    }

    fn create_edge(&mut self, mut row: EdgeRow, kind: &str) -> Result<EdgeId> {
        row.kind = self.tx.edge_kind(kind)?;
        let id = EdgeId(self.tx.take_graph_number()?);
        self.tx.put_edge(id, &row, ChangeKind::Created)?;
        Ok(id)
    }

    /// Makes `row` that of the edge, whose ends and kind it has. Returns `false` if that is what stands
    /// there already.
    pub(super) fn replace_edge(
        &mut self,
        id: EdgeId,
        old: &EdgeRow,
        mut row: EdgeRow,
    ) -> Result<bool> {
        (row.salt, row.updated_ms) = (old.salt, old.updated_ms);
        if row == *old {
            return Ok(false);
        }
        validate::edge(&row)?;
        (row.salt, row.updated_ms) = (self.salts.next()?, self.tx.now_ms());
        self.tx.put_edge(id, &row, ChangeKind::Updated)?;
        Ok(true)
    }

    /// The newest edge of its kind from one end to the other that `is_it` takes.
    pub(super) fn newest_parallel(
        &self,
        ends: Ends,
        is_it: impl Fn(&EdgeRow) -> bool,
    ) -> Result<Option<(EdgeId, EdgeRow)>> {
        for id in self.tx.edges_between(ends)?.into_iter().rev() {
            let missing =
                || Error::corruption("adjacency", "an edge that is there", id.to_string());
            let row = self.tx.edge_row(id)?.ok_or_else(missing)?;
            if is_it(&row) {
                return Ok(Some((id, row)));
            }
        }
        Ok(None)
    }
}
