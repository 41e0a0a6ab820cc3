//! Ordinals and lengths of the documents, in pages of a window each.
//!
//! Within a page the `i`th ordinal is `base + i` plus a number that is kept in 0, 1, 2 or 4 bytes: none
//! where ordinals have no holes. Lengths take 1, 2 or 4 bytes.
//!
//! **Invariant:** a page that was read has a number for each of its documents.

use super::inconsistent;
use crate::image::ImageError;
use crate::text::WINDOW;
use std::cmp::Ordering;

/// Bytes of a page's record: where it begins (6), width of ordinals (1) and lengths (1), base (4).
pub(super) const PAGE_BYTES: usize = 12;

/// What a record says.
#[derive(Clone, Copy)]
pub(super) struct PageRecord {
    pub(super) start: u64,
    ordinal_width: u8,
    length_width: u8,
    pub(super) base: u32,
}

impl PageRecord {
    pub(super) fn from_bytes(record: [u8; PAGE_BYTES]) -> Result<Self, ImageError> {
        let [s0, s1, s2, s3, s4, s5, ordinal_width, length_width, base @ ..] = record;
        if !matches!(ordinal_width, 0 | 1 | 2 | 4) || !matches!(length_width, 1 | 2 | 4) {
            return Err(inconsistent("numbers of documents have a width"));
        }
        let start = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, 0, 0]);
        Ok(Self { start, ordinal_width, length_width, base: u32::from_le_bytes(base) })
    }

    /// Bytes of a page of so many documents.
    pub(super) fn page_len(&self, documents: usize) -> usize {
        documents * (usize::from(self.ordinal_width) + usize::from(self.length_width))
    }

    /// The page, from as many bytes as [`page_len`](Self::page_len) says.
    pub(super) fn page<'a>(&self, documents: usize, bytes: &'a [u8]) -> Page<'a> {
        let (ordinals, lengths) = bytes.split_at(documents * usize::from(self.ordinal_width));
        Page {
            base: self.base,
            documents,
            ordinals: Numbers::of(ordinals, self.ordinal_width),
            lengths: Numbers::of(lengths, self.length_width),
        }
    }
}

/// Numbers of one width.
#[derive(Clone, Copy)]
enum Numbers<'a> {
    Zero,
    One(&'a [u8]),
    Two(&'a [[u8; 2]]),
    Four(&'a [[u8; 4]]),
}

impl<'a> Numbers<'a> {
    fn of(bytes: &'a [u8], width: u8) -> Self {
        match width {
            0 => Numbers::Zero,
            1 => Numbers::One(bytes),
            2 => Numbers::Two(bytes.as_chunks().0),
            _ => Numbers::Four(bytes.as_chunks().0),
        }
    }

    #[inline]
    fn get(&self, i: usize) -> u32 {
        match self {
            Numbers::Zero => 0,
            Numbers::One(bytes) => u32::from(bytes[i]),
            Numbers::Two(numbers) => u32::from(u16::from_le_bytes(numbers[i])),
            Numbers::Four(numbers) => u32::from_le_bytes(numbers[i]),
        }
    }
}

/// Documents of a window.
#[derive(Clone, Copy)]
pub(in crate::text) struct Page<'a> {
    base: u32,
    documents: usize,
    ordinals: Numbers<'a>,
    lengths: Numbers<'a>,
}

impl Page<'_> {
    pub(in crate::text) fn len(&self) -> usize {
        self.documents
    }

    /// Ordinal of the `i`th; it must be below [`len`](Self::len).
    #[inline]
    pub(in crate::text) fn ordinal(&self, i: usize) -> u32 {
        self.base.wrapping_add(i as u32).wrapping_add(self.ordinals.get(i))
    }

    /// Terms in the `i`th, with repetition; it must be below [`len`](Self::len).
    #[inline]
    pub(in crate::text) fn length(&self, i: usize) -> u32 {
        self.lengths.get(i)
    }

    /// Writes the lengths of `entries`, all of the page, which begins at the entry `first`.
    #[inline]
    pub(in crate::text) fn lengths_of(&self, entries: &[u32], first: u32, into: &mut [u32]) {
        let each = into.iter_mut().zip(entries.iter().map(|&entry| (entry - first) as usize));
        match self.lengths {
            Numbers::Zero => {}
            Numbers::One(bytes) => each.for_each(|(length, i)| *length = u32::from(bytes[i])),
            Numbers::Two(numbers) => {
                each.for_each(|(length, i)| *length = u32::from(u16::from_le_bytes(numbers[i])));
            }
            Numbers::Four(numbers) => {
                each.for_each(|(length, i)| *length = u32::from_le_bytes(numbers[i]));
            }
        }
    }

    /// Which of the page has the ordinal.
    pub(in crate::text) fn find(&self, ordinal: u32) -> Option<usize> {
        let (mut low, mut high) = (0, self.documents);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.ordinal(middle).cmp(&ordinal) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(middle),
            }
        }
        None
    }
}

/// Appends pages of `documents` (ordinal and length, by ascending ordinal) and their records.
pub(super) fn write(documents: &[(u32, u32)], pages: &mut Vec<u8>, records: &mut Vec<u8>) {
    for page in documents.chunks(WINDOW as usize) {
        let base = page[0].0;
        let skipped = |(i, &(ordinal, _)): (usize, &(u32, u32))| ordinal - base - i as u32;
        let most_skipped = page.iter().enumerate().map(skipped).max().unwrap_or(0);
        let longest = page.iter().map(|&(_, length)| length).max().unwrap_or(0);
        let (ordinal_width, length_width) = (width(most_skipped), width(longest).max(1));
        records.extend_from_slice(&(pages.len() as u64).to_le_bytes()[..6]);
        records.extend_from_slice(&[ordinal_width as u8, length_width as u8]);
        records.extend_from_slice(&base.to_le_bytes());
        for document in page.iter().enumerate() {
            pages.extend_from_slice(&skipped(document).to_le_bytes()[..ordinal_width]);
        }
        for (_, length) in page {
            pages.extend_from_slice(&length.to_le_bytes()[..length_width]);
        }
    }
}

fn width(most: u32) -> usize {
    match most {
        0 => 0,
        1..0x100 => 1,
        0x100..0x1_0000 => 2,
        _ => 4,
    }
}
