//! Are results those of networkx? On a small graph, all of them, number by number.

use crate::Failure;
use crate::args::{Check, script};
use crate::contender::{NAMESPACE, fill};
use crate::data::Input;
use memlith::analytics::{
    Betweenness, EdgeWeight, Eigenvector, Leiden, Orientation, PageRank, Run, betweenness,
    closeness, core_numbers, distances, eigenvector, hops, leiden, local_clustering, page_rank,
    strong_components, triangles, weak_components,
};
use memlith::{Cost, Follow, Graph};
use serde_json::{Value, json};
use std::process::Command;

/// Has `check.py` compare.
pub(crate) fn run(args: &Check) -> Result<(), Failure> {
    let python = args.script.python().ok_or("no interpreter: run `benches/compare/setup` first")?;
    let folder = tempfile::tempdir()?;
    let input = Input::generated(args.nodes, args.edges);
    let (graph, results) = (folder.path().join("graph.bin"), folder.path().join("results.json"));
    input.save(&graph)?;
    std::fs::write(&results, compute(&input)?.to_string())?;
    let status = Command::new(python).arg(script("check.py")).args([graph, results]).status()?;
    if status.success() { Ok(()) } else { Err("results differ".into()) }
}

fn compute(input: &Input) -> Result<Value, Failure> {
    let db = memlith::Options::new().in_memory()?;
    let (nodes, _) = fill(&db, input)?;
    let graph = db.read()?.graph(NAMESPACE);
    let directed = graph.project(&Follow::new(), Orientation::Directed, EdgeWeight::Weight)?;
    let undirected = graph.project(&Follow::new(), Orientation::Undirected, EdgeWeight::Weight)?;
    let (directed, undirected) = (directed.projection(), undirected.projection());
    let mut progress = |_| true;
    let run = &mut Run::new(2, &mut progress);
    let precise = PageRank { tolerance: 1e-13, max_rounds: 1_000, ..PageRank::default() };
    let weighted = PageRank { is_weighted: true, ..precise };
    let exact = Betweenness::default();
    let by_weight = Betweenness { is_weighted: true, ..exact };
    let near = closeness(directed, run)?;
    let found = leiden(undirected, &Leiden::default(), run)?;
    let vector = Eigenvector { tolerance: 1e-12, max_rounds: 10_000, ..Eigenvector::default() };
    Ok(json!({
        "page_rank": page_rank(directed, &precise, run)?.ranks,
        "page_rank_weighted": page_rank(directed, &weighted, run)?.ranks,
        "betweenness": betweenness(directed, &exact, run)?,
        "betweenness_weighted": betweenness(directed, &by_weight, run)?,
        "betweenness_undirected": betweenness(undirected, &exact, run)?,
        "closeness": near.iter().map(|near| near.closeness).collect::<Vec<_>>(),
        "harmonic": near.iter().map(|near| near.harmonic).collect::<Vec<_>>(),
        "eigenvector": eigenvector(directed, &vector, run)?.centralities,
        "weak": weak_components(directed, run)?,
        "strong": strong_components(directed, run)?,
        "cores": core_numbers(directed, run)?,
        "triangles": triangles(directed, run)?.of_node,
        "clustering": local_clustering(directed, run)?,
        "hops": hops(directed, 0, run)?,
        "distances": finite(&distances(directed, 0, run)?),
        "communities": found.communities,
        "modularity": found.modularity,
        "paths": paths(input, &nodes, &graph)?,
    }))
}

/// JSON knows no infinity.
fn finite(distances: &[f64]) -> Vec<f64> {
    distances.iter().map(|&one| if one.is_finite() { one } else { -1.0 }).collect()
}

/// Start, goal, edges of a shortest path and cost of a cheapest path, -1 if there is none.
fn paths(input: &Input, nodes: &[memlith::NodeId], graph: &Graph) -> Result<Vec<Value>, Failure> {
    let follow = Follow::new();
    let path = |(start, goal): (u32, u32)| {
        let (from, to) = (nodes[start as usize], nodes[goal as usize]);
        let short = graph.shortest_path(from, to, &follow)?.map(|path| path.links.len() as i64);
        let cheap = graph.cheapest_path(from, to, &follow, Cost::Weight)?.map(|path| path.cost);
        Ok(json!([start, goal, short.unwrap_or(-1), cheap.unwrap_or(-1.0)]))
    };
    input.pairs(300).into_iter().map(path).collect()
}
