//! Snapshots: one instant of the file.

use crate::convert::report;
use crate::error::{Failure, failure};
use crate::iterator::MemoryIterator;
use crate::records::{Answer, Context, Memory};
use crate::request::{context, filter_of, list, nearest, recall};
use crate::vectors::{floats_to, ids_to};
use memlith::{DEFAULT_NAMESPACE, DEFAULT_SPACE, MAX_LIMIT, MemoryId, View};
use memlith_json::{NamespaceJson, SpaceJson};
use parking_lot::{Mutex, RwLock};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
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

    /// Reads without the lock of Python.
    fn read<T: Send>(
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
    /// The commit that it shows.
    #[getter]
    fn seq(&self) -> PyResult<u64> {
        Ok(self.view()?.seq().0)
    }

    /// A memory by its number, or None. Counts as an access.
    fn get(&self, py: Python<'_>, id: u64) -> PyResult<Option<Memory>> {
        Ok(self.read(py, |view| view.get(MemoryId(id)))?.map(Memory::from))
    }

    /// Memories by their numbers, None in the place of those that are not there.
    pub(crate) fn get_many(&self, py: Python<'_>, ids: Vec<u64>) -> PyResult<Vec<Option<Memory>>> {
        let ids: Vec<MemoryId> = ids.into_iter().map(MemoryId).collect();
        let found = self.read(py, |view| view.get_many(&ids))?;
        Ok(found.into_iter().map(|memory| memory.map(Memory::from)).collect())
    }

    /// The memory under an external id, or None.
    #[pyo3(signature = (external_id, *, namespace = None))]
    pub(crate) fn get_external(
        &self,
        py: Python<'_>,
        external_id: &str,
        namespace: Option<&str>,
    ) -> PyResult<Option<Memory>> {
        let namespace = namespace.unwrap_or(DEFAULT_NAMESPACE);
        let found = self.read(py, |view| view.get_external(namespace, external_id))?;
        Ok(found.map(Memory::from))
    }

    /// Recalls memories by text, by vector, by both, or by a filter alone.
    #[pyo3(signature = (text = None, **options))]
    fn recall(
        &self,
        py: Python<'_>,
        text: Option<String>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Answer> {
        let request = recall(text, options)?;
        let recalled = self.read(py, |view| view.recall(&request))?;
        Answer::new(py, recalled)
    }

    /// What an agent puts into its next prompt: the last turns of a session, what is like what was just said,
    /// and what else was said in the channel, within one budget of tokens.
    #[pyo3(signature = (session = None, text = None, **options))]
    pub(crate) fn context(
        &self,
        py: Python<'_>,
        session: Option<String>,
        text: Option<String>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Context> {
        let request = context(session, text, options)?;
        let gathered = self.read(py, |view| view.context(&request))?;
        Context::new(py, gathered)
    }

    /// The memories whose vectors are nearest to each of several: two arrays with a row for each of them,
    /// the numbers of the memories, and the scores. Places that nothing is left for have 0 and nan.
    #[pyo3(signature = (vectors, **options))]
    pub(crate) fn nearest<'py>(
        &self,
        py: Python<'py>,
        vectors: &Bound<'py, PyAny>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let request = nearest(vectors, options)?;
        let found = self.read(py, |view| view.nearest(&request))?;
        let width = request.limit;
        let (mut ids, mut scores) =
            (vec![0; found.len() * width], vec![f32::NAN; found.len() * width]);
        for (row, neighbours) in found.iter().enumerate() {
            for (at, neighbour) in neighbours.iter().enumerate() {
                ids[row * width + at] = neighbour.id.0;
                scores[row * width + at] = neighbour.score;
            }
        }
        let shape = [found.len(), width];
        Ok((ids_to(py, &ids, &shape)?, floats_to(py, &scores, &shape)?))
    }

    /// The embedding of a memory in a space, as it was given: an array, or None.
    #[pyo3(signature = (id, *, space = None))]
    pub(crate) fn vector<'py>(
        &self,
        py: Python<'py>,
        id: u64,
        space: Option<&str>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let space = space.unwrap_or(DEFAULT_SPACE);
        let found = self.read(py, |view| view.vector(MemoryId(id), space))?;
        found.map(|vector| floats_to(py, &vector, &[vector.len()])).transpose()
    }

    /// The embeddings of several memories: an array with a row for each, of nan where there is none.
    #[pyo3(signature = (ids, *, space = None))]
    pub(crate) fn vectors<'py>(
        &self,
        py: Python<'py>,
        ids: Vec<u64>,
        space: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let space = space.unwrap_or(DEFAULT_SPACE);
        let (numbers, dimension) = self.read(py, |view| {
            let dimension =
                view.spaces().iter().find(|s| s.name == space).map_or(0, |s| s.dimension);
            let mut numbers = vec![f32::NAN; ids.len() * dimension];
            for (id, row) in ids.iter().zip(numbers.chunks_mut(dimension.max(1))) {
                if let Some(vector) = view.vector(MemoryId(*id), space)? {
                    row.copy_from_slice(&vector);
                }
            }
            Ok((numbers, dimension))
        })?;
        floats_to(py, &numbers, &[ids.len(), dimension])
    }

    /// Memories in order: an iterator that reads a page at a time.
    #[pyo3(signature = (**options))]
    pub(crate) fn list(&self, options: Option<&Bound<'_, PyDict>>) -> PyResult<MemoryIterator> {
        Ok(MemoryIterator::new(self.0.clone(), list(options)?))
    }

    /// How many memories there are that a filter matches, in one namespace or in all.
    #[pyo3(signature = (*, namespace = None, filter = None))]
    pub(crate) fn count(
        &self,
        py: Python<'_>,
        namespace: Option<&str>,
        filter: Option<&str>,
    ) -> PyResult<u64> {
        let filter = filter.map(filter_of).transpose()?;
        self.read(py, |view| view.count(namespace, filter.as_ref()))
    }

    /// Names of the namespaces that have memories, sorted.
    pub(crate) fn namespaces(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.read(py, |view| {
            let mut all: Vec<String> = Vec::new();
            loop {
                let page = view.namespaces(all.last().map(String::as_str), MAX_LIMIT)?;
                let is_last = page.len() < MAX_LIMIT;
                all.extend(page);
                if is_last {
                    return Ok(all);
                }
            }
        })
    }

    /// The figures of a namespace: a dict.
    #[pyo3(signature = (namespace = None))]
    pub(crate) fn namespace_stats<'py>(
        &self,
        py: Python<'py>,
        namespace: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let namespace = namespace.unwrap_or(DEFAULT_NAMESPACE);
        let stats = self.read(py, |view| view.namespace_stats(namespace))?;
        report(py, &NamespaceJson::new(namespace, &stats))
    }

    /// All vector spaces with their figures: a list of dicts.
    pub(crate) fn spaces<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let spaces = self.view()?.spaces();
        report(py, &spaces.iter().map(SpaceJson::new).collect::<Vec<_>>())
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
