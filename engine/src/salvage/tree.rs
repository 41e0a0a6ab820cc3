//! Walking redb's trees over a damaged file: every page is proved by the checksum that its parent
//! has of it, and what cannot be proved is left out and said.
//!
//! **Invariant:** a row that a walk or a look-up gives is one that was committed under the root it
//! began at. Neither reads more than a few times what the file is long, or goes deeper than
//! [`MAX_DEPTH`], whatever the bytes are.

use super::page::{Branch, Checksum, Leaf, Page, PageNumber, Tree, longest_at};
use crate::Result;
use crate::file::{Swap, Wreck};
use std::collections::HashSet;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// No tree that fits a file has as many levels.
const MAX_DEPTH: usize = 64;
/// A walk reads so many times the length of the table space at most: each page once, and the
/// lengths of pages overlap only where somebody made them up.
const MAX_ROUNDS: u64 = 32;

/// Where a page was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageAt {
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) swap: Option<Swap>,
}

/// Where a value was found, to read it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ValueAt {
    page: PageAt,
    range: Range<usize>,
    /// The device may answer otherwise the next time.
    checksum: u64,
}

impl ValueAt {
    /// The value; `None` if it is not what it was.
    pub(super) fn read(&self, wreck: &Wreck) -> Option<Vec<u8>> {
        let PageAt { offset, len, swap } = self.page;
        let page = wreck.read(offset, len, swap)?;
        let value = page.get(self.range.clone())?;
        (xxh3_64(value) == self.checksum).then(|| value.to_vec())
    }
}

/// What a walk comes upon, in the order of keys.
pub(super) enum Step<'a> {
    /// A row.
    Row(Row<'a>),
    /// A page that is lost. Its keys lie above the first bound, and at or below the second.
    Gap(Option<&'a [u8]>, Option<&'a [u8]>),
}

/// A row of a leaf.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    page: PageAt,
    value_start: usize,
}

impl Row<'_> {
    pub(super) fn value_at(&self) -> ValueAt {
        let range = self.value_start..self.value_start + self.value.len();
        ValueAt { page: self.page, range, checksum: xxh3_64(self.value) }
    }
}

/// What a look-up found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Value(Vec<u8>),
    /// There is no such row.
    Absent,
    /// A page on the way is lost.
    Lost,
}

/// A page that was read and proved.
struct Proved {
    number: PageNumber,
    checksum: Checksum,
    bytes: Vec<u8>,
}

/// Reads trees.
pub(super) struct Trees<'a> {
    pub(super) wreck: &'a Wreck,
    /// The pages of the last look-up, from the root down: the next one mostly needs the same.
    path: Vec<Proved>,
}

/// Pages that walks of one table have been through: what shares them need not be walked again.
#[derive(Default)]
pub(super) struct Walked(HashSet<(PageNumber, Checksum)>);

