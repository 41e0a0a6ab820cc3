//! Communities by the Leiden algorithm (Traag, Waltman, van Eck: From Louvain to Leiden, 2019), which
//! looks for a division of high modularity.
//!
//! ```text
//!   graph --> move nodes --> refine each community --> a node for each refined community --> again
//!             (queue)        (merge single nodes)      (in the community that it was part of)
//! ```
//!
//! **Invariant:** communities are joined together by edges: refinement only ever merges what is.

use std::collections::VecDeque;

use super::community::{modularity, renumbered};
use super::projection::Projection;
use super::random::Random;
use super::run::{Cancelled, Run};

/// Nodes between two reports.
const REPORT: usize = 1 << 14;

/// How communities are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Leiden {
    /// Above one for smaller communities, below for larger ones.
    pub resolution: f64,
    /// How freely refinement chooses among what is good; small is greedy.
    pub randomness: f64,
    /// The whole is done again from what was found, so many times at most, as long as it gets better.
    pub max_rounds: u32,
    /// What choices are drawn by.
    pub seed: u64,
}

impl Default for Leiden {
    fn default() -> Self {
        Self { resolution: 1.0, randomness: 0.01, max_rounds: 10, seed: 0 }
    }
}

/// See [`leiden`].
#[derive(Clone, Debug, PartialEq)]
pub struct Communities {
    /// That of each node, numbered by their first nodes.
    pub communities: Vec<u32>,
    /// How many there are.
    pub count: usize,
    /// How good they are.
    pub modularity: f64,
}

/// Communities of high modularity. Edges lead both ways and count by their weight.
pub fn leiden(
    graph: &Projection,
    how: &Leiden,
    run: &mut Run<'_>,
) -> Result<Communities, Cancelled> {
    let graph = &*graph.undirected();
    let base = Level::of(graph);
    let mut random = Random(how.seed);
    let mut best: Vec<u32> = (0..graph.len() as u32).collect();
    let mut best_modularity = modularity(graph, &best, how.resolution);
    for round in 0..how.max_rounds {
        run.report(round as usize, how.max_rounds as usize)?;
        let mut search = Search {
            scale: how.resolution / base.total.max(f64::MIN_POSITIVE),
            how,
            random: &mut random,
            run,
            progress: (round as usize, how.max_rounds as usize),
        };
        let mut found = search.round(&base, best.clone())?;
        search.polish(&base, &mut found)?;
        let reached = modularity(graph, &found, how.resolution);
        if reached <= best_modularity {
            break;
        }
        (best, best_modularity) = (found, reached);
    }
    let communities = renumbered(&best);
    let count = communities.iter().max().map_or(0, |&most| most as usize + 1);
    Ok(Communities { communities, count, modularity: best_modularity })
}

/// A graph whose nodes are communities of the one below.
struct Level {
    starts: Vec<usize>,
    edges: Vec<(u32, f64)>,
    /// Sum of the weights of a node's edges, with twice those within it.
    strengths: Vec<f64>,
    /// Sum of all strengths.
    total: f64,
}

impl Level {
    fn of(graph: &Projection) -> Self {
        let (mut starts, mut edges) = (vec![0], Vec::new());
        let mut strengths = Vec::with_capacity(graph.len());
        for node in 0..graph.len() {
            let row = graph.out().weighted(node).map(|(other, weight)| (other as u32, weight));
            edges.extend(row);
            starts.push(edges.len());
            strengths.push(graph.out().weighted(node).map(|(_, weight)| weight).sum());
        }
        let total = strengths.iter().sum();
        Self { starts, edges, strengths, total }
    }

    fn len(&self) -> usize {
        self.strengths.len()
    }

    fn edges(&self, node: usize) -> &[(u32, f64)] {
        &self.edges[self.starts[node]..self.starts[node + 1]]
    }

    /// A node for each of `count` communities; edges within one are only part of its strength.
    fn aggregated(&self, communities: &[u32], count: usize) -> Self {
        let members = Members::new(communities, count);
        let (mut starts, mut edges) = (vec![0], Vec::new());
        let mut strengths = vec![0.0; count];
        let mut around = Around::new(count);
        for (community, strength) in strengths.iter_mut().enumerate() {
            for &node in members.of(community) {
                *strength += self.strengths[node as usize];
                for &(other, weight) in self.edges(node as usize) {
                    let theirs = communities[other as usize];
                    if theirs as usize != community {
                        around.add(theirs, weight);
                    }
                }
            }
            edges.extend(around.found.iter().map(|&other| (other, around.weight(other))));
            around.clear();
            starts.push(edges.len());
        }
        Self { starts, edges, strengths, total: self.total }
    }
}

/// The nodes of each community.
struct Members {
    starts: Vec<usize>,
    order: Vec<u32>,
}

