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
#[derive(Clone, Copy)]
struct Step {
    node: u32,
    hops: u32,
    score: f64,
}

/// The nodes that paths from the starts reach, the best first.
pub fn related(
    view: &GraphView,
    query: &Related<'_>,
    work: &mut Work<'_>,
) -> Result<RelatedNodes, ImageError> {
    let edges = view.edges(&query.filter)?;
    let mut walk = Walk {
        query,
        steps: Vec::with_capacity(LIKELY),
        origins: Vec::new(),
        met: Numbering::new(),
        best: Vec::with_capacity(LIKELY),
        starts: 0,
    };
    for &(node, score) in query.starts {
        if view.contains_node(node)? {
            walk.reach(Step { node, hops: 0, score: score.max(0.0) }, None);
        }
    }
    walk.starts = walk.met.len();
    let mut flow = ControlFlow::Continue(());
    let mut from = 0;
    while flow.is_continue() && walk.steps.get(from).is_some_and(|s| s.hops < query.depth) {
        let layer = from..walk.steps.len();
        from = layer.end;
        let mut ahead = layer.clone();
        for step in layer {
            let lead = if ahead.start == step { AHEAD } else { 1 };
            for next in ahead.by_ref().take(lead) {
                edges.prefetch_lists(query.filter.direction, walk.steps[next].node);
            }
            flow = walk.expand(&edges, step as u32, work)?;
            if flow.is_break() {
                break;
            }
        }
    }
    let cut = if flow.is_break() { work.take_cut() } else { None };
    walk.answer(&edges, cut)
}

/// How many lists before its own one is asked for.
const AHEAD: usize = 8;

/// Nodes that a walk has memory for before it asks for more.
const LIKELY: usize = 32;

struct Walk<'q> {
    query: &'q Related<'q>,
    /// Paths by the number of their steps; a path is not changed once one of more steps exists.
    steps: Vec<Step>,
    /// How each came about, if paths are wanted.
    origins: Vec<Origin>,
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
        let Step { node, hops, score } = self.steps[step as usize];
        let score = score * self.query.decay.clamp(0.0, 1.0);
        edges.visit(self.query.filter.direction, node, &mut |n| work.spend(n), |half: HalfEdge| {
            let weight = if self.query.is_weighted { f64::from(half.weight.min(1.0)) } else { 1.0 };
            let reached = Step { node: half.node, hops: hops + 1, score: score * weight };
            self.reach(reached, Some((step, half)));
            ControlFlow::Continue(())
        })
    }

    /// Keeps the path if it is better than the one to the same node. A start has no origin.
    #[inline]
    fn reach(&mut self, step: Step, origin: Origin) {
        let Self { steps, met, best, origins, .. } = self;
        let is_start = origin.is_none();
        let number = match met.find(step.node) {
            Ok(number) => number,
            Err(free) => {
                if is_start || self.query.filter.admits(step.node) {
                    met.put(free, step.node);
                    best.push(steps.len() as u32);
                    steps.push(step);
                    if self.query.with_paths {
                        origins.push(origin);
                    }
                }
                return;
            }
        };
        // Another start may lead here, if the filter lets it.
        if number < self.starts && !is_start && !self.query.filter.admits(step.node) {
            return;
        }
        let best = &mut best[number as usize];
        let known = &mut steps[*best as usize];
        if step.score <= known.score {
            return;
        }
        if step.hops == known.hops {
            *known = step;
            if let Some(known) = origins.get_mut(*best as usize) {
                *known = origin;
            }
        } else {
            *best = steps.len() as u32;
            steps.push(step);
            if self.query.with_paths {
                origins.push(origin);
            }
        }
    }

    fn answer(
        &mut self,
        edges: &Edges<'_>,
        cut: Option<CutShort>,
    ) -> Result<RelatedNodes, ImageError> {
        let Self { steps, origins, best, .. } = self;
        let mut found = &mut best[self.starts as usize..];
        let reached = found.len();
        let rank = |&a: &u32, &b: &u32| {
            let (a, b) = (&steps[a as usize], &steps[b as usize]);
            b.score.total_cmp(&a.score).then((a.hops, a.node).cmp(&(b.hops, b.node)))
        };
        if self.query.limit < reached {
            if self.query.limit > 0 {
                found.select_nth_unstable_by(self.query.limit - 1, rank);
            }
            found = &mut found[..self.query.limit];
        }
        found.sort_unstable_by(rank);
        let origin = |at: u32| origins[at as usize];
        let path = |at| path_to(edges, at, origin, |at| steps[at as usize].node);
        let mut answer = Vec::with_capacity(found.len());
        for &at in &*found {
            let Step { node, hops, score } = steps[at as usize];
            let path = if self.query.with_paths { Some(path(at)?) } else { None };
            answer.push(RelatedNode { node, score, hops, path });
        }
        Ok(RelatedNodes { found: answer, reached, cut })
    }
}
