//! The part of a graph that is analysed, as flat lists in memory.
//!
//! Nodes are numbered without gaps, by ascending ordinal; edges between the same two nodes become one of
//! their summed weight, and loops are left out: the simple graphs that the definitions are made for.
//!
//! **Invariant:** each list ascends, and has neither its own node nor one twice. An undirected
//! projection has each edge in the lists of both ends.

use std::borrow::Cow;
use std::ops::ControlFlow;

use crate::adjacency::{Filter, GraphView, Side};
use crate::image::ImageError;
use crate::traverse::{CutShort, Work};

/// Is the direction of an edge told apart?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Orientation {
    /// Edges lead from source to target.
    #[default]
    Directed,
    /// Edges lead both ways.
    Undirected,
}

/// What an edge weighs in a projection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EdgeWeight {
    /// What it weighs in the graph.
    #[default]
    Weight,
    /// One, so that edges between the same nodes weigh as many as there are.
    One,
}

/// Why there is no projection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectionError {
    /// The image could not be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The work that was allowed was not enough.
    #[error("the projection was cut short ({0:?})")]
    Cut(CutShort),
    /// It would take more memory than allowed.
    #[error("a projection of {needed} bytes is above the limit of {limit}")]
    TooLarge {
        /// What it would take.
        needed: usize,
        /// What was allowed.
        limit: usize,
    },
}

/// Compressed sparse rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows {
    starts: Vec<usize>,
    nodes: Vec<u32>,
    weights: Vec<f32>,
}

impl Rows {
    fn with_capacity(nodes: usize) -> Self {
        let mut starts = Vec::with_capacity(nodes + 1);
        starts.push(0);
        Self { starts, nodes: Vec::new(), weights: Vec::new() }
    }

    /// Adds a row, whose entries are sorted and merged.
    fn push(&mut self, node: u32, row: &mut Vec<(u32, f32)>) {
        row.sort_by_key(|entry| entry.0);
        let first = self.nodes.len();
        for &(other, weight) in row.iter().filter(|entry| entry.0 != node) {
            if self.nodes.len() > first && self.nodes.last() == Some(&other) {
                *self.weights.last_mut().unwrap_or(&mut 0.0) += weight;
            } else {
                self.nodes.push(other);
                self.weights.push(weight);
            }
        }
        self.starts.push(self.nodes.len());
        row.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The nodes that `node` is joined to, ascending.
    #[inline]
    pub(super) fn of(&self, node: usize) -> &[u32] {
        &self.nodes[self.starts[node]..self.starts[node + 1]]
    }

    /// The weights of these edges.
    #[inline]
    pub(super) fn weights_of(&self, node: usize) -> &[f32] {
        &self.weights[self.starts[node]..self.starts[node + 1]]
    }

    #[inline]
    pub(super) fn weighted(&self, node: usize) -> impl Iterator<Item = (usize, f64)> {
        let weights = self.weights_of(node).iter();
        self.of(node).iter().zip(weights).map(|(&node, &weight)| (node as usize, f64::from(weight)))
    }

    /// The same edges from their other ends.
    fn transposed(&self) -> Self {
        let mut starts = vec![0; self.starts.len()];
        for &node in &self.nodes {
            starts[node as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut nodes = vec![0; self.nodes.len()];
        let mut weights = vec![0.0; self.nodes.len()];
        for from in 0..self.len() {
            for (&to, &weight) in self.of(from).iter().zip(self.weights_of(from)) {
                let at = &mut next[to as usize];
                (nodes[*at], weights[*at]) = (from as u32, weight);
                *at += 1;
            }
        }
        Self { starts, nodes, weights }
    }

    /// The edges of both.
    fn merged(&self, other: &Self) -> Self {
        let mut rows = Self::with_capacity(self.len());
        let mut row = Vec::new();
        for node in 0..self.len() {
            for side in [self, other] {
                row.extend(
                    side.of(node).iter().copied().zip(side.weights_of(node).iter().copied()),
                );
            }
            rows.push(node as u32, &mut row);
        }
        rows
    }

    fn heap_bytes(&self) -> usize {
        size_of::<usize>() * self.starts.capacity()
            + size_of::<u32>() * self.nodes.capacity()
            + size_of::<f32>() * self.weights.capacity()
    }
}

/// What is analysed. Nodes are meant by their place in [`nodes`](Self::nodes).
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    nodes: Vec<u32>,
    out: Rows,
    /// None if edges lead both ways.
    incoming: Option<Rows>,
}

/// What a projection takes in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Project<'a> {
    /// Which nodes, and which edges among them; its direction does not matter.
    pub filter: Filter<'a>,
    /// Is the direction of edges told apart?
    pub orientation: Orientation,
    /// What edges weigh.
    pub weight: EdgeWeight,
    /// Memory that the projection may take while it is made; none for any.
    pub max_bytes: Option<usize>,
}

impl Projection {
    /// The nodes of `view` that pass the filter, and the edges among them.
    ///
    /// Costs about 10 ns an edge, and 8 bytes an edge and direction.
    ///
    /// # Errors
    /// [`ProjectionError`]: a projection is whole or there is none.
    pub fn new(
        view: &GraphView,
        project: &Project<'_>,
        work: &mut Work<'_>,
    ) -> Result<Self, ProjectionError> {
        let Project { filter, orientation, weight, max_bytes } = *project;
        let mut nodes = Vec::new();
        let mut places = vec![u32::MAX; view.node_bound() as usize];
        for node in 0..view.node_bound() {
            if filter.nodes.is_none_or(|some| some.contains(node)) && view.contains_node(node)? {
                places[node as usize] = nodes.len() as u32;
                nodes.push(node);
            }
        }
        let edges = view.edges(&filter)?;
        let mut out = Rows::with_capacity(nodes.len());
        let mut row = Vec::new();
        for (place, &node) in nodes.iter().enumerate() {
            let flow = edges.visit_side(Side::Out, node, &mut |n| work.spend(n), |half| {
                let target = places.get(half.node as usize).copied().unwrap_or(u32::MAX);
                if target != u32::MAX {
                    let weight = if weight == EdgeWeight::One { 1.0 } else { half.weight };
                    row.push((target, weight));
                }
                ControlFlow::Continue(())
            })?;
            if flow.is_break() {
                return Err(ProjectionError::Cut(work.take_cut().unwrap_or(CutShort::Stopped)));
            }
            out.push(place as u32, &mut row);
            // Twice: the other direction, or both together, comes on top.
            let needed = 2 * out.heap_bytes() + size_of::<u32>() * (nodes.len() + places.len());
            if let Some(limit) = max_bytes.filter(|&limit| needed > limit) {
                return Err(ProjectionError::TooLarge { needed, limit });
            }
        }
        Ok(Self::of_rows(nodes, out, orientation))
    }

