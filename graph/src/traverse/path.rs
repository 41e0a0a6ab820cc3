//! A walk through the graph, and the trees that walks are found in.

use crate::adjacency::{Edge, Edges, HalfEdge};
use crate::image::ImageError;

/// Nodes and the edges that join them.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// From where it begins to where it ends; one more than edges.
    pub nodes: Vec<u32>,
    /// In the order in which they are walked. One whose source is the node behind it is walked against
    /// its direction.
    pub edges: Vec<Edge>,
}

impl Path {
    /// The path that begins at `start` and does not go anywhere.
    pub(super) fn at(start: u32) -> Self {
        Self { nodes: vec![start], edges: Vec::new() }
    }

    /// Goes on over `half`, which was met at the end of the path.
    pub(super) fn push(&mut self, edges: &Edges<'_>, half: &HalfEdge) -> Result<(), ImageError> {
        let owner = self.nodes.last().copied().unwrap_or(half.node);
        self.edges.push(edges.edge(owner, half)?);
        self.nodes.push(half.node);
        Ok(())
    }

    /// The same path from its end to its beginning.
    pub(super) fn reversed(mut self) -> Self {
        self.nodes.reverse();
        self.edges.reverse();
        self
    }
}

/// How a step of a tree came about: from which step, over which half edge. The roots have none.
pub(super) type Origin = Option<(u32, HalfEdge)>;

/// The path from the root of a tree to step `step`. `node` is the node of a root.
pub(super) fn path_to(
    edges: &Edges<'_>,
    step: u32,
    origin: impl Fn(u32) -> Origin,
    node: impl Fn(u32) -> u32,
) -> Result<Path, ImageError> {
    let mut halves = Vec::new();
    let mut at = step;
    while let Some((before, half)) = origin(at) {
        halves.push(half);
        at = before;
    }
    let mut path = Path::at(node(at));
    for half in halves.iter().rev() {
        path.push(edges, half)?;
    }
    Ok(path)
}
