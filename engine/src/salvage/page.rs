//! The pages of redb, read from bytes that may be anything: its header, leaves, branches, and the
//! definitions of its tables.
//!
//! [redb's format](https://github.com/cberner/redb/blob/master/docs/design.md), version 3, of
//! tables whose keys and values both have any length, as all of ours have.
//!
//! **Invariant:** no bytes make a function of this module panic, and none of them allocates. What
//! is returned lies inside the bytes given; whether it is what redb wrote, checksums tell.

use std::ops::Range;
use xxhash_rust::xxh3::xxh3_128;

/// The smallest page.
pub(super) const PAGE_LEN: u64 = 4096;
/// Pages of a region, and the bits of a page number that tell them apart.
const REGION_PAGES_BITS: u32 = 20;
/// Pages are up to a region long.
const MAX_ORDER: u32 = REGION_PAGES_BITS;
/// Where the first of two commit slots lies in the header, and how long each is.
const SLOTS_AT: usize = 64;
const SLOT_LEN: usize = 128;
/// The format that is read.
const VERSION: u8 = 3;
/// Begins a table whose keys have one value each.
const NORMAL_TABLE: u8 = 3;

const LEAF: u8 = 1;
const BRANCH: u8 = 2;

/// A checksum of redb's.
pub(super) type Checksum = u128;

/// The number of a page, which says where it is and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PageNumber(u64);

/// The root of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) page: PageNumber,
    pub(super) checksum: Checksum,
    /// Rows of the tree.
    pub(super) len: u64,
}

/// A tree: its root, or none if it is empty.
pub(super) type Tree = Option<Root>;

/// A commit that the header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommitSlot {
    pub(super) transaction: u64,
    /// The tree of tables.
    pub(super) tables: Tree,
}

/// Reads the two commit slots of redb's header; one whose checksum does not hold is `None`.
pub(super) fn commit_slots(header: &[u8]) -> [Option<CommitSlot>; 2] {
    [0, 1].map(|i| commit_slot(header.get(SLOTS_AT + i * SLOT_LEN..)?.get(..SLOT_LEN)?))
}

fn commit_slot(bytes: &[u8]) -> Option<CommitSlot> {
    let (body, sum) = bytes.split_last_chunk()?;
    if bytes.first() != Some(&VERSION) || xxh3_128(body) != Checksum::from_le_bytes(*sum) {
        return None;
    }
    let has_tables = body[1] != 0;
    let tables = if has_tables { Some(root_at(body, 8)?) } else { None };
    Some(CommitSlot { transaction: u64_at(body, 104)?, tables })
}

fn root_at(bytes: &[u8], at: usize) -> Option<Root> {
    let page = PageNumber(u64_at(bytes, at)?);
    let checksum = Checksum::from_le_bytes(*bytes.get(at + 8..)?.first_chunk()?);
    Some(Root { page, checksum, len: u64_at(bytes, at + 24)? })
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize)
}

/// The tree that a value of the tree of tables defines.
pub(super) fn table_definition(value: &[u8]) -> Option<Tree> {
    let [kind, rest @ ..] = value else { return None };
    let has_root = *rest.get(8)?;
    // Keys and values of one length each are stored another way.
    let widths = (*rest.get(41)?, *rest.get(46)?);
    if *kind != NORMAL_TABLE || widths != (0, 0) {
        return None;
    }
    if has_root == 0 {
        return Some(None);
    }
    let root = root_at(rest, 9)?;
    Some(Some(Root { len: u64_at(rest, 0)?, ..root }))
}

impl PageNumber {
    /// Where the page lies in the table space, and its length; `None` if there is no such page.
    pub(super) fn place(self) -> Option<(u64, u64)> {
        let order = (self.0 >> 59) as u32;
        if order > MAX_ORDER {
            return None;
        }
        let index = self.0 & ((1 << (REGION_PAGES_BITS - order)) - 1);
        let region = self.0 >> REGION_PAGES_BITS & ((1 << REGION_PAGES_BITS) - 1);
        let len = PAGE_LEN << order;
        // The first page of all is the header.
        Some((PAGE_LEN + (region << REGION_PAGES_BITS) * PAGE_LEN + index * len, len))
    }
}

/// The longest page that can begin at an offset of the table space.
pub(super) fn longest_at(offset: u64) -> u64 {
    let number = offset.saturating_sub(PAGE_LEN) / PAGE_LEN;
    PAGE_LEN << number.trailing_zeros().min(MAX_ORDER)
}

/// A page of a tree.
#[derive(Clone, Copy, Debug)]
pub(super) enum Page<'a> {
    Leaf(Leaf<'a>),
    Branch(Branch<'a>),
}

impl<'a> Page<'a> {
    /// Takes bytes for a page; `None` if they cannot be one.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        match *bytes.first()? {
            LEAF => Leaf::parse(bytes).map(Page::Leaf),
            BRANCH => Branch::parse(bytes).map(Page::Branch),
            _ => None,
        }
    }

    /// The checksum that whoever points at the page must have.
    pub(super) fn checksum(&self) -> Checksum {
        let used = match self {
            Page::Leaf(leaf) => leaf.bytes.get(..leaf.used),
            Page::Branch(branch) => branch.bytes.get(..branch.used),
        };
        xxh3_128(used.unwrap_or_default())
    }
}

