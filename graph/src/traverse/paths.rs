//! All simple paths between two nodes, the shortest first.
//!
//! A walk back from the goal tells how far each node is from it; a search in depth never goes where the
//! rest of its length does not suffice. It is run for each length in turn.

use std::ops::ControlFlow;

use super::numbering::Numbering;
use super::path::Path;
use super::work::{CutShort, Work};
use crate::adjacency::{Edges, Filter, GraphView, HalfEdge};
use crate::image::ImageError;

/// The most edges of a path that can be asked for.
pub const MAX_LENGTH: u32 = 64;

/// See [`all_paths`].
#[derive(Clone, Debug, PartialEq)]
pub struct Paths {
    /// By their number of edges; those of as many in the order of their edges. Parallel edges make
    /// different paths.
    pub found: Vec<Path>,
    /// Why there may be others.
    pub cut: Option<CutShort>,
}

/// Up to `limit` paths from `start` to `goal` of up to `max_length` edges (of [`MAX_LENGTH`] at most)
/// that pass the filter and visit no node twice.
pub fn all_paths(
    view: &GraphView,
    start: u32,
    goal: u32,
    max_length: u32,
    filter: &Filter<'_>,
    limit: usize,
    work: &mut Work<'_>,
) -> Result<Paths, ImageError> {
    if !view.contains_node(start)? || !view.contains_node(goal)? {
        return Ok(Paths { found: Vec::new(), cut: None });
    }
    let edges = view.edges(filter)?;
    let max_length = max_length.min(MAX_LENGTH);
    let mut search =
        Search { edges, start, goal, limit, to_goal: Distances::new(goal), found: Vec::new() };
    let mut flow = search.measure(max_length, work)?;
    for length in 0..=max_length {
        if flow.is_continue() {
            flow = search.paths_of(length, work)?;
        }
    }
    let cut = flow.is_break().then(|| work.take_cut().unwrap_or(CutShort::Results));
    Ok(Paths { found: search.found, cut })
}

/// How many edges each node is from the goal at least.
struct Distances {
    met: Numbering,
    hops: Vec<u32>,
}

impl Distances {
    fn new(goal: u32) -> Self {
        let mut met = Numbering::new();
        let _ = met.insert(goal);
        Self { met, hops: vec![0] }
    }

    fn get(&self, node: u32) -> Option<u32> {
        self.met.get(node).map(|number| self.hops[number as usize])
    }
}

struct Search<'a> {
    edges: Edges<'a>,
    start: u32,
    goal: u32,
    limit: usize,
    to_goal: Distances,
    found: Vec<Path>,
}

impl Search<'_> {
    /// Fills the distances up to `depth`.
    fn measure(&mut self, depth: u32, work: &mut Work<'_>) -> Result<ControlFlow<()>, ImageError> {
        let Self { edges, start, to_goal: Distances { met, hops }, .. } = self;
        let direction = edges.filter.direction.reversed();
        let mut at = 0;
        while at < hops.len() && hops[at] < depth {
            let flow = edges.visit(direction, met.nodes()[at], &mut |n| work.spend(n), |half| {
                if met.get(half.node).is_none()
                    && (half.node == *start || edges.filter.admits(half.node))
                {
                    let _ = met.insert(half.node);
                    hops.push(hops[at] + 1);
                }
                ControlFlow::Continue(())
            })?;
            if flow.is_break() {
                return Ok(flow);
            }
            at += 1;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Finds the paths of exactly `length` edges.
    fn paths_of(
        &mut self,
        length: u32,
        work: &mut Work<'_>,
    ) -> Result<ControlFlow<()>, ImageError> {
        if length == 0 || self.start == self.goal {
            if length == 0 && self.start == self.goal {
                return self.keep(&[]);
            }
            return Ok(ControlFlow::Continue(()));
        }
        // What is left to try at each node of the path, last first; and the path.
        let mut open: Vec<Vec<HalfEdge>> = Vec::new();
        let mut path: Vec<HalfEdge> = Vec::new();
        loop {
            if open.len() == path.len() {
                let node = path.last().map_or(self.start, |half| half.node);
                let mut steps = Vec::new();
                let left = length - path.len() as u32 - 1;
                let flow = self.edges.visit(
                    self.edges.filter.direction,
                    node,
                    &mut |n| work.spend(n),
                    |half| {
                        let is_end = half.node == self.goal;
                        let can_end = self.to_goal.get(half.node).is_some_and(|hops| hops <= left);
                        let is_fresh = half.node != self.start
                            && path.iter().all(|step| step.node != half.node);
                        if can_end && is_fresh && is_end == (left == 0) {
                            steps.push(half);
                        }
                        ControlFlow::Continue(())
                    },
                )?;
                if flow.is_break() {
                    return Ok(flow);
                }
                steps.reverse();
                open.push(steps);
            }
            match open.last_mut().map(Vec::pop) {
                Some(Some(half)) => {
                    path.push(half);
                    if path.len() == length as usize {
                        let flow = self.keep(&path)?;
                        if flow.is_break() {
                            return Ok(flow);
                        }
                        path.pop();
                    }
                }
                Some(None) => {
                    open.pop();
                    if path.pop().is_none() {
                        return Ok(ControlFlow::Continue(()));
                    }
                }
                None => return Ok(ControlFlow::Continue(())),
            }
        }
    }

    fn keep(&mut self, halves: &[HalfEdge]) -> Result<ControlFlow<()>, ImageError> {
        if self.found.len() == self.limit {
            return Ok(ControlFlow::Break(()));
        }
        let mut path = Path::at(self.start);
        for half in halves {
            path.push(&self.edges, half)?;
        }
        self.found.push(path);
        Ok(ControlFlow::Continue(()))
    }
}
