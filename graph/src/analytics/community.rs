//! What communities have in common, and how good a division into them is.

use super::projection::Projection;

/// The same communities, numbered from zero on by their first nodes.
pub(super) fn renumbered(communities: &[u32]) -> Vec<u32> {
    let count = communities.iter().max().map_or(0, |&most| most as usize + 1);
    let mut numbers = vec![u32::MAX; count];
    let mut next = 0;
    let number = |&community: &u32| {
        let number = &mut numbers[community as usize];
        if *number == u32::MAX {
            *number = next;
            next += 1;
        }
        *number
    };
    communities.iter().map(number).collect()
}

/// Modularity (Newman, Girvan, 2004) of a division of the nodes: by how much more of the weight lies
/// within communities than edges at random would have there, `resolution` times. Edges lead both ways.
///
/// # Panics
/// If there is not one community for each node.
pub fn modularity(graph: &Projection, communities: &[u32], resolution: f64) -> f64 {
    assert_eq!(communities.len(), graph.len(), "each node has a community");
    let graph = &*graph.undirected();
    let communities = renumbered(communities);
    let count = communities.iter().max().map_or(0, |&most| most as usize + 1);
    let (mut inside, mut total) = (vec![0.0; count], vec![0.0; count]);
    for node in 0..graph.len() {
        let mine = communities[node] as usize;
        for (other, weight) in graph.out().weighted(node) {
            total[mine] += weight;
            if communities[other] as usize == mine {
                inside[mine] += weight;
            }
        }
    }
    let all: f64 = total.iter().sum();
    if all == 0.0 {
        return 0.0;
    }
    let parts = inside.iter().zip(&total);
    parts.map(|(inside, total)| inside / all - resolution * (total / all).powi(2)).sum()
}
