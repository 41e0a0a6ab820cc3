//! Changing the embedder of a vector space: a successor is filled beside it, and takes its place.
//!
//! **Invariant:** at any commit a vector of the space is of the space's embedder, and one of the
//! successor of the successor's.

use super::row::{MemoryRow, SpaceVector, vector_digest};
use crate::background::Step;
use crate::catalog::{Catalog, Space};
use crate::clock::random;
use crate::commit::Model;
use crate::commit::log::{Aspects, ChangeKind};
use crate::components::vector_bytes;
use crate::db::Db;
use crate::derived::field;
use crate::ids::{MemoryId, SpaceId};
use crate::schema::{Table, vector_key};
use crate::transaction::WriteTx;
use crate::{Error, Result};
use std::collections::BTreeSet;

impl Db {
    /// Begins to change the embedder of a vector space: `successor` has the name of the space, and
    /// says what its vectors are to be from now on.
    ///
    /// A new space is filled in the background, from the contents of all memories that have a vector
    /// in the old one, with the embedder of the successor's identity, which must be among those of
    /// this handle. It survives a crash, and goes on whenever the file is opened with that embedder.
    /// The old space serves meanwhile, with what is written meanwhile. Once nothing is missing, one
    /// transaction puts the new one in its place and drops the vectors of the old.
    ///
    /// To embed queries and new memories for the old space until then, give its embedder as well
    /// ([`Options::embedder_for`](crate::Options::embedder_for) takes several). Without it, a recall
    /// by text alone says that its vector leg did not run, and new memories get their vector in the
    /// new space alone. Vectors given by hand go to the old space, and their memories are embedded
    /// like any other: those without content lose their vector, and the log says how many.
    ///
    /// [`View::spaces`](crate::View::spaces) shows how far it has come, and the job `reembed` in
    /// [`Stats::background`](crate::Stats::background) what went wrong: behind an error of the
    /// embedder it is tried again after a second, then ever more seldom, up to five minutes.
    ///
    /// Nodes of the graph have no content to be embedded. A space in which some have vectors does not change
    /// its embedder, and one that does takes none of theirs until it has: give them a space of their own.
    ///
    /// Does nothing if the space is of this embedder already, or is being changed to it.
    ///
    /// ```
    /// # struct Length(&'static str, usize);
    /// # impl memlith::Embedder for Length {
    /// #     fn identity(&self) -> &str { self.0 }
    /// #     fn dimension(&self) -> usize { self.1 }
    /// #     fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, memlith::EmbedderError> {
    /// #         Ok(texts.iter().map(|t| vec![t.len() as f32; self.1]).collect())
    /// #     }
    /// # }
    /// # let (old, new) = (Length("old", 2), Length("new", 3));
    /// use memlith::{NewMemory, Options, Space};
    /// let db = Options::new().embedder(old).embedder(new).in_memory()?;
    /// db.create_space(&Space::new("default", 2).embedder("old"))?;
    /// let id = db.remember(NewMemory::new("tea"))?;
    /// db.reembed(&Space::new("default", 3).embedder("new"))?;
    /// // It is done in the background; this is for those who cannot wait.
    /// db.finish_reembedding("default", &mut |_, _| ())?;
    /// assert_eq!(db.read()?.vector(id, "default")?, Some(vec![3.0; 3]));
    /// # Ok::<(), memlith::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such space;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the successor names no embedder, or one
    /// that this handle does not have, or another dimension than it makes, or if nodes have vectors in the
    /// space;
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if the space is being changed to another.
    pub fn reembed(&self, successor: &Space) -> Result<()> {
        self.write(|tx| tx.begin_succession(successor))
    }

    /// Gives up the change of the embedder of a space, and drops what it has made so far. Memories
    /// that were written meanwhile without the old embedder are left without a vector there. Returns
    /// `false` if the space was not being changed.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such space.
    pub fn cancel_reembedding(&self, space: &str) -> Result<bool> {
        self.write(|tx| {
            tx.catalog().require_space(space)?;
            tx.cancel_succession(space)
        })
    }

