//! Writing nodes: what a transaction can do to them.
//!
//! **Invariant:** a node and its names change together, and each changed node is noted for the log with
//! the commitment to its new row.

use super::names::Residents;
use super::row::NodeRow;
use super::{Entity, EntityRef, NewNode, Node, NodePatch, Upserted, validate};
use crate::catalog::Space;
use crate::clock::Salts;
use crate::commit::Model;
use crate::commit::log::{Aspects, ChangeKind, commitment};
use crate::error::{Detail, check_limit};
use crate::ids::NodeId;
use crate::knowledge::{MAX_ALIASES, MAX_GRAPH_NUMBER};
use crate::memory::{Given, MAX_TAGS, SpaceVector, merge_patch, metadata_value};
use crate::planted::{self, Defect};
use crate::schema::{Table, external_key, node_key};
use crate::transaction::WriteTx;
use crate::{Error, Result};
use roaring::RoaringBitmap;
use std::collections::HashMap;

/// The graph of one namespace, as a transaction sees and changes it.
///
/// ```
/// use memlith::{NewEdge, NewMemory, NewNode};
/// # let db = memlith::Options::new().in_memory()?;
/// db.write(|tx| {
///     let seen = tx.remember(NewMemory::new("Ada moved to London"))?;
///     let mut graph = tx.graph("default");
///     graph.upsert_node(NewNode::new("ada").kind("person"))?;
///     graph.upsert_node(NewNode::new("london").kind("city"))?;
///     graph.upsert_edge(NewEdge::new("ada", "lives_in", "london"))?;
///     graph.upsert_edge(NewEdge::new(seen, "mentions", "ada"))
/// })?;
/// # Ok::<(), memlith::Error>(())
/// ```
pub struct GraphTx<'t, 'a> {
    pub(super) tx: &'t mut WriteTx<'a>,
    pub(super) namespace: String,
    /// What names have turned out to mean.
    pub(super) known: HashMap<EntityRef, Entity>,
    /// Codes of memories, and of nodes that have changed, which have turned out to be in this namespace.
    pub(super) here: RoaringBitmap,
    /// The nodes of this namespace before this transaction, once enough have been looked for.
    pub(super) residents: Option<Residents>,
    pub(super) looks: u32,
    pub(super) salts: Salts,
}

impl<'a> WriteTx<'a> {
    /// The graph of a namespace, to be changed in this transaction.
    pub fn graph(&mut self, namespace: impl Into<String>) -> GraphTx<'_, 'a> {
        GraphTx {
            tx: self,
            namespace: namespace.into(),
            known: HashMap::new(),
            here: RoaringBitmap::new(),
            residents: None,
            looks: 0,
            salts: Salts::new(),
        }
    }

    /// A number for a node or an edge.
    pub(super) fn take_graph_number(&mut self) -> Result<u64> {
        let number = self.take_number();
        if number >= MAX_GRAPH_NUMBER {
            let what = "the number of the next node or edge";
            return Err(Detail::Limit { what, found: number, limit: MAX_GRAPH_NUMBER - 1 }.into());
        }
        Ok(number)
    }

    pub(super) fn put_node(
        &mut self,
        id: NodeId,
        row: &NodeRow,
        kind: ChangeKind,
        aspects: Aspects,
    ) -> Result<()> {
        let bytes = row.encode();
        self.set.note(Model::Node, id.0, kind, aspects, commitment(&row.salt, &bytes));
        self.put(Table::Nodes, &node_key(id), Some(&bytes))
    }
}

impl GraphTx<'_, '_> {
    /// A node, as this transaction sees it.
    pub fn node(&mut self, node: impl Into<EntityRef>) -> Result<Option<Node>> {
        let found = self.find_node(&node.into())?;
        Ok(found.map(|(id, row)| Node::from_row(id, row, self.tx.catalog())))
    }

