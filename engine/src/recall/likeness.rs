//! What says the same: by the shingles of two texts, and by the cosine of two vectors.
//!
//! Words are compared by their stems where two memories are in one language, and else as they are written.
//!
//! **Invariant:** the likeness of texts of up to [`MAX_SHINGLES`] words is exact; of longer ones that of as
//! many shingles chosen by their hashes (Broder, 1997). What is asked of two memories costs no more than that.

use crate::ids::{MemoryId, SpaceId};
use crate::memory::Memory;
use crate::rows::SpaceVectors;
use crate::view::View;
use crate::{Error, Result};
use memlith_index::text::{Analyzer, Language};
use std::cell::OnceCell;
use xxhash_rust::xxh3::xxh3_64;

/// Words in a row that make a shingle.
const SHINGLE_WORDS: usize = 3;
/// Shingles of a text that are compared.
const MAX_SHINGLES: usize = 1_024;

/// From where on two memories are taken to say the same: either is enough.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Likeness {
    /// The part of the three words in a row that two contents have in common (the Jaccard index), 0 to 1; 0.8
    /// unless given.
    pub words: f32,
    /// The cosine of their vectors; 0.97 unless given.
    pub vector: f32,
}

impl Default for Likeness {
    fn default() -> Self {
        Likeness { words: 0.8, vector: 0.97 }
    }
}

impl Likeness {
    /// Such thresholds.
    pub fn new(words: f32, vector: f32) -> Self {
        Likeness { words, vector }
    }

    /// # Errors
    /// If a threshold is out of its range.
    pub(crate) fn check(self) -> Result<()> {
        if (0.0..=1.0).contains(&self.words) && (-1.0..=1.0).contains(&self.vector) {
            return Ok(());
        }
        Err(Error::invalid("likeness", "must be from 0 to 1 by words, and from -1 to 1 by vector"))
    }

    /// Is either as alike as it is to be?
    pub(super) fn is_reached(self, words: f32, vector: Option<f32>) -> bool {
        words >= self.words || vector.is_some_and(|cosine| cosine >= self.vector)
    }
}

/// The shingles of a text, by their hashes.
#[derive(Clone, Debug, PartialEq)]
struct Shingles(Vec<u64>);

impl Shingles {
    fn of(content: &str, analyzer: &Analyzer) -> Self {
        let mut words = Vec::new();
        analyzer.analyze(content, |token| words.push(xxh3_64(token.term.as_bytes())));
        let size = SHINGLE_WORDS.min(words.len()).max(1);
        let hash = |row: &[u64]| {
            let bytes: Vec<u8> = row.iter().flat_map(|word| word.to_le_bytes()).collect();
            xxh3_64(&bytes)
        };
        let mut hashes: Vec<u64> = words.windows(size).map(hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes.truncate(MAX_SHINGLES);
        Shingles(hashes)
    }

    /// The part of the shingles of both that both have; 0 where there are none.
    fn likeness(&self, other: &Shingles) -> f32 {
        let (mut a, mut b) = (self.0.as_slice(), other.0.as_slice());
        let (mut seen, mut common) = (0_u32, 0_u32);
        while seen < MAX_SHINGLES as u32 {
            match (a, b) {
                ([x, rest_a @ ..], [y, rest_b @ ..]) if x == y => {
                    (a, b) = (rest_a, rest_b);
                    common += 1;
                }
                ([x, rest @ ..], [y, ..]) if x < y => a = rest,
                ([_, rest @ ..], []) => a = rest,
                (_, [_, rest @ ..]) => b = rest,
                ([], []) => break,
            }
            seen += 1;
        }
        if seen == 0 { 0.0 } else { common as f32 / seen as f32 }
    }
}

/// The cosine of two vectors of one length; 0 where one has no direction.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>()
    };
    let length = (dot(a, a) * dot(b, b)).sqrt();
    if length > 0.0 { (dot(a, b) / length) as f32 } else { 0.0 }
}

/// What memories are compared by: the shingles of their contents, and their vectors of some spaces.
pub(super) struct Traits {
    content: String,
    language: Option<Language>,
    shingles: Shingles,
    /// Without stems: made for those of another language.
    as_written: OnceCell<Shingles>,
    vectors: Vec<Option<Vec<f32>>>,
}

