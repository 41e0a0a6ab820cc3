//! The vectors of a memory or a node, as a transaction writes them.
//!
//! **Invariant:** under the number of a memory or a node lie the vectors that its row names, and no others.

use super::row::{SpaceVector, vector_digest};
use super::{DEFAULT_SPACE, validate};
use crate::catalog::Space;
use crate::components::vector_bytes;
use crate::ids::SpaceId;
use crate::schema::{Table, vector_key};
use crate::transaction::WriteTx;
use crate::{Error, Result};
use std::collections::BTreeSet;

/// A vector as it is stored.
pub(crate) type VectorBytes = Vec<u8>;

/// Vectors that a caller gives, each with the name of its space.
pub(crate) type Given = Vec<(String, Vec<f32>)>;

impl WriteTx<'_> {
    /// Makes of vectors what their spaces keep of them, and checks them. Returns those spaces that come
    /// with their first vector and are still to be created: the default space, and those of embedders.
    pub(crate) fn admit_given(&self, given: &mut Given) -> Result<Vec<Space>> {
        let mut new_spaces = Vec::new();
        let embedders = &self.shared().embedders;
        let mut names = BTreeSet::new();
        for (name, vector) in given {
            if !names.insert(&*name) {
                return Err(Error::invalid("vectors", "must be one at most in each space"));
            }
            let identity = embedders.newest(name).map(|e| e.identity().to_owned());
            match self.catalog().space(name) {
                Some((_, space)) => {
                    embedders.serving(self.catalog(), name)?;
                    validate::admit(space, vector)?;
                }
                None if name == DEFAULT_SPACE || identity.is_some() => {
                    new_spaces.push(new_space(name, identity, vector)?);
                }
                None => return Err(Error::not_found("vector space", name)),
            }
        }
        Ok(new_spaces)
    }

    pub(crate) fn create_spaces(&mut self, spaces: &[Space]) -> Result<()> {
        spaces.iter().try_for_each(|space| self.create_space(space))
    }

    /// Where vectors go whose spaces are there.
    pub(crate) fn place_given(&self, given: Given) -> Result<Vec<(SpaceId, Vec<f32>)>> {
        let place =
            |(name, vector): (String, _)| Ok((self.catalog().require_space(&name)?.0, vector));
        given.into_iter().map(place).collect()
    }

    /// Writes vectors of a memory or a node that differ from those named; returns the names of all.
    pub(crate) fn put_vectors(
        &mut self,
        owner: u64,
        mut named: Vec<SpaceVector>,
        placed: Vec<(SpaceId, Vec<f32>)>,
    ) -> Result<Vec<SpaceVector>> {
        for (space, vector) in placed {
            let bytes = vector_bytes(&vector);
            let new = SpaceVector { space: space.0, digest: vector_digest(&bytes) };
            if named.contains(&new) {
                continue;
            }
            self.put(Table::Vectors, &vector_key(space, owner), Some(&bytes))?;
            named.retain(|v| v.space != new.space);
            named.push(new);
        }
        named.sort_unstable_by_key(|v| v.space);
        Ok(named)
    }

    /// Deletes those of the vectors that `old` names which lie in no space that `kept` names.
    pub(crate) fn drop_vectors_but(
        &mut self,
        owner: u64,
        old: &[SpaceVector],
        kept: &[SpaceVector],
    ) -> Result<()> {
        for gone in old.iter().filter(|v| kept.iter().all(|other| other.space != v.space)) {
            self.put(Table::Vectors, &vector_key(SpaceId(gone.space), owner), None)?;
        }
        Ok(())
    }
}

/// A space that its first vector makes.
pub(super) fn new_space(name: &str, embedder: Option<String>, vector: &[f32]) -> Result<Space> {
    let space = Space { embedder, ..Space::new(name, vector.len()) };
    space.validate()?;
    validate::vector(&space, vector)?;
    Ok(space)
}
