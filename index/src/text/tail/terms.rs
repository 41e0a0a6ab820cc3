//! The terms of the tail and their postings.
//!
//! A posting is the entry and a word with its frequency: `position * 2 + 1` of a term that occurs once,
//! else twice the frequency and then as many positions. Without positions they are left out, and that of
//! a single one is 0.
//!
//! **Invariant:** lists only grow, by ascending entries; what lies beyond the entries that a view counts
//! does not exist for it. One writer, many readers. Locks are held for a bounded number of steps: a
//! batch of tokens or of names.

use super::words::{End, Free, Head, Reader, Words};
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Steps taken under one lock, so that nobody waits longer than some 100 microseconds.
const BATCH: usize = 1024;

/// Tokens of a document that have no number yet, without an allocation for each.
#[derive(Debug, Default)]
struct Tokens {
    text: String,
    /// Where each ends, and its position.
    ends: Vec<(usize, u32)>,
}

impl Tokens {
    fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&(end, _)| end));
        starts.zip(&self.ends).map(|(start, &(end, position))| (&self.text[start..end], position))
    }
}

/// Gathers the terms of one document; the writer keeps it and uses it again.
#[derive(Debug, Default)]
pub(in crate::text) struct DocumentTerms {
    waiting: Tokens,
    /// Number of the term and position, in one.
    found: Vec<u64>,
    ends: Vec<End>,
    free: Free,
}

impl DocumentTerms {
    /// Adds one more token.
    #[inline]
    pub(in crate::text) fn add(&mut self, token: &str, position: u32, terms: &Terms) {
        self.waiting.text.push_str(token);
        self.waiting.ends.push((self.waiting.text.len(), position));
        if self.waiting.ends.len() == BATCH {
            self.resolve(terms);
        }
    }

    /// Numbers the waiting tokens: the known ones under a read lock, the rest under a write lock.
    fn resolve(&mut self, terms: &Terms) {
        let mut tokens = std::mem::take(&mut self.waiting);
        let mut unknown = Vec::new();
        let known = terms.read();
        for (token, position) in tokens.iter() {
            match known.numbers.get(token) {
                Some(&term) => self.found.push(u64::from(term) << 32 | u64::from(position)),
                None => unknown.push((token, position)),
            }
        }
        drop(known);
        if !unknown.is_empty() {
            let mut dictionary = terms.write();
            for (token, position) in unknown {
                let term = dictionary.number(token);
                self.found.push(u64::from(term) << 32 | u64::from(position));
            }
        }
        tokens.text.clear();
        tokens.ends.clear();
        self.waiting = tokens;
    }

    /// Appends what was gathered as the postings of `entry`, and begins anew. Returns the length of the
    /// document.
    pub(super) fn finish(&mut self, entry: u32, terms: &Terms, with_positions: bool) -> u32 {
        self.resolve(terms);
        let Self { found, ends, free, .. } = self;
        found.sort_unstable();
        let length = found.len() as u32;
        for same in found.chunk_by(|a, b| a >> 32 == b >> 32) {
            let term = (same[0] >> 32) as usize;
            let head = terms.heads.get(term);
            if ends.len() <= term {
                ends.resize(term + 1, End::default());
            }
            let end = &mut ends[term];
            let mut push = |word| terms.words.push(head, end, free, word);
            push(entry);
            match same {
                [once] => push(if with_positions { (*once as u32) << 1 | 1 } else { 1 }),
                more => {
                    push((more.len() as u32) << 1);
                    if with_positions {
                        for &position in more {
                            push(position as u32);
                        }
                    }
                }
            }
            head.publish(&ends[term]);
        }
        found.clear();
        length
    }

    pub(in crate::text) fn heap_bytes(&self) -> usize {
        self.waiting.text.capacity()
            + self.waiting.ends.capacity() * size_of::<(usize, u32)>()
            + self.found.capacity() * size_of::<u64>()
            + self.ends.capacity() * size_of::<End>()
    }
}

/// Hashes terms with a seed of this process, so that nobody can choose terms that collide.
#[derive(Clone, Copy, Debug)]
struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Seeded(RandomState::new().build_hasher().finish())
    }
}

