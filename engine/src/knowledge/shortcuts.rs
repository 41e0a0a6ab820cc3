//! One-call forms of what transactions do to a graph.

use super::{EntityRef, Graph, NewEdge, NewNode, NodePatch, Upserted};
use crate::Result;
use crate::db::Db;
use crate::ids::{EdgeId, NodeId};

/// The graph of a namespace of an open file: each call is a transaction of its own.
///
/// ```
/// use memlith::{NewEdge, NewNode};
/// # let db = memlith::Options::new().in_memory()?;
/// let graph = db.graph("default");
/// graph.upsert_nodes(vec![NewNode::new("ada"), NewNode::new("london")])?;
/// graph.upsert_edge(NewEdge::new("ada", "lives_in", "london"))?;
/// assert!(graph.read()?.node("ada")?.is_some());
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone)]
pub struct GraphDb {
    db: Db,
    namespace: String,
}

impl Db {
    /// The graph of a namespace.
    pub fn graph(&self, namespace: impl Into<String>) -> GraphDb {
        GraphDb { db: self.clone(), namespace: namespace.into() }
    }
}

impl GraphDb {
    /// The graph as it is now.
    pub fn read(&self) -> Result<Graph> {
        Ok(self.db.read()?.graph(&*self.namespace))
    }

    /// See [`GraphTx::upsert_node`](super::GraphTx::upsert_node).
    pub fn upsert_node(&self, new: NewNode) -> Result<Upserted<NodeId>> {
        self.db.write(|tx| tx.graph(&*self.namespace).upsert_node(new))
    }

    /// Writes several nodes, all or none.
    pub fn upsert_nodes(&self, new: Vec<NewNode>) -> Result<Vec<Upserted<NodeId>>> {
        self.db.write(|tx| tx.graph(&*self.namespace).upsert_nodes(new))
    }

    /// See [`GraphTx::update_node`](super::GraphTx::update_node).
    pub fn update_node(&self, node: impl Into<EntityRef>, patch: &NodePatch) -> Result<bool> {
        self.db.write(|tx| tx.graph(&*self.namespace).update_node(node, patch))
    }

    /// See [`GraphTx::delete_node`](super::GraphTx::delete_node).
    pub fn delete_node(&self, node: impl Into<EntityRef>) -> Result<bool> {
        self.db.write(|tx| tx.graph(&*self.namespace).delete_node(node))
    }

    /// See [`GraphTx::merge_nodes`](super::GraphTx::merge_nodes).
    pub fn merge_nodes(
        &self,
        from: impl Into<EntityRef>,
        into: impl Into<EntityRef>,
    ) -> Result<()> {
        self.db.write(|tx| tx.graph(&*self.namespace).merge_nodes(from, into))
    }

    /// See [`GraphTx::upsert_edge`](super::GraphTx::upsert_edge).
    pub fn upsert_edge(&self, new: NewEdge) -> Result<Upserted<EdgeId>> {
        self.db.write(|tx| tx.graph(&*self.namespace).upsert_edge(new))
    }

    /// Writes several edges, all or none.
    pub fn upsert_edges(&self, new: Vec<NewEdge>) -> Result<Vec<Upserted<EdgeId>>> {
        self.db.write(|tx| tx.graph(&*self.namespace).upsert_edges(new))
    }

    /// See [`GraphTx::delete_edge`](super::GraphTx::delete_edge).
    pub fn delete_edge(&self, id: EdgeId) -> Result<bool> {
        self.db.write(|tx| tx.graph(&*self.namespace).delete_edge(id))
    }
}
