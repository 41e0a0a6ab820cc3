//! The part of the graph around some nodes.

use std::ops::ControlFlow;

use super::numbering::Numbering;
use super::work::{CutShort, Work};
use crate::adjacency::{Edge, Filter, GraphView, Side};
use crate::image::ImageError;

/// See [`subgraph`].
#[derive(Clone, Debug, PartialEq)]
pub struct Subgraph {
    /// Nodes by ascending ordinal, with the steps to each from the nearest start.
    pub nodes: Vec<(u32, u32)>,
    /// The edges among them that pass the filter, whatever their direction, by ascending source, type,
    /// target and ordinal.
    pub edges: Vec<Edge>,
    /// Why it may not be all.
    pub cut: Option<CutShort>,
}

/// Of the nodes within `depth` steps of `starts` the nearest `limit`, and the edges among them.
pub fn subgraph(
    view: &GraphView,
    starts: &[u32],
    depth: u32,
    filter: &Filter<'_>,
    limit: usize,
    work: &mut Work<'_>,
) -> Result<Subgraph, ImageError> {
    let edges = view.edges(filter)?;
    let (mut met, mut hops) = (Numbering::new(), Vec::new());
    let mut flow = ControlFlow::Continue(());
    for &node in starts {
        if view.contains_node(node)? && met.get(node).is_none() {
            if hops.len() == limit {
                flow = ControlFlow::Break(());
                break;
            }
            let _ = met.insert(node);
            hops.push(0);
        }
    }
    let mut at = 0;
    while flow.is_continue() && at < hops.len() && hops[at] < depth {
        flow = edges.visit(filter.direction, met.nodes()[at], &mut |n| work.spend(n), |half| {
            if met.get(half.node).is_none() && filter.admits(half.node) {
                if hops.len() == limit {
                    return ControlFlow::Break(());
                }
                let _ = met.insert(half.node);
                hops.push(hops[at] + 1);
            }
            ControlFlow::Continue(())
        })?;
        at += 1;
    }
    let mut cut = flow.is_break().then(|| work.take_cut().unwrap_or(CutShort::Results));
    let mut nodes: Vec<(u32, u32)> = met.nodes().iter().copied().zip(hops).collect();
    nodes.sort_unstable();
    let mut among = Vec::new();
    for &(node, _) in &nodes {
        let mut halves = Vec::new();
        let flow = edges.visit_side(Side::Out, node, &mut |n| work.spend(n), |half| {
            if met.get(half.node).is_some() {
                halves.push(half);
            }
            ControlFlow::Continue(())
        })?;
        for half in &halves {
            among.push(edges.edge(node, half)?);
        }
        if flow.is_break() {
            cut = work.take_cut();
            break;
        }
    }
    Ok(Subgraph { nodes, edges: among, cut })
}
