//! The knowledge graph as JSON: what is written, what is asked, and what comes back.
//!
//! ```text
//! change        what a transaction does to a graph        record       nodes, edges and links
//! ask, pattern  walks, by `follow`                        node_link    whole graphs, as networkx has them
//! analyse       ranks, communities, components            name         what a node or a memory is called
//! search        nodes by words, and by embeddings
//! ```
//! **Invariant:** a node is called by its external id or an alias, a memory `memory:` and its number, in
//! whatever is read and in whatever is written.

mod analyse;
mod ask;
mod change;
mod error;
mod follow;
mod name;
mod node_link;
mod pattern;
mod record;
mod search;

pub use analyse::analyse;
pub use ask::{Question, ask, ask_tx};
pub use change::{Change, edge_patch_from_json, node_patch_from_json};
pub use error::GraphError;
pub use name::{Names, entity_ref};
pub use node_link::{Item, Put, WriteError, flat_edge, flat_node, read_node_link, write_node_link};
pub use record::{edge_json, node_json};
