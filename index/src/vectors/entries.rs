//! The entries of a vector index at one moment: those of its image, read in place, and those of its
//! tail behind them.
//!
//! **Invariant:** entries behind the length are not looked at, and a death after the sequence number
//! does not count. The walk, the scan and the view call it.

use std::sync::Arc;

use super::image::{Image, StoredOrdinal, VerifiedCodes};
use super::index::{History, Shape};
use super::kernels::{LANE_BYTES, Lane, bytes_of, prefetch};
use super::metric::Metric;
use super::planes::Code;
use super::quantize::{Form, Forms, Measure, StoredMargins, StoredScale};
use super::sparse::NONE;
use crate::arena::Reader;
use crate::image::ImageError;

/// See the module.
#[derive(Clone)]
pub(super) struct Entries {
    pub(super) shape: Shape,
    pub(super) image: Option<Image>,
    pub(super) high: Reader<Lane>,
    pub(super) low: Reader<Lane>,
    pub(super) scales: Reader<StoredScale>,
    pub(super) margins: Reader<StoredMargins>,
    pub(super) ordinals: Reader<u32>,
    pub(super) history: Arc<History>,
    pub(super) seq: u64,
    pub(super) live: usize,
}

/// A run of entries as the kernels take it.
pub(super) struct Rows<'a> {
    pub(super) high: &'a [u8],
    pub(super) low: &'a [u8],
    pub(super) forms: Forms<'a>,
}

impl Entries {
    /// Number of entries, dead ones included.
    pub(super) fn len(&self) -> usize {
        self.image_len() + self.scales.len()
    }

    fn image_len(&self) -> usize {
        self.image.as_ref().map_or(0, Image::len)
    }

    /// Is this entry, which is one of the view's, alive?
    pub(super) fn is_alive(&self, entry: u32) -> bool {
        self.history.died.get(entry) > self.seq
    }

    pub(super) fn recount(&mut self) {
        self.live = (0..self.len() as u32).filter(|&entry| self.is_alive(entry)).count();
    }

    /// The ordinal of an entry of these.
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
        let (stored, linked) = match &self.image {
            Some(image) => (image.ordinals()?, image.linked()),
            None => (&[][..], 0),
        };
        let (linked, unlinked) = stored.split_at(linked);
        Ok(Lookup { entries: self, runs: [Run::of(linked), Run::of(unlinked)] })
    }

    /// The live entry of `ordinal` in the tail.
    fn tail_entry_of(&self, ordinal: u32) -> Option<u32> {
        let mut entry = self.history.newest.get(ordinal);
        // Entries that came after this view was taken lead back to those that it knows.
        while entry != NONE && entry >= self.len() as u64 {
            entry = self.history.previous.get(entry as u32);
        }
        (entry != NONE).then_some(entry as u32).filter(|&entry| self.is_alive(entry))
    }

    /// Codes and forms of `entry` and of up to `at_most - 1` behind it; fewer where storage breaks,
    /// none behind the last.
    pub(super) fn rows(&self, entry: usize, at_most: usize) -> Result<Rows<'_>, ImageError> {
        if let Some(image) = self.image.as_ref().filter(|image| entry < image.len()) {
            let end = image.len().min(entry + at_most);
            let [high, low] = image.planes(entry..end)?;
            return Ok(Rows { high, low, forms: image.forms(entry..end)? });
        }
        let row = entry - self.image_len();
        let forms = self.tail_forms(row, at_most);
        let lanes = forms.len() * self.shape.lanes();
        let high = bytes_of(&self.high.rows_from(row)[..lanes]);
        Ok(Rows { high, low: bytes_of(&self.low.rows_from(row)[..lanes]), forms })
    }

    /// The form of an entry, which is one of these.
    #[inline]
    pub(super) fn form(&self, entry: u32) -> Result<Form, ImageError> {
        let entry = entry as usize;
        match &self.image {
            Some(image) if entry < image.len() => Ok(image.forms(entry..entry + 1)?.first()),
            _ => Ok(self.tail_forms(entry - self.image_len(), 1).first()),
        }
    }

    /// The forms of `row` of the tail and of up to `at_most - 1` behind it.
    fn tail_forms(&self, row: usize, at_most: usize) -> Forms<'_> {
        let (scales, margins) = (self.scales.rows_from(row), self.margins.rows_from(row));
        let len = scales.len().min(margins.len()).min(at_most);
        Forms { scales: &scales[..len], margins: &margins[..len] }
    }

    /// What the graph compares an entry by, which is one of these.
    pub(super) fn measure(&self, entry: u32) -> Result<Measure, ImageError> {
        let Form { scale, norm, .. } = self.form(entry)?;
        Ok(Measure { scale, norm })
    }

    /// Are two entries, which are of these, the same to whoever goes by their codes?
    pub(super) fn are_twins(&self, a: u32, b: u32) -> Result<bool, ImageError> {
        let (a, b) = (self.rows(a as usize, 1)?, self.rows(b as usize, 1)?);
        let (first, second) = (a.forms.first(), b.forms.first());
        let is_measured_alike = first.scale.to_bits() == second.scale.to_bits()
            && (self.shape.metric != Metric::L2 || first.norm.to_bits() == second.norm.to_bits());
        Ok(is_measured_alike && a.high == b.high && a.low == b.low)
    }

    /// Unpacks the code of an entry, which is one of these.
    pub(super) fn unpack(&self, entry: u32, code: &mut Code) -> Result<(), ImageError> {
        let rows = self.rows(entry as usize, 1)?;
        code.unpack(rows.high, rows.low);
        Ok(())
    }

    /// Asks for the lower plane of an entry, which is one of these and will be unpacked soon.
    pub(super) fn prefetch_low(&self, entry: u32) -> Result<(), ImageError> {
        prefetch(self.rows(entry as usize, 1)?.low);
        Ok(())
    }

    pub(super) fn for_each_live(&self, mut visit: impl FnMut(u32, u32)) -> Result<(), ImageError> {
        let stored: &[StoredOrdinal] = match &self.image {
            Some(image) => image.ordinals()?,
            None => &[],
        };
        let stored = stored.iter().map(|&stored| u32::from_le_bytes(stored));
        for (entry, ordinal) in stored.chain(self.ordinals.iter().copied()).enumerate() {
            let entry = entry as u32;
            if self.is_alive(entry) {
                visit(entry, ordinal);
            }
        }
        Ok(())
    }
}

