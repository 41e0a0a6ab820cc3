//! Reading memories from a View.

use super::row::MemoryRow;
use super::{Memory, access};
use crate::access::Access;
use crate::catalog::Catalog;
use crate::components::read_vector;
use crate::derived::field;
use crate::ids::MemoryId;
use crate::owner::{has_vector_in, space_names};
use crate::rows::{Pinned, RowBytes, Rows};
use crate::schema::{Table, external_key, memory_key, read_u64, vector_key};
use crate::view::View;
use crate::{Error, Result};
use memlith_index::attributes::FieldId;
use serde_json::Value;
use std::ops::Bound;

impl View {
    /// A memory by its number; `None` if there is none, or if it has expired. Counts as an access.
    pub fn get(&self, id: MemoryId) -> Result<Option<Memory>> {
        Ok(self.get_many(&[id])?.pop().flatten())
    }

    /// Several memories by their numbers, in order. Each that is there counts as accessed.
    pub fn get_many(&self, ids: &[MemoryId]) -> Result<Vec<Option<Memory>>> {
        let found = self.peek_many(ids)?;
        let now_ms = self.now_ms();
        self.shared().accesses.note(found.iter().flatten().map(|m| m.id), now_ms);
        Ok(found)
    }

    /// A memory by its external id. Counts as an access.
    pub fn get_external(&self, namespace: &str, external: &str) -> Result<Option<Memory>> {
        match self.find_external(namespace, external)? {
            Some(id) => self.get(id),
            None => Ok(None),
        }
    }

    /// The embedding of a memory in a space, as it was given.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such space.
    pub fn vector(&self, id: MemoryId, space: &str) -> Result<Option<Vec<f32>>> {
        let (space, described) = self.versions().catalog.require_space(space)?;
        let rows = self.rows()?;
        // A sealed vector outlives its memory: only the row of the memory tells whether there is one.
        let Some(row) = rows.get(Table::Memories, &memory_key(id))? else { return Ok(None) };
        if !has_vector_in(*space, &access(&row)?.vectors) {
            return Ok(None);
        }
        let bad = |found| Error::corruption("vector row", "the vector that a memory names", found);
        let mut vector = vec![0.0; described.dimension];
        let bytes = rows.get(Table::Vectors, &vector_key(*space, id.0))?;
        let bytes = bytes.ok_or_else(|| bad("none"))?;
        read_vector(&bytes, &mut vector).ok_or_else(|| bad("one of another length"))?;
        Ok(Some(vector))
    }

    /// Names of namespaces that have memories, in byte order, from behind `after` on.
    pub fn namespaces(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>> {
        let labels = self.label_counts(field::NAMESPACE, after, limit)?;
        Ok(labels.into_iter().map(|(name, _)| name).collect())
    }

    /// Labels of a field with the number of memories that have each, in byte order.
    pub(crate) fn label_counts(
        &self,
        field: FieldId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>> {
        let from = after.map_or(Bound::Unbounded, |a| Bound::Excluded(a.as_bytes()));
        let labels = self.versions().attributes.labels(field, from)?;
        labels
            .take(limit)
            .map(|label| {
                let (label, count) = label?;
                Ok((String::from_utf8_lossy(label).into_owned(), count))
            })
            .collect()
    }

    /// As `get_many`, without counting.
    pub(crate) fn peek_many(&self, ids: &[MemoryId]) -> Result<Vec<Option<Memory>>> {
        let rows = self.rows()?;
        let now_ms = self.now_ms();
        let one = |id: &MemoryId| -> Result<Option<Memory>> {
            let Some(row) = rows.get(Table::Memories, &memory_key(*id))? else { return Ok(None) };
            let row = MemoryRow::decode(&row)?;
            if row.is_expired(now_ms) {
                return Ok(None);
            }
            let access = self.shared().accesses.of(*id, &rows)?;
            let memory = Memory::from_row(*id, row, &self.versions().catalog);
            Ok(Some(memory.with_access(access)))
        };
        ids.iter().map(one).collect()
    }

    pub(crate) fn find_external(
        &self,
        namespace: &str,
        external: &str,
    ) -> Result<Option<MemoryId>> {
        let Some(id) = self.rows()?.get(Table::External, &external_key(namespace, external))?
        else {
            return Ok(None);
        };
        let bad = || Error::corruption("external id row", "the id of a memory", "other bytes");
        read_u64(&id).map(MemoryId).map(Some).ok_or_else(bad)
    }
}

impl Memory {
    pub(crate) fn from_row(id: MemoryId, row: MemoryRow, catalog: &Catalog) -> Self {
        let named = row.vectors.iter().map(|v| v.space);
        let mut spaces: Vec<String> = space_names(catalog, named).map(Into::into).collect();
        spaces.sort_unstable();
        Memory {
            id,
            namespace: row.namespace,
            external_id: row.external_id,
            content: row.content,
            kind: row.labels.kind,
            importance: row.importance,
            valence: row.valence,
            priority: row.priority,
            // Written from a value, so it parses; a damaged row does not get here.
            metadata: metadata_value(&row.metadata).unwrap_or_default(),
            tags: row.tags,
            agent: row.labels.agent,
            session: row.labels.session,
            project: row.labels.project,
            channel: row.labels.channel,
            source: row.labels.source,
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
            expires_ms: row.expires_ms,
            supersedes: row.succession.supersedes.map(MemoryId),
            superseded_by: row.succession.superseded_by.map(MemoryId),
            superseded_ms: row.succession.superseded_ms,
            spaces,
            accesses: 0,
            accessed_ms: None,
        }
    }

    fn with_access(mut self, access: Access) -> Self {
        self.accesses = access.count;
        self.accessed_ms = access.last_ms;
        self
    }
}

/// The metadata of a row as a value.
pub(crate) fn metadata_value(text: &str) -> Result<Value> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text)
        .map_err(|e| Error::corruption("metadata of a memory row", "JSON", e.to_string()))
}

/// The row of a memory that an index names.
pub(crate) fn require_row(rows: &Pinned, id: MemoryId) -> Result<RowBytes> {
    let missing =
        || Error::corruption("index", "the ids of memories that are there", format!("memory {id}"));
    let bytes = rows.get(Table::Memories, &memory_key(id))?.ok_or_else(missing)?;
    access(&bytes)?;
    Ok(bytes)
}
