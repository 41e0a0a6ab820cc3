//! What the index says, whatever its numbering: to compare a caught-up index with a rebuilt one,
//! and to check that its parts agree.
//!
//! **Invariant:** two indexes whose live rows have the same ids, labels and cells give the same
//! rows and digest. For `verify` and for tests; both walk everything.

use xxhash_rust::xxh3::Xxh3;

use super::cell;
use super::labels::KeyRange;
use super::{Attributes, ColumnId, FieldId, Row};
use crate::image::ImageError;

impl Attributes {
    /// Every live row by ascending id.
    pub fn rows(&self) -> impl Iterator<Item = Result<Row, ImageError>> + '_ {
        self.live.iter().map(|ordinal| self.row(ordinal))
    }

    /// A digest of [`Attributes::rows`].
    pub fn digest(&self) -> Result<u128, ImageError> {
        let mut hash = Xxh3::new();
        for row in self.rows() {
            let row = row?;
            hash.update(&row.id.to_le_bytes());
            hash.update(&(row.labels.len() as u64).to_le_bytes());
            for (field, label) in row.labels {
                hash.update(&[field.0]);
                hash.update(&(label.len() as u64).to_le_bytes());
                hash.update(&label);
            }
            hash.update(&(row.columns.len() as u64).to_le_bytes());
            for (column, cell) in row.columns {
                hash.update(&[column.0]);
                hash.update(&cell.to_le_bytes());
            }
        }
        Ok(hash.digest128())
    }

    /// Do the parts agree? Ids and keys ascend; a row is in a label's set if and only if the label
    /// is among the row's, and has a field's mark if and only if it has a label of it; rows that
    /// are not live have nothing.
    ///
    /// # Errors
    /// The first rule found broken, or what reading the image ran into.
    pub fn validate(&self) -> Result<(), ImageError> {
        let check = |holds: bool, what| {
            if holds { Ok(()) } else { Err(ImageError::Inconsistent { what }) }
        };
        let known = self.rows.fields();
        let mut last_id = None;
        let mut pairs_by_row = 0;
        for ordinal in 0..self.next_ordinal() {
            let id = self.rows.id(ordinal)?;
            check(last_id.is_none_or(|last| last < id), "ids ascend with ordinals")?;
            last_id = Some(id);
            pairs_by_row += self.validate_row(ordinal, &known, check)?;
        }
        check(last_id == self.rows.last_id(), "the last id is known")?;
        let mut pairs_by_label = 0;
        let mut last_key: Option<&[u8]> = None;
        for label in self.dictionary.range(KeyRange::ALL)? {
            let label = label?;
            check(last_key.is_none_or(|last| last < label.key), "labels ascend")?;
            last_key = Some(label.key);
            pairs_by_label += self.dictionary.posting(label.number)?.len();
        }
        check(pairs_by_row == pairs_by_label, "a label's rows have the label")
    }

    /// How many labels a row has, once they are known to agree with the rest.
    fn validate_row(
        &self,
        ordinal: u32,
        known: &[FieldId],
        check: impl Fn(bool, &'static str) -> Result<(), ImageError>,
    ) -> Result<u64, ImageError> {
        let labels = self.rows.labels(ordinal)?;
        let mut fields = Vec::with_capacity(labels.len());
        for &number in &labels {
            fields.push(self.dictionary.field(number)?);
            let posting = self.dictionary.posting(number)?;
            check(posting.contains(ordinal), "a row's labels have the row")?;
        }
        let (block, row) = super::rows::place(ordinal);
        for &field in known.iter().chain(&fields) {
            let is_marked = self.rows.mask(field, block)? >> row & 1 == 1;
            check(is_marked == fields.contains(&field), "a row is marked by its labels' fields")?;
        }
        let has_cells = !self.row_cells(ordinal)?.is_empty();
        let is_gone = labels.is_empty() && !has_cells;
        check(self.is_live(ordinal) || is_gone, "a row that is not live has nothing")?;
        Ok(labels.len() as u64)
    }

    fn row(&self, ordinal: u32) -> Result<Row, ImageError> {
        let mut labels = Vec::new();
        for number in self.rows.labels(ordinal)? {
            let key = self.dictionary.key(number)?;
            labels.push((FieldId(key[0]), key[1..].to_vec()));
        }
        labels.sort_unstable();
        Ok(Row { id: self.rows.id(ordinal)?, labels, columns: self.row_cells(ordinal)? })
    }

    fn row_cells(&self, ordinal: u32) -> Result<Vec<(ColumnId, i64)>, ImageError> {
        let mut cells = Vec::new();
        for column in (0..self.column_count()).map(|column| ColumnId(column as u8)) {
            let cell = self.rows.cell(column, ordinal)?.and_then(cell::present);
            cells.extend(cell.map(|cell| (column, cell)));
        }
        Ok(cells)
    }
}
