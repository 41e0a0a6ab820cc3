//! The stored form of a vector index, read in place.
//!
//! ```text
//! 0   magic "MLVECT" and two digits of version
//! 8   dimension u32 | metric u32 (0 cosine, 1 dot, 2 l2) | entries u32 | zeros up to 64
//! 64  ordinals      u32 each, ascending                             zeros up to a multiple of 64
//!     forms         scale, residual, norm: three f32 each           zeros up to a multiple of 64
//!     codes         signed bytes, each code padded with zeros to a multiple of 64
//! ```
//!
//! All numbers are little-endian; the image ends with the last code. Entries are in the order of
//! their ordinals, so that the same vectors give the same bytes whatever their history.
//!
//! **Invariant:** of an open [`Image`] the length fits its header and the ordinals ascend; the rest
//! is whatever the bytes say, and nothing relies on it but the quality of an answer. Opening reads
//! header and ordinals. Only this folder calls it.

use std::ops::Range;

use super::kernels::{LANE_BYTES, lanes_for};
use super::metric::{MAX_DIMENSION, Metric};
use super::quantize::StoredForm;
use crate::image::{ImageError, SharedSource};

const MAGIC: [u8; 8] = *b"MLVECT01";
const HEADER_BYTES: usize = LANE_BYTES;
const ORDINAL_BYTES: usize = size_of::<StoredOrdinal>();
const FORM_BYTES: usize = size_of::<StoredForm>();

const _: () = assert!(MAGIC.len() + 3 * 4 <= HEADER_BYTES);

/// A stored ordinal, little-endian.
pub(super) type StoredOrdinal = [u8; 4];

fn metric_code(metric: Metric) -> u32 {
    match metric {
        Metric::Cosine => 0,
        Metric::Dot => 1,
        Metric::L2 => 2,
    }
}

fn metric_of(code: u32) -> Option<Metric> {
    [Metric::Cosine, Metric::Dot, Metric::L2].into_iter().find(|&m| metric_code(m) == code)
}

/// Where the sections of an image lie.
#[derive(Clone, Copy, Debug)]
struct Layout {
    entries: usize,
    code_bytes: usize,
    forms: usize,
    codes: usize,
    end: usize,
}

impl Layout {
    /// `None` if this machine cannot address such an image.
    fn new(dimension: usize, entries: usize) -> Option<Self> {
        let code_bytes = lanes_for(dimension) * LANE_BYTES;
        let section = |start: usize, width: usize| {
            entries.checked_mul(width)?.checked_add(start)?.checked_next_multiple_of(LANE_BYTES)
        };
        let forms = section(HEADER_BYTES, ORDINAL_BYTES)?;
        let codes = section(forms, FORM_BYTES)?;
        let end = section(codes, code_bytes)?;
        Some(Self { entries, code_bytes, forms, codes, end })
    }

    fn ordinals(&self) -> Range<usize> {
        HEADER_BYTES..HEADER_BYTES + self.entries * ORDINAL_BYTES
    }
}

/// An open image.
#[derive(Clone)]
pub(super) struct Image {
    source: SharedSource,
    layout: Layout,
}

/// An image, and what its header says about its vectors.
pub(super) struct Opened {
    pub(super) image: Image,
    pub(super) dimension: usize,
    pub(super) metric: Metric,
}

