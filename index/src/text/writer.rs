//! The one writer of a text index.
//!
//! **Invariant:** operations come with ascending sequences below `u64::MAX`, and all of one sequence
//! come before a view of it. What the writer counts (live documents and their length) is exact
//! after every call, so that a view copies it.

use super::analysis::{Analyzer, KnownTerms, Language};
use super::compact::{Compaction, DEAD, Piece, Receipt};
use super::deaths::ALIVE;
use super::image::Image;
use super::sealed::Sealed;
use super::tail::{DocumentTerms, Tail, TailAt};
use super::tiers;
use super::view::{Frozen, Parts, Pin, TextView};
use crate::image::{ImageError, SharedSource};
use roaring::RoaringBitmap;
use std::sync::Arc;

/// Positions from here on are one: of documents longer than any text.
const MAX_POSITION: u32 = u32::MAX >> 2;

/// A text index, as its writer holds it. Readers hold [`TextView`]s.
pub struct TextIndex {
    parts: Arc<Parts>,
    /// What a view of this moment would pin.
    pin: Pin,
    document: DocumentTerms,
    known: KnownTerms,
}

/// A segment, as it is kept between two runs.
#[derive(Clone)]
pub struct Segment {
    /// What the caller calls it; the index only hands it back.
    pub tag: u64,
    /// Its image.
    pub source: SharedSource,
    /// Which of its entries are dead.
    pub dead: RoaringBitmap,
}

impl TextIndex {
    /// An empty index.
    pub fn new(analyzer: Analyzer) -> Self {
        let tail = Arc::new(Tail::new(analyzer.keeps_positions()));
        Self {
            parts: Arc::new(Parts { analyzer, sealed: Vec::new(), frozen: Vec::new(), tail }),
            pin: Pin::default(),
            document: DocumentTerms::default(),
            known: KnownTerms::default(),
        }
    }

    /// An index over an image; what is written from now on lies in memory. Costs the same for
    /// every size of image: it is read in place.
    ///
    /// # Errors
    /// [`ImageError::WrongFormat`] if the image was made by other rules than those of `analyzer`;
    /// rebuild it then.
    pub fn from_image(source: SharedSource, analyzer: Analyzer) -> Result<Self, ImageError> {
        Self::from_segments([Segment { tag: 0, source, dead: RoaringBitmap::new() }], analyzer)
    }

    /// An index over segments, as [`TextView::segments`] gave them. Costs a look at each dead document. In which
    /// languages documents were put in is the caller's to know.
    ///
    /// # Errors
    /// [`ImageError::WrongFormat`] if an image was made by other rules than those of `analyzer`;
    /// rebuild all then.
    pub fn from_segments(
        segments: impl IntoIterator<Item = Segment>,
        analyzer: Analyzer,
    ) -> Result<Self, ImageError> {
        let fingerprint = analyzer.fingerprint();
        let mut index = Self::new(analyzer);
        let mut sealed = Vec::new();
        for Segment { tag, source, dead } in segments {
            let segment = Sealed::new(Image::open(source, fingerprint)?, tag);
            let collection = segment.image.collection();
            let (mut documents, mut length) = (collection.documents, collection.length);
            for entry in dead {
                length = length.saturating_sub(u64::from(segment.image.length(entry)?));
                documents = documents.saturating_sub(1);
                segment.deaths.kill(entry, 0);
            }
            index.pin.collection.documents += documents;
            index.pin.collection.length = index.pin.collection.length.saturating_add(length);
            sealed.push(Arc::new(segment));
        }
        index.change_parts(|parts| parts.sealed = sealed);
        Ok(index)
    }

    /// Makes `text` the document of `ordinal` from `seq` on, in place of the one before, in the language of the
    /// analyzer.
    ///
    /// # Errors
    /// An image could not be asked whether it holds a document to replace; nothing changed.
    ///
    /// # Panics
    /// After 2^32 inserts, which outgrow any memory long before.
    pub fn insert(&mut self, ordinal: u32, text: &str, seq: u64) -> Result<(), ImageError> {
        self.insert_fields(ordinal, &[(text, 1)], self.parts.analyzer.language(), seq)
    }

