//! Posting lists of the tail, and the terms they belong to.
//!
//! **Invariant:** lists only grow, by ascending entries; what lies beyond the entries that a view
//! counts does not exist for it. One writer, many readers. Locks are held for a bounded number of
//! steps: a batch of tokens, a batch of appends, or the copy of one unfinished block.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A document that has a term, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Posting {
    /// Entry of the document in its part.
    pub(super) entry: u32,
    /// How often it has the term; at least 1.
    pub(super) tf: u32,
}

/// Postings to a full block: what a reader copies at most, 8 KiB.
const BLOCK: usize = 1024;

/// Steps taken under one lock, so that nobody waits longer than some 100 microseconds.
const BATCH: usize = 1024;

/// The postings of one term. A clone shares the full blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct PostingList {
    full: Vec<Arc<[Posting]>>,
    open: Vec<Posting>,
}

impl PostingList {
    /// Appends, and says by how many bytes the list grew.
    fn push(&mut self, posting: Posting) -> usize {
        let before = self.heap_bytes();
        if self.open.len() == BLOCK {
            self.full.push(self.open.as_slice().into());
            self.open.clear();
        }
        self.open.push(posting);
        self.heap_bytes() - before
    }

    fn heap_bytes(&self) -> usize {
        self.full.len() * BLOCK * size_of::<Posting>()
            + self.full.capacity() * size_of::<Arc<[Posting]>>()
            + self.open.capacity() * size_of::<Posting>()
    }

    /// Postings of entries below `bound`.
    pub(super) fn count_below(&self, bound: u32) -> u64 {
        let below = |block: &[Posting]| block.partition_point(|p| p.entry < bound);
        let full = self.full.partition_point(|block| below(block) == BLOCK);
        let rest = self.full.get(full).map_or(self.open.as_slice(), |block| block);
        (full * BLOCK + below(rest)) as u64
    }

    /// Does `entry` have the term?
    pub(super) fn contains(&self, entry: u32) -> bool {
        self.count_below(entry) < self.count_below(entry.saturating_add(1))
    }

    /// All postings, by ascending entry.
    pub(super) fn iter(&self) -> impl Iterator<Item = Posting> {
        self.full.iter().flat_map(|block| block.iter()).chain(&self.open).copied()
    }
}

/// Tokens of a document, without an allocation for each.
#[derive(Debug, Default)]
struct Tokens {
    text: String,
    ends: Vec<usize>,
}

impl Tokens {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.text[start..end])
    }
}

/// Counts the terms of one document; the writer keeps it and uses it again.
#[derive(Debug, Default)]
pub(super) struct TermCounter {
    waiting: Tokens,
    /// Term frequency by term number; zero but for those in `seen`.
    counts: Vec<u32>,
    seen: Vec<u32>,
    length: u32,
}

impl TermCounter {
    /// Counts one more token.
    pub(super) fn add(&mut self, token: &str, terms: &Terms) {
        self.waiting.text.push_str(token);
        self.waiting.ends.push(self.waiting.text.len());
        if self.waiting.ends.len() == BATCH {
            self.resolve(terms);
        }
    }

    /// Numbers the waiting tokens: the known ones under a read lock, the rest under a write lock.
    fn resolve(&mut self, terms: &Terms) {
        let tokens = std::mem::take(&mut self.waiting);
        let mut unknown = Vec::new();
        let known = terms.read();
        for token in tokens.iter() {
            match known.numbers.get(token) {
                Some(&term) => self.count(term),
                None => unknown.push(token),
            }
        }
        drop(known);
        if !unknown.is_empty() {
            let mut dictionary = terms.write();
            for token in unknown {
                let term = dictionary.number(token);
                self.count(term);
            }
        }
        self.waiting = tokens;
        self.waiting.text.clear();
        self.waiting.ends.clear();
    }

    fn count(&mut self, term: u32) {
        let at = term as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        if self.counts[at] == 0 {
            self.seen.push(term);
        }
        self.counts[at] += 1;
        self.length += 1;
    }

    /// Appends what was counted as the postings of `entry`, and begins anew. Returns the length
    /// of the document.
    pub(super) fn finish(&mut self, entry: u32, terms: &Terms) -> u32 {
        self.resolve(terms);
        for batch in self.seen.chunks(BATCH) {
            let mut dictionary = terms.write();
            for &term in batch {
                let tf = std::mem::take(&mut self.counts[term as usize]);
                dictionary.append(term, Posting { entry, tf });
            }
        }
        self.seen.clear();
        std::mem::take(&mut self.length)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.waiting.text.capacity()
            + self.waiting.ends.capacity() * size_of::<usize>()
            + (self.counts.capacity() + self.seen.capacity()) * size_of::<u32>()
    }
}

/// The terms of the tail.
#[derive(Debug, Default)]
pub(super) struct Terms {
    dictionary: RwLock<Dictionary>,
}

#[derive(Debug, Default)]
struct Dictionary {
    numbers: HashMap<Arc<str>, u32>,
    lists: Vec<(Arc<str>, PostingList)>,
    /// Bytes of names and lists, kept up to date as they grow.
    heap_bytes: usize,
}

impl Dictionary {
    /// The number of `term`, a new one if need be.
    fn number(&mut self, term: &str) -> u32 {
        if let Some(&number) = self.numbers.get(term) {
            return number;
        }
        let number = self.lists.len() as u32;
        let name: Arc<str> = term.into();
        self.numbers.insert(Arc::clone(&name), number);
        self.lists.push((name, PostingList::default()));
        self.heap_bytes += term.len() + 2 * size_of::<usize>();
        number
    }

    fn append(&mut self, term: u32, posting: Posting) {
        self.heap_bytes += self.lists[term as usize].1.push(posting);
    }
}

impl Terms {
    // A panic under the lock leaves at worst a term without its posting, of an entry that no view
    // counts yet: nothing that readers could trip over.
    fn read(&self) -> RwLockReadGuard<'_, Dictionary> {
        self.dictionary.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Dictionary> {
        self.dictionary.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The postings of `term` as they are now.
    pub(super) fn postings(&self, term: &str) -> Option<PostingList> {
        let dictionary = self.read();
        let &number = dictionary.numbers.get(term)?;
        Some(dictionary.lists[number as usize].1.clone())
    }

    /// Every term in ascending order.
    pub(super) fn sorted(&self) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        loop {
            let dictionary = self.read();
            let rest = &dictionary.lists[names.len()..];
            if rest.is_empty() {
                break;
            }
            names.extend(rest.iter().take(BATCH).map(|(name, _)| Arc::clone(name)));
        }
        names.sort_unstable();
        names
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let dictionary = self.read();
        dictionary.heap_bytes
            + dictionary.numbers.capacity() * (size_of::<(Arc<str>, u32)>() + 1)
            + dictionary.lists.capacity() * size_of::<(Arc<str>, PostingList)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_counts_alike_within_and_across_blocks() {
        let mut list = PostingList::default();
        for i in 0..3 * BLOCK as u32 + 7 {
            list.push(Posting { entry: 2 * i, tf: i + 1 });
        }
        for i in [0, 1, 1023, 1024, 1025, 2047, 2048, 3071, 3072, 3078] {
            assert_eq!(list.count_below(2 * i), u64::from(i));
            assert_eq!(list.count_below(2 * i + 1), u64::from(i) + 1);
        }
        assert!(list.iter().eq((0..3079).map(|i| Posting { entry: 2 * i, tf: i + 1 })));
        assert_eq!(list.count_below(u32::MAX), 3079);
    }
}
