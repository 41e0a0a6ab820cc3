//! Ours: the vector index of `memlith-index`, as an engine has it after a checkpoint.
//!
//! The index holds codes and a graph, not vectors; a search fetches those that it scores in full. The
//! engine keeps them in its file; here they lie in memory and count as the index's bytes.

use super::{Contender, Parameters};
use crate::Failure;
use crate::data::Matrix;
use crate::data::bits::Bits;
use memlith_index::image::{ImageError, Source};
use memlith_index::vectors::{
    Effort, GraphParams, Metric, Search, SearchLimits, VectorIndex, VectorView,
};
use roaring::RoaringBitmap;
use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

/// Dead and unsaved entries, as a part of the live ones, from which on the engine writes the image anew.
const UNSAVED_SHARE: usize = 4;

pub(crate) struct Memlith {
    index: VectorIndex,
    /// Of the last change: what is searched.
    view: VectorView,
    /// Row `id` is the vector of `id`.
    vectors: Matrix,
    seq: u64,
    /// Entries since the image was written, …
    unsaved: usize,
    /// … and its length.
    image_bytes: usize,
}

impl Memlith {
    /// Does what the engine does in the background: links, and writes the image where it pays.
    fn settle(&mut self) -> Result<(), Failure> {
        self.view = self.index.view(self.seq);
        self.view.link(usize::MAX, &mut || true)?;
        if self.unsaved + self.view.dead() >= (self.view.live() / UNSAVED_SHARE).max(1) {
            let image = Image::new(&self.view.write_image()?);
            self.image_bytes = image.len();
            self.index = VectorIndex::from_image(Arc::new(image))?;
            self.view = self.index.view(self.seq);
            self.unsaved = 0;
        }
        Ok(())
    }

    fn put(&mut self, id: u32, vector: &[f32]) -> Result<(), Failure> {
        self.index.insert(id, vector, self.seq)?;
        self.unsaved += 1;
        Ok(())
    }
}

impl Contender for Memlith {
    type Filter = RoaringBitmap;

    const NOTE: &'static str = "own bytes include the vectors in full precision";

    fn build(parameters: Parameters<'_>, vectors: &Matrix) -> Result<Self, Failure> {
        let Parameters { m, ef_construction, .. } = parameters;
        let params = GraphParams::new(m, ef_construction).ok_or("no graph has such parameters")?;
        let index = VectorIndex::with_params(vectors.dimension(), Metric::Cosine, params);
        let view = index.view(0);
        let own = vectors.clone();
        let mut memlith = Self { index, view, vectors: own, seq: 1, unsaved: 0, image_bytes: 0 };
        for (id, vector) in (0..).zip(vectors.rows()) {
            memlith.put(id, vector)?;
        }
        memlith.settle()?;
        Ok(memlith)
    }

    fn filter(bits: &Bits) -> RoaringBitmap {
        bits.to_roaring()
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        effort: u32,
        filter: Option<&RoaringBitmap>,
    ) -> Result<Vec<u32>, Failure> {
        let mut fetch = |id: u32, vector: &mut [f32]| {
            vector.copy_from_slice(self.vectors.row(id as usize));
            Ok::<(), Infallible>(())
        };
        let search = Search { query, k, filter, effort: Effort::Ef(effort as usize) };
        let found = self.view.find(search, SearchLimits::none(), &mut fetch)?;
        Ok(found.hits.iter().map(|hit| hit.ordinal).collect())
    }

    fn bytes(&self) -> Option<u64> {
        let vectors = size_of_val(self.vectors.values());
        Some((self.index.heap_bytes() + self.image_bytes + vectors) as u64)
    }

    fn remove(&mut self, ids: &[u32]) -> Result<(), Failure> {
        self.seq += 1;
        for &id in ids {
            self.index.remove(id, self.seq)?;
        }
        self.settle()
    }

    fn insert(&mut self, entries: &[(u32, &[f32])]) -> Result<(), Failure> {
        self.seq += 1;
        for &(id, vector) in entries {
            self.put(id, vector)?;
            self.vectors.row_mut(id as usize).copy_from_slice(vector);
        }
        self.settle()
    }
}

/// The bytes of an image where a mapped file would have them: at the start of a cache line.
struct Image {
    bytes: Vec<u8>,
    start: usize,
}

impl Image {
    const LINE: usize = 64;

    fn new(image: &[u8]) -> Self {
        let mut bytes: Vec<u8> = Vec::with_capacity(image.len() + Self::LINE);
        let start = bytes.as_ptr().align_offset(Self::LINE);
        bytes.resize(start, 0);
        bytes.extend_from_slice(image);
        Self { bytes, start }
    }
}

impl Source for Image {
    fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    fn get(&self, range: Range<usize>) -> Result<&[u8], ImageError> {
        let (end, len) = (range.end, self.len());
        self.bytes[self.start..].get(range).ok_or(ImageError::Truncated { end, len })
    }

    fn verified(&self) -> Option<&[u8]> {
        Some(&self.bytes[self.start..])
    }
}
