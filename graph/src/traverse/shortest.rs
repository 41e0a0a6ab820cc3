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
    let mut ahead = Front::new(start, goal, filter.direction);
    let mut back = Front::new(goal, start, filter.direction.reversed());
    while !ahead.layer.is_empty() && !back.layer.is_empty() {
        let is_ahead = ahead.layer.len() <= back.layer.len();
        let (grown, other) = if is_ahead { (&mut ahead, &back) } else { (&mut back, &ahead) };
        match grown.grow(&edges, other, work)? {
            Growth::Apart => {}
            Growth::Cut => return Ok(FoundPath::none(work.take_cut())),
            Growth::Met { mine, half, other } => {
                let (left, right) = if is_ahead { (mine, other) } else { (other, mine) };
                let (head, tail) = (ahead.path(&edges, left)?, back.path(&edges, right)?);
                let path = join(&edges, head, &half, tail, is_ahead)?;
                return Ok(FoundPath {
                    cost: path.edges.len() as f64,
                    path: Some(path),
                    cut: None,
                });
            }
        }
    }
    Ok(FoundPath::none(None))
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

/// What was reached from one end.
struct Front {
    met: Numbering,
    origins: Vec<Origin>,
    /// Numbers of the nodes that were reached last.
    layer: Range<u32>,
    goal: u32,
    direction: Direction,
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

impl Front {
    fn new(start: u32, goal: u32, direction: Direction) -> Self {
        let mut met = Numbering::new();
        let _ = met.insert(start);
        Self { met, origins: vec![None], layer: 0..1, goal, direction }
    }

    fn grow(
        &mut self,
        edges: &Edges<'_>,
        other: &Self,
        work: &mut Work<'_>,
    ) -> Result<Growth, ImageError> {
        for mine in self.layer.clone() {
            let mut meeting = None;
            let flow = edges.visit(
                self.direction,
                self.met.nodes()[mine as usize],
                &mut |n| work.spend(n),
                |half| {
                    if let Some(other) = other.met.get(half.node) {
                        meeting = Some(Growth::Met { mine, half, other });
                        return ControlFlow::Break(());
                    }
                    if self.met.get(half.node).is_none()
                        && (half.node == self.goal || edges.filter.admits(half.node))
                    {
                        let _ = self.met.insert(half.node);
                        self.origins.push(Some((mine, half)));
                    }
                    ControlFlow::Continue(())
                },
            )?;
            if flow.is_break() {
                return Ok(meeting.unwrap_or(Growth::Cut));
            }
        }
        self.layer = self.layer.end..self.met.len();
        Ok(Growth::Apart)
    }

    fn path(&self, edges: &Edges<'_>, number: u32) -> Result<Path, ImageError> {
        let origin = |at: u32| self.origins[at as usize];
        path_to(edges, number, origin, |at| self.met.nodes()[at as usize])
    }
}