type Each<'e> = &'e mut dyn FnMut(Step<'_>) -> Result<()>;

struct Walk<'w, 'e> {
    wreck: &'w Wreck,
    walked: &'w mut Walked,
    left_bytes: u64,
    each: Each<'e>,
}

impl<'a> Trees<'a> {
    pub(super) fn new(wreck: &'a Wreck) -> Self {
        Trees { wreck, path: Vec::new() }
    }

    /// Everything in a tree but what `walked` has been through. `each` may end it by an error.
    pub(super) fn walk(&self, tree: Tree, walked: &mut Walked, each: Each<'_>) -> Result<()> {
        let Some(root) = tree else { return Ok(()) };
        let left_bytes = self.wreck.len().saturating_mul(MAX_ROUNDS);
        let mut walk = Walk { wreck: self.wreck, walked, left_bytes, each };
        walk.page(root.page, root.checksum, (None, None), 0)
    }

    /// Is every page of a tree there?
    pub(super) fn is_whole(&self, tree: Tree) -> bool {
        let mut is_whole = true;
        let walked = self.walk(tree, &mut Walked::default(), &mut |step| {
            is_whole &= matches!(step, Step::Row(_));
            Ok(())
        });
        is_whole && walked.is_ok()
    }

    /// The value of a key.
    pub(super) fn get(&mut self, tree: Tree, key: &[u8]) -> Found {
        let find = |branch: &Branch<'_>| branch.child_for(key);
        let at_leaf = |page: &Proved| match Page::parse(&page.bytes) {
            Some(Page::Leaf(leaf)) => leaf
                .rows()
                .find(|row| &page.bytes[row.key.clone()] == key)
                .map_or(Found::Absent, |row| Found::Value(page.bytes[row.value].to_vec())),
            _ => Found::Lost,
        };
        self.descend(tree, find, at_leaf)
    }

    /// The last value of a tree.
    pub(super) fn last(&mut self, tree: Tree) -> Found {
        let find = |branch: &Branch<'_>| branch.children() - 1;
        let at_leaf = |page: &Proved| match Page::parse(&page.bytes) {
            Some(Page::Leaf(leaf)) => leaf
                .rows()
                .last()
                .map_or(Found::Absent, |row| Found::Value(page.bytes[row.value].to_vec())),
            _ => Found::Lost,
        };
        self.descend(tree, find, at_leaf)
    }

    fn descend(
        &mut self,
        tree: Tree,
        child: impl Fn(&Branch<'_>) -> usize,
        at_leaf: impl FnOnce(&Proved) -> Found,
    ) -> Found {
        let Some(root) = tree else { return Found::Absent };
        let (mut number, mut checksum) = (root.page, root.checksum);
        for depth in 0..MAX_DEPTH {
            let known = self.path.get(depth);
            if known.is_none_or(|p| (p.number, p.checksum) != (number, checksum)) {
                self.path.truncate(depth);
                let Some((bytes, _)) = fetch(self.wreck, number, checksum) else {
                    return Found::Lost;
                };
                self.path.push(Proved { number, checksum, bytes });
            }
            let page = &self.path[depth];
            match Page::parse(&page.bytes) {
                Some(Page::Branch(branch)) => match branch.child(child(&branch)) {
                    Some(next) => (number, checksum) = next,
                    None => return Found::Lost,
                },
                _ => return at_leaf(page),
            }
        }
        Found::Lost
    }
}

/// The bytes of a page that has this checksum, and where they were.
fn fetch(wreck: &Wreck, number: PageNumber, checksum: Checksum) -> Option<(Vec<u8>, PageAt)> {
    let (offset, len) = number.place()?;
    wreck.ways(offset, len).into_iter().find_map(|swap| {
        let bytes = wreck.read(offset, len, swap)?;
        let is_right = Page::parse(&bytes)?.checksum() == checksum;
        is_right.then_some((bytes, PageAt { offset, len, swap }))
    })
}

impl Walk<'_, '_> {
    fn page(
        &mut self,
        number: PageNumber,
        checksum: Checksum,
        (after, up_to): (Option<&[u8]>, Option<&[u8]>),
        depth: usize,
    ) -> Result<()> {
        if !self.walked.0.insert((number, checksum)) {
            return Ok(());
        }
        let len = number.place().map_or(0, |(_, len)| len);
        let is_allowed = depth < MAX_DEPTH && len <= self.left_bytes;
        self.left_bytes = self.left_bytes.saturating_sub(len);
        let fetched = if is_allowed { fetch(self.wreck, number, checksum) } else { None };
        let Some((bytes, at)) = fetched else { return (self.each)(Step::Gap(after, up_to)) };
        match Page::parse(&bytes) {
            Some(Page::Leaf(leaf)) => leaf.rows().try_for_each(|row| {
                let value_start = row.value.start;
                let (key, value) = (&bytes[row.key], &bytes[row.value]);
                (self.each)(Step::Row(Row { key, value, page: at, value_start }))
            }),
            Some(Page::Branch(branch)) => (0..branch.children()).try_for_each(|i| {
                let low = i.checked_sub(1).map_or(after, |i| branch.key(i));
                let high = branch.key(i).or(up_to);
                match branch.child(i) {
                    Some((number, sum)) => self.page(number, sum, (low, high), depth + 1),
                    None => (self.each)(Step::Gap(low, high)),
                }
            }),
            None => (self.each)(Step::Gap(after, up_to)),
        }
    }
}

/// Every leaf in the chunks of the table space, whether anything leads to it or not. `each` gets
/// its bytes, the page, where it lies, and whether it matches the checksum that its chunk has of
/// it; `progress` the number of chunks done.
pub(super) fn scan(
    wreck: &Wreck,
    progress: &mut dyn FnMut(u64),
    each: &mut dyn FnMut(Leaflet<'_>),
) {
    for (done, chunk) in wreck.each_chunk().enumerate() {
        progress(done as u64);
        for (offset, first, is_intact) in chunk.pages() {
            // Page 0 is redb's header.
            let Some(used) = Leaf::used(first).filter(|_| offset > 0) else { continue };
            let at = PageAt { offset, len: first.len() as u64, swap: chunk.swap };
            let len = (used as u64).next_power_of_two();
            let is_longer = len > at.len && len <= longest_at(offset);
            let longer = if is_longer { wreck.read(offset, len, chunk.swap) } else { None };
            match longer {
                // Whether the pages behind the first are intact is not known here.
                Some(bytes) => emit(&bytes, PageAt { len, ..at }, false, each),
                None => emit(first, at, is_intact, each),
            }
        }
    }
}

/// A leaf that a scan came upon.
pub(super) struct Leaflet<'a> {
    bytes: &'a [u8],
    leaf: Leaf<'a>,
    at: PageAt,
    pub(super) is_intact: bool,
}

impl<'a> Leaflet<'a> {
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let (bytes, page) = (self.bytes, self.at);
        self.leaf.rows().map(move |row| {
            let value_start = row.value.start;
            Row { key: &bytes[row.key], value: &bytes[row.value], page, value_start }
        })
    }
}

fn emit(bytes: &[u8], at: PageAt, is_intact: bool, each: &mut dyn FnMut(Leaflet<'_>)) {
    if let Some(leaf) = Leaf::parse_damaged(bytes) {
        each(Leaflet { bytes, leaf, at, is_intact });
    }
}