    /// The same, of a document in several fields: each as if its text stood there so many times. No phrase
    /// reaches from one into the next. A document in another `language` than the analyzer's is found by queries
    /// that [ask in it](super::Query::in_languages).
    ///
    /// # Errors
    /// As of [`insert`](Self::insert).
    ///
    /// # Panics
    /// As [`insert`](Self::insert) does.
    pub fn insert_fields(
        &mut self,
        ordinal: u32,
        fields: &[(&str, u8)],
        language: Option<Language>,
        seq: u64,
    ) -> Result<(), ImageError> {
        self.remove(ordinal, seq)?;
        let Self { parts, pin, document, known } = self;
        let Parts { analyzer, tail, .. } = &**parts;
        let analyzer = analyzer.clone().stem(language);
        let mut first = 0_u32;
        for (text, times) in fields {
            for _ in 0..*times {
                let mut next = first;
                analyzer.analyze_knowing(known, text, |token| {
                    let position = first.saturating_add(token.position).min(MAX_POSITION);
                    next = position.saturating_add(2);
                    document.add(token.term, position, &tail.terms);
                });
                first = next;
            }
        }
        let length = tail.append(pin.entries, ordinal, document);
        pin.entries = pin.entries.checked_add(1).expect("2^32 entries outgrow the memory first");
        pin.collection.documents += 1;
        pin.collection.length += u64::from(length);
        Ok(())
    }

    /// Ends the document of `ordinal` at `seq`; false if there is none.
    ///
    /// # Errors
    /// An image could not be asked whether it holds the document; nothing changed.
    pub fn remove(&mut self, ordinal: u32, seq: u64) -> Result<bool, ImageError> {
        let removed = self.kill(ordinal, seq)?;
        self.pin.seq = self.pin.seq.max(seq);
        if let Some(length) = removed {
            let collection = &mut self.pin.collection;
            // Saturating, because the counts of an image are only as good as its bytes.
            collection.documents = collection.documents.saturating_sub(1);
            collection.length = collection.length.saturating_sub(u64::from(length));
        }
        Ok(removed.is_some())
    }

    /// Ends the live document of `ordinal`, and says how long it was.
    fn kill(&self, ordinal: u32, seq: u64) -> Result<Option<u32>, ImageError> {
        let Parts { sealed, frozen, tail, .. } = &*self.parts;
        let open = TailAt { tail, entries: self.pin.entries, seq: ALIVE - 1 };
        let tails = frozen.iter().rev().map(|Frozen { tail, entries }| TailAt {
            tail,
            entries: *entries,
            seq: ALIVE - 1,
        });
        for tail in std::iter::once(open).chain(tails) {
            if let Some((_, slot)) = tail.find(ordinal) {
                return Ok(slot.kill(seq).then(|| slot.length()));
            }
        }
        for sealed in sealed.iter().rev() {
            if let Some((entry, length)) = sealed.image.find(ordinal)?
                && sealed.deaths.kill(entry, seq)
            {
                return Ok(Some(length));
            }
        }
        Ok(None)
    }

    /// The index as of `seq`, or of the last write if that came later. Copies a few counters.
    pub fn view(&self, seq: u64) -> TextView {
        let seq = self.pin.seq.max(seq).min(ALIVE - 1);
        let pin = Pin { seq, ..self.pin };
        TextView::new(Arc::clone(&self.parts), pin)
    }

    /// The live documents as one image; see [`TextView::write_image`].
    pub fn write_image(&self, seq: u64) -> Result<Vec<u8>, ImageError> {
        self.view(seq).write_image()
    }

    /// Begins to make a segment of what lies in memory; `None` if nothing does. Documents that are
    /// written meanwhile lie in a new tail. As for a view, all writes of a sequence come before it. Reads
    /// nothing yet, and can be asked for again where the work was given up.
    pub fn seal(&mut self) -> Option<Compaction> {
        if self.pin.entries > 0 {
            let entries = std::mem::take(&mut self.pin.entries);
            let fresh = Arc::new(Tail::new(self.parts.analyzer.keeps_positions()));
            self.change_parts(|parts| {
                let tail = std::mem::replace(&mut parts.tail, fresh);
                parts.frozen.push(Frozen { tail, entries });
            });
            self.document = DocumentTerms::default();
        }
        let pieces: Vec<_> = self.parts.frozen.iter().cloned().map(Piece::Tail).collect();
        self.compaction(pieces)
    }

    /// Begins to make one segment of several, or of one that is half dead; `None` if there are few
    /// enough. Each document is written again a few times in its life, and the number of segments grows
    /// with the logarithm of the documents. Reads nothing yet.
    pub fn merge(&self) -> Option<Compaction> {
        let sealed = &self.parts.sealed;
        let picked = self.picked();
        self.compaction(picked.iter().map(|&at| Piece::Sealed(Arc::clone(&sealed[at]))).collect())
    }

    /// Is there anything to [merge](Self::merge)?
    pub fn is_merge_due(&self) -> bool {
        !self.picked().is_empty()
    }

