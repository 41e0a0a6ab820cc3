//! How many edges a node has.

use super::projection::Projection;

/// The edges of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Degree {
    /// How many leave it; all, if the direction does not matter.
    pub out: u32,
    /// How many enter it; all, if the direction does not matter.
    pub incoming: u32,
    /// Sum of the weights of those that leave it.
    pub out_weight: f64,
    /// Sum of the weights of those that enter it.
    pub incoming_weight: f64,
}

/// The degree of each node.
pub fn degrees(graph: &Projection) -> Vec<Degree> {
    let (out, incoming) = (graph.out(), graph.incoming());
    let degree = |node| Degree {
        out: out.of(node).len() as u32,
        incoming: incoming.of(node).len() as u32,
        out_weight: out.weighted(node).map(|(_, weight)| weight).sum(),
        incoming_weight: incoming.weighted(node).map(|(_, weight)| weight).sum(),
    };
    (0..graph.len()).map(degree).collect()
}
