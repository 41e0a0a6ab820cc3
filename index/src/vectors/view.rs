//! A vector index at one moment.
//!
//! **Invariant:** which vectors a view sees never changes, whatever the writer does meanwhile. Any
//! number of threads may use it and its clones.

use roaring::RoaringBitmap;

use super::entries::Entries;
use super::graph::{self, GraphView};
use super::image;
use super::index::Shape;
use super::kernels::bytes_of;
use super::metric::{Metric, VectorError};
use super::planes::Planes;
use super::quantize::{Forms, Quantizer};
use crate::image::ImageError;

/// See [`VectorIndex::view`](super::VectorIndex::view).
#[derive(Clone)]
pub struct VectorView {
    pub(super) entries: Entries,
    pub(super) graph: GraphView,
}

impl VectorView {
    /// Number of components of each vector.
    pub fn dimension(&self) -> usize {
        self.entries.shape.dimension
    }

    /// How vectors are compared.
    pub fn metric(&self) -> Metric {
        self.entries.shape.metric
    }

    /// Number of vectors that this view sees.
    pub fn live(&self) -> usize {
        self.entries.live
    }

    /// Number of entries that were replaced or removed and still take space and time.
    pub fn dead(&self) -> usize {
        self.entries.len() - self.entries.live
    }

    /// Is this what an image holds that its index was opened from? Then that need not be written again.
    pub fn is_image(&self) -> bool {
        self.entries.image.as_ref().is_some_and(|image| {
            let entries = image.len();
            let is_all = (self.entries.len(), self.entries.live) == (entries, entries);
            is_all && self.linked() == image.linked()
        })
    }

    /// Does `ordinal` have a vector?
    ///
    /// # Errors
    /// [`ImageError`] if the image cannot be read.
    pub fn contains(&self, ordinal: u32) -> Result<bool, ImageError> {
        Ok(self.entries.entry_of(ordinal)?.is_some())
    }

    /// Is the graph one that can be walked? Costs a step per neighbour.
    ///
    /// # Errors
    /// [`ImageError::Inconsistent`] with the rule that does not hold.
    pub fn validate(&self) -> Result<(), ImageError> {
        self.graph.validate()
    }

    /// Is `vector` what `ordinal` was given, as far as a code can tell? For checks against the rows.
    ///
    /// # Errors
    /// [`VectorError`] if no index of this kind takes such a vector, or the image cannot be read.
    pub fn matches(&self, ordinal: u32, vector: &[f32]) -> Result<bool, VectorError> {
        let Shape { dimension, metric, clip, kernel } = self.entries.shape;
        metric.check(dimension, vector)?;
        let Some(entry) = self.entries.entry_of(ordinal)? else { return Ok(false) };
        let rows = self.entries.rows(entry as usize, 1)?;
        let mut quantizer = Quantizer::default();
        let form = quantizer.quantize(kernel, metric, clip, vector);
        let Planes { high, low } = &quantizer.planes;
        let is_code = rows.high == bytes_of(high) && rows.low == bytes_of(low);
        let (scale, margins) = form.to_stored();
        Ok(is_code && rows.forms == Forms { scales: &[scale], margins: &[margins] })
    }

    /// Number of entries, from the first on, that are in the graph.
    pub(super) fn linked(&self) -> usize {
        (self.graph.shared.progress.linked() as usize).min(self.entries.len())
    }

    /// Number of entries that a search scans because they are not linked yet.
    pub fn unlinked(&self) -> usize {
        self.entries.len() - self.linked()
    }

    /// Links up to `at_most` entries into the graph, the oldest first, while `keep_going`. Returns
    /// how many; fewer than `at_most` if there were no more, or others are at work on them.
    ///
    /// Any number of threads may do so at once, through any views. Costs some tens of microseconds an
    /// entry.
    ///
    /// # Errors
    /// [`ImageError`] if the image cannot be read.
    pub fn link(
        &self,
        at_most: usize,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<usize, ImageError> {
        graph::link(&self.entries, &self.graph, at_most, keep_going)
    }

    /// The ordinals that have a vector. Costs a step per entry.
    ///
    /// # Errors
    /// [`ImageError`] if the image cannot be read.
    pub fn coverage(&self) -> Result<RoaringBitmap, ImageError> {
        let mut covered = RoaringBitmap::new();
        self.entries.for_each_live(|_, ordinal| {
            covered.insert(ordinal);
        })?;
        Ok(covered)
    }

    /// Every vector that this view sees: its ordinal and its code, both planes of it. Equal vectors
    /// give equal bytes, so that an index can be compared with one that was made anew.
    ///
    /// # Errors
    /// [`ImageError`] if the image cannot be read.
    pub fn for_each_code(&self, mut visit: impl FnMut(u32, &[u8])) -> Result<(), ImageError> {
        let mut alive = Vec::with_capacity(self.entries.live);
        self.entries.for_each_live(|entry, ordinal| alive.push((ordinal, entry as usize)))?;
        alive.sort_unstable();
        let mut code = Vec::new();
        for (ordinal, entry) in alive {
            let rows = self.entries.rows(entry, 1)?;
            code.clear();
            code.extend_from_slice(rows.high);
            code.extend_from_slice(rows.low);
            visit(ordinal, &code);
        }
        Ok(())
    }

    /// The image of what this view sees, without what is dead; where nothing is linked, the same
    /// vectors give the same bytes. It may run while the writer goes on, and others link.
    ///
    /// An entry that loses most of its neighbours is unlinked in the image, and to be linked anew.
    ///
    /// # Errors
    /// [`ImageError`] if the image under the index cannot be read.
    pub fn write_image(&self) -> Result<Vec<u8>, ImageError> {
        self.write_image_as(Some)
    }

    /// The same image with other ordinals: `number` gives the new one of each, in the same order, or
    /// `None` to leave its vector out.
    ///
    /// # Errors
    /// As [`write_image`](Self::write_image).
    pub fn write_image_as(
        &self,
        number: impl Fn(u32) -> Option<u32>,
    ) -> Result<Vec<u8>, ImageError> {
        let mark = self.linked() as u32;
        let mut order = Vec::with_capacity(self.entries.live);
        self.entries.for_each_live(|entry, ordinal| {
            order.extend(number(ordinal).map(|ordinal| (ordinal, entry)));
        })?;
        let mut is_kept = vec![false; self.entries.len()];
        for &(_, entry) in &order {
            is_kept[entry as usize] = true;
        }
        let mut is_linked = vec![false; self.entries.len()];
        for &(_, entry) in order.iter().filter(|&&(_, entry)| entry < mark) {
            is_linked[entry as usize] = !self.graph.is_torn(entry, &is_kept)?;
        }
        order.sort_unstable_by_key(|&(ordinal, entry)| (!is_linked[entry as usize], ordinal));
        let linked = order.partition_point(|&(_, entry)| is_linked[entry as usize]);
        image::write(&self.entries, &self.graph, &order, linked)
    }
}

impl std::fmt::Debug for VectorView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VectorView")
            .field("shape", &self.entries.shape)
            .field("seq", &self.entries.seq)
            .field("live", &self.entries.live)
            .finish_non_exhaustive()
    }
}