impl BuildHasher for Seeded {
    type Hasher = TermHasher;

    fn build_hasher(&self) -> TermHasher {
        TermHasher(self.0)
    }
}

struct TermHasher(u64);

impl Hasher for TermHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// The byte that ends a string: there is nothing behind it to be told from.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The terms of the tail.
#[derive(Debug, Default)]
pub(in crate::text) struct Terms {
    dictionary: RwLock<Dictionary>,
    heads: Heads,
    words: Words,
}

#[derive(Debug, Default)]
struct Dictionary {
    numbers: HashMap<Arc<str>, u32, Seeded>,
    names: Vec<Arc<str>>,
    /// Bytes of the names.
    name_bytes: usize,
}

impl Dictionary {
    /// The number of `term`, a new one if need be.
    fn number(&mut self, term: &str) -> u32 {
        if let Some(&number) = self.numbers.get(term) {
            return number;
        }
        let number = self.names.len() as u32;
        let name: Arc<str> = term.into();
        self.numbers.insert(Arc::clone(&name), number);
        self.names.push(name);
        self.name_bytes += term.len() + 2 * size_of::<usize>();
        number
    }
}

/// Heads of lists by the number of their term; they never move.
#[derive(Debug, Default)]
struct Heads([OnceLock<Box<[Head]>>; HEAD_BUCKETS]);

/// Enough for every `u32`: bucket `b` holds `FIRST_HEADS << b`.
const HEAD_BUCKETS: usize = 24;
const FIRST_HEADS: usize = 256;

impl Heads {
    fn get(&self, term: usize) -> &Head {
        let bucket = (term / FIRST_HEADS + 1).ilog2();
        let first = FIRST_HEADS * ((1 << bucket) - 1);
        let heads = self.0[bucket as usize]
            .get_or_init(|| (0..FIRST_HEADS << bucket).map(|_| Head::default()).collect());
        &heads[term - first]
    }

    fn heap_bytes(&self) -> usize {
        self.0.iter().filter_map(OnceLock::get).map(|bucket| size_of_val(&**bucket)).sum()
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
    pub(in crate::text) fn postings(
        &self,
        term: &str,
        with_positions: bool,
    ) -> Option<TailPostings<'_>> {
        let number = *self.read().numbers.get(term)?;
        Some(TailPostings {
            words: self.words.read(self.heads.get(number as usize)),
            with_positions,
        })
    }

    /// The terms that `keep` keeps, in ascending order.
    pub(in crate::text) fn names(&self, mut keep: impl FnMut(&str) -> bool) -> Vec<Arc<str>> {
        let (mut names, mut seen) = (Vec::new(), 0);
        loop {
            let dictionary = self.read();
            let batch = dictionary.names[seen..].iter().take(BATCH);
            if batch.len() == 0 {
                break;
            }
            seen += batch.len();
            names.extend(batch.filter(|name| keep(name)).map(Arc::clone));
        }
        names.sort_unstable();
        names
    }

    pub(in crate::text) fn heap_bytes(&self) -> usize {
        let dictionary = self.read();
        dictionary.name_bytes
            + dictionary.numbers.capacity() * (size_of::<(Arc<str>, u32)>() + 1)
            + dictionary.names.capacity() * size_of::<Arc<str>>()
            + self.heads.heap_bytes()
            + self.words.heap_bytes()
    }
}

/// Reads a list of the tail.
pub(in crate::text) struct TailPostings<'a> {
    words: Reader<'a>,
    /// Does the tail keep positions?
    with_positions: bool,
}

impl TailPostings<'_> {
    /// Entry and frequency of the next posting; hands its positions to `position`, if they are kept.
    #[inline]
    pub(in crate::text) fn next(&mut self, mut position: impl FnMut(u32)) -> Option<(u32, u32)> {
        let entry = self.words.next()?;
        let word = self.words.next()?;
        if word & 1 == 1 {
            if self.with_positions {
                position(word >> 1);
            }
            return Some((entry, 1));
        }
        let tf = word >> 1;
        if self.with_positions {
            for _ in 0..tf {
                position(self.words.next()?);
            }
        }
        Some((entry, tf))
    }
}
