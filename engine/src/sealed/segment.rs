//! One segment of sealed vectors: finding an id in it, and its vector in place.
//!
//! **Invariant:** a segment is opened when it is first asked for something, and keeps its chunks
//! from being reused from the moment that it is made. Looking for an id ends, whatever the ids are.

use super::row::{Layout, SealedRow};
use crate::file::{Container, Pin};
use crate::{Error, Result};
use memlith_index::image::{SharedSource, Source};
use std::borrow::Cow;
use std::sync::OnceLock;

/// Guesses by proportion before halving: ids are dense, so the first is mostly right, and two more
/// get past most gaps.
const GUESSES: usize = 3;

/// A segment that a row names.
pub(crate) struct SealedSegment {
    pub(crate) row: SealedRow,
    container: Container,
    source: OnceLock<SharedSource>,
    // Behind the source: what is mapped goes first.
    _pin: Pin,
}

impl SealedSegment {
    /// Reads nothing yet.
    pub(crate) fn new(container: &Container, row: SealedRow) -> Result<Self> {
        let pin = container.pin_segment(&row.segment)?;
        Ok(SealedSegment { row, container: container.clone(), source: OnceLock::new(), _pin: pin })
    }

    fn source(&self) -> Result<&dyn Source> {
        if let Some(source) = self.source.get() {
            return Ok(&**source);
        }
        // What fails now may succeed the next time: only success is kept.
        let opened = self.container.open_segment(&self.row.segment)?;
        Ok(&**self.source.get_or_init(|| opened))
    }

    /// The id of a vector.
    pub(crate) fn id(&self, index: u32) -> Result<u64> {
        let at = Layout::id_at(index);
        let bytes = self.source()?.get(at..at + size_of::<u64>()).map_err(|e| damaged(&e))?;
        Ok(bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }

    /// The place of an id among the vectors. Costs one look where ids have no gaps, and no more
    /// than a few and then one for each halving where they do.
    pub(crate) fn find(&self, id: u64) -> Result<Option<u32>> {
        let SealedRow { first, last, count, .. } = self.row;
        if !(first..=last).contains(&id) {
            return Ok(None);
        }
        // The id lies at or above `low` and below `high`; theirs are between `least` and `most`.
        let (mut low, mut high) = (0, count);
        let (mut least, mut most) = (first, last);
        for round in 0.. {
            if low >= high || !(least..=most).contains(&id) {
                break;
            }
            let middle = if round < GUESSES && most > least {
                let part = u128::from(id - least) * u128::from(high - low - 1);
                low + (part / u128::from(most - least)) as u32
            } else {
                low + (high - low) / 2
            };
            let found = self.id(middle)?;
            match found.cmp(&id) {
                std::cmp::Ordering::Equal => return Ok(Some(middle)),
                std::cmp::Ordering::Less => (low, least) = (middle + 1, found.saturating_add(1)),
                std::cmp::Ordering::Greater => (high, most) = (middle, found.saturating_sub(1)),
            }
        }
        Ok(None)
    }

    /// The row of a vector: in place, where the segment has it as rows do.
    pub(crate) fn vector(&self, index: u32) -> Result<Cow<'_, [u8]>> {
        let unpacked = self.row.layout().unpack(self.packed(index)?);
        unpacked.ok_or_else(|| self.other(self.row.dimension as usize))
    }

    /// Reads a vector into a slice of its dimension.
    pub(crate) fn read(&self, index: u32, out: &mut [f32]) -> Result<()> {
        let packed = self.packed(index)?;
        self.row.form.read(packed, out).ok_or_else(|| self.other(out.len()))
    }

    fn other(&self, dimension: usize) -> Error {
        let found = self.row.dimension.to_string();
        Error::corruption(PLACE, format!("{dimension} components"), found)
    }

    fn packed(&self, index: u32) -> Result<&[u8]> {
        let layout = self.row.layout();
        let at = layout.vector_at(index);
        self.source()?.get(at..at + layout.vector_len()).map_err(|e| damaged(&e))
    }

    /// Reads the segment once more from the file, every byte of it, and checks that it is what its
    /// row says.
    pub(crate) fn verify(&self) -> Result<()> {
        let source = self.container.open_segment(&self.row.segment)?;
        let bytes = source.get(0..source.len()).map_err(|e| damaged(&e))?;
        let layout = self.row.layout();
        let wrong = |found: &str| Err(Error::corruption(PLACE, "what its row says", found));
        if Layout::of_header(bytes) != Some(layout) {
            return wrong("another header");
        }
        let ids = &bytes[Layout::id_at(0)..Layout::id_at(layout.count)];
        let (ids, _) = ids.as_chunks();
        let mut ids = ids.iter().map(|id| u64::from_le_bytes(*id));
        if !ids.clone().is_sorted_by(|a, b| a < b) {
            return wrong("ids that do not ascend");
        }
        if ids.clone().next() != Some(self.row.first) || ids.next_back() != Some(self.row.last) {
            return wrong("other first and last ids");
        }
        Ok(())
    }
}

const PLACE: &str = "sealed vectors";

fn damaged(e: &memlith_index::image::ImageError) -> Error {
    Error::corruption(PLACE, "the bytes that were sealed", e.to_string())
}
