//! Write transactions: closures and explicit ones, over one write set.
//!
//! **Invariant:** a transaction sees everything accepted before it plus its own writes, and
//! nothing of it is seen by anybody until it is committed. Dropping it changes nothing.

use crate::access::Access;
use crate::catalog::Catalog;
use crate::commit::{Committer, Failure, NewRow, Turn, WriteOptions, WriteSet};
use crate::db::Core;
use crate::error::Detail;
use crate::ids::{MemoryId, Seq};
use crate::memory::{MAX_ANNOTATION_BYTES, MAX_IDEMPOTENCY_KEY_BYTES};
use crate::rows::{Pinned, RowBytes, Rows, guarded};
use crate::schema::{self, Table, read_vector_key};
use crate::sealed::Unnamed;
use crate::view::{Shared, View};
use crate::{Error, ErrorKind, Result};
use redb::{ReadableTable, WriteTransaction};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

/// A set that holds more is written to the file as it grows, on its own.
const DIRECT_BYTES: usize = 64 << 20;
/// Then it is written in pieces of this size.
const DIRECT_STEP_BYTES: usize = 16 << 20;

/// A committed transaction: what its closure returned, and its place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Committed<T> {
    /// What the closure returned.
    pub value: T,
    /// The commit; `None` if the closure wrote nothing.
    pub seq: Option<Seq>,
}

/// A write transaction: everything in it becomes visible and durable at once, or not at all.
///
/// Got from [`Db::write`](crate::Db::write) or [`Db::begin`](crate::Db::begin). One runs at a time;
/// its reads see its own writes.
pub struct WriteTx<'a> {
    core: &'a Core,
    turn: Turn<'a, Committer>,
    base: View,
    /// Accepted before this one and perhaps not in `base` yet, oldest first.
    accepted: Vec<Arc<WriteSet>>,
    pub(crate) set: WriteSet,
    catalog: Arc<Catalog>,
    /// Where the rows go once there are too many to hold.
    direct: Option<Direct>,
    /// Is it a job's? Then its commit sets nothing going.
    is_background: bool,
    /// Memory in which rows that come in great numbers are encoded.
    pub(crate) encoded: Vec<u8>,
}

/// What was written of a transaction that is not committed.
struct Direct {
    transaction: WriteTransaction,
    segments: Vec<Unnamed>,
}

impl<'a> WriteTx<'a> {
    pub(crate) fn begin(core: &'a Core, options: WriteOptions) -> Result<Self> {
        core.check_writable()?;
        core.background.throttle(core);
        let timeout = core.settings.busy_timeout;
        Self::begin_within(core, options, timeout, false)
    }

    /// The same for a job, which waits for nobody that waits for it.
    pub(crate) fn begin_in_background(
        core: &'a Core,
        options: WriteOptions,
        timeout: Duration,
    ) -> Result<Self> {
        Self::begin_within(core, options, timeout, true)
    }

    fn begin_within(
        core: &'a Core,
        options: WriteOptions,
        timeout: Duration,
        is_background: bool,
    ) -> Result<Self> {
        core.check_writable()?;
        check_annotations(&options)?;
        let waited_ms = timeout.as_millis() as u64;
        let turn = core.group.turn(timeout).ok_or(Detail::Busy { waited_ms })?;
        // Sets first, View second: a set that is committed in between is then in both.
        let accepted = turn.accepted();
        let base = core.committer.current();
        let newest = accepted.last();
        let last_ms = newest.map_or(base.chain().time_ms, |s| s.now_ms);
        let next_memory = newest.map_or(base.chain().next_memory, |s| MemoryId(s.next_memory));
        let now_ms = base.shared().clock.now_ms().max(last_ms);
        let durability = options.durability.unwrap_or(core.settings.durability);
        let mut catalog = base.versions().catalog.clone();
        for set in &accepted {
            for (key, value) in set.rows(Table::Catalog) {
                Arc::make_mut(&mut catalog).apply(key.bytes(), value.as_deref())?;
            }
        }
        let set = WriteSet::new(options, durability, now_ms, next_memory);
        let (direct, encoded) = (None, Vec::new());
        let tx =
            WriteTx { core, turn, base, accepted, set, catalog, direct, is_background, encoded };
        tx.check_outcome()?;
        Ok(tx)
    }

