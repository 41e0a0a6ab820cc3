//! The graph of a namespace at one instant.

use super::names::{find_name, namespace_of};
use super::{Edge, EdgeRow, Entity, EntityRef, Node, NodeRow};
use crate::error::check_limit;
use crate::ids::{EdgeId, NodeId};
use crate::memory::MAX_LIMIT;
use crate::recall::{Cancellation, Deadline};
use crate::rows::{Pinned, Rows};
use crate::schema::{Table, edge_key, node_key, read_u64};
use crate::view::View;
use crate::{Error, Result};
use roaring::RoaringBitmap;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The graph of a namespace, as a [`View`] shows it. Cheap to get and to clone.
///
/// ```
/// use memlith::{NewEdge, NewNode};
/// # let db = memlith::Options::new().in_memory()?;
/// # db.write(|tx| {
/// #     let mut graph = tx.graph("default");
/// #     graph.upsert_node(NewNode::new("ada").kind("person").aliases(["countess"]))?;
/// #     graph.upsert_node(NewNode::new("london"))?;
/// #     graph.upsert_edge(NewEdge::new("ada", "lives_in", "london"))
/// # })?;
/// let graph = db.read()?.graph("default");
/// let ada = graph.node("countess")?.unwrap();
/// assert_eq!(ada.external_id, "ada");
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Graph {
    pub(super) view: View,
    pub(super) namespace: String,
    /// Ordinals of its nodes, once a walk has asked for them.
    pub(super) nodes: Arc<OnceLock<RoaringBitmap>>,
    cancellation: Option<Cancellation>,
}

impl View {
    /// The graph of a namespace.
    pub fn graph(&self, namespace: impl Into<String>) -> Graph {
        Graph {
            view: self.clone(),
            namespace: namespace.into(),
            nodes: Arc::default(),
            cancellation: None,
        }
    }
}

impl Graph {
    /// The View that it is of.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Searches, walks and projections give up once this is cancelled. What runs an analysis of a projection
    /// [checks](Self::check_cancelled) for itself.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// # db.graph("default").upsert_node(memlith::NewNode::new("ada"))?;
    /// use memlith::{Cancellation, ErrorKind, Related};
    /// let cancellation = Cancellation::new();
    /// let graph = db.read()?.graph("default").cancellation(&cancellation);
    /// cancellation.cancel();
    /// assert_eq!(graph.related(&Related::to(["ada"])).unwrap_err().kind(), ErrorKind::Cancelled);
    /// # Ok::<(), memlith::Error>(())
    /// ```
    #[must_use]
    pub fn cancellation(mut self, cancellation: &Cancellation) -> Self {
        self.cancellation = Some(cancellation.clone());
        self
    }

    /// Is somebody still waiting for an answer?
    ///
    /// # Errors
    /// [`Cancelled`](crate::ErrorKind::Cancelled) once its [cancellation](Self::cancellation) was used.
    pub fn check_cancelled(&self) -> Result<()> {
        self.deadline(None).refuse_cancelled()
    }

    /// That long from now, or once it is cancelled.
    pub(super) fn deadline(&self, limit: Option<Duration>) -> Deadline {
        Deadline::after(limit).or_at(self.cancellation.as_ref())
    }

    /// A node, by its number, its external id or an alias; `None` if there is none in this namespace.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is asked for a memory.
    pub fn node(&self, node: impl Into<EntityRef>) -> Result<Option<Node>> {
        match self.resolve(&node.into())? {
            None => Ok(None),
            Some(Entity::Node(id)) => {
                let rows = self.view.rows()?;
                let row = node_row(&rows, id)?.filter(|row| row.namespace == self.namespace);
                Ok(row.map(|row| self.described(id, row)))
            }
            Some(Entity::Memory(_)) => {
                Err(Error::invalid("node", "must not be a memory: use the calls for memories"))
            }
        }
    }

    /// Several nodes by their numbers, in order.
    pub fn nodes(&self, ids: &[NodeId]) -> Result<Vec<Option<Node>>> {
        let rows = self.view.rows()?;
        let one = |id: &NodeId| {
            let row = node_row(&rows, *id)?.filter(|row| row.namespace == self.namespace);
            Ok(row.map(|row| self.described(*id, row)))
        };
        ids.iter().map(one).collect()
    }

    fn described(&self, id: NodeId, row: NodeRow) -> Node {
        Node::from_row(id, row, &self.view.versions().catalog)
    }

    /// The embedding of a node in a space, as it was given; `None` if it has none, or if there is no such node in
    /// this namespace.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such space;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is asked for a memory.
    pub fn vector(&self, node: impl Into<EntityRef>, space: &str) -> Result<Option<Vec<f32>>> {
        let (id, described) = self.view.versions().catalog.require_space(space)?;
        let Some(node) = self.node(node)? else { return Ok(None) };
        if node.spaces.iter().all(|name| name != space) {
            return Ok(None);
        }
        let mut vector = vec![0.0; described.dimension];
        if !self.view.rows()?.vectors_of(*id)?.read(node.id.0, &mut vector)? {
            return Err(Error::corruption("vector row", "the vector that a node names", "none"));
        }
        Ok(Some(vector))
    }

