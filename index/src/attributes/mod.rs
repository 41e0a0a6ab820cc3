//! Attributes: labels, numeric columns and liveness over ordinals.
//!
//! A *label* is a byte string in a [field](FieldId); a row has any number of them. Labels of a
//! field order bytewise, so a caller that encodes numbers in order may ask for ranges. A *column*
//! has at most one [cell] per row. Which rows have a label is one set of ordinals; which labels a
//! row has is kept beside it, so that changing a row needs no old record.
//!
//! An [`Attributes`] is a value: its clone costs a handful of reference counts and never changes,
//! and the one writer changes its own copy. What a commit copies does not grow with the index: per
//! row one block of 64 rows, per label that changed one page of 8 KiB at most, and the paths to
//! them. Opened [from an image](Attributes::from_image) it reads in place and keeps in memory only
//! what changed since; a label's first change brings its posting into memory.
//!
//! **Invariant:** ids ascend with ordinals; an ordinal is never given twice; a row that is not live
//! has no labels and no cells. After a method of the writer has failed its copy is to be dropped:
//! half of the change may be in it. For the engine.

mod block;
mod canonical;
pub mod cell;
mod columns;
mod dictionary;
mod entry;
mod image;
mod labels;
mod packed;
mod posting;
mod rows;
mod search;
mod trie;

use std::collections::BTreeSet;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::image::{ImageError, SharedSource};
use dictionary::Dictionary;
use image::{Image, Writer};
use labels::key_of;
use posting::Posting;
use rows::Rows;

pub use columns::Order;
pub use entry::{ColumnId, Entry, FieldId, Row};

/// The attribute index; see the [module](self).
///
/// ```
/// use memlith_index::attributes::{Attributes, ColumnId, Entry, FieldId};
///
/// # fn main() -> Result<(), memlith_index::image::ImageError> {
/// const KIND: FieldId = FieldId(0);
/// const CREATED: ColumnId = ColumnId(0);
///
/// let mut writer = Attributes::new(1);
/// let ordinal = writer.push(17)?;
/// let labels = [(KIND, b"fact".as_slice())];
/// writer.set(ordinal, &Entry { id: 17, labels: &labels, columns: &[(CREATED, 1_700)] })?;
///
/// let view = writer.clone();
/// writer.remove(ordinal)?;
/// assert!(view.label(KIND, b"fact")?.contains(ordinal));
/// assert!(writer.label(KIND, b"fact")?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Attributes {
    rows: Rows,
    dictionary: Dictionary,
    live: Posting,
}

impl Attributes {
    /// An empty index with columns `0..column_count`.
    pub fn new(column_count: u8) -> Self {
        let base = Arc::new(Image::empty(column_count));
        Self {
            rows: Rows::new(Arc::clone(&base)),
            dictionary: Dictionary::new(base),
            live: Posting::new(),
        }
    }

    /// An index over the bytes of [`Attributes::write_image`], which it reads in place. Costs the
    /// same at any size but for the live set, which is decoded: at most one bit a row.
    ///
    /// The image has the columns it was written with: compare [`column_count`](Self::column_count).
    ///
    /// # Errors
    /// If the bytes are not an image of this kind.
    pub fn from_image(source: SharedSource) -> Result<Self, ImageError> {
        let base = Arc::new(Image::open(source)?);
        let live = base.live()?;
        Ok(Self { rows: Rows::new(Arc::clone(&base)), dictionary: Dictionary::new(base), live })
    }

    /// The index as bytes: the same rows with the same ordinals give the same bytes.
    pub fn write_image(&self) -> Result<Vec<u8>, ImageError> {
        Writer { rows: &self.rows, dictionary: &self.dictionary, live: &self.live }.write()
    }

    /// Is this what an image holds that it was opened from? Then that need not be written again.
    pub fn is_image(&self) -> bool {
        self.rows.are_of_image()
    }

    /// Allots the next ordinal to `id`. The row is not live before it is [set](Self::set): rows
    /// that are gone by the time they are folded are pushed too, so that numbering is a matter of
    /// the log alone.
    ///
    /// # Errors
    /// Also if `id` does not come after all ids before.
    ///
    /// # Panics
    /// If 2^32 ordinals were given.
    pub fn push(&mut self, id: u64) -> Result<u32, ImageError> {
        self.rows.push(id)
    }

