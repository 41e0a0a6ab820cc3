//! The vectors of one space: those of memories, or those of nodes of the graph.
//!
//! **Invariant:** a memory or a node has an entry exactly if its row names a vector of this space.

use super::{Derived, Folded};
use crate::catalog::Space;
use crate::commit::log::Aspects;
use crate::components::read_vector;
use crate::ids::{Seq, SpaceId};
use crate::memory::ArchivedSpaceVector;
use crate::owner::has_vector_in;
use crate::rows::Rows;
use crate::schema::{Table, vector_key};
use crate::{Error, Result};
use memlith_index::image::SharedSource;
use memlith_index::vectors::{VectorError, VectorIndex, VectorView};
use std::sync::Arc;

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

    /// The index of a space as a version has it, each ordinal under the number that it gets, if it gets one;
    /// an empty one if there is none.
    pub(crate) fn renumbered(
        id: SpaceId,
        space: &Space,
        before: Option<&VectorView>,
        number: impl Fn(u32) -> Option<u32>,
    ) -> Result<Self> {
        match before {
            Some(before) => Self::open(id, Arc::new(before.write_image_as(number)?)),
            None => Ok(Self::new(id, space)),
        }
    }

    /// The name of the image of vectors of memories.
    pub(crate) fn name_of(id: SpaceId) -> String {
        format!("vectors/{}", id.0)
    }

    /// The name of the image of vectors of nodes.
    pub(crate) fn name_of_nodes(id: SpaceId) -> String {
        format!("graph/vectors/{}", id.0)
    }

    /// Vectors that were linked since the image was written.
    pub(crate) fn newly_linked(&self) -> u64 {
        self.index.newly_linked() as u64
    }

    pub(crate) fn version(&self, seq: Seq) -> VectorView {
        self.index.view(seq.0)
    }

    /// Takes in which vectors the row of a memory or a node names now.
    pub(crate) fn set(
        &mut self,
        seq: Seq,
        (ordinal, owner): (u32, u64),
        named: &[ArchivedSpaceVector],
        rows: &dyn Rows,
    ) -> Result<()> {
        if !has_vector_in(self.id, named) {
            return self.remove(seq, ordinal);
        }
        let missing = || {
            let found = "none, or one of another dimension";
            Error::corruption("vector row", "the vector that a row names", found)
        };
        let bytes = rows.get(Table::Vectors, &vector_key(self.id, owner))?.ok_or_else(missing)?;
        self.scratch.resize(self.index.dimension(), 0.0);
        read_vector(&bytes, &mut self.scratch).ok_or_else(missing)?;
        let refused = |e: VectorError| {
            Error::corruption("vector row", "a vector that its space accepts", e.to_string())
        };
        // The vector of another space has changed: this one keeps its place in the graph.
        if self.index.view(seq.0).matches(ordinal, &self.scratch).map_err(refused)? {
            return Ok(());
        }
        self.index.insert(ordinal, &self.scratch, seq.0).map_err(refused)
    }

    /// Takes in that something is gone, or has no vector here any more.
    pub(crate) fn remove(&mut self, seq: Seq, ordinal: u32) -> Result<()> {
        self.index.remove(ordinal, seq.0)?;
        Ok(())
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
        match change.row {
            Some(row) => self.set(seq, (change.ordinal, change.id.0), &row.vectors, rows),
            None => self.remove(seq, change.ordinal),
        }
    }

    fn heap_bytes(&self) -> usize {
        self.index.heap_bytes()
    }
}
