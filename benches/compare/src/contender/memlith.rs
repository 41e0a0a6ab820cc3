//! Ours: the exact scan of `memlith-index`.
//!
//! The index holds codes, not vectors; a search fetches those that it scores in full. The engine
//! keeps them in a mapped segment; here they lie in memory and count as the index's bytes.

use super::{Contender, Parameters};
use crate::Failure;
use crate::data::Matrix;
use crate::data::bits::Bits;
use memlith_index::vectors::{Metric, SearchLimits, VectorIndex, VectorView};
use roaring::RoaringBitmap;
use std::convert::Infallible;

pub(crate) struct Memlith {
    index: VectorIndex,
    /// Of the last change: what is searched.
    view: VectorView,
    /// Row `id` is the vector of `id`.
    vectors: Matrix,
    seq: u64,
}

impl Memlith {
    /// Takes a view of what was changed.
    fn settle(&mut self) {
        self.view = self.index.view(self.seq);
    }
}

impl Contender for Memlith {
    type Filter = RoaringBitmap;

    const NOTE: &'static str = "exact scan; own bytes include the vectors in full precision";
    const EFFORTS: &'static [u32] = &[0];
    const FILTER_EFFORTS: &'static [u32] = &[0];

    fn build(_: Parameters<'_>, vectors: &Matrix) -> Result<Self, Failure> {
        let mut index = VectorIndex::new(vectors.dimension(), Metric::Cosine);
        for (id, vector) in (0..).zip(vectors.rows()) {
            index.insert(id, vector, 1)?;
        }
        let view = index.view(1);
        Ok(Self { index, view, vectors: vectors.clone(), seq: 1 })
    }

    fn filter(bits: &Bits) -> RoaringBitmap {
        bits.to_roaring()
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        _effort: u32,
        filter: Option<&RoaringBitmap>,
    ) -> Result<Vec<u32>, Failure> {
        let mut fetch = |id: u32, vector: &mut [f32]| {
            vector.copy_from_slice(self.vectors.row(id as usize));
            Ok::<(), Infallible>(())
        };
        let hits = self.view.search(query, k, filter, SearchLimits::none(), &mut fetch)?;
        Ok(hits.iter().map(|hit| hit.ordinal).collect())
    }

    fn bytes(&self) -> Option<u64> {
        let vectors = size_of_val(self.vectors.values());
        Some((self.index.heap_bytes() + vectors) as u64)
    }

    fn remove(&mut self, ids: &[u32]) -> Result<(), Failure> {
        self.seq += 1;
        for &id in ids {
            self.index.remove(id, self.seq)?;
        }
        self.settle();
        Ok(())
    }

    fn insert(&mut self, entries: &[(u32, &[f32])]) -> Result<(), Failure> {
        self.seq += 1;
        for &(id, vector) in entries {
            self.index.insert(id, vector, self.seq)?;
            self.vectors.row_mut(id as usize).copy_from_slice(vector);
        }
        self.settle();
        Ok(())
    }
}
