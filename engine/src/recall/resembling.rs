//! What is remembered already, of something that is about to be.
//!
//! **Invariant:** nothing is written and nothing counts as read. What is found surely resembles; looked at are
//! the nearest by words and by each vector, so that the cost does not grow with the file.

use super::Deadline;
use super::legs::{Probe, Target, VectorProbe};
use super::likeness::{Likeness, Traits};
use super::plan::Scope;
use crate::Result;
use crate::graph_options::SearchEffort;
use crate::ids::{MemoryId, SpaceId};
use crate::memory::NewMemory;
use crate::view::View;
use memlith_index::text::Query;
use roaring::RoaringBitmap;
use std::borrow::Cow;

/// How many of the nearest by words, and by each vector, are looked at.
const CANDIDATES: usize = 20;
/// How much of a content is sought by, in bytes: what says the same begins alike, or has these words too.
const MAX_SOUGHT_BYTES: usize = 2_048;

/// A memory that something new resembles.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Resemblance {
    /// Its number.
    pub id: MemoryId,
    /// How alike the contents are, 0 to 1: see [`Likeness::words`].
    pub words: f32,
    /// The largest cosine of two vectors of one space, if both have one.
    pub vector: Option<f32>,
}

/// What was remembered, and what it resembles: see [`Db::remember_noting`](crate::Db::remember_noting).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Noted {
    /// The number of the new memory.
    pub id: MemoryId,
    /// What it resembles, most alike first.
    pub resembles: Vec<Resemblance>,
    /// Vector spaces whose embedder got the beginning of the content only: see
    /// [`Embedder::max_bytes`](crate::Embedder::max_bytes).
    pub cut: Vec<String>,
}

impl View {
    /// Memories in force, of the same namespace, that say what `new` would say, most alike first.
    ///
    /// # Errors
    /// As [`WriteTx::remember`](crate::WriteTx::remember) for a vector that its space refuses.
    pub fn resembling(&self, new: &NewMemory, from: Likeness) -> Result<Vec<Resemblance>> {
        from.check()?;
        let scope = Scope { namespace: Some(&new.namespace), ..Scope::default() };
        let (scope, _) = self.select(scope, &Deadline::NONE)?;
        let sought = &new.content[..new.content.floor_char_boundary(MAX_SOUGHT_BYTES)];
        let language = self.text_settings().language_in(&new.namespace);
        let mut probes = vec![Probe::Text(Query::words(sought).in_languages([language]))];
        let (mut spaces, mut vectors) = (Vec::<(SpaceId, usize)>::new(), Vec::new());
        let given = new.vectors.iter().map(|(space, vector)| (space.as_str(), vector));
        let embedded = new.embedded.iter().map(|made| (made.space.as_str(), &made.vector));
        for (name, vector) in given.chain(embedded) {
            let Some(target) = Target::find(self, name)? else { continue };
            let query = Cow::Borrowed(vector.as_slice());
            let probe = VectorProbe::new(name, target, query, SearchEffort::Balanced)?;
            spaces.push((target.id, vector.len()));
            vectors.push(Some(vector.clone()));
            probes.push(Probe::Vector(probe));
        }
        let mut candidates = RoaringBitmap::new();
        for probe in probes {
            let (best, _) = probe.best(self, CANDIDATES, &scope, &Deadline::NONE)?;
            candidates.extend(best.into_iter().map(|(ordinal, _)| ordinal));
        }
        let own = Traits::new(new.content.clone(), language, vectors);
        let ids = candidates.iter().map(|o| self.id_of(o)).collect::<Result<Vec<_>>>()?;
        let others = Traits::read(self, &ids, &spaces)?;
        let mut found: Vec<Resemblance> = Vec::new();
        for (id, other) in ids.into_iter().zip(others) {
            let Some(other) = other else { continue };
            let (words, vector) = own.likeness(&other);
            if from.is_reached(words, vector) {
                found.push(Resemblance { id, words, vector });
            }
        }
        let most = |r: &Resemblance| r.vector.map_or(r.words, |vector| vector.max(r.words));
        found.sort_by(|a, b| most(b).total_cmp(&most(a)).then(a.id.cmp(&b.id)));
        Ok(found)
    }
}
