//! Neighbour lists of one length: those of an image, read in place until one is changed, and those
//! behind it in memory.
//!
//! The lists of an image are copied page by page when the first list of a page changes. Slots are
//! atomic: readers take no lock, and may meet a list that is half one and half another.
//!
//! A list holds neighbours, and behind them perhaps a [`TWIN`]: the next of those entries whose code is
//! that of the node. Copies of one vector are neighbours of nothing but one another, or lists near them
//! would name nothing else, and a walk would not find out from among them. They make a chain that hangs
//! on the first of them, which has neighbours in all directions.
//!
//! **Invariant:** a slot holds a number or [`NONE`], and a list ends at its first [`NONE`]. Lists
//! are changed by whoever holds the lock of their node.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use super::super::kernels::prefetch;
use super::MAX_STRIDE;
use crate::arena::{Appender, Reader};
use crate::image::{ImageError, SharedSource};

/// What an empty slot holds.
const NONE: u32 = u32::MAX;

/// What marks a slot that names a twin: numbers of nodes lie below.
pub(super) const TWIN: u32 = 1 << 31;

/// Lists that are copied together.
const PAGE: usize = 16;

type Page = Box<[AtomicU32]>;

/// What a list holds: its neighbours, and the twin.
pub(super) fn parted(slots: &[u32]) -> (&[u32], Option<u32>) {
    match slots.split_last() {
        Some((last, neighbours)) if last & TWIN != 0 => (neighbours, Some(last & !TWIN)),
        _ => (slots, None),
    }
}

/// The lists of an image: `u32` slots, little-endian.
pub(super) struct StoredLists {
    pub(super) source: SharedSource,
    /// Where they lie in it.
    pub(super) bytes: Range<usize>,
}

/// The lists of an image and what has changed of them.
struct Base {
    stored: StoredLists,
    pages: Box<[OnceLock<Page>]>,
}

impl Base {
    fn bytes(&self, list: usize, stride: usize) -> Result<&[u8], ImageError> {
        let at = self.stored.bytes.start + list * stride * 4;
        self.stored.source.get(at..at + stride * 4)
    }

    /// The bytes of all lists, if they are verified.
    fn verified(&self) -> Option<&[u8]> {
        self.stored.source.verified()?.get(self.stored.bytes.clone())
    }

    /// The page of a list, copied if need be.
    fn page(&self, list: usize, lists: usize, stride: usize) -> Result<&Page, ImageError> {
        let cell = &self.pages[list / PAGE];
        if let Some(page) = cell.get() {
            return Ok(page);
        }
        let first = list / PAGE * PAGE;
        let mut slots = Vec::with_capacity(PAGE * stride);
        for list in first..lists.min(first + PAGE) {
            slots.extend(slots_of(self.bytes(list, stride)?).map(AtomicU32::new));
        }
        Ok(cell.get_or_init(|| slots.into_boxed_slice()))
    }
}

fn slots_of(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks().0.iter().map(|&slot| u32::from_le_bytes(slot))
}

/// The lists as everyone may read and change them.
#[derive(Clone)]
pub(super) struct Lists {
    stride: usize,
    base: Option<Arc<Base>>,
    base_len: usize,
    tail: Reader<AtomicU32>,
}

impl Lists {
    pub(super) fn len(&self) -> usize {
        self.base_len + self.tail.len()
    }

