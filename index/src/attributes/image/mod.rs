//! The immutable base of an attribute index, read in place.
//!
//! **Invariant:** opening costs the same for ten rows and ten million (but for the live set, one
//! bit a row at most); everything else is read where it lies, when it is asked for. Labels are
//! known by their *rank*, their place in key order. Ranks and ordinals that are returned have been
//! checked against the counts. For the rows and the dictionary only.

mod layout;
mod posting_bytes;
mod write;

use std::ops::Range;
use std::sync::Arc;

use crate::attributes::block::ROWS;
use crate::attributes::entry::{ColumnId, FieldId};
use crate::attributes::packed::{Packing, Run};
use crate::attributes::posting::Posting;
use crate::image::{ImageError, SharedSource};
use layout::{HEADER_BYTES, Layout, RECORD_BYTES, Section, u32_at, u64_at};

pub(super) use write::Writer;

pub(super) struct Image {
    source: SharedSource,
    layout: Layout,
    columns: Vec<Column>,
    ids: Packing,
    row_ends: Packing,
    fields: Vec<FieldId>,
    last_id: Option<u64>,
}

/// The cells of a column.
#[derive(Clone, Copy)]
struct Column {
    packing: Packing,
    /// Where they begin in their section.
    start: usize,
}

impl Column {
    const MISSING: Self = Self { packing: Packing::MISSING, start: 0 };
}

impl Image {
    /// The base of an index that has none.
    pub(super) fn empty(columns: u8) -> Self {
        Self {
            source: Arc::new(Vec::new()),
            layout: Layout::default(),
            columns: vec![Column::MISSING; columns.into()],
            ids: Packing::MISSING,
            row_ends: Packing::MISSING,
            fields: Vec::new(),
            last_id: None,
        }
    }

    pub(super) fn open(source: SharedSource) -> Result<Self, ImageError> {
        let layout = Layout::decode(source.get(0..HEADER_BYTES)?, source.len())?;
        let mut image = Self { source, layout, ..Self::empty(0) };
        image.read_packings()?;
        image.fields = image.read_fields()?;
        image.last_id = image.rows().checked_sub(1).map(|last| image.id(last)).transpose()?;
        Ok(image)
    }

    /// Where the packed numbers lie, and how they are packed.
    fn read_packings(&mut self) -> Result<(), ImageError> {
        let bytes = self.read(Section::Packings, 0..self.layout.range(Section::Packings).len())?;
        let packings = bytes.as_chunks().0.iter().map(Packing::decode);
        let packings: Option<Vec<_>> = packings.collect();
        let Some([columns @ .., ids, row_ends]) = packings.as_deref() else {
            return Err(ImageError::Inconsistent { what: "numbers are packed in whole bytes" });
        };
        let rows = self.rows() as usize;
        // Two rows at least have two ids, which take bytes: what rows take is bounded by the image.
        if rows > 1 && ids.width() == 0 {
            return Err(ImageError::Inconsistent { what: "ids ascend with ordinals" });
        }
        let mut start = 0;
        let column = |packing: &Packing| {
            let column = Column { packing: *packing, start };
            start += packing.width() * rows;
            column
        };
        let columns = columns.iter().map(column).collect();
        let lens = [
            (Section::Cells, start),
            (Section::Ids, ids.width() * rows),
            (Section::RowEnds, row_ends.width() * rows),
        ];
        if lens.iter().any(|&(section, len)| self.layout.range(section).len() != len) {
            return Err(ImageError::Inconsistent { what: "there is a packed number per row" });
        }
        (self.columns, self.ids, self.row_ends) = (columns, *ids, *row_ends);
        Ok(())
    }

    fn read_fields(&self) -> Result<Vec<FieldId>, ImageError> {
        let stride = self.layout.mask_stride();
        let fields = (0..self.layout.fields as usize).map(|at| {
            let field = u64_at(self.read(Section::Masks, at * stride..at * stride + 8)?, 0);
            u8::try_from(field)
                .map(FieldId)
                .map_err(|_| ImageError::Inconsistent { what: "a field is one byte" })
        });
        fields.collect()
    }

    pub(super) const fn rows(&self) -> u32 {
        self.layout.rows
    }

    /// How many labels there are: ranks are below it.
    pub(super) const fn labels(&self) -> u32 {
        self.layout.labels
    }

    /// The id of the last row, if there is one.
    pub(super) const fn last_id(&self) -> Option<u64> {
        self.last_id
    }

    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    /// The fields that any row has a label of.
    pub(super) fn fields(&self) -> &[FieldId] {
        &self.fields
    }

    /// The live ordinals.
    pub(super) fn live(&self) -> Result<Posting, ImageError> {
        if self.rows() == 0 {
            return Ok(Posting::new());
        }
        let bytes = self.read(Section::Live, 0..self.layout.range(Section::Live).len())?;
        let (len, posting) = bytes
            .split_first_chunk::<8>()
            .ok_or(ImageError::Inconsistent { what: "the live set has a length" })?;
        posting_bytes::decode(posting, u64::from_le_bytes(*len), self.rows())
    }

