//! Closeness (Bavelas, 1950) as Wasserman and Faust (1994) have it for graphs that fall apart, and
//! harmonic centrality (Boldi, Vigna, 2014).

use super::bfs::UNREACHED;
use super::projection::Projection;
use super::run::{Cancelled, Run};
use super::threads::fill;

/// Nodes of a piece, each of which costs a search of the graph.
const PIECE: usize = 16;

/// How near a node is to those from which it can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Closeness {
    /// One by the mean distance of the nodes that reach it, times the part of the others that do.
    pub closeness: f64,
    /// Sum of one by the distance of each node that reaches it.
    pub harmonic: f64,
}

/// The closeness of each node, by the number of edges from others to it. Costs a search of the graph for
/// each node.
pub fn closeness(graph: &Projection, run: &mut Run<'_>) -> Result<Vec<Closeness>, Cancelled> {
    let mut found = vec![Closeness::default(); graph.len()];
    let pieces = found.len().div_ceil(PIECE);
    let task = |first: usize, piece: &mut [Closeness]| {
        let (mut hops, mut queue) = (vec![UNREACHED; graph.len()], Vec::new());
        for (at, closeness) in piece.iter_mut().enumerate() {
            *closeness = of_node(graph, first + at, &mut hops, &mut queue);
        }
    };
    fill(run.threads(), &mut found, PIECE, task, |done| run.report(done, pieces))?;
    Ok(found)
}

fn of_node(graph: &Projection, node: usize, hops: &mut [u32], queue: &mut Vec<u32>) -> Closeness {
    hops[node] = 0;
    queue.push(node as u32);
    let (mut at, mut sum, mut harmonic) = (0, 0_u64, 0.0);
    while let Some(&from) = queue.get(at) {
        let next = hops[from as usize] + 1;
        for &other in graph.incoming().of(from as usize) {
            if hops[other as usize] == UNREACHED {
                hops[other as usize] = next;
                queue.push(other);
                sum += u64::from(next);
                harmonic += 1.0 / f64::from(next);
            }
        }
        at += 1;
    }
    let reached = (queue.len() - 1) as f64;
    let others = graph.len().saturating_sub(1).max(1) as f64;
    queue.drain(..).for_each(|node| hops[node as usize] = UNREACHED);
    let closeness = if sum == 0 { 0.0 } else { reached / sum as f64 * (reached / others) };
    Closeness { closeness, harmonic }
}
