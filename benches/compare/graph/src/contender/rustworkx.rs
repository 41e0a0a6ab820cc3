//! rustworkx-core: algorithms over a graph of petgraph.

use super::petgraph::graph_of;
use super::{Contender, Loaded};
use crate::Failure;
use crate::clock::Stopwatch;
use crate::data::{Edge, Input};
use crate::task::{Asked, Measured, Task};
use petgraph::graph::{DiGraph, EdgeReference, NodeIndex};
use rustworkx_core::dictmap::DictMap;
use rustworkx_core::shortest_path::dijkstra;
use std::convert::Infallible;

/// See the module.
#[derive(Default)]
pub(crate) struct Rustworkx {
    graph: DiGraph<(), Edge>,
}

impl Contender for Rustworkx {
    fn name(&self) -> &'static str {
        "rustworkx-core"
    }

    fn load(&mut self, input: &Input) -> Result<Loaded, Failure> {
        let watch = Stopwatch::start();
        self.graph = graph_of(input);
        Ok(Loaded { wall_s: watch.wall_s(), cpu_s: watch.cpu_s(), lies: "memory" })
    }

    fn run(&mut self, task: Task, asked: &Asked<'_>) -> Result<Option<Measured>, Failure> {
        let graph = &self.graph;
        let path = |start: u32, goal: u32, cost: fn(&Edge) -> f64| {
            let (start, goal) = (NodeIndex::from(start), NodeIndex::from(goal));
            let cost = |edge: EdgeReference<'_, Edge>| Ok::<_, Infallible>(cost(edge.weight()));
            let mut paths = DictMap::default();
            let found: DictMap<NodeIndex, f64> =
                dijkstra(graph, start, Some(goal), cost, Some(&mut paths))?;
            Ok::<_, Infallible>(found.get(&goal).copied().unwrap_or(-1.0))
        };
        Ok(match task {
            Task::ShortestPath => Some(asked.each(|start, goal| path(start, goal, |_| 1.0))?),
            Task::CheapestPath => {
                Some(asked.each(|start, goal| path(start, goal, |edge| f64::from(edge.weight)))?)
            }
            // Its betweenness takes every node as a source.
            _ => None,
        })
    }
}
