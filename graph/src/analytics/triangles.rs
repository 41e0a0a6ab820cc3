//! Triangles, and how far the neighbours of a node are joined: LCC of LDBC Graphalytics (2.3.5).
//!
//! Each edge is kept at the end that has fewer, so that a list has at most about the square root of the
//! edges, and each triangle is met once (Chiba, Nishizeki, 1985).

use std::sync::atomic::{AtomicU64, Ordering};

use super::projection::Projection;
use super::run::{Cancelled, Run};
use super::threads::{NODES, fill};

/// See [`triangles`].
#[derive(Clone, Debug, PartialEq)]
pub struct Triangles {
    /// How many each node is in.
    pub of_node: Vec<u64>,
    /// How many there are.
    pub count: u64,
}

/// The triangles that each node is in. Edges lead both ways.
pub fn triangles(graph: &Projection, run: &mut Run<'_>) -> Result<Triangles, Cancelled> {
    let of_node = edges_opposite(&graph.undirected(), |_, _| 1, run)?;
    let count = of_node.iter().sum::<u64>() / 3;
    Ok(Triangles { of_node, count })
}

/// The local clustering coefficient of each node: of the edges there could be among its neighbours, which
/// are those on either side, the part that there is; zero if it has fewer than two. An edge that leads
/// both ways counts as two.
pub fn local_clustering(graph: &Projection, run: &mut Run<'_>) -> Result<Vec<f64>, Cancelled> {
    let both = graph.undirected();
    let leads = |from: usize, to: u32| u64::from(graph.out().of(from).binary_search(&to).is_ok());
    let edges = |a: u32, b: u32| leads(a as usize, b) + leads(b as usize, a);
    let among = edges_opposite(&both, edges, run)?;
    let coefficient = |(node, among)| {
        let neighbours = both.out().of(node).len() as f64;
        if neighbours < 2.0 { 0.0 } else { among as f64 / (neighbours * (neighbours - 1.0)) }
    };
    Ok(among.into_iter().enumerate().map(coefficient).collect())
}

/// For each node the sum, over its triangles, of what `weigh` says of the edge opposite to it.
fn edges_opposite(
    graph: &Projection,
    weigh: impl Fn(u32, u32) -> u64 + Sync,
    run: &mut Run<'_>,
) -> Result<Vec<u64>, Cancelled> {
    let count = graph.len();
    let rank = |node: u32| (graph.out().of(node as usize).len(), node);
    let kept: Vec<Vec<(u32, u64)>> = (0..count as u32)
        .map(|node| {
            let others = graph.out().of(node as usize).iter().copied();
            let later = others.filter(|&other| rank(other) > rank(node));
            later.map(|other| (other, weigh(node, other))).collect()
        })
        .collect();
    let sums: Vec<AtomicU64> = (0..count).map(|_| AtomicU64::new(0)).collect();
    // Sums of whole numbers: whoever adds first, they are the same.
    let add = |node: u32, weight: u64| sums[node as usize].fetch_add(weight, Ordering::Relaxed);
    let pieces = count.div_ceil(NODES);
    let task = |first: usize, piece: &mut [()]| {
        let mut marks = vec![u64::MAX; count];
        for node in first..first + piece.len() {
            kept[node].iter().for_each(|&(other, weight)| marks[other as usize] = weight);
            for &(middle, near) in &kept[node] {
                for &(far, opposite) in &kept[middle as usize] {
                    let long = marks[far as usize];
                    if long != u64::MAX {
                        add(node as u32, opposite);
                        add(middle, long);
                        add(far, near);
                    }
                }
            }
            kept[node].iter().for_each(|&(other, _)| marks[other as usize] = u64::MAX);
        }
    };
    let mut all = vec![(); count];
    fill(run.threads(), &mut all, NODES, task, |done| run.report(done, pieces))?;
    Ok(sums.into_iter().map(AtomicU64::into_inner).collect())
}
