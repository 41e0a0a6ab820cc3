//! `memlith graph related`, `path` and `subgraph`.

use super::{Following, Place, dot, svg};
use crate::output::table::{number, printable, table};
use crate::output::{Console, Failure, Outcome};
use clap::Args;
use memlith::{Cost, CutShort, Entity, EntityRef, Graph, GraphPath, Link, Related};
use memlith_json::{Names, entity_ref, flat_edge, flat_node};
use serde_json::{Value, json};

const RELATED_HELP: &str = "\
Examples:
  memlith graph related agent.lith ada --depth 3 --limit 20
  memlith graph related agent.lith memory:17 --kind mentions --json";

/// Show what is related to some nodes or memories, the closest first
#[derive(Debug, Args)]
#[command(after_help = RELATED_HELP)]
pub(super) struct RelatedArgs {
    #[command(flatten)]
    place: Place,

    /// External ids or aliases of nodes, or memory:NUMBER
    #[arg(value_name = "NODE", required = true)]
    starts: Vec<String>,

    #[command(flatten)]
    following: Following,

    /// Steps at most
    #[arg(long, value_name = "N", default_value_t = 2)]
    depth: u32,

    /// What a step leaves of a score, 0 to 1
    #[arg(long, value_name = "X", default_value_t = 0.5)]
    decay: f64,

    /// Let the weights of edges count
    #[arg(long)]
    weighted: bool,

    /// Answers at most
    #[arg(long, short, value_name = "N", default_value_t = 10)]
    limit: usize,
}

impl RelatedArgs {
    pub(super) fn run(self, console: &mut Console) -> Outcome {
        let (_db, graph) = self.place.read()?;
        let mut request = Related::to(self.starts.iter().map(|start| entity_ref(start)))
            .follow(self.following.follow()?)
            .depth(self.depth)
            .decay(self.decay)
            .limit(self.limit)
            .with_paths();
        request.is_weighted = self.weighted;
        let answer = graph.related(&request)?;
        let names = &mut Names::of(&graph);
        let mut rows = table(["node", "score", "steps", "path"]);
        for one in &answer.found {
            let (name, path) = (names.get(one.entity)?, one.path.as_ref());
            if console.is_json() {
                let path = path.map(|path| json_path(names, path)).transpose()?;
                let (score, hops) = (one.score, one.hops);
                let line = json!({ "id": name, "score": score, "hops": hops, "path": path });
                console.json(&line)?;
            } else {
                let path = path.map(|path| shown(names, path)).transpose()?.unwrap_or_default();
                rows.add_row([
                    printable(&name).into(),
                    number(format!("{:.4}", one.score)),
                    number(one.hops.to_string()),
                    printable(&path).into(),
                ]);
            }
        }
        warn_cut(answer.cut, console);
        if console.is_json() { Ok(()) } else { console.line(rows.trim_fmt()) }
    }
}

const PATH_HELP: &str = "\
Examples:
  memlith graph path agent.lith ada babbage
  memlith graph path agent.lith ada babbage --cheapest --direction out
  memlith graph path agent.lith ada babbage --all 10 --max-length 4";

/// Show how one gets from one node or memory to another
#[derive(Debug, Args)]
#[command(after_help = PATH_HELP)]
pub(super) struct PathArgs {
    #[command(flatten)]
    place: Place,

    /// Where it begins
    #[arg(value_name = "FROM")]
    from: String,

    /// Where it ends
    #[arg(value_name = "TO")]
    to: String,

    #[command(flatten)]
    following: Following,

    /// The path whose weights are least together, and not the one of the fewest edges
    #[arg(long, conflicts_with = "all")]
    cheapest: bool,

    /// All paths, so many at most, the shortest first
    #[arg(long, value_name = "N")]
    all: Option<usize>,

    /// With --all, edges of a path at most
    #[arg(long, value_name = "N", default_value_t = 6)]
    max_length: u32,
}

impl PathArgs {
    pub(super) fn run(self, console: &mut Console) -> Outcome {
        let (_db, graph) = self.place.read()?;
        let (from, to) = (entity_ref(&self.from), entity_ref(&self.to));
        let follow = self.following.follow()?;
        let mut paths: Vec<(GraphPath, Option<f64>)> = Vec::new();
        if let Some(limit) = self.all {
            let found = graph.all_paths(from, to, self.max_length, &follow, limit)?;
            warn_cut(found.cut, console);
            paths.extend(found.found.into_iter().map(|path| (path, None)));
        } else if self.cheapest {
            let found = graph.cheapest_path(from, to, &follow, Cost::Weight)?;
            paths.extend(found.map(|found| (found.path, Some(found.cost))));
        } else {
            paths.extend(graph.shortest_path(from, to, &follow)?.map(|path| (path, None)));
        }
        if paths.is_empty() {
            let (from, to) = (&self.from, &self.to);
            return Err(Failure::NotFound(format!("no path leads from {from:?} to {to:?}")));
        }
        let names = &mut Names::of(&graph);
        for (path, cost) in paths {
            if console.is_json() {
                let line = json!({ "path": json_path(names, &path)?, "cost": cost });
                console.json(&line)?;
            } else {
                console.line(printable(&shown(names, &path)?))?;
            }
        }
        Ok(())
    }
}

