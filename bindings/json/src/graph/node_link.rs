//! Node-link JSON, as networkx has it: a whole graph in one document, read and written as it comes.
//!
//! **Invariant:** no more than one node or edge is in memory at a time. Of what is read nothing is
//! dropped: what a node or an edge has no field for becomes a property.

use super::{Names, entity_ref};
use crate::Embedding;
use crate::values::Embeddings;
use memlith::{
    DEFAULT_SPACE, Edge, Entity, EntityRef, Graph, GraphTx, NewEdge, NewNode, Node, Upserted,
};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::ops::AddAssign;

/// A node or an edge of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A node.
    Node(NewNode),
    /// An edge.
    Edge(NewEdge),
}

/// How many are new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// Nodes.
    pub nodes: u64,
    /// Edges.
    pub edges: u64,
}

impl AddAssign for Put {
    fn add_assign(&mut self, other: Put) {
        self.nodes += other.nodes;
        self.edges += other.edges;
    }
}

impl Item {
    /// Writes it; nodes that only an edge names are made.
    pub fn put(self, graph: &mut GraphTx<'_, '_>) -> memlith::Result<Put> {
        let is_new = |is_new: bool| u64::from(is_new);
        match self {
            Item::Node(node) => {
                let done = graph.upsert_node(node)?;
                Ok(Put { nodes: is_new(matches!(done, Upserted::Created(_))), edges: 0 })
            }
            Item::Edge(edge) => {
                let mut nodes = 0;
                for end in [&edge.source, &edge.target] {
                    if let EntityRef::Name(name) = end
                        && graph.node(&**name)?.is_none()
                    {
                        graph.upsert_node(NewNode::new(name))?;
                        nodes += 1;
                    }
                }
                let done = graph.upsert_edge_since(edge)?;
                Ok(Put { nodes, edges: is_new(matches!(done, Upserted::Created(_))) })
            }
        }
    }

    /// A node, of its members; `None` of a memory: what that is stands elsewhere.
    fn node(mut object: Map<String, Value>) -> Result<Option<Self>, String> {
        let id = id_of(&mut object, "id")?;
        if let EntityRef::Number(_) = entity_ref(&id) {
            return Ok(None);
        }
        let mut node = NewNode::new(id);
        node.kind = text(&mut object, "kind")?;
        node.name = text(&mut object, "name")?;
        if let Some(importance) = number(&mut object, "importance")? {
            node.importance = importance as f32;
        }
        node.tags = texts(&mut object, "tags")?;
        node.aliases = texts(&mut object, "aliases")?;
        node.created_ms = instant(&mut object, "created_ms")?;
        node.vectors = embedding(&mut object)?;
        if !object.is_empty() {
            node.properties = Value::Object(object);
        }
        Ok(Some(Item::Node(node)))
    }

    fn edge(mut object: Map<String, Value>, default_kind: &str) -> Result<Self, String> {
        let (source, target) = (id_of(&mut object, "source")?, id_of(&mut object, "target")?);
        let kind = text(&mut object, "kind")?;
        let kind = kind.unwrap_or_else(|| default_kind.to_owned());
        let mut edge = NewEdge::new(entity_ref(&source), kind, entity_ref(&target));
        if let Some(weight) = number(&mut object, "weight")? {
            edge.weight = weight as f32;
        }
        edge.from_ms = instant(&mut object, "from_ms")?;
        edge.until_ms = instant(&mut object, "until_ms")?;
        edge.created_ms = instant(&mut object, "created_ms")?;
        // networkx numbers parallel edges: their kinds, and when they begin to hold, tell them apart here.
        object.remove("key");
        if !object.is_empty() {
            edge.properties = Value::Object(object);
        }
        Ok(Item::Edge(edge))
    }
}

/// Reads a document, and hands each node and edge to `each`; an error in words ends the reading.
///
/// # Errors
/// What is wrong with the document, or what `each` says.
pub fn read_node_link<'de, D: Deserializer<'de>>(
    document: D,
    default_kind: &str,
    each: &mut dyn FnMut(Item) -> Result<(), String>,
) -> Result<(), D::Error> {
    Document { default_kind, each }.deserialize(document)
}

/// What an object of the document is.
#[derive(Clone, Copy)]
enum Part {
    Node,
    Edge,
}

struct Document<'a> {
    default_kind: &'a str,
    each: &'a mut dyn FnMut(Item) -> Result<(), String>,
}

impl Document<'_> {
    fn take(&mut self, part: Part, object: Map<String, Value>) -> Result<(), String> {
        let item = match part {
            Part::Node => Item::node(object)?,
            Part::Edge => Some(Item::edge(object, self.default_kind)?),
        };
        item.map_or(Ok(()), |item| (self.each)(item))
    }
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with \"nodes\" and \"links\"")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut is_graph = false;
        while let Some(key) = map.next_key::<String>()? {
            let part = match key.as_str() {
                "nodes" => Part::Node,
                "links" | "edges" => Part::Edge,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            is_graph = true;
            map.next_value_seed(Parts { part, of: &mut self })?;
        }
        if is_graph { Ok(()) } else { Err(A::Error::custom("neither \"nodes\" nor \"links\"")) }
    }
}

struct Parts<'a, 'b> {
    part: Part,
    of: &'a mut Document<'b>,
}

