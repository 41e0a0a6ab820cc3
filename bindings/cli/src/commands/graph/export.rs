//! `memlith graph export`: nodes and edges to standard output.

use super::import::Format;
use super::{Place, name_of, separated};
use crate::output::{Console, Failure, Outcome};
use clap::Args;
use memlith::{Edge, Entity, Graph, Node};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::io::{self, Write};

const AFTER_HELP: &str = "\
Examples:
  memlith graph export agent.lith > graph.json
  memlith graph export agent.lith --format tsv > edges.tsv";

/// Write all nodes and edges of a namespace
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Export {
    #[command(flatten)]
    place: Place,

    /// How to write it: node-link JSON has everything, an edge list the kinds and weights of edges
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: Format,
}

impl Export {
    pub(super) fn run(self, console: &mut Console) -> Outcome {
        let (_db, graph) = self.place.read()?;
        match self.format {
            Format::Json => write_node_link(&graph, console),
            format => write_list(&graph, format.separator(), console),
        }
    }
}

/// Runs what writes to `out` from within a callback of the library, which cannot fail otherwise.
fn streamed(
    walk: impl FnOnce(&mut dyn FnMut(io::Result<()>) -> bool) -> memlith::Result<()>,
) -> Outcome {
    let mut failed = None;
    walk(&mut |written| match written {
        Ok(()) => true,
        Err(e) => {
            failed = Some(e);
            false
        }
    })?;
    failed.map_or(Ok(()), |e| Err(Failure::Output(e)))
}

fn write_node_link(graph: &Graph, console: &mut Console) -> Outcome {
    let out = console.out();
    let put = |out: &mut dyn Write, is_first: &mut bool, value: &Value| {
        let comma = if std::mem::take(is_first) { "" } else { "," };
        write!(out, "{comma}\n{value}")
    };
    let head = "{\"directed\":true,\"multigraph\":true,\"graph\":{},\"nodes\":[";
    write!(out, "{head}").map_err(Failure::Output)?;
    let mut is_first = true;
    streamed(|keep| graph.for_each_node(|node| Ok(keep(put(out, &mut is_first, &of_node(node))))))?;
    let mut memories = BTreeSet::new();
    graph.for_each_edge(|edge| {
        memories.extend([edge.source, edge.target].into_iter().filter(is_memory));
        Ok(true)
    })?;
    for memory in memories {
        let value = json!({ "id": name_of(graph, memory)?, "kind": "memory" });
        put(out, &mut is_first, &value).map_err(Failure::Output)?;
    }
    write!(out, "],\"links\":[").map_err(Failure::Output)?;
    is_first = true;
    streamed(|keep| {
        graph.for_each_edge(|edge| {
            let value = of_edge(graph, edge)?;
            Ok(keep(put(out, &mut is_first, &value)))
        })
    })?;
    writeln!(out, "]}}").map_err(Failure::Output)
}

fn write_list(graph: &Graph, separator: char, console: &mut Console) -> Outcome {
    let out = console.out();
    let row = |fields: [&str; 4]| {
        fields.map(|field| separated::quoted(field, separator)).join(&separator.to_string())
    };
    writeln!(out, "{}", row(["source", "target", "kind", "weight"])).map_err(Failure::Output)?;
    streamed(|keep| {
        graph.for_each_edge(|edge| {
            let (source, target) = (name_of(graph, edge.source)?, name_of(graph, edge.target)?);
            let weight = edge.weight.to_string();
            Ok(keep(writeln!(out, "{}", row([&source, &target, &edge.kind, &weight]))))
        })
    })
}

fn is_memory(entity: &Entity) -> bool {
    matches!(entity, Entity::Memory(_))
}

/// What it has beyond its properties goes over them.
fn object(properties: Value) -> Map<String, Value> {
    match properties {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

pub(super) fn of_node(node: Node) -> Value {
    let mut line = object(node.properties);
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
    Value::Object(line)
}

pub(super) fn of_edge(graph: &Graph, edge: Edge) -> memlith::Result<Value> {
    let mut line = object(edge.properties);
    line.insert("source".into(), json!(name_of(graph, edge.source)?));
    line.insert("target".into(), json!(name_of(graph, edge.target)?));
    line.insert("kind".into(), json!(&*edge.kind));
    line.insert("weight".into(), json!(edge.weight));
    for (key, at) in [("from_ms", edge.from_ms), ("until_ms", edge.until_ms)] {
        line.extend(at.map(|at| (key.to_owned(), json!(at))));
    }
    line.insert("created_ms".into(), json!(edge.created_ms));
    Ok(Value::Object(line))
}
