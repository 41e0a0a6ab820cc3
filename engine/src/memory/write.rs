//! Writing memories: what a transaction can do to them.
//!
//! **Invariant:** a memory, its vectors, its external id and its links to other memories change
//! together, and each changed memory is noted for the log with the commitment to its new row.

use super::row::{Labels, MemoryRow, Succession};
use super::vectors::{Given, new_space};
use super::{Memory, NewMemory, Patch, Upsert, validate};
use crate::catalog::Space;
use crate::clock::random;
use crate::commit::Model;
use crate::commit::log::{Aspects, ChangeKind, commitment};
use crate::embed::{Embedded, home};
use crate::embeddings::Made;
use crate::error::Detail;
use crate::filter::Filter;
use crate::ids::{MemoryId, SpaceId};
use crate::knowledge::Entity;
use crate::rows::Rows;
use crate::schema::{Table, external_key, memory_key, read_u64};
use crate::transaction::WriteTx;
use crate::{Error, Result};

/// Vectors that a memory is to get.
#[derive(Default)]
struct Vectors {
    /// By hand, with the name of their space.
    given: Given,
    /// By embedders.
    embedded: Vec<Embedded>,
}

impl Vectors {
    fn is_empty(&self) -> bool {
        self.given.is_empty() && self.embedded.is_empty()
    }
}

