//! An open file.

use crate::control::{Cancellation, Pause};
use crate::convert::{json_to, report, time_to};
use crate::error::{Failure, failure};
use crate::graph;
use crate::options::options;
use crate::progress::Progress;
use crate::snapshot::{AllHeld, Held, Snapshot};
use crate::transaction::{Transaction, write_options};
use memlith::{DEFAULT_SPACE, Db, Head, Seq, View};
use memlith_json::{LogReportJson, LogRowJson, SalvageJson, StatsJson, VerifyJson};
use parking_lot::{Mutex, RwLock};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// An open file. Usable from any thread; no call holds the interpreter while it works.
///
/// Got from `memlith.open`. Close it, or use it in a `with` statement.
#[pyclass(frozen, module = "memlith", weakref)]
pub(crate) struct Database(Arc<Shared>);

/// What transactions of a database know of it.
pub(crate) struct Shared {
    db: RwLock<Option<Db>>,
    /// How many transactions are open.
    pub(crate) transactions: AtomicUsize,
    held: AllHeld,
}

impl Shared {
    pub(crate) fn db(&self) -> PyResult<Db> {
        self.db.read().clone().ok_or_else(|| failure("closed", "the database is closed"))
    }
}

impl Drop for Shared {
    /// Without the lock of Python: a thread that ends may be inside an embedder, which waits for it.
    fn drop(&mut self) {
        let db = self.db.get_mut().take();
        Python::try_attach(|py| py.detach(|| drop(db)));
    }
}

impl Database {
    /// Reads the newest state without the lock of Python.
    pub(crate) fn read<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(View) -> memlith::Result<T> + Send,
    ) -> PyResult<T> {
        self.work(py, |db| work(db.read()?))
    }

    pub(crate) fn hold(&self, py: Python<'_>) -> PyResult<Held> {
        Ok(self.0.held.hold(self.read(py, Ok)?))
    }

    /// Works without the lock of Python.
    pub(crate) fn work<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Db) -> memlith::Result<T> + Send,
    ) -> PyResult<T> {
        let db = self.0.db()?;
        Ok(py.detach(|| work(&db)).map_err(Failure::from)?)
    }

    /// The same, and tells how far it is.
    fn long<T: Send>(
        &self,
        py: Python<'_>,
        progress: Option<Py<PyAny>>,
        work: impl FnOnce(&Db, &mut dyn FnMut(u64, u64)) -> memlith::Result<T> + Send,
    ) -> PyResult<T> {
        let mut progress = Progress::of(py, progress)?;
        let told = &mut progress;
        let done = self.work(py, |db| work(db, &mut |done, total| told.tell(done, total)))?;
        progress.finish()?;
        Ok(done)
    }
}

#[pyfunction]
#[pyo3(signature = (path = None, *, read_only = false, **asked))]
pub(crate) fn open(
    py: Python<'_>,
    path: Option<PathBuf>,
    read_only: bool,
    asked: Option<&Bound<'_, PyDict>>,
) -> PyResult<Database> {
    let options = options(asked)?;
    let opened = py.detach(|| match path {
        None => options.in_memory(),
        Some(path) if read_only => options.open_read_only(path),
        Some(path) => options.open(path),
    });
    let db = RwLock::new(Some(opened.map_err(Failure::from)?));
    Ok(Database(Arc::new(Shared {
        db,
        transactions: AtomicUsize::new(0),
        held: AllHeld::default(),
    })))
}

/// Gets out of a damaged file what it provably still holds, into a new one (docs/salvage.md): a dict that
/// says whether it is `complete`, and what was `lost`.
#[pyfunction]
#[pyo3(signature = (damaged, into, *, progress = None))]
pub(crate) fn salvage(
    py: Python<'_>,
    damaged: PathBuf,
    into: PathBuf,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'_, PyAny>> {
    let (started, mut progress) = (Instant::now(), Progress::of(py, progress)?);
    let told = &mut progress;
    let found = py
        .detach(|| memlith::salvage(&damaged, &into, &mut |_, done, total| told.tell(done, total)));
    progress.finish()?;
    let found = found.map_err(Failure::from)?;
    report(py, &SalvageJson::new(&found, started.elapsed().as_secs_f64()))
}

