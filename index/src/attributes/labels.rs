//! A walk over labels in order, those of the image and those that came after as one.
//!
//! **Invariant:** every label comes once, and only if a row has it; after an error nothing comes.
//! For the [`Dictionary`] and its readers.

use std::iter::Peekable;
use std::ops::{Bound, Range, RangeBounds};

use super::dictionary::Dictionary;
use super::entry::FieldId;
use crate::image::ImageError;

/// A range of keys.
pub(super) struct KeyRange {
    pub(super) start: Bound<Vec<u8>>,
    pub(super) end: Bound<Vec<u8>>,
}

impl KeyRange {
    pub(super) const ALL: Self = Self { start: Bound::Unbounded, end: Bound::Unbounded };

    /// The labels of one field.
    pub(super) fn of_field(field: FieldId, start: Bound<&[u8]>, end: Bound<&[u8]>) -> Self {
        let start = match start {
            Bound::Unbounded => Bound::Included(vec![field.0]),
            bound => bound.map(|label| key_of(field, label)),
        };
        let end = match end {
            Bound::Unbounded => {
                field.0.checked_add(1).map_or(Bound::Unbounded, |next| Bound::Excluded(vec![next]))
            }
            bound => bound.map(|label| key_of(field, label)),
        };
        Self { start, end }
    }

    /// Can no key lie within?
    pub(super) fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (
                Bound::Included(start) | Bound::Excluded(start),
                Bound::Included(end) | Bound::Excluded(end),
            ) => start >= end,
        }
    }
}

impl RangeBounds<[u8]> for KeyRange {
    fn start_bound(&self) -> Bound<&[u8]> {
        self.start.as_ref().map(Vec::as_slice)
    }

    fn end_bound(&self) -> Bound<&[u8]> {
        self.end.as_ref().map(Vec::as_slice)
    }
}

/// A label's key: its field, then its bytes, so that keys order by field and then by label.
pub(super) fn key_of(field: FieldId, label: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + label.len());
    key.push(field.0);
    key.extend_from_slice(label);
    key
}

pub(super) fn is_before(key: &[u8], start: &Bound<Vec<u8>>) -> bool {
    match start {
        Bound::Included(start) => key < start,
        Bound::Excluded(start) => key <= start,
        Bound::Unbounded => false,
    }
}

pub(super) fn is_behind(key: &[u8], end: &Bound<Vec<u8>>) -> bool {
    match end {
        Bound::Included(end) => key > end,
        Bound::Excluded(end) => key >= end,
        Bound::Unbounded => false,
    }
}

/// A label that some rows have.
pub(super) struct Label<'a> {
    /// Its field, then its bytes.
    pub(super) key: &'a [u8],
    pub(super) number: u32,
    /// How many rows have it.
    pub(super) len: u64,
}

/// Keys with their numbers, in order.
type Numbered<'a> = Box<dyn Iterator<Item = (&'a [u8], u32)> + 'a>;

pub(super) struct Labels<'a> {
    dictionary: &'a Dictionary,
    ranks: Range<u32>,
    added: Peekable<Numbered<'a>>,
}

impl<'a> Labels<'a> {
    /// Merges the image's labels of `ranks` with those that were `added` since, both in order.
    pub(super) fn new(
        dictionary: &'a Dictionary,
        ranks: Range<u32>,
        added: impl Iterator<Item = (&'a [u8], u32)> + 'a,
    ) -> Self {
        let added: Numbered<'_> = Box::new(added);
        Self { dictionary, ranks, added: added.peekable() }
    }

    /// The next label of either kind, whether or not a row has it.
    fn step(&mut self) -> Result<Option<Label<'a>>, ImageError> {
        let ranked = match self.ranks.clone().next() {
            Some(rank) => Some(self.dictionary.ranked(rank)?),
            None => None,
        };
        let next = match (ranked, self.added.peek()) {
            (Some(ranked), added) if added.is_none_or(|added| ranked.0 < added.0) => {
                self.ranks.next();
                Some(ranked)
            }
            _ => self.added.next(),
        };
        let Some((key, number)) = next else { return Ok(None) };
        Ok(Some(Label { key, number, len: self.dictionary.label_len(number)? }))
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = Result<Label<'a>, ImageError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Ok(Some(label)) if label.len == 0 => {}
                Ok(label) => return label.map(Ok),
                Err(error) => {
                    *self = Self::new(self.dictionary, 0..0, std::iter::empty());
                    return Some(Err(error));
                }
            }
        }
    }
}
