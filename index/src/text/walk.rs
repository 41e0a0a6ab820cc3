//! Walks all that a view holds, in an order that does not depend on how it came there.
//!
//! **Invariant:** two views over the same live documents walk alike, whatever lies in segments
//! or the tail; hence equal digests and equal images.

use super::compact::{Compaction, Piece, Walk};
use super::view::{Frozen, TextView};
use crate::image::ImageError;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

impl TextView {
    /// Ordinal and length (terms, with repetition) of every live document, by ascending ordinal.
    pub fn for_each_live(&self, mut visit: impl FnMut(u32, u32)) -> Result<(), ImageError> {
        for (ordinal, length) in self.walk()?.documents {
            visit(ordinal, length);
        }
        Ok(())
    }

    /// Every (term, ordinal, term frequency) of a live document, by term, then ordinal.
    pub fn for_each_posting(
        &self,
        mut visit: impl FnMut(&str, u32, u32),
    ) -> Result<(), ImageError> {
        let mut walk = self.walk()?;
        let documents = std::mem::take(&mut walk.documents);
        while let Some((term, postings)) = walk.next()? {
            for (&number, &tf) in postings.entries.iter().zip(&postings.tfs) {
                visit(term, documents[number as usize].0, tf);
            }
        }
        Ok(())
    }

    /// A fingerprint of all that is live: equal for an index that caught up and one rebuilt.
    pub fn digest(&self) -> Result<u128, ImageError> {
        let mut walk = self.walk()?;
        let mut hash = Xxh3::new();
        for (ordinal, length) in &walk.documents {
            hash.update(&ordinal.to_le_bytes());
            hash.update(&length.to_le_bytes());
        }
        while let Some((term, postings)) = walk.next()? {
            hash.update(&(term.len() as u64).to_le_bytes());
            hash.update(term.as_bytes());
            hash.update(&(postings.entries.len() as u64).to_le_bytes());
            let numbers = postings.entries.iter().chain(&postings.tfs).chain(&postings.positions);
            for number in numbers {
                hash.update(&number.to_le_bytes());
            }
        }
        Ok(hash.digest128())
    }

    /// Reads everything and checks that it adds up: every document is as long as its postings
    /// say, and the collection as long as its documents.
    ///
    /// # Errors
    /// [`ImageError::Inconsistent`] names the rule that does not hold.
    pub fn validate(&self) -> Result<(), ImageError> {
        let mut walk = self.walk()?;
        let rule =
            |holds: bool, what| if holds { Ok(()) } else { Err(ImageError::Inconsistent { what }) };
        let collection = self.pin.collection;
        rule(walk.documents.len() as u64 == collection.documents, "live documents are counted")?;
        let length = walk.documents.iter().map(|&(_, length)| u64::from(length)).sum::<u64>();
        rule(length == collection.length, "the collection is as long as its documents")?;
        let keeps_positions = self.parts.analyzer.keeps_positions();
        let mut lengths = vec![0_u64; walk.documents.len()];
        while let Some((_, postings)) = walk.next()? {
            for (&number, &tf) in postings.entries.iter().zip(&postings.tfs) {
                lengths[number as usize] += u64::from(tf);
            }
            let occurrences = postings.tfs.iter().map(|&tf| u64::from(tf)).sum::<u64>();
            let positions = if keeps_positions { occurrences } else { 0 };
            rule(postings.positions.len() as u64 == positions, "occurrences have positions")?;
        }
        let is_exact = lengths
            .iter()
            .zip(&walk.documents)
            .all(|(&sum, &(_, length))| sum == u64::from(length));
        rule(is_exact, "a document is as long as its postings")
    }

    /// The live documents as one image. Deterministic, and it may run while the writer goes on.
    pub fn write_image(&self) -> Result<Vec<u8>, ImageError> {
        let analyzer = &self.parts.analyzer;
        let (fingerprint, positions) = (analyzer.fingerprint(), analyzer.keeps_positions());
        let compaction = Compaction::new(self.pieces(), self.pin.seq, fingerprint, positions);
        Ok(compaction.finish()?.image)
    }

    /// The live documents that lie in memory as a segment; `None` if there are none. With
    /// [`segments`](Self::segments) these are all there is. Deterministic, and it may run while the writer
    /// goes on.
    pub fn write_unsealed(&self) -> Result<Option<Vec<u8>>, ImageError> {
        let analyzer = &self.parts.analyzer;
        let (fingerprint, positions) = (analyzer.fingerprint(), analyzer.keeps_positions());
        let compaction = Compaction::new(self.tails(), self.pin.seq, fingerprint, positions);
        let compacted = compaction.finish()?;
        Ok((compacted.receipt.documents > 0).then_some(compacted.image))
    }

    fn walk(&self) -> Result<Walk, ImageError> {
        Walk::new(self.pieces(), self.pin.seq)
    }

    fn pieces(&self) -> Vec<Piece> {
        let sealed = self.parts.sealed.iter().map(|sealed| Piece::Sealed(Arc::clone(sealed)));
        sealed.chain(self.tails()).collect()
    }

    fn tails(&self) -> Vec<Piece> {
        let tail = Frozen { tail: Arc::clone(&self.parts.tail), entries: self.pin.entries };
        self.parts.frozen.iter().cloned().chain([tail]).map(Piece::Tail).collect()
    }
}
