//! A vector index at one moment.
//!
//! **Invariant:** the answers of a view never change, whatever the writer does meanwhile: entries
//! behind its length are not looked at, and a death after its sequence number does not count. Any
//! number of threads may use it and its clones.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::image::{Image, ImageWriter, StoredOrdinal};
use super::index::{History, Shape};
use super::kernels::{Lane, bytes_of};
use super::metric::{Metric, VectorError};
use super::quantize::{StoredForm, quantize};
use super::sparse::NONE;
use crate::arena::Reader;
use crate::image::ImageError;

/// See [`VectorIndex::view`](super::VectorIndex::view).
#[derive(Clone)]
pub struct VectorView {
    pub(super) shape: Shape,
    pub(super) image: Option<Image>,
    pub(super) codes: Reader<Lane>,
    pub(super) forms: Reader<StoredForm>,
    pub(super) ordinals: Reader<u32>,
    pub(super) history: Arc<History>,
    pub(super) seq: u64,
    pub(super) live: usize,
}

/// A run of entries as the kernels take it.
pub(super) struct Rows<'a> {
    pub(super) codes: &'a [u8],
    pub(super) forms: &'a [StoredForm],
}

impl VectorView {
    /// Number of components of each vector.
    pub fn dimension(&self) -> usize {
        self.shape.dimension
    }

    /// How vectors are compared.
    pub fn metric(&self) -> Metric {
        self.shape.metric
    }

    /// Number of vectors that this view sees.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Does `ordinal` have a vector?
    ///
    /// # Errors
    /// [`ImageError`] if the image cannot be read.
    pub fn contains(&self, ordinal: u32) -> Result<bool, ImageError> {
        Ok(self.entry_of(ordinal)?.is_some())
    }

    /// Is `vector` what `ordinal` was given, as far as a code can tell? For checks against the rows.
    ///
    /// # Errors
    /// [`VectorError`] if no index of this kind takes such a vector, or the image cannot be read.
    pub fn matches(&self, ordinal: u32, vector: &[f32]) -> Result<bool, VectorError> {
        let Shape { dimension, metric, .. } = self.shape;
        metric.check(dimension, vector)?;
        let Some(entry) = self.entry_of(ordinal)? else { return Ok(false) };
        let rows = self.rows(entry as usize, 1)?;
        let mut code = Vec::new();
        let form = quantize(metric, vector, &mut Vec::new(), &mut code);
        Ok(rows.codes == bytes_of(&code) && rows.forms == [form.to_stored()])
    }

    /// The ordinals that have a vector. Costs a step per entry.
    ///
    /// # Errors
    /// [`ImageError`] if the image cannot be read.
    pub fn coverage(&self) -> Result<RoaringBitmap, ImageError> {
        let mut covered = RoaringBitmap::new();
        self.for_each_live(|_, ordinal| {
            covered.insert(ordinal);
        })?;
        Ok(covered)
    }

    /// Number of entries, dead ones included.
    pub(super) fn entries(&self) -> usize {
        self.image_len() + self.forms.len()
    }

    fn image_len(&self) -> usize {
        self.image.as_ref().map_or(0, Image::len)
    }

    /// Is this entry, which is one of the view's, alive?
    pub(super) fn is_alive(&self, entry: u32) -> bool {
        self.history.died.get(entry) > self.seq
    }

    pub(super) fn recount(&mut self) {
        self.live = (0..self.entries() as u32).filter(|&entry| self.is_alive(entry)).count();
    }

    /// The ordinal of an entry of this view.
    pub(super) fn ordinal(&self, entry: u32) -> Result<u32, ImageError> {
        let entry = entry as usize;
        match &self.image {
            Some(image) if entry < image.len() => image.ordinal(entry),
            _ => Ok(*self
                .ordinals
                .get(entry - self.image_len())
                .expect("an entry of the view lies in its image or its tail")),
        }
    }

    /// The live entry of `ordinal`.
    pub(super) fn entry_of(&self, ordinal: u32) -> Result<Option<u32>, ImageError> {
        Ok(self.lookup()?.entry_of(ordinal))
    }