impl Traits {
    pub(super) fn new(
        content: String,
        language: Option<Language>,
        vectors: Vec<Option<Vec<f32>>>,
    ) -> Self {
        let shingles = Shingles::of(&content, &Analyzer::default().stem(language));
        Traits { content, language, shingles, as_written: OnceCell::new(), vectors }
    }

    fn as_written(&self) -> &Shingles {
        self.as_written.get_or_init(|| Shingles::of(&self.content, &Analyzer::default()))
    }

    /// Those of each memory that is there, with its vectors of spaces of such dimensions.
    pub(super) fn read(
        view: &View,
        ids: &[MemoryId],
        spaces: &[(SpaceId, usize)],
    ) -> Result<Vec<Option<Self>>> {
        let rows = view.rows()?;
        let spaces: Vec<_> = spaces
            .iter()
            .map(|(space, dimension)| Ok((rows.vectors_of(*space)?, *dimension)))
            .collect::<Result<_>>()?;
        let contents = view.peek_many(ids)?;
        let of = |(id, memory): (&MemoryId, Option<Memory>)| {
            let Some(memory) = memory else { return Ok(None) };
            let vector = |(vectors, dimension): &(SpaceVectors<'_>, usize)| {
                let mut vector = vec![0.0; *dimension];
                Ok(vectors.read(id.0, &mut vector)?.then_some(vector))
            };
            let vectors = spaces.iter().map(vector).collect::<Result<_>>()?;
            let language = view.text_settings().language_in(&memory.namespace);
            Ok(Some(Traits::new(memory.content, language, vectors)))
        };
        ids.iter().zip(contents).map(of).collect()
    }

    /// How alike two memories are in their words, and at most in their vectors of one space.
    pub(super) fn likeness(&self, other: &Traits) -> (f32, Option<f32>) {
        let pairs = self.vectors.iter().zip(&other.vectors);
        let cosines = pairs.filter_map(|(a, b)| Some(cosine(a.as_ref()?, b.as_ref()?)));
        let words = if self.language == other.language {
            self.shingles.likeness(&other.shingles)
        } else {
            self.as_written().likeness(other.as_written())
        };
        (words, cosines.max_by(f32::total_cmp))
    }

    /// Do the two say the same?
    pub(super) fn is_like(&self, other: &Traits, from: Likeness) -> bool {
        let (words, vector) = self.likeness(other);
        from.is_reached(words, vector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn likeness(a: &str, b: &str) -> f32 {
        let analyzer = Analyzer::default();
        Shingles::of(a, &analyzer).likeness(&Shingles::of(b, &analyzer))
    }

    #[test]
    fn texts_are_alike_in_what_they_have_in_a_row() {
        let said = "the deploy key of the server lies in the vault";
        assert!(
            (likeness(said, "The deploy key of the server lies in the vault!") - 1.0).abs() < 1e-6
        );
        assert!(likeness(said, &format!("{said} again")) > 0.8);
        assert!(likeness(said, "vault the in lies server the of key deploy the") < 0.1);
        assert!((likeness("yes", "Yes") - 1.0).abs() < 1e-6);
        assert!(likeness("", "") < 1e-6 && likeness("", "yes") < 1e-6);
    }

    #[test]
    fn a_long_text_is_as_alike_as_its_parts() {
        let words = |range: std::ops::Range<u32>| {
            range.map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ")
        };
        let estimate = likeness(&words(0..20_000), &words(10_000..30_000));
        assert!((estimate - 1.0 / 3.0).abs() < 0.06, "{estimate}");
    }

    proptest! {
        #[test]
        fn of_short_texts_it_is_the_jaccard_index(
            a in prop::collection::btree_set(0..40_u64, 0..30),
            b in prop::collection::btree_set(0..40_u64, 0..30),
        ) {
            let shingles = |set: &BTreeSet<u64>| Shingles(set.iter().copied().collect());
            let both = a.union(&b).count();
            let expected = if both == 0 { 0.0 } else { a.intersection(&b).count() as f32 / both as f32 };
            prop_assert!((shingles(&a).likeness(&shingles(&b)) - expected).abs() < 1e-6);
        }
    }
}
