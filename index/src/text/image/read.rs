//! Reads an image in place.
//!
//! **Invariant:** nothing read is trusted: numbers are checked against the sections before they
//! are used as offsets, and against the document count before they leave this file.

use super::{
    DOCUMENT_BYTES, HEADER_BYTES, Header, TERM_BYTES, inconsistent, u32_at, u64_at, varint,
};
use crate::image::{ImageError, SharedSource};
use crate::text::WINDOW;
use crate::text::bm25::Collection;
use crate::text::postings::Posting;
use std::cmp::Ordering;
use std::ops::Range;

/// An opened image.
pub(in crate::text) struct Image {
    source: SharedSource,
    header: Header,
    /// Where each section begins.
    terms: usize,
    texts: usize,
    postings: usize,
}

/// One record of the term table.
struct Term {
    text: Range<usize>,
    postings: Range<usize>,
    documents: u32,
}

impl Image {
    /// Opens an image made under the analyzer of this fingerprint.
    pub(in crate::text) fn open(
        source: SharedSource,
        fingerprint: u64,
    ) -> Result<Self, ImageError> {
        let header = Header::from_bytes(source.get(0..HEADER_BYTES)?, fingerprint)?;
        let sections = [
            u64::from(header.documents) * DOCUMENT_BYTES as u64,
            u64::from(header.terms) * TERM_BYTES as u64,
            header.text_bytes,
            header.postings_bytes,
        ];
        let mut ends = [HEADER_BYTES; 4];
        let mut end = HEADER_BYTES;
        for (section, bytes) in ends.iter_mut().zip(sections) {
            end = usize::try_from(bytes)
                .ok()
                .and_then(|bytes| end.checked_add(bytes))
                .filter(|&end| end <= source.len())
                .ok_or(ImageError::Truncated { end: usize::MAX, len: source.len() })?;
            *section = end;
        }
        if end != source.len() {
            return Err(inconsistent("the sections fill the image"));
        }
        if header.length > u64::from(header.documents) * u64::from(u32::MAX) {
            return Err(inconsistent("no document is longer than its length can say"));
        }
        Ok(Self { source, header, terms: ends[0], texts: ends[1], postings: ends[2] })
    }

    /// Documents in the image.
    pub(in crate::text) fn documents(&self) -> u32 {
        self.header.documents
    }

    /// What the header says of the collection.
    pub(in crate::text) fn collection(&self) -> Collection {
        Collection { documents: u64::from(self.header.documents), length: self.header.length }
    }

