//! Betweenness (Brandes, 2001), of all nodes as sources or of a sample (Brandes, Pich, 2007).

#![expect(
    clippy::float_cmp,
    reason = "paths of one length have the same bits: they are summed alike"
)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::projection::{Orientation, Projection};
use super::random::Random;
use super::run::{Cancelled, Run};
use super::threads::{NODES, fill, fill_nodes};

/// Sums that are added up apart and put together in their order.
const LANES: usize = 16;

/// Sources of a lane between two reports.
const ROUND: usize = 4;

/// How betweenness is computed. The default is exact and counts edges.
#[derive(Clone, Copy, Debug, Default)]
pub struct Betweenness {
    /// So many sources are drawn, and what they give is scaled up; all nodes are, if none is given.
    pub sources: Option<usize>,
    /// What they are drawn by.
    pub seed: u64,
    /// Are paths as long as the weights of their edges? Those of weight zero cannot be counted, and are
    /// not followed.
    pub is_weighted: bool,
    /// Divided by the number of pairs that a node could be between?
    pub is_normalized: bool,
}

/// For each node the sum, over all pairs of other nodes, of the part of the shortest paths between them
/// that lead through it.
pub fn betweenness(
    graph: &Projection,
    how: &Betweenness,
    run: &mut Run<'_>,
) -> Result<Vec<f64>, Cancelled> {
    let count = graph.len();
    let sources = match how.sources {
        Some(some) => Random(how.seed).sample(some, count),
        None => (0..count).collect(),
    };
    let mut lanes: Vec<Lane> = (0..LANES.min(sources.len())).map(|_| Lane::new(count)).collect();
    let rounds = sources.len().div_ceil(LANES * ROUND);
    for (round, sources) in sources.chunks(LANES * ROUND).enumerate() {
        run.report(round, rounds)?;
        let task = |lane: usize, lanes: &mut [Lane]| {
            for &source in sources.iter().skip(lane).step_by(LANES) {
                lanes[0].add(graph, source, how.is_weighted);
            }
        };
        fill(run.threads(), &mut lanes, 1, task, |_| Ok(()))?;
    }
    let pairs = if graph.orientation() == Orientation::Undirected { 2.0 } else { 1.0 };
    let mut scale = count as f64 / sources.len().max(1) as f64 / pairs;
    if how.is_normalized {
        let others = count.saturating_sub(1) as f64;
        scale *= pairs / (others * (others - 1.0)).max(1.0);
    }
    let mut sums = vec![0.0; count];
    fill_nodes(run, &mut sums, |first, piece| {
        for (at, sum) in piece.iter_mut().enumerate() {
            *sum = lanes.iter().map(|lane| lane.sums[first + at]).sum::<f64>() * scale;
        }
    });
    Ok(sums)
}

/// What a lane adds up, and what it needs for a source.
struct Lane {
    sums: Vec<f64>,
    distances: Vec<f64>,
    /// Number of shortest paths to a node.
    paths: Vec<f64>,
    /// The part of the paths from the source that lead through it.
    through: Vec<f64>,
    /// Nodes by their distance.
    order: Vec<u32>,
}

impl Lane {
    fn new(count: usize) -> Self {
        Self {
            sums: vec![0.0; count],
            distances: vec![f64::INFINITY; count],
            paths: vec![0.0; count],
            through: vec![0.0; count],
            order: Vec::new(),
        }
    }

    fn add(&mut self, graph: &Projection, source: usize, is_weighted: bool) {
        self.distances[source] = 0.0;
        self.paths[source] = 1.0;
        if is_weighted {
            self.reach_weighted(graph, source);
        } else {
            self.reach(graph, source);
        }
        // From the farthest back: what leads through a node leads over one of those before it.
        for &node in self.order.iter().rev() {
            let node = node as usize;
            let distance = self.distances[node];
            let part = (1.0 + self.through[node]) / self.paths[node];
            if is_weighted {
                for (before, weight) in graph.incoming().weighted(node) {
                    if weight > 0.0 && self.distances[before] + weight == distance {
                        self.through[before] += self.paths[before] * part;
                    }
                }
            } else {
                for &before in graph.incoming().of(node) {
                    let before = before as usize;
                    if self.distances[before] + 1.0 == distance {
                        self.through[before] += self.paths[before] * part;
                    }
                }
            }
            if node != source {
                self.sums[node] += self.through[node];
            }
        }
        for node in self.order.drain(..) {
            let node = node as usize;
            self.distances[node] = f64::INFINITY;
            (self.paths[node], self.through[node]) = (0.0, 0.0);
        }
    }

    fn reach(&mut self, graph: &Projection, source: usize) {
        self.order.push(source as u32);
        let mut at = 0;
        while let Some(&node) = self.order.get(at) {
            let next = self.distances[node as usize] + 1.0;
            let paths = self.paths[node as usize];
            for &other in graph.out().of(node as usize) {
                let distance = &mut self.distances[other as usize];
                if distance.is_infinite() {
                    *distance = next;
                    self.order.push(other);
                }
                if *distance == next {
                    self.paths[other as usize] += paths;
                }
            }
            at += 1;
        }
    }

    fn reach_weighted(&mut self, graph: &Projection, source: usize) {
        let mut queue = BinaryHeap::from([Reverse((0_u64, source as u32))]);
        while let Some(Reverse((bits, node))) = queue.pop() {
            let distance = f64::from_bits(bits);
            if distance > self.distances[node as usize] {
                continue;
            }
            self.order.push(node);
            let paths = self.paths[node as usize];
            for (other, weight) in graph.out().weighted(node as usize) {
                let reached = distance + weight;
                if weight > 0.0 && reached < self.distances[other] {
                    self.distances[other] = reached;
                    self.paths[other] = paths;
                    queue.push(Reverse((reached.to_bits(), other as u32)));
                } else if weight > 0.0 && reached == self.distances[other] {
                    self.paths[other] += paths;
                }
            }
        }
    }
}

const _: () = assert!(LANES <= NODES, "lanes are a piece each");