    /// Finds the entries of ordinals, faster if they are asked for in ascending order.
    pub(super) fn lookup(&self) -> Result<Lookup<'_>, ImageError> {
        let stored = match &self.image {
            Some(image) => image.ordinals()?,
            None => &[],
        };
        Ok(Lookup { view: self, stored, at: 0 })
    }

    /// The live entry of `ordinal` in the tail.
    fn tail_entry_of(&self, ordinal: u32) -> Option<u32> {
        let mut entry = self.history.newest.get(ordinal);
        // Entries that came after this view was taken lead back to those that it knows.
        while entry != NONE && entry >= self.entries() as u64 {
            entry = self.history.previous.get(entry as u32);
        }
        (entry != NONE).then_some(entry as u32).filter(|&entry| self.is_alive(entry))
    }

    /// Codes and forms of `entry` and of up to `at_most - 1` behind it; fewer where storage breaks,
    /// none behind the last.
    pub(super) fn rows(&self, entry: usize, at_most: usize) -> Result<Rows<'_>, ImageError> {
        if let Some(image) = self.image.as_ref().filter(|image| entry < image.len()) {
            let end = image.len().min(entry + at_most);
            return Ok(Rows { codes: image.codes(entry..end)?, forms: image.forms(entry..end)? });
        }
        let row = entry - self.image_len();
        let forms = self.forms.rows_from(row);
        let forms = &forms[..forms.len().min(at_most)];
        let codes = &self.codes.rows_from(row)[..forms.len() * self.shape.lanes()];
        Ok(Rows { codes: bytes_of(codes), forms })
    }

    fn for_each_live(&self, mut visit: impl FnMut(u32, u32)) -> Result<(), ImageError> {
        let stored = self.lookup()?.stored.iter().map(|&stored| u32::from_le_bytes(stored));
        for (entry, ordinal) in stored.chain(self.ordinals.iter().copied()).enumerate() {
            let entry = entry as u32;
            if self.is_alive(entry) {
                visit(entry, ordinal);
            }
        }
        Ok(())
    }

    /// Every vector that this view sees: its ordinal and its code, scale included. Equal vectors
    /// give equal bytes, so that an index can be compared with one that was made anew.
    ///
    /// # Errors
    /// [`ImageError`] if the image cannot be read.
    pub fn for_each_code(&self, mut visit: impl FnMut(u32, &[u8])) -> Result<(), ImageError> {
        let mut alive = Vec::with_capacity(self.live);
        self.for_each_live(|entry, ordinal| alive.push((ordinal, entry as usize)))?;
        alive.sort_unstable();
        for (ordinal, entry) in alive {
            visit(ordinal, self.rows(entry, 1)?.codes);
        }
        Ok(())
    }

    /// The image of what this view sees; the same vectors give the same bytes. It may run while
    /// the writer goes on.
    ///
    /// # Errors
    /// [`ImageError`] if the image under the index cannot be read.
    pub fn write_image(&self) -> Result<Vec<u8>, ImageError> {
        let mut alive = Vec::with_capacity(self.live);
        self.for_each_live(|entry, ordinal| alive.push((ordinal, entry as usize)))?;
        alive.sort_unstable();
        let ordinals = alive.iter().map(|&(ordinal, _)| ordinal);
        let mut writer = ImageWriter::new(self.shape.metric, self.shape.dimension, ordinals)?;
        for &(_, entry) in &alive {
            writer.push_form(&self.rows(entry, 1)?.forms[0]);
        }
        for &(_, entry) in &alive {
            writer.push_code(self.rows(entry, 1)?.codes);
        }
        Ok(writer.finish())
    }
}

impl std::fmt::Debug for VectorView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VectorView")
            .field("shape", &self.shape)
            .field("seq", &self.seq)
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}

/// A cursor over the entries of a view in the order of ordinals.
pub(super) struct Lookup<'a> {
    view: &'a VectorView,
    /// Ordinals of the image.
    stored: &'a [StoredOrdinal],
    /// Where the last search in them ended.
    at: usize,
}

impl Lookup<'_> {
    /// The live entry of `ordinal`. Costs the logarithm of the distance to the one asked before.
    pub(super) fn entry_of(&mut self, ordinal: u32) -> Option<u32> {
        let is_before = |stored: &StoredOrdinal| u32::from_le_bytes(*stored) < ordinal;
        if self.at > 0 && !is_before(&self.stored[self.at - 1]) {
            self.at = 0;
        }
        let mut step = 1;
        while self.stored.get(self.at + step - 1).is_some_and(is_before) {
            self.at += step;
            step *= 2;
        }
        let end = self.stored.len().min(self.at + step - 1);
        self.at += self.stored[self.at..end].partition_point(is_before);
        let stored =
            self.stored.get(self.at).filter(|&&stored| u32::from_le_bytes(stored) == ordinal);
        if stored.is_some() && self.view.is_alive(self.at as u32) {
            return Some(self.at as u32);
        }
        self.view.tail_entry_of(ordinal)
    }
}
