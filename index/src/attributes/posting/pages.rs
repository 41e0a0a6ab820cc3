//! Many ordinals, in pages of 65,536 that copies of the set share.
//!
//! **Invariant:** pages ascend by number, none is empty, each holds only ordinals of its number and
//! stays near 8 KiB at most; `len` is the sum of them. Changing one ordinal copies the page table
//! (16 bytes a page) and one page. For [`Posting`](super::Posting) only.

use std::sync::Arc;

use roaring::RoaringBitmap;

/// A bitmap of one page with its header: a page that is longer has a shorter form. Part of the
/// image format: no page is written longer.
pub(in crate::attributes) const PAGE_BYTES_MAX: usize = 8 * 1024 + 64;

/// How often a growing page is offered the form of runs. Ordinals mostly arrive in sequence, and a
/// page of one run is copied in a few bytes where a bitmap takes 8 KiB.
const RUNS_EVERY: u64 = 512;

/// What a page takes besides its ordinals: its place in the table, the counts, the container.
const PAGE_OVERHEAD_BYTES: usize = size_of::<Page>() + 16 + size_of::<RoaringBitmap>() + 32;

#[derive(Clone, Debug, Default)]
pub(in crate::attributes) struct Pages {
    len: u64,
    /// What the pages take, kept here so that asking is free.
    bytes: usize,
    table: Vec<Page>,
}

#[derive(Clone, Debug)]
struct Page {
    number: u16,
    ordinals: Arc<RoaringBitmap>,
}

impl Pages {
    pub(super) fn from_sorted(ordinals: &[u32]) -> Self {
        let mut pages = Self::default();
        for &ordinal in ordinals {
            pages.insert(ordinal);
        }
        pages
    }

    /// Appends a page; `None` if it does not belong behind the last one.
    pub(in crate::attributes) fn append(&mut self, number: u16, page: RoaringBitmap) -> Option<()> {
        let (first, last) = (page.min()?, page.max()?);
        let follows = self.table.last().is_none_or(|before| before.number < number);
        let belongs = number_of(first) == number && number_of(last) == number;
        (follows && belongs).then(|| {
            self.len += page.len();
            self.bytes += page.serialized_size();
            self.table.push(Page { number, ordinals: Arc::new(page) });
        })
    }

    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn contains(&self, ordinal: u32) -> bool {
        self.find(ordinal).is_ok_and(|at| self.table[at].ordinals.contains(ordinal))
    }

    /// Was it absent?
    pub(super) fn insert(&mut self, ordinal: u32) -> bool {
        let at = self.find(ordinal).unwrap_or_else(|at| {
            let page = Page { number: number_of(ordinal), ordinals: Arc::default() };
            self.table.insert(at, page);
            at
        });
        let page = &mut self.table[at].ordinals;
        if page.contains(ordinal) {
            return false;
        }
        let page = Arc::make_mut(page);
        let before = page.serialized_size();
        page.insert(ordinal);
        if page.len().is_multiple_of(RUNS_EVERY) || page.serialized_size() > PAGE_BYTES_MAX {
            page.optimize();
        }
        self.bytes = self.bytes + page.serialized_size() - before;
        self.len += 1;
        true
    }

    /// Was it present?
    pub(super) fn remove(&mut self, ordinal: u32) -> bool {
        let Ok(at) = self.find(ordinal) else { return false };
        let page = &mut self.table[at].ordinals;
        if !page.contains(ordinal) {
            return false;
        }
        let page = Arc::make_mut(page);
        let before = page.serialized_size();
        page.remove(ordinal);
        if page.serialized_size() > PAGE_BYTES_MAX {
            page.optimize();
        }
        self.bytes = self.bytes + page.serialized_size() - before;
        if page.is_empty() {
            self.table.remove(at);
        }
        self.len -= 1;
        true
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.table.iter().flat_map(|page| page.ordinals.iter())
    }

    /// The pages by number.
    pub(in crate::attributes) fn iter_pages(
        &self,
    ) -> impl ExactSizeIterator<Item = (u16, &RoaringBitmap)> {
        self.table.iter().map(|page| (page.number, &*page.ordinals))
    }

    pub(super) const fn heap_bytes(&self) -> usize {
        self.bytes + self.table.len() * PAGE_OVERHEAD_BYTES
    }

    fn find(&self, ordinal: u32) -> Result<usize, usize> {
        self.table.binary_search_by_key(&number_of(ordinal), |page| page.number)
    }
}

const fn number_of(ordinal: u32) -> u16 {
    (ordinal >> 16) as u16
}
