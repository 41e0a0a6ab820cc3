//! A path with the fewest edges: breadth-first from both ends.
//!
//! The side with the smaller frontier grows by a whole layer. While no node is in both, every path has
//! more edges than the two depths together, so that the first one that joins them is a shortest.

use std::ops::{ControlFlow, Range};

use super::numbering::Numbering;
use super::path::{Origin, Path, path_to};
use super::work::{CutShort, Work};
use crate::adjacency::{Direction, Edges, Filter, GraphView, HalfEdge};
use crate::image::ImageError;

/// The answer to the question for one path.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundPath {
    /// The path, if there is one.
    pub path: Option<Path>,
    /// Sum of what its edges cost; each costs one if weights do not count.
    pub cost: f64,
    /// Why there may be one though none was found.
    pub cut: Option<CutShort>,
}

impl FoundPath {
    pub(super) fn none(cut: Option<CutShort>) -> Self {
        Self { path: None, cost: f64::INFINITY, cut }
    }

    /// The answer, if it takes no walk: a node is not there, or both are one.
    pub(super) fn at_once(
        view: &GraphView,
        start: u32,
        goal: u32,
    ) -> Result<Option<Self>, ImageError> {
        if !view.contains_node(start)? || !view.contains_node(goal)? {
            return Ok(Some(Self::none(None)));
        }
        let here = || Self { path: Some(Path::at(start)), cost: 0.0, cut: None };
        Ok((start == goal).then(here))
    }
}

/// A path from `start` to `goal` with the fewest edges that pass the filter.
///
/// ```
/// use memlith_graph::adjacency::{Edge, Filter, GraphIndex};
/// use memlith_graph::traverse::{Work, shortest_path};
///
/// let mut graph = GraphIndex::new();
/// for node in 0..4 {
///     graph.insert_node(node, 1)?;
/// }
/// for (ordinal, (source, target)) in (0..).zip([(0, 1), (1, 2), (2, 3), (0, 2)]) {
///     graph.insert(Edge::new(source, 0, target, ordinal, 1.0), 1)?;
/// }
/// let mut keep_going = || true;
/// let mut work = Work::new(1_000, &mut keep_going);
/// let found = shortest_path(&graph.view(), 0, 3, &Filter::default(), &mut work)?;
/// assert_eq!(found.path.expect("there is one").nodes, [0, 2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn shortest_path(
    view: &GraphView,
    start: u32,
    goal: u32,
    filter: &Filter<'_>,
    work: &mut Work<'_>,
) -> Result<FoundPath, ImageError> {
    if let Some(found) = FoundPath::at_once(view, start, goal)? {
        return Ok(found);
    }
    let edges = view.edges(filter)?;
    let met = Numbering::with_bits(PLACES_BITS);
    Reached { met, origins: Vec::with_capacity(LIKELY) }.search(&edges, start, goal, work)
}

/// `head` goes from the start to one end of `half`, `tail` from the goal to the other. `half` was met
/// at the end of `head` if `is_ahead`.
pub(super) fn join(
    edges: &Edges<'_>,
    mut head: Path,
    half: &HalfEdge,
    mut tail: Path,
    is_ahead: bool,
) -> Result<Path, ImageError> {
    if is_ahead {
        head.push(edges, half)?;
    } else {
        tail.push(edges, half)?;
    }
    let tail = tail.reversed();
    head.nodes.extend_from_slice(&tail.nodes[1..]);
    head.edges.extend_from_slice(&tail.edges);
    Ok(head)
}

/// What was reached, from either end.
struct Reached {
    met: Numbering,
    /// By number: from where, and from which end.
    origins: Vec<(Origin, bool)>,
}

/// The nodes that were reached last from one end.
struct Front {
    is_ahead: bool,
    direction: Direction,
    /// Their numbers.
    layer: Range<u32>,
}

