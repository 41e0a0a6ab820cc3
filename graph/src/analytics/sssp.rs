//! Single-source shortest paths: SSSP of LDBC Graphalytics (2.3.6), by Dijkstra's algorithm.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::projection::Projection;
use super::run::{Cancelled, Run};

/// Nodes between two reports.
const REPORT: usize = 1 << 16;

/// The least sum of weights on a path from `source` to each node, along edges; infinite if there is none.
///
/// # Panics
/// If `source` is not the place of a node.
pub fn distances(
    graph: &Projection,
    source: usize,
    run: &mut Run<'_>,
) -> Result<Vec<f64>, Cancelled> {
    let mut distances = vec![f64::INFINITY; graph.len()];
    distances[source] = 0.0;
    // Of numbers that are not negative the bits ascend as the numbers do.
    let mut queue = BinaryHeap::from([Reverse((0_u64, source as u32))]);
    let mut settled = 0;
    while let Some(Reverse((bits, node))) = queue.pop() {
        let distance = f64::from_bits(bits);
        if distance > distances[node as usize] {
            continue;
        }
        if settled % REPORT == 0 {
            run.report(settled, graph.len())?;
        }
        settled += 1;
        for (other, weight) in graph.out().weighted(node as usize) {
            let reached = distance + weight;
            if reached < distances[other] {
                distances[other] = reached;
                queue.push(Reverse((reached.to_bits(), other as u32)));
            }
        }
    }
    Ok(distances)
}
