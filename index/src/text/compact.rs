//! Makes one segment of several parts: of a tail, of small segments, or of all there is.
//!
//! A [`Compaction`] owns what it reads, works in steps and may be dropped after any of them; what it has
//! made is taken in by [`TextIndex::adopt`](super::TextIndex::adopt).
//!
//! **Invariant:** what is made depends on the live documents alone, not on the parts in which they lay,
//! and holds no document that was dead when the compaction began.

use super::image::{BLOCK, ImageWriter, Postings, TermCursor, TermPostings, TermRecord};
use super::sealed::Sealed;
use super::view::Frozen;
use super::{WINDOW, deaths};
use crate::image::ImageError;
use std::sync::Arc;

/// An entry that is not live, in the tables that number the live ones.
pub(super) const DEAD: u32 = u32::MAX;

/// A part that outlives the index.
#[derive(Clone)]
pub(super) enum Piece {
    Sealed(Arc<Sealed>),
    Tail(Frozen),
}

impl Piece {
    /// Ordinal, length and entry of each document that lives at `seq`.
    fn live(&self, seq: u64, mut visit: impl FnMut(u32, u32, u32)) -> Result<(), ImageError> {
        match self {
            Piece::Sealed(sealed) => {
                for first in (0..sealed.image.documents()).step_by(WINDOW as usize) {
                    let page = sealed.image.page(first)?;
                    let dead = sealed.deaths.window(first);
                    for offset in 0..page.len() {
                        if dead.is_none_or(|dead| deaths::is_live(&dead[offset], seq)) {
                            visit(page.ordinal(offset), page.length(offset), first + offset as u32);
                        }
                    }
                }
            }
            Piece::Tail(Frozen { tail, entries }) => {
                for entry in 0..*entries {
                    if let Some(slot) = tail.slots.get(entry)
                        && slot.is_live(seq)
                    {
                        visit(slot.ordinal(), slot.length(), entry);
                    }
                }
            }
        }
        Ok(())
    }

    fn entries(&self) -> u32 {
        match self {
            Piece::Sealed(sealed) => sealed.image.documents(),
            Piece::Tail(Frozen { entries, .. }) => *entries,
        }
    }

    /// Entry and sequence of every death after `seq`, in no particular order.
    pub(super) fn deaths_after(&self, seq: u64, mut visit: impl FnMut(u32, u64)) {
        match self {
            Piece::Sealed(sealed) => {
                let from = sealed.deaths.count_at(seq);
                for entry in sealed.deaths.between(from, usize::MAX) {
                    visit(entry, sealed.deaths.died(entry));
                }
            }
            Piece::Tail(Frozen { tail, entries }) => {
                let slots = (0..*entries).filter_map(|entry| Some((entry, tail.slots.get(entry)?)));
                for (entry, slot) in slots.filter(|(_, slot)| !slot.is_live(deaths::ALIVE - 1)) {
                    if slot.is_live(seq) {
                        visit(entry, slot.died());
                    }
                }
            }
        }
    }
}

/// The terms of a piece, one after the other.
enum Terms {
    Sealed { cursor: TermCursor, record: Option<TermRecord> },
    Tail { names: std::vec::IntoIter<Arc<str>> },
}

/// A piece that is being read.
struct Source {
    piece: Piece,
    /// Number among all live documents, by entry.
    numbers: Vec<u32>,
    terms: Terms,
    /// The term that is next.
    head: Option<String>,
}

impl Source {
    /// Makes the term behind the present one the head.
    fn advance(&mut self) -> Result<(), ImageError> {
        match (&mut self.terms, &self.piece) {
            (Terms::Sealed { cursor, record }, Piece::Sealed(sealed)) => {
                let Some((term, found)) = cursor.next(&sealed.image)? else {
                    self.head = None;
                    return Ok(());
                };
                let head = self.head.get_or_insert_default();
                head.clear();
                head.push_str(term);
                *record = Some(found);
            }
            (Terms::Tail { names }, _) => self.head = names.next().map(|name| String::from(&*name)),
            (Terms::Sealed { .. }, Piece::Tail(_)) => self.head = None,
        }
        Ok(())
    }