#[pymethods]
impl Database {
    /// The memories of one namespace: this database with the namespace said once.
    fn memories<'py>(this: &Bound<'py, Self>, namespace: &str) -> PyResult<Bound<'py, PyAny>> {
        let module = this.py().import("memlith._memories")?;
        module.call_method1("Memories", (this, namespace))
    }

    /// The graph of a namespace, as it is now. Questions to it and its analyses end once `cancellation` is cancelled.
    #[pyo3(signature = (namespace = None, *, cancellation = None))]
    fn graph<'py>(
        this: &Bound<'py, Self>,
        namespace: Option<&str>,
        cancellation: Option<&Bound<'py, Cancellation>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        graph::graph("Graph", this, namespace, cancellation)
    }

    /// For `memlith.graph`: changes it.
    fn _graph_change<'py>(
        &self,
        py: Python<'py>,
        namespace: &str,
        change: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let change = graph::change_of(change)?;
        let done = self.work(py, |db| db.write(|tx| change.apply(&mut tx.graph(namespace))))?;
        json_to(py, &done)
    }

    /// One instant of the file, for reads that must agree with each other.
    fn snapshot(&self, py: Python<'_>) -> PyResult<Snapshot> {
        Ok(Snapshot::new(self.hold(py)?))
    }

    /// Begins a transaction.
    #[pyo3(signature = (*, actor = None, reason = None, idempotency_key = None, durability = None))]
    fn write(
        &self,
        py: Python<'_>,
        actor: Option<&str>,
        reason: Option<&str>,
        idempotency_key: Option<&str>,
        durability: Option<&str>,
    ) -> PyResult<Transaction> {
        let options = write_options(actor, reason, idempotency_key, durability)?;
        let of = self.0.clone();
        py.detach(|| Transaction::begin(of, options))
    }

    /// Begins to change the embedder of a space to one of this handle's: see docs/python.md.
    #[pyo3(signature = (dimension, *, embedder, space = None, **options))]
    fn reembed(
        &self,
        py: Python<'_>,
        dimension: usize,
        embedder: &str,
        space: Option<&str>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let name = space.unwrap_or(DEFAULT_SPACE);
        let successor = crate::request::space(name, dimension, options)?.embedder(embedder);
        self.work(py, |db| db.reembed(&successor))
    }

    /// Does what is left of that on this thread, now.
    #[pyo3(signature = (space = None, *, progress = None))]
    fn finish_reembedding(
        &self,
        py: Python<'_>,
        space: Option<&str>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let space = space.unwrap_or(DEFAULT_SPACE);
        self.long(py, progress, |db, tell| db.finish_reembedding(space, tell))
    }

    /// Gives the change up. False if there was none.
    #[pyo3(signature = (space = None))]
    fn cancel_reembedding(&self, py: Python<'_>, space: Option<&str>) -> PyResult<bool> {
        let space = space.unwrap_or(DEFAULT_SPACE);
        self.work(py, |db| db.cancel_reembedding(space))
    }

    /// Rows of the log, from the commit `start` on: a list of dicts. The log never holds content.
    #[pyo3(signature = (start = 1, limit = 100))]
    fn log<'py>(&self, py: Python<'py>, start: u64, limit: usize) -> PyResult<Bound<'py, PyAny>> {
        let rows = self.work(py, |db| db.log(Seq(start), limit))?;
        report(py, &rows.iter().map(LogRowJson::new).collect::<Vec<_>>())
    }

    /// The end of the log, as far as it survives power loss: a line of JSON. Kept elsewhere, it proves later
    /// that nothing before it was rewritten.
    fn head(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.work(py, Db::head)?.to_string())
    }

    /// Checks the chain of the log; with a head of earlier, also that it passes through it.
    #[pyo3(signature = (head = None))]
    fn verify_log<'py>(&self, py: Python<'py>, head: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
        let head: Option<Head> =
            head.map(|text| text.trim().parse()).transpose().map_err(Failure::from)?;
        report(py, &LogReportJson::new(&self.work(py, |db| db.verify_log(head.as_ref()))?))
    }

    /// What became of the transaction with this idempotency key: `(seq, time)`, or None.
    fn outcome<'py>(
        &self,
        py: Python<'py>,
        idempotency_key: &str,
    ) -> PyResult<Option<(u64, Bound<'py, PyAny>)>> {
        let outcome = self.work(py, |db| db.outcome(idempotency_key))?;
        outcome.map(|found| Ok((found.seq.0, time_to(py, found.time_ms)?))).transpose()
    }

    /// The figures of the file and of this handle: a dict.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        report(py, &StatsJson::new(&self.work(py, Db::stats)?))
    }

    /// Checks every checksum, the log, every index against the rows: a dict with `clean` and `problems`.
    #[pyo3(signature = (*, progress = None))]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let started = Instant::now();
        let found = self.long(py, progress, |db, tell| {
            let mut parts = 0;
            db.verify(&mut |_| {
                tell(parts, 0);
                parts += 1;
            })
        })?;
        report(py, &VerifyJson::new(&found, started.elapsed().as_secs_f64()))
    }

    /// Makes every relaxed commit durable.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        self.work(py, Db::flush)
    }

    /// Writes the images of all indexes, so that the next opening has nothing to fold.
    fn checkpoint(&self, py: Python<'_>) -> PyResult<()> {
        self.work(py, Db::checkpoint)
    }

    /// Links all vectors into the graphs of their spaces.
    #[pyo3(signature = (*, progress = None))]
    fn link(&self, py: Python<'_>, progress: Option<Py<PyAny>>) -> PyResult<()> {
        self.long(py, progress, |db, tell| db.link(tell))
    }

    /// Gives every byte of the file back that can be: the length before and after.
    #[pyo3(signature = (*, progress = None))]
    fn compact(&self, py: Python<'_>, progress: Option<Py<PyAny>>) -> PyResult<(u64, u64)> {
        let compacted = self.long(py, progress, |db, tell| db.compact(tell))?;
        Ok((compacted.before_bytes, compacted.after_bytes))
    }

    /// Deletes every derived index, and makes it anew from the rows.
    #[pyo3(signature = (*, progress = None))]
    fn rebuild(&self, py: Python<'_>, progress: Option<Py<PyAny>>) -> PyResult<()> {
        self.long(py, progress, |db, tell| db.rebuild(tell))
    }

    /// Reads and verifies the images of all indexes, or of one vector space, before the first search has to.
    #[pyo3(signature = (*, space = None, progress = None))]
    fn warm(
        &self,
        py: Python<'_>,
        space: Option<&str>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        self.long(py, progress, |db, tell| match space {
            Some(space) => db.warm_space(space, tell),
            None => db.warm(tell),
        })
    }

    /// Holds up background work, best in a `with` statement. What keeps a promise (making relaxed commits
    /// durable) goes on.
    fn pause_background(&self) -> PyResult<Pause> {
        Ok(Pause(Mutex::new(Some(self.0.db()?.pause_background()))))
    }

    /// The newest commit that survives power loss.
    #[getter]
    fn durable_seq(&self) -> PyResult<u64> {
        Ok(self.0.db()?.durable_seq().0)
    }

    /// Is it closed?
    #[getter]
    fn closed(&self) -> bool {
        self.0.db.read().is_none()
    }

    /// Ends background work, makes everything durable, and gives up the snapshots that are held. Nothing
    /// happens if it is closed.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.0.transactions.load(Ordering::Acquire) > 0 {
            let message = "a transaction is open: commit it or roll it back first";
            return Err(failure("open_transactions", message));
        }
        let Some(db) = self.0.db.write().take() else { return Ok(()) };
        self.0.held.release();
        Ok(py.detach(|| db.close()).map_err(Failure::from)?)
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close(py)
    }

    #[expect(clippy::unused_self, reason = "pickle calls it on an object")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a database is of one process: open its path in the other"))
    }
}
