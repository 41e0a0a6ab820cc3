//! Snapshots: one instant of the file.

use crate::control::Cancellation;
use crate::convert::time_to;
use crate::error::{Failure, failure};
use crate::graph;
use memlith::View;
use parking_lot::{Mutex, RwLock};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use std::sync::{Arc, Weak};

/// One instant of the file: what is read from it agrees, whatever is written meanwhile. Use it in a `with`
/// statement, or `close` it: held for long it keeps space in the file from being used again.
///
/// >>> import memlith
/// >>> db = memlith.open_in_memory()
/// >>> id = db.remember("before")
/// >>> with db.snapshot() as then:
/// ...     _ = db.update(id, content="after")
/// ...     then.get(id).content, db.get(id).content
/// ('before', 'after')
#[pyclass(frozen, module = "memlith", weakref)]
pub(crate) struct Snapshot(Held);

/// A View that is given up with its database, if not before: it would keep the file from being opened.
#[derive(Clone)]
pub(crate) struct Held(Arc<RwLock<Option<View>>>);

impl Held {
    pub(crate) fn view(&self) -> PyResult<View> {
        self.0.read().clone().ok_or_else(|| failure("closed", "the snapshot is closed"))
    }

    fn release(&self) {
        drop(self.0.write().take());
    }
}

/// The Views of a database that somebody may hold.
#[derive(Default)]
pub(crate) struct AllHeld(Mutex<Vec<Weak<RwLock<Option<View>>>>>);

impl AllHeld {
    pub(crate) fn hold(&self, view: View) -> Held {
        let held = Arc::new(RwLock::new(Some(view)));
        let mut all = self.0.lock();
        // Those that are gone are cleared away when room runs out: at no more cost than they had.
        if all.len() == all.capacity() {
            all.retain(|held| held.strong_count() > 0);
        }
        all.push(Arc::downgrade(&held));
        Held(held)
    }

    pub(crate) fn release(&self) {
        self.0
            .lock()
            .drain(..)
            .filter_map(|held| held.upgrade())
            .for_each(|held| Held(held).release());
    }
}

impl Snapshot {
    pub(crate) fn new(held: Held) -> Self {
        Snapshot(held)
    }

    fn view(&self) -> PyResult<View> {
        self.0.view()
    }

    pub(crate) fn hold(&self, _: Python<'_>) -> PyResult<Held> {
        self.view()?;
        Ok(self.0.clone())
    }

    /// Reads without the lock of Python.
    pub(crate) fn read<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(View) -> memlith::Result<T> + Send,
    ) -> PyResult<T> {
        let view = self.view()?;
        Ok(py.detach(|| work(view)).map_err(Failure::from)?)
    }
}

#[pymethods]
impl Snapshot {
    /// The graph of a namespace, as it was then. Questions to it and its analyses end once `cancellation` is cancelled.
    #[pyo3(signature = (namespace = None, *, cancellation = None))]
    fn graph<'py>(
        this: &Bound<'py, Self>,
        namespace: Option<&str>,
        cancellation: Option<&Bound<'py, Cancellation>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        graph::graph("GraphSnapshot", this, namespace, cancellation)
    }

    /// The commit that it shows.
    #[getter]
    fn seq(&self) -> PyResult<u64> {
        Ok(self.view()?.seq().0)
    }

    /// When that commit was made, or None if there was none yet.
    #[getter]
    fn time<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.view()?.time_ms().map(|ms| time_to(py, ms)).transpose()
    }

    /// Gives it up, and with it the listings that are under way over it.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.release());
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) {
        self.close(py);
    }

    #[expect(clippy::unused_self, reason = "pickle calls it on an object")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a snapshot is of one process: pickle what was read from it"))
    }
}