    /// Does on this thread, now, what is left of the change of the embedder of a space, and returns
    /// once the new one is in place. `progress` gets the number of memories done and of all.
    ///
    /// # Errors
    /// What the embedder fails with, at once; the change goes on in the background all the same.
    pub fn finish_reembedding(
        &self,
        space: &str,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<()> {
        self.core.check_writable()?;
        let mut total = 0;
        loop {
            let view = self.read()?;
            let catalog = &view.versions().catalog;
            catalog.require_space(space)?;
            let Some((_, next)) = catalog.successor(space) else { return Ok(()) };
            if view.shared().embedders.of(next).is_none() {
                return Err(unknown_embedder());
            }
            let Step { done, left, .. } = self.core.reembed_step(Some(space))?;
            total = total.max(left + done);
            progress(total - left, total);
        }
    }
}

fn unknown_embedder() -> Error {
    Error::invalid("embedder of a successor", "must be one that this handle was opened with")
}

impl WriteTx<'_> {
    fn begin_succession(&mut self, successor: &Space) -> Result<()> {
        let (old, space) = self.catalog().require_space(&successor.name)?;
        let Some(identity) = &successor.embedder else {
            return Err(Error::invalid("embedder of a successor", "must be named"));
        };
        if space.embedder.as_ref() == Some(identity) {
            return Ok(());
        }
        if let Some((_, pending)) = self.catalog().successor(&successor.name)
            && pending.embedder.as_ref() == Some(identity)
        {
            return Ok(());
        }
        let embedder = self.shared().embedders.of(successor).ok_or_else(unknown_embedder)?;
        if embedder.dimension() != successor.dimension {
            let rule = "must be the one that its embedder makes";
            return Err(Error::invalid("dimension of a successor", rule));
        }
        if !self.nodes_in(*old)?.is_empty() {
            let rule = "must hold no vectors of nodes of the graph, which have no content to embed: \
                        give them a space of their own";
            return Err(Error::invalid("vector space that changes its embedder", rule));
        }
        let (id, edits) = self.catalog().add_successor(successor, self.highest_space()?)?;
        for (key, row) in edits {
            self.put_catalog(&key, row.as_deref())?;
        }
        self.note_catalog(Model::Space, u64::from(id.0), ChangeKind::Created, &successor.name)
    }

    /// Drops the successor of a space, if it has one, with all its vectors.
    pub(super) fn cancel_succession(&mut self, name: &str) -> Result<bool> {
        let Some(id) = self.catalog().successor(name).map(|(id, _)| *id) else { return Ok(false) };
        self.drop_vectors(id)?;
        self.put_catalog(&Catalog::drop_successor(name).0, None)?;
        self.note_catalog(Model::Space, u64::from(id.0), ChangeKind::Deleted, name)?;
        Ok(true)
    }

    /// Puts the successor of a space in its place.
    pub(crate) fn succeed(&mut self, name: &str) -> Result<()> {
        let old = self.catalog().require_space(name)?.0;
        let next = self.catalog().successor(name).cloned();
        let (next, space) = next.ok_or_else(|| Error::not_found("successor of space", name))?;
        self.drop_vectors(old)?;
        self.put_catalog(&Catalog::drop_successor(name).0, None)?;
        let (key, row) = Catalog::space_row(&space, next);
        self.put_catalog(&key, row.as_deref())?;
        self.note_catalog(Model::Space, u64::from(old.0), ChangeKind::Deleted, name)?;
        self.note_catalog(Model::Space, u64::from(next.0), ChangeKind::Updated, name)
    }

    /// Gives a memory its vector in a successor, if it is still one that misses it, of this content.
    pub(crate) fn put_successor(
        &mut self,
        id: MemoryId,
        old: SpaceId,
        next: SpaceId,
        content: &str,
        vector: &[f32],
    ) -> Result<bool> {
        let is_pending = self.catalog().successors().any(|(pending, _)| *pending == next);
        let Some(row) = self.row(id)?.filter(|_| is_pending) else { return Ok(false) };
        let has = |space: SpaceId| row.vectors.iter().any(|v| v.space == space.0);
        if row.content != content || has(next) || !has(old) {
            return Ok(false);
        }
        let bytes = vector_bytes(vector);
        let mut vectors = row.vectors.clone();
        vectors.push(SpaceVector { space: next.0, digest: vector_digest(&bytes) });
        vectors.sort_unstable_by_key(|v| v.space);
        self.put(Table::Vectors, &vector_key(next, id.0), Some(&bytes))?;
        self.put_vector_names(id, row, vectors)?;
        Ok(true)
    }

    /// Refuses a space that is changing its embedder.
    pub(crate) fn check_not_succeeded(&self, space: &str) -> Result<()> {
        if self.catalog().successor(space).is_none() {
            return Ok(());
        }
        let rule = "must not be one that is changing its embedder: wait until it has";
        Err(Error::invalid("vector space of a node", rule))
    }

    /// Takes the vectors of a space away from all memories, expired ones included.
    pub(super) fn drop_vectors(&mut self, space: SpaceId) -> Result<()> {
        let base = self.settled_base()?;
        let having = base.versions().attributes.label(field::SPACE, &space.0.to_be_bytes())?;
        let mut ids = having.iter().map(|o| base.id_of(o)).collect::<Result<BTreeSet<_>>>()?;
        ids.extend(self.touched());
        for id in ids {
            let Some(row) = self.row(id)? else { continue };
            let mut vectors = row.vectors.clone();
            vectors.retain(|v| v.space != space.0);
            if vectors != row.vectors {
                self.put(Table::Vectors, &vector_key(space, id.0), None)?;
                self.put_vector_names(id, row, vectors)?;
            }
        }
        Ok(())
    }

    /// Writes a row that names other vectors; what the memory says has not changed, nor has the time
    /// of its last change.
    fn put_vector_names(
        &mut self,
        id: MemoryId,
        row: MemoryRow,
        vectors: Vec<SpaceVector>,
    ) -> Result<()> {
        let row = MemoryRow { vectors, salt: random()?, ..row };
        let aspects = Aspects::ATTRIBUTES.with(Aspects::VECTORS);
        self.put_row(id, &row, ChangeKind::Updated, aspects)
    }
}
