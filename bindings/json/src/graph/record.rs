//! Nodes, edges and links as objects.
//!
//! **Invariant:** what comes out of here, [`Change`](super::Change) takes.

use super::Names;
use memlith::{Edge, Graph, GraphPath, Link, Node};
use serde_json::{Map, Value, json};

/// A node: `{"id", "number", "kind", "name", "importance", "tags", "aliases", "properties", "created_ms",
/// "updated_ms", "spaces"}`, the last the names of those that it has an embedding in; what it does not have is left
/// out.
pub fn node_json(node: Node) -> Value {
    let mut object = Map::from_iter([
        ("id".to_owned(), json!(node.external_id)),
        ("number".to_owned(), json!(node.id.0)),
        ("importance".to_owned(), json!(node.importance)),
        ("created_ms".to_owned(), json!(node.created_ms)),
        ("updated_ms".to_owned(), json!(node.updated_ms)),
    ]);
    let texts = [("kind", node.kind), ("name", node.name)];
    object.extend(texts.into_iter().filter_map(|(key, text)| Some((key.into(), text?.into()))));
    for (key, list) in [("tags", node.tags), ("aliases", node.aliases), ("spaces", node.spaces)] {
        if !list.is_empty() {
            object.insert(key.into(), json!(list));
        }
    }
    with_properties(object, node.properties)
}

/// An edge: `{"number", "source", "kind", "target", "weight", "properties", "from_ms", "until_ms",
/// "created_ms", "updated_ms"}`; what it does not have is left out.
pub fn edge_json(edge: Edge, names: &mut Names<'_>) -> memlith::Result<Value> {
    let mut object = Map::from_iter([
        ("number".to_owned(), json!(edge.id.0)),
        ("source".to_owned(), json!(names.get(edge.source)?)),
        ("kind".to_owned(), json!(&*edge.kind)),
        ("target".to_owned(), json!(names.get(edge.target)?)),
        ("weight".to_owned(), json!(edge.weight)),
        ("created_ms".to_owned(), json!(edge.created_ms)),
        ("updated_ms".to_owned(), json!(edge.updated_ms)),
    ]);
    holds(&mut object, edge.from_ms, edge.until_ms);
    Ok(with_properties(object, edge.properties))
}

/// What a walk knows of an edge: `{"number", "source", "kind", "target", "weight", "from_ms", "until_ms"}`.
pub(super) fn link_json(link: &Link, names: &mut Names<'_>) -> memlith::Result<Value> {
    let mut object = Map::from_iter([
        ("number".to_owned(), json!(link.id.0)),
        ("source".to_owned(), json!(names.get(link.source)?)),
        ("kind".to_owned(), json!(&*link.kind)),
        ("target".to_owned(), json!(names.get(link.target)?)),
        ("weight".to_owned(), json!(link.weight)),
    ]);
    holds(&mut object, link.from_ms, link.until_ms);
    Ok(Value::Object(object))
}

pub(super) fn links_json(links: &[Link], names: &mut Names<'_>) -> memlith::Result<Vec<Value>> {
    links.iter().map(|link| link_json(link, names)).collect()
}

/// `{"nodes": [name, …], "links": [link, …]}`, one more of the first.
pub(super) fn path_json(path: &GraphPath, names: &mut Names<'_>) -> memlith::Result<Value> {
    let nodes = path.entities.iter().map(|entity| names.get(*entity));
    let nodes = nodes.collect::<memlith::Result<Vec<_>>>()?;
    Ok(json!({ "nodes": nodes, "links": links_json(&path.links, names)? }))
}

/// Nodes of a graph, as many as a listing may have: an array.
pub(super) fn nodes_json(nodes: Vec<Node>) -> Value {
    nodes.into_iter().map(node_json).collect()
}

/// Edges of a graph: an array.
pub(super) fn edges_json(graph: &Graph, edges: Vec<Edge>) -> memlith::Result<Value> {
    let names = &mut Names::of(graph);
    edges.into_iter().map(|edge| edge_json(edge, names)).collect()
}

fn holds(object: &mut Map<String, Value>, from_ms: Option<i64>, until_ms: Option<i64>) {
    for (key, at) in [("from_ms", from_ms), ("until_ms", until_ms)] {
        object.extend(at.map(|at| (key.to_owned(), json!(at))));
    }
}

fn with_properties(mut object: Map<String, Value>, properties: Value) -> Value {
    if !properties.is_null() {
        object.insert("properties".into(), properties);
    }
    Value::Object(object)
}
