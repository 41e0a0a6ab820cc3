//! Terms of words that were met before: to stem a word takes far longer than to look it up, and a few hundred
//! words are most of any text.
//!
//! **Invariant:** what is known of a word is what would be found anew. A table has a fixed size.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Words that a table has room for; of those that fall on one place the last stays.
const SLOTS: usize = 1 << 11;
/// What a word and its term may take together.
const BYTES: usize = 29;

/// See the module. Takes 64 KiB once it is used.
#[derive(Default)]
pub(in crate::text) struct KnownTerms(Vec<Slot>);

/// A word, its term behind it, and the rules that the one became the other by.
#[derive(Clone, Copy)]
struct Slot {
    /// 0 of a slot that is free.
    rules: u8,
    word_len: u8,
    term_len: u8,
    bytes: [u8; BYTES],
}

const _: () = assert!(size_of::<Slot>() == 32, "two to a cache line");

impl Slot {
    const FREE: Slot = Slot { rules: 0, word_len: 0, term_len: 0, bytes: [0; BYTES] };

    /// `None` if it takes too much.
    fn new(rules: u8, word: &str, term: &str) -> Option<Self> {
        let mut slot =
            Slot { rules, word_len: word.len() as u8, term_len: term.len() as u8, ..Slot::FREE };
        let end = word.len() + term.len();
        slot.bytes.get_mut(..word.len())?.copy_from_slice(word.as_bytes());
        slot.bytes.get_mut(word.len()..end)?.copy_from_slice(term.as_bytes());
        Some(slot)
    }

    fn term_of(&self, rules: u8, word: &str) -> Option<&str> {
        let (known, rest) = self.bytes.split_at(usize::from(self.word_len));
        if self.rules != rules || known != word.as_bytes() {
            return None;
        }
        str::from_utf8(&rest[..usize::from(self.term_len)]).ok()
    }
}

impl KnownTerms {
    /// Appends the term of a word under some rules, which have a number from 1 on: the one that is known, or else
    /// what `find` appends.
    pub(super) fn term(
        &mut self,
        rules: u8,
        word: &str,
        into: &mut String,
        find: impl FnOnce(&mut String),
    ) {
        if word.len() > BYTES {
            return find(into);
        }
        if self.0.is_empty() {
            self.0.resize(SLOTS, Slot::FREE);
        }
        let place = xxh3_64_with_seed(word.as_bytes(), rules.into()) as usize % SLOTS;
        let slot = &mut self.0[place];
        if let Some(term) = slot.term_of(rules, word) {
            return into.push_str(term);
        }
        let start = into.len();
        find(into);
        if let Some(new) = Slot::new(rules, word, &into[start..]) {
            *slot = new;
        }
    }

    pub(in crate::text) fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<Slot>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_term_is_what_it_would_be_anew(
            words in proptest::collection::vec(("[a-cé]{0,4}|[a-cé]{10,34}", 1..4_u8), 0..400),
        ) {
            let mut known = KnownTerms::default();
            // Terms longer and shorter than their words, and words that meet again under other rules.
            let find = |rules: u8, word: &str, into: &mut String| match rules {
                1 => into.push_str(&word.to_uppercase().repeat(2)),
                2 => into.extend(word.chars().take(1)),
                _ => {}
            };
            for (word, rules) in &words {
                let (mut found, mut expected) = (String::from("x"), String::from("x"));
                known.term(*rules, word, &mut found, |into| find(*rules, word, into));
                find(*rules, word, &mut expected);
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn a_word_is_not_looked_for_twice() {
        for (word, times) in [("walking", 1), ("", 1), (&*"w".repeat(20), 2)] {
            let (mut known, mut count) = (KnownTerms::default(), 0);
            for _ in 0..2 {
                let mut found = String::new();
                known.term(9, word, &mut found, |into| {
                    count += 1;
                    into.push_str(word);
                });
                assert_eq!((&*found, count <= times), (word, true));
            }
            assert_eq!(count, times, "{word}");
        }
    }
}
