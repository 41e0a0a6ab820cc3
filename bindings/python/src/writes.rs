//! What a transaction and a database have in common: everything that changes memories.
//!
//! **Invariant:** a type that writes has `work`, which hands on what has the engine's calls of these names,
//! without the lock of Python.

use crate::database::Database;
use crate::fields::{many, new_memory, patch};
use crate::request::{filter_of, space};
use crate::transaction::{Transaction, upserted};
use memlith::MemoryId;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Gives a class the methods that write.
macro_rules! writes {
    ($class:ident) => {
        #[pymethods]
        impl $class {
            /// Remembers something new, and returns its number.
            #[pyo3(signature = (content, **fields))]
            fn remember(
                &self,
                py: Python<'_>,
                content: String,
                fields: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<u64> {
                let new = new_memory(content, fields)?;
                Ok(self.work(py, |to| to.remember(new))?.0)
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
                let ids = self.work(py, |to| to.remember_batch(new))?;
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
                self.work(py, |to| to.upsert(new)).map(upserted)
            }

            /// The same for many, all or none: a list of `(id, did)`.
            #[pyo3(signature = (contents, vectors = None, *, space = None, columns = None, **fields))]
            fn upsert_many(
                &self,
                py: Python<'_>,
                contents: Vec<String>,
                vectors: Option<&Bound<'_, PyAny>>,
                space: Option<&str>,
                columns: Option<&Bound<'_, PyDict>>,
                fields: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<Vec<(u64, &'static str)>> {
                let new = many(contents, vectors, space, columns, fields)?;
                let done = self.work(py, |to| to.upsert_batch(new))?;
                Ok(done.into_iter().map(upserted).collect())
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
                self.work(py, |to| to.update(MemoryId(id), &patch))
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
                self.work(py, |to| to.update_many(namespace, &filter, &patch))
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
                Ok(self.work(py, |to| to.supersede(MemoryId(old), new))?.0)
            }

            /// Forgets a memory. False if there was none.
            fn forget(&self, py: Python<'_>, id: u64) -> PyResult<bool> {
                self.work(py, |to| to.forget(MemoryId(id)))
            }

            /// Forgets every memory that a filter matches. Returns how many.
            #[pyo3(signature = (filter, *, namespace = None))]
            fn forget_where(&self, py: Python<'_>, filter: &str, namespace: Option<&str>) -> PyResult<u64> {
                let filter = filter_of(filter)?;
                self.work(py, |to| to.forget_where(namespace, &filter))
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
                self.work(py, |to| to.create_space(&space))
            }
        }
    };
}

writes!(Database);
writes!(Transaction);
