//! A table from `u32` to `u32` that one thread fills while others read.
//!
//! A radix tree of three levels: a page of 1,024 numbers is made when the first of them is stored, and
//! nothing ever moves or goes away. Dense runs of keys cost 4 bytes a key.
//!
//! **Invariant:** what was stored before a number, under any key of any table, is visible to whoever
//! reads that number. Only this folder calls it; one writer at a time stores.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// What a key holds until something is stored.
pub(super) const NONE: u32 = u32::MAX;

const PAGE: usize = 1 << 10;
const FANOUT: usize = 1 << 11;

type Branch<T> = Box<[OnceLock<T>]>;
type Page = Box<[AtomicU32; PAGE]>;

/// See the module.
pub(super) struct Table {
    root: OnceLock<Branch<Branch<Page>>>,
    heap_bytes: AtomicUsize,
}

/// Places at each level.
#[inline]
fn locate(key: u32) -> (usize, usize, usize) {
    let page = key as usize / PAGE;
    (page / FANOUT, page % FANOUT, key as usize % PAGE)
}

impl Table {
    pub(super) fn new() -> Self {
        Self { root: OnceLock::new(), heap_bytes: AtomicUsize::new(0) }
    }

    /// Was nothing ever stored?
    pub(super) fn is_empty(&self) -> bool {
        self.root.get().is_none()
    }

    /// The number stored last under `key`, or [`NONE`].
    #[inline]
    pub(super) fn get(&self, key: u32) -> u32 {
        let Some(root) = self.root.get() else { return NONE };
        let (branch, page, at) = locate(key);
        root[branch]
            .get()
            .and_then(|branch| branch[page].get())
            .map_or(NONE, |page| page[at].load(Ordering::Acquire))
    }

    pub(super) fn store(&self, key: u32, number: u32) {
        let (branch, page, at) = locate(key);
        let root = self.grown(&self.root, FANOUT * size_of::<OnceLock<Branch<Page>>>(), branches);
        let branch = self.grown(&root[branch], FANOUT * size_of::<OnceLock<Page>>(), branches);
        let page = self.grown(&branch[page], PAGE * size_of::<u32>(), || {
            Box::new([const { AtomicU32::new(NONE) }; PAGE])
        });
        page[at].store(number, Ordering::Release);
    }

    fn grown<'a, T>(&self, slot: &'a OnceLock<T>, bytes: usize, new: impl Fn() -> T) -> &'a T {
        slot.get_or_init(|| {
            self.heap_bytes.fetch_add(bytes, Ordering::Relaxed);
            new()
        })
    }

    /// Every key under which something is stored, ascending, and what.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        let pages = self.root.get().into_iter().flat_map(|root| {
            (0..FANOUT).filter_map(|at| Some((at, root[at].get()?))).flat_map(
                move |(high, branch)| {
                    let low = (0..FANOUT).filter_map(|at| Some((at, branch[at].get()?)));
                    low.map(move |(low, page)| (high * FANOUT + low, page))
                },
            )
        });
        pages.flat_map(|(number, page)| {
            let stored = page.iter().map(|number| number.load(Ordering::Acquire)).enumerate();
            stored
                .filter(|&(_, stored)| stored != NONE)
                .map(move |(at, stored)| ((number * PAGE + at) as u32, stored))
        })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.heap_bytes.load(Ordering::Relaxed)
    }
}

fn branches<T>() -> Branch<T> {
    (0..FANOUT).map(|_| OnceLock::new()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_is_a_map(
            stores in proptest::collection::vec(
                (prop_oneof![0_u32..3000, any::<u32>()], 0..NONE),
                0..60,
            ),
            misses in proptest::collection::vec(any::<u32>(), 0..10),
        ) {
            let table = Table::new();
            let model: BTreeMap<u32, u32> = stores.iter().copied().collect();
            for &(key, number) in &stores {
                table.store(key, number);
            }
            prop_assert_eq!(table.is_empty(), model.is_empty());
            for key in stores.iter().map(|store| store.0).chain(misses) {
                prop_assert_eq!(table.get(key), model.get(&key).copied().unwrap_or(NONE));
            }
            prop_assert!(table.iter().eq(model));
        }
    }
}