impl Members {
    fn new(communities: &[u32], count: usize) -> Self {
        let mut starts = vec![0; count + 1];
        for &community in communities {
            starts[community as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut order = vec![0; communities.len()];
        for (node, &community) in (0..).zip(communities) {
            let at = &mut next[community as usize];
            order[*at] = node;
            *at += 1;
        }
        Self { starts, order }
    }

    fn of(&self, community: usize) -> &[u32] {
        &self.order[self.starts[community]..self.starts[community + 1]]
    }
}

/// Sums of weights to the communities around a node.
struct Around {
    weights: Vec<f64>,
    is_found: Vec<bool>,
    /// Those that were added to, in that order.
    found: Vec<u32>,
}

impl Around {
    fn new(count: usize) -> Self {
        Self { weights: vec![0.0; count], is_found: vec![false; count], found: Vec::new() }
    }

    #[inline]
    fn add(&mut self, community: u32, weight: f64) {
        let at = community as usize;
        if !self.is_found[at] {
            self.is_found[at] = true;
            self.found.push(community);
        }
        self.weights[at] += weight;
    }

    #[inline]
    fn weight(&self, community: u32) -> f64 {
        self.weights[community as usize]
    }

    fn clear(&mut self) {
        for community in self.found.drain(..) {
            self.weights[community as usize] = 0.0;
            self.is_found[community as usize] = false;
        }
    }
}

struct Search<'s, 'r> {
    /// Resolution by total strength: what makes products of strengths comparable with weights.
    scale: f64,
    how: &'s Leiden,
    random: &'s mut Random,
    run: &'s mut Run<'r>,
    progress: (usize, usize),
}

impl Search<'_, '_> {
    /// Divides the nodes of `base` anew, beginning with `communities`.
    fn round(&mut self, base: &Level, communities: Vec<u32>) -> Result<Vec<u32>, Cancelled> {
        // Node of the base -> node of the level.
        let mut places: Vec<u32> = (0..base.len() as u32).collect();
        let mut communities = communities;
        let mut above: Option<Level> = None;
        loop {
            let level = above.as_ref().unwrap_or(base);
            self.move_nodes(level, &mut communities)?;
            communities = renumbered(&communities);
            let count = communities.iter().max().map_or(0, |&most| most as usize + 1);
            if count == level.len() {
                return Ok(places.iter().map(|&place| communities[place as usize]).collect());
            }
            let refined = renumbered(&self.refine(level, &communities, count)?);
            let parts = refined.iter().max().map_or(0, |&most| most as usize + 1);
            // What could not be refined at all is taken as it was divided: the level above is smaller.
            let (groups, parts) =
                if parts == level.len() { (&communities, count) } else { (&refined, parts) };
            let mut inherited = vec![0; parts];
            for (node, &part) in groups.iter().enumerate() {
                inherited[part as usize] = communities[node];
            }
            let next = level.aggregated(groups, parts);
            for place in &mut places {
                *place = groups[*place as usize];
            }
            communities = inherited;
            above = Some(next);
        }
    }

    /// Moves single nodes once more, now that all others are where they are. Whoever leaves may have joined others:
    /// what is not joined any more is several communities then, which gains too.
    fn polish(&mut self, base: &Level, communities: &mut Vec<u32>) -> Result<(), Cancelled> {
        self.move_nodes(base, communities)?;
        let mut parts = vec![u32::MAX; base.len()];
        let mut stack = Vec::new();
        let mut count = 0;
        for first in 0..base.len() {
            if parts[first] != u32::MAX {
                continue;
            }
            parts[first] = count;
            stack.push(first as u32);
            while let Some(node) = stack.pop() {
                for &(other, _) in base.edges(node as usize) {
                    let is_joined = communities[other as usize] == communities[node as usize];
                    if is_joined && parts[other as usize] == u32::MAX {
                        parts[other as usize] = count;
                        stack.push(other);
                    }
                }
            }
            count += 1;
        }
        *communities = parts;
        Ok(())
    }

    /// Moves nodes to where modularity gains most, until no node wants to.
    fn move_nodes(&mut self, level: &Level, communities: &mut [u32]) -> Result<(), Cancelled> {
        let count = level.len();
        let (mut totals, mut sizes) = (vec![0.0; count], vec![0_u32; count]);
        for (node, &community) in communities.iter().enumerate() {
            totals[community as usize] += level.strengths[node];
            sizes[community as usize] += 1;
        }
        let mut empty: Vec<u32> =
            (0..count as u32).rev().filter(|&c| sizes[c as usize] == 0).collect();
        let mut order: Vec<u32> = (0..count as u32).collect();
        self.random.shuffle(&mut order);
        let mut queue = VecDeque::from(order);
        let mut is_queued = vec![true; count];
        let mut around = Around::new(count);
        let mut moves = 0_usize;
        while let Some(node) = queue.pop_front() {
            if moves.is_multiple_of(REPORT) {
                self.run.report(self.progress.0, self.progress.1)?;
            }
            moves += 1;
            let at = node as usize;
            is_queued[at] = false;
            let (mine, strength) = (communities[at], level.strengths[at]);
            for &(other, weight) in level.edges(at) {
                around.add(communities[other as usize], weight);
            }
            totals[mine as usize] -= strength;
            let gain = |community: u32| {
                around.weight(community) - self.scale * strength * totals[community as usize]
            };
            let (mut best, mut best_gain) = (mine, gain(mine));
            for &community in &around.found {
                let gain = gain(community);
                if gain > best_gain {
                    (best, best_gain) = (community, gain);
                }
            }
            // On its own, if it is worth less than nothing anywhere.
            if best_gain < 0.0
                && sizes[mine as usize] > 1
                && let Some(fresh) = empty.pop()
            {
                best = fresh;
            }
            totals[best as usize] += strength;
            around.clear();
            if best != mine {
                communities[at] = best;
                sizes[best as usize] += 1;
                sizes[mine as usize] -= 1;
                if sizes[mine as usize] == 0 {
                    empty.push(mine);
                }
                for &(other, _) in level.edges(at) {
                    let other = other as usize;
                    if communities[other] != best && !is_queued[other] {
                        is_queued[other] = true;
                        queue.push_back(other as u32);
                    }
                }
            }
        }
        Ok(())
    }

    /// Divides each of `count` communities into parts that are well joined.
    fn refine(
        &mut self,
        level: &Level,
        communities: &[u32],
        count: usize,
    ) -> Result<Vec<u32>, Cancelled> {
        let members = Members::new(communities, count);
        let mut parts = Parts::new(level, communities);
        let mut around = Around::new(level.len());
        let mut order = Vec::new();
        for community in 0..count {
            if community % REPORT == 0 {
                self.run.report(self.progress.0, self.progress.1)?;
            }
            order.clear();
            order.extend_from_slice(members.of(community));
            self.random.shuffle(&mut order);
            let whole: f64 = order.iter().map(|&node| level.strengths[node as usize]).sum();
            for &node in &order {
                self.merge(level, communities, node as usize, whole, &mut parts, &mut around);
                around.clear();
            }
        }
        Ok(parts.of_node)
    }

    /// Merges a node that is still alone with a part of its community, of total strength `whole`.
    fn merge(
        &mut self,
        level: &Level,
        communities: &[u32],
        node: usize,
        whole: f64,
        parts: &mut Parts,
        around: &mut Around,
    ) {
        let is_well_joined =
            |cut: f64, strength: f64| cut >= self.scale * strength * (whole - strength);
        let strength = level.strengths[node];
        let alone = parts.of_node[node];
        if parts.sizes[alone as usize] != 1 || !is_well_joined(parts.cuts[alone as usize], strength)
        {
            return;
        }
        for &(other, weight) in level.edges(node) {
            if communities[other as usize] == communities[node] {
                around.add(parts.of_node[other as usize], weight);
            }
        }
        let options = around.found.iter().filter_map(|&part| {
            let total = parts.totals[part as usize];
            let gain = around.weight(part) - self.scale * strength * total;
            let is_option = gain > 0.0 && is_well_joined(parts.cuts[part as usize], total);
            is_option.then_some((part, gain))
        });
        let options: Vec<(u32, f64)> = options.collect();
        let most = options.iter().map(|option| option.1).fold(0.0, f64::max);
        // Staying alone gains nothing, and is an option too.
        let likelihood = |gain: f64| ((gain - most) / self.how.randomness).exp();
        let all = likelihood(0.0) + options.iter().map(|option| likelihood(option.1)).sum::<f64>();
        let mut left = self.random.unit() * all;
        let chosen = options.iter().find(|option| {
            left -= likelihood(option.1);
            left < 0.0
        });
        let Some(&(part, _)) = chosen else { return };
        let (to, from) = (part as usize, alone as usize);
        parts.cuts[to] += parts.cuts[from] - 2.0 * around.weight(part);
        parts.totals[to] += strength;
        parts.sizes[to] += 1;
        (parts.totals[from], parts.cuts[from], parts.sizes[from]) = (0.0, 0.0, 0);
        parts.of_node[node] = part;
    }
}

/// The parts of communities, at first a node each.
struct Parts {
    of_node: Vec<u32>,
    totals: Vec<f64>,
    /// Weight of the edges from a part to the rest of its community.
    cuts: Vec<f64>,
    sizes: Vec<u32>,
}

impl Parts {
    fn new(level: &Level, communities: &[u32]) -> Self {
        let cut = |node: usize| {
            let within = level
                .edges(node)
                .iter()
                .filter(|(other, _)| communities[*other as usize] == communities[node]);
            within.map(|(_, weight)| weight).sum()
        };
        Self {
            of_node: (0..level.len() as u32).collect(),
            totals: level.strengths.clone(),
            cuts: (0..level.len()).map(cut).collect(),
            sizes: vec![1; level.len()],
        }
    }
}
