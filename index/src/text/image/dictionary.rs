//! The terms of a segment, ascending, in front-coded blocks.
//!
//! ```text
//! a block's record   12 B: its end u32, where the lists of its terms begin u64
//! a term             shared with the term before (4 bits), further bytes (4 bits); 15 in either: a byte
//!                    with the number follows; the further bytes; then
//!                    varint(length of list * 8 + documents), if fewer than 8 have it, else
//!                    varint(length of list * 8), varint(documents)
//! ```
//!
//! **Invariant:** terms that were read ascend, are UTF-8 and have at most [`MAX_TERM_BYTES`]; a walk ends
//! after as many terms as the header counts.

use super::read::Image;
use super::tiny::TINY;
use super::{inconsistent, varint};
use crate::image::ImageError;
use crate::text::MAX_TERM_BYTES;
use std::cmp::Ordering;
use std::ops::Range;

/// Terms of a block.
pub(super) const TERMS: u32 = 32;

/// Bytes of a block's record.
pub(super) const RECORD_BYTES: usize = 12;

/// A nibble that says that a byte follows.
const LONG: u8 = 15;

/// A term's list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::text) struct TermRecord {
    /// Documents that have the term.
    pub(in crate::text) count: u32,
    /// Where its list lies, from the beginning of lists on.
    pub(super) list: Range<u64>,
}

/// Terms of one block, one after the other.
struct BlockReader<'a> {
    rest: &'a [u8],
    left: u32,
    /// Where the next list begins.
    list: u64,
}

impl BlockReader<'_> {
    /// Makes `term` the next one, having been the one before. `None` behind the last.
    fn next(&mut self, term: &mut Vec<u8>) -> Result<Option<TermRecord>, ImageError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let record = self.decode(term);
        record.map(Some).ok_or_else(|| inconsistent("a dictionary block holds its terms"))
    }

    fn decode(&mut self, term: &mut Vec<u8>) -> Option<TermRecord> {
        let (&lengths, rest) = self.rest.split_first()?;
        self.rest = rest;
        let mut long = |nibble: u8| {
            if nibble < LONG {
                return Some(usize::from(nibble));
            }
            let (&number, rest) = self.rest.split_first()?;
            self.rest = rest;
            Some(usize::from(number))
        };
        let (shared, further) = (long(lengths >> 4)?, long(lengths & 0xf)?);
        if shared > term.len() || shared + further > MAX_TERM_BYTES {
            return None;
        }
        let (suffix, rest) = self.rest.split_at_checked(further)?;
        self.rest = rest;
        if suffix.first() <= term.get(shared) {
            return None;
        }
        term.truncate(shared);
        term.extend_from_slice(suffix);
        let head = varint::read(&mut self.rest)?;
        let count = match head as u32 % TINY {
            0 => u32::try_from(varint::read(&mut self.rest)?).ok()?,
            count => count,
        };
        let start = self.list;
        self.list = start.checked_add(head / u64::from(TINY))?;
        Some(TermRecord { count, list: start..self.list })
    }
}

impl Image {
    fn block(&self, at: u32) -> Result<BlockReader<'_>, ImageError> {
        let start = match at.checked_sub(1) {
            None => 0,
            Some(before) => end_of(self.dictionary_record(before)?),
        };
        let record = self.dictionary_record(at)?;
        let [_, _, _, _, list @ ..] = record;
        let rest = self.dictionary_bytes(start..end_of(record))?;
        let left = TERMS.min(self.terms() - at * TERMS);
        Ok(BlockReader { rest, left, list: u64::from_le_bytes(list) })
    }

    fn blocks(&self) -> u32 {
        self.terms().div_ceil(TERMS)
    }

    /// The last block whose first term is not above `term`.
    fn block_of(&self, term: &[u8]) -> Result<u32, ImageError> {
        let (mut low, mut high) = (0, self.blocks());
        let mut first = Vec::with_capacity(MAX_TERM_BYTES);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            first.clear();
            self.block(middle)?.next(&mut first)?;
            if first.as_slice() <= term { low = middle } else { high = middle }
        }
        Ok(low)
    }

    /// What the dictionary has for `term`.
    pub(in crate::text) fn find_term(&self, term: &str) -> Result<Option<TermRecord>, ImageError> {
        if self.terms() == 0 {
            return Ok(None);
        }
        let mut block = self.block(self.block_of(term.as_bytes())?)?;
        let mut found = Vec::with_capacity(MAX_TERM_BYTES);
        while let Some(record) = block.next(&mut found)? {
            match found.as_slice().cmp(term.as_bytes()) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(Some(record)),
                Ordering::Greater => break,
            }
        }
        Ok(None)
    }
}

