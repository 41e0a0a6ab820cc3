//! Edges that lie elsewhere: what a view of a graph reads that is too large to be held here.

use std::ops::ControlFlow;

use super::edge::Edge;
use crate::image::ImageError;

/// Where the edges of a graph are, if neither in an image nor in memory: read as they are asked for.
///
/// **Invariant:** it says the same for as long as it lives.
pub trait EdgeStore: Send + Sync {
    /// Is the node there?
    ///
    /// # Errors
    /// [`ImageError::Elsewhere`] with what went wrong.
    fn contains_node(&self, node: u32) -> Result<bool, ImageError>;

    /// Hands the edges that leave `node`, or those that enter it, to `found` until it breaks, in any order.
    /// `types` are the only ones that are asked for.
    ///
    /// # Errors
    /// As [`contains_node`](Self::contains_node).
    fn edges_at(
        &self,
        node: u32,
        enters: bool,
        types: Option<&[u16]>,
        found: &mut dyn FnMut(Edge) -> ControlFlow<()>,
    ) -> Result<(), ImageError>;

    /// The edge of this ordinal.
    ///
    /// # Errors
    /// As [`contains_node`](Self::contains_node), and if it is not there.
    fn edge(&self, ordinal: u32) -> Result<Edge, ImageError>;
}