impl WriteTx<'_> {
    /// Remembers something new and returns its number.
    ///
    /// Without a vector, and with an embedder for the space, the content is embedded here, inside
    /// the transaction; [`Db::remember`](crate::Db::remember) does that before it begins.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if its external id is taken;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput),
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) or
    /// [`DimensionMismatch`](crate::ErrorKind::DimensionMismatch) if a rule is broken; then nothing
    /// of it is written.
    pub fn remember(&mut self, new: NewMemory) -> Result<MemoryId> {
        self.create(new, None, false)
    }

    /// Remembers several, in order.
    pub fn remember_batch(&mut self, new: Vec<NewMemory>) -> Result<Vec<MemoryId>> {
        new.into_iter().map(|m| self.remember(m)).collect()
    }

    /// Remembers something under its external id: creates it, or makes what stands there the same.
    ///
    /// Of a memory that stands there already, the creation time is kept unless one is given, and so
    /// are vectors of spaces that `new` does not mention and links to superseding memories. If
    /// the content changes, vectors that are not given anew are dropped: they would belong to
    /// another text.
    ///
    /// # Errors
    /// As [`remember`](Self::remember); [`InvalidInput`](crate::ErrorKind::InvalidInput) without an
    /// external id.
    pub fn upsert(&mut self, new: NewMemory) -> Result<Upsert> {
        let Some(external) = &new.external_id else {
            return Err(Error::invalid("external id", "must be given for an upsert"));
        };
        let Some((id, old)) = self.find_external(&new.namespace, external)? else {
            return self.remember(new).map(Upsert::Created);
        };
        if old.is_expired(self.now_ms()) {
            return self.remember(new).map(Upsert::Created);
        }
        let created_ms = new.created_ms.unwrap_or(old.created_ms);
        let (mut row, mut vectors) = self.row_of(new)?;
        if vectors.is_empty() && (row.content != old.content || old.vectors.is_empty()) {
            vectors.embedded = self.embedded(&row.content)?;
        }
        row.created_ms = created_ms;
        row.succession = old.succession;
        if row.content == old.content {
            row.vectors.clone_from(&old.vectors);
        }
        let is_changed = self.replace(id, &old, row, vectors)?;
        Ok(if is_changed { Upsert::Updated(id) } else { Upsert::Unchanged(id) })
    }

    /// [`upsert`](Self::upsert) of several memories, in order.
    ///
    /// # Errors
    /// As `upsert`; what came before the one that failed is in the transaction.
    pub fn upsert_batch(&mut self, new: Vec<NewMemory>) -> Result<Vec<Upsert>> {
        new.into_iter().map(|memory| self.upsert(memory)).collect()
    }

    /// Changes parts of a memory. Returns `false` if there is no such memory.
    ///
    /// If the content changes and the patch brings no vectors, those of the old content are
    /// dropped, or made anew where an embedder is at hand.
    pub fn update(&mut self, id: MemoryId, patch: &Patch) -> Result<bool> {
        let Some(old) = self.live_row(id)? else { return Ok(false) };
        let row = patched(&old, patch)?;
        let mut vectors = Vectors::default();
        let mut kept = row.vectors.clone();
        for (space, vector) in &patch.vectors {
            if let Some(vector) = vector {
                vectors.given.push((space.clone(), vector.clone()));
            } else {
                let own = self.catalog().require_space(space)?.0;
                let next = self.catalog().successor(space).map(|(id, _)| *id);
                kept.retain(|v| v.space != own.0 && next.is_none_or(|next| v.space != next.0));
            }
        }
        if row.content != old.content {
            kept.clear();
            if vectors.is_empty() {
                vectors.embedded = self.embedded(&row.content)?;
            }
        }
        self.replace(id, &old, MemoryRow { vectors: kept, ..row }, vectors)?;
        Ok(true)
    }

    /// Changes parts of every memory that matches, in one namespace or in all. Returns how many
    /// matched.
    pub fn update_many(
        &mut self,
        namespace: Option<&str>,
        filter: &Filter,
        patch: &Patch,
    ) -> Result<u64> {
        let ids = self.matching(namespace, filter)?;
        for id in &ids {
            self.update(*id, patch)?;
        }
        Ok(ids.len() as u64)
    }

    /// Remembers something that replaces an older memory. The older one stays readable, and recall
    /// leaves it out unless asked. If both have the same external id, it goes to the new one.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such memory,
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if it has been superseded already.
    pub fn supersede(&mut self, old_id: MemoryId, new: NewMemory) -> Result<MemoryId> {
        let old = self.live_row(old_id)?.ok_or_else(|| Error::not_found("memory", old_id))?;
        if let Some(by) = old.succession.superseded_by {
            let name = by.to_string().into();
            return Err(Detail::AlreadyExists { what: "superseding memory", name }.into());
        }
        let inherits = new.external_id.is_some()
            && new.external_id == old.external_id
            && new.namespace == old.namespace;
        let id = self.create(new, Some(old_id), inherits)?;
        // Read again: an expired memory that made way for the external id may have been linked.
        let old = self.row(old_id)?.ok_or_else(|| Error::not_found("memory", old_id))?;
        let mut row = old.clone();
        row.succession.superseded_by = Some(id.0);
        row.succession.superseded_ms = Some(self.now_ms());
        if inherits {
            row.external_id = None;
        }
        self.replace(old_id, &old, row, Vectors::default())?;
        Ok(id)
    }

    /// Forgets a memory with all that belongs to it. Returns `false` if there was none.
    ///
    /// What it superseded comes back into force; what an expired memory superseded does not.
    pub fn forget(&mut self, id: MemoryId) -> Result<bool> {
        let Some(row) = self.row(id)? else { return Ok(false) };
        let was_live = !row.is_expired(self.now_ms());
        self.remove(id, &row)?;
        Ok(was_live)
    }

    /// Forgets a memory if it has expired: it may have got a new time since it was found.
    pub(crate) fn forget_expired(&mut self, id: MemoryId) -> Result<()> {
        match self.row(id)? {
            Some(row) if row.is_expired(self.now_ms()) => self.remove(id, &row),
            _ => Ok(()),
        }
    }

    /// Forgets every memory that matches, in one namespace or in all. Returns how many.
    pub fn forget_where(&mut self, namespace: Option<&str>, filter: &Filter) -> Result<u64> {
        let ids = self.matching(namespace, filter)?;
        for id in &ids {
            self.forget(*id)?;
        }
        Ok(ids.len() as u64)
    }

    /// A memory as this transaction sees it.
    pub fn get(&self, id: MemoryId) -> Result<Option<Memory>> {
        let row = self.live_row(id)?;
        Ok(row.map(|row| Memory::from_row(id, row, self.catalog())))
    }

    /// The memory under an external id, as this transaction sees it.
    pub fn get_external(&self, namespace: &str, external: &str) -> Result<Option<Memory>> {
        let found = self.find_external(namespace, external)?;
        let live = found.filter(|(_, row)| !row.is_expired(self.now_ms()));
        Ok(live.map(|(id, row)| Memory::from_row(id, row, self.catalog())))
    }

    pub(crate) fn row(&self, id: MemoryId) -> Result<Option<MemoryRow>> {
        let bytes = self.get_row(id)?;
        bytes.as_deref().map(MemoryRow::decode).transpose()
    }

    fn live_row(&self, id: MemoryId) -> Result<Option<MemoryRow>> {
        Ok(self.row(id)?.filter(|row| !row.is_expired(self.now_ms())))
    }

    fn find_external(
        &self,
        namespace: &str,
        external: &str,
    ) -> Result<Option<(MemoryId, MemoryRow)>> {
        let key = external_key(namespace, external);
        let Some(value) = Rows::get(self, Table::External, &key)? else { return Ok(None) };
        let bad = || Error::corruption("external id row", "the id of a memory", "other bytes");
        let id = MemoryId(read_u64(&value).ok_or_else(bad)?);
        let row = self.row(id)?.ok_or_else(bad)?;
        Ok(Some((id, row)))
    }

    /// Refuses an external id that is taken; one of an expired memory is freed.
    fn claim_external(&mut self, new: &MemoryRow) -> Result<()> {
        let Some(external) = &new.external_id else { return Ok(()) };
        let Some((id, old)) = self.find_external(&new.namespace, external)? else { return Ok(()) };
        if old.is_expired(self.now_ms()) {
            return self.remove(id, &old);
        }
        let name = external.as_str().into();
        Err(Detail::AlreadyExists { what: "external id", name }.into())
    }

    /// Creates a memory, once everything about it has been checked. `inherits`: it takes its
    /// external id over from the memory that it supersedes.
    fn create(
        &mut self,
        new: NewMemory,
        supersedes: Option<MemoryId>,
        inherits: bool,
    ) -> Result<MemoryId> {
        let (mut row, mut vectors) = self.row_of(new)?;
        row.succession.supersedes = supersedes.map(|id| id.0);
        validate::row(&row)?;
        if vectors.is_empty() {
            vectors.embedded = self.embedded(&row.content)?;
        }
        self.refresh(&mut vectors, &row.content)?;
        let spaces = self.admit_vectors(&mut vectors)?;
        if !inherits {
            self.claim_external(&row)?;
        }
        self.create_spaces(&spaces)?;

        let id = MemoryId(self.take_number());
        if let Some(external) = &row.external_id {
            let key = external_key(&row.namespace, external);
            self.put(Table::External, &key, Some(&id.0.to_be_bytes()))?;
        }
        let placed = self.place_vectors(vectors)?;
        row.vectors = self.put_vectors(id.0, Vec::new(), placed)?;
        self.put_row(id, &row, ChangeKind::Created, Aspects::ALL)?;
        Ok(id)
    }

    /// Makes `row`, with `vectors` over those that it names, the row of `id`. Returns `false` if
    /// that is what stands there already.
    fn replace(
        &mut self,
        id: MemoryId,
        old: &MemoryRow,
        mut row: MemoryRow,
        mut vectors: Vectors,
    ) -> Result<bool> {
        validate::row(&row)?;
        let spaces = self.admit_vectors(&mut vectors)?;
        self.create_spaces(&spaces)?;
        self.drop_vectors_but(id.0, &old.vectors, &row.vectors)?;
        let placed = self.place_vectors(vectors)?;
        row.vectors = self.put_vectors(id.0, row.vectors, placed)?;
        (row.salt, row.updated_ms) = (old.salt, old.updated_ms);
        if row == *old {
            return Ok(false);
        }
        let mut aspects = Aspects::ATTRIBUTES;
        if row.content != old.content {
            aspects = aspects.with(Aspects::CONTENT);
        }
        if row.vectors != old.vectors {
            aspects = aspects.with(Aspects::VECTORS);
        }
        (row.salt, row.updated_ms) = (random()?, self.now_ms());
        self.put_row(id, &row, ChangeKind::Updated, aspects)?;
        Ok(true)
    }

    /// A number for something new.
    pub(crate) fn take_number(&mut self) -> u64 {
        let number = self.set.next_memory;
        self.set.next_memory += 1;
        number
    }

    pub(super) fn put_row(
        &mut self,
        id: MemoryId,
        row: &MemoryRow,
        kind: ChangeKind,
        aspects: Aspects,
    ) -> Result<()> {
        let bytes = row.encode();
        self.set.note(Model::Memory, id.0, kind, aspects, commitment(&row.salt, &bytes));
        self.put(Table::Memories, &memory_key(id), Some(&bytes))
    }

    fn remove(&mut self, id: MemoryId, row: &MemoryRow) -> Result<()> {
        self.drop_edges_of(Entity::Memory(id))?;
        self.drop_vectors_but(id.0, &row.vectors, &[])?;
        if let Some(external) = &row.external_id {
            self.put(Table::External, &external_key(&row.namespace, external), None)?;
        }
        self.put(Table::Memories, &memory_key(id), None)?;
        self.set.note(Model::Memory, id.0, ChangeKind::Deleted, Aspects::ALL, [0; 16]);
        self.unlink(row)
    }

    /// Clears what other memories say of a removed one. What an expired memory superseded stays
    /// superseded: whether it is found must not depend on when the expired one is deleted.
    fn unlink(&mut self, removed: &MemoryRow) -> Result<()> {
        if let Some(id) = removed.succession.supersedes.map(MemoryId)
            && !removed.is_expired(self.now_ms())
            && let Some(old) = self.row(id)?
        {
            let mut row = old.clone();
            (row.succession.superseded_by, row.succession.superseded_ms) = (None, None);
            self.replace(id, &old, row, Vectors::default())?;
        }
        if let Some(id) = removed.succession.superseded_by.map(MemoryId)
            && let Some(old) = self.row(id)?
        {
            let mut row = old.clone();
            row.succession.supersedes = None;
            self.replace(id, &old, row, Vectors::default())?;
        }
        Ok(())
    }

    /// The row of a new memory, without its vectors, and these.
    fn row_of(&self, new: NewMemory) -> Result<(MemoryRow, Vectors)> {
        let mut tags = new.tags;
        tags.sort_unstable();
        tags.dedup();
        let row = MemoryRow {
            salt: random()?,
            namespace: new.namespace,
            external_id: new.external_id,
            content: new.content,
            importance: new.importance,
            valence: new.valence,
            priority: new.priority,
            metadata: validate::metadata(&new.metadata)?,
            tags,
            labels: Labels {
                kind: new.kind,
                agent: new.agent,
                session: new.session,
                project: new.project,
                channel: new.channel,
                source: new.source,
            },
            created_ms: new.created_ms.unwrap_or(self.now_ms()),
            updated_ms: self.now_ms(),
            expires_ms: new.expires_ms,
            succession: Succession::default(),
            vectors: Vec::new(),
        };
        Ok((row, Vectors { given: new.vectors, embedded: new.embedded }))
    }

    /// The vectors that the embedders of this handle make of a text.
    fn embedded(&self, content: &str) -> Result<Vec<Embedded>> {
        let names = self.shared().embedders.spaces();
        let made = names.map(|space| self.embedded_for(space, content)).collect::<Result<Vec<_>>>();
        Ok(made?.into_iter().flatten().collect())
    }

    fn embedded_for(&self, space: &str, content: &str) -> Result<Option<Embedded>> {
        let embedder = self.shared().embedders.for_writing(self.catalog(), space)?;
        let Some(embedder) = embedder else { return Ok(None) };
        let embeddings = &self.shared().embeddings;
        let made = self.look_back(|view| embeddings.embed(&**embedder, &[content], view))?.pop();
        let (space, identity) = (space.to_owned(), embedder.identity().to_owned());
        Ok(made.map(|Made { vector, is_cut }| Embedded { space, identity, vector, is_cut }))
    }

    /// Embeds anew what was embedded before this transaction for a space that has got another embedder
    /// since.
    fn refresh(&self, vectors: &mut Vectors, content: &str) -> Result<()> {
        for made in &mut vectors.embedded {
            let Embedded { space, identity, .. } = made;
            let is_stale = self.catalog().space(space).is_some()
                && home(self.catalog(), space, identity).is_none();
            if is_stale && let Some(anew) = self.embedded_for(space, content)? {
                *made = anew;
            }
        }
        Ok(())
    }

    /// Makes vectors what their spaces keep of them, and checks them. Returns those spaces that come
    /// with their first vector and are still to be created.
    fn admit_vectors(&self, vectors: &mut Vectors) -> Result<Vec<Space>> {
        let mut new_spaces = self.admit_given(&mut vectors.given)?;
        for Embedded { space: name, identity, vector, .. } in &mut vectors.embedded {
            match home(self.catalog(), name, identity) {
                Some((_, space)) => validate::admit(space, vector)?,
                None => new_spaces.push(new_space(name, Some(identity.clone()), vector)?),
            }
        }
        Ok(new_spaces)
    }

    /// Where vectors go whose spaces are there.
    fn place_vectors(&self, vectors: Vectors) -> Result<Vec<(SpaceId, Vec<f32>)>> {
        let mut placed = self.place_given(vectors.given)?;
        for Embedded { space, identity, vector, .. } in vectors.embedded {
            let home = home(self.catalog(), &space, &identity);
            placed.push((home.ok_or_else(|| Error::not_found("vector space", space))?.0, vector));
        }
        Ok(placed)
    }
}

