//! The embedder callback: how text becomes a vector.
//!
//! **Invariant:** the engine never makes a vector up. Without an embedder for a space, text is
//! remembered without a vector there, and a recall says that its vector leg did not run.

use crate::catalog::{Catalog, Space};
use crate::error::Detail;
use crate::ids::SpaceId;
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

    /// How many bytes of a text it reads; all of them unless it says. The engine gives it no more, and says of
    /// what it has cut: [`Noted::cut`](crate::Noted::cut), [`Stats::embedding`](crate::Stats::embedding).
    fn max_bytes(&self) -> usize {
        usize::MAX
    }

    /// How many texts it takes at once; 256 unless it says.
    fn max_batch(&self) -> usize {
        256
    }

    /// One vector per text, in order. Runs of white space in the texts have become one space, and no text comes
    /// twice.
    ///
    /// # Errors
    /// Whatever goes wrong; the call that needed the vector fails with it.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedderError>;
}

/// The embedders of a handle, by the name of their space, in the order in which they were given; of
/// one identity there is one.
#[derive(Clone, Default)]
pub(crate) struct Embedders(BTreeMap<String, Vec<Arc<dyn Embedder>>>);

/// What an embedder has made of a content, for the space that is of its identity by then.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Embedded {
    pub(crate) space: String,
    pub(crate) identity: String,
    pub(crate) vector: Vec<f32>,
    /// Of the beginning of the content only.
    pub(crate) is_cut: bool,
}

impl Embedders {
    pub(crate) fn insert(&mut self, space: String, embedder: Arc<dyn Embedder>) {
        let given = self.0.entry(space).or_default();
        given.retain(|other| other.identity() != embedder.identity());
        given.push(embedder);
    }

    /// The names of the spaces that have some.
    pub(crate) fn spaces(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The one that was given last for the space of this name.
    pub(crate) fn newest(&self, name: &str) -> Option<&Arc<dyn Embedder>> {
        self.0.get(name)?.last()
    }

    /// The one of the identity that a space, or a successor, is of; any, if it is of none.
    pub(crate) fn of(&self, space: &Space) -> Option<&Arc<dyn Embedder>> {
        let Some(identity) = &space.embedder else { return self.newest(&space.name) };
        self.0.get(&space.name)?.iter().find(|embedder| embedder.identity() == identity)
    }

    /// The one that makes vectors of the space of this name as it is; `None` if the space, or any
    /// embedder for it, is missing, or if only its successor has one.
    ///
    /// # Errors
    /// If there are none but those of other identities.
    pub(crate) fn serving(
        &self,
        catalog: &Catalog,
        name: &str,
    ) -> Result<Option<&Arc<dyn Embedder>>> {
        let (Some((_, space)), Some(newest)) = (catalog.space(name), self.newest(name)) else {
            return Ok(None);
        };
        let is_succeeded = catalog.successor(name).is_some_and(|(_, next)| self.of(next).is_some());
        match self.of(space) {
            // Of no identity itself: those that are given are the successor's.
            Some(_) if is_succeeded && space.embedder.is_none() => Ok(None),
            None if !is_succeeded => Err(mismatch(space, newest.identity())),
            own => Ok(own),
        }
    }

    /// The one that is to embed what is written under the name of a space: that of the space, or
    /// else that of its successor, or of a space that is still to be made.
    ///
    /// # Errors
    /// If there are none but those of other identities.
    pub(crate) fn for_writing(
        &self,
        catalog: &Catalog,
        name: &str,
    ) -> Result<Option<&Arc<dyn Embedder>>> {
        if let Some(own) = self.serving(catalog, name)? {
            return Ok(Some(own));
        }
        Ok(match catalog.successor(name) {
            Some((_, next)) => self.of(next),
            None => self.newest(name),
        })
    }
}

/// Where a vector that was made under the name of a space belongs now: to the space, or to its
/// successor; `None` if neither is of this identity, or there is no such space.
pub(crate) fn home<'a>(
    catalog: &'a Catalog,
    name: &str,
    identity: &str,
) -> Option<&'a (SpaceId, Space)> {
    let is_of = |(_, space): &&(SpaceId, Space)| space.embedder.as_deref() == Some(identity);
    let own = catalog.space(name);
    own.filter(is_of)
        .or_else(|| catalog.successor(name).filter(is_of))
        .or_else(|| own.filter(|(_, space)| space.embedder.is_none()))
}

/// A vector of another embedder would be compared with vectors that mean something else.
fn mismatch(space: &Space, found: &str) -> Error {
    let expected = space.embedder.as_deref().unwrap_or_default().into();
    let space = space.name.as_str().into();
    Detail::EmbedderMismatch { space, expected, found: found.into() }.into()
}
