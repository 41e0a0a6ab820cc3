//! A walk over the postings of one term in one part, block by block.
//!
//! A cursor moves over blocks by what is known of them; it reads one only when its postings are wanted.
//!
//! **Invariant:** a cursor moves forward only, and what it bounds no document of the block exceeds.

use super::batch::Batch;
use super::meter::Meter;
use crate::image::ImageError;
use crate::text::bm25::Scorer;
use crate::text::image::{BLOCK, Impacts, ListReader, Point, Postings, Span};
use crate::text::view::TextError;

/// Blocks whose bounds are looked at for one window; a denser list is bounded as a whole.
const MAX_REFINED: usize = 4;

/// Postings that were gathered in memory, by ascending entry: those of a tail, of a phrase, of several
/// terms taken together.
#[derive(Clone, Default)]
pub(in crate::text) struct MemoryList {
    pub(in crate::text) entries: Vec<u32>,
    pub(in crate::text) tfs: Vec<u32>,
}

impl MemoryList {
    /// The documents that have any of several terms and that `keep` keeps, and how often they have them
    /// together.
    pub(in crate::text) fn of_any<'l, 'a: 'l>(
        lists: impl Iterator<Item = &'l List<'a>>,
        mut keep: impl FnMut(u32) -> bool,
        meter: &mut Meter<'_>,
    ) -> Result<Self, TextError> {
        let mut all = Vec::new();
        let mut postings = Postings::default();
        for list in lists {
            for block in 0..list.block_count() {
                list.read(block, &mut postings)?;
                let pairs = postings.entries().iter().zip(postings.tfs());
                all.extend(
                    pairs.filter(|(entry, _)| keep(**entry)).map(|(&entry, &tf)| (entry, tf)),
                );
                meter.spend(BLOCK)?;
            }
        }
        all.sort_unstable_by_key(|&(entry, _)| entry);
        let mut list = Self::default();
        for same in all.chunk_by(|a, b| a.0 == b.0) {
            list.entries.push(same[0].0);
            list.tfs.push(same.iter().fold(0, |sum, &(_, tf)| sum.saturating_add(tf)));
        }
        Ok(list)
    }
}

/// Where postings come from.
#[derive(Clone)]
pub(in crate::text) enum List<'a> {
    Stored(ListReader<'a>),
    Memory(MemoryList),
}

impl List<'_> {
    pub(in crate::text) fn len(&self) -> usize {
        match self {
            List::Stored(list) => list.count() as usize,
            List::Memory(list) => list.entries.len(),
        }
    }

    fn block_count(&self) -> usize {
        self.len().div_ceil(BLOCK)
    }

    fn span(&self, at: usize) -> Result<Span, ImageError> {
        match self {
            List::Stored(list) => list.span(at),
            List::Memory(list) => {
                let end = list.entries.len().min((at + 1) * BLOCK);
                let block = &list.entries[at * BLOCK..end];
                Ok(Span { first: block[0], last: block[block.len() - 1], impacts: Impacts::ANY })
            }
        }
    }

    fn seek(&self, from: usize, entry: u32) -> usize {
        match self {
            List::Stored(list) => list.seek(from, entry),
            List::Memory(list) => {
                let start = from * BLOCK;
                let below = list.entries[start.min(list.entries.len())..]
                    .partition_point(|&found| found < entry);
                (start + below) / BLOCK
            }
        }
    }

    fn read(&self, at: usize, into: &mut Postings) -> Result<(), ImageError> {
        match self {
            List::Stored(list) => list.read(at, false, into),
            List::Memory(list) => {
                let range = at * BLOCK..list.entries.len().min((at + 1) * BLOCK);
                into.len = range.len();
                into.entries[..range.len()].copy_from_slice(&list.entries[range.clone()]);
                into.tfs[..range.len()].copy_from_slice(&list.tfs[range]);
                into.finish();
                Ok(())
            }
        }
    }
}

/// A cursor over a list, for one query.
pub(in crate::text) struct Cursor<'a> {
    list: List<'a>,
    pub(super) weight: f64,
    /// Of the whole list.
    pub(super) bound: f64,
    block: usize,
    blocks: usize,
    span: Span,
    /// Of the block.
    block_bound: f64,
    is_read: bool,
    postings: Box<Postings>,
    /// The first posting of the block that was not passed by.
    at: usize,
}

/// The entry that stands for "no more".
pub(super) const END: u32 = u32::MAX;

impl<'a> Cursor<'a> {
    /// At the first block of a list that is not empty.
    pub(in crate::text) fn new(
        list: List<'a>,
        weight: f64,
        scorer: &Scorer,
    ) -> Result<Self, ImageError> {
        let whole = match &list {
            List::Stored(list) => list.impacts(),
            List::Memory(_) => Impacts::ANY,
        };
        let bound = bound(whole, weight, scorer);
        let mut cursor = Self {
            weight,
            bound,
            block: 0,
            blocks: list.block_count(),
            span: list.span(0)?,
            block_bound: bound,
            is_read: false,
            postings: Box::default(),
            at: 0,
            list,
        };
        if cursor.blocks == 1 {
            cursor.load()?;
            let entries = cursor.postings.entries();
            (cursor.span.first, cursor.span.last) = (entries[0], entries[entries.len() - 1]);
        } else {
            cursor.block_bound = self::bound(cursor.span.impacts, weight, scorer);
        }
        Ok(cursor)
    }