    fn picked(&self) -> Vec<usize> {
        let sealed = self.parts.sealed.iter();
        tiers::pick(&sealed.map(|sealed| sealed.size(self.pin.seq)).collect::<Vec<_>>())
    }

    /// The tags of its segments.
    pub fn tags(&self) -> impl Iterator<Item = u64> {
        self.parts.sealed.iter().map(|sealed| sealed.tag)
    }

    fn compaction(&self, pieces: Vec<Piece>) -> Option<Compaction> {
        if pieces.is_empty() {
            return None;
        }
        let analyzer = &self.parts.analyzer;
        let (fingerprint, positions) = (analyzer.fingerprint(), analyzer.keeps_positions());
        Some(Compaction::new(pieces, self.pin.seq, fingerprint, positions))
    }

    /// Puts a segment in place of what it was made from; what has died meanwhile is dead there too.
    /// Views that are held go on with what they have. Costs a step for each document that was in memory,
    /// and for each that died.
    ///
    /// # Errors
    /// `source` is not the segment, or what it was made from is not of this index any more; nothing
    /// changed.
    pub fn adopt(
        &mut self,
        receipt: &Receipt,
        tag: u64,
        source: SharedSource,
    ) -> Result<(), ImageError> {
        let sealed = Sealed::new(Image::open(source, self.parts.analyzer.fingerprint())?, tag);
        if sealed.image.documents() as usize != receipt.documents {
            return Err(ImageError::Inconsistent { what: "the segment is the one that was made" });
        }
        let is_of = |parts: &Parts, piece: &Piece| match piece {
            Piece::Sealed(sealed) => parts.sealed.iter().any(|own| Arc::ptr_eq(own, sealed)),
            Piece::Tail(f) => parts.frozen.iter().any(|own| Arc::ptr_eq(&own.tail, &f.tail)),
        };
        if !receipt.pieces.iter().all(|piece| is_of(&self.parts, piece)) {
            return Err(ImageError::Inconsistent { what: "a part becomes a segment once" });
        }
        let mut deaths = Vec::new();
        for (piece, numbers) in receipt.pieces.iter().zip(&receipt.numbers) {
            piece.deaths_after(receipt.seq, |entry, seq| {
                let number = numbers[entry as usize];
                if number != DEAD {
                    deaths.push((seq, number));
                }
            });
        }
        deaths.sort_unstable();
        for (seq, entry) in deaths {
            sealed.deaths.kill(entry, seq);
        }
        self.change_parts(|parts| {
            let is_replaced = |piece: &Piece| {
                receipt.pieces.iter().any(|replaced| match (piece, replaced) {
                    (Piece::Sealed(a), Piece::Sealed(b)) => Arc::ptr_eq(a, b),
                    (Piece::Tail(a), Piece::Tail(b)) => Arc::ptr_eq(&a.tail, &b.tail),
                    _ => false,
                })
            };
            parts.sealed.retain(|own| !is_replaced(&Piece::Sealed(Arc::clone(own))));
            parts.frozen.retain(|own| !is_replaced(&Piece::Tail(own.clone())));
            if receipt.documents > 0 {
                parts.sealed.push(Arc::new(sealed));
            }
        });
        Ok(())
    }

    fn change_parts(&mut self, change: impl FnOnce(&mut Parts)) {
        let mut parts = Parts::clone(&self.parts);
        change(&mut parts);
        self.parts = Arc::new(parts);
    }

    /// Live documents.
    pub fn live(&self) -> u64 {
        self.pin.collection.documents
    }

    /// Documents that lie in memory and in no segment, dead ones among them.
    pub fn unsealed(&self) -> u64 {
        let frozen = self.parts.frozen.iter().map(|frozen| u64::from(frozen.entries));
        frozen.sum::<u64>() + u64::from(self.pin.entries)
    }

    /// Documents that take space though no new view sees them.
    pub fn dead(&self) -> u64 {
        let sealed = self.parts.sealed.iter().map(|sealed| u64::from(sealed.image.documents()));
        (sealed.sum::<u64>() + self.unsealed()).saturating_sub(self.live())
    }

    /// Memory in use, in bytes; images are not counted.
    pub fn heap_bytes(&self) -> usize {
        let Parts { sealed, frozen, tail, .. } = &*self.parts;
        let sealed = sealed.iter().map(|sealed| sealed.heap_bytes()).sum::<usize>();
        let frozen = frozen.iter().map(|frozen| frozen.tail.heap_bytes()).sum::<usize>();
        sealed + frozen + tail.heap_bytes() + self.document.heap_bytes() + self.known.heap_bytes()
    }
}