/// The row after a patch, its vectors left as they are.
fn patched(old: &MemoryRow, patch: &Patch) -> Result<MemoryRow> {
    fn set<T: Clone>(field: &mut T, new: Option<&T>) {
        if let Some(new) = new {
            field.clone_from(new);
        }
    }
    let mut row = old.clone();
    set(&mut row.content, patch.content.as_ref());
    set(&mut row.labels.kind, patch.kind.as_ref());
    set(&mut row.importance, patch.importance.as_ref());
    set(&mut row.valence, patch.valence.as_ref());
    set(&mut row.priority, patch.priority.as_ref());
    set(&mut row.tags, patch.tags.as_ref());
    set(&mut row.labels.agent, patch.agent.as_ref());
    set(&mut row.labels.session, patch.session.as_ref());
    set(&mut row.labels.project, patch.project.as_ref());
    set(&mut row.labels.channel, patch.channel.as_ref());
    set(&mut row.labels.source, patch.source.as_ref());
    set(&mut row.created_ms, patch.created_ms.as_ref());
    set(&mut row.expires_ms, patch.expires_ms.as_ref());
    row.tags.extend(patch.add_tags.iter().cloned());
    row.tags.retain(|tag| !patch.remove_tags.contains(tag));
    row.tags.sort_unstable();
    row.tags.dedup();
    if let Some(change) = &patch.metadata {
        validate::depth(change)?;
        let mut metadata = super::read::metadata_value(&row.metadata)?;
        super::merge::merge(&mut metadata, change);
        row.metadata = validate::metadata(&metadata)?;
    }
    Ok(row)
}
