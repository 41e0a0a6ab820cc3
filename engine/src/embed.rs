//! The embedder callback: how text becomes a vector.
//!
//! **Invariant:** the engine never makes a vector up. Without an embedder for a space, text is
//! remembered without a vector there, and a recall says that its vector leg did not run.

use crate::error::Detail;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an embedder fails with.
pub type EmbedderError = Box<dyn std::error::Error + Send + Sync>;

/// Turns texts into vectors of one space.
///
/// ```
/// use memlith::{Embedder, EmbedderError, NewMemory, Options, Recall};
/// /// Counts letters: a toy that shows the shape.
/// struct Letters;
/// impl Embedder for Letters {
///     fn identity(&self) -> &str {
///         "letters-v1"
///     }
///     fn dimension(&self) -> usize {
///         26
///     }
///     fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedderError> {
///         let count = |text: &&str| {
///             let mut v = vec![0.0; 26];
///             for b in text.bytes().filter(u8::is_ascii_lowercase) {
///                 v[usize::from(b - b'a')] += 1.0;
///             }
///             v
///         };
///         Ok(texts.iter().map(count).collect())
///     }
/// }
/// let db = Options::new().embedder(Letters).in_memory()?;
/// db.remember(NewMemory::new("banana"))?;
/// let answer = db.recall(&Recall::new().text("bananas"))?;
/// assert_eq!(answer.hits[0].memory.content, "banana");
/// # Ok::<(), memlith::Error>(())
/// ```
pub trait Embedder: Send + Sync + 'static {
    /// Which model this is. A space remembers it and refuses another.
    fn identity(&self) -> &str;

    /// How long its vectors are.
    fn dimension(&self) -> usize;

    /// One vector per text, in order.
    ///
    /// # Errors
    /// Whatever goes wrong; the call that needed the vector fails with it.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedderError>;
}

/// The embedders of a handle, by the name of their space.
#[derive(Clone, Default)]
pub(crate) struct Embedders(BTreeMap<String, Arc<dyn Embedder>>);

impl Embedders {
    pub(crate) fn insert(&mut self, space: String, embedder: Arc<dyn Embedder>) {
        self.0.insert(space, embedder);
    }

    pub(crate) fn get(&self, space: &str) -> Option<&Arc<dyn Embedder>> {
        self.0.get(space)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Arc<dyn Embedder>)> {
        self.0.iter()
    }
}

/// Embeds texts and checks that what comes back is what was promised.
pub(crate) fn embed(embedder: &dyn Embedder, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
    let vectors = embedder.embed(texts).map_err(|source| Detail::Embedder { source })?;
    if vectors.len() != texts.len() {
        return Err(Error::invalid("embedder", "must return one vector per text"));
    }
    Ok(vectors)
}
