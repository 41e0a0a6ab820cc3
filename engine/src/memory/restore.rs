//! Writing rows as they once were: with their numbers, times and links.
//!
//! **Invariant:** what is restored passes every rule that a new memory must, and stays byte for
//! byte what it was, so that the log's commitment to it is the old one too. For salvage, into a
//! file that has nothing but what was restored.

use super::row::{MemoryRow, SpaceVector, vector_digest};
use super::vectors::VectorBytes;
use super::{read, validate};
use crate::catalog::{Catalog, Space};
use crate::commit::Model;
use crate::commit::log::{Aspects, ChangeKind};
use crate::components::read_vector;
use crate::error::Detail;
use crate::ids::{MAX_NUMBER, MemoryId, SpaceId};
use crate::rows::Rows;
use crate::schema::{Table, external_key, vector_key};
use crate::transaction::WriteTx;
use crate::{Error, Result};

/// A number at or above it was made up; behind it there is room for all that come later.
const MAX_ID: u64 = MAX_NUMBER / 2;

impl WriteTx<'_> {
    /// Creates vector spaces, and successors to some, under the numbers they had; `highest` is the
    /// highest ever given.
    pub(crate) fn restore_spaces(
        &mut self,
        spaces: &[(SpaceId, Space)],
        successors: &[(SpaceId, Space)],
        highest: u32,
    ) -> Result<()> {
        let rows = spaces.iter().map(|(id, space)| (id, space, Catalog::space_row(space, *id)));
        let further =
            successors.iter().map(|(id, space)| (id, space, Catalog::successor_row(space, *id)));
        for (id, space, (key, row)) in rows.chain(further) {
            self.put_catalog(&key, row.as_deref())?;
            let (key, row) = Catalog::counter_row(highest.max(id.0));
            self.put_catalog(&key, row.as_deref())?;
            self.note_catalog(Model::Space, u64::from(id.0), ChangeKind::Created, &space.name)?;
        }
        Ok(())
    }

    /// Creates a memory under the number it had, with the vectors that its row names, in order.
    ///
    /// # Errors
    /// If the row breaks a rule; then nothing of it is written.
    pub(crate) fn restore_row(
        &mut self,
        id: MemoryId,
        row: &MemoryRow,
        vectors: &[VectorBytes],
    ) -> Result<()> {
        self.check_restored(id, row, vectors)?;
        if let Some(external) = &row.external_id {
            let key = external_key(&row.namespace, external);
            if Rows::get(self, Table::External, &key)?.is_some() {
                let name = external.as_str().into();
                return Err(Detail::AlreadyExists { what: "external id", name }.into());
            }
            self.put(Table::External, &key, Some(&id.0.to_be_bytes()))?;
        }
        self.restore_vectors(id.0, &row.vectors, vectors)?;
        self.set.next_memory = self.set.next_memory.max(id.0 + 1);
        self.put_row(id, row, ChangeKind::Created, Aspects::ALL)
    }

    /// No memory created from now on gets a number below this. The transaction is committed also
    /// if it changes nothing else.
    pub(crate) fn restore_next_memory(&mut self, next: MemoryId) {
        self.set.next_memory = self.set.next_memory.max(next.0.min(MAX_ID));
        self.set.is_kept = true;
    }

    fn check_restored(&self, id: MemoryId, row: &MemoryRow, vectors: &[VectorBytes]) -> Result<()> {
        let is_number = (1..MAX_ID).contains(&id.0);
        if !is_number || !row.tags.is_sorted_by(|a, b| a < b) {
            return Err(Error::invalid("memory row", "must be as the library writes it"));
        }
        validate::row(row)?;
        validate::metadata(&read::metadata_value(&row.metadata)?)?;
        self.check_restored_vectors(&row.vectors, vectors)
    }

    /// Writes the vectors that the row of a memory or a node names, in order.
    pub(crate) fn restore_vectors(
        &mut self,
        owner: u64,
        named: &[SpaceVector],
        vectors: &[VectorBytes],
    ) -> Result<()> {
        for (vector, bytes) in named.iter().zip(vectors) {
            self.put(Table::Vectors, &vector_key(SpaceId(vector.space), owner), Some(bytes))?;
        }
        Ok(())
    }

    /// Are these the vectors that a row names, in order, each one that its space accepts?
    pub(crate) fn check_restored_vectors(
        &self,
        named: &[SpaceVector],
        vectors: &[VectorBytes],
    ) -> Result<()> {
        let ascends = named.is_sorted_by(|a, b| a.space < b.space);
        if !ascends || vectors.len() != named.len() {
            return Err(Error::invalid("vectors of a row", "must be as the library writes them"));
        }
        for (named, bytes) in named.iter().zip(vectors) {
            let spaces = &mut self.catalog().indexed();
            let space = spaces.find(|(id, _)| id.0 == named.space);
            let (_, space) = space.ok_or_else(|| Error::not_found("vector space", named.space))?;
            let mut vector = vec![0.0; space.dimension];
            let is_whole = read_vector(bytes, &mut vector).is_some();
            if !is_whole || vector_digest(bytes) != named.digest {
                return Err(Error::invalid("vector", "must be the one that its memory names"));
            }
            validate::vector(space, &vector)?;
        }
        Ok(())
    }
}
