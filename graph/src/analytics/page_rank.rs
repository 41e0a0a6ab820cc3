//! PageRank (Brin, Page, 1998), as PR of LDBC Graphalytics (2.3.2) defines it: what nodes without an edge
//! that leaves them have is dealt out among all.

use super::projection::Projection;
use super::run::{Cancelled, Run};
use super::threads::fill_nodes;

/// How to rank. The default is that of networkx and igraph, within a tolerance.
#[derive(Clone, Copy, Debug)]
pub struct PageRank<'a> {
    /// The part of a rank that is passed on along edges, from zero to one.
    pub damping: f64,
    /// Rounds at most.
    pub max_rounds: u32,
    /// A round that changes all ranks together by less than this is the last; zero never is.
    pub tolerance: f64,
    /// Is a rank passed on in proportion to the weights of edges?
    pub is_weighted: bool,
    /// Where ranks come from, and what those without an edge fall back to: nodes and their shares.
    /// All alike, if none is given or the shares sum to nothing: personalised PageRank otherwise.
    pub restart: Option<&'a [(usize, f64)]>,
}

impl Default for PageRank<'_> {
    fn default() -> Self {
        Self { damping: 0.85, max_rounds: 100, tolerance: 1e-9, is_weighted: false, restart: None }
    }
}

/// See [`page_rank`].
#[derive(Clone, Debug, PartialEq)]
pub struct Ranks {
    /// That of each node; they sum to one.
    pub ranks: Vec<f64>,
    /// Rounds that were made.
    pub rounds: u32,
    /// By how much the last of them changed all ranks together.
    pub change: f64,
}

/// The rank of each node.
pub fn page_rank(
    graph: &Projection,
    how: &PageRank<'_>,
    run: &mut Run<'_>,
) -> Result<Ranks, Cancelled> {
    let count = graph.len();
    let (out, incoming) = (graph.out(), graph.incoming());
    let restart = Restart::new(count, how.restart.unwrap_or_default());
    // One by what leaves a node; zero if nothing does.
    let mut share = vec![0.0; count];
    fill_nodes(run, &mut share, |first, piece| {
        for (at, share) in piece.iter_mut().enumerate() {
            let sum = if how.is_weighted {
                out.weighted(first + at).map(|(_, weight)| weight).sum()
            } else {
                out.of(first + at).len() as f64
            };
            *share = if sum > 0.0 { 1.0 / sum } else { 0.0 };
        }
    });
    let mut ranks: Vec<f64> = (0..count).map(|node| restart.share(node)).collect();
    // Each round from what every node passes on along an edge of weight one.
    let (mut passed, mut next) = (vec![0.0; count], vec![0.0; count]);
    let (mut rounds, mut change) = (0, f64::INFINITY);
    while rounds < how.max_rounds && change >= how.tolerance {
        run.report(rounds as usize, how.max_rounds as usize)?;
        let stranded = fill_nodes(run, &mut passed, |first, piece| {
            let mut stranded = 0.0;
            for (at, passed) in piece.iter_mut().enumerate() {
                let node = first + at;
                *passed = ranks[node] * share[node] * how.damping;
                stranded += if share[node] == 0.0 { ranks[node] } else { 0.0 };
            }
            stranded
        });
        let stranded: f64 = stranded.iter().sum();
        let base = 1.0 - how.damping + how.damping * stranded;
        let changes = fill_nodes(run, &mut next, |first, piece| {
            let mut change = 0.0;
            for (at, next) in piece.iter_mut().enumerate() {
                let node = first + at;
                let received: f64 = if how.is_weighted {
                    incoming.weighted(node).map(|(from, weight)| passed[from] * weight).sum()
                } else {
                    incoming.of(node).iter().map(|&from| passed[from as usize]).sum()
                };
                *next = base * restart.share(node) + received;
                change += (*next - ranks[node]).abs();
            }
            change
        });
        std::mem::swap(&mut ranks, &mut next);
        change = changes.iter().sum();
        rounds += 1;
    }
    Ok(Ranks { ranks, rounds, change: if rounds == 0 { 0.0 } else { change } })
}

/// The share of each node in what starts anew.
enum Restart {
    Alike(f64),
    Chosen(Vec<f64>),
}

impl Restart {
    fn new(count: usize, chosen: &[(usize, f64)]) -> Self {
        let mut shares = vec![0.0; if chosen.is_empty() { 0 } else { count }];
        for &(node, share) in chosen.iter().filter(|(_, share)| share.is_finite()) {
            if let Some(sum) = shares.get_mut(node) {
                *sum += share.max(0.0);
            }
        }
        let sum: f64 = shares.iter().sum();
        if sum > 0.0 && sum.is_finite() {
            for share in &mut shares {
                *share /= sum;
            }
            Self::Chosen(shares)
        } else {
            Self::Alike(1.0 / count.max(1) as f64)
        }
    }

    #[inline]
    fn share(&self, node: usize) -> f64 {
        match self {
            Self::Alike(share) => *share,
            Self::Chosen(shares) => shares[node],
        }
    }
}
