//! Transactions: any number of changes at once, or none.

use crate::convert::{json_of, json_to};
use crate::database::Shared;
use crate::error::{Failure, failure, invalid};
use crate::graph;
use crate::options::durability_of;
use crate::records::Memory;
use memlith::{
    DEFAULT_NAMESPACE, Db, Language, MemoryId, TextSettings, Upsert, WriteOptions, WriteTx,
};
use parking_lot::Mutex;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use std::collections::BTreeMap;
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

    pub(crate) fn work<T: Send>(
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
    /// The graph of a namespace, to be changed in this transaction.
    #[pyo3(signature = (namespace = None))]
    fn graph<'py>(this: &Bound<'py, Self>, namespace: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
        graph::graph("GraphTransaction", this, namespace, None)
    }

    /// For `memlith.graph`: changes it.
    fn _graph_change<'py>(
        &self,
        py: Python<'py>,
        namespace: &str,
        change: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let change = graph::change_of(change)?;
        json_to(py, &self.work(py, |tx| change.apply(&mut tx.graph(namespace)))?)
    }

    /// For `memlith.graph`: a node or an edge.
    fn _graph_ask<'py>(
        &self,
        py: Python<'py>,
        namespace: &str,
        question: &str,
        request: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let request = json_of(request)?;
        let answer =
            self.work(py, |tx| Ok(graph::answer_tx(&mut tx.graph(namespace), question, request)))?;
        json_to(py, &answer?)
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

    /// Sets what of memories is found by its words beside the content, and in which language words are brought
    /// to their stems: a name such as `german`, or None; under `namespaces` the languages of those that have one
    /// of their own. Tags, and texts at paths of metadata, count so many times. The index of words is made anew.
    #[pyo3(
        signature = (*, language = Some("english"), namespaces = None, tags = 0, metadata = None),
        text_signature = "($self, *, language='english', namespaces=None, tags=0, metadata=None)"
    )]
    fn set_text(
        &self,
        py: Python<'_>,
        language: Option<&str>,
        namespaces: Option<BTreeMap<String, Option<String>>>,
        tags: u8,
        metadata: Option<BTreeMap<String, u8>>,
    ) -> PyResult<()> {
        let unknown = |name| invalid(format!("language: none is called {name}"));
        let known = |name: &str| Language::from_name(name).ok_or_else(|| unknown(name.to_owned()));
        let mut settings = TextSettings::new().tags(tags);
        settings.language = language.map(known).transpose()?;
        for (namespace, language) in namespaces.unwrap_or_default() {
            let language = language.as_deref().map(known).transpose()?;
            settings.namespaces.insert(namespace, language);
        }
        settings.metadata = metadata.unwrap_or_default();
        self.work(py, |tx| tx.set_text(&settings))
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
