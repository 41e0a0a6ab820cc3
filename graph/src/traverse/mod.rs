//! Walks over a view: neighbours, what is related, paths, patterns.
//!
//! Each is bounded by a [`Work`], and says by a [`CutShort`] if that was not enough: what it has found by
//! then holds, but may not be all. Edges are met in the same order whatever lies in the image and what
//! in the delta, so that the same graph gives the same answers.
//!
//! ```
//! use memlith_graph::adjacency::{Edge, GraphIndex};
//! use memlith_graph::traverse::{Related, Work, related};
//!
//! let mut graph = GraphIndex::new();
//! for node in 0..3 {
//!     graph.insert_node(node, 1)?;
//! }
//! graph.insert(Edge::new(0, 0, 1, 0, 1.0), 1)?;
//! graph.insert(Edge::new(1, 0, 2, 1, 1.0), 1)?;
//! let mut keep_going = || true;
//! let mut work = Work::new(1_000, &mut keep_going);
//! let found = related(&graph.view(), &Related::to(&[(0, 1.0)]), &mut work)?.found;
//! assert_eq!(found.iter().map(|f| (f.node, f.score)).collect::<Vec<_>>(), [(1, 0.5), (2, 0.25)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | `neighbours`, `related`, `spread`, `subgraph` | around nodes |
//! | `shortest`, `cheapest`, `paths` | between two nodes |
//! | `pattern` | several steps at once |
//! | `work` | how much may be done |
//! | `numbering`, `path` | what walks remember |
//!
//! **Invariant:** a walk costs what it meets, not what there is: nothing here is as large as the graph.

mod cheapest;
mod neighbours;
mod numbering;
mod path;
mod paths;
mod pattern;
mod related;
mod shortest;
mod spread;
mod subgraph;
mod work;

pub use cheapest::{Cost, cheapest_path};
pub use neighbours::{Neighbour, Neighbours, neighbours};
pub use path::Path;
pub use paths::{MAX_LENGTH, Paths, all_paths};
pub use pattern::{
    ExplainedStep, MAX_PATTERN, Matches, Pattern, PatternError, PatternMatch, PatternNode,
};
pub use related::{Related, RelatedNode, RelatedNodes, related};
pub use shortest::{FoundPath, shortest_path};
pub use spread::{Spread, Spreading, spread};
pub use subgraph::{Subgraph, subgraph};
pub use work::{CutShort, Work};
