//! The limits of the knowledge graph. Every one is checked before anything is written.

/// Longest name of a node, in bytes.
pub const MAX_NODE_NAME_BYTES: usize = 4_096;
/// Most aliases of one node.
pub const MAX_ALIASES: usize = 1_024;
/// Longest properties of a node or an edge, as JSON text, in bytes: 1 MiB.
pub const MAX_PROPERTIES_BYTES: usize = 1 << 20;
/// Most kinds of edges in one file. A kind is a word of a vocabulary; what differs from edge to edge is
/// a property.
pub const MAX_EDGE_KINDS: usize = 4_096;
/// Memories, nodes and edges share one run of numbers. From this number on a file takes no more nodes
/// and edges.
pub const MAX_GRAPH_NUMBER: u64 = 1 << 30;
