//! Components: WCC of LDBC Graphalytics (2.3.3) by union and find (Tarjan, van Leeuwen, 1984), and those
//! that are strongly connected (Tarjan, 1972).

use super::bfs::UNREACHED;
use super::projection::Projection;
use super::run::{Cancelled, Run};

/// Nodes between two reports.
const REPORT: usize = 1 << 16;

/// The component of each node if edges lead both ways, named by its first node.
pub fn weak_components(graph: &Projection, run: &mut Run<'_>) -> Result<Vec<u32>, Cancelled> {
    let mut parents: Vec<u32> = (0..graph.len() as u32).collect();
    for node in 0..graph.len() {
        if node % REPORT == 0 {
            run.report(node, graph.len())?;
        }
        let mut mine = root(&mut parents, node as u32);
        // Undirected edges are looked at from their later end only.
        for &other in graph.out().of(node) {
            if graph.orientation() == super::Orientation::Undirected && other > node as u32 {
                break;
            }
            let theirs = root(&mut parents, other);
            // The lower root stays one, so that the root is the first node.
            if theirs < mine {
                parents[mine as usize] = theirs;
                mine = theirs;
            } else if mine < theirs {
                parents[theirs as usize] = mine;
            }
        }
    }
    // A parent is never behind its child, so that it has its root by now.
    for node in 0..parents.len() {
        parents[node] = parents[parents[node] as usize];
    }
    Ok(parents)
}

#[inline]
fn root(parents: &mut [u32], mut node: u32) -> u32 {
    loop {
        let parent = parents[node as usize];
        if parent == node {
            return node;
        }
        let above = parents[parent as usize];
        parents[node as usize] = above;
        node = above;
    }
}

/// The strongly connected component of each node, named by its first node.
pub fn strong_components(graph: &Projection, run: &mut Run<'_>) -> Result<Vec<u32>, Cancelled> {
    let count = graph.len();
    let mut search = Strong {
        graph,
        order: vec![UNREACHED; count],
        low: vec![0; count],
        component: vec![UNREACHED; count],
        stack: Vec::new(),
        met: 0,
    };
    for node in 0..count as u32 {
        if (node as usize).is_multiple_of(REPORT) {
            run.report(node as usize, count)?;
        }
        search.from(node);
    }
    let Strong { component: roots, .. } = search;
    // From the root that was met first to the node that comes first.
    let mut first = vec![UNREACHED; count];
    for (node, &root) in (0..).zip(&roots) {
        if first[root as usize] == UNREACHED {
            first[root as usize] = node;
        }
    }
    Ok(roots.into_iter().map(|root| first[root as usize]).collect())
}

struct Strong<'g> {
    graph: &'g Projection,
    /// When a node was met.
    order: Vec<u32>,
    /// The first that was met of those it leads back to.
    low: Vec<u32>,
    /// By the root it was found from.
    component: Vec<u32>,
    stack: Vec<u32>,
    met: u32,
}

impl Strong<'_> {
    fn enter(&mut self, node: u32) {
        self.order[node as usize] = self.met;
        self.low[node as usize] = self.met;
        self.met += 1;
        self.stack.push(node);
    }

    fn from(&mut self, start: u32) {
        if self.order[start as usize] != UNREACHED {
            return;
        }
        // Nodes on the way down, and how many of their edges were followed.
        let mut path: Vec<(u32, usize)> = vec![(start, 0)];
        self.enter(start);
        while let Some((node, followed)) = path.last_mut() {
            let node = *node;
            if let Some(&next) = self.graph.out().of(node as usize).get(*followed) {
                *followed += 1;
                if self.order[next as usize] == UNREACHED {
                    self.enter(next);
                    path.push((next, 0));
                } else if self.component[next as usize] == UNREACHED {
                    let order = self.order[next as usize];
                    self.low[node as usize] = self.low[node as usize].min(order);
                }
                continue;
            }
            path.pop();
            let low = self.low[node as usize];
            if let Some((above, _)) = path.last() {
                self.low[*above as usize] = self.low[*above as usize].min(low);
            }
            if low == self.order[node as usize] {
                while let Some(member) = self.stack.pop() {
                    self.component[member as usize] = node;
                    if member == node {
                        break;
                    }
                }
            }
        }
    }
}
