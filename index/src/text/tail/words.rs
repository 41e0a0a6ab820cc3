//! Lists of `u32` that only grow, with one writer and many readers.
//!
//! All lists share one store, in chunks that double in size from list to list's chunk; the last word of
//! a full chunk is the place of the next. So a list of one posting takes 16 bytes, and a long one is read
//! almost in a row.
//!
//! **Invariant:** a word below the length of a list is never written again. One writer; readers take no
//! lock. Words never move.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Words of the first bucket; each further one is twice as large.
const FIRST: u32 = 1 << 14;
const BUCKETS: usize = 18;

/// Words of the first chunk of a list, with the link to the next, and of the largest.
const SMALLEST: u32 = 4;
const LARGEST: u32 = 1 << 12;

const _: () = assert!((FIRST as u64) << BUCKETS == 1 << 32 && LARGEST <= FIRST);

/// The store.
#[derive(Debug, Default)]
pub(super) struct Words {
    buckets: [OnceLock<Box<[AtomicU32]>>; BUCKETS],
}

/// What readers know of a list.
#[derive(Debug, Default)]
pub(super) struct Head {
    first: AtomicU32,
    /// Words in the list.
    len: AtomicU32,
}

/// Where the writer appends to a list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct End {
    /// The next word to be written.
    at: u32,
    /// Words up to the link of the chunk.
    room: u32,
    /// Words of the chunk.
    chunk: u32,
    len: u32,
}

/// Where the writer makes the next chunk.
#[derive(Debug, Default)]
pub(super) struct Free(u32);

fn place(word: u32) -> (usize, usize) {
    let bucket = (word / FIRST + 1).ilog2();
    let first = u64::from(FIRST) * ((1 << bucket) - 1);
    (bucket as usize, (u64::from(word) - first) as usize)
}

impl Words {
    #[inline]
    fn word(&self, at: u32) -> Option<&AtomicU32> {
        let (bucket, at) = place(at);
        self.buckets.get(bucket)?.get()?.get(at)
    }

    /// Makes room for a chunk; it lies in one bucket.
    ///
    /// # Panics
    /// After 2^32 words, which outgrow any memory long before.
    fn allot(&self, words: u32, free: &mut Free) -> u32 {
        let fits = |at: u32| place(at).0 == place(at + (words - 1)).0;
        if !fits(free.0) {
            let (bucket, _) = place(free.0);
            free.0 = FIRST * ((1 << (bucket + 1)) - 1);
        }
        let at = free.0;
        free.0 = at.checked_add(words).expect("2^32 words outgrow the memory first");
        let bucket = place(at).0;
        self.buckets[bucket]
            .get_or_init(|| (0..u64::from(FIRST) << bucket).map(|_| AtomicU32::new(0)).collect());
        at
    }

    /// Appends a word. Readers see it once [`publish`](Head::publish) was called.
    #[inline]
    pub(super) fn push(&self, head: &Head, end: &mut End, free: &mut Free, word: u32) {
        if end.room == 0 {
            let words = (end.chunk * 2).clamp(SMALLEST, LARGEST);
            let next = self.allot(words, free);
            let link = if end.chunk == 0 { Some(&head.first) } else { self.word(end.at) };
            if let Some(link) = link {
                link.store(next, Ordering::Relaxed);
            }
            *end = End { at: next, room: words - 1, chunk: words, len: end.len };
        }
        if let Some(slot) = self.word(end.at) {
            slot.store(word, Ordering::Relaxed);
        }
        end.at += 1;
        end.room -= 1;
        end.len += 1;
    }

    /// The words that were published.
    pub(super) fn read<'a>(&'a self, head: &Head) -> Reader<'a> {
        // Pairs with the release of `publish`: words and links up to the length are there.
        let left = head.len.load(Ordering::Acquire);
        let first = head.first.load(Ordering::Relaxed);
        Reader { words: self, chunk: &[], next: first, size: 0, left }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.buckets.iter().filter_map(OnceLock::get).map(|bucket| size_of_val(&**bucket)).sum()
    }
}

impl Head {
    /// Lets readers see what was pushed.
    #[inline]
    pub(super) fn publish(&self, end: &End) {
        self.len.store(end.len, Ordering::Release);
    }
}

/// Reads a list.
pub(super) struct Reader<'a> {
    words: &'a Words,
    /// What is left of the chunk, without its link.
    chunk: &'a [AtomicU32],
    /// Where the next chunk begins.
    next: u32,
    /// Words of the chunk that is being read.
    size: u32,
    left: u32,
}

impl Reader<'_> {
    #[cold]
    fn enter_chunk(&mut self) -> Option<()> {
        self.size = (self.size * 2).clamp(SMALLEST, LARGEST);
        let (bucket, at) = place(self.next);
        let bucket = self.words.buckets.get(bucket)?.get()?;
        let chunk = bucket.get(at..at + self.size as usize)?;
        let (link, words) = chunk.split_last()?;
        self.next = link.load(Ordering::Relaxed);
        self.chunk = words;
        Some(())
    }
}

impl Iterator for Reader<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.left == 0 {
            return None;
        }
        if self.chunk.is_empty() {
            self.enter_chunk()?;
        }
        let (word, rest) = self.chunk.split_first()?;
        self.chunk = rest;
        self.left -= 1;
        Some(word.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_every_length_come_back() {
        let words = Words::default();
        let mut free = Free::default();
        let lists = 40_u32;
        let heads: Vec<Head> = (0..lists).map(|_| Head::default()).collect();
        let mut ends = vec![End::default(); lists as usize];
        for round in 0..20_000_u32 {
            for list in 0..lists {
                if round % (list + 1) == 0 {
                    let at = list as usize;
                    words.push(&heads[at], &mut ends[at], &mut free, round ^ list);
                    heads[at].publish(&ends[at]);
                }
            }
        }
        for (list, head) in (0..).zip(&heads) {
            let expected = (0..20_000).filter(|round| round % (list + 1) == 0).map(|r| r ^ list);
            assert!(words.read(head).eq(expected), "{list}");
        }
    }

    #[test]
    fn a_chunk_lies_in_one_bucket() {
        assert_eq!(place(0), (0, 0));
        assert_eq!(place(FIRST - 1), (0, FIRST as usize - 1));
        assert_eq!(place(FIRST), (1, 0));
        assert!(place(u32::MAX).0 <= BUCKETS);
    }
}