/// Reads codes here and there.
#[derive(Clone, Copy)]
pub(super) struct Codes<'a> {
    entries: &'a Entries,
    image_len: usize,
    plane_bytes: usize,
    needs_norm: bool,
    verified: Option<VerifiedCodes<'a>>,
}

impl Entries {
    /// What a walk reads codes by.
    pub(super) fn codes(&self) -> Codes<'_> {
        Codes {
            entries: self,
            image_len: self.image_len(),
            plane_bytes: self.shape.lanes() * LANE_BYTES,
            needs_norm: self.shape.metric == Metric::L2,
            verified: self.image.as_ref().and_then(Image::verified),
        }
    }
}

impl<'a> Codes<'a> {
    /// The upper plane of an entry, which is one of these, and its scale: where they lie, for neither
    /// is read yet.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a few instructions of each node that a walk meets")]
    pub(super) fn high(&self, entry: u32) -> Result<(&'a [u8], &'a StoredScale), ImageError> {
        let at = entry as usize;
        if let Some(VerifiedCodes { high, scales, .. }) = self.verified
            && let Some(scale) = scales.get(at)
        {
            return Ok((&high[at * self.plane_bytes..][..self.plane_bytes], scale));
        }
        self.high_elsewhere(at)
    }

    /// The same where it is not in an image that is verified.
    fn high_elsewhere(&self, at: usize) -> Result<(&'a [u8], &'a StoredScale), ImageError> {
        if at >= self.image_len {
            let row = at - self.image_len;
            let lanes = &self.entries.high.rows_from(row)[..self.plane_bytes / LANE_BYTES];
            return Ok((bytes_of(lanes), &self.entries.scales.rows_from(row)[0]));
        }
        let Rows { high, forms, .. } = self.entries.rows(at, 1)?;
        Ok((high, &forms.scales[0]))
    }

    /// The lower plane of an entry, which is one of these: where it lies.
    #[inline]
    pub(super) fn low(&self, entry: u32) -> Result<&'a [u8], ImageError> {
        let at = entry as usize;
        match self.verified {
            Some(VerifiedCodes { low, .. }) if at < self.image_len => {
                Ok(&low[at * self.plane_bytes..][..self.plane_bytes])
            }
            _ => Ok(self.entries.rows(at, 1)?.low),
        }
    }

    /// What an entry of this scale is compared by.
    #[inline]
    pub(super) fn measure(&self, entry: u32, scale: StoredScale) -> Result<Measure, ImageError> {
        let norm = if self.needs_norm { self.norm(entry)? } else { 1.0 };
        Ok(Measure { scale: f32::from_le_bytes(scale), norm })
    }

    fn norm(&self, entry: u32) -> Result<f32, ImageError> {
        Ok(self.entries.form(entry)?.norm)
    }
}

/// A cursor over the entries in the order of ordinals.
pub(super) struct Lookup<'a> {
    entries: &'a Entries,
    /// The entries of the image: those that are linked, and those that are not.
    runs: [Run<'a>; 2],
}

impl Lookup<'_> {
    /// The live entry of `ordinal`. Costs the logarithm of the distance to the one asked before.
    pub(super) fn entry_of(&mut self, ordinal: u32) -> Option<u32> {
        let mut first = 0;
        for run in &mut self.runs {
            if let Some(at) = run.find(ordinal) {
                let entry = (first + at) as u32;
                if self.entries.is_alive(entry) {
                    return Some(entry);
                }
            }
            first += run.stored.len();
        }
        self.entries.tail_entry_of(ordinal)
    }
}

/// Ordinals that ascend, and where the last search in them ended.
struct Run<'a> {
    stored: &'a [StoredOrdinal],
    at: usize,
}

impl<'a> Run<'a> {
    fn of(stored: &'a [StoredOrdinal]) -> Self {
        Self { stored, at: 0 }
    }

    fn find(&mut self, ordinal: u32) -> Option<usize> {
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
        let found = self.stored.get(self.at).filter(|&&s| u32::from_le_bytes(s) == ordinal);
        found.map(|_| self.at)
    }
}
