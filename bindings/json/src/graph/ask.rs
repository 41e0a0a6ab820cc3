//! Questions to a graph: what is there, what is around something, and how one gets there.
//!
//! **Invariant:** an answer that may not be all there is says why (`cut`).

use super::follow::FollowJson;
use super::record::{edges_json, link_json, links_json, nodes_json, path_json};
use super::{GraphError, Names, edge_json, entity_ref, node_json, pattern, search};
use memlith::{Cost, CutShort, DEFAULT_SPACE, EdgeId, EntityRef, Graph, GraphTx, NodeId, Related};
use serde::Deserialize;
use serde_json::{Value, json};

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A node or null: `{"node": name}`.
    Node,
    /// An edge or null: `{"edge": number}`.
    Edge,
    /// Nodes by number, `{"after": number, "limit": 100}`: an array.
    Nodes,
    /// Edges by number, likewise.
    Edges,
    /// Nodes by words of their ids, names, aliases and indexed properties: `{"text": "…", "signs": false,
    /// "filter", "limit": 10, "deadline_ms"}`.
    ///
    /// `{"found": [{"node": {…}, "score", "matched_terms"}]}`
    Search,
    /// Nodes by their embeddings: `{"vector": [0.8, 0.6]}`, or `{"text": "…"}` for the embedder of the space, with
    /// `"space", "filter", "limit": 10, "min_score", "effort": "balanced", "deadline_ms"`.
    ///
    /// `{"found": [{"node": {…}, "score"}]}`
    Nearest,
    /// The embedding of a node, `{"node": name, "space": "default"}`: an array or null.
    Embedding,
    /// What is next to something: `{"of": name, "follow": {…}, "limit": 100}`.
    ///
    /// `{"found": [{"node": name, "link": {…}}], "cut"}`
    Neighbours,
    /// What is related to some: `{"starts": [name or [name, score]], "follow", "depth": 2, "decay": 0.5,
    /// "weighted": false, "limit": 10, "paths": false}`.
    ///
    /// `{"found": [{"node", "score", "hops", "path"}], "cut"}`
    Related,
    /// What is around some: `{"starts": [name], "follow", "depth": 1, "limit": 200}`.
    ///
    /// `{"nodes": [{"node", "hops"}], "links": [{…}], "cut"}`, the nearest first.
    Subgraph,
    /// How one gets from one to another: `{"from": name, "to": name, "how": "shortest", "follow", "cost":
    /// "weight"}`; `how` may also be `cheapest` (whose cost may be `reciprocal`) or `all`, with `"limit":
    /// 10` and `"max_length": 6`.
    ///
    /// `{"found": [{"nodes", "links", "cost"}], "cut"}`
    Paths,
    /// Places that look like a small graph: `{"nodes": {"me": "ada", "town": {"filter": "kind:city"},
    /// "firm": null}, "edges": [{"from": "me", "to": "firm", "follow"}], "limit": 100, "max_work",
    /// "deadline_ms"}`.
    ///
    /// `{"found": [{"nodes": {"me": name, …}, "links": [{…}]}], "steps": [{…}], "cut"}`
    Find,
}

impl Question {
    /// The question of a name, such as `related`.
    pub fn from_name(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }
}

