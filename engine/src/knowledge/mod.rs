//! The knowledge graph: nodes, and edges that join them with each other and with memories.
//!
//! ```text
//! nodes       node id -> node row               names and aliases lead to it by `node_names`
//! edges       edge id -> edge row               its two ends, kind, weight, validity, properties
//! links       end, side, kind, other end, edge  of a graph too large to be held: who is joined to whom
//!    |
//!    +-- derived::KnowledgeIndex                the same at memory speed, for whatever walks
//! ```
//!
//! Rows are the truth; `derived/knowledge.rs` folds them into attributes of nodes and an adjacency.
//! [`GraphTx`] writes, [`Graph`] reads one instant.
//!
//! **Invariant:** an edge has both of its ends, and both are of one namespace, so that no walk leaves
//! the namespace that it began in. Whoever removes an end removes its edges.

mod analyse;
mod entity;
mod follow;
mod kept;
mod limits;
mod link;
mod matching;
mod merge;
mod names;
mod nearest;
mod pattern;
mod read;
mod record;
mod restore;
mod row;
mod search;
mod select;
mod shortcuts;
mod stored;
mod validate;
mod vectors;
mod verify;
mod walk;
mod write_edges;
mod write_nodes;

pub use analyse::Projected;
pub(crate) use entity::Ends;
pub use entity::{Entity, EntityRef};
pub use follow::{Follow, Walked, When};
pub(crate) use kept::GraphAnswers;
pub use limits::*;
pub(crate) use link::{LINK_LEN, Side, link_key, read_link};
pub use memlith_graph::adjacency::Direction;
pub use memlith_graph::traverse::{Cost, CutShort, ExplainedStep};
pub use nearest::{NearNode, NearTo, NearestNodes};
pub use pattern::{GraphPattern, PatternMatches, PatternNode, PatternRow};
pub use read::Graph;
pub use record::{Edge, EdgePatch, NewEdge, NewNode, Node, NodePatch, Upserted};
pub(crate) use row::{ArchivedNodeRow, EdgeRow, NodeRow, access_edge, access_node};
pub use search::{FoundNode, NodeSearch};
pub use shortcuts::GraphDb;
pub(crate) use verify::{verify_edges, verify_nodes};
pub use walk::{
    Adjacent, CheapestPath, GraphPath, Link, MAX_DEPTH, MAX_WALKED, Related, RelatedEntity,
    Subgraph,
};
pub use write_nodes::GraphTx;
