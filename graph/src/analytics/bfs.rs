//! Breadth-first search: BFS of LDBC Graphalytics (2.3.1).

use super::projection::Projection;
use super::run::{Cancelled, Run};

/// The distance of a node that cannot be reached.
pub const UNREACHED: u32 = u32::MAX;

/// Nodes between two reports.
const REPORT: usize = 1 << 16;

/// How many edges each node is from `source`, along edges; [`UNREACHED`] if there is no path.
///
/// # Panics
/// If `source` is not the place of a node.
pub fn hops(graph: &Projection, source: usize, run: &mut Run<'_>) -> Result<Vec<u32>, Cancelled> {
    let mut hops = vec![UNREACHED; graph.len()];
    hops[source] = 0;
    let mut queue = vec![source as u32];
    let mut at = 0;
    while let Some(&node) = queue.get(at) {
        if at % REPORT == 0 {
            run.report(at, graph.len())?;
        }
        let next = hops[node as usize] + 1;
        for &other in graph.out().of(node as usize) {
            if hops[other as usize] == UNREACHED {
                hops[other as usize] = next;
                queue.push(other);
            }
        }
        at += 1;
    }
    Ok(hops)
}
