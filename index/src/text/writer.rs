//! The one writer of a text index.
//!
//! **Invariant:** operations come with ascending sequences below `u64::MAX`, and all of one sequence
//! come before a view of it. What the writer counts (live documents, their length, deaths by part) is exact
//! after every call, so that a view copies it.

use super::analysis::Analyzer;
use super::deaths::ALIVE;
use super::image::Image;
use super::part::Sealed;
use super::postings::TermCounter;
use super::tail::Tail;
use super::view::{Parts, Pin, TextView};
use crate::image::{ImageError, SharedSource};
use std::sync::Arc;

/// A text index, as its writer holds it. Readers hold [`TextView`]s.
pub struct TextIndex {
    parts: Arc<Parts>,
    /// What a view of this moment would pin.
    pin: Pin,
    counter: TermCounter,
}

impl TextIndex {
    /// An empty index.
    pub fn new(analyzer: Analyzer) -> Self {
        Self::over(analyzer, None)
    }

    /// An index over an image; what is written from now on lies in memory. Costs the same for
    /// every size of image: it is read in place.
    ///
    /// # Errors
    /// [`ImageError::WrongFormat`] if the image was made by other rules than those of `analyzer`;
    /// rebuild it then.
    pub fn from_image(source: SharedSource, analyzer: Analyzer) -> Result<Self, ImageError> {
        let image = Image::open(source, analyzer.fingerprint())?;
        Ok(Self::over(analyzer, Some(Sealed::new(image))))
    }

    fn over(analyzer: Analyzer, sealed: Option<Sealed>) -> Self {
        let collection = sealed.as_ref().map(|s| s.image.collection()).unwrap_or_default();
        Self {
            parts: Arc::new(Parts { analyzer, sealed, tail: Tail::default() }),
            pin: Pin { collection, ..Pin::default() },
            counter: TermCounter::default(),
        }
    }

    /// Makes `text` the document of `ordinal` from `seq` on, in place of the one before.
    ///
    /// # Errors
    /// The image could not be asked whether it holds a document to replace; nothing changed.
    ///
    /// # Panics
    /// After 2^32 inserts, which outgrow any memory long before.
    pub fn insert(&mut self, ordinal: u32, text: &str, seq: u64) -> Result<(), ImageError> {
        self.remove(ordinal, seq)?;
        let Self { parts, pin, counter } = self;
        let Parts { analyzer, tail, .. } = &**parts;
        analyzer.analyze(text, |term| counter.add(term, &tail.terms));
        let length = tail.append(pin.entries, ordinal, counter);
        pin.entries = pin.entries.checked_add(1).expect("2^32 entries outgrow the memory first");
        pin.collection.documents += 1;
        pin.collection.length += u64::from(length);
        Ok(())
    }

    /// Ends the document of `ordinal` at `seq`; false if there is none.
    ///
    /// # Errors
    /// The image could not be asked whether it holds the document; nothing changed.
    pub fn remove(&mut self, ordinal: u32, seq: u64) -> Result<bool, ImageError> {
        let Parts { sealed, tail, .. } = &*self.parts;
        let pin = &mut self.pin;
        let in_tail = tail.newest(ordinal).and_then(|entry| tail.slots.get(entry));
        let removed = if let Some(slot) = in_tail {
            // An ordinal that ever was in the tail no longer lives in the image.
            let was_live = slot.kill(seq);
            pin.tail_dead += u32::from(was_live);
            was_live.then(|| slot.length())
        } else if let Some(sealed) = sealed
            && let Some((entry, length)) = sealed.image.find(ordinal)?
        {
            let was_live = sealed.deaths.kill(entry, seq);
            pin.sealed_dead += u32::from(was_live);
            was_live.then_some(length)
        } else {
            None
        };
        pin.seq = pin.seq.max(seq);
        if let Some(length) = removed {
            // Saturating, because the counts of an image are only as good as its bytes.
            pin.collection.documents = pin.collection.documents.saturating_sub(1);
            pin.collection.length = pin.collection.length.saturating_sub(u64::from(length));
        }
        Ok(removed.is_some())
    }

    /// The index as of `seq`, or of the last write if that came later. Copies a few counters.
    pub fn view(&self, seq: u64) -> TextView {
        let seq = self.pin.seq.max(seq).min(ALIVE - 1);
        let pin = Pin { seq, ..self.pin };
        TextView::new(Arc::clone(&self.parts), pin)
    }

    /// The live documents as an image; see [`TextView::write_image`].
    pub fn write_image(&self, seq: u64) -> Result<Vec<u8>, ImageError> {
        self.view(seq).write_image()
    }

    /// Live documents.
    pub fn live(&self) -> u64 {
        self.pin.collection.documents
    }

    /// Documents that take space though no new view sees them.
    pub fn dead(&self) -> u64 {
        u64::from(self.pin.sealed_dead) + u64::from(self.pin.tail_dead)
    }

    /// Memory in use, in bytes; the image is not counted.
    pub fn heap_bytes(&self) -> usize {
        let deaths = self.parts.sealed.as_ref().map_or(0, |sealed| sealed.deaths.heap_bytes());
        deaths + self.parts.tail.heap_bytes() + self.counter.heap_bytes()
    }
}
