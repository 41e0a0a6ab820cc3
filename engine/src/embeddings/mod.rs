//! Calling embedders: what of a text they get, how many texts at once, and what need not be asked again.
//!
//! **Invariant:** an embedder gets no text longer than it reads, no more texts than it takes, and no text twice
//! in a call of the engine; runs of white space are one space. Kept vectors, in memory and in the file, take no
//! more than they may, in bytes, and are of the embedder's identity and the text that it got.

mod stored;

pub(crate) use stored::StoredEmbeddings;

use crate::embed::Embedder;
use crate::error::Detail;
use crate::recently::RecentlyUsed;
use crate::sync::Mutex;
use crate::view::View;
use crate::{Error, Result};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// What a kept vector takes beside its components and its text, about, in bytes.
const BASE_BYTES: usize = 256;

/// Embedding in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmbeddingStats {
    /// Texts that embedders were given.
    pub texts: u64,
    /// Calls of embedders.
    pub calls: u64,
    /// Texts of which an embedder got the beginning only: see [`Embedder::max_bytes`].
    pub cut: u64,
    /// Texts whose vector was known already, in memory or in the file.
    pub hits: u64,
    /// How many bytes of vectors may be kept in memory; none are if 0.
    pub limit_bytes: u64,
    /// About how many are.
    pub bytes: u64,
    /// How many bytes of vectors the file may keep for later; none are added if 0.
    pub file_limit_bytes: u64,
    /// How many vectors it keeps.
    pub in_file: u64,
}

/// What an embedder made of a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Made {
    pub(crate) vector: Vec<f32>,
    /// Of the beginning of the text only.
    pub(crate) is_cut: bool,
}

/// An identity and a text.
type Key = (Arc<str>, Arc<str>);

struct State {
    kept: RecentlyUsed<Key, Vec<f32>>,
    /// Without what is kept.
    stats: EmbeddingStats,
}

impl State {
    fn put(&mut self, identity: &Arc<str>, text: &str, vector: &[f32]) {
        let bytes = BASE_BYTES + text.len() + size_of_val(vector);
        if bytes as u64 <= self.kept.limit_bytes() {
            self.kept.put((Arc::clone(identity), text.into()), vector.to_vec(), bytes);
        }
    }
}

/// Embedding for a handle.
pub(crate) struct Embeddings {
    state: Mutex<State>,
    pub(crate) stored: StoredEmbeddings,
}

impl Embeddings {
    /// Keeps vectors of so many bytes in memory.
    pub(crate) fn new(limit_bytes: usize, stored: StoredEmbeddings) -> Self {
        let kept = RecentlyUsed::new(limit_bytes as u64);
        let state = Mutex::new(State { kept, stats: EmbeddingStats::default() });
        Embeddings { state, stored }
    }

    pub(crate) fn stats(&self, view: &View) -> Result<EmbeddingStats> {
        // Before the lock: whoever looks into the file takes it behind the rows.
        let in_file = stored::stored_len(&*view.rows()?)?;
        let State { kept, stats } = &*self.state.lock();
        let (hits, _) = kept.hits_and_misses();
        Ok(EmbeddingStats {
            limit_bytes: kept.limit_bytes(),
            bytes: kept.bytes(),
            hits: hits + self.stored.hits(),
            file_limit_bytes: self.stored.limit_bytes(),
            in_file,
            ..*stats
        })
    }

    /// One vector per text, in order. Nothing is locked while the embedder works.
    ///
    /// # Errors
    /// If the embedder fails, or does not return one vector per text; and if rows cannot be read.
    pub(crate) fn embed(
        &self,
        embedder: &dyn Embedder,
        texts: &[&str],
        view: &View,
    ) -> Result<Vec<Made>> {
        let texts: Vec<_> = texts.iter().map(|text| prepared(text, embedder.max_bytes())).collect();
        let mut vectors = self.known(embedder.identity(), &texts);
        self.find_stored(embedder, &texts, &mut vectors, view)?;
        let mut missing: Vec<&str> = Vec::new();
        let mut places = HashMap::<&str, usize>::new();
        for ((text, _), _) in texts.iter().zip(&vectors).filter(|(_, vector)| vector.is_none()) {
            places.entry(text).or_insert_with(|| {
                missing.push(text);
                missing.len() - 1
            });
        }
        let mut made = Vec::with_capacity(missing.len());
        for batch in missing.chunks(embedder.max_batch().max(1)) {
            let vectors = embedder.embed(batch).map_err(|source| Detail::Embedder { source })?;
            if vectors.len() != batch.len() {
                return Err(Error::invalid("embedder", "must return one vector per text"));
            }
            self.keep(embedder.identity(), batch, &vectors);
            made.extend(vectors);
        }
        for ((text, _), vector) in texts.iter().zip(&mut vectors) {
            if vector.is_none() {
                *vector = places.get(&**text).and_then(|place| made.get(*place)).cloned();
            }
        }
        let made = texts.iter().zip(vectors);
        Ok(made
            .map(|((_, is_cut), v)| Made { vector: v.unwrap_or_default(), is_cut: *is_cut })
            .collect())
    }

