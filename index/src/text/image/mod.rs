//! The image of a text index: immutable, read in place, byte for byte determined by its content.
//!
//! ```text
//! header      64 B   magic, analyzer fingerprint, counts, section lengths
//! documents   8 B each, by ascending ordinal: ordinal u32, length u32
//! terms       20 B each, by ascending term: end of text u64, end of postings u64, documents u32
//! texts       the terms' UTF-8, one after the other
//! postings    per term and document: varint(gap * 2 + (tf == 1)), then varint(tf - 2) if tf > 1
//! ```
//!
//! A gap is the number of documents skipped since the posting before. All integers are
//! little-endian; a varint holds seven bits a byte, low bits first, in at most five bytes.
//!
//! **Invariant:** opening checks that the sections fill the image exactly; everything else is
//! checked where it is read, so that opening costs the same for every size.

mod read;
mod varint;
mod write;

pub(super) use read::{Documents, Image, Postings};
pub(super) use write::ImageWriter;

use crate::image::ImageError;

/// Kind and format version.
const MAGIC: [u8; 8] = *b"MLTEXT\0\x01";

const HEADER_BYTES: usize = 64;
const DOCUMENT_BYTES: usize = 8;
const TERM_BYTES: usize = 20;

/// The fixed part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    fingerprint: u64,
    documents: u32,
    terms: u32,
    /// Sum of the documents' lengths.
    length: u64,
    text_bytes: u64,
    postings_bytes: u64,
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.fingerprint.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.documents.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.terms.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.length.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.text_bytes.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.postings_bytes.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8], fingerprint: u64) -> Result<Self, ImageError> {
        if bytes.get(..8) != Some(&MAGIC[..]) {
            return Err(ImageError::WrongFormat { expected: "a text image, version 1" });
        }
        let header = Self {
            fingerprint: u64_at(bytes, 8)?,
            documents: u32_at(bytes, 16)?,
            terms: u32_at(bytes, 20)?,
            length: u64_at(bytes, 24)?,
            text_bytes: u64_at(bytes, 32)?,
            postings_bytes: u64_at(bytes, 40)?,
        };
        if header.fingerprint != fingerprint {
            return Err(ImageError::WrongFormat { expected: "a text image of this analyzer" });
        }
        Ok(header)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, ImageError> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field
        .map(|b| u32::from_le_bytes(*b))
        .ok_or(ImageError::Truncated { end: at + 4, len: bytes.len() })
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64, ImageError> {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field
        .map(|b| u64::from_le_bytes(*b))
        .ok_or(ImageError::Truncated { end: at + 8, len: bytes.len() })
}

fn inconsistent(what: &'static str) -> ImageError {
    ImageError::Inconsistent { what }
}
