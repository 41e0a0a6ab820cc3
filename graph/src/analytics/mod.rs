//! What a graph as a whole is like: ranks, components, communities.
//!
//! A [`Projection`] takes the nodes and edges in question out of a view; what is computed of it comes in
//! the order of its nodes. A [`Run`] says how many threads may work, hears how far they are, and may stop
//! them. Definitions are those of [LDBC Graphalytics](https://arxiv.org/abs/2011.15028) where it has one,
//! else those that networkx follows.
//!
//! ```
//! use memlith_graph::analytics::{Orientation, PageRank, Projection, Run, page_rank};
//!
//! let edges = [(0, 1, 1.0), (1, 2, 1.0), (2, 1, 1.0)];
//! let graph = Projection::from_edges(3, &edges, Orientation::Directed);
//! let mut progress = |_| true;
//! let ranked = page_rank(&graph, &PageRank::default(), &mut Run::new(2, &mut progress))?;
//! assert!(ranked.ranks[1] > ranked.ranks[2] && ranked.ranks[2] > ranked.ranks[0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | `projection` | what is analysed |
//! | `bfs`, `sssp` | distances from a node |
//! | `degree`, `page_rank`, `eigenvector`, `closeness`, `betweenness` | which nodes matter |
//! | `components` | what hangs together |
//! | `leiden`, `labels`, `community` | communities, and how good they are |
//! | `cores`, `triangles` | how densely nodes are joined |
//! | `run`, `threads`, `random` | how it is done |
//!
//! **Invariant:** the same projection, arguments and seed give the same bits, whatever the number of
//! threads.

mod betweenness;
mod bfs;
mod closeness;
mod community;
mod components;
mod cores;
mod degree;
mod eigenvector;
mod labels;
mod leiden;
mod page_rank;
mod projection;
mod random;
mod run;
mod sssp;
mod threads;
mod triangles;

pub use betweenness::{Betweenness, betweenness};
pub use bfs::{UNREACHED, hops};
pub use closeness::{Closeness, closeness};
pub use community::modularity;
pub use components::{strong_components, weak_components};
pub use cores::core_numbers;
pub use degree::{Degree, degrees};
pub use eigenvector::{Centralities, Eigenvector, eigenvector};
pub use labels::{cdlp, label_propagation};
pub use leiden::{Communities, Leiden, leiden};
pub use page_rank::{PageRank, Ranks, page_rank};
pub use projection::{EdgeWeight, Orientation, Project, Projection, ProjectionError};
pub use run::{Cancelled, MAX_THREADS, Run};
pub use sssp::distances;
pub use triangles::{Triangles, local_clustering, triangles};
