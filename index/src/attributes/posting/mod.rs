//! The ordinals that have one label, or are live: a set in the form that suits its size.
//!
//! **Invariant:** the form never shows; a copy never changes. Changing one ordinal copies at most
//! one page of 8 KiB and the page table, whatever the size of the set. For the attribute index only.

mod few;
mod pages;

use std::sync::Arc;

use roaring::RoaringBitmap;

pub(super) use few::{FEW_MAX, Few};
pub(super) use pages::{PAGE_BYTES_MAX, Pages};

#[derive(Clone, Debug)]
pub(super) enum Posting {
    Few(Few),
    Pages(Arc<Pages>),
}

impl Posting {
    pub(super) fn new() -> Self {
        Self::Few(Few::default())
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Few(few) => few.as_slice().len() as u64,
            Self::Pages(pages) => pages.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn contains(&self, ordinal: u32) -> bool {
        match self {
            Self::Few(few) => few.as_slice().binary_search(&ordinal).is_ok(),
            Self::Pages(pages) => pages.contains(ordinal),
        }
    }

    /// Was it absent?
    pub(super) fn insert(&mut self, ordinal: u32) -> bool {
        match self {
            Self::Few(few) if few.is_full() && !few.as_slice().contains(&ordinal) => {
                let mut pages = Pages::from_sorted(few.as_slice());
                pages.insert(ordinal);
                *self = Self::Pages(Arc::new(pages));
                true
            }
            Self::Few(few) => few.insert(ordinal),
            Self::Pages(pages) if pages.contains(ordinal) => false,
            Self::Pages(pages) => Arc::make_mut(pages).insert(ordinal),
        }
    }

    /// Was it present?
    pub(super) fn remove(&mut self, ordinal: u32) -> bool {
        match self {
            Self::Few(few) => few.remove(ordinal),
            Self::Pages(pages) if !pages.contains(ordinal) => false,
            Self::Pages(pages) => {
                let pages = Arc::make_mut(pages);
                pages.remove(ordinal);
                // Half of what fits inline, so that a set at the border does not change form at
                // every step.
                if pages.len() <= FEW_MAX as u64 / 2 {
                    let ordinals: Vec<u32> = pages.iter().collect();
                    *self = Self::Few(Few::from_sorted(&ordinals).expect("few, and pages ascend"));
                }
                true
            }
        }
    }

    /// The ordinals in ascending order.
    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Few(few) => Box::new(few.as_slice().iter().copied()),
            Self::Pages(pages) => Box::new(pages.iter()),
        }
    }

    /// Adds the ordinals to `bitmap`, page by page.
    pub(super) fn union_into(&self, bitmap: &mut RoaringBitmap) {
        match self {
            Self::Few(few) => bitmap.extend(few.as_slice()),
            Self::Pages(pages) => {
                for (_, page) in pages.iter_pages() {
                    *bitmap |= page;
                }
            }
        }
    }

    pub(super) fn to_bitmap(&self) -> RoaringBitmap {
        let mut bitmap = RoaringBitmap::new();
        self.union_into(&mut bitmap);
        bitmap
    }

    /// Bytes besides the posting itself.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Few(_) => 0,
            Self::Pages(pages) => size_of::<Pages>() + pages.heap_bytes(),
        }
    }
}