    /// Adds the live postings of the head.
    fn collect(&self, scratch: &mut Postings, into: &mut TermPostings) -> Result<(), ImageError> {
        match (&self.terms, &self.piece) {
            (Terms::Sealed { record: Some(record), .. }, Piece::Sealed(sealed)) => {
                let list = sealed.image.list(record)?;
                for block in 0..list.block_count() {
                    list.read(block, true, scratch)?;
                    let mut positions = scratch.positions.as_slice();
                    for (&entry, &tf) in scratch.entries().iter().zip(scratch.tfs()) {
                        let own = positions.split_off(..positions.len().min(tf as usize));
                        let number = self.numbers[entry as usize];
                        if number != DEAD {
                            into.entries.push(number);
                            into.tfs.push(tf);
                            into.positions.extend_from_slice(own.unwrap_or_default());
                        }
                    }
                }
            }
            (Terms::Tail { .. }, Piece::Tail(Frozen { tail, entries })) => {
                let Some(name) = &self.head else { return Ok(()) };
                let Some(mut list) = tail.terms.postings(name, tail.has_positions) else {
                    return Ok(());
                };
                loop {
                    let (start, mut before) = (into.positions.len(), 0);
                    let next = list.next(|position| {
                        into.positions.push(position - before);
                        before = position;
                    });
                    let Some((entry, tf)) = next.filter(|&(entry, _)| entry < *entries) else {
                        into.positions.truncate(start);
                        break;
                    };
                    let number = self.numbers[entry as usize];
                    if number == DEAD {
                        into.positions.truncate(start);
                    } else {
                        into.entries.push(number);
                        into.tfs.push(tf);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// All that lives in some parts, in an order that does not depend on the parts.
pub(super) struct Walk {
    sources: Vec<Source>,
    /// Ordinal and length by number, by ascending ordinal.
    pub(super) documents: Vec<(u32, u32)>,
    term: String,
    postings: TermPostings,
    scratch: Postings,
}

impl Walk {
    /// What lives at `seq`.
    ///
    /// # Errors
    /// An ordinal lives in several places, or an image could not be read.
    pub(super) fn new(pieces: Vec<Piece>, seq: u64) -> Result<Self, ImageError> {
        let mut live = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            piece.live(seq, |ordinal, length, entry| live.push((ordinal, length, at, entry)))?;
        }
        if !live.is_sorted_by_key(|&(ordinal, ..)| ordinal) {
            live.sort_unstable_by_key(|&(ordinal, ..)| ordinal);
        }
        if !live.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(ImageError::Inconsistent { what: "an ordinal names one live document" });
        }
        let mut numbers: Vec<_> =
            pieces.iter().map(|piece| vec![DEAD; piece.entries() as usize]).collect();
        for (number, &(_, _, at, entry)) in live.iter().enumerate() {
            numbers[at][entry as usize] = number as u32;
        }
        let documents = live.iter().map(|&(ordinal, length, ..)| (ordinal, length)).collect();
        let mut sources = Vec::with_capacity(pieces.len());
        for (piece, numbers) in pieces.into_iter().zip(numbers) {
            let terms = match &piece {
                Piece::Sealed(_) => Terms::Sealed { cursor: TermCursor::default(), record: None },
                Piece::Tail(Frozen { tail, .. }) => {
                    Terms::Tail { names: tail.terms.names(|_| true).into_iter() }
                }
            };
            let mut source = Source { piece, numbers, terms, head: None };
            source.advance()?;
            sources.push(source);
        }
        Ok(Self {
            sources,
            documents,
            term: String::new(),
            postings: TermPostings::default(),
            scratch: Postings::default(),
        })
    }

    /// The next term that a live document has, and its postings by the numbers of documents.
    pub(super) fn next(&mut self) -> Result<Option<(&str, &TermPostings)>, ImageError> {
        self.postings.clear();
        while self.postings.entries.is_empty() {
            let heads = self.sources.iter().filter_map(|source| source.head.as_deref());
            let Some(least) = heads.min() else { return Ok(None) };
            self.term.clear();
            self.term.push_str(least);
            for source in &mut self.sources {
                if source.head.as_ref() == Some(&self.term) {
                    source.collect(&mut self.scratch, &mut self.postings)?;
                    source.advance()?;
                }
            }
        }
        self.postings.sort();
        Ok(Some((&self.term, &self.postings)))
    }
}

impl TermPostings {
    /// Brings postings of several parts into one order.
    fn sort(&mut self) {
        if self.entries.is_sorted() {
            return;
        }
        let mut start = 0;
        let mut order: Vec<_> = self
            .entries
            .iter()
            .zip(&self.tfs)
            .map(|(&entry, &tf)| {
                let range = start..(start + tf as usize).min(self.positions.len());
                start = range.end;
                (entry, tf, range)
            })
            .collect();
        order.sort_unstable_by_key(|&(entry, ..)| entry);
        let positions = std::mem::take(&mut self.positions);
        self.clear();
        for (entry, tf, range) in order {
            self.entries.push(entry);
            self.tfs.push(tf);
            self.positions.extend_from_slice(&positions[range]);
        }
    }
}

/// A segment in the making.
pub struct Compaction {
    seq: u64,
    pieces: Vec<Piece>,
    fingerprint: u64,
    has_positions: bool,
    /// Once the first step was done.
    begun: Option<Begun>,
}

struct Begun {
    walk: Walk,
    writer: ImageWriter,
}

/// What a compaction has made, and in place of what.
pub struct Compacted {
    /// The segment; without a document if nothing lives any more.
    pub image: Vec<u8>,
    /// Stands for it when it is taken in.
    pub receipt: Receipt,
}

/// In place of what a segment was made.
pub struct Receipt {
    pub(super) seq: u64,
    pub(super) pieces: Vec<Piece>,
    /// Entry in the segment, by piece and entry there.
    pub(super) numbers: Vec<Vec<u32>>,
    pub(super) documents: usize,
}

impl Compaction {
    /// Reads nothing yet.
    pub(super) fn new(pieces: Vec<Piece>, seq: u64, fingerprint: u64, has_positions: bool) -> Self {
        Self { seq, pieces, fingerprint, has_positions, begun: None }
    }

    fn begun(&mut self) -> Result<&mut Begun, ImageError> {
        let begun = if let Some(begun) = self.begun.take() {
            begun
        } else {
            let walk = Walk::new(self.pieces.clone(), self.seq)?;
            let documents = walk.documents.clone();
            let writer = ImageWriter::new(self.fingerprint, self.has_positions, documents)?;
            Begun { walk, writer }
        };
        Ok(self.begun.insert(begun))
    }

    /// Goes on for about as many postings; true once there is nothing more to do. The first step also
    /// reads which documents live.
    ///
    /// # Errors
    /// An image could not be read, or the same ordinal lives twice, which only unsound images can bring
    /// about.
    pub fn step(&mut self, postings: usize) -> Result<bool, ImageError> {
        let Begun { walk, writer } = self.begun()?;
        let mut left = postings.max(1);
        while left > 0 {
            let Some((term, found)) = walk.next()? else { return Ok(true) };
            writer.term(term, found)?;
            left = left.saturating_sub(found.entries.len() + BLOCK / 8);
        }
        Ok(false)
    }

    /// Does what is left, and gives the segment.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn finish(mut self) -> Result<Compacted, ImageError> {
        while !self.step(usize::MAX)? {}
        let (seq, pieces) = (self.seq, self.pieces.clone());
        self.begun()?;
        let Some(Begun { walk, writer }) = self.begun else {
            return Err(ImageError::Inconsistent { what: "what was begun can be finished" });
        };
        let documents = walk.documents.len();
        let numbers = walk.sources.into_iter().map(|source| source.numbers).collect();
        let receipt = Receipt { seq, pieces, numbers, documents };
        Ok(Compacted { image: writer.finish()?, receipt })
    }
}