    /// The graph of `nodes` nodes with the edges `edges`, each from a place to a place with a weight.
    ///
    /// # Panics
    /// If an edge has an end that is not below `nodes`.
    pub fn from_edges(nodes: u32, edges: &[(u32, u32, f32)], orientation: Orientation) -> Self {
        let mut lists = vec![Vec::new(); nodes as usize];
        for &(source, target, weight) in edges {
            assert!(target < nodes, "node {target} is below {nodes}");
            lists[source as usize].push((target, weight));
        }
        let mut out = Rows::with_capacity(lists.len());
        for (node, row) in (0..).zip(&mut lists) {
            out.push(node, row);
        }
        Self::of_rows((0..nodes).collect(), out, orientation)
    }

    fn of_rows(nodes: Vec<u32>, out: Rows, orientation: Orientation) -> Self {
        let incoming = out.transposed();
        match orientation {
            Orientation::Directed => Self { nodes, out, incoming: Some(incoming) },
            Orientation::Undirected => Self { nodes, out: out.merged(&incoming), incoming: None },
        }
    }

    /// The same nodes with edges that lead both ways.
    pub fn undirected(&self) -> Cow<'_, Self> {
        match &self.incoming {
            None => Cow::Borrowed(self),
            Some(incoming) => {
                let out = self.out.merged(incoming);
                Cow::Owned(Self { nodes: self.nodes.clone(), out, incoming: None })
            }
        }
    }

    /// Does the direction of edges matter?
    pub fn orientation(&self) -> Orientation {
        if self.incoming.is_some() { Orientation::Directed } else { Orientation::Undirected }
    }

    /// The ordinals of the nodes, ascending. All results are in this order.
    pub fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Is there no node?
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Number of edges; one that leads both ways counts once.
    pub fn edge_count(&self) -> usize {
        let halves = self.out.nodes.len();
        if self.incoming.is_some() { halves } else { halves / 2 }
    }

    /// The place of the node with this ordinal.
    pub fn place_of(&self, ordinal: u32) -> Option<usize> {
        self.nodes.binary_search(&ordinal).ok()
    }

    /// Edges that leave.
    pub(super) fn out(&self) -> &Rows {
        &self.out
    }

    /// Edges that enter.
    pub(super) fn incoming(&self) -> &Rows {
        self.incoming.as_ref().unwrap_or(&self.out)
    }

    /// Memory in use.
    pub fn heap_bytes(&self) -> usize {
        let incoming = self.incoming.as_ref().map_or(0, Rows::heap_bytes);
        size_of::<u32>() * self.nodes.capacity() + self.out.heap_bytes() + incoming
    }
}
