//! The nodes next to one.

use std::ops::ControlFlow;

use super::work::{CutShort, Work};
use crate::adjacency::{Edge, Filter, GraphView};
use crate::image::ImageError;

/// A node next to another, and the edge between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The node.
    pub node: u32,
    /// The edge.
    pub edge: Edge,
}

/// See [`neighbours`].
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    /// One for each edge: first those that leave the node, then those that enter it, each by ascending
    /// type, node and ordinal.
    pub found: Vec<Neighbour>,
    /// Why there may be more.
    pub cut: Option<CutShort>,
}

/// Up to `limit` edges of `node` that pass the filter. A node that is not there has none.
pub fn neighbours(
    view: &GraphView,
    node: u32,
    filter: &Filter<'_>,
    limit: usize,
    work: &mut Work<'_>,
) -> Result<Neighbours, ImageError> {
    let edges = view.edges(filter)?;
    let mut halves = Vec::new();
    let flow = edges.visit(filter.direction, node, &mut |n| work.spend(n), |half| {
        if filter.admits(half.node) {
            if halves.len() == limit {
                return ControlFlow::Break(());
            }
            halves.push(half);
        }
        ControlFlow::Continue(())
    })?;
    let found =
        halves.iter().map(|half| Ok(Neighbour { node: half.node, edge: edges.edge(node, half)? }));
    let found = found.collect::<Result<_, ImageError>>()?;
    let cut = flow.is_break().then(|| work.take_cut().unwrap_or(CutShort::Results));
    Ok(Neighbours { found, cut })
}