fn end_of([e0, e1, e2, e3, ..]: [u8; RECORD_BYTES]) -> usize {
    u32::from_le_bytes([e0, e1, e2, e3]) as usize
}

/// A walk over the terms of an image, which it does not borrow.
#[derive(Clone, Debug, Default)]
pub(in crate::text) struct TermCursor {
    /// The number of the next term.
    next: u32,
    /// How far its block has been read, and where its list begins.
    offset: usize,
    list: u64,
    term: Vec<u8>,
}

impl TermCursor {
    /// Stands before the first term that is not below `from`.
    pub(in crate::text) fn seek(image: &Image, from: &[u8]) -> Result<Self, ImageError> {
        let mut cursor = Self::default();
        if image.terms() > 0 {
            cursor.next = image.block_of(from)? * TERMS;
            loop {
                let before = cursor.clone();
                if cursor.next(image)?.is_none_or(|(term, _)| term.as_bytes() >= from) {
                    return Ok(before);
                }
            }
        }
        Ok(cursor)
    }

    /// The next term and its list; `None` behind the last.
    pub(in crate::text) fn next(
        &mut self,
        image: &Image,
    ) -> Result<Option<(&str, TermRecord)>, ImageError> {
        if self.next >= image.terms() {
            return Ok(None);
        }
        let mut block = image.block(self.next / TERMS)?;
        let len = block.rest.len();
        let is_first = self.next.is_multiple_of(TERMS);
        if !is_first {
            block.rest = &block.rest[self.offset.min(len)..];
            block.list = self.list;
        }
        let before = is_first.then(|| std::mem::take(&mut self.term));
        let Some(record) = block.next(&mut self.term)? else { return Ok(None) };
        if before.is_some_and(|before| before >= self.term) {
            return Err(inconsistent("terms ascend"));
        }
        self.next += 1;
        (self.offset, self.list) = (len - block.rest.len(), block.list);
        let term = std::str::from_utf8(&self.term).map_err(|_| inconsistent("terms are UTF-8"))?;
        Ok(Some((term, record)))
    }
}

/// Writes a dictionary, term by term.
#[derive(Default)]
pub(super) struct DictionaryWriter {
    terms: u32,
    before: Vec<u8>,
    pub(super) bytes: Vec<u8>,
    pub(super) records: Vec<u8>,
}

impl DictionaryWriter {
    /// Appends a term above all before, that `count` documents have and whose list begins at `list` and
    /// takes `len` bytes.
    ///
    /// # Errors
    /// The list or the terms would take more than 4 GiB.
    pub(super) fn push(
        &mut self,
        term: &str,
        count: u32,
        list: u64,
        len: u64,
    ) -> Result<(), ImageError> {
        if self.terms.is_multiple_of(TERMS) {
            self.end_block()?;
            self.records.extend_from_slice(&[0; 4]);
            self.records.extend_from_slice(&list.to_le_bytes());
            self.before.clear();
        }
        if len > u64::from(u32::MAX) {
            return Err(inconsistent("a list takes 4 GiB at most"));
        }
        let term = term.as_bytes();
        let shared = self.before.iter().zip(term).take_while(|(a, b)| a == b).count();
        let lengths = [shared as u8, (term.len() - shared) as u8];
        self.bytes.push(lengths[0].min(LONG) << 4 | lengths[1].min(LONG));
        self.bytes.extend(lengths.iter().filter(|&&length| length >= LONG));
        self.bytes.extend_from_slice(&term[shared..]);
        if count < TINY {
            varint::write(len * u64::from(TINY) + u64::from(count), &mut self.bytes);
        } else {
            varint::write(len * u64::from(TINY), &mut self.bytes);
            varint::write(u64::from(count), &mut self.bytes);
        }
        self.before.clear();
        self.before.extend_from_slice(term);
        self.terms += 1;
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), ImageError> {
        if let Some(at) = self.records.len().checked_sub(RECORD_BYTES) {
            let end = u32::try_from(self.bytes.len())
                .map_err(|_| inconsistent("a dictionary takes 4 GiB at most"))?;
            self.records[at..at + 4].copy_from_slice(&end.to_le_bytes());
        }
        Ok(())
    }

    /// The number of terms; their bytes and records are whole now.
    pub(super) fn finish(&mut self) -> Result<u32, ImageError> {
        self.end_block()?;
        Ok(self.terms)
    }
}
