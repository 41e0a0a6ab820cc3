//! Writes an image, term by term.
//!
//! **Invariant:** the bytes depend on the analyzer, the documents and their postings only.

use super::{DOCUMENT_BYTES, HEADER_BYTES, Header, TERM_BYTES, varint};

pub(in crate::text) struct ImageWriter {
    fingerprint: u64,
    documents: Vec<u8>,
    length: u64,
    terms: Vec<u8>,
    texts: Vec<u8>,
    postings: Vec<u8>,
}

impl ImageWriter {
    /// An image of `documents`: ordinal and length of each, by ascending ordinal.
    pub(in crate::text) fn new(
        fingerprint: u64,
        documents: impl Iterator<Item = (u32, u32)>,
    ) -> Self {
        let mut bytes = Vec::with_capacity(documents.size_hint().0 * DOCUMENT_BYTES);
        let mut total = 0;
        for (ordinal, length) in documents {
            bytes.extend_from_slice(&ordinal.to_le_bytes());
            bytes.extend_from_slice(&length.to_le_bytes());
            total += u64::from(length);
        }
        Self {
            fingerprint,
            documents: bytes,
            length: total,
            terms: Vec::new(),
            texts: Vec::new(),
            postings: Vec::new(),
        }
    }

    /// Adds a term with the documents (by their place in the image, ascending) that have it, and
    /// how often. Terms come in ascending order.
    pub(in crate::text) fn term(&mut self, term: &str, postings: &[(u32, u32)]) {
        let mut next = 0;
        for &(document, tf) in postings {
            let gap = u64::from(document - next);
            varint::write(gap << 1 | u64::from(tf == 1), &mut self.postings);
            if tf > 1 {
                varint::write(u64::from(tf) - 2, &mut self.postings);
            }
            next = document + 1;
        }
        self.texts.extend_from_slice(term.as_bytes());
        self.terms.extend_from_slice(&(self.texts.len() as u64).to_le_bytes());
        self.terms.extend_from_slice(&(self.postings.len() as u64).to_le_bytes());
        self.terms.extend_from_slice(&(postings.len() as u32).to_le_bytes());
    }

    pub(in crate::text) fn finish(self) -> Vec<u8> {
        let header = Header {
            fingerprint: self.fingerprint,
            documents: (self.documents.len() / DOCUMENT_BYTES) as u32,
            terms: (self.terms.len() / TERM_BYTES) as u32,
            length: self.length,
            text_bytes: self.texts.len() as u64,
            postings_bytes: self.postings.len() as u64,
        };
        let sections = [&self.documents, &self.terms, &self.texts, &self.postings];
        let total = HEADER_BYTES + sections.iter().map(|s| s.len()).sum::<usize>();
        let mut image = Vec::with_capacity(total);
        image.extend_from_slice(&header.to_bytes());
        for section in sections {
            image.extend_from_slice(section);
        }
        image
    }
}