    pub(super) fn list(&self) -> &List<'a> {
        &self.list
    }

    /// Postings in all.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The lowest entry that it may still have, [`END`] if there is none.
    #[inline]
    pub(super) fn first(&self) -> u32 {
        if self.block < self.blocks { self.span.first } else { END }
    }

    /// The last entry of the block.
    #[inline]
    pub(super) fn last(&self) -> u32 {
        self.span.last
    }

    #[inline]
    pub(super) fn is_done(&self) -> bool {
        self.block >= self.blocks
    }

    /// What documents of the block score at most by this term.
    pub(super) fn block_bound(&self) -> f64 {
        self.block_bound
    }

    /// Moves to the first block that may have `entry` or a higher one.
    #[inline]
    pub(super) fn move_to(&mut self, entry: u32, scorer: &Scorer) -> Result<(), ImageError> {
        if self.block < self.blocks && self.span.last < entry {
            let block = if self.blocks == 1 { 1 } else { self.list.seek(self.block + 1, entry) };
            self.enter(block, scorer)?;
        }
        Ok(())
    }

    /// Moves to the next block.
    pub(super) fn next_block(&mut self, scorer: &Scorer) -> Result<(), ImageError> {
        self.enter(self.block + 1, scorer)
    }

    fn enter(&mut self, block: usize, scorer: &Scorer) -> Result<(), ImageError> {
        (self.block, self.is_read, self.at) = (block, false, 0);
        if block < self.blocks {
            self.span = self.list.span(block)?;
            self.block_bound = bound(self.span.impacts, self.weight, scorer);
        }
        Ok(())
    }

    /// What documents below `end` score at most by this term, from the present block on.
    pub(super) fn bound_below(&self, end: u32, scorer: &Scorer) -> Result<f64, ImageError> {
        if self.first() >= end {
            return Ok(0.0);
        }
        let mut most = self.block_bound;
        let mut last = self.span.last;
        for block in self.block + 1..self.blocks {
            if last >= end - 1 {
                break;
            }
            if block - self.block >= MAX_REFINED {
                return Ok(self.bound);
            }
            let span = self.list.span(block)?;
            if span.first < end {
                most = most.max(bound(span.impacts, self.weight, scorer));
            }
            last = span.last;
        }
        Ok(most)
    }

    /// Reads the block, if it was not yet.
    #[inline]
    pub(super) fn load(&mut self) -> Result<(), ImageError> {
        if !self.is_read {
            self.list.read(self.block, &mut self.postings)?;
            self.is_read = true;
        }
        Ok(())
    }

    /// Postings of the block that were not passed by; it must have been read.
    #[inline]
    pub(super) fn rest(&self) -> (&[u32], &[u32]) {
        (&self.postings.entries()[self.at..], &self.postings.tfs()[self.at..])
    }

    /// Passes by `count` postings of the block.
    #[inline]
    pub(super) fn pass(&mut self, count: usize) {
        self.at += count;
    }

    /// Keeps of `batch` those that have the term, with how often they have it. Entries that are asked for
    /// ascend.
    pub(super) fn meet(&mut self, batch: &mut Batch, scorer: &Scorer) -> Result<(), ImageError> {
        let mut meeting = batch.meeting();
        while let Some(entry) = meeting.next() {
            self.move_to(entry, scorer)?;
            let first = self.first();
            if first > entry {
                meeting.skip_to(first);
            } else {
                self.load()?;
                meeting.keep(&self.postings, self.span.last);
            }
        }
        Ok(())
    }

    /// How often the document `entry` has the term; 0 if it has not. Entries that are asked for ascend.
    #[inline]
    pub(in crate::text) fn tf_of(
        &mut self,
        entry: u32,
        scorer: &Scorer,
    ) -> Result<u32, ImageError> {
        self.move_to(entry, scorer)?;
        if self.first() > entry {
            return Ok(0);
        }
        self.load()?;
        let rest = &self.postings.entries()[self.at..];
        self.at += rest.partition_point(|&found| found < entry);
        let is_there = self.postings.entries().get(self.at) == Some(&entry);
        Ok(if is_there { self.postings.tfs[self.at] } else { 0 })
    }
}

fn bound(Impacts([low, high]): Impacts, weight: f64, scorer: &Scorer) -> f64 {
    let of = |Point { tf, length }: Point| {
        if tf == 0 { 0.0 } else { scorer.bound(weight, tf, length) }
    };
    of(low).max(of(high))
}