    /// The id of a row below [`Image::rows`].
    pub(super) fn id(&self, ordinal: u32) -> Result<u64, ImageError> {
        Ok(self.number(Section::Ids, self.ids, ordinal as usize)? as u64)
    }

    /// The cells of a block of rows; fewer at the end of the image, and none where there is no such
    /// column.
    pub(super) fn cells(&self, column: ColumnId, block: u32) -> Result<Run<'_>, ImageError> {
        let rows = self.rows_of(block);
        let known = self.columns.get(usize::from(column.0)).filter(|_| !rows.is_empty());
        let Some(&Column { packing, start }) = known else {
            return Ok(Run::new(Packing::MISSING, &[], 0));
        };
        let width = packing.width();
        let bytes =
            self.read(Section::Cells, start + rows.start * width..start + rows.end * width)?;
        Ok(Run::new(packing, bytes, rows.len()))
    }

    /// Which rows of `block` have a label of `field`.
    pub(super) fn mask(&self, field: FieldId, block: u32) -> Result<u64, ImageError> {
        let Some(place) = self.fields.iter().position(|&known| known == field) else {
            return Ok(0);
        };
        let rows = self.rows_of(block);
        if rows.is_empty() {
            return Ok(0);
        }
        let at = place * self.layout.mask_stride() + 8 + 8 * block as usize;
        let mask = u64_at(self.read(Section::Masks, at..at + 8)?, 0);
        if mask.checked_shr(rows.len() as u32).is_some_and(|beyond| beyond != 0) {
            return Err(ImageError::Inconsistent { what: "a mask names rows there are" });
        }
        Ok(mask)
    }

    /// The ranks of a row's labels, ascending.
    pub(super) fn row_labels(&self, ordinal: u32) -> Result<Vec<u32>, ImageError> {
        let at = ordinal as usize;
        let end_of = |at| self.number(Section::RowEnds, self.row_ends, at).map(|end| end as usize);
        let start = at.checked_sub(1).map_or(Ok(0), end_of)?;
        let range = start.saturating_mul(4)..end_of(at)?.saturating_mul(4);
        let bytes = self.read(Section::RowLabels, range)?;
        let ranks: Vec<u32> = (0..bytes.len() / 4).map(|at| u32_at(bytes, at)).collect();
        let ascend = ranks.is_sorted_by(|a, b| a < b);
        if !ascend || ranks.last().is_some_and(|&last| last >= self.labels()) {
            return Err(ImageError::Inconsistent { what: "a row has ascending ranks of labels" });
        }
        Ok(ranks)
    }

    /// The key of a label: its field, then its bytes.
    pub(super) fn key(&self, rank: u32) -> Result<&[u8], ImageError> {
        let key = self.read(Section::Keys, self.span(0, rank)?)?;
        if key.is_empty() {
            return Err(ImageError::Inconsistent { what: "a key begins with its field" });
        }
        Ok(key)
    }

    /// How many rows have a label, without reading which.
    pub(super) fn label_len(&self, rank: u32) -> Result<u64, ImageError> {
        let at = rank as usize * RECORD_BYTES + 16;
        Ok(u32_at(self.read(Section::Records, at..at + 4)?, 0).into())
    }

    /// Which rows have a label.
    pub(super) fn posting(&self, rank: u32) -> Result<Posting, ImageError> {
        let range = self.span(8, rank)?;
        let bytes = self.read(Section::Postings, range)?;
        posting_bytes::decode(bytes, self.label_len(rank)?, self.rows())
    }

    /// The first rank whose key does not come before, by `is_before`; the count of labels if none.
    pub(super) fn partition_point(
        &self,
        is_before: impl Fn(&[u8]) -> bool,
    ) -> Result<u32, ImageError> {
        let (mut low, mut high) = (0, self.labels());
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(self.key(middle)?) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// A packed number.
    fn number(&self, section: Section, packing: Packing, at: usize) -> Result<i64, ImageError> {
        let at = at * packing.width();
        Ok(packing.read(self.read(section, at..at + packing.width())?))
    }

    /// From where a part of the `at`-th label starts, which is where that of the label before ends, to
    /// its end. `offset`: where its end stands in a record.
    fn span(&self, offset: usize, at: u32) -> Result<Range<usize>, ImageError> {
        let at = at as usize * RECORD_BYTES + offset;
        let end = u64_at(self.read(Section::Records, at..at + 8)?, 0);
        let start = match at.checked_sub(RECORD_BYTES) {
            Some(before) => u64_at(self.read(Section::Records, before..before + 8)?, 0),
            None => 0,
        };
        Ok(start as usize..end as usize)
    }

    fn rows_of(&self, block: u32) -> Range<usize> {
        let start = block as usize * ROWS;
        start..(start + ROWS).min(self.rows() as usize).max(start)
    }

    /// Bytes of a section; an error if `range` is not within it.
    fn read(&self, section: Section, range: Range<usize>) -> Result<&[u8], ImageError> {
        let bounds = self.layout.range(section);
        if range.start > range.end || range.end > bounds.len() {
            return Err(ImageError::Inconsistent { what: "an offset lies within its section" });
        }
        self.source.get(bounds.start + range.start..bounds.start + range.end)
    }
}
