//! The vectors of one space.
//!
//! **Invariant:** a memory has an entry exactly if its row names a vector of this space.

use super::{Derived, Folded};
use crate::catalog::Space;
use crate::commit::log::Aspects;
use crate::components::read_vector;
use crate::ids::{Seq, SpaceId};
use crate::rows::Rows;
use crate::schema::{Table, vector_key};
use crate::{Error, Result};
use memlith_index::image::SharedSource;
use memlith_index::vectors::{VectorError, VectorIndex, VectorView};

/// The writer of the index of one vector space.
pub(crate) struct SpaceIndex {
    id: SpaceId,
    index: VectorIndex,
    /// Reused for every vector that is folded.
    scratch: Vec<f32>,
}

impl SpaceIndex {
    pub(crate) fn new(id: SpaceId, space: &Space) -> Self {
        let Space { dimension, metric, graph, .. } = *space;
        let index = VectorIndex::with_params(dimension, metric, graph.params(), space.index_clip());
        SpaceIndex { id, index, scratch: Vec::new() }
    }

    pub(crate) fn open(id: SpaceId, image: SharedSource) -> Result<Self> {
        Ok(SpaceIndex { id, index: VectorIndex::from_image(image)?, scratch: Vec::new() })
    }

    pub(crate) fn name_of(id: SpaceId) -> String {
        format!("vectors/{}", id.0)
    }

    /// Vectors that were linked since the image was written.
    pub(crate) fn newly_linked(&self) -> u64 {
        self.index.newly_linked() as u64
    }

    pub(crate) fn version(&self, seq: Seq) -> VectorView {
        self.index.view(seq.0)
    }
}

impl Derived for SpaceIndex {
    fn name(&self) -> String {
        Self::name_of(self.id)
    }

    fn fold(&mut self, seq: Seq, change: &Folded<'_>, rows: &dyn Rows) -> Result<()> {
        if !change.aspects.has(Aspects::VECTORS) {
            return Ok(());
        }
        let is_named =
            change.row.is_some_and(|row| row.vectors.iter().any(|v| v.space == self.id.0));
        if !is_named {
            self.index.remove(change.ordinal, seq.0)?;
            return Ok(());
        }
        let missing = || {
            Error::corruption(
                "vector row",
                "the vector that a memory names",
                "none, or one of another dimension",
            )
        };
        let bytes =
            rows.get(Table::Vectors, &vector_key(self.id, change.id))?.ok_or_else(missing)?;
        self.scratch.resize(self.index.dimension(), 0.0);
        read_vector(&bytes, &mut self.scratch).ok_or_else(missing)?;
        let refused = |e: VectorError| {
            Error::corruption("vector row", "a vector that its space accepts", e.to_string())
        };
        // The vector of another space has changed: this one keeps its place in the graph.
        if self.index.view(seq.0).matches(change.ordinal, &self.scratch).map_err(refused)? {
            return Ok(());
        }
        self.index.insert(change.ordinal, &self.scratch, seq.0).map_err(refused)
    }

    fn heap_bytes(&self) -> usize {
        self.index.heap_bytes()
    }
}
