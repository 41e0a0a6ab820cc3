//! Nodes around others, the nearest first.
//!
//! A node's score is that of its best path: the score of where it begins, times the decay for each
//! step, times the weights of its edges if they count (a weight above one counts as one). Paths are
//! grown by one step at a time, so that the best with at most `depth` steps is found whatever weights
//! do to a shorter one.

use std::ops::ControlFlow;

use super::numbering::Numbering;
use super::path::{Origin, Path, path_to};
use super::work::{CutShort, Work};
use crate::adjacency::{Edges, Filter, GraphView, HalfEdge};
use crate::image::ImageError;

/// What to look for. Numbers outside of their range count as the nearest one inside.
#[derive(Clone, Copy, Debug)]
pub struct Related<'a> {
    /// Where paths begin, and with which score from zero on.
    pub starts: &'a [(u32, f64)],
    /// Which edges they follow, to which nodes.
    pub filter: Filter<'a>,
    /// Steps of a path at most.
    pub depth: u32,
    /// What a step leaves of a score, from zero to one.
    pub decay: f64,
    /// Do the weights of edges count?
    pub is_weighted: bool,
    /// Nodes at most.
    pub limit: usize,
    /// Is the path of each node wanted?
    pub with_paths: bool,
}

impl<'a> Related<'a> {
    /// Ten nodes within two steps of `starts`, each of which halves the score, with their paths.
    pub fn to(starts: &'a [(u32, f64)]) -> Self {
        let filter = Filter::default();
        Self {
            starts,
            filter,
            depth: 2,
            decay: 0.5,
            is_weighted: false,
            limit: 10,
            with_paths: true,
        }
    }
}

/// A node, and how it is related.
#[derive(Clone, Debug, PartialEq)]
pub struct RelatedNode {
    /// The node.
    pub node: u32,
    /// That of its best path.
    pub score: f64,
    /// Steps of that path.
    pub hops: u32,
    /// That path, if it was asked for.
    pub path: Option<Path>,
}

/// See [`related`].
#[derive(Clone, Debug, PartialEq)]
pub struct RelatedNodes {
    /// The best first; of the same score the one with fewer hops, then the one with the lower ordinal.
    /// None of the starts is among them.
    pub found: Vec<RelatedNode>,
    /// How many there were before the limit.
    pub reached: usize,
    /// Why there may be others.
    pub cut: Option<CutShort>,
}

/// A path, by its last step.
struct Step {
    node: u32,
    hops: u32,
    score: f64,
    origin: Origin,
}

/// The nodes that paths from the starts reach, the best first.
pub fn related(
    view: &GraphView,
    query: &Related<'_>,
    work: &mut Work<'_>,
) -> Result<RelatedNodes, ImageError> {
    let edges = view.edges(&query.filter)?;
    let mut walk =
        Walk { query, steps: Vec::new(), met: Numbering::new(), best: Vec::new(), starts: 0 };
    for &(node, score) in query.starts {
        if view.contains_node(node)? {
            walk.reach(Step { node, hops: 0, score: score.max(0.0), origin: None });
        }
    }
    walk.starts = walk.met.len();
    let mut flow = ControlFlow::Continue(());
    let mut from = 0;
    while flow.is_continue() && from < walk.steps.len() && walk.steps[from].hops < query.depth {
        let layer = from..walk.steps.len();
        from = layer.end;
        for step in layer {
            flow = walk.expand(&edges, step as u32, work)?;
            if flow.is_break() {
                break;
            }
        }
    }
    let cut = if flow.is_break() { work.take_cut() } else { None };
    walk.into_answer(&edges, cut)
}

struct Walk<'q> {
    query: &'q Related<'q>,
    /// Paths by the number of their steps; a path is not changed once one of more steps exists.
    steps: Vec<Step>,
    met: Numbering,
    /// Node -> the last step of its best path.
    best: Vec<u32>,
    /// The nodes with lower numbers are where paths begin.
    starts: u32,
}

impl Walk<'_> {
    #[inline]
    fn expand(
        &mut self,
        edges: &Edges<'_>,
        step: u32,
        work: &mut Work<'_>,
    ) -> Result<ControlFlow<()>, ImageError> {
        let Step { node, hops, score, .. } = self.steps[step as usize];
        let score = score * self.query.decay.clamp(0.0, 1.0);
        edges.visit(self.query.filter.direction, node, &mut |n| work.spend(n), |half: HalfEdge| {
            let weight = if self.query.is_weighted { f64::from(half.weight.min(1.0)) } else { 1.0 };
            let origin = Some((step, half));
            self.reach(Step { node: half.node, hops: hops + 1, score: score * weight, origin });
            ControlFlow::Continue(())
        })
    }

    /// Keeps the path if it is better than the one to the same node.
    #[inline]
    fn reach(&mut self, step: Step) {
        let fresh = self.steps.len() as u32;
        let is_start = step.origin.is_none();
        if let Some(number) = self.met.get(step.node) {
            // Another start may lead here, if the filter lets it.
            if number < self.starts && !is_start && !self.query.filter.admits(step.node) {
                return;
            }
            let best = &mut self.best[number as usize];
            let known = &mut self.steps[*best as usize];
            if step.score > known.score {
                if step.hops == known.hops {
                    *known = step;
                } else {
                    *best = fresh;
                    self.steps.push(step);
                }
            }
        } else if is_start || self.query.filter.admits(step.node) {
            // It was not met yet: the error is the number of one that was.
            let _ = self.met.insert(step.node);
            self.best.push(fresh);
            self.steps.push(step);
        }
    }

    fn into_answer(
        self,
        edges: &Edges<'_>,
        cut: Option<CutShort>,
    ) -> Result<RelatedNodes, ImageError> {
        let mut found: Vec<u32> = self.best[self.starts as usize..].to_vec();
        let reached = found.len();
        let rank = |&a: &u32, &b: &u32| {
            let (a, b) = (&self.steps[a as usize], &self.steps[b as usize]);
            b.score.total_cmp(&a.score).then((a.hops, a.node).cmp(&(b.hops, b.node)))
        };
        if self.query.limit < found.len() {
            if self.query.limit > 0 {
                found.select_nth_unstable_by(self.query.limit - 1, rank);
            }
            found.truncate(self.query.limit);
        }
        found.sort_unstable_by(rank);
        let describe = |at: u32| {
            let Step { node, hops, score, .. } = self.steps[at as usize];
            let origin = |at: u32| self.steps[at as usize].origin;
            let path = self
                .query
                .with_paths
                .then(|| path_to(edges, at, origin, |at| self.steps[at as usize].node));
            Ok(RelatedNode { node, score, hops, path: path.transpose()? })
        };
        let found = found.into_iter().map(describe).collect::<Result<_, ImageError>>()?;
        Ok(RelatedNodes { found, reached, cut })
    }
}