    /// Refuses a transaction that was committed before under the same key.
    fn check_outcome(&self) -> Result<()> {
        let Some(key) = &self.set.options.idempotency_key else { return Ok(()) };
        let is_accepted =
            self.accepted.iter().any(|s| s.options.idempotency_key.as_ref() == Some(key));
        let is_known =
            |rows: &Pinned| rows.read(schema::OUTCOMES, |t| Ok(t.get(key.as_bytes())?.is_some()));
        if is_accepted || self.read_committed(is_known)? {
            let (what, name) = ("transaction with idempotency key", key.as_str().into());
            return Err(Detail::AlreadyExists { what, name }.into());
        }
        Ok(())
    }

    /// The time of this transaction, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.set.now_ms
    }

    pub(crate) fn shared(&self) -> &Shared {
        self.base.shared()
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// What commits it, for work that goes on beside it: none does once it writes to the file.
    #[cfg(any(test, feature = "torture"))]
    pub(crate) fn beside(&self) -> Option<&Committer> {
        self.direct.is_none().then_some(&self.core.committer)
    }

    /// Writes a row of the catalogue, and sees it from now on.
    pub(crate) fn put_catalog(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        Arc::make_mut(&mut self.catalog).apply(key, value)?;
        self.put(Table::Catalog, key, value)
    }

    /// Writes a row.
    pub(crate) fn put(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        self.set.put(table, key, value);
        match &self.direct {
            None if self.set.size_bytes() > DIRECT_BYTES => self.go_direct(),
            Some(_) if self.set.size_bytes() > DIRECT_STEP_BYTES => self.write_through(),
            _ => Ok(()),
        }
    }

    /// From now on rows go into a transaction of their own; nobody else commits until it ends.
    pub(crate) fn go_direct(&mut self) -> Result<()> {
        if self.direct.is_none() {
            self.settle()?;
            let transaction = self.core.committer.begin_write()?;
            self.direct = Some(Direct { transaction, segments: Vec::new() });
        }
        self.write_through()
    }

    fn write_through(&mut self) -> Result<()> {
        let Some(Direct { transaction, segments }) = &mut self.direct else { return Ok(()) };
        let rows = self.set.take_rows();
        for table in Table::ALL {
            let rows = rows[table as usize].iter().map(|(key, value)| (key.bytes(), value));
            segments.extend(self.core.committer.write_table(transaction, table, rows)?);
        }
        Ok(())
    }

    /// The sets whose changes are on top of the base View, or in it already, oldest first; its own last.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &WriteSet> {
        self.accepted.iter().map(AsRef::as_ref).chain([&self.set])
    }

    /// Waits until all that was accepted before is committed, so that the base View shows it.
    fn settle(&mut self) -> Result<()> {
        if !self.accepted.is_empty() {
            self.turn.settle().map_err(failure)?;
            self.accepted.clear();
            self.base = self.core.committer.current();
        }
        Ok(())
    }

    /// The View just before this transaction, with everything that was accepted before.
    pub(crate) fn settled_base(&mut self) -> Result<View> {
        self.settle()?;
        Ok(self.core.committer.current())
    }

    /// Reads rows that were committed before.
    fn read_committed<T>(&self, read: impl Fn(&Pinned) -> Result<T>) -> Result<T> {
        self.look_back(|view| read(&*view.rows()?))
    }

    /// Reads what was committed before. If the base View has been revoked, from the newest: while the turn is
    /// held, that differs by nothing but sets that were accepted before.
    pub(crate) fn look_back<T>(&self, read: impl Fn(&View) -> Result<T>) -> Result<T> {
        let mut view = self.base.clone();
        loop {
            match read(&view) {
                Err(e) if e.kind() == ErrorKind::SnapshotExpired => {}
                done => return done,
            }
            view = self.core.committer.current();
        }
    }

    /// How often a memory was read.
    pub(crate) fn accesses_of(&self, id: MemoryId) -> Result<Access> {
        self.read_committed(|rows| self.shared().accesses.of(id, rows))
    }

    /// Commits; the value goes to whoever asked.
    pub(crate) fn commit<T>(mut self, value: T) -> Result<Committed<T>> {
        if self.set.is_empty() && self.direct.is_none() {
            return Ok(Committed { value, seq: None });
        }
        self.write_through()?;
        let WriteTx { core, turn, set, direct, is_background, .. } = self;
        let set = Arc::new(set);
        let receipt = match direct {
            None => turn.submit(&core.committer, set).map_err(failure),
            Some(Direct { transaction, segments }) => {
                let receipt = core.committer.commit_direct(transaction, segments, &set);
                if receipt.is_err() {
                    core.group.latch();
                }
                // What comes after the commit may want a turn of its own.
                drop(turn);
                receipt.map_err(|e| failure(Failure::Unknown(Arc::new(e))))
            }
        }?;
        if !is_background {
            // It cannot undo the commit: what goes wrong is told by the figures and not by the call.
            core.background.tend(core);
        }
        Ok(Committed { value, seq: Some(receipt.seq) })
    }
}

