//! Who is joined to whom: nodes and edges, their image, and what has changed since.
//!
//! A [`GraphIndex`] holds a directed graph of typed, weighted edges, several between the same two nodes
//! if need be: those of an image, read in place, and a delta of what came and went after it. It knows
//! ordinals only; names, properties and rows are the caller's.
//!
//! ```text
//!   GraphIndex (the one writer)              GraphView (any number)
//!     image   out lists, in lists   <------    the same image
//!     delta   entries, deaths       <------    the same delta, up to entry 7 and change 12
//!     counts  entry 9, change 15
//! ```
//!
//! ```
//! use memlith_graph::adjacency::{Edge, GraphIndex};
//! use std::sync::Arc;
//!
//! let mut graph = GraphIndex::new();
//! for node in 0..3 {
//!     graph.insert_node(node, 1)?;
//! }
//! let knows = 7;
//! graph.insert(Edge::new(0, knows, 1, 0, 0.5), 1)?;
//! let before = graph.view();
//! graph.insert(Edge::new(1, knows, 2, 1, 1.0), 2)?;
//! assert_eq!((before.edge_count(), graph.view().edge_count()), (1, 2));
//!
//! let image = Arc::new(graph.write_image()?);
//! let opened = GraphIndex::from_image(image)?;
//! assert_eq!(opened.view().edge_count(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | `edge`, `filter` | edges, and which of them a walk may use |
//! | `image` | the stored form |
//! | `delta`, `chunks`, `table` | what has changed since, and what it is kept in |
//! | `index`, `view` | the writer, and its snapshots |
//! | `store` | edges that are read from elsewhere |
//!
//! **Invariant:** a view answers the same whether what it sees lies in the image or in the delta, and in
//! the same order. The engine owns the writer, and hands views to readers.

mod chunks;
mod delta;
mod edge;
mod filter;
mod image;
mod index;
mod store;
mod table;
mod view;

pub use edge::{Direction, Edge, EdgeKey, Validity};
pub(crate) use edge::{HalfEdge, Side};
pub use filter::{EdgeTest, Filter};
pub use image::ImageWriter;
pub use index::{GraphError, GraphIndex};
pub use store::EdgeStore;
pub(crate) use view::Edges;
pub use view::{BytesUsed, GraphView};
