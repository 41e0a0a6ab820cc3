//! Which rows have a label.
//!
//! **Invariant:** what is returned is a plain bitmap of live rows, its caller's own.

use std::ops::Bound;

use roaring::RoaringBitmap;

use super::labels::{KeyRange, Labels, key_of};
use super::posting::Posting;
use super::{Attributes, FieldId};
use crate::image::ImageError;

impl Attributes {
    /// The rows that have `label` in `field`.
    pub fn label(&self, field: FieldId, label: &[u8]) -> Result<RoaringBitmap, ImageError> {
        match self.dictionary.find(&key_of(field, label))? {
            Some(number) => Ok(self.dictionary.posting(number)?.to_bitmap()),
            None => Ok(RoaringBitmap::new()),
        }
    }

    /// How many rows have `label` in `field`, without gathering them.
    pub fn label_len(&self, field: FieldId, label: &[u8]) -> Result<u64, ImageError> {
        match self.dictionary.find(&key_of(field, label))? {
            Some(number) => self.dictionary.label_len(number),
            None => Ok(0),
        }
    }

    /// The rows that have a label from `start` to `end` in `field`, bytewise. Costs a step per
    /// label within.
    pub fn label_range(
        &self,
        field: FieldId,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
    ) -> Result<RoaringBitmap, ImageError> {
        let mut union = RoaringBitmap::new();
        // Sorting a million lone ordinals once is far cheaper than a million insertions.
        let mut lone = Vec::new();
        for label in self.dictionary.range(KeyRange::of_field(field, start, end))? {
            match &*self.dictionary.posting(label?.number)? {
                Posting::Few(few) => lone.extend_from_slice(few.as_slice()),
                pages @ Posting::Pages(_) => pages.union_into(&mut union),
            }
        }
        lone.sort_unstable();
        lone.dedup();
        union |= lone.into_iter().collect::<RoaringBitmap>();
        Ok(union)
    }

    /// The labels of `field` that any row has, in order, with the count of rows. `start` takes up a
    /// listing where it ended: `Bound::Excluded(last)`.
    pub fn labels(
        &self,
        field: FieldId,
        start: Bound<&[u8]>,
    ) -> Result<impl Iterator<Item = Result<(&[u8], u64), ImageError>>, ImageError> {
        let labels = self.dictionary.range(KeyRange::of_field(field, start, Bound::Unbounded))?;
        Ok(labels.map(|label| label.map(|label| (&label.key[1..], label.len))))
    }

    /// The labels of `field` that a row has, ascending; none of a row that is not live.
    ///
    /// ```
    /// use memlith_index::attributes::{Attributes, Entry, FieldId};
    ///
    /// # fn main() -> Result<(), memlith_index::image::ImageError> {
    /// let mut writer = Attributes::new(0);
    /// let ordinal = writer.push(1)?;
    /// let labels = [(FieldId(0), b"fact".as_slice()), (FieldId(1), b"b"), (FieldId(1), b"a")];
    /// writer.set(ordinal, &Entry { id: 1, labels: &labels, columns: &[] })?;
    /// assert_eq!(writer.labels_of(ordinal, FieldId(1))?, [b"a", b"b"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn labels_of(&self, ordinal: u32, field: FieldId) -> Result<Vec<&[u8]>, ImageError> {
        let mut labels = Vec::new();
        if !self.is_live(ordinal) {
            return Ok(labels);
        }
        for number in self.rows.labels(ordinal)? {
            let key = self.dictionary.key(number)?;
            labels.extend(key.split_first().filter(|(of, _)| **of == field.0).map(|(_, own)| own));
        }
        labels.sort_unstable();
        Ok(labels)
    }

    /// The rows that have any label of `field`. Costs a step per 64 rows, however many labels.
    pub fn any(&self, field: FieldId) -> Result<RoaringBitmap, ImageError> {
        let mut bits = Vec::with_capacity(self.next_ordinal() as usize / 8 + size_of::<u64>());
        for block in 0..self.rows.blocks() {
            bits.extend(self.rows.mask(field, block)?.to_le_bytes());
        }
        Ok(RoaringBitmap::from_lsb0_bytes(0, &bits))
    }

    pub(super) fn field_labels(&self, field: FieldId) -> Result<Labels<'_>, ImageError> {
        self.dictionary.range(KeyRange::of_field(field, Bound::Unbounded, Bound::Unbounded))
    }
}
