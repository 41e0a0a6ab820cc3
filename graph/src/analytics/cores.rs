//! Cores (Batagelj, Zaveršnik, 2003).

use super::projection::Projection;
use super::run::{Cancelled, Run};

/// Nodes between two reports.
const REPORT: usize = 1 << 16;

/// The core number of each node: the greatest `k` such that it is in a part of the graph all of whose
/// nodes have at least `k` edges within it. Edges lead both ways.
pub fn core_numbers(graph: &Projection, run: &mut Run<'_>) -> Result<Vec<u32>, Cancelled> {
    let graph = &*graph.undirected();
    let count = graph.len();
    let mut degrees: Vec<u32> = (0..count).map(|node| graph.out().of(node).len() as u32).collect();
    // Nodes by degree; where those of each degree begin; and where each node is.
    let most = degrees.iter().max().map_or(0, |&most| most as usize);
    let mut begins = vec![0_usize; most + 2];
    for &degree in &degrees {
        begins[degree as usize + 1] += 1;
    }
    for degree in 1..begins.len() {
        begins[degree] += begins[degree - 1];
    }
    let mut next = begins.clone();
    let (mut order, mut places) = (vec![0_u32; count], vec![0_usize; count]);
    for node in 0..count {
        let at = &mut next[degrees[node] as usize];
        (order[*at], places[node]) = (node as u32, *at);
        *at += 1;
    }
    for at in 0..count {
        if at % REPORT == 0 {
            run.report(at, count)?;
        }
        let node = order[at] as usize;
        for &other in graph.out().of(node) {
            let other = other as usize;
            let degree = degrees[other] as usize;
            if degree > degrees[node] as usize {
                // To the front of those with its degree, and from there to the next lower.
                let front = begins[degree].max(at + 1);
                let there = order[front] as usize;
                order.swap(front, places[other]);
                (places[there], places[other]) = (places[other], front);
                begins[degree] = front + 1;
                degrees[other] -= 1;
            }
        }
    }
    Ok(degrees)
}
