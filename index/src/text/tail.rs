//! The part of the index that grows: entries in arrival order and their postings, in memory.
//!
//! **Invariant:** of all entries of an ordinal at most one is alive, and it is the newest; the
//! older ones are reached from it. One writer, many readers.

use super::part::{Part, Window};
use super::postings::{Posting, PostingList, TermCounter, Terms};
use super::slots::{Slot, Slots};
use crate::image::ImageError;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

#[derive(Debug, Default)]
pub(super) struct Tail {
    pub(super) slots: Slots,
    pub(super) terms: Terms,
    newest: RwLock<HashMap<u32, u32>>,
}

impl Tail {
    /// Appends what `counter` counted as the document of `ordinal`; returns its length. The
    /// writer numbers entries from 0 without a gap.
    pub(super) fn append(&self, entry: u32, ordinal: u32, counter: &mut TermCounter) -> u32 {
        let length = counter.finish(entry, &self.terms);
        self.slots.fill(entry, ordinal, length, self.newest(ordinal));
        self.newest.write().unwrap_or_else(PoisonError::into_inner).insert(ordinal, entry);
        length
    }

    /// The newest entry of `ordinal`, dead or alive.
    pub(super) fn newest(&self, ordinal: u32) -> Option<u32> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).get(&ordinal).copied()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner).capacity();
        self.slots.heap_bytes()
            + self.terms.heap_bytes()
            + newest * (size_of::<(u32, u32)>() + size_of::<u8>())
    }
}

/// The tail as one view sees it: its first `entries` entries, at one sequence.
#[derive(Clone, Copy)]
pub(super) struct TailAt<'a> {
    pub(super) tail: &'a Tail,
    pub(super) entries: u32,
    pub(super) seq: u64,
}

impl<'a> TailAt<'a> {
    /// The live entry of `ordinal`.
    pub(super) fn find(&self, ordinal: u32) -> Option<(u32, &'a Slot)> {
        let mut entry = self.tail.newest(ordinal)?;
        while entry >= self.entries {
            entry = self.tail.slots.get(entry)?.previous()?;
        }
        let slot = self.tail.slots.get(entry)?;
        slot.is_live(self.seq).then_some((entry, slot))
    }

    /// Every live entry, in arrival order.
    pub(super) fn live(&self) -> impl Iterator<Item = (u32, &'a Slot)> + use<'a> {
        let Self { tail, entries, seq } = *self;
        (0..entries)
            .filter_map(move |entry| Some((entry, tail.slots.get(entry)?)))
            .filter(move |(_, slot)| slot.is_live(seq))
    }

    /// The postings in `list` that this view sees, dead entries among them.
    pub(super) fn postings<'l>(
        &self,
        list: &'l PostingList,
    ) -> impl Iterator<Item = Result<Posting, ImageError>> + use<'l> {
        let entries = self.entries;
        list.iter().take_while(move |p| p.entry < entries).map(Ok)
    }
}

impl Part for TailAt<'_> {
    type Window<'a>
        = TailWindow<'a>
    where
        Self: 'a;

    fn window(&self, first: u32) -> Result<TailWindow<'_>, ImageError> {
        Ok(TailWindow { slots: self.tail.slots.window(first), seq: self.seq })
    }
}

/// A window of the tail.
pub(super) struct TailWindow<'a> {
    slots: &'a [Slot],
    seq: u64,
}

impl Window for TailWindow<'_> {
    fn is_live(&self, offset: usize) -> bool {
        self.slots[offset].is_live(self.seq)
    }

    fn length(&self, offset: usize) -> u32 {
        self.slots[offset].length()
    }

    fn ordinal(&self, offset: usize) -> u32 {
        self.slots[offset].ordinal()
    }
}
