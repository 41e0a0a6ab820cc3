//! Walks all that a view holds, in an order that does not depend on how it came there.
//!
//! **Invariant:** two views over the same live documents walk alike, whatever lies in an image
//! or the tail; hence equal digests and equal images.

use super::WINDOW;
use super::image::{Image, ImageWriter};
use super::part::SealedAt;
use super::view::TextView;
use crate::image::ImageError;
use xxhash_rust::xxh3::Xxh3;

/// An entry that is not live, in the tables that number the live ones.
const DEAD: u32 = u32::MAX;

/// The live documents, numbered by ascending ordinal.
struct Live {
    /// Ordinal and length.
    documents: Vec<(u32, u32)>,
    /// Number by entry of the image.
    sealed: Vec<u32>,
    /// Number by entry of the tail.
    tail: Vec<u32>,
}

/// Where a live document lies.
#[derive(Clone, Copy)]
enum Place {
    Sealed(u32),
    Tail(u32),
}

impl TextView {
    /// Ordinal and length (terms, with repetition) of every live document, by ascending ordinal.
    pub fn for_each_live(&self, mut visit: impl FnMut(u32, u32)) -> Result<(), ImageError> {
        for (ordinal, length) in self.number_live()?.documents {
            visit(ordinal, length);
        }
        Ok(())
    }

    /// Every (term, ordinal, term frequency) of a live document, by term, then ordinal.
    pub fn for_each_posting(
        &self,
        mut visit: impl FnMut(&str, u32, u32),
    ) -> Result<(), ImageError> {
        let live = self.number_live()?;
        self.for_each_term(&live, |term, postings| {
            for &(number, tf) in postings {
                visit(term, live.documents[number as usize].0, tf);
            }
        })
    }

    /// A fingerprint of all that is live: equal for an index that caught up and one rebuilt.
    pub fn digest(&self) -> Result<u128, ImageError> {
        let live = self.number_live()?;
        let mut hash = Xxh3::new();
        for (ordinal, length) in &live.documents {
            hash.update(&ordinal.to_le_bytes());
            hash.update(&length.to_le_bytes());
        }
        self.for_each_term(&live, |term, postings| {
            hash.update(&(term.len() as u64).to_le_bytes());
            hash.update(term.as_bytes());
            hash.update(&(postings.len() as u64).to_le_bytes());
            for (number, tf) in postings {
                hash.update(&number.to_le_bytes());
                hash.update(&tf.to_le_bytes());
            }
        })?;
        Ok(hash.digest128())
    }

    /// Reads everything and checks that it adds up: every document is as long as its postings
    /// say, and the collection as long as its documents.
    ///
    /// # Errors
    /// [`ImageError::Inconsistent`] names the rule that does not hold.
    pub fn validate(&self) -> Result<(), ImageError> {
        let live = self.number_live()?;
        let rule =
            |holds: bool, what| if holds { Ok(()) } else { Err(ImageError::Inconsistent { what }) };
        let collection = self.pin.collection;
        rule(live.documents.len() as u64 == collection.documents, "live documents are counted")?;
        let length = live.documents.iter().map(|&(_, length)| u64::from(length)).sum::<u64>();
        rule(length == collection.length, "the collection is as long as its documents")?;
        let mut lengths = vec![0_u64; live.documents.len()];
        self.for_each_term(&live, |_, postings| {
            for &(number, tf) in postings {
                lengths[number as usize] += u64::from(tf);
            }
        })?;
        let is_exact = lengths
            .iter()
            .zip(&live.documents)
            .all(|(&sum, &(_, length))| sum == u64::from(length));
        rule(is_exact, "a document is as long as its postings")
    }

    /// The live documents as an image. Deterministic, and it may run while the writer goes on.
    pub fn write_image(&self) -> Result<Vec<u8>, ImageError> {
        let live = self.number_live()?;
        let fingerprint = self.parts.analyzer.fingerprint();
        let mut writer = ImageWriter::new(fingerprint, live.documents.iter().copied());
        self.for_each_term(&live, |term, postings| writer.term(term, postings))?;
        Ok(writer.finish())
    }

