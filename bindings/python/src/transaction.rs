//! Transactions: any number of changes at once, or none.

use crate::database::Shared;
use crate::error::{Failure, failure};
use crate::fields::{many, new_memory, patch};
use crate::options::durability_of;
use crate::records::Memory;
use crate::request::{filter_of, space};
use memlith::{DEFAULT_NAMESPACE, Db, MemoryId, Upsert, WriteOptions, WriteTx};
use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, ThreadId};

type Running<'a> = Option<memlith::Transaction<'a>>;

self_cell::self_cell!(
    /// A transaction beside the database that it is of.
    struct Owned {
        owner: Db,

        #[not_covariant]
        dependent: Running,
    }
);

/// A write transaction: everything in it becomes visible and durable at once, or not at all.
///
/// Got from `Database.write()`, and best used in a `with` statement, which commits it, or rolls it back if
/// something is raised. It belongs to the thread that began it.
///
/// >>> import memlith
/// >>> db = memlith.open_in_memory()
/// >>> with db.write(actor="planner") as tx:
/// ...     first = tx.remember("The meeting is at nine")
/// ...     second = tx.supersede(first, "The meeting is at ten")
/// >>> db.log()[0]["actor"]
/// 'planner'
#[pyclass(frozen, module = "memlith", weakref)]
pub(crate) struct Transaction {
    thread: ThreadId,
    running: Mutex<Option<(Owned, Counted)>>,
}

/// Counts as an open transaction of its database until it is dropped.
struct Counted(Arc<Shared>);

impl Counted {
    fn new(of: Arc<Shared>) -> Self {
        of.transactions.fetch_add(1, Ordering::AcqRel);
        Counted(of)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.transactions.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Transaction {
    pub(crate) fn begin(of: Arc<Shared>, options: WriteOptions) -> PyResult<Self> {
        let db = of.db()?;
        let counted = Counted::new(of);
        let running = Owned::try_new(db, |db| db.begin(options).map(Some));
        let running = Mutex::new(Some((running.map_err(Failure::from)?, counted)));
        Ok(Transaction { thread: thread::current().id(), running })
    }

    fn work<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut WriteTx<'_>) -> memlith::Result<T> + Send,
    ) -> PyResult<T> {
        self.check_thread()?;
        let done = py.detach(|| {
            let mut running = self.running.lock();
            let (running, _) = running.as_mut()?;
            running.with_dependent_mut(|_, tx| tx.as_mut().map(|tx| work(tx)))
        });
        match done {
            Some(done) => Ok(done.map_err(Failure::from)?),
            None => Err(failure("closed", "the transaction has ended")),
        }
    }

    fn check_thread(&self) -> PyResult<()> {
        if thread::current().id() == self.thread {
            return Ok(());
        }
        Err(failure("wrong_thread", "the transaction belongs to the thread that began it"))
    }
}

#[pymethods]
impl Transaction {
    /// Remembers something new, and returns its number.
    #[pyo3(signature = (content, **fields))]
    fn remember(
        &self,
        py: Python<'_>,
        content: String,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let new = new_memory(content, fields)?;
        Ok(self.work(py, |tx| tx.remember(new))?.0)
    }

    /// Remembers many things, and returns their numbers.
    #[pyo3(signature = (contents, vectors = None, *, space = None, columns = None, **fields))]
    fn remember_many(
        &self,
        py: Python<'_>,
        contents: Vec<String>,
        vectors: Option<&Bound<'_, PyAny>>,
        space: Option<&str>,
        columns: Option<&Bound<'_, PyDict>>,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Vec<u64>> {
        let new = many(contents, vectors, space, columns, fields)?;
        let ids = self.work(py, |tx| tx.remember_batch(new))?;
        Ok(ids.into_iter().map(|id| id.0).collect())
    }

