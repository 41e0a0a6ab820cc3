//! The graph that all get, and what is asked of it.
//!
//! **Invariant:** the same on every machine.

use crate::Failure;
use flate2::read::MultiGzDecoder;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Kinds of edges of a generated graph.
const KINDS: u64 = 8;
/// Kinds that walks under a filter follow: the first so many.
pub(crate) const FOLLOWED: u16 = 3;
/// The least weight that they follow.
pub(crate) const MIN_WEIGHT: f32 = 0.5;

/// A directed, typed, weighted edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Edge {
    pub(crate) source: u32,
    pub(crate) target: u32,
    pub(crate) kind: u16,
    pub(crate) weight: f32,
}

impl Edge {
    /// Would a walk under the filter follow it?
    pub(crate) fn passes(&self) -> bool {
        self.kind < FOLLOWED && self.weight >= MIN_WEIGHT
    }
}

/// Nodes are numbers below `nodes`.
pub(crate) struct Input {
    pub(crate) source: String,
    pub(crate) nodes: u32,
    pub(crate) edges: Vec<Edge>,
}

/// The finalizer of splitmix64.
fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

impl Input {
    /// A node is an end of an edge the more often the lower it is; eight kinds, and weights from zero to
    /// one that are as good as all different.
    pub(crate) fn generated(nodes: u32, edges: u32) -> Self {
        let node = |seed: u64| {
            let unit = (mix(seed) >> 11) as f64 / (1_u64 << 53) as f64;
            (unit.powf(1.5) * f64::from(nodes)) as u32
        };
        let edge = |number: u32| {
            let seed = u64::from(number) * 4;
            let weight = (mix(seed + 2) >> 40) as f32 / (1 << 24) as f32;
            let kind = (mix(seed + 3) % KINDS) as u16;
            Edge { source: node(seed), target: node(seed + 1), kind, weight }
        };
        let source = format!("{nodes} nodes and {edges} edges, generated");
        Self { source, nodes, edges: (0..edges).map(edge).collect() }
    }

    /// The pointers of WordNet, each of weight one; nodes are what they join.
    pub(crate) fn wordnet(folder: &Path) -> Result<Self, Failure> {
        let file = File::open(folder.join("wordnet_edges.tsv.gz"))?;
        let (mut nodes, mut kinds) = (HashMap::new(), HashMap::new());
        let mut edges = Vec::new();
        for line in BufReader::new(MultiGzDecoder::new(file)).lines() {
            let line = line?;
            let mut fields = line.split('\t').map(str::to_owned);
            let (Some(source), Some(kind), Some(target)) =
                (fields.next(), fields.next(), fields.next())
            else {
                return Err(format!("not an edge: {line}").into());
            };
            let mut node = |name| {
                let next = nodes.len() as u32;
                *nodes.entry(name).or_insert(next)
            };
            let (source, target) = (node(source), node(target));
            let next = kinds.len() as u16;
            let kind = *kinds.entry(kind).or_insert(next);
            edges.push(Edge { source, target, kind, weight: 1.0 });
        }
        let nodes = nodes.len() as u32;
        let source = format!("WordNet: {nodes} nodes and {} edges", edges.len());
        Ok(Self { source, nodes, edges })
    }

    /// Two nodes each, among those that some edge leaves and that some edge enters.
    pub(crate) fn pairs(&self, count: usize) -> Vec<(u32, u32)> {
        let edge = |seed| &self.edges[(mix(seed) % self.edges.len().max(1) as u64) as usize];
        let pair = |at: u64| (edge((1 << 40) + 2 * at).source, edge((1 << 40) + 2 * at + 1).target);
        let all = (0..).map(pair).filter(|(start, goal)| start != goal);
        if self.edges.iter().all(|edge| edge.source == edge.target) {
            return Vec::new();
        }
        all.take(count).collect()
    }

    /// Writes it for scripts: number of nodes, then source, target, kind and weight of each edge, all of
    /// four bytes, little-endian.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let mut bytes = Vec::with_capacity(4 + 16 * self.edges.len());
        bytes.extend(self.nodes.to_le_bytes());
        for edge in &self.edges {
            bytes.extend(edge.source.to_le_bytes());
            bytes.extend(edge.target.to_le_bytes());
            bytes.extend(u32::from(edge.kind).to_le_bytes());
            bytes.extend(edge.weight.to_le_bytes());
        }
        Ok(fs::write(path, bytes)?)
    }
}

/// The name of a kind.
pub(crate) fn kind_name(kind: u16) -> String {
    format!("kind{kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_graph_is_the_same_everywhere() {
        let input = Input::generated(1000, 5000);
        let sum: u64 = input
            .edges
            .iter()
            .map(|edge| u64::from(edge.source) * 3 + u64::from(edge.target) + u64::from(edge.kind))
            .sum();
        assert_eq!(sum, 7_982_839);
        assert!(input.edges.iter().all(|edge| (0.0..1.0).contains(&edge.weight)));
    }

    #[test]
    fn pairs_are_two_nodes_of_edges() {
        let input = Input::generated(50, 100);
        let pairs = input.pairs(40);
        assert_eq!(pairs.len(), 40);
        for (start, goal) in pairs {
            assert_ne!(start, goal);
            assert!(input.edges.iter().any(|edge| edge.source == start));
            assert!(input.edges.iter().any(|edge| edge.target == goal));
        }
        let loops = Input { source: String::new(), nodes: 1, edges: vec![input.edges[0]; 0] };
        assert!(loops.pairs(3).is_empty());
    }
}
