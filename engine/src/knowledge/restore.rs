//! Writing nodes and edges as they once were, with their numbers and times.
//!
//! **Invariant:** what is restored passes every rule that something new must, and stays byte for byte
//! what it was. For salvage, into a file that has nothing but what was restored.

use super::row::{EdgeRow, NodeRow};
use super::write_nodes::names;
use super::{Entity, MAX_GRAPH_NUMBER, validate};
use crate::catalog::Catalog;
use crate::commit::Model;
use crate::commit::log::{Aspects, ChangeKind};
use crate::error::Detail;
use crate::ids::{EdgeId, NodeId};
use crate::memory::{VectorBytes, metadata_value};
use crate::rows::Rows;
use crate::schema::{Table, external_key};
use crate::transaction::WriteTx;
use crate::{Error, Result};

impl WriteTx<'_> {
    /// Gives a kind of edge the number that it had.
    pub(crate) fn restore_edge_kind(&mut self, name: &str, number: u16) -> Result<()> {
        let (key, row) = Catalog::edge_kind_row(name, number);
        self.put_catalog(&key, row.as_deref())?;
        self.note_catalog(Model::EdgeKind, number.into(), ChangeKind::Created, name)
    }

    /// Creates a node under the number it had, with the vectors that its row names, in order.
    ///
    /// # Errors
    /// If the row breaks a rule; then nothing of it is written.
    pub(crate) fn restore_node(
        &mut self,
        id: NodeId,
        row: &NodeRow,
        vectors: &[VectorBytes],
    ) -> Result<()> {
        check_number(id.0)?;
        validate::node(row)?;
        self.check_restored_vectors(&row.vectors, vectors)?;
        validate::properties(&metadata_value(&row.properties)?)?;
        for name in names(row) {
            let key = external_key(&row.namespace, name);
            if Rows::get(self, Table::NodeNames, &key)?.is_some() {
                let name = name.into();
                return Err(Detail::AlreadyExists { what: "node", name }.into());
            }
        }
        for name in names(row) {
            let key = external_key(&row.namespace, name);
            self.put(Table::NodeNames, &key, Some(&id.0.to_be_bytes()))?;
        }
        self.restore_vectors(id.0, &row.vectors, vectors)?;
        self.set.next_memory = self.set.next_memory.max(id.0 + 1);
        self.put_node(id, row, ChangeKind::Created, Aspects::ALL)
    }

    /// Creates an edge under the number it had. Returns `false` if one of its ends, or its kind, is not
    /// there.
    ///
    /// # Errors
    /// If the row breaks a rule; then nothing of it is written.
    pub(crate) fn restore_edge(&mut self, id: EdgeId, row: &EdgeRow) -> Result<bool> {
        check_number(id.0)?;
        validate::edge(row)?;
        validate::properties(&metadata_value(&row.properties)?)?;
        let namespace =
            |code: u32| super::names::namespace_of(&*self, Entity::of_code(code.into()), i64::MIN);
        let ends = (namespace(row.source)?, namespace(row.target)?);
        let are_there = ends.0.is_some() && ends.0 == ends.1;
        if !are_there || self.catalog().edge_name(row.kind).is_none() {
            return Ok(false);
        }
        self.set.next_memory = self.set.next_memory.max(id.0 + 1);
        self.put_edge(id, row, ChangeKind::Created)?;
        Ok(true)
    }
}

fn check_number(number: u64) -> Result<()> {
    if (1..MAX_GRAPH_NUMBER).contains(&number) {
        return Ok(());
    }
    Err(Error::invalid("number of a node or an edge", "must be as the library gives them"))
}
