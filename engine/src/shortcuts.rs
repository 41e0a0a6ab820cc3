//! One-call forms of what transactions and Views do.

use crate::db::Db;
use crate::embed::Embedded;
use crate::embeddings::Made;
use crate::filter::Filter;
use crate::ids::MemoryId;
use crate::memory::{Memory, NewMemory, Patch, Upsert};
use crate::recall::{Context, Gathered, Likeness, Noted, Recall, Recalled};
use crate::{Result, Space};

impl Db {
    /// Remembers something new, in a transaction of its own.
    ///
    /// # Errors
    /// As [`WriteTx::remember`](crate::WriteTx::remember).
    pub fn remember(&self, new: NewMemory) -> Result<MemoryId> {
        let mut new = [new];
        self.embed(&mut new)?;
        let [new] = new;
        self.write(|tx| tx.remember(new))
    }

    /// Remembers something new, and names what it resembles of what had been remembered: see
    /// [`View::resembling`](crate::View::resembling). It is remembered in any case.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// use memlith::{Likeness, NewMemory};
    /// let key = db.remember(NewMemory::new("The deploy key lies in the vault."))?;
    /// let again = NewMemory::new("the deploy key lies in the vault");
    /// let noted = db.remember_noting(again, Likeness::default())?;
    /// assert_eq!(noted.resembles[0].id, key);
    /// # Ok::<(), memlith::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`WriteTx::remember`](crate::WriteTx::remember).
    pub fn remember_noting(&self, new: NewMemory, from: Likeness) -> Result<Noted> {
        let mut new = [new];
        self.embed(&mut new)?;
        let [new] = new;
        let resembles = self.read()?.resembling(&new, from)?;
        let cut = new.embedded.iter().filter(|made| made.is_cut).map(|made| made.space.clone());
        let cut = cut.collect();
        let id = self.write(|tx| tx.remember(new))?;
        Ok(Noted { id, resembles, cut })
    }

    /// Remembers several things, all or none.
    ///
    /// # Errors
    /// As [`WriteTx::remember`](crate::WriteTx::remember).
    pub fn remember_batch(&self, mut new: Vec<NewMemory>) -> Result<Vec<MemoryId>> {
        self.embed(&mut new)?;
        self.write(|tx| tx.remember_batch(new))
    }

    /// Remembers something under its external id.
    ///
    /// # Errors
    /// As [`WriteTx::upsert`](crate::WriteTx::upsert).
    pub fn upsert(&self, new: NewMemory) -> Result<Upsert> {
        self.write(|tx| tx.upsert(new))
    }

    /// Remembers several things under their external ids, all or none.
    ///
    /// # Errors
    /// As [`WriteTx::upsert`](crate::WriteTx::upsert).
    pub fn upsert_batch(&self, new: Vec<NewMemory>) -> Result<Vec<Upsert>> {
        self.write(|tx| new.into_iter().map(|m| tx.upsert(m)).collect())
    }

    /// Changes parts of a memory. Returns `false` if there is none.
    ///
    /// # Errors
    /// As [`WriteTx::update`](crate::WriteTx::update).
    pub fn update(&self, id: MemoryId, patch: &Patch) -> Result<bool> {
        self.write(|tx| tx.update(id, patch))
    }

    /// Changes parts of every memory that matches. Returns how many matched.
    ///
    /// # Errors
    /// As [`WriteTx::update_many`](crate::WriteTx::update_many).
    pub fn update_many(
        &self,
        namespace: Option<&str>,
        filter: &Filter,
        patch: &Patch,
    ) -> Result<u64> {
        self.write(|tx| tx.update_many(namespace, filter, patch))
    }

    /// Remembers something that replaces an older memory.
    ///
    /// # Errors
    /// As [`WriteTx::supersede`](crate::WriteTx::supersede).
    pub fn supersede(&self, old: MemoryId, new: NewMemory) -> Result<MemoryId> {
        let mut new = [new];
        self.embed(&mut new)?;
        let [new] = new;
        self.write(|tx| tx.supersede(old, new))
    }

    /// Forgets a memory. Returns `false` if there was none.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn forget(&self, id: MemoryId) -> Result<bool> {
        self.write(|tx| tx.forget(id))
    }

    /// Forgets every memory that matches. Returns how many.
    ///
    /// # Errors
    /// As [`WriteTx::forget_where`](crate::WriteTx::forget_where).
    pub fn forget_where(&self, namespace: Option<&str>, filter: &Filter) -> Result<u64> {
        self.write(|tx| tx.forget_where(namespace, filter))
    }

    /// Creates a vector space.
    ///
    /// # Errors
    /// As [`WriteTx::create_space`](crate::WriteTx::create_space).
    pub fn create_space(&self, space: &Space) -> Result<()> {
        self.write(|tx| tx.create_space(space))
    }

    /// A memory by its number.
    pub fn get(&self, id: MemoryId) -> Result<Option<Memory>> {
        self.read()?.get(id)
    }

    /// Recalls memories from the newest state.
    ///
    /// # Errors
    /// As [`View::recall`](crate::View::recall).
    pub fn recall(&self, request: &Recall) -> Result<Recalled> {
        self.read()?.recall(request)
    }

    /// Gathers what an agent puts into its next prompt, from the newest state.
    ///
    /// # Errors
    /// As [`View::context`](crate::View::context).
    pub fn context(&self, request: &Context) -> Result<Gathered> {
        self.read()?.context(request)
    }

    /// Embeds what has no vector yet, before a transaction begins and holds others up.
    fn embed(&self, new: &mut [NewMemory]) -> Result<()> {
        let view = self.read()?;
        let embedders = &view.shared().embedders;
        for space in embedders.spaces() {
            let mut waiting: Vec<&mut NewMemory> =
                new.iter_mut().filter(|m| m.vectors.iter().all(|(s, _)| s != space)).collect();
            if waiting.is_empty() {
                continue;
            }
            let embedder = embedders.for_writing(&view.versions().catalog, space)?;
            let Some(embedder) = embedder else { continue };
            let texts: Vec<&str> = waiting.iter().map(|m| m.content.as_str()).collect();
            let made = view.shared().embeddings.embed(&**embedder, &texts, &view)?;
            for (memory, Made { vector, is_cut }) in waiting.iter_mut().zip(made) {
                let (space, identity) = (space.to_owned(), embedder.identity().to_owned());
                memory.embedded.push(Embedded { space, identity, vector, is_cut });
            }
        }
        Ok(())
    }
}
