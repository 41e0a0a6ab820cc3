//! The labels: which exist, in order, and which rows have each.
//!
//! A label is known by a number: its rank if it is of the image, else one above all ranks, given
//! in order of arrival. Rows name labels by number.
//!
//! **Invariant:** a number means the same label for as long as any row has it. A label that came
//! after the image and lost its last row is forgotten; one of the image stays, empty. A posting in
//! memory hides that of the image. For [`Attributes`](super::Attributes) only.

use std::borrow::Cow;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use super::entry::FieldId;
use super::image::Image;
use super::labels::{KeyRange, Labels, is_before, is_behind};
use super::posting::Posting;
use super::trie::Trie;
use crate::image::ImageError;

#[derive(Clone)]
pub(super) struct Dictionary {
    base: Arc<Image>,
    /// Postings of image labels that changed, by rank.
    changed: Trie<Posting>,
    /// Labels that came after the image, by number less the image's labels.
    added: Trie<Added>,
    /// The added labels in order, with their numbers.
    numbers: RedBlackTreeMapSync<Arc<[u8]>, u32>,
    next: u32,
    /// What keys and postings take.
    bytes: usize,
}

#[derive(Clone)]
struct Added {
    key: Arc<[u8]>,
    posting: Posting,
}

/// What an added label takes besides its bytes: a tree node with its entry, and the counts.
const ADDED_OVERHEAD_BYTES: usize = 112;

impl Dictionary {
    pub(super) fn new(base: Arc<Image>) -> Self {
        Self {
            next: base.labels(),
            base,
            changed: Trie::new(),
            added: Trie::new(),
            numbers: RedBlackTreeMapSync::new_sync(),
            bytes: 0,
        }
    }

    /// The number that the next new label will have: all others are below.
    pub(super) const fn next(&self) -> u32 {
        self.next
    }

    pub(super) fn find(&self, key: &[u8]) -> Result<Option<u32>, ImageError> {
        if let Some(&number) = self.numbers.get(key) {
            return Ok(Some(number));
        }
        let rank = self.base.partition_point(|other| other < key)?;
        Ok((rank < self.base.labels() && self.base.key(rank)? == key).then_some(rank))
    }

    /// The number of a label, a new one if need be; it is forgotten again unless a row gets it.
    ///
    /// # Panics
    /// If every number was given.
    pub(super) fn intern(&mut self, key: &[u8]) -> Result<u32, ImageError> {
        if let Some(number) = self.find(key)? {
            return Ok(number);
        }
        let number = self.next;
        self.next = number.checked_add(1).expect("an index meets fewer than 2^32 labels");
        let key: Arc<[u8]> = key.into();
        self.bytes += key.len() + ADDED_OVERHEAD_BYTES;
        self.numbers.insert_mut(Arc::clone(&key), number);
        *self.added.slot(number - self.base.labels()) =
            Some(Added { key, posting: Posting::new() });
        Ok(number)
    }

    /// The field and bytes of a label, as one key.
    pub(super) fn key(&self, number: u32) -> Result<&[u8], ImageError> {
        match number.checked_sub(self.base.labels()) {
            None => self.base.key(number),
            Some(at) => self
                .added
                .get(at)
                .map(|added| &*added.key)
                .ok_or(ImageError::Inconsistent { what: "a row has labels that exist" }),
        }
    }

    pub(super) fn field(&self, number: u32) -> Result<FieldId, ImageError> {
        Ok(FieldId(self.key(number)?[0]))
    }

    pub(super) fn posting(&self, number: u32) -> Result<Cow<'_, Posting>, ImageError> {
        match self.in_memory(number) {
            Some(posting) => Ok(Cow::Borrowed(posting)),
            None => self.base.posting(number).map(Cow::Owned),
        }
    }

    /// How many rows have a label.
    pub(super) fn label_len(&self, number: u32) -> Result<u64, ImageError> {
        self.in_memory(number).map_or_else(|| self.base.label_len(number), |it| Ok(it.len()))
    }

    fn in_memory(&self, number: u32) -> Option<&Posting> {
        match number.checked_sub(self.base.labels()) {
            None => self.changed.get(number),
            Some(at) => self.added.get(at).map(|added| &added.posting),
        }
    }

    /// Gives a row the label `number`.
    pub(super) fn insert(&mut self, number: u32, ordinal: u32) -> Result<(), ImageError> {
        self.change(number, |posting| posting.insert(ordinal))
    }

    /// Takes the label `number` from a row.
    pub(super) fn remove(&mut self, number: u32, ordinal: u32) -> Result<(), ImageError> {
        self.change(number, |posting| posting.remove(ordinal))?;
        self.forget_if_empty(number);
        Ok(())
    }

    /// Takes the label `number` from every row.
    pub(super) fn clear(&mut self, number: u32) -> Result<(), ImageError> {
        self.change(number, |posting| {
            *posting = Posting::new();
            true
        })?;
        self.forget_if_empty(number);
        Ok(())
    }

    fn change(
        &mut self,
        number: u32,
        change: impl FnOnce(&mut Posting) -> bool,
    ) -> Result<(), ImageError> {
        let base = &self.base;
        let posting = match number.checked_sub(base.labels()) {
            None => {
                let slot = self.changed.slot(number);
                if slot.is_none() {
                    let posting = base.posting(number)?;
                    self.bytes += posting.heap_bytes();
                    *slot = Some(posting);
                }
                slot.as_mut()
            }
            Some(at) => self.added.slot(at).as_mut().map(|added| &mut added.posting),
        };
        let posting =
            posting.ok_or(ImageError::Inconsistent { what: "a row has labels that exist" })?;
        let before = posting.heap_bytes();
        change(posting);
        self.bytes = self.bytes + posting.heap_bytes() - before;
        Ok(())
    }

    fn forget_if_empty(&mut self, number: u32) {
        let Some(at) = number.checked_sub(self.base.labels()) else { return };
        if !self.added.get(at).is_some_and(|added| added.posting.is_empty()) {
            return;
        }
        if let Some(added) = self.added.slot(at).take() {
            self.numbers.remove_mut(&added.key);
            self.bytes -= added.key.len() + ADDED_OVERHEAD_BYTES;
        }
    }

    /// The labels within `keys` that any row has, in order.
    pub(super) fn range(&self, keys: KeyRange) -> Result<Labels<'_>, ImageError> {
        if keys.is_empty() {
            return Ok(Labels::new(self, 0..0, std::iter::empty()));
        }
        let first = self.base.partition_point(|key| is_before(key, &keys.start))?;
        let end = self.base.partition_point(|key| !is_behind(key, &keys.end))?;
        let added = self.numbers.range(keys).map(|(key, &number)| (&**key, number));
        Ok(Labels::new(self, first..end, added))
    }

    /// The label of the image with this rank, and its key.
    pub(super) fn ranked(&self, rank: u32) -> Result<(&[u8], u32), ImageError> {
        Ok((self.base.key(rank)?, rank))
    }

    pub(super) const fn heap_bytes(&self) -> usize {
        self.bytes + self.changed.heap_bytes() + self.added.heap_bytes()
    }
}
