//! Communities by label propagation: CDLP of LDBC Graphalytics (2.3.4), where all nodes change at once,
//! and that of Raghavan, Albert, Kumara (2007), where they take turns.

use super::projection::{Orientation, Projection};
use super::random::Random;
use super::run::{Cancelled, Run};
use super::threads::fill_nodes;

/// The community of each node after `rounds` rounds, named by a node: in each round every node takes the
/// label that most of its edges lead to, or come from, and of several the lowest.
pub fn cdlp(graph: &Projection, rounds: u32, run: &mut Run<'_>) -> Result<Vec<u32>, Cancelled> {
    let mut labels: Vec<u32> = (0..graph.len() as u32).collect();
    let mut next = labels.clone();
    for round in 0..rounds {
        run.report(round as usize, rounds as usize)?;
        let changes = fill_nodes(run, &mut next, |first, piece| {
            let mut around = Vec::new();
            let mut has_changed = false;
            for (at, label) in piece.iter_mut().enumerate() {
                let node = first + at;
                around.clear();
                around.extend(graph.out().of(node).iter().map(|&other| labels[other as usize]));
                if graph.orientation() == Orientation::Directed {
                    let incoming = graph.incoming().of(node).iter();
                    around.extend(incoming.map(|&other| labels[other as usize]));
                }
                *label = most_frequent(&mut around).unwrap_or(labels[node]);
                has_changed |= *label != labels[node];
            }
            has_changed
        });
        std::mem::swap(&mut labels, &mut next);
        if !changes.contains(&true) {
            break;
        }
    }
    Ok(labels)
}

/// The number that occurs most often, of several the lowest.
fn most_frequent(numbers: &mut [u32]) -> Option<u32> {
    numbers.sort_unstable();
    let runs = numbers.chunk_by(|a, b| a == b);
    // The first of the longest.
    let longest = runs.rev().max_by_key(|run| run.len());
    longest.map(|run| run[0])
}

/// The community of each node, numbered by their first nodes: until no node would rather have another
/// label, but for `max_rounds` at most, nodes take the label of most weight around them in turn; which
/// of several, and whose turn it is, is drawn by `seed`. Edges lead both ways.
pub fn label_propagation(
    graph: &Projection,
    max_rounds: u32,
    seed: u64,
    run: &mut Run<'_>,
) -> Result<Vec<u32>, Cancelled> {
    let graph = &*graph.undirected();
    let mut random = Random(seed);
    let mut labels: Vec<u32> = (0..graph.len() as u32).collect();
    let mut turns = labels.clone();
    let mut weights = vec![0.0; graph.len()];
    let (mut around, mut best): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    for round in 0..max_rounds {
        run.report(round as usize, max_rounds as usize)?;
        random.shuffle(&mut turns);
        let mut has_changed = false;
        for &node in &turns {
            for (other, weight) in graph.out().weighted(node as usize) {
                let label = labels[other];
                if weights[label as usize] == 0.0 {
                    around.push(label);
                }
                weights[label as usize] += weight;
            }
            let most = around.iter().map(|&label| weights[label as usize]).fold(0.0, f64::max);
            best.extend(around.iter().filter(|&&label| weights[label as usize] >= most));
            if !best.is_empty() && !best.contains(&labels[node as usize]) {
                labels[node as usize] = best[random.below(best.len())];
                has_changed = true;
            }
            around.drain(..).for_each(|label| weights[label as usize] = 0.0);
            best.clear();
        }
        if !has_changed {
            break;
        }
    }
    Ok(super::community::renumbered(&labels))
}
