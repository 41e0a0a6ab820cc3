//! What the search asks of a part of the index: a segment or a tail.
//!
//! **Invariant:** entries are numbered from 0 within their part, and every posting of a part
//! names an entry of it.

use super::WINDOW;
use super::bm25::Scorer;
use super::deaths;
use super::image::Page;
use super::sealed::Sealed;
use super::search::{List, MemoryList, Meter};
use super::tail::{Slot, TailAt};
use super::view::TextError;
use crate::image::ImageError;
use roaring::RoaringBitmap;
use std::sync::atomic::AtomicU64;

/// A part as one view sees it.
#[derive(Clone, Copy)]
pub(super) enum PartAt<'a> {
    Sealed { sealed: &'a Sealed, seq: u64 },
    Tail(TailAt<'a>),
}

impl<'a> PartAt<'a> {
    /// The window that begins at `first`, which must name an entry.
    pub(super) fn window(&self, first: u32) -> Result<Window<'a>, ImageError> {
        Ok(match *self {
            PartAt::Sealed { sealed, seq } => Window {
                seq,
                documents: Documents::Page(sealed.image.page(first)?),
                deaths: sealed.deaths.window(first),
            },
            PartAt::Tail(tail) => Window {
                seq: tail.seq,
                documents: Documents::Slots(tail.tail.slots.window(first)),
                deaths: None,
            },
        })
    }

    /// Entries, dead ones among them.
    pub(super) fn entries(&self) -> u32 {
        match self {
            PartAt::Sealed { sealed, .. } => sealed.image.documents(),
            PartAt::Tail(tail) => tail.entries,
        }
    }

    pub(super) fn has_positions(&self) -> bool {
        match self {
            PartAt::Sealed { sealed, .. } => sealed.image.has_positions(),
            PartAt::Tail(tail) => tail.tail.has_positions,
        }
    }

    /// Do ordinals ascend with entries?
    pub(super) fn is_sorted(&self) -> bool {
        matches!(self, PartAt::Sealed { .. })
    }

    /// The live entries of `ordinals`, ascending.
    pub(super) fn entries_of(&self, ordinals: &RoaringBitmap) -> Result<Vec<u32>, ImageError> {
        let mut entries = Vec::new();
        for ordinal in ordinals {
            entries.extend(self.find(ordinal)?);
        }
        entries.sort_unstable();
        Ok(entries)
    }

    /// The documents that live in this view and have `term`, and how many they are. A segment's list may
    /// name dead ones too. `None` if no live one has it.
    pub(super) fn list(
        &self,
        term: &str,
        meter: &mut Meter<'_>,
    ) -> Result<Option<(List<'a>, u64)>, TextError> {
        let found = match *self {
            PartAt::Sealed { sealed, seq } => match sealed.image.find_term(term)? {
                None => None,
                Some(record) => {
                    let list = sealed.image.list(&record)?;
                    let frequency = sealed.frequency(&record, &list, seq)?;
                    Some((List::Stored(list), frequency))
                }
            },
            PartAt::Tail(tail) => match tail.postings(term) {
                None => None,
                Some(mut postings) => {
                    let mut list = MemoryList::default();
                    while let Some((entry, tf)) = postings.next(|_| {}) {
                        if entry >= tail.entries {
                            break;
                        }
                        if tail.is_live(entry) {
                            list.entries.push(entry);
                            list.tfs.push(tf);
                        }
                        meter.spend(1)?;
                    }
                    let frequency = list.entries.len() as u64;
                    Some((List::Memory(list), frequency))
                }
            },
        };
        Ok(found.filter(|&(_, frequency)| frequency > 0))
    }

    /// Is the entry live in this view?
    pub(super) fn is_live(&self, entry: u32) -> bool {
        match self {
            PartAt::Sealed { sealed, seq } => sealed.deaths.is_live(entry, *seq),
            PartAt::Tail(tail) => tail.is_live(entry),
        }
    }

    /// The live entry of `ordinal`.
    pub(super) fn find(&self, ordinal: u32) -> Result<Option<u32>, ImageError> {
        match self {
            PartAt::Sealed { sealed, seq } => {
                let found = sealed.image.find(ordinal)?.map(|(entry, _)| entry);
                Ok(found.filter(|&entry| sealed.deaths.is_live(entry, *seq)))
            }
            PartAt::Tail(tail) => Ok(tail.find(ordinal).map(|(entry, _)| entry)),
        }
    }
}

/// Documents by their offset in a window. Offsets come from postings, and so name entries.
pub(super) struct Window<'a> {
    seq: u64,
    documents: Documents<'a>,
    deaths: Option<&'a [AtomicU64]>,
}

enum Documents<'a> {
    Page(Page<'a>),
    Slots(&'a [Slot]),
}

impl Window<'_> {
    /// Is it live in this view?
    #[inline]
    pub(super) fn is_live(&self, offset: usize) -> bool {
        match self.documents {
            Documents::Page(_) => {
                self.deaths.is_none_or(|page| deaths::is_live(&page[offset], self.seq))
            }
            Documents::Slots(slots) => slots[offset].is_live(self.seq),
        }
    }

    /// Its ordinal.
    #[inline]
    pub(super) fn ordinal(&self, offset: usize) -> u32 {
        match self.documents {
            Documents::Page(page) => page.ordinal(offset),
            Documents::Slots(slots) => slots[offset].ordinal(),
        }
    }

    /// Terms in the document, with repetition.
    #[inline]
    pub(super) fn length(&self, offset: usize) -> u32 {
        match self.documents {
            Documents::Page(page) => page.length(offset),
            Documents::Slots(slots) => slots[offset].length(),
        }
    }

    /// Writes the lengths of `entries`, all of the window that begins at `first`.
    #[inline]
    fn lengths(&self, entries: &[u32], first: u32, into: &mut [u32]) {
        match self.documents {
            Documents::Page(page) => page.lengths_of(entries, first, into),
            Documents::Slots(slots) => {
                for (length, entry) in into.iter_mut().zip(entries) {
                    *length = slots[(entry - first) as usize].length();
                }
            }
        }
    }

    /// Writes what a term of `weight` contributes to each of `entries`, at most 128 of the window that
    /// begins at `first`, that have it `tfs` times.
    #[inline]
    pub(super) fn contributions(
        &self,
        (entries, tfs): (&[u32], &[u32]),
        weight: f64,
        scorer: &Scorer,
        into: &mut [f64; 128],
    ) {
        let mut lengths = [0; 128];
        let Some(&entry) = entries.first() else { return };
        self.lengths(entries, entry - entry % WINDOW, &mut lengths);
        for ((score, &tf), &length) in into.iter_mut().zip(tfs).zip(&lengths) {
            *score = scorer.contribution(weight, tf, length);
        }
    }
}