/// A leaf: rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf<'a> {
    bytes: &'a [u8],
    count: usize,
    used: usize,
}

/// A row, by where its parts lie in its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowAt {
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Bytes before the ends of the keys of a leaf.
const LEAF_HEAD: usize = 4;

impl<'a> Leaf<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let used = Leaf::used(bytes)?;
        let count = count_of(bytes)?;
        (used <= bytes.len()).then_some(Leaf { bytes, count, used })
    }

    /// A leaf of which any part may be damaged: its rows are those that still make sense.
    pub(super) fn parse_damaged(bytes: &'a [u8]) -> Option<Self> {
        Leaf::used(bytes)?;
        Some(Leaf { bytes, count: count_of(bytes)?, used: bytes.len() })
    }

    /// The bytes that a leaf takes according to its beginning; it may be longer than what is given.
    pub(super) fn used(beginning: &[u8]) -> Option<usize> {
        let count = count_of(beginning).filter(|count| *count > 0)?;
        if beginning.first() != Some(&LEAF) {
            return None;
        }
        let used = u32_at(beginning, LEAF_HEAD + 4 * (2 * count - 1))?;
        (used >= LEAF_HEAD + 8 * count).then_some(used)
    }

    /// The rows, as far as they lie inside the page. Of a damaged page some may.
    pub(super) fn rows(self) -> impl Iterator<Item = RowAt> + use<'a> {
        let count = self.count;
        (0..count).filter_map(move |i| {
            let key_end = |i: usize| u32_at(self.bytes, LEAF_HEAD + 4 * i);
            let value_end = |i: usize| u32_at(self.bytes, LEAF_HEAD + 4 * (count + i));
            let first_key = LEAF_HEAD + 8 * count;
            let key = if i == 0 { first_key } else { key_end(i - 1)? }..key_end(i)?;
            let first_value = || key_end(count - 1);
            let value = if i == 0 { first_value()? } else { value_end(i - 1)? }..value_end(i)?;
            let fits = |range: &Range<usize>| range.start <= range.end && range.end <= self.used;
            let is_behind = key.start >= first_key && key.end <= value.start;
            (fits(&key) && fits(&value) && is_behind).then_some(RowAt { key, value })
        })
    }
}

/// A branch: children, and keys that tell them apart. Key `i` is at or above every key of child
/// `i`, and below every key of child `i + 1`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch<'a> {
    bytes: &'a [u8],
    keys: usize,
    used: usize,
}

/// Bytes before the checksums of the children of a branch.
const BRANCH_HEAD: usize = 8;

impl<'a> Branch<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let keys = count_of(bytes).filter(|keys| *keys > 0)?;
        let used = u32_at(bytes, Branch::ends_at(keys) + 4 * (keys - 1))?;
        let fits = used >= Branch::ends_at(keys) + 4 * keys && used <= bytes.len();
        fits.then_some(Branch { bytes, keys, used })
    }

    /// Where the ends of the keys begin.
    fn ends_at(keys: usize) -> usize {
        BRANCH_HEAD + (size_of::<Checksum>() + size_of::<PageNumber>()) * (keys + 1)
    }

    pub(super) fn children(&self) -> usize {
        self.keys + 1
    }

    pub(super) fn child(&self, i: usize) -> Option<(PageNumber, Checksum)> {
        if i > self.keys {
            return None;
        }
        let sums = self.bytes.get(BRANCH_HEAD + size_of::<Checksum>() * i..)?;
        let numbers = BRANCH_HEAD + size_of::<Checksum>() * (self.keys + 1);
        let number = u64_at(self.bytes, numbers + size_of::<PageNumber>() * i)?;
        Some((PageNumber(number), Checksum::from_le_bytes(*sums.first_chunk()?)))
    }

    pub(super) fn key(&self, i: usize) -> Option<&'a [u8]> {
        if i >= self.keys {
            return None;
        }
        let end = |i: usize| u32_at(self.bytes, Branch::ends_at(self.keys) + 4 * i);
        let first = Branch::ends_at(self.keys) + 4 * self.keys;
        let start = if i == 0 { first } else { end(i - 1)? };
        let key = self.bytes.get(start..end(i)?);
        key.filter(|_| start >= first)
    }

    /// The child in which a key must be, if it is anywhere.
    pub(super) fn child_for(&self, key: &[u8]) -> usize {
        (0..self.keys).find(|i| self.key(*i).is_some_and(|k| key <= k)).unwrap_or(self.keys)
    }
}

/// How many rows a leaf, or keys a branch, has.
fn count_of(bytes: &[u8]) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(*bytes.get(2..)?.first_chunk()?)))
}
