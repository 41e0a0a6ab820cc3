//! Questions to the graph of a snapshot. They and their answers are JSON: both have many parts.

use super::namespace;
use crate::boundary::out;
use crate::call::on;
use crate::cancellation::ml_cancellation;
use crate::error::{Failure, ml_error};
use crate::progress::{Progress, ml_progress};
use crate::recall::cancelling;
use crate::snapshot::{Snapshot, ml_snapshot};
use crate::status::ml_status;
use crate::text::{self, ml_text};
use crate::views::ml_str;
use memlith::{Cancellation, EdgeId, Graph, NodeId};
use memlith_json::{
    Names, Question, analyse, ask, edge_json, entity_ref, node_json, write_node_link,
};
use serde_json::Value;

/// A node by its external id or an alias, as a JSON object: `id`, `number`, `kind`, `name`, `importance`,
/// `tags`, `aliases`, `properties`, `created_ms`, `updated_ms`; what it does not have is left out. No object
/// (NULL) if there is none. `ns` no text is `default`, here and below.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_node(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    node: ml_str,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(snapshot, ns, error, |graph| {
        let place = out(json, "json")?;
        let found = graph.node(entity_ref(node.required("node")?))?;
        text::give_json_if(found.map(node_json), place)
    })
}

/// An edge by its number, as a JSON object: `number`, `source`, `kind`, `target`, `weight`, `properties`,
/// `from_ms`, `until_ms`, `created_ms`, `updated_ms`; what it does not have is left out. No object (NULL) if
/// there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_edge(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    number: u64,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(snapshot, ns, error, |graph| {
        let place = out(json, "json")?;
        let names = &mut Names::of(&graph);
        let found = graph.edge(EdgeId(number))?.map(|edge| edge_json(edge, names));
        text::give_json_if(found.transpose()?, place)
    })
}

/// Nodes in the order of their numbers, from behind `after` on (0 for the first): a JSON array of at most
/// `limit` (10,000) objects as `ml_snapshot_graph_node` gives them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_nodes(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    after: u64,
    limit: usize,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(snapshot, ns, error, |graph| {
        let place = out(json, "json")?;
        let nodes = graph.list_nodes(Some(NodeId(after)), limit)?;
        text::give_json(&nodes.into_iter().map(node_json).collect::<Value>(), place)
    })
}

/// Edges, likewise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_edges(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    after: u64,
    limit: usize,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(snapshot, ns, error, |graph| {
        let place = out(json, "json")?;
        let edges = graph.list_edges(Some(EdgeId(after)), limit)?;
        let names = &mut Names::of(&graph);
        let edges = edges.into_iter().map(|edge| edge_json(edge, names));
        text::give_json(&edges.collect::<memlith::Result<Value>>()?, place)
    })
}

/// The kinds of edges that the file has: a JSON array of their names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_edge_kinds(
    snapshot: *const ml_snapshot,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(snapshot, ml_str::NONE, error, |graph| {
        let place = out(json, "json")?;
        let kinds = graph.edge_kinds();
        text::give_json(&kinds.iter().map(|kind| &**kind).collect::<Vec<_>>(), place)
    })
}

/// Nodes by words, the best first: `{"text": "countess lovelace", "signs": false, "filter": "kind:person",
/// "limit": 10, "deadline_ms": 50}`, of which only `text` must be there. The words are those of ids, names and
/// aliases, and of texts in properties that are indexed (`ml_tx_index_metadata`); with `signs` the text may have
/// `"words in a row"`, `+required`, `-excluded`, `begin*` and `typo~`. The answer is `{"found": [{"node": {…},
/// "score": 2.1, "matched_terms": ["lovelac"]}]}`, with nodes as `ml_snapshot_graph_node` gives them.
/// `ML_DEADLINE_EXCEEDED` if the time ran out. `cancellation` is what another thread may end it by, or NULL, here and
/// in the questions below: they answer `ML_CANCELLED` then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_search(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    request: ml_str,
    cancellation: *const ml_cancellation,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    question(snapshot, ns, Question::Search, request, cancellation, json, error)
}

/// Nodes whose embeddings are near, the best first: `{"vector": [0.8, 0.6], "space": "default", "filter":
/// "kind:person", "limit": 10, "min_score": 0.5, "effort": "balanced", "deadline_ms": 50}`, of which only `vector` must
/// be there, or in its place a `text`, which the embedder of the space makes one of. The answer is `{"found": [{"node":
/// {…}, "score": 0.93}]}`, with nodes as `ml_snapshot_graph_node` gives them. `ML_NOT_FOUND` without such a space,
/// `ML_DIMENSION_MISMATCH` for a vector that it cannot have.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_nearest(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    request: ml_str,
    cancellation: *const ml_cancellation,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    question(snapshot, ns, Question::Nearest, request, cancellation, json, error)
}

/// The embedding of a node: `{"node": "ada", "space": "default"}`, of which only `node` must be there. The answer is a
/// JSON array, or null if it has none there, or if there is no such node. `ML_NOT_FOUND` without such a space.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_embedding(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    request: ml_str,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    question(snapshot, ns, Question::Embedding, request, std::ptr::null(), json, error)
}

/// What is next to a node or memory: `{"of": "ada", "follow": {…}, "limit": 100}`. The answer is `{"found":
/// [{"node": "london", "link": {…}}], "cut": null}`, first of the edges that leave it.
///
/// A node is called by its external id or an alias, a memory `memory:` and its number, in questions and in
/// answers. `follow` says which edges count, and is the same in all questions: `{"direction": "out" or
/// "in" or "both", "kinds": ["knows"], "min_weight": 0.5, "filter": "kind:person", "edge_filter": "…",
/// "when": "now" or "any" or a time, "max_work": 1000000, "deadline_ms": 50}`. `cut` says why there may be
/// more: `limit`, `max_work` or `deadline`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_neighbours(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    request: ml_str,
    cancellation: *const ml_cancellation,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    question(snapshot, ns, Question::Neighbours, request, cancellation, json, error)
}