enum Growth {
    Apart,
    Cut,
    /// Node number `mine` has the half edge to the node with number `other` of the other side.
    Met {
        mine: u32,
        half: HalfEdge,
        other: u32,
    },
}

/// Places for nodes at the beginning, as a power of two: a path between far nodes meets hundreds.
const PLACES_BITS: u32 = 9;

/// How many lists before its own one is asked for.
const AHEAD: u32 = 8;

/// Nodes that a search has memory for before it asks for more.
const LIKELY: usize = 1 << (PLACES_BITS - 1);

impl Reached {
    fn search(
        &mut self,
        edges: &Edges<'_>,
        start: u32,
        goal: u32,
        work: &mut Work<'_>,
    ) -> Result<FoundPath, ImageError> {
        let direction = edges.filter.direction;
        let mut ahead = self.front(start, true, direction);
        let mut back = self.front(goal, false, direction.reversed());
        while !ahead.layer.is_empty() && !back.layer.is_empty() {
            let front = if ahead.layer.len() <= back.layer.len() { &mut ahead } else { &mut back };
            match self.grow(edges, front, work)? {
                Growth::Apart => {}
                Growth::Cut => return Ok(FoundPath::none(work.take_cut())),
                Growth::Met { mine, half, other } => {
                    let is_ahead = front.is_ahead;
                    let (left, right) = if is_ahead { (mine, other) } else { (other, mine) };
                    let (head, tail) = (self.path(edges, left)?, self.path(edges, right)?);
                    let path = Some(join(edges, head, &half, tail, is_ahead)?);
                    let cost = path.as_ref().map_or(0, |path| path.edges.len()) as f64;
                    return Ok(FoundPath { path, cost, cut: None });
                }
            }
        }
        Ok(FoundPath::none(None))
    }

    /// The front that has reached nothing but the end where it begins.
    fn front(&mut self, end: u32, is_ahead: bool, direction: Direction) -> Front {
        let first = self.met.len();
        // It was not met: the ends differ.
        let _ = self.met.insert(end);
        self.origins.push((None, is_ahead));
        Front { is_ahead, direction, layer: first..first + 1 }
    }

    /// Grows a front by a layer, unless that meets the other one.
    fn grow(
        &mut self,
        edges: &Edges<'_>,
        front: &mut Front,
        work: &mut Work<'_>,
    ) -> Result<Growth, ImageError> {
        let Front { is_ahead, direction, .. } = *front;
        let first = self.met.len();
        let prefetch = |met: &Numbering, number: u32| {
            if number < front.layer.end {
                edges.prefetch_lists(direction, met.nodes()[number as usize]);
            }
        };
        (front.layer.start..front.layer.start + AHEAD).for_each(|next| prefetch(&self.met, next));
        for mine in front.layer.clone() {
            prefetch(&self.met, mine + AHEAD);
            let mut meeting = None;
            let node = self.met.nodes()[mine as usize];
            let flow = edges.visit(direction, node, &mut |n| work.spend(n), |half| {
                match self.met.find(half.node) {
                    Ok(other) if self.origins[other as usize].1 != is_ahead => {
                        meeting = Some(Growth::Met { mine, half, other });
                        return ControlFlow::Break(());
                    }
                    Ok(_) => {}
                    Err(free) => {
                        if edges.filter.admits(half.node) {
                            edges.prefetch_start(direction, half.node);
                            self.met.put(free, half.node);
                            self.origins.push((Some((mine, half)), is_ahead));
                        }
                    }
                }
                ControlFlow::Continue(())
            })?;
            if flow.is_break() {
                return Ok(meeting.unwrap_or(Growth::Cut));
            }
        }
        front.layer = first..self.met.len();
        Ok(Growth::Apart)
    }

    fn path(&self, edges: &Edges<'_>, number: u32) -> Result<Path, ImageError> {
        let origin = |at: u32| self.origins[at as usize].0;
        path_to(edges, number, origin, |at| self.met.nodes()[at as usize])
    }
}
