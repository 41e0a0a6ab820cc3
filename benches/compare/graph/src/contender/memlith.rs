//! Ours, through the public interface, in a file.

use super::{Contender, Loaded};
use crate::Failure;
use crate::clock::Stopwatch;
use crate::data::{FOLLOWED, Input, MIN_WEIGHT, kind_name};
use crate::task::{Asked, Measured, Task};
use memlith::analytics::{
    Betweenness, EdgeWeight, Leiden, Orientation, PageRank, Run, betweenness, leiden, page_rank,
    strong_components, weak_components,
};
use memlith::{
    Cost, Db, Follow, Graph, MAX_WALKED, NewEdge, NewNode, NodeId, Projected, Related, Upserted,
};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The namespace of the graph.
pub(crate) const NAMESPACE: &str = "graph";
/// Edges of one transaction while the file is filled.
const BATCH: usize = 100_000;

/// See the module.
pub(crate) struct Memlith {
    path: PathBuf,
    loaded: Option<Filled>,
}

struct Filled {
    /// A View ends with its handle.
    _db: Db,
    graph: Graph,
    nodes: Vec<NodeId>,
    directed: Projected,
    undirected: Projected,
    /// What walks under the filter are asked; only where they begin changes.
    related: Related,
}

impl Memlith {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { path: folder.join("graph.lith"), loaded: None }
    }
}

/// Writes nodes, then edges, by two threads, which are timed; the last of them is durable.
pub(crate) fn fill(db: &Db, input: &Input) -> Result<(Vec<NodeId>, Loaded), Failure> {
    let all: Vec<u32> = (0..input.nodes).collect();
    let mut nodes = Vec::new();
    for some in all.chunks(BATCH) {
        let new = some.iter().map(|node| NewNode::new(node.to_string())).collect();
        nodes.extend(db.graph(NAMESPACE).upsert_nodes(new)?.into_iter().map(Upserted::id));
    }
    // What is done about the nodes in the background is not to be timed.
    db.checkpoint()?;
    let kinds: Vec<String> =
        (0..=input.edges.iter().map(|edge| edge.kind).max().unwrap_or(0)).map(kind_name).collect();
    let watch = Stopwatch::start();
    let batches = Mutex::new(input.edges.chunks(BATCH));
    let next = || batches.lock().map_or(None, |mut batches| batches.next());
    let write = || {
        while let Some(some) = next() {
            db.write(|tx| {
                let mut graph = tx.graph(NAMESPACE);
                for edge in some {
                    let (source, target) =
                        (nodes[edge.source as usize], nodes[edge.target as usize]);
                    let kind = kinds[edge.kind as usize].as_str();
                    graph.add_edge(NewEdge::new(source, kind, target).weight(edge.weight))?;
                }
                Ok(())
            })?;
        }
        Ok::<_, memlith::Error>(())
    };
    // While the batch of one writer is committed, the other prepares the next.
    std::thread::scope(|scope| {
        let other = scope.spawn(write);
        write()?;
        other.join().map_err(|_| "a writer panicked")??;
        Ok::<_, Failure>(())
    })?;
    let (wall_s, cpu_s) = (watch.wall_s(), watch.cpu_s());
    Ok((nodes, Loaded { wall_s, cpu_s, lies: "file, durable" }))
}

/// A walk along what passes the filter.
pub(crate) fn related() -> Related {
    let kinds = (0..FOLLOWED).map(kind_name);
    let follow = Follow::new().kinds(kinds).min_weight(MIN_WEIGHT);
    Related::to([] as [NodeId; 0]).follow(follow).depth(2).limit(MAX_WALKED)
}

impl Contender for Memlith {
    fn name(&self) -> &'static str {
        "memlith"
    }

    fn load(&mut self, input: &Input) -> Result<Loaded, Failure> {
        let db = Db::open(&self.path)?;
        let (nodes, loaded) = fill(&db, input)?;
        db.checkpoint()?;
        let graph = db.read()?.graph(NAMESPACE);
        let project = |orientation| graph.project(&Follow::new(), orientation, EdgeWeight::Weight);
        self.loaded = Some(Filled {
            directed: project(Orientation::Directed)?,
            undirected: project(Orientation::Undirected)?,
            graph,
            _db: db,
            nodes,
            related: related(),
        });
        Ok(loaded)
    }

    fn run(&mut self, task: Task, asked: &Asked<'_>) -> Result<Option<Measured>, Failure> {
        let Filled { graph, nodes, directed, undirected, related, .. } =
            self.loaded.as_mut().ok_or("it has no graph")?;
        let follow = Follow::new();
        let mut progress = |_| true;
        let mut run = Run::new(1, &mut progress);
        let count = nodes.len() as f64;
        let components = |of_node: Vec<u32>| {
            let first = of_node.into_iter().enumerate().filter(|&(node, of)| node == of as usize);
            first.count() as f64
        };
        Ok(Some(match task {
            Task::Related => asked.each(|start, _| {
                related.starts = vec![(nodes[start as usize].into(), 1.0)];
                graph.related(related).map(|found| found.found.len() as f64)
            })?,
            Task::ShortestPath => asked.each(|start, goal| {
                let path =
                    graph.shortest_path(nodes[start as usize], nodes[goal as usize], &follow)?;
                Ok::<_, Failure>(path.map_or(-1.0, |path| path.links.len() as f64))
            })?,
            Task::CheapestPath => asked.each(|start, goal| {
                let (start, goal) = (nodes[start as usize], nodes[goal as usize]);
                let path = graph.cheapest_path(start, goal, &follow, Cost::Weight)?;
                Ok::<_, Failure>(path.map_or(-1.0, |path| path.cost))
            })?,
            Task::PageRank => Asked::once(|| {
                let how = PageRank { tolerance: 1e-10, ..PageRank::default() };
                let ranks = page_rank(directed.projection(), &how, &mut run)?.ranks;
                Ok::<_, Failure>(ranks.iter().map(|rank| rank * rank).sum())
            })?,
            Task::Betweenness => Asked::once(|| {
                let how =
                    Betweenness { sources: Some(100), seed: asked.seed, ..Betweenness::default() };
                let between = betweenness(directed.projection(), &how, &mut run)?;
                Ok::<_, Failure>(between.iter().sum::<f64>() / count)
            })?,
            Task::Components => {
                Asked::once(|| weak_components(directed.projection(), &mut run).map(components))?
            }
            Task::StrongComponents => {
                Asked::once(|| strong_components(directed.projection(), &mut run).map(components))?
            }
            Task::Leiden => Asked::once(|| {
                let max_rounds =
                    if asked.leiden_rounds == 0 { u32::MAX } else { asked.leiden_rounds };
                let how = Leiden { max_rounds, seed: asked.seed, ..Leiden::default() };
                leiden(undirected.projection(), &how, &mut run).map(|found| found.modularity)
            })?,
        }))
    }
}
