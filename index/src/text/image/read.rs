//! Opens an image and finds its sections.
//!
//! **Invariant:** nothing read is trusted: numbers are checked against the sections before they are used
//! as offsets, and against the document count before they leave this module.

use super::dictionary::{self, TermRecord};
use super::documents::{PAGE_BYTES, Page, PageRecord};
use super::header::{HEADER_BYTES, Header, SECTIONS};
use super::inconsistent;
use super::list::ListReader;
use crate::image::{ImageError, SharedSource};
use crate::text::WINDOW;
use crate::text::bm25::Collection;
use std::ops::Range;

/// An opened image.
pub(in crate::text) struct Image {
    source: SharedSource,
    header: Header,
    /// Where documents, pages, dictionary, its blocks and lists lie.
    places: [Range<usize>; SECTIONS],
}

const DOCUMENTS: usize = 0;
const PAGES: usize = 1;
const DICTIONARY: usize = 2;
const BLOCKS: usize = 3;
const LISTS: usize = 4;

impl Image {
    /// Opens an image made under the analyzer of this fingerprint.
    pub(in crate::text) fn open(
        source: SharedSource,
        fingerprint: u64,
    ) -> Result<Self, ImageError> {
        let len = source.len();
        let bytes = source.get(0..HEADER_BYTES)?.first_chunk();
        let bytes = bytes.ok_or(ImageError::Truncated { end: HEADER_BYTES, len })?;
        let header = Header::from_bytes(bytes, fingerprint)?;
        let places = header.places(len)?;
        let pages = header.documents.div_ceil(WINDOW) as usize;
        let blocks = header.terms.div_ceil(dictionary::TERMS) as usize;
        if places[PAGES].len() != pages * PAGE_BYTES
            || places[BLOCKS].len() != blocks * dictionary::RECORD_BYTES
        {
            return Err(inconsistent("there is a record for each page and each block of terms"));
        }
        Ok(Self { source, header, places })
    }

    /// Documents in the image.
    pub(in crate::text) fn documents(&self) -> u32 {
        self.header.documents
    }

    pub(in crate::text) fn terms(&self) -> u32 {
        self.header.terms
    }

    pub(in crate::text) fn has_positions(&self) -> bool {
        self.header.has_positions
    }

    /// What the header says of the collection.
    pub(in crate::text) fn collection(&self) -> Collection {
        self.header.collection()
    }

    /// The bytes that it is read from.
    pub(in crate::text) fn source(&self) -> SharedSource {
        SharedSource::clone(&self.source)
    }

    /// Terms in the document of an entry, with repetition.
    pub(in crate::text) fn length(&self, entry: u32) -> Result<u32, ImageError> {
        if entry >= self.header.documents {
            return Err(inconsistent("an entry is one of the segment"));
        }
        Ok(self.page(entry - entry % WINDOW)?.length((entry % WINDOW) as usize))
    }

    /// Bytes of a section.
    fn get(&self, section: usize, range: Range<usize>) -> Result<&[u8], ImageError> {
        let place = &self.places[section];
        let end = range.end.checked_add(place.start).filter(|&end| end <= place.end);
        match end {
            Some(end) if range.start <= range.end => {
                self.source.get(place.start + range.start..end)
            }
            _ => Err(inconsistent("what a record names lies in its section")),
        }
    }

    fn page_record(&self, page: usize) -> Result<PageRecord, ImageError> {
        let bytes = self.get(PAGES, page * PAGE_BYTES..(page + 1) * PAGE_BYTES)?;
        let bytes = bytes.first_chunk().ok_or_else(|| inconsistent("a page has a record"))?;
        PageRecord::from_bytes(*bytes)
    }

    /// The documents of the window that begins at `first`, which must be one of the image.
    pub(in crate::text) fn page(&self, first: u32) -> Result<Page<'_>, ImageError> {
        let record = self.page_record((first / WINDOW) as usize)?;
        let documents = (self.header.documents - first).min(WINDOW) as usize;
        let start = record.start as usize;
        let bytes = self.get(DOCUMENTS, start..start + record.page_len(documents))?;
        Ok(record.page(documents, bytes))
    }

    /// The entry of an ordinal, and the length of its document.
    pub(in crate::text) fn find(&self, ordinal: u32) -> Result<Option<(u32, u32)>, ImageError> {
        let (mut low, mut high) = (0, self.header.documents.div_ceil(WINDOW));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.page_record(middle as usize)?.base <= ordinal {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(page) = low.checked_sub(1) else { return Ok(None) };
        let first = page * WINDOW;
        let page = self.page(first)?;
        Ok(page.find(ordinal).map(|i| (first + i as u32, page.length(i))))
    }

    pub(super) fn dictionary_record(
        &self,
        block: u32,
    ) -> Result<[u8; dictionary::RECORD_BYTES], ImageError> {
        let start = block as usize * dictionary::RECORD_BYTES;
        let bytes = self.get(BLOCKS, start..start + dictionary::RECORD_BYTES)?;
        bytes.first_chunk().copied().ok_or_else(|| inconsistent("a block of terms has a record"))
    }

    pub(super) fn dictionary_bytes(&self, range: Range<usize>) -> Result<&[u8], ImageError> {
        self.get(DICTIONARY, range)
    }

    /// The list that a record of the dictionary names.
    pub(in crate::text) fn list(&self, record: &TermRecord) -> Result<ListReader<'_>, ImageError> {
        let TermRecord { count, list } = record;
        let range = usize::try_from(list.start).ok().zip(usize::try_from(list.end).ok());
        let (start, end) = range.ok_or_else(|| inconsistent("a list lies in its section"))?;
        let bytes = self.get(LISTS, start..end)?;
        ListReader::new(bytes, *count, self.header.documents, self.header.has_positions)
    }
}