    /// Writes a node under its external id: creates it, or makes what stands there the same. Of a node
    /// that stands there already, the creation time is kept unless one is given, and so are its aliases and
    /// its embeddings in spaces that are not mentioned; one that is found by an alias keeps its external id.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if an alias belongs to another node;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) or
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if a rule is broken, or if the embedder of a space is
    /// being changed; [`NotFound`](crate::ErrorKind::NotFound) or
    /// [`DimensionMismatch`](crate::ErrorKind::DimensionMismatch) for an embedding that has no place. Then
    /// nothing of it is written.
    pub fn upsert_node(&mut self, new: NewNode) -> Result<Upserted<NodeId>> {
        let NewNode { external_id, created_ms, aliases, .. } = &new;
        let found = self.find_node(&EntityRef::Name(external_id.clone()))?;
        let now_ms = self.tx.now_ms();
        let created_ms = created_ms.or(found.as_ref().map(|(_, old)| old.created_ms));
        let mut aliases = aliases.clone();
        let mut external_id = external_id.clone();
        let mut vectors = Vec::new();
        if let Some((_, old)) = &found {
            aliases.extend(old.aliases.iter().cloned());
            external_id.clone_from(&old.external_id);
            vectors.clone_from(&old.vectors);
        }
        check_limit("number of tags", new.tags.len(), MAX_TAGS)?;
        let row = NodeRow {
            salt: self.salts.next()?,
            namespace: self.namespace.clone(),
            external_id,
            kind: new.kind,
            name: new.name,
            importance: new.importance,
            properties: validate::properties(&new.properties)?,
            tags: new.tags,
            aliases,
            created_ms: created_ms.unwrap_or(now_ms),
            updated_ms: now_ms,
            vectors,
        };
        match found {
            Some((id, old)) => {
                let is_changed = self.replace_node(id, &old, row, new.vectors)?;
                Ok(if is_changed { Upserted::Updated(id) } else { Upserted::Unchanged(id) })
            }
            None => self.create_node(row, new.vectors).map(Upserted::Created),
        }
    }

    /// Writes several, in order.
    pub fn upsert_nodes(&mut self, new: Vec<NewNode>) -> Result<Vec<Upserted<NodeId>>> {
        new.into_iter().map(|node| self.upsert_node(node)).collect()
    }

    /// Changes parts of a node. Returns `false` if there is none.
    ///
    /// # Errors
    /// As [`upsert_node`](Self::upsert_node).
    pub fn update_node(&mut self, node: impl Into<EntityRef>, patch: &NodePatch) -> Result<bool> {
        let Some((id, old)) = self.find_node(&node.into())? else { return Ok(false) };
        let mut row = patched(&old, patch)?;
        for (space, _) in patch.vectors.iter().filter(|(_, vector)| vector.is_none()) {
            let gone = self.tx.catalog().require_space(space)?.0;
            row.vectors.retain(|vector| vector.space != gone.0);
        }
        self.replace_node(id, &old, row, patch.given())?;
        Ok(true)
    }

    /// Deletes a node with all of its edges. Returns `false` if there is none.
    pub fn delete_node(&mut self, node: impl Into<EntityRef>) -> Result<bool> {
        let Some((id, row)) = self.find_node(&node.into())? else { return Ok(false) };
        self.remove_node(id, &row)?;
        Ok(true)
    }

    fn create_node(&mut self, mut row: NodeRow, mut vectors: Given) -> Result<NodeId> {
        settle(&mut row);
        validate::node(&row)?;
        self.check_names(None, &row)?;
        let spaces = self.admit(&mut vectors)?;
        let id = NodeId(self.tx.take_graph_number()?);
        self.tx.create_spaces(&spaces)?;
        row.vectors = self.put_vectors(id, row.vectors, vectors)?;
        self.put_names(id, &row)?;
        self.tx.put_node(id, &row, ChangeKind::Created, Aspects::ALL)?;
        Ok(id)
    }

    /// Makes `row`, with `vectors` over those that it names, that of the node. Returns `false` if that is what
    /// stands there already.
    pub(super) fn replace_node(
        &mut self,
        id: NodeId,
        old: &NodeRow,
        mut row: NodeRow,
        mut vectors: Given,
    ) -> Result<bool> {
        settle(&mut row);
        (row.salt, row.updated_ms) = (old.salt, old.updated_ms);
        if row == *old && vectors.is_empty() {
            return Ok(false);
        }
        validate::node(&row)?;
        self.check_names(Some(id), &row)?;
        let spaces = self.admit(&mut vectors)?;
        self.tx.create_spaces(&spaces)?;
        self.tx.drop_vectors_but(id.0, &old.vectors, &row.vectors)?;
        row.vectors = self.put_vectors(id, row.vectors, vectors)?;
        if row == *old {
            return Ok(false);
        }
        (row.salt, row.updated_ms) = (self.salts.next()?, self.tx.now_ms());
        self.drop_names(old)?;
        self.put_names(id, &row)?;
        let mut aspects = Aspects::ATTRIBUTES.with(Aspects::CONTENT);
        if row.vectors != old.vectors {
            aspects = Aspects::ALL;
        }
        self.tx.put_node(id, &row, ChangeKind::Updated, aspects)?;
        Ok(true)
    }

