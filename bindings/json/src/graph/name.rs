//! What a node or a memory is called.

use memlith::{Entity, EntityRef, Graph, GraphTx, MemoryId, NodeId};
use std::collections::HashMap;

/// What the name of a memory begins with.
const MEMORY: &str = "memory:";

/// What a name means.
///
/// ```
/// use memlith::MemoryId;
/// assert_eq!(memlith_json::entity_ref("memory:7"), MemoryId(7).into());
/// assert_eq!(memlith_json::entity_ref("ada"), "ada".into());
/// ```
pub fn entity_ref(name: &str) -> EntityRef {
    match name.strip_prefix(MEMORY).and_then(|number| number.parse::<MemoryId>().ok()) {
        Some(id) => id.into(),
        None => name.into(),
    }
}

/// Names of what a graph answers with, each looked up once.
pub struct Names<'g> {
    find: Box<dyn FnMut(NodeId) -> memlith::Result<Option<String>> + 'g>,
    known: HashMap<NodeId, String>,
}

impl<'g> Names<'g> {
    /// Of the nodes and memories of this graph.
    pub fn of(graph: &'g Graph) -> Self {
        Names::found_by(|id| Ok(graph.node(id)?.map(|node| node.external_id)))
    }

    /// The same as a transaction sees them.
    pub fn of_tx(graph: &'g mut GraphTx<'_, '_>) -> Self {
        Names::found_by(|id| Ok(graph.node(id)?.map(|node| node.external_id)))
    }

    fn found_by(find: impl FnMut(NodeId) -> memlith::Result<Option<String>> + 'g) -> Self {
        Names { find: Box::new(find), known: HashMap::new() }
    }

    /// The name of one: the number of a node that is gone.
    pub fn get(&mut self, entity: Entity) -> memlith::Result<String> {
        let id = match entity {
            Entity::Memory(id) => return Ok(format!("{MEMORY}{id}")),
            Entity::Node(id) => id,
        };
        if let Some(name) = self.known.get(&id) {
            return Ok(name.clone());
        }
        let name = (self.find)(id)?.unwrap_or_else(|| id.to_string());
        self.known.insert(id, name.clone());
        Ok(name)
    }
}
