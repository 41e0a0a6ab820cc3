//! Eigenvector centrality (Bonacich, 1972), by the power method on `A + I`, which has the same vectors
//! and does not swing back and forth on graphs with two sides.

use super::projection::Projection;
use super::run::{Cancelled, Run};
use super::threads::fill_nodes;

/// How to compute it. The default is that of networkx.
#[derive(Clone, Copy, Debug)]
pub struct Eigenvector {
    /// Rounds at most.
    pub max_rounds: u32,
    /// A round that changes no more than this for each node is the last.
    pub tolerance: f64,
    /// Do the weights of edges count?
    pub is_weighted: bool,
}

impl Default for Eigenvector {
    fn default() -> Self {
        Self { max_rounds: 1000, tolerance: 1e-9, is_weighted: false }
    }
}

/// See [`eigenvector`].
#[derive(Clone, Debug, PartialEq)]
pub struct Centralities {
    /// That of each node, none negative; the sum of their squares is one.
    pub centralities: Vec<f64>,
    /// Rounds that were made.
    pub rounds: u32,
    /// Did the last change little enough?
    pub has_converged: bool,
}

/// The centrality of each node: in proportion to the sum of those that lead to it.
pub fn eigenvector(
    graph: &Projection,
    how: &Eigenvector,
    run: &mut Run<'_>,
) -> Result<Centralities, Cancelled> {
    let count = graph.len();
    let incoming = graph.incoming();
    let mut now = vec![1.0 / (count.max(1) as f64).sqrt(); count];
    let mut next = vec![0.0; count];
    for round in 0..how.max_rounds {
        run.report(round as usize, how.max_rounds as usize)?;
        let squares = fill_nodes(run, &mut next, |first, piece| {
            let mut squares = 0.0;
            for (at, next) in piece.iter_mut().enumerate() {
                let node = first + at;
                let received: f64 = if how.is_weighted {
                    incoming.weighted(node).map(|(from, weight)| now[from] * weight).sum()
                } else {
                    incoming.of(node).iter().map(|&from| now[from as usize]).sum()
                };
                *next = now[node] + received;
                squares += *next * *next;
            }
            squares
        });
        let norm = squares.iter().sum::<f64>().sqrt();
        let norm = if norm > 0.0 { norm } else { 1.0 };
        let changes = fill_nodes(run, &mut next, |first, piece| {
            let mut change = 0.0;
            for (at, next) in piece.iter_mut().enumerate() {
                *next /= norm;
                change += (*next - now[first + at]).abs();
            }
            change
        });
        std::mem::swap(&mut now, &mut next);
        if changes.iter().sum::<f64>() < how.tolerance * count as f64 {
            return Ok(Centralities { centralities: now, rounds: round + 1, has_converged: true });
        }
    }
    Ok(Centralities { centralities: now, rounds: how.max_rounds, has_converged: count == 0 })
}