    /// Removes a node, its names and its edges.
    pub(super) fn remove_node(&mut self, id: NodeId, row: &NodeRow) -> Result<()> {
        self.tx.drop_edges_of(Entity::Node(id))?;
        if !planted::is(Defect::NodeVectorsLeft) {
            self.tx.drop_vectors_but(id.0, &row.vectors, &[])?;
        }
        self.drop_names(row)?;
        self.known.clear();
        self.here.clear();
        self.tx.put(Table::Nodes, &node_key(id), None)?;
        self.tx.set.note(Model::Node, id.0, ChangeKind::Deleted, Aspects::ALL, [0; 16]);
        Ok(())
    }

    /// Makes of vectors what their spaces keep of them, and checks them. Returns the spaces to be created.
    fn admit(&self, vectors: &mut Given) -> Result<Vec<Space>> {
        for (name, _) in &*vectors {
            self.tx.check_not_succeeded(name)?;
        }
        self.tx.admit_given(vectors)
    }

    fn put_vectors(
        &mut self,
        id: NodeId,
        named: Vec<SpaceVector>,
        vectors: Given,
    ) -> Result<Vec<SpaceVector>> {
        let placed = self.tx.place_given(vectors)?;
        self.tx.put_vectors(id.0, named, placed)
    }

    /// Refuses names that lead to another node.
    fn check_names(&self, id: Option<NodeId>, row: &NodeRow) -> Result<()> {
        for name in names(row) {
            let taken = super::names::find_name(&*self.tx, &self.namespace, name)?;
            if taken.is_some() && taken != id {
                let name = name.into();
                return Err(Detail::AlreadyExists { what: "node", name }.into());
            }
        }
        Ok(())
    }

    fn put_names(&mut self, id: NodeId, row: &NodeRow) -> Result<()> {
        for name in names(row) {
            let key = external_key(&self.namespace, name);
            self.tx.put(Table::NodeNames, &key, Some(&id.0.to_be_bytes()))?;
        }
        Ok(())
    }

    fn drop_names(&mut self, row: &NodeRow) -> Result<()> {
        for name in names(row) {
            self.known.remove(&EntityRef::Name(name.into()));
            self.tx.put(Table::NodeNames, &external_key(&self.namespace, name), None)?;
        }
        Ok(())
    }
}

/// Everything by which a node is found.
pub(crate) fn names(row: &NodeRow) -> impl Iterator<Item = &str> {
    std::iter::once(&row.external_id).chain(&row.aliases).map(String::as_str)
}

/// Brings what is a set into its order.
fn settle(row: &mut NodeRow) {
    for set in [&mut row.tags, &mut row.aliases] {
        set.sort_unstable();
        set.dedup();
    }
    row.aliases.retain(|alias| *alias != row.external_id);
}

fn patched(old: &NodeRow, patch: &NodePatch) -> Result<NodeRow> {
    check_limit("number of tags", patch.add_tags.len(), MAX_TAGS)?;
    check_limit("number of aliases", patch.add_aliases.len(), MAX_ALIASES)?;
    if patch.remove_aliases.contains(&old.external_id) {
        return Err(Error::invalid("alias to take away", "must not be the external id"));
    }
    let mut row = old.clone();
    if let Some(kind) = &patch.kind {
        row.kind.clone_from(kind);
    }
    if let Some(name) = &patch.name {
        row.name.clone_from(name);
    }
    row.importance = patch.importance.unwrap_or(row.importance);
    row.tags.extend(patch.add_tags.iter().cloned());
    row.tags.retain(|tag| !patch.remove_tags.contains(tag));
    row.aliases.extend(patch.add_aliases.iter().cloned());
    row.aliases.retain(|alias| !patch.remove_aliases.contains(alias));
    if let Some(change) = &patch.properties {
        row.properties = merged(&old.properties, change)?;
    }
    Ok(row)
}

/// The stored properties after a merge patch.
pub(super) fn merged(stored: &str, change: &serde_json::Value) -> Result<String> {
    crate::memory::check_depth(change)?;
    let mut properties = metadata_value(stored)?;
    merge_patch(&mut properties, change);
    validate::properties(&properties)
}
