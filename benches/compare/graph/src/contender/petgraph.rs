//! petgraph: a graph in memory, its algorithms, and what an application would add.

use super::{Contender, Loaded};
use crate::Failure;
use crate::clock::Stopwatch;
use crate::data::{Edge, Input};
use crate::task::{Asked, Measured, Task};
use petgraph::algo::{astar, connected_components, tarjan_scc};
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::HashSet;
use std::convert::Infallible;

/// See the module.
#[derive(Default)]
pub(crate) struct Petgraph {
    graph: DiGraph<(), Edge>,
}

/// The graph of `input`.
pub(super) fn graph_of(input: &Input) -> DiGraph<(), Edge> {
    let mut graph = DiGraph::with_capacity(input.nodes as usize, input.edges.len());
    for _ in 0..input.nodes {
        graph.add_node(());
    }
    for edge in &input.edges {
        graph.add_edge(NodeIndex::from(edge.source), NodeIndex::from(edge.target), *edge);
    }
    graph
}

impl Contender for Petgraph {
    fn name(&self) -> &'static str {
        "petgraph"
    }

    fn load(&mut self, input: &Input) -> Result<Loaded, Failure> {
        let watch = Stopwatch::start();
        self.graph = graph_of(input);
        Ok(Loaded { wall_s: watch.wall_s(), cpu_s: watch.cpu_s(), lies: "memory" })
    }

    fn run(&mut self, task: Task, asked: &Asked<'_>) -> Result<Option<Measured>, Failure> {
        let graph = &self.graph;
        let path = |start: u32, goal: u32, cost: fn(&Edge) -> f64| {
            let goal = NodeIndex::from(goal);
            let found =
                astar(graph, start.into(), |at| at == goal, |edge| cost(edge.weight()), |_| 0.0);
            Ok::<_, Infallible>(found.map_or(-1.0, |found| found.0))
        };
        Ok(match task {
            Task::Related => Some(asked.each(|start, _| {
                let start = NodeIndex::<u32>::from(start);
                let mut met = HashSet::from([start]);
                let mut layer = vec![start];
                for _ in 0..2 {
                    let mut next = Vec::new();
                    for node in layer {
                        let edges = graph.edges(node).filter(|edge| edge.weight().passes());
                        for edge in edges {
                            let other = petgraph::visit::EdgeRef::target(&edge);
                            if met.insert(other) {
                                next.push(other);
                            }
                        }
                    }
                    layer = next;
                }
                Ok::<_, Infallible>((met.len() - 1) as f64)
            })?),
            Task::ShortestPath => Some(asked.each(|start, goal| path(start, goal, |_| 1.0))?),
            Task::CheapestPath => {
                Some(asked.each(|start, goal| path(start, goal, |edge| f64::from(edge.weight)))?)
            }
            Task::Components => {
                Some(Asked::once(|| Ok::<_, Infallible>(connected_components(graph) as f64))?)
            }
            Task::StrongComponents => {
                Some(Asked::once(|| Ok::<_, Infallible>(tarjan_scc(graph).len() as f64))?)
            }
            // A round of its PageRank looks at every pair of nodes.
            Task::PageRank | Task::Betweenness | Task::Leiden => None,
        })
    }
}
