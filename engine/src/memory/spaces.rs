//! Vector spaces, metadata indexes and the search of texts: what a transaction can declare and drop.

use super::Patch;
use crate::catalog::{Catalog, Space};
use crate::clock::random;
use crate::commit::Model;
use crate::commit::log::{Aspects, ChangeKind, commitment};
use crate::filter::Filter;
use crate::rows::Rows;
use crate::schema::Table;
use crate::text_settings::TextSettings;
use crate::transaction::WriteTx;
use crate::{Error, Result};

impl WriteTx<'_> {
    /// Creates a vector space.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the name is taken.
    pub fn create_space(&mut self, space: &Space) -> Result<()> {
        let (id, edits) = self.catalog().add_space(space, self.highest_space()?)?;
        for (key, row) in edits {
            self.put_catalog(&key, row.as_deref())?;
        }
        self.note_catalog(Model::Space, u64::from(id.0), ChangeKind::Created, &space.name)
    }

    /// The highest number ever given to a space.
    pub(super) fn highest_space(&self) -> Result<u32> {
        let counter = Rows::get(self, Table::Catalog, &Catalog::counter_key())?;
        // To begin anew at 0 would give the number of a space to another.
        let Some(text) = counter else { return Ok(0) };
        serde_json::from_slice(&text).map_err(|e| {
            Error::corruption("catalogue row", "the highest number of a space", e.to_string())
        })
    }

    /// Drops a vector space with all its vectors. Costs a write per memory and node that has one there.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none of that name.
    pub fn drop_space(&mut self, name: &str) -> Result<()> {
        let id = self.catalog().require_space(name)?.0;
        self.cancel_succession(name)?;
        let patch = Patch { vectors: vec![(name.to_owned(), None)], ..Patch::default() };
        self.update_many(None, &Filter::space(name), &patch)?;
        self.drop_vectors_of_nodes(id)?;
        self.put_catalog(&Catalog::drop_space(name).0, None)?;
        self.note_catalog(Model::Space, u64::from(id.0), ChangeKind::Deleted, name)
    }

    /// Declares an index over a metadata path, such as `lang` or `author.name`: filters on it then
    /// read a bitmap instead of every row. Scalars are found by equality and range, lists by what
    /// they contain. It is one of memories and of nodes of the graph, whose properties are their metadata;
    /// and [`Graph::search`](crate::Graph::search) finds nodes by the words of texts that stand there. Costs
    /// a read of every memory and node, once.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if it is declared already.
    pub fn index_metadata(&mut self, path: &str) -> Result<()> {
        let (field, (key, row)) = self.catalog().add_index(path)?;
        self.put_catalog(&key, row.as_deref())?;
        self.note_catalog(Model::MetadataIndex, u64::from(field), ChangeKind::Created, path)
    }

    /// Drops the index over a metadata path. Filters on it go on to work, by reading rows.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none.
    pub fn drop_metadata_index(&mut self, path: &str) -> Result<()> {
        let index = self.catalog().index(path).cloned();
        let index = index.ok_or_else(|| Error::not_found("metadata index", path))?;
        self.put_catalog(&Catalog::drop_index(path).0, None)?;
        self.note_catalog(Model::MetadataIndex, u64::from(index.field), ChangeKind::Deleted, path)
    }

    /// Sets what of memories is found by its words, and in which language those of memories and nodes are
    /// brought to their stems, by namespace where it says so. Costs a read of every memory, and of every node
    /// if a language changes.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a field counts more than 8 times, or too many
    /// namespaces have a language of their own.
    pub fn set_text(&mut self, settings: &TextSettings) -> Result<()> {
        settings.validate()?;
        let (key, row) = Catalog::text_row(settings);
        self.put_catalog(&key, row.as_deref())?;
        self.note_catalog(Model::Text, 0, ChangeKind::Updated, "")
    }

    pub(crate) fn note_catalog(
        &mut self,
        model: Model,
        id: u64,
        kind: ChangeKind,
        name: &str,
    ) -> Result<()> {
        let commitment = commitment(&random()?, name.as_bytes());
        self.set.note(model, id, kind, Aspects::NONE, commitment);
        Ok(())
    }
}
