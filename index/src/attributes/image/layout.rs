//! Where things stand in an attribute image: its header and section table.
//!
//! ```text
//! magic and version      8
//! rows, labels           2 x u32     ordinals allotted; distinct labels that have a live row
//! columns, fields        2 x u32     fields that any label belongs to
//! section ends           10 x u64    ascending; sections follow the header without gaps
//!
//! Packings      16 per column, then of Ids and of RowEnds: see `packed`
//! Cells         a packed cell per row, column by column
//! Ids           a packed u64 per row
//! Masks         per field: u64 field, u64 per block of 64 rows (bit set: the row has a label of it)
//! RowEnds       a packed u64 per row where its labels end in RowLabels
//! RowLabels     u32                  ranks, ascending within a row
//! Records       24 per label         u64 end of key, u64 end of posting, u32 ordinals, u32 zero
//! Keys                               field, then label; ascending bytewise: the place is the rank
//! Postings                           see `posting_bytes`
//! Live                               the live ordinals, as one posting behind its u64 length
//! ```
//!
//! **Invariant:** all little-endian. A [`Layout`] that was decoded has sections that lie within
//! the image and are as long as the counts demand. For the image's reader and writer only.

use std::ops::Range;

use crate::attributes::block::ROWS;
use crate::attributes::packed::Packing;
use crate::image::ImageError;

const MAGIC: [u8; 8] = *b"LITHATR\x02";
const SECTIONS: usize = 10;
pub(super) const HEADER_BYTES: usize = 24 + 8 * SECTIONS;
pub(super) const RECORD_BYTES: usize = 24;
/// Fields and columns are numbered by one byte.
const NUMBERS: usize = 256;

#[derive(Clone, Copy, Debug)]
pub(super) enum Section {
    Packings,
    Cells,
    Ids,
    Masks,
    RowEnds,
    RowLabels,
    Records,
    Keys,
    Postings,
    Live,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub(super) rows: u32,
    pub(super) labels: u32,
    pub(super) columns: u32,
    pub(super) fields: u32,
    pub(super) ends: [u64; SECTIONS],
}

impl Layout {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&MAGIC);
        for (at, count) in [self.rows, self.labels, self.columns, self.fields].iter().enumerate() {
            header[8 + 4 * at..][..4].copy_from_slice(&count.to_le_bytes());
        }
        for (at, end) in self.ends.iter().enumerate() {
            header[24 + 8 * at..][..8].copy_from_slice(&end.to_le_bytes());
        }
        header
    }

    /// # Errors
    /// [`ImageError::WrongFormat`], or [`ImageError::Inconsistent`] where lengths and counts do
    /// not agree.
    pub(super) fn decode(header: &[u8], image_len: usize) -> Result<Self, ImageError> {
        if header.len() != HEADER_BYTES || header[..8] != MAGIC {
            return Err(ImageError::WrongFormat { expected: "attribute image 2" });
        }
        let count = |at: usize| u32_at(&header[8..], at);
        let layout = Self {
            rows: count(0),
            labels: count(1),
            columns: count(2),
            fields: count(3),
            ends: std::array::from_fn(|at| u64_at(&header[24..], at)),
        };
        layout.check(image_len)?;
        Ok(layout)
    }

    fn check(&self, image_len: usize) -> Result<(), ImageError> {
        let inconsistent = |what| Err(ImageError::Inconsistent { what });
        if self.columns as usize > NUMBERS || self.fields as usize > NUMBERS {
            return inconsistent("columns and fields are at most 256");
        }
        if self.ends[0] < HEADER_BYTES as u64 || !self.ends.is_sorted() {
            return inconsistent("sections follow one another");
        }
        if self.ends[SECTIONS - 1] != image_len as u64 {
            return inconsistent("the last section ends the image");
        }
        let expected = [
            (Section::Packings, (self.columns as usize + 2) * Packing::BYTES),
            (Section::Masks, self.fields as usize * self.mask_stride()),
            (Section::Records, self.labels as usize * RECORD_BYTES),
        ];
        if expected.iter().any(|&(section, len)| self.range(section).len() != len) {
            return inconsistent("sections are as long as their counts demand");
        }
        Ok(())
    }

    /// Bytes of one field in [`Section::Masks`].
    pub(super) const fn mask_stride(&self) -> usize {
        8 + 8 * (self.rows as usize).div_ceil(ROWS)
    }

    pub(super) const fn range(&self, section: Section) -> Range<usize> {
        let start = match section as usize {
            0 => HEADER_BYTES,
            at => self.ends[at - 1] as usize,
        };
        start..self.ends[section as usize] as usize
    }
}

/// The `at`-th `u32` of `bytes`, which the caller has measured.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[4 * at..][..4]);
    u32::from_le_bytes(word)
}

/// The `at`-th `u64` of `bytes`, which the caller has measured.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[8 * at..][..8]);
    u64::from_le_bytes(word)
}