    /// The documents of the window that begins at `first`.
    pub(in crate::text) fn window(&self, first: u32) -> Result<Documents<'_>, ImageError> {
        let end = first.saturating_add(WINDOW).min(self.header.documents);
        self.range(first.min(end)..end)
    }

    fn range(&self, documents: Range<u32>) -> Result<Documents<'_>, ImageError> {
        let at = |document: u32| HEADER_BYTES + document as usize * DOCUMENT_BYTES;
        let bytes = self.source.get(at(documents.start)..at(documents.end))?;
        Ok(Documents { records: bytes.as_chunks().0 })
    }

    /// Ordinal and length of one document.
    pub(in crate::text) fn document(&self, entry: u32) -> Result<(u32, u32), ImageError> {
        if entry >= self.header.documents {
            return Err(inconsistent("a document is in the document table"));
        }
        let record = self.range(entry..entry + 1)?;
        Ok((record.ordinal(0), record.length(0)))
    }

    /// The entry of an ordinal, and the length of its document.
    pub(in crate::text) fn find(&self, ordinal: u32) -> Result<Option<(u32, u32)>, ImageError> {
        let (mut low, mut high) = (0, self.header.documents);
        while low < high {
            let middle = low + (high - low) / 2;
            let (found, length) = self.document(middle)?;
            match found.cmp(&ordinal) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(Some((middle, length))),
            }
        }
        Ok(None)
    }

    /// The postings of `term`, if the image has it.
    pub(in crate::text) fn postings(&self, term: &str) -> Result<Option<Postings<'_>>, ImageError> {
        let (mut low, mut high) = (0, self.header.terms);
        while low < high {
            let middle = low + (high - low) / 2;
            let record = self.record(middle)?;
            match self.source.get(record.text.clone())?.cmp(term.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return self.decoder(&record).map(Some),
            }
        }
        Ok(None)
    }

    /// Text and postings of every term, as the term table orders them.
    pub(in crate::text) fn terms(
        &self,
    ) -> impl Iterator<Item = Result<(&str, Postings<'_>), ImageError>> {
        (0..self.header.terms).map(|index| {
            let record = self.record(index)?;
            let text = std::str::from_utf8(self.source.get(record.text.clone())?)
                .map_err(|_| inconsistent("terms are UTF-8"))?;
            Ok((text, self.decoder(&record)?))
        })
    }

    fn record(&self, index: u32) -> Result<Term, ImageError> {
        if index >= self.header.terms {
            return Err(inconsistent("a term is in the term table"));
        }
        let at = self.terms + index as usize * TERM_BYTES;
        // A range begins where that of the record before ends.
        let is_first = index == 0;
        let start = if is_first { at } else { at - TERM_BYTES };
        let records = self.source.get(start..at + TERM_BYTES)?;
        let (before, record) = records.split_at(at - start);
        let range = |section: usize, section_bytes: u64, field: usize| {
            let from = if is_first { 0 } else { u64_at(before, field)? };
            let to = u64_at(record, field)?;
            if from > to || to > section_bytes {
                return Err(inconsistent("the ends in the term table ascend"));
            }
            Ok(section + from as usize..section + to as usize)
        };
        Ok(Term {
            text: range(self.texts, self.header.text_bytes, 0)?,
            postings: range(self.postings, self.header.postings_bytes, 8)?,
            documents: u32_at(record, 16)?,
        })
    }

    fn decoder(&self, term: &Term) -> Result<Postings<'_>, ImageError> {
        if term.documents > self.header.documents {
            return Err(inconsistent("a term is in no more documents than there are"));
        }
        Ok(Postings {
            bytes: self.source.get(term.postings.clone())?,
            left: term.documents,
            next: 0,
            documents: self.header.documents,
        })
    }
}

/// Records of consecutive documents.
#[derive(Clone, Copy)]
pub(in crate::text) struct Documents<'a> {
    records: &'a [[u8; DOCUMENT_BYTES]],
}

impl Documents<'_> {
    /// How many there are.
    pub(in crate::text) fn len(&self) -> usize {
        self.records.len()
    }

    /// Ordinal of the `i`th; it must be below [`len`](Self::len).
    pub(in crate::text) fn ordinal(&self, i: usize) -> u32 {
        let [ordinal @ .., _, _, _, _] = self.records[i];
        u32::from_le_bytes(ordinal)
    }

    /// Terms in the `i`th, with repetition; it must be below [`len`](Self::len).
    pub(in crate::text) fn length(&self, i: usize) -> u32 {
        let [_, _, _, _, length @ ..] = self.records[i];
        u32::from_le_bytes(length)
    }
}

/// Decodes the postings of one term. Every entry it yields is in the document table.
#[derive(Clone)]
pub(in crate::text) struct Postings<'a> {
    bytes: &'a [u8],
    left: u32,
    next: u32,
    documents: u32,
}

impl Postings<'_> {
    /// Postings that are still to come.
    pub(in crate::text) fn left(&self) -> u32 {
        self.left
    }

    #[inline]
    fn decode(&mut self) -> Option<Posting> {
        let head = varint::read(&mut self.bytes)?;
        let tf = if head & 1 == 1 { 1 } else { varint::read(&mut self.bytes)? + 2 };
        let entry = u64::from(self.next) + (head >> 1);
        if entry >= u64::from(self.documents) {
            return None;
        }
        self.next = entry as u32 + 1;
        Some(Posting { entry: entry as u32, tf: u32::try_from(tf).ok()? })
    }
}

impl Iterator for Postings<'_> {
    type Item = Result<Posting, ImageError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            if self.bytes.is_empty() {
                return None;
            }
            self.bytes = &[];
            return Some(Err(inconsistent("a posting list ends with its last document")));
        }
        self.left -= 1;
        let posting = self.decode();
        if posting.is_none() {
            (self.left, self.bytes) = (0, &[]);
        }
        Some(posting.ok_or_else(|| inconsistent("postings name documents of the image")))
    }
}
