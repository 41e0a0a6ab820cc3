//! The fixed part of an image: what it holds, and where.
//!
//! **Invariant:** a header that was read describes sections that fill the image exactly.

use super::{MAX_DOCUMENTS, inconsistent};
use crate::image::ImageError;
use crate::text::bm25::Collection;
use std::ops::Range;

/// Kind and format version.
const MAGIC: [u8; 8] = *b"MLTEXT\0\x02";

/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 80;

/// Sections behind the header, in this order.
pub(super) const SECTIONS: usize = 5;

const FLAG_POSITIONS: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Of the analyzer that made the terms.
    pub(super) fingerprint: u64,
    pub(super) documents: u32,
    pub(super) terms: u32,
    pub(super) has_positions: bool,
    /// Sum of the documents' lengths.
    pub(super) length: u64,
    /// Bytes of each section.
    pub(super) sections: [u64; SECTIONS],
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut at = 0;
        let mut put = |field: &[u8]| {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        };
        put(&MAGIC);
        put(&self.fingerprint.to_le_bytes());
        put(&self.documents.to_le_bytes());
        put(&self.terms.to_le_bytes());
        put(&if self.has_positions { FLAG_POSITIONS } else { 0 }.to_le_bytes());
        put(&[0; 4]);
        put(&self.length.to_le_bytes());
        for section in self.sections {
            put(&section.to_le_bytes());
        }
        bytes
    }

    /// # Errors
    /// [`ImageError::WrongFormat`] for other kinds, versions and analyzers.
    pub(super) fn from_bytes(
        bytes: &[u8; HEADER_BYTES],
        fingerprint: u64,
    ) -> Result<Self, ImageError> {
        if bytes[..8] != MAGIC {
            return Err(ImageError::WrongFormat { expected: "a text image, version 2" });
        }
        let u32_at = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let u64_at = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let header = Self {
            fingerprint: u64_at(8),
            documents: u32_at(16),
            terms: u32_at(20),
            has_positions: u32_at(24) & FLAG_POSITIONS != 0,
            length: u64_at(32),
            sections: std::array::from_fn(|section| u64_at(40 + 8 * section)),
        };
        if header.fingerprint != fingerprint {
            return Err(ImageError::WrongFormat { expected: "a text image of this analyzer" });
        }
        if u32_at(24) > FLAG_POSITIONS || u32_at(28) != 0 {
            return Err(inconsistent("reserved bytes are zero"));
        }
        if header.documents > MAX_DOCUMENTS {
            return Err(inconsistent("no segment has more than 2^31 documents"));
        }
        if header.length > u64::from(header.documents) * u64::from(u32::MAX) {
            return Err(inconsistent("no document is longer than its length can say"));
        }
        Ok(header)
    }

    /// Where each section lies in an image of `len` bytes.
    pub(super) fn places(&self, len: usize) -> Result<[Range<usize>; SECTIONS], ImageError> {
        let mut end = HEADER_BYTES;
        let mut places = [const { 0..0 }; SECTIONS];
        for (place, bytes) in places.iter_mut().zip(self.sections) {
            let start = end;
            end = usize::try_from(bytes)
                .ok()
                .and_then(|bytes| start.checked_add(bytes))
                .filter(|&end| end <= len)
                .ok_or(ImageError::Truncated { end: usize::MAX, len })?;
            *place = start..end;
        }
        if end != len {
            return Err(inconsistent("the sections fill the image"));
        }
        Ok(places)
    }

    pub(super) fn collection(&self) -> Collection {
        Collection { documents: u64::from(self.documents), length: self.length }
    }
}
