//! Writes an image, term by term.
//!
//! **Invariant:** the bytes depend on the analyzer, the documents and their postings only.

use super::dictionary::DictionaryWriter;
use super::documents;
use super::header::{HEADER_BYTES, Header};
use super::impact::Gatherer;
use super::list::ListWriter;
use super::{MAX_DOCUMENTS, inconsistent};
use crate::image::ImageError;
use crate::text::bm25::Collection;

/// The postings of a term, by ascending entry.
#[derive(Default)]
pub(in crate::text) struct TermPostings {
    pub(in crate::text) entries: Vec<u32>,
    pub(in crate::text) tfs: Vec<u32>,
    /// Deltas of the positions of all, each document's from 0; empty if they are not kept.
    pub(in crate::text) positions: Vec<u32>,
}

impl TermPostings {
    pub(in crate::text) fn clear(&mut self) {
        self.entries.clear();
        self.tfs.clear();
        self.positions.clear();
    }
}

pub(in crate::text) struct ImageWriter {
    fingerprint: u64,
    has_positions: bool,
    /// Ordinal and length of each.
    documents: Vec<(u32, u32)>,
    collection: Collection,
    gatherer: Gatherer,
    dictionary: DictionaryWriter,
    lists: Vec<u8>,
}

impl ImageWriter {
    /// An image of `documents`: ordinal and length of each, by ascending ordinal.
    ///
    /// # Errors
    /// There are more than a segment may have.
    pub(in crate::text) fn new(
        fingerprint: u64,
        has_positions: bool,
        documents: Vec<(u32, u32)>,
    ) -> Result<Self, ImageError> {
        if documents.len() as u64 > u64::from(MAX_DOCUMENTS) {
            return Err(inconsistent("a segment has 2^31 documents at most"));
        }
        let length = documents.iter().map(|&(_, length)| u64::from(length)).sum();
        let collection = Collection { documents: documents.len() as u64, length };
        Ok(Self {
            fingerprint,
            has_positions,
            documents,
            collection,
            gatherer: Gatherer::new(collection),
            dictionary: DictionaryWriter::default(),
            lists: Vec::new(),
        })
    }

    /// Adds a term, above all before. Entries are the places of documents in the image.
    ///
    /// # Errors
    /// Its list, or all terms, would be longer than the format can say.
    pub(in crate::text) fn term(
        &mut self,
        term: &str,
        postings: &TermPostings,
    ) -> Result<(), ImageError> {
        let TermPostings { entries, tfs, positions } = postings;
        let start = self.lists.len();
        let positions = self.has_positions.then_some(&positions[..]);
        let list = ListWriter { entries, tfs, positions, lengths: &self.documents };
        list.write(&mut self.gatherer, &mut self.lists)?;
        let len = (self.lists.len() - start) as u64;
        self.dictionary.push(term, entries.len() as u32, start as u64, len)
    }

    /// The image.
    ///
    /// # Errors
    /// All terms would take more than the format can say.
    pub(in crate::text) fn finish(mut self) -> Result<Vec<u8>, ImageError> {
        let (mut pages, mut records) = (Vec::new(), Vec::new());
        documents::write(&self.documents, &mut pages, &mut records);
        let terms = self.dictionary.finish()?;
        let DictionaryWriter { bytes, records: blocks, .. } = &self.dictionary;
        let sections = [&pages, &records, bytes, blocks, &self.lists];
        let header = Header {
            fingerprint: self.fingerprint,
            documents: self.documents.len() as u32,
            terms,
            has_positions: self.has_positions,
            length: self.collection.length,
            sections: sections.map(|section| section.len() as u64),
        };
        let total = HEADER_BYTES + sections.iter().map(|section| section.len()).sum::<usize>();
        let mut image = Vec::with_capacity(total);
        image.extend_from_slice(&header.to_bytes());
        for section in sections {
            image.extend_from_slice(section);
        }
        Ok(image)
    }
}