impl Image {
    pub(super) fn open(source: SharedSource) -> Result<Opened, ImageError> {
        let header = source.get(0..HEADER_BYTES)?;
        if !header.starts_with(&MAGIC) {
            return Err(ImageError::WrongFormat { expected: "a vector index of version 1" });
        }
        let (fields, _) = header[MAGIC.len()..].as_chunks::<4>();
        let field = |at: usize| u32::from_le_bytes(fields[at]);
        let dimension = field(0) as usize;
        if dimension == 0 || dimension > MAX_DIMENSION {
            return Err(ImageError::Inconsistent { what: "dimension of a vector index" });
        }
        let metric = metric_of(field(1))
            .ok_or(ImageError::Inconsistent { what: "metric of a vector index" })?;
        let layout = Layout::new(dimension, field(2) as usize)
            .ok_or(ImageError::Inconsistent { what: "number of entries of a vector index" })?;
        if source.len() < layout.end {
            return Err(ImageError::Truncated { end: layout.end, len: source.len() });
        }
        if source.len() > layout.end {
            return Err(ImageError::Inconsistent { what: "length of a vector index" });
        }
        let image = Self { source, layout };
        let ascending =
            |pair: &[StoredOrdinal]| u32::from_le_bytes(pair[0]) < u32::from_le_bytes(pair[1]);
        if !image.ordinals()?.windows(2).all(ascending) {
            return Err(ImageError::Inconsistent {
                what: "order of the ordinals of a vector index",
            });
        }
        Ok(Opened { image, dimension, metric })
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.layout.entries
    }

    pub(super) fn ordinals(&self) -> Result<&[StoredOrdinal], ImageError> {
        Ok(self.source.get(self.layout.ordinals())?.as_chunks().0)
    }

    pub(super) fn ordinal(&self, entry: usize) -> Result<u32, ImageError> {
        let start = HEADER_BYTES + entry * ORDINAL_BYTES;
        let bytes = self.source.get(start..start + ORDINAL_BYTES)?;
        Ok(u32::from_le_bytes(bytes.as_chunks().0[0]))
    }

    pub(super) fn forms(&self, entries: Range<usize>) -> Result<&[StoredForm], ImageError> {
        let at = |entry: usize| self.layout.forms + entry * FORM_BYTES;
        let fields = self.source.get(at(entries.start)..at(entries.end))?.as_chunks().0;
        Ok(fields.as_chunks().0)
    }

    pub(super) fn codes(&self, entries: Range<usize>) -> Result<&[u8], ImageError> {
        let at = |entry: usize| self.layout.codes + entry * self.layout.code_bytes;
        self.source.get(at(entries.start)..at(entries.end))
    }
}

/// Writes an image, section by section.
pub(super) struct ImageWriter {
    bytes: Vec<u8>,
    layout: Layout,
}

impl ImageWriter {
    /// Starts an image of the entries with these `ordinals`, which ascend.
    ///
    /// # Errors
    /// [`ImageError::Inconsistent`] if this machine cannot address it.
    pub(super) fn new(
        metric: Metric,
        dimension: usize,
        ordinals: impl ExactSizeIterator<Item = u32>,
    ) -> Result<Self, ImageError> {
        let layout = Layout::new(dimension, ordinals.len())
            .ok_or(ImageError::Inconsistent { what: "number of entries of a vector index" })?;
        let mut bytes = Vec::with_capacity(layout.end);
        bytes.extend_from_slice(&MAGIC);
        for field in [dimension as u32, metric_code(metric), layout.entries as u32] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes.resize(HEADER_BYTES, 0);
        bytes.extend(ordinals.flat_map(u32::to_le_bytes));
        bytes.resize(layout.forms, 0);
        Ok(Self { bytes, layout })
    }

    /// Appends the form of the next entry; all forms come before the first code.
    pub(super) fn push_form(&mut self, form: &StoredForm) {
        debug_assert!(self.bytes.len() < self.layout.codes);
        self.bytes.extend_from_slice(form.as_flattened());
    }

    /// Appends the code of the next entry.
    pub(super) fn push_code(&mut self, code: &[u8]) {
        debug_assert_eq!(code.len(), self.layout.code_bytes);
        if self.bytes.len() < self.layout.codes {
            self.bytes.resize(self.layout.codes, 0);
        }
        self.bytes.extend_from_slice(code);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        debug_assert_eq!(self.bytes.len(), self.layout.end);
        self.bytes
    }
}