/// Asks a graph.
///
/// # Errors
/// What is wrong with the request, or what the engine says.
pub fn ask(graph: &Graph, question: Question, request: Value) -> Result<Value, GraphError> {
    match question {
        Question::Node => {
            let NodeAsked { node } = serde_json::from_value(request)?;
            Ok(graph.node(entity_ref(&node))?.map_or(Value::Null, node_json))
        }
        Question::Edge => {
            let EdgeAsked { edge } = serde_json::from_value(request)?;
            match graph.edge(EdgeId(edge))? {
                Some(edge) => Ok(edge_json(edge, &mut Names::of(graph))?),
                None => Ok(Value::Null),
            }
        }
        Question::Nodes => {
            let Page { after, limit } = serde_json::from_value(request)?;
            Ok(nodes_json(graph.list_nodes(after.map(NodeId), limit)?))
        }
        Question::Edges => {
            let Page { after, limit } = serde_json::from_value(request)?;
            Ok(edges_json(graph, graph.list_edges(after.map(EdgeId), limit)?)?)
        }
        Question::Search => search::search(graph, serde_json::from_value(request)?),
        Question::Nearest => search::nearest(graph, serde_json::from_value(request)?),
        Question::Embedding => {
            let EmbeddingAsked { node, space } = serde_json::from_value(request)?;
            let space = space.as_deref().unwrap_or(DEFAULT_SPACE);
            Ok(json!(graph.vector(entity_ref(&node), space)?))
        }
        Question::Neighbours => neighbours(graph, serde_json::from_value(request)?),
        Question::Related => related(graph, serde_json::from_value(request)?),
        Question::Subgraph => subgraph(graph, serde_json::from_value(request)?),
        Question::Paths => paths(graph, serde_json::from_value(request)?),
        Question::Find => pattern::find(graph, serde_json::from_value(request)?),
    }
}