    /// Makes a row live with exactly the labels and cells of `entry`. Labels that it had before
    /// cost nothing but their comparison.
    ///
    /// # Errors
    /// Also if `ordinal` was not given to `entry.id`.
    ///
    /// # Panics
    /// If a column is none of [`column_count`](Self::column_count).
    pub fn set(&mut self, ordinal: u32, entry: &Entry<'_>) -> Result<(), ImageError> {
        if self.id_of(ordinal)? != Some(entry.id) {
            return Err(ImageError::Inconsistent { what: "a row is set under its own id" });
        }
        let new = self.intern(entry.labels)?;
        let old = self.rows.labels(ordinal)?;
        for &number in new.iter().filter(|number| old.binary_search(number).is_err()) {
            self.dictionary.insert(number, ordinal)?;
        }
        for &number in old.iter().filter(|number| new.binary_search(number).is_err()) {
            self.dictionary.remove(number, ordinal)?;
        }
        self.live.insert(ordinal);
        self.rows.change(ordinal, |block, row| {
            block.set_labels(row, &new);
            block.unmark(1 << row, |_| true);
            for &(field, _) in entry.labels {
                block.mark(field, 1 << row);
            }
            block.set_cells(row, entry.columns);
        })
    }

    /// Takes a row's labels and cells and its liveness; was it live? Its ordinal stays its own.
    pub fn remove(&mut self, ordinal: u32) -> Result<bool, ImageError> {
        if !self.live.remove(ordinal) {
            return Ok(false);
        }
        for number in self.rows.labels(ordinal)? {
            self.dictionary.remove(number, ordinal)?;
        }
        self.rows.change(ordinal, |block, row| {
            block.set_labels(row, &[]);
            block.unmark(1 << row, |_| true);
            block.set_cells(row, &[]);
        })?;
        Ok(true)
    }

    /// Adds labels to those a row has: fills a field that was declared after the row was set. Is
    /// the row live? One that is not gets none.
    pub fn add_labels(
        &mut self,
        ordinal: u32,
        labels: &[(FieldId, &[u8])],
    ) -> Result<bool, ImageError> {
        if !self.live.contains(ordinal) {
            return Ok(false);
        }
        let mut row_labels: BTreeSet<u32> = self.rows.labels(ordinal)?.into_iter().collect();
        for number in self.intern(labels)? {
            if row_labels.insert(number) {
                self.dictionary.insert(number, ordinal)?;
            }
        }
        let row_labels: Vec<u32> = row_labels.into_iter().collect();
        self.rows.change(ordinal, |block, row| {
            block.set_labels(row, &row_labels);
            for &(field, _) in labels {
                block.mark(field, 1 << row);
            }
        })?;
        Ok(true)
    }

    /// Takes every label of `field` from every row. Costs a step per row that had one.
    pub fn drop_field(&mut self, field: FieldId) -> Result<(), ImageError> {
        for ordinal in self.any(field)? {
            let mut kept = Vec::new();
            for number in self.rows.labels(ordinal)? {
                if self.dictionary.field(number)? != field {
                    kept.push(number);
                }
            }
            self.rows.change(ordinal, |block, row| {
                block.set_labels(row, &kept);
                block.unmark(1 << row, |marked| marked == field);
            })?;
        }
        let mut numbers = Vec::new();
        for label in self.field_labels(field)? {
            numbers.push(label?.number);
        }
        numbers.into_iter().try_for_each(|number| self.dictionary.clear(number))
    }

    /// The ordinal that the next [push](Self::push) will give.
    pub const fn next_ordinal(&self) -> u32 {
        self.rows.next()
    }

    /// How many columns there are.
    pub fn column_count(&self) -> usize {
        self.rows.columns()
    }

    /// The ordinals of live rows.
    pub fn live(&self) -> RoaringBitmap {
        self.live.to_bitmap()
    }

    /// How many rows are live.
    pub fn live_len(&self) -> u64 {
        self.live.len()
    }

    /// Is the row live?
    pub fn is_live(&self, ordinal: u32) -> bool {
        self.live.contains(ordinal)
    }

    /// The id that an ordinal was given to, live or not.
    pub fn id_of(&self, ordinal: u32) -> Result<Option<u64>, ImageError> {
        if ordinal >= self.next_ordinal() {
            return Ok(None);
        }
        self.rows.id(ordinal).map(Some)
    }

    /// The ordinal that was given to `id`, live or not. Costs a search among the ids, and next to nothing
    /// where these have no gaps.
    pub fn ordinal_of(&self, id: u64) -> Result<Option<u32>, ImageError> {
        self.rows.ordinal_of(id)
    }

    /// About how many bytes of memory this index holds, shared with its clones or not. Free to ask.
    pub fn heap_bytes(&self) -> usize {
        self.rows.heap_bytes() + self.dictionary.heap_bytes() + self.live.heap_bytes()
    }

    /// The numbers of labels, ascending, each once.
    fn intern(&mut self, labels: &[(FieldId, &[u8])]) -> Result<Vec<u32>, ImageError> {
        let numbers =
            labels.iter().map(|&(field, label)| self.dictionary.intern(&key_of(field, label)));
        let mut numbers = numbers.collect::<Result<Vec<_>, _>>()?;
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }
}