impl Rows for WriteTx<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<RowBytes>> {
        let own = |row: &NewRow| row.clone().map(RowBytes::Owned);
        if let Some(known) = self.set.get(table, key) {
            return Ok(own(known));
        }
        if let Some(direct) = &self.direct {
            let row = direct.row(table, key)?;
            if row.is_some() || table != Table::Vectors {
                return Ok(row);
            }
            if let Some(vector) = direct.sealed(key)? {
                return Ok(Some(vector));
            }
            // It may have been sealed before.
        }
        if let Some(known) = self.accepted.iter().rev().find_map(|set| set.get(table, key)) {
            return Ok(own(known));
        }
        self.read_committed(|rows| rows.get(table, key))
    }
}

impl Direct {
    /// A row that was written, or committed before and not written since.
    fn row(&self, table: Table, key: &[u8]) -> Result<Option<RowBytes>> {
        guarded(|| {
            let open = self.transaction.open_table(table.definition())?;
            let row = open.get(key)?;
            Ok(row.map(|guard| RowBytes::Owned(Arc::from(guard.value()))))
        })
    }

    /// A vector that became part of a segment instead of a row.
    fn sealed(&self, key: &[u8]) -> Result<Option<RowBytes>> {
        let Some((space, owner)) = read_vector_key(key) else { return Ok(None) };
        for segment in self.segments.iter().rev() {
            if let Some(vector) = segment.vector(space, owner)? {
                return Ok(Some(RowBytes::Owned(vector.into())));
            }
        }
        Ok(None)
    }
}

/// What a failed commit means to the writer.
fn failure(failure: Failure<Error>) -> Error {
    match failure {
        Failure::Unknown(source) => Detail::OutcomeUnknown { source }.into(),
        Failure::Panicked => Detail::Internal { doing: "committing" }.into(),
        Failure::Latched => Detail::Latched.into(),
    }
}

fn check_annotations(options: &WriteOptions) -> Result<()> {
    let key = options.idempotency_key.as_deref().unwrap_or_default();
    let limits = [
        ("bytes of the actor", options.actor.len(), MAX_ANNOTATION_BYTES),
        ("bytes of the reason", options.reason.len(), MAX_ANNOTATION_BYTES),
        ("bytes of the idempotency key", key.len(), MAX_IDEMPOTENCY_KEY_BYTES),
    ];
    for (what, found, limit) in limits {
        crate::error::check_limit(what, found, limit)?;
    }
    if options.idempotency_key.as_deref() == Some("") {
        return Err(Error::invalid("idempotency key", "must not be empty"));
    }
    Ok(())
}

/// An explicit write transaction, for callers that cannot put their work into a closure.
///
/// Everything else that wants to write waits for it, up to the busy timeout: keep it short.
///
/// ```
/// # let db = memlith::Options::new().in_memory()?;
/// let mut tx = db.begin(memlith::WriteOptions::new().actor("planner"))?;
/// tx.remember(memlith::NewMemory::new("first"))?;
/// tx.rollback();
/// assert_eq!(db.read()?.count(None, None)?, 0);
/// # Ok::<(), memlith::Error>(())
/// ```
#[must_use = "a transaction that is dropped changes nothing"]
pub struct Transaction<'a>(pub(crate) WriteTx<'a>);

impl Transaction<'_> {
    /// Makes all of it visible and durable. Returns its place in the log, if it wrote anything.
    ///
    /// # Errors
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) if it failed at a point where it may
    /// be durable.
    pub fn commit(self) -> Result<Option<Seq>> {
        Ok(self.0.commit(())?.seq)
    }

    /// Drops all of it.
    pub fn rollback(self) {}
}

impl<'a> Deref for Transaction<'a> {
    type Target = WriteTx<'a>;

    fn deref(&self) -> &WriteTx<'a> {
        &self.0
    }
}

impl<'a> DerefMut for Transaction<'a> {
    fn deref_mut(&mut self) -> &mut WriteTx<'a> {
        &mut self.0
    }
}
