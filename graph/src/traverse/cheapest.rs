//! A path whose edges cost least: Dijkstra's algorithm from both ends.
//!
//! The side whose next node is nearer settles it. Once the next nodes of both are together as far as
//! the best path that is known, no other can be better.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use super::numbering::Numbering;
use super::path::{Origin, Path, path_to};
use super::shortest::{FoundPath, join};
use super::work::Work;
use crate::adjacency::{Direction, Edges, Filter, GraphView, HalfEdge};
use crate::image::ImageError;

/// What it costs to follow an edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cost {
    /// Its weight: a length.
    #[default]
    Weight,
    /// One by its weight: where weights say how close nodes are. Edges of weight zero are not followed.
    Reciprocal,
}

impl Cost {
    fn of(self, half: &HalfEdge) -> f64 {
        match self {
            Self::Weight => f64::from(half.weight),
            Self::Reciprocal => 1.0 / f64::from(half.weight),
        }
    }
}

/// A path from `start` to `goal` whose edges pass the filter and cost least together.
pub fn cheapest_path(
    view: &GraphView,
    start: u32,
    goal: u32,
    filter: &Filter<'_>,
    cost: Cost,
    work: &mut Work<'_>,
) -> Result<FoundPath, ImageError> {
    if let Some(found) = FoundPath::at_once(view, start, goal)? {
        return Ok(found);
    }
    let edges = view.edges(filter)?;
    let mut ahead = Front::new(start, goal, filter.direction);
    let mut back = Front::new(goal, start, filter.direction.reversed());
    let mut best: Option<Meeting> = None;
    while let (Some(near), Some(far)) = (ahead.next_cost(), back.next_cost()) {
        if best.as_ref().is_some_and(|best| near + far >= best.cost) {
            break;
        }
        let is_ahead = near <= far;
        let (grown, other, beyond) =
            if is_ahead { (&mut ahead, &back, far) } else { (&mut back, &ahead, near) };
        let step = Step { cost, is_ahead, beyond };
        if grown.settle(&edges, other, step, &mut best, work)?.is_break() {
            return Ok(FoundPath::none(work.take_cut()));
        }
    }
    let Some(Meeting { cost, is_ahead, mine, half, other }) = best else {
        return Ok(FoundPath::none(None));
    };
    let (left, right) = if is_ahead { (mine, other) } else { (other, mine) };
    let (head, tail) = (ahead.path(&edges, left)?, back.path(&edges, right)?);
    Ok(FoundPath { path: Some(join(&edges, head, &half, tail, is_ahead)?), cost, cut: None })
}

/// The best path so far: from node number `mine` over `half` to number `other` of the other side.
struct Meeting {
    cost: f64,
    is_ahead: bool,
    mine: u32,
    half: HalfEdge,
    other: u32,
}

/// How a side grows.
#[derive(Clone, Copy)]
struct Step {
    cost: Cost,
    is_ahead: bool,
    /// What every node that the other side has not settled is from its end at least.
    beyond: f64,
}

/// What was reached from one end.
struct Front {
    met: Numbering,
    origins: Vec<Origin>,
    costs: Vec<f64>,
    /// Cost (of numbers that are not negative the bits ascend as the numbers do), node, number.
    queue: BinaryHeap<Reverse<(u64, u32, u32)>>,
    goal: u32,
    direction: Direction,
}

impl Front {
    fn new(start: u32, goal: u32, direction: Direction) -> Self {
        let mut met = Numbering::new();
        let _ = met.insert(start);
        let queue = BinaryHeap::from([Reverse((0, start, 0))]);
        Self { met, origins: vec![None], costs: vec![0.0], queue, goal, direction }
    }

    /// What the next node to settle costs.
    fn next_cost(&mut self) -> Option<f64> {
        while let Some(&Reverse((cost, _, number))) = self.queue.peek() {
            if f64::from_bits(cost) <= self.costs[number as usize] {
                return Some(f64::from_bits(cost));
            }
            self.queue.pop();
        }
        None
    }

    fn settle(
        &mut self,
        edges: &Edges<'_>,
        other: &Self,
        Step { cost, is_ahead, beyond }: Step,
        best: &mut Option<Meeting>,
        work: &mut Work<'_>,
    ) -> Result<ControlFlow<()>, ImageError> {
        let Some(Reverse((so_far, node, mine))) = self.queue.pop() else {
            return Ok(ControlFlow::Continue(()));
        };
        edges.visit(self.direction, node, &mut |n| work.spend(n), |half| {
            let reached = f64::from_bits(so_far) + cost.of(&half);
            if reached.is_infinite() || (half.node != self.goal && !edges.filter.admits(half.node))
            {
                return ControlFlow::Continue(());
            }
            let number = match self.met.insert(half.node) {
                Ok(number) => {
                    self.costs.push(reached);
                    self.origins.push(Some((mine, half)));
                    number
                }
                Err(number) if reached < self.costs[number as usize] => {
                    self.costs[number as usize] = reached;
                    self.origins[number as usize] = Some((mine, half));
                    number
                }
                Err(_) => return ControlFlow::Continue(()),
            };
            if let Some(other_number) = other.met.get(half.node) {
                let cost = reached + other.costs[other_number as usize];
                if best.as_ref().is_none_or(|best| cost < best.cost) {
                    *best = Some(Meeting { cost, is_ahead, mine, half, other: other_number });
                }
            }
            // Whatever leads on from here costs as much as the other side has gone by now.
            if best.as_ref().is_none_or(|best| reached + beyond < best.cost) {
                self.queue.push(Reverse((reached.to_bits(), half.node, number)));
            }
            ControlFlow::Continue(())
        })
    }

    fn path(&self, edges: &Edges<'_>, number: u32) -> Result<Path, ImageError> {
        let origin = |at: u32| self.origins[at as usize];
        path_to(edges, number, origin, |at| self.met.nodes()[at as usize])
    }
}