/// Asks a graph as a transaction sees it: for a node or an edge alone.
///
/// # Errors
/// What is wrong with the request, or what the engine says.
pub fn ask_tx(
    graph: &mut GraphTx<'_, '_>,
    question: Question,
    request: Value,
) -> Result<Value, GraphError> {
    match question {
        Question::Node => {
            let NodeAsked { node } = serde_json::from_value(request)?;
            Ok(graph.node(entity_ref(&node))?.map_or(Value::Null, node_json))
        }
        Question::Edge => {
            let EdgeAsked { edge } = serde_json::from_value(request)?;
            match graph.edge(EdgeId(edge))? {
                Some(edge) => Ok(edge_json(edge, &mut Names::of_tx(graph))?),
                None => Ok(Value::Null),
            }
        }
        _ => Err(GraphError::Invalid("a transaction knows its nodes and edges alone".into())),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeAsked {
    node: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmbeddingAsked {
    node: String,
    space: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeAsked {
    edge: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    after: Option<u64>,
    #[serde(default = "a_hundred")]
    limit: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NeighboursAsked {
    of: String,
    #[serde(default)]
    follow: FollowJson,
    #[serde(default = "a_hundred")]
    limit: usize,
}

fn a_hundred() -> usize {
    100
}

fn neighbours(graph: &Graph, asked: NeighboursAsked) -> Result<Value, GraphError> {
    let found = graph.neighbours(entity_ref(&asked.of), &asked.follow.read()?, asked.limit)?;
    let names = &mut Names::of(graph);
    let each = found.found.iter().map(|adjacent| {
        let node = names.get(adjacent.entity)?;
        Ok(json!({ "node": node, "link": link_json(&adjacent.link, names)? }))
    });
    let each = each.collect::<memlith::Result<Vec<_>>>()?;
    Ok(json!({ "found": each, "cut": cut(found.cut) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RelatedAsked {
    starts: Vec<Start>,
    #[serde(default)]
    follow: FollowJson,
    depth: Option<u32>,
    decay: Option<f64>,
    #[serde(default)]
    weighted: bool,
    limit: Option<usize>,
    #[serde(default)]
    paths: bool,
}

/// Where paths begin; with a score of one unless it says another.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a start must be a name, or a name and a score")]
enum Start {
    Name(String),
    Scored(String, f64),
}

fn related(graph: &Graph, asked: RelatedAsked) -> Result<Value, GraphError> {
    let mut request = Related::to([] as [EntityRef; 0]).follow(asked.follow.read()?);
    request.starts.extend(asked.starts.into_iter().map(|start| match start {
        Start::Name(name) => (entity_ref(&name), 1.0),
        Start::Scored(name, score) => (entity_ref(&name), score),
    }));
    request.depth = asked.depth.unwrap_or(request.depth);
    request.decay = asked.decay.unwrap_or(request.decay);
    request.is_weighted = asked.weighted;
    request.limit = asked.limit.unwrap_or(request.limit);
    request.with_paths = asked.paths;
    let found = graph.related(&request)?;
    let names = &mut Names::of(graph);
    let each = found.found.iter().map(|one| {
        let path = one.path.as_ref().map(|path| path_json(path, names)).transpose()?;
        let node = names.get(one.entity)?;
        Ok(json!({ "node": node, "score": one.score, "hops": one.hops, "path": path }))
    });
    let each = each.collect::<memlith::Result<Vec<_>>>()?;
    Ok(json!({ "found": each, "cut": cut(found.cut) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubgraphAsked {
    starts: Vec<String>,
    #[serde(default)]
    follow: FollowJson,
    depth: Option<u32>,
    limit: Option<usize>,
}

fn subgraph(graph: &Graph, asked: SubgraphAsked) -> Result<Value, GraphError> {
    let starts: Vec<EntityRef> = asked.starts.iter().map(|name| entity_ref(name)).collect();
    let (depth, limit) = (asked.depth.unwrap_or(1), asked.limit.unwrap_or(200));
    let mut part = graph.subgraph(&starts, depth, &asked.follow.read()?, limit)?;
    part.entities.sort_by_key(|(_, hops)| *hops);
    let names = &mut Names::of(graph);
    let nodes = part.entities.iter().map(|(entity, hops)| {
        let node = names.get(*entity)?;
        Ok(json!({ "node": node, "hops": hops }))
    });
    let nodes = nodes.collect::<memlith::Result<Vec<_>>>()?;
    Ok(json!({ "nodes": nodes, "links": links_json(&part.links, names)?, "cut": cut(part.cut) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PathsAsked {
    from: String,
    to: String,
    #[serde(default)]
    how: How,
    #[serde(default)]
    follow: FollowJson,
    cost: Option<CostJson>,
    limit: Option<usize>,
    max_length: Option<u32>,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    #[default]
    Shortest,
    Cheapest,
    All,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CostJson {
    Weight,
    Reciprocal,
}

fn paths(graph: &Graph, asked: PathsAsked) -> Result<Value, GraphError> {
    let (from, to) = (entity_ref(&asked.from), entity_ref(&asked.to));
    let follow = asked.follow.read()?;
    if asked.how != How::Cheapest && asked.cost.is_some() {
        return Err(GraphError::Invalid("\"cost\" is for the cheapest path".into()));
    }
    if asked.how != How::All && (asked.limit.is_some() || asked.max_length.is_some()) {
        return Err(GraphError::Invalid("\"limit\" and \"max_length\" are for all paths".into()));
    }
    let (found, why) = match asked.how {
        How::Shortest => {
            let path = graph.shortest_path(from, to, &follow)?;
            (path.into_iter().map(|path| (path, None)).collect::<Vec<_>>(), None)
        }
        How::Cheapest => {
            let cost = match asked.cost {
                None | Some(CostJson::Weight) => Cost::Weight,
                Some(CostJson::Reciprocal) => Cost::Reciprocal,
            };
            let path = graph.cheapest_path(from, to, &follow, cost)?;
            (path.into_iter().map(|found| (found.path, Some(found.cost))).collect(), None)
        }
        How::All => {
            let (length, limit) = (asked.max_length.unwrap_or(6), asked.limit.unwrap_or(10));
            let paths = graph.all_paths(from, to, length, &follow, limit)?;
            (paths.found.into_iter().map(|path| (path, None)).collect(), paths.cut)
        }
    };
    let names = &mut Names::of(graph);
    let each = found.iter().map(|(path, cost)| {
        let mut object = path_json(path, names)?;
        if let Some(cost) = cost {
            object["cost"] = json!(cost);
        }
        Ok(object)
    });
    let each = each.collect::<memlith::Result<Vec<_>>>()?;
    Ok(json!({ "found": each, "cut": cut(why) }))
}

/// Why there may be more; null if there is not.
pub(super) fn cut(why: Option<CutShort>) -> Option<&'static str> {
    Some(match why? {
        CutShort::Results => "limit",
        CutShort::Work => "max_work",
        _ => "deadline",
    })
}