/// What is related to some nodes and memories, the best first: `{"starts": ["ada", ["memory:7", 0.5]],
/// "follow", "depth": 2, "decay": 0.5, "weighted": false, "limit": 10, "paths": true}`, where each start
/// may have a score, each step leaves `decay` of it, and weights of edges count if `weighted`. The answer
/// is `{"found": [{"node", "score", "hops", "path": {"nodes": […], "links": […]}}], "cut"}`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_related(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    request: ml_str,
    cancellation: *const ml_cancellation,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    question(snapshot, ns, Question::Related, request, cancellation, json, error)
}

/// The part of the graph around some: `{"starts": ["ada"], "follow", "depth": 1, "limit": 200}`. The answer
/// is `{"nodes": [{"node", "hops"}], "links": [{…}], "cut"}`, the nearest first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_subgraph(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    request: ml_str,
    cancellation: *const ml_cancellation,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    question(snapshot, ns, Question::Subgraph, request, cancellation, json, error)
}

/// How one gets from one to another: `{"from": "ada", "to": "babbage", "how": "shortest", "follow"}`; `how`
/// may be `cheapest`, with `"cost": "weight"` or `"reciprocal"`, or `all`, with `"limit": 10` and
/// `"max_length": 6`. The answer is `{"found": [{"nodes", "links", "cost"}], "cut"}`, empty if no path leads
/// there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_paths(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    request: ml_str,
    cancellation: *const ml_cancellation,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    question(snapshot, ns, Question::Paths, request, cancellation, json, error)
}

/// Places that look like a small graph: `{"nodes": {"me": "ada", "firm": null, "town": {"filter":
/// "kind:city"}}, "edges": [{"from": "me", "to": "firm", "follow": {"kinds": ["works_at"]}}, …], "limit":
/// 100, "max_work", "deadline_ms"}`. For `null` anything can stand. The answer is `{"found": [{"nodes":
/// {"me": "ada", …}, "links": […]}], "steps": […], "cut"}`, where `steps` say how it was found.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_find(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    pattern: ml_str,
    cancellation: *const ml_cancellation,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    question(snapshot, ns, Question::Find, pattern, cancellation, json, error)
}

/// Analyses the graph as a whole: `{"what": "page_rank", "with": {"damping": 0.85}, "follow", "orientation":
/// "directed" or "undirected", "weight": "weight" or "one", "threads": 2, "deadline_ms": 1000}`, of which
/// only `what` must be there: `degrees`, `page_rank`, `eigenvector`, `closeness`, `betweenness`,
/// `components`, `communities`, `label_propagation`, `cdlp`, `cores`, `triangles`, `clustering`, `hops` or
/// `distances`. docs/graph.md says what each can be given in `with`. The answer is `{"nodes": ["ada", …],
/// "values": [0.3, …]}`, with what else there is to say. `progress` gets thousandths; it may be NULL, and so may
/// `cancellation`, by which another thread ends it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_analyse(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    request: ml_str,
    progress: *const ml_progress,
    cancellation: *const ml_cancellation,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(snapshot, ns, error, |graph| {
        let progress = Progress::of(progress)?;
        let place = out(json, "json")?;
        let graph = until(graph, cancelling(cancellation)?.as_ref());
        let answer = analyse(&graph, object(request)?, &mut |part| {
            progress.tell((part * 1e3) as u64, 1_000);
            true
        })?;
        text::give_json(&answer, place)
    })
}

/// All of the graph as node-link JSON, as networkx has it, which `ml_tx_graph_import` reads. It lies in
/// memory at once: a large one is better read by `ml_snapshot_graph_nodes` and `ml_snapshot_graph_edges`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_graph_export(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(snapshot, ns, error, |graph| {
        let place = out(json, "json")?;
        let mut document = Vec::new();
        write_node_link(&graph, &mut document).map_err(|e| match e {
            memlith_json::WriteError::Engine(e) => Failure::from(e),
            memlith_json::WriteError::Output(e) => {
                Failure::new(ml_status::ML_INTERNAL, e.to_string())
            }
        })?;
        let document = String::from_utf8(document);
        let document = document.map_err(|e| Failure::new(ml_status::ML_INTERNAL, e.to_string()))?;
        text::give(document, place)
    })
}

fn on_graph(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    error: *mut *mut ml_error,
    work: impl FnOnce(Graph) -> Result<(), Failure>,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| work(snapshot.0.graph(namespace(ns)?)))
}

fn question(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    question: Question,
    request: ml_str,
    cancellation: *const ml_cancellation,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on_graph(snapshot, ns, error, |graph| {
        let place = out(json, "json")?;
        let graph = until(graph, cancelling(cancellation)?.as_ref());
        text::give_json(&ask(&graph, question, object(request)?)?, place)
    })
}

/// The same graph, until it is cancelled, if it can be.
fn until(graph: Graph, cancellation: Option<&Cancellation>) -> Graph {
    match cancellation {
        Some(cancellation) => graph.cancellation(cancellation),
        None => graph,
    }
}

/// A request, which must be there.
fn object(request: ml_str) -> Result<Value, Failure> {
    let request = serde_json::from_slice(request.bytes("request")?);
    request.map_err(|e| Failure::invalid(format!("request: {}", memlith_json::reason(&e))))
}