    /// The most numbers that a list holds.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// What many of them are read by.
    pub(super) fn reader(&self) -> ListReader<'_> {
        ListReader { lists: self, verified: self.base.as_ref().and_then(|base| base.verified()) }
    }

    /// Copies what a list holds into `out`; returns how many there are.
    pub(super) fn read(&self, list: u32, out: &mut [u32]) -> Result<usize, ImageError> {
        self.reader().read(list, out)
    }

    /// The next twin of the node of a list.
    pub(super) fn twin(&self, list: u32) -> Result<Option<u32>, ImageError> {
        let mut slots = [0; MAX_STRIDE];
        let count = self.read(list, &mut slots)?;
        Ok(parted(&slots[..count]).1)
    }

    /// Makes a list hold `numbers`, and nothing else. Whoever calls holds the lock of its node.
    pub(super) fn write(&self, list: u32, numbers: &[u32]) -> Result<(), ImageError> {
        let list = list as usize;
        let slots = match &self.base {
            Some(base) if list < self.base_len => {
                let at = list % PAGE * self.stride;
                &base.page(list, self.base_len, self.stride)?[at..at + self.stride]
            }
            _ => self.tail.row(list - self.base_len).unwrap_or_default(),
        };
        let padded = numbers.iter().copied().chain(std::iter::repeat(NONE));
        for (slot, number) in slots.iter().zip(padded) {
            slot.store(number, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Reads lists here and there.
#[derive(Clone, Copy)]
pub(super) struct ListReader<'a> {
    lists: &'a Lists,
    /// The lists of the image, if every byte of it is verified.
    verified: Option<&'a [u8]>,
}

impl ListReader<'_> {
    /// Copies what a list holds into `out`; returns how many there are.
    #[inline]
    pub(super) fn read(&self, list: u32, out: &mut [u32]) -> Result<usize, ImageError> {
        let Lists { stride, base, base_len, tail } = self.lists;
        let list = list as usize;
        let mut taken = 0;
        let mut take = |slot: u32| {
            if slot == NONE || taken == out.len() {
                return false;
            }
            out[taken] = slot;
            taken += 1;
            true
        };
        let changed = match base {
            Some(base) if list < *base_len => {
                let Some(page) = base.pages[list / PAGE].get() else {
                    let stored = match self.verified {
                        Some(all) => &all[list * stride * 4..][..stride * 4],
                        None => base.bytes(list, *stride)?,
                    };
                    let _ = slots_of(stored).all(&mut take);
                    return Ok(taken);
                };
                &page[list % PAGE * stride..][..*stride]
            }
            _ => tail.row(list - base_len).unwrap_or_default(),
        };
        let _ = changed.iter().map(|slot| slot.load(Ordering::Relaxed)).all(&mut take);
        Ok(taken)
    }

    /// Asks for the memory of a list that will be read soon.
    #[inline]
    pub(super) fn prefetch(&self, list: u32) {
        let Lists { stride, base, base_len, tail } = self.lists;
        let list = list as usize;
        match base {
            Some(base) if list < *base_len => {
                if let Some(page) = base.pages[list / PAGE].get() {
                    prefetch(&page[list % PAGE * stride..][..*stride]);
                } else if let Some(all) = self.verified {
                    prefetch(&all[list * stride * 4..][..stride * 4]);
                }
            }
            _ => prefetch(tail.row(list - base_len).unwrap_or_default()),
        }
    }
}

/// The lists as their writer has them, who adds new ones.
pub(super) struct ListsWriter {
    stride: usize,
    base: Option<Arc<Base>>,
    base_len: usize,
    tail: Appender<AtomicU32>,
}

impl ListsWriter {
    /// Lists of `stride` slots, behind those of an image.
    pub(super) fn new(stride: usize, stored: Option<StoredLists>) -> Self {
        let base_len = stored.as_ref().map_or(0, |stored| stored.bytes.len() / (4 * stride));
        let pages = || (0..base_len.div_ceil(PAGE)).map(|_| OnceLock::new()).collect();
        let base = stored.map(|stored| Arc::new(Base { stored, pages: pages() }));
        Self { stride, base, base_len, tail: Appender::with_width(stride) }
    }

    pub(super) fn len(&self) -> usize {
        self.base_len + self.tail.len()
    }

    /// Adds an empty list.
    pub(super) fn push(&mut self) {
        self.tail.push_row_with(|| AtomicU32::new(NONE));
    }

    pub(super) fn lists(&self) -> Lists {
        Lists {
            stride: self.stride,
            base: self.base.clone(),
            base_len: self.base_len,
            tail: self.tail.reader(),
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let copied = |base: &Arc<Base>| {
            let pages = base.pages.iter().filter_map(OnceLock::get).map(|page| page.len() * 4);
            base.pages.len() * size_of::<OnceLock<Page>>() + pages.sum::<usize>()
        };
        self.tail.heap_bytes() + self.base.as_ref().map_or(0, copied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_hold_what_was_written_last(
            (stride, stored) in (1_usize..6).prop_flat_map(|stride| {
                let list = proptest::collection::vec(0_u32..1_000, 0..=stride);
                (Just(stride), proptest::collection::vec(list, 0..60))
            }),
            added in 0_usize..70,
            writes in proptest::collection::vec(
                (any::<prop::sample::Index>(), proptest::collection::vec(0_u32..1_000, 0..6)),
                0..60,
            ),
        ) {
            let padded = |list: &Vec<u32>| {
                let mut list = list.clone();
                list.resize(stride, NONE);
                list
            };
            let mut bytes = vec![7; 24];
            bytes.extend(stored.iter().flat_map(padded).flat_map(u32::to_le_bytes));
            let bytes_of_lists = 24..bytes.len();
            let source: SharedSource = Arc::new(bytes);
            let mut writer = ListsWriter::new(
                stride,
                Some(StoredLists { source, bytes: bytes_of_lists }),
            );
            let mut model = stored;
            for _ in 0..added {
                writer.push();
                model.push(Vec::new());
            }
            let lists = writer.lists();
            prop_assert_eq!((lists.len(), writer.len()), (model.len(), model.len()));
            for (at, mut numbers) in writes {
                if model.is_empty() {
                    break;
                }
                numbers.truncate(stride);
                let at = at.index(model.len());
                lists.write(at as u32, &numbers).unwrap();
                model[at] = numbers;
            }
            for (list, expected) in model.iter().enumerate() {
                let mut out = [0; 8];
                let len = lists.read(list as u32, &mut out).unwrap();
                prop_assert_eq!(&out[..len], expected.as_slice());
            }
        }
    }
}