    fn known(&self, identity: &str, texts: &[(Cow<'_, str>, bool)]) -> Vec<Option<Vec<f32>>> {
        let mut state = self.state.lock();
        let State { kept, stats } = &mut *state;
        stats.cut += texts.iter().filter(|(_, is_cut)| *is_cut).count() as u64;
        if kept.len() == 0 {
            return vec![None; texts.len()];
        }
        let identity: Arc<str> = identity.into();
        let mut find =
            |text: &str| kept.find(&(Arc::clone(&identity), text.into()), |_| true).cloned();
        texts.iter().map(|(text, _)| find(text)).collect()
    }

    /// Looks in the file for what is not known, and remembers what is there.
    fn find_stored(
        &self,
        embedder: &dyn Embedder,
        texts: &[(Cow<'_, str>, bool)],
        vectors: &mut [Option<Vec<f32>>],
        view: &View,
    ) -> Result<()> {
        if !self.stored.is_keeping() {
            return Ok(());
        }
        let rows = view.rows()?;
        let identity: Arc<str> = embedder.identity().into();
        for ((text, _), vector) in texts.iter().zip(vectors).filter(|(_, v)| v.is_none()) {
            let key = stored::key_of(&identity, text);
            *vector = self.stored.find(&key, embedder.dimension(), &rows)?;
            if let Some(vector) = vector {
                self.state.lock().put(&identity, text, vector);
            }
        }
        Ok(())
    }

    fn keep(&self, identity: &str, texts: &[&str], vectors: &[Vec<f32>]) {
        let state = &mut *self.state.lock();
        state.stats.calls += 1;
        state.stats.texts += texts.len() as u64;
        let identity: Arc<str> = identity.into();
        for (text, vector) in texts.iter().zip(vectors) {
            state.put(&identity, text, vector);
            if self.stored.is_keeping() {
                self.stored.note(stored::key_of(&identity, text), vector);
            }
        }
    }
}

/// What an embedder gets of a text, and whether that is not all of it: with single spaces, and up to the end of
/// the last word that it reads whole.
fn prepared(text: &str, max_bytes: usize) -> (Cow<'_, str>, bool) {
    let mut plain = single_spaced(text);
    if plain.len() <= max_bytes {
        return (plain, false);
    }
    let end = plain.floor_char_boundary(max_bytes);
    let is_between_words = plain.as_bytes().get(end) == Some(&b' ');
    let end = if is_between_words { end } else { plain[..end].rfind(' ').unwrap_or(end) };
    plain = match plain {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    };
    (plain, true)
}

fn single_spaced(text: &str) -> Cow<'_, str> {
    let mut was_space = true;
    let is_plain = text.chars().all(|c| {
        let fits = !c.is_whitespace() || c == ' ' && !was_space;
        was_space = c.is_whitespace();
        fits
    });
    if is_plain && (!was_space || text.is_empty()) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(word);
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use crate::embed::EmbedderError;

    /// Makes of each text its length, and notes what it gets.
    #[derive(Default)]
    struct Lengths(Mutex<Vec<Vec<String>>>);

    impl Embedder for Lengths {
        fn identity(&self) -> &'static str {
            "lengths"
        }
        fn dimension(&self) -> usize {
            1
        }
        fn max_bytes(&self) -> usize {
            10
        }
        fn max_batch(&self) -> usize {
            2
        }
        fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedderError> {
            self.0.lock().push(texts.iter().map(|&text| text.into()).collect());
            Ok(texts.iter().map(|text| vec![text.len() as f32]).collect())
        }
    }

    fn empty() -> View {
        Options::new().threads(false).in_memory().unwrap().read().unwrap()
    }

    #[test]
    fn an_embedder_gets_what_it_can_take() {
        let (embeddings, lengths) =
            (Embeddings::new(0, StoredEmbeddings::new(0, true)), Lengths::default());
        let texts =
            [" a \n\tb ", "one two three", "", "abcdefghijkl", "a b", "äöüäöüäö", "one two thr"];
        let view = empty();
        let made = embeddings.embed(&lengths, &texts, &view).unwrap();
        let calls = lengths.0.lock();
        assert_eq!(*calls, [vec!["a b", "one two"], vec!["", "abcdefghij"], vec!["äöüäö"]]);
        let found: Vec<_> =
            made.iter().map(|made| (made.vector[0] as usize, made.is_cut)).collect();
        let expected =
            [(3, false), (7, true), (0, false), (10, true), (3, false), (10, true), (7, true)];
        assert_eq!(found, expected);
        let stats = embeddings.stats(&view).unwrap();
        assert_eq!((stats.texts, stats.calls, stats.cut, stats.hits), (5, 3, 4, 0));
    }

    #[test]
    fn what_is_known_is_not_asked_again_within_the_limit() {
        let (embeddings, lengths) = (
            Embeddings::new(2 * (BASE_BYTES + 8), StoredEmbeddings::new(0, true)),
            Lengths::default(),
        );
        let view = empty();
        let embed =
            |text: &str| embeddings.embed(&lengths, &[text], &view).unwrap().remove(0).vector;
        for text in ["a", "bb", "a", " a ", "cc", "a", "bb"] {
            assert_eq!(embed(text), [text.trim().len() as f32]);
        }
        // "bb" made way for "cc", and "cc" for "bb".
        assert_eq!(*lengths.0.lock(), [["a"], ["bb"], ["cc"], ["bb"]]);
        let stats = embeddings.stats(&view).unwrap();
        assert_eq!((stats.hits, stats.texts), (3, 4));
        assert!(stats.bytes > 0 && stats.bytes <= stats.limit_bytes);
    }
}