    fn number_live(&self) -> Result<Live, ImageError> {
        let mut live = Vec::new();
        let mut sealed_entries = 0;
        if let Some(SealedAt { sealed, seq }) = self.sealed() {
            sealed_entries = sealed.image.documents();
            for first in (0..sealed_entries).step_by(WINDOW as usize) {
                let window = sealed.image.window(first)?;
                let entries = (first..).zip(0..window.len());
                for (entry, offset) in
                    entries.filter(|&(entry, _)| sealed.deaths.is_live(entry, seq))
                {
                    let place = Place::Sealed(entry);
                    live.push((window.ordinal(offset), window.length(offset), place));
                }
            }
        }
        let tail = self.tail();
        live.extend(tail.live().map(|(e, slot)| (slot.ordinal(), slot.length(), Place::Tail(e))));
        live.sort_by_key(|&(ordinal, ..)| ordinal);
        if live.is_sorted_by(|a, b| a.0 < b.0) {
            Ok(Live::number(&live, sealed_entries, tail.entries))
        } else {
            Err(ImageError::Inconsistent { what: "an ordinal names one live document" })
        }
    }

    /// Hands over every term that a live document has, ascending, with (number, frequency) of
    /// those documents, ascending.
    fn for_each_term(
        &self,
        live: &Live,
        mut visit: impl FnMut(&str, &[(u32, u32)]),
    ) -> Result<(), ImageError> {
        let mut buffer = Vec::new();
        let mut tail_terms = self.parts.tail.terms.sorted().into_iter().peekable();
        let image = self.sealed().map(|part| &part.sealed.image);
        let mut before: Option<&str> = None;
        for entry in image.into_iter().flat_map(Image::terms) {
            let (term, postings) = entry?;
            if before.is_some_and(|before| before >= term) {
                return Err(ImageError::Inconsistent { what: "terms ascend" });
            }
            before = Some(term);
            while let Some(name) = tail_terms.next_if(|name| &**name < term) {
                self.collect_tail(&name, live, &mut buffer);
                hand_over(&name, &mut buffer, &mut visit);
            }
            for posting in postings {
                let posting = posting?;
                keep(&live.sealed, posting.entry, posting.tf, &mut buffer);
            }
            if let Some(name) = tail_terms.next_if(|name| &**name == term) {
                self.collect_tail(&name, live, &mut buffer);
            }
            hand_over(term, &mut buffer, &mut visit);
        }
        for name in tail_terms {
            self.collect_tail(&name, live, &mut buffer);
            hand_over(&name, &mut buffer, &mut visit);
        }
        Ok(())
    }

    /// Adds the live postings that `term` has in the tail.
    fn collect_tail(&self, term: &str, live: &Live, into: &mut Vec<(u32, u32)>) {
        let Some(list) = self.parts.tail.terms.postings(term) else { return };
        for posting in list.iter().take_while(|p| p.entry < self.pin.entries) {
            keep(&live.tail, posting.entry, posting.tf, into);
        }
    }
}

impl Live {
    /// Numbers `live`, which ascends by ordinal.
    fn number(live: &[(u32, u32, Place)], sealed_entries: u32, tail_entries: u32) -> Self {
        let mut sealed = vec![DEAD; sealed_entries as usize];
        let mut tail = vec![DEAD; tail_entries as usize];
        for (number, &(.., place)) in live.iter().enumerate() {
            match place {
                Place::Sealed(entry) => sealed[entry as usize] = number as u32,
                Place::Tail(entry) => tail[entry as usize] = number as u32,
            }
        }
        let documents = live.iter().map(|&(ordinal, length, _)| (ordinal, length)).collect();
        Self { documents, sealed, tail }
    }
}

/// Adds a posting under the number of its document, if that is live.
fn keep(numbers: &[u32], entry: u32, tf: u32, into: &mut Vec<(u32, u32)>) {
    let number = numbers[entry as usize];
    if number != DEAD {
        into.push((number, tf));
    }
}

/// Visits a term that has postings, and empties them.
fn hand_over(
    term: &str,
    postings: &mut Vec<(u32, u32)>,
    visit: &mut impl FnMut(&str, &[(u32, u32)]),
) {
    if !postings.is_empty() {
        postings.sort_unstable();
        visit(term, postings);
        postings.clear();
    }
}