const SUBGRAPH_HELP: &str = "\
Examples:
  memlith graph subgraph agent.lith ada --depth 2 --json
  memlith graph subgraph agent.lith ada --svg > ada.svg
  memlith graph subgraph agent.lith ada --dot | dot -Tpdf > ada.pdf";

/// Show what is around some nodes or memories, and how it hangs together
#[derive(Debug, Args)]
#[command(after_help = SUBGRAPH_HELP)]
pub(super) struct SubgraphArgs {
    #[command(flatten)]
    place: Place,

    /// External ids or aliases of nodes, or memory:NUMBER
    #[arg(value_name = "NODE", required = true)]
    starts: Vec<String>,

    #[command(flatten)]
    following: Following,

    /// Steps at most
    #[arg(long, value_name = "N", default_value_t = 1)]
    depth: u32,

    /// Nodes and memories at most
    #[arg(long, short, value_name = "N", default_value_t = 200)]
    limit: usize,

    /// In the language of Graphviz
    #[arg(long, conflicts_with = "svg")]
    dot: bool,

    /// As a picture, of 1,000 nodes and memories at most
    #[arg(long)]
    svg: bool,
}

impl SubgraphArgs {
    pub(super) fn run(self, console: &mut Console) -> Outcome {
        let (_db, graph) = self.place.read()?;
        let starts: Vec<EntityRef> = self.starts.iter().map(|start| entity_ref(start)).collect();
        let part = graph.subgraph(&starts, self.depth, &self.following.follow()?, self.limit)?;
        warn_cut(part.cut, console);
        let names = &mut Names::of(&graph);
        if console.is_json() {
            let nodes = part.entities.iter().map(|(entity, _)| json_node(&graph, names, *entity));
            let nodes = nodes.collect::<Outcome<Vec<_>>>()?;
            let mut links = Vec::with_capacity(part.links.len());
            for link in &part.links {
                if let Some(edge) = graph.edge(link.id)? {
                    links.push(flat_edge(edge, names)?);
                }
            }
            let all = json!({ "directed": true, "multigraph": true, "graph": {},
                "nodes": nodes, "links": links });
            return console.json(&all);
        }
        let mut nodes = Vec::new();
        for (entity, _) in &part.entities {
            nodes.push((names.get(*entity)?, label(&graph, names, *entity)?));
        }
        let mut edges = Vec::new();
        for link in &part.links {
            let ends = (names.get(link.source)?, names.get(link.target)?);
            edges.push((ends.0, ends.1, link.kind.to_string()));
        }
        if self.dot {
            return console.line(dot::digraph(&nodes, &edges));
        }
        if self.svg {
            if nodes.len() > svg::MAX_NODES {
                let most = svg::MAX_NODES;
                let why = format!("a picture shows {most} nodes at most: give a lower --limit");
                return Err(Failure::Usage(why));
            }
            return console.line(svg::svg(&nodes, &edges));
        }
        let mut rows = table(["source", "kind", "target"]);
        for (from, to, kind) in &edges {
            rows.add_row([printable(from), printable(kind), printable(to)]);
        }
        console.line(rows.trim_fmt())
    }
}

fn warn_cut(cut: Option<CutShort>, console: &Console) {
    if let Some(cut) = cut {
        let why = if cut == CutShort::Results { "as many as were asked for" } else { "cut short" };
        console.warn(&json!({ "cut": why }), format_args!("{why}: there may be more"));
    }
}

fn label(graph: &Graph, names: &mut Names<'_>, entity: Entity) -> Outcome<String> {
    match entity {
        Entity::Memory(_) => Ok(names.get(entity)?),
        Entity::Node(id) => {
            let node = graph.node(id)?;
            Ok(node.map_or_else(String::new, |node| node.name.unwrap_or(node.external_id)))
        }
    }
}

fn json_node(graph: &Graph, names: &mut Names<'_>, entity: Entity) -> Outcome<Value> {
    match entity {
        Entity::Memory(_) => Ok(json!({ "id": names.get(entity)?, "kind": "memory" })),
        Entity::Node(id) => {
            Ok(graph.node(id)?.map_or(Value::Null, |node| flat_node(node, Vec::new())))
        }
    }
}

fn json_path(names: &mut Names<'_>, path: &GraphPath) -> Outcome<Value> {
    let nodes = path.entities.iter().map(|entity| names.get(*entity));
    let nodes = nodes.collect::<memlith::Result<Vec<_>>>()?;
    let links: Vec<&str> = path.links.iter().map(|link: &Link| &*link.kind).collect();
    Ok(json!({ "nodes": nodes, "kinds": links }))
}

/// Names, and between them arrows that say of which kind the edge is and where it leads.
fn shown(names: &mut Names<'_>, path: &GraphPath) -> Outcome<String> {
    let mut text = String::new();
    for (at, entity) in path.entities.iter().enumerate() {
        if let Some(link) = at.checked_sub(1).and_then(|before| path.links.get(before)) {
            let is_forward = link.target == *entity;
            text += if is_forward { " -" } else { " <-" };
            text += &link.kind;
            text += if is_forward { "-> " } else { "- " };
        }
        text += &names.get(*entity)?;
    }
    Ok(text)
}
