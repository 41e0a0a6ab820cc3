//! The part of the index that grows: entries in arrival order and their postings, in memory.
//!
//! **Invariant:** of all entries of an ordinal at most one is alive, and it is the newest; the
//! older ones are reached from it. One writer, many readers.

mod slots;
mod terms;
mod words;

pub(super) use slots::Slot;
pub(super) use terms::{DocumentTerms, TailPostings};

use slots::Slots;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{PoisonError, RwLock};
use terms::Terms;

#[derive(Debug)]
pub(super) struct Tail {
    pub(super) slots: Slots,
    pub(super) terms: Terms,
    pub(super) has_positions: bool,
    newest: RwLock<HashMap<u32, u32>>,
}

impl Tail {
    pub(super) fn new(has_positions: bool) -> Self {
        Self {
            slots: Slots::default(),
            terms: Terms::default(),
            has_positions,
            newest: RwLock::default(),
        }
    }

    /// Appends what `terms` gathered as the document of `ordinal`; returns its length. The writer
    /// numbers entries from 0 without a gap.
    pub(super) fn append(&self, entry: u32, ordinal: u32, terms: &mut DocumentTerms) -> u32 {
        let length = terms.finish(entry, &self.terms, self.has_positions);
        // The slot is whole before anybody is led to it.
        match self.newest.write().unwrap_or_else(PoisonError::into_inner).entry(ordinal) {
            Entry::Occupied(mut newest) => {
                self.slots.fill(entry, ordinal, length, Some(newest.insert(entry)));
            }
            Entry::Vacant(newest) => {
                self.slots.fill(entry, ordinal, length, None);
                newest.insert(entry);
            }
        }
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

/// A tail as one view sees it: its first `entries` entries, at one sequence.
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
    pub(super) fn postings(&self, term: &str) -> Option<TailPostings<'a>> {
        self.tail.terms.postings(term, self.tail.has_positions)
    }

    pub(super) fn is_live(&self, entry: u32) -> bool {
        self.tail.slots.get(entry).is_some_and(|slot| slot.is_live(self.seq))
    }
}