    /// Remembers something under its external id: `(id, did)`, where `did` is `created`, `updated` or
    /// `unchanged`.
    #[pyo3(signature = (content, **fields))]
    fn upsert(
        &self,
        py: Python<'_>,
        content: String,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<(u64, &'static str)> {
        let new = new_memory(content, fields)?;
        self.work(py, |tx| tx.upsert(new)).map(upserted)
    }

    /// Changes parts of a memory. False if there is none.
    #[pyo3(signature = (id, **changes))]
    fn update(
        &self,
        py: Python<'_>,
        id: u64,
        changes: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<bool> {
        let patch = patch(changes)?;
        self.work(py, |tx| tx.update(MemoryId(id), &patch))
    }

    /// Changes parts of every memory that a filter matches. Returns how many match.
    #[pyo3(signature = (filter, *, namespace = None, **changes))]
    fn update_where(
        &self,
        py: Python<'_>,
        filter: &str,
        namespace: Option<&str>,
        changes: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let (filter, patch) = (filter_of(filter)?, patch(changes)?);
        self.work(py, |tx| tx.update_many(namespace, &filter, &patch))
    }

    /// Remembers something that replaces the memory `old`, and returns its number.
    #[pyo3(signature = (old, content, **fields))]
    fn supersede(
        &self,
        py: Python<'_>,
        old: u64,
        content: String,
        fields: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let new = new_memory(content, fields)?;
        Ok(self.work(py, |tx| tx.supersede(MemoryId(old), new))?.0)
    }

    /// Forgets a memory. False if there was none.
    fn forget(&self, py: Python<'_>, id: u64) -> PyResult<bool> {
        self.work(py, |tx| tx.forget(MemoryId(id)))
    }

    /// Forgets every memory that a filter matches. Returns how many.
    #[pyo3(signature = (filter, *, namespace = None))]
    fn forget_where(&self, py: Python<'_>, filter: &str, namespace: Option<&str>) -> PyResult<u64> {
        let filter = filter_of(filter)?;
        self.work(py, |tx| tx.forget_where(namespace, &filter))
    }

    /// A memory as this transaction sees it, or None.
    fn get(&self, py: Python<'_>, id: u64) -> PyResult<Option<Memory>> {
        Ok(self.work(py, |tx| tx.get(MemoryId(id)))?.map(Memory::from))
    }

    /// The memory under an external id as this transaction sees it, or None.
    #[pyo3(signature = (external_id, *, namespace = None))]
    fn get_external(
        &self,
        py: Python<'_>,
        external_id: &str,
        namespace: Option<&str>,
    ) -> PyResult<Option<Memory>> {
        let namespace = namespace.unwrap_or(DEFAULT_NAMESPACE);
        Ok(self.work(py, |tx| tx.get_external(namespace, external_id))?.map(Memory::from))
    }

    /// Creates a vector space.
    #[pyo3(signature = (name, dimension, **options))]
    fn create_space(
        &self,
        py: Python<'_>,
        name: &str,
        dimension: usize,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let space = space(name, dimension, options)?;
        self.work(py, |tx| tx.create_space(&space))
    }

    /// Drops a vector space with all its vectors.
    fn drop_space(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        self.work(py, |tx| tx.drop_space(name))
    }

    /// Declares an index over a metadata path such as `author.name`, for filters on it.
    fn index_metadata(&self, py: Python<'_>, path: &str) -> PyResult<()> {
        self.work(py, |tx| tx.index_metadata(path))
    }

    /// Drops the index over a metadata path.
    fn drop_metadata_index(&self, py: Python<'_>, path: &str) -> PyResult<()> {
        self.work(py, |tx| tx.drop_metadata_index(path))
    }

    /// Makes all of it visible and durable. Returns its place in the log; None if it wrote nothing.
    fn commit(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        self.check_thread()?;
        let committed = py.detach(|| {
            let (mut running, _counted) = self.running.lock().take()?;
            running.with_dependent_mut(|_, tx| tx.take().map(memlith::Transaction::commit))
        });
        let committed = committed.ok_or_else(|| failure("closed", "the transaction has ended"))?;
        Ok(committed.map_err(Failure::from)?.map(|seq| seq.0))
    }

    /// Drops all of it. Any thread may; nothing happens if it has ended.
    fn rollback(&self, py: Python<'_>) {
        py.detach(|| drop(self.running.lock().take()));
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        exception: &Bound<'_, PyAny>,
        _value: &Bound<'_, PyAny>,
        _trace: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        // An embedder of another thread may want the interpreter before it lets the lock go.
        let has_ended = py.detach(|| self.running.lock().is_none());
        if !exception.is_none() || has_ended {
            self.rollback(py);
            return Ok(());
        }
        self.commit(py).map(drop)
    }

    #[expect(clippy::unused_self, reason = "pickle calls it on an object")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a transaction is of one thread"))
    }
}

/// What an upsert did.
pub(crate) fn upserted(upsert: Upsert) -> (u64, &'static str) {
    let did = match upsert {
        Upsert::Created(_) => "created",
        Upsert::Updated(_) => "updated",
        Upsert::Unchanged(_) => "unchanged",
    };
    (upsert.id().0, did)
}

/// What is said about a transaction.
pub(crate) fn write_options(
    actor: Option<&str>,
    reason: Option<&str>,
    idempotency_key: Option<&str>,
    durability: Option<&str>,
) -> PyResult<WriteOptions> {
    let mut options =
        WriteOptions::new().actor(actor.unwrap_or_default()).reason(reason.unwrap_or_default());
    if let Some(key) = idempotency_key {
        options = options.idempotency_key(key);
    }
    if let Some(durability) = durability {
        options = options.durability(durability_of(durability)?);
    }
    Ok(options)
}