impl<'de> DeserializeSeed<'de> for Parts<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Parts<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(object) = list.next_element()? {
            self.of.take(self.part, object).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// Nodes and edges that are read at a time.
const PAGE: usize = 1_000;

/// Why a document is not written.
#[derive(Debug)]
pub enum WriteError {
    /// The engine says so.
    Engine(memlith::Error),
    /// Whoever takes it says so.
    Output(io::Error),
}

impl From<memlith::Error> for WriteError {
    fn from(error: memlith::Error) -> Self {
        WriteError::Engine(error)
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        WriteError::Output(error)
    }
}

/// Writes all nodes and edges of a graph as a document, which [`read_node_link`] reads. A property is hidden
/// by a field of its name.
pub fn write_node_link(graph: &Graph, out: &mut dyn Write) -> Result<(), WriteError> {
    write!(out, "{{\"directed\":true,\"multigraph\":true,\"graph\":{{}},\"nodes\":[")?;
    let mut list = Separated { is_first: true, out };
    each_node(graph, |node| {
        let vectors = embeddings_of(graph, &node)?;
        list.put(&flat_node(node, vectors))
    })?;
    let mut memories = BTreeSet::new();
    each_edge(graph, |edge| {
        let ends = [edge.source, edge.target].into_iter();
        memories.extend(ends.filter(|end| matches!(end, Entity::Memory(_))));
        Ok::<(), WriteError>(())
    })?;
    let mut names = Names::of(graph);
    for memory in memories {
        list.put(&json!({ "id": names.get(memory)?, "kind": "memory" }))?;
    }
    write!(list.out, "],\"links\":[")?;
    list.is_first = true;
    each_edge(graph, |edge| list.put(&flat_edge(edge, &mut names)?))?;
    Ok(writeln!(out, "]}}")?)
}

/// Items of a list.
struct Separated<'a> {
    is_first: bool,
    out: &'a mut dyn Write,
}

impl Separated<'_> {
    fn put(&mut self, value: &Value) -> Result<(), WriteError> {
        let comma = if std::mem::take(&mut self.is_first) { "" } else { "," };
        Ok(write!(self.out, "{comma}\n{value}")?)
    }
}

fn each_node(
    graph: &Graph,
    mut each: impl FnMut(Node) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut after = None;
    loop {
        let page = graph.list_nodes(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        page.into_iter().try_for_each(&mut each)?;
    }
}

fn each_edge(
    graph: &Graph,
    mut each: impl FnMut(Edge) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut after = None;
    loop {
        let page = graph.list_edges(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        page.into_iter().try_for_each(&mut each)?;
    }
}

/// The embeddings of a node, each with the name of its space.
fn embeddings_of(graph: &Graph, node: &Node) -> memlith::Result<Vec<(String, Vec<f32>)>> {
    let mut vectors = Vec::with_capacity(node.spaces.len());
    for space in &node.spaces {
        vectors.extend(graph.vector(node.id, space)?.map(|vector| (space.clone(), vector)));
    }
    Ok(vectors)
}

/// A node with its properties beside its fields, which go over them, and some embeddings of it.
pub fn flat_node(node: Node, vectors: Vec<(String, Vec<f32>)>) -> Value {
    let mut line = members(node.properties);
    line.insert("id".into(), json!(node.external_id));
    let optional = [("kind", node.kind), ("name", node.name)];
    line.extend(optional.into_iter().filter_map(|(key, value)| Some((key.into(), value?.into()))));
    line.insert("importance".into(), json!(node.importance));
    for (key, list) in [("tags", node.tags), ("aliases", node.aliases)] {
        if !list.is_empty() {
            line.insert(key.into(), json!(list));
        }
    }
    line.insert("created_ms".into(), json!(node.created_ms));
    if !vectors.is_empty() {
        line.insert("embedding".into(), json!(Embedding(vectors)));
    }
    Value::Object(line)
}

/// An edge with its properties beside its fields, which go over them.
pub fn flat_edge(edge: Edge, names: &mut Names<'_>) -> memlith::Result<Value> {
    let mut line = members(edge.properties);
    line.insert("source".into(), json!(names.get(edge.source)?));
    line.insert("target".into(), json!(names.get(edge.target)?));
    line.insert("kind".into(), json!(&*edge.kind));
    line.insert("weight".into(), json!(edge.weight));
    for (key, at) in [("from_ms", edge.from_ms), ("until_ms", edge.until_ms)] {
        line.extend(at.map(|at| (key.to_owned(), json!(at))));
    }
    line.insert("created_ms".into(), json!(edge.created_ms));
    Ok(Value::Object(line))
}

fn members(properties: Value) -> Map<String, Value> {
    match properties {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// An id, which may be a text or a whole number.
fn id_of(object: &mut Map<String, Value>, key: &str) -> Result<String, String> {
    match object.remove(key) {
        Some(Value::String(text)) => Ok(text),
        Some(Value::Number(number)) if !number.is_f64() => Ok(number.to_string()),
        Some(other) => Err(format!("{key} is {other}, and must be a text or a whole number")),
        None => Err(format!("{key} is missing")),
    }
}

fn text(object: &mut Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("{key} is {other}, and must be a text")),
    }
}

fn number(object: &mut Map<String, Value>, key: &str) -> Result<Option<f64>, String> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(format!("{key} is {value}, and must be a number")),
        },
    }
}

fn instant(object: &mut Map<String, Value>, key: &str) -> Result<Option<i64>, String> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64() {
            Some(at) => Ok(Some(at)),
            None => Err(format!("{key} is {value}, and must be milliseconds since 1970")),
        },
    }
}

/// Embeddings, each with the name of its space.
fn embedding(object: &mut Map<String, Value>) -> Result<Vec<(String, Vec<f32>)>, String> {
    let given = match object.remove("embedding") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(value) => serde_json::from_value::<Embeddings>(value),
    };
    let given = given.map_err(|e| format!("embedding: {e}"))?;
    Ok(given.in_spaces(DEFAULT_SPACE))
}

fn texts(object: &mut Map<String, Value>, key: &str) -> Result<Vec<String>, String> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => {
            serde_json::from_value(value).map_err(|_| format!("{key} must be a list of texts"))
        }
    }
}
