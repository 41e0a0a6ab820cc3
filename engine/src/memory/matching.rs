//! Which memories a transaction's filter is about: those that stood before it, and its own.

use super::{RowSubject, access};
use crate::Result;
use crate::commit::Model;
use crate::filter::Filter;
use crate::ids::MemoryId;
use crate::recall::{Deadline, Scope};
use crate::rows::Rows;
use crate::schema::{Table, memory_key};
use crate::transaction::WriteTx;
use std::collections::BTreeSet;

impl WriteTx<'_> {
    /// The memories, in one namespace or in all, that match as this transaction sees them.
    pub(crate) fn matching(
        &mut self,
        namespace: Option<&str>,
        filter: &Filter,
    ) -> Result<BTreeSet<MemoryId>> {
        filter.validate()?;
        let base = self.settled_base()?;
        let scope =
            Scope { namespace, filter: Some(filter), include_superseded: true, ..Scope::default() };
        let (ordinals, _) = base.select(scope, &Deadline::NONE)?;
        let mut ids = ordinals.iter().map(|o| base.id_of(o)).collect::<Result<BTreeSet<_>>>()?;

        for id in self.touched() {
            if self.is_match(id, namespace, filter)? {
                ids.insert(id);
            } else {
                ids.remove(&id);
            }
        }
        Ok(ids)
    }

    /// The memories that this transaction has changed.
    pub(super) fn touched(&self) -> Vec<MemoryId> {
        let changes = self.set.changes().filter(|c| c.model == Model::Memory);
        changes.map(|c| MemoryId(c.id)).collect()
    }

    fn is_match(&self, id: MemoryId, namespace: Option<&str>, filter: &Filter) -> Result<bool> {
        let Some(bytes) = self.get_row(id)? else { return Ok(false) };
        let row = access(&bytes)?;
        let is_expired = row.expires_ms.as_ref().is_some_and(|at| at.to_native() <= self.now_ms());
        if is_expired || namespace.is_some_and(|n| row.namespace.as_str() != n) {
            return Ok(false);
        }
        let accesses = || self.accesses_of(id).unwrap_or_default();
        let subject = RowSubject::new(row, self.catalog(), &accesses);
        Ok(filter.matches(&subject, self.now_ms()))
    }

    pub(crate) fn get_row(&self, id: MemoryId) -> Result<Option<crate::rows::RowBytes>> {
        Rows::get(self, Table::Memories, &memory_key(id))
    }
}