    /// An edge, with all it has; `None` if there is none in this namespace.
    pub fn edge(&self, id: EdgeId) -> Result<Option<Edge>> {
        let rows = self.view.rows()?;
        let Some(bytes) = rows.get(Table::Edges, &edge_key(id))? else { return Ok(None) };
        let row = EdgeRow::decode(&bytes)?;
        let namespace = namespace_of(&*rows, Entity::of_code(row.source.into()), i64::MIN)?;
        let is_here = namespace.is_some_and(|namespace| namespace == self.namespace);
        Ok(is_here.then(|| Edge::from_row(id, &row, &self.view.versions().catalog)))
    }

    /// Hands every node of the namespace to `each`, by number, until that says no.
    ///
    /// # Errors
    /// Also what `each` returns.
    pub fn for_each_node(&self, mut each: impl FnMut(Node) -> Result<bool>) -> Result<()> {
        let rows = self.view.rows()?;
        let nodes = &self.view.versions().knowledge.nodes;
        for ordinal in self.all_nodes()? {
            let Some(id) = nodes.id_of(ordinal)?.map(NodeId) else { continue };
            let missing = || Error::corruption("index", "nodes that are there", id.to_string());
            let row = node_row(&rows, id)?.ok_or_else(missing)?;
            if !each(self.described(id, row))? {
                break;
            }
        }
        Ok(())
    }

    /// Hands every edge of the namespace to `each`, by number, until that says no. Costs a step per edge
    /// of the file.
    ///
    /// # Errors
    /// Also what `each` returns.
    pub fn for_each_edge(&self, each: impl FnMut(Edge) -> Result<bool>) -> Result<()> {
        self.edges_from(Bound::Unbounded, each)
    }

    /// Up to `limit` (10,000) nodes of the namespace by number, from behind `after` on. Costs a step per
    /// node of the file that it comes by.
    pub fn list_nodes(&self, after: Option<NodeId>, limit: usize) -> Result<Vec<Node>> {
        check_limit("limit of a listing", limit, MAX_LIMIT)?;
        let (mut found, rows) = (Vec::new(), self.view.rows()?);
        if limit == 0 {
            return Ok(found);
        }
        let after = after.map(node_key);
        rows.scan(Table::Nodes, behind(after.as_ref()), |key, row| {
            let bad = || Error::corruption("node key", "eight bytes", "another length");
            let (id, row) = (read_u64(key).map(NodeId).ok_or_else(bad)?, NodeRow::decode(row)?);
            if row.namespace == self.namespace {
                found.push(self.described(id, row));
            }
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    /// Up to `limit` (10,000) edges of the namespace by number, from behind `after` on. Costs a step per
    /// edge of the file that it comes by.
    pub fn list_edges(&self, after: Option<EdgeId>, limit: usize) -> Result<Vec<Edge>> {
        check_limit("limit of a listing", limit, MAX_LIMIT)?;
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        let after = after.map(edge_key);
        self.edges_from(behind(after.as_ref()), |edge| {
            found.push(edge);
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    fn edges_from(
        &self,
        from: Bound<&[u8]>,
        mut each: impl FnMut(Edge) -> Result<bool>,
    ) -> Result<()> {
        let rows = self.view.rows()?;
        let catalog = &self.view.versions().catalog;
        rows.scan(Table::Edges, from, |key, row| {
            let bad = || Error::corruption("edge key", "eight bytes", "another length");
            let (id, row) = (read_u64(key).map(EdgeId).ok_or_else(bad)?, EdgeRow::decode(row)?);
            let namespace = namespace_of(&*rows, Entity::of_code(row.source.into()), i64::MIN)?;
            if namespace.is_none_or(|namespace| namespace != self.namespace) {
                return Ok(true);
            }
            each(Edge::from_row(id, &row, catalog))
        })
    }

    /// Kinds of edges in the file, by name.
    pub fn edge_kinds(&self) -> Vec<Arc<str>> {
        self.view.versions().catalog.edge_kinds().map(|(name, _)| Arc::clone(name)).collect()
    }

    /// What a reference means, which must be in this namespace.
    pub(super) fn require(&self, reference: &EntityRef) -> Result<Entity> {
        let missing = || match reference {
            EntityRef::Name(name) => Error::not_found("node", name),
            EntityRef::Number(entity) => {
                Error::not_found("node or memory of this namespace", entity)
            }
        };
        let entity = self.resolve(reference)?.ok_or_else(missing)?;
        if let EntityRef::Number(_) = reference {
            let namespace = namespace_of(&*self.view.rows()?, entity, self.view.now_ms())?;
            if namespace.is_none_or(|namespace| namespace != self.namespace) {
                return Err(missing());
            }
        }
        Ok(entity)
    }

    /// What a reference means; a name must be one of this namespace, a number is taken as it is.
    pub(super) fn resolve(&self, reference: &EntityRef) -> Result<Option<Entity>> {
        match reference {
            EntityRef::Number(entity) => Ok(Some(*entity)),
            EntityRef::Name(name) => {
                let rows = self.view.rows()?;
                Ok(find_name(&*rows, &self.namespace, name)?.map(Entity::Node))
            }
        }
    }
}

fn behind<const N: usize>(key: Option<&[u8; N]>) -> Bound<&[u8]> {
    key.map_or(Bound::Unbounded, |key| Bound::Excluded(key))
}

fn node_row(rows: &Pinned, id: NodeId) -> Result<Option<NodeRow>> {
    let row = rows.get(Table::Nodes, &node_key(id))?;
    row.as_deref().map(NodeRow::decode).transpose()
}
