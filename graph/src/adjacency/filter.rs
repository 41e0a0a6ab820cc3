//! Which edges and nodes a walk may use.

use std::fmt;

use roaring::RoaringBitmap;

use super::edge::Direction;
use crate::image::ImageError;

/// Which edges are followed, by their ordinals.
pub trait EdgeTest: fmt::Debug {
    /// Is this one? Asked of edges that pass the filter otherwise, wherever one is met.
    ///
    /// # Errors
    /// Whatever keeps it from being known ends the walk.
    fn admits(&self, edge: u32) -> Result<bool, ImageError>;
}

impl EdgeTest for RoaringBitmap {
    fn admits(&self, edge: u32) -> Result<bool, ImageError> {
        Ok(self.contains(edge))
    }
}

/// Which edges are followed, and to which nodes. The default follows all that leave a node.
///
/// ```
/// use memlith_graph::adjacency::{Direction, Filter};
///
/// let filter = Filter { direction: Direction::Both, types: Some(&[3, 7]), ..Filter::default() };
/// assert!(filter.nodes.is_none(), "any node will do");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Along edges, against them, or either.
    pub direction: Direction,
    /// Only edges of these types.
    pub types: Option<&'a [u16]>,
    /// Only edges of at least this weight.
    pub min_weight: f32,
    /// Only to these nodes. Where a walk begins, and where it is told to go, need not be among them.
    pub nodes: Option<&'a RoaringBitmap>,
    /// Only edges that pass this test. Costs a search for each edge that is followed backwards; what
    /// holds at an instant is cheaper by `as_of`.
    pub edges: Option<&'a dyn EdgeTest>,
    /// Only edges that hold at this instant.
    pub as_of: Option<i64>,
}

impl Filter<'_> {
    /// May a walk go to `node`?
    #[inline]
    pub(crate) fn admits(&self, node: u32) -> bool {
        self.nodes.is_none_or(|nodes| nodes.contains(node))
    }
}
