//! What a transaction does to a graph, as an object.
//!
//! **Invariant:** an unknown field is refused by its name; what [`node_json`](super::node_json) and
//! [`edge_json`](super::edge_json) give is taken.

use super::{GraphError, Item, Put, entity_ref, read_node_link};
use crate::Time;
use crate::patch::{PatchedVectors, given};
use crate::values::{Embeddings, Id, Tags};
use memlith::{
    DEFAULT_SPACE, EdgeId, EdgePatch, EntityRef, GraphTx, NewEdge, NewNode, NodePatch, Upserted,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

/// One change to a graph.
#[derive(Clone, Debug)]
pub enum Change {
    /// `{"upsert_nodes": [{"id": "ada", "kind": "person", …}]}`: `{"numbers": […], "did": […]}`.
    UpsertNodes(Vec<NewNode>),
    /// `{"upsert_edges": [{"source": "ada", "kind": "lives_in", "target": "london", …}]}`: likewise.
    UpsertEdges(Vec<NewEdge>),
    /// `{"add_edges": […]}`, also where there is such an edge: `{"numbers": […]}`.
    AddEdges(Vec<NewEdge>),
    /// `{"update_node": {"node": name, "patch": {…}}}`: is there one?
    UpdateNode(EntityRef, NodePatch),
    /// `{"update_edge": {"edge": number, "patch": {…}}}`: is there one?
    UpdateEdge(EdgeId, EdgePatch),
    /// `{"delete_node": name}`: was there one?
    DeleteNode(EntityRef),
    /// `{"delete_edge": number}`: was there one?
    DeleteEdge(EdgeId),
    /// `{"merge_nodes": {"from": name, "into": name}}`: null.
    MergeNodes(EntityRef, EntityRef),
    /// `{"write_property": {"name": "rank", "values": {name: value, …}}}`: of how many nodes.
    WriteProperty(String, Vec<(EntityRef, Value)>),
    /// `{"import": {"graph": {"nodes": […], "links": […]}, "default_kind": "related"}}`: node-link JSON as
    /// networkx has it; `{"nodes", "edges"}`, how many are new.
    Import(Vec<Item>),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChangeJson {
    UpsertNodes(Vec<NodeJson>),
    UpsertEdges(Vec<EdgeJson>),
    AddEdges(Vec<EdgeJson>),
    UpdateNode(UpdateNode),
    UpdateEdge(UpdateEdge),
    DeleteNode(String),
    DeleteEdge(u64),
    MergeNodes(Merge),
    WriteProperty(Property),
    Import(Import),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateNode {
    node: String,
    patch: NodePatchJson,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateEdge {
    edge: u64,
    patch: EdgePatchJson,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    from: String,
    into: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Property {
    name: String,
    values: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    graph: Value,
    default_kind: Option<String>,
}

impl Change {
    /// Reads a change.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(change: Value) -> Result<Self, GraphError> {
        Ok(match serde_json::from_value(change)? {
            ChangeJson::UpsertNodes(nodes) => {
                let nodes = nodes.into_iter().map(NodeJson::read);
                Change::UpsertNodes(nodes.collect::<Result<_, _>>()?)
            }
            ChangeJson::UpsertEdges(edges) => Change::UpsertEdges(all(edges)),
            ChangeJson::AddEdges(edges) => Change::AddEdges(all(edges)),
            ChangeJson::UpdateNode(UpdateNode { node, patch }) => {
                Change::UpdateNode(entity_ref(&node), patch.read())
            }
            ChangeJson::UpdateEdge(UpdateEdge { edge, patch }) => {
                Change::UpdateEdge(EdgeId(edge), patch.read())
            }
            ChangeJson::DeleteNode(node) => Change::DeleteNode(entity_ref(&node)),
            ChangeJson::DeleteEdge(edge) => Change::DeleteEdge(EdgeId(edge)),
            ChangeJson::MergeNodes(Merge { from, into }) => {
                Change::MergeNodes(entity_ref(&from), entity_ref(&into))
            }
            ChangeJson::WriteProperty(Property { name, values }) => {
                let values = values.into_iter().map(|(node, value)| (entity_ref(&node), value));
                Change::WriteProperty(name, values.collect())
            }
            ChangeJson::Import(Import { graph, default_kind }) => {
                let kind = default_kind.as_deref().unwrap_or("related");
                let mut items = Vec::new();
                read_node_link(graph, kind, &mut |item| {
                    items.push(item);
                    Ok(())
                })?;
                Change::Import(items)
            }
        })
    }

    /// Does it, and says what came of it.
    pub fn apply(self, graph: &mut GraphTx<'_, '_>) -> memlith::Result<Value> {
        Ok(match self {
            Change::UpsertNodes(nodes) => upserted(&graph.upsert_nodes(nodes)?, |id| id.0),
            Change::UpsertEdges(edges) => upserted(&graph.upsert_edges(edges)?, |id| id.0),
            Change::AddEdges(edges) => {
                let ids = edges.into_iter().map(|edge| Ok(graph.add_edge(edge)?.0));
                json!({ "numbers": ids.collect::<memlith::Result<Vec<_>>>()? })
            }
            Change::UpdateNode(node, patch) => json!(graph.update_node(node, &patch)?),
            Change::UpdateEdge(edge, patch) => json!(graph.update_edge(edge, &patch)?),
            Change::DeleteNode(node) => json!(graph.delete_node(node)?),
            Change::DeleteEdge(edge) => json!(graph.delete_edge(edge)?),
            Change::MergeNodes(from, into) => {
                graph.merge_nodes(from, into)?;
                Value::Null
            }
            Change::WriteProperty(name, values) => {
                let mut written = 0_u64;
                for (node, value) in values {
                    let value = Value::Object(Map::from_iter([(name.clone(), value)]));
                    let patch = NodePatch::new().properties(value);
                    written += u64::from(graph.update_node(node, &patch)?);
                }
                json!(written)
            }
            Change::Import(items) => {
                let mut put = Put::default();
                for item in items {
                    put += item.put(graph)?;
                }
                json!({ "nodes": put.nodes, "edges": put.edges })
            }
        })
    }
}

fn all(edges: Vec<EdgeJson>) -> Vec<NewEdge> {
    edges.into_iter().map(EdgeJson::read).collect()
}

fn upserted<Id: Copy>(done: &[Upserted<Id>], number: impl Fn(Id) -> u64) -> Value {
    let numbers: Vec<u64> = done.iter().map(|one| number(one.id())).collect();
    let did = done.iter().map(|one| match one {
        Upserted::Created(_) => "created",
        Upserted::Updated(_) => "updated",
        Upserted::Unchanged(_) => "unchanged",
    });
    json!({ "numbers": numbers, "did": did.collect::<Vec<_>>() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeJson {
    id: Id,
    kind: Option<String>,
    name: Option<String>,
    importance: Option<f32>,
    properties: Option<Map<String, Value>>,
    tags: Option<Tags>,
    aliases: Option<Tags>,
    created_ms: Option<Time>,
    #[serde(alias = "vector")]
    embedding: Option<Embeddings>,
    /// Of the file: passed over.
    #[serde(rename = "number")]
    _number: Option<IgnoredAny>,
    #[serde(rename = "updated_ms")]
    _updated_ms: Option<IgnoredAny>,
    #[serde(rename = "spaces")]
    _spaces: Option<IgnoredAny>,
}

impl NodeJson {
    fn read(self) -> Result<NewNode, String> {
        let mut node = NewNode::new(checked_id(self.id.0)?);
        node.kind = self.kind;
        node.name = self.name;
        node.importance = self.importance.unwrap_or(node.importance);
        node.properties = self.properties.map_or(Value::Null, Value::Object);
        node.tags = self.tags.map(|tags| tags.0).unwrap_or_default();
        node.aliases = self.aliases.map(|aliases| aliases.0).unwrap_or_default();
        for alias in &node.aliases {
            checked_id(alias.clone())?;
        }
        node.created_ms = self.created_ms.map(|time| time.0);
        let embedding = self.embedding.map(|given| given.in_spaces(DEFAULT_SPACE));
        node.vectors = embedding.unwrap_or_default();
        Ok(node)
    }
}

/// The id of a node, which must not read as that of a memory.
fn checked_id(id: String) -> Result<String, String> {
    match entity_ref(&id) {
        EntityRef::Name(_) => Ok(id),
        EntityRef::Number(_) => {
            Err(format!("{id:?} is the name of a memory, and cannot be a node's"))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeJson {
    source: Id,
    kind: String,
    target: Id,
    weight: Option<f32>,
    properties: Option<Map<String, Value>>,
    from_ms: Option<Time>,
    until_ms: Option<Time>,
    created_ms: Option<Time>,
    /// Of the file: passed over.
    #[serde(rename = "number")]
    _number: Option<IgnoredAny>,
    #[serde(rename = "updated_ms")]
    _updated_ms: Option<IgnoredAny>,
}

impl EdgeJson {
    fn read(self) -> NewEdge {
        let (source, target) = (entity_ref(&self.source.0), entity_ref(&self.target.0));
        let mut edge = NewEdge::new(source, self.kind, target);
        edge.weight = self.weight.unwrap_or(edge.weight);
        edge.properties = self.properties.map_or(Value::Null, Value::Object);
        edge.from_ms = self.from_ms.map(|time| time.0);
        edge.until_ms = self.until_ms.map(|time| time.0);
        edge.created_ms = self.created_ms.map(|time| time.0);
        edge
    }
}

#[expect(clippy::option_option, reason = "absent, null and given are three things in a patch")]
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NodePatchJson {
    #[serde(deserialize_with = "given")]
    kind: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    name: Option<Option<String>>,
    importance: Option<f32>,
    properties: Option<Map<String, Value>>,
    add_tags: Option<Tags>,
    remove_tags: Option<Tags>,
    add_aliases: Option<Tags>,
    remove_aliases: Option<Tags>,
    #[serde(alias = "vector")]
    embedding: Option<PatchedVectors>,
}

impl NodePatchJson {
    fn read(self) -> NodePatch {
        let list = |tags: Option<Tags>| tags.map(|tags| tags.0).unwrap_or_default();
        let mut patch = NodePatch::new();
        patch.kind = self.kind;
        patch.name = self.name;
        patch.importance = self.importance;
        patch.properties = self.properties.map(Value::Object);
        patch.add_tags = list(self.add_tags);
        patch.remove_tags = list(self.remove_tags);
        patch.add_aliases = list(self.add_aliases);
        patch.remove_aliases = list(self.remove_aliases);
        patch.vectors = self.embedding.map(PatchedVectors::in_spaces).unwrap_or_default();
        patch
    }
}

#[expect(clippy::option_option, reason = "absent, null and given are three things in a patch")]
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EdgePatchJson {
    weight: Option<f32>,
    properties: Option<Map<String, Value>>,
    #[serde(deserialize_with = "given")]
    from_ms: Option<Option<Time>>,
    #[serde(deserialize_with = "given")]
    until_ms: Option<Option<Time>>,
}

impl EdgePatchJson {
    fn read(self) -> EdgePatch {
        let time = |time: Option<Time>| time.map(|time| time.0);
        let mut patch = EdgePatch::new();
        patch.weight = self.weight;
        patch.properties = self.properties.map(Value::Object);
        patch.from_ms = self.from_ms.map(time);
        patch.until_ms = self.until_ms.map(time);
        patch
    }
}

/// Reads the patch of a node: `{"kind", "name", "importance", "properties", "add_tags", "remove_tags",
/// "add_aliases", "remove_aliases", "embedding"}`, of which only what is given changes; null clears `kind` and
/// `name`, `properties` are merged (RFC 7396), and an embedding is of the default space, or an object of some by
/// space, null removing what is there.
///
/// # Errors
/// What is wrong with it, in words.
pub fn node_patch_from_json(text: &[u8]) -> Result<NodePatch, GraphError> {
    Ok(serde_json::from_slice::<NodePatchJson>(text)?.read())
}

/// Reads the patch of an edge: `{"weight", "properties", "from_ms", "until_ms"}`, likewise; null takes a
/// bound of its validity away.
///
/// # Errors
/// What is wrong with it, in words.
pub fn edge_patch_from_json(text: &[u8]) -> Result<EdgePatch, GraphError> {
    Ok(serde_json::from_slice::<EdgePatchJson>(text)?.read())
}
