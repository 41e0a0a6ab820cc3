//! What a snapshot and a database have in common: everything that reads one instant.
//!
//! **Invariant:** a type that reads has `read`, which works over a View without the lock of Python, and
//! `hold`, a View that is given up with the database.

use crate::control::Cancellation;
use crate::convert::report;
use crate::database::Database;
use crate::fields::new_memory;
use crate::graph;
use crate::iterator::MemoryIterator;
use crate::records::{Answer, Context, Memory};
use crate::request::{context, effort_of, filter_of, likeness_of, list, nearest, recall};
use crate::snapshot::Snapshot;
use crate::vectors::{floats_to, ids_to};
use memlith::{DEFAULT_NAMESPACE, DEFAULT_SPACE, MAX_LIMIT, MemoryId};
use memlith_json::{NamespaceJson, SpaceJson};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Gives a class the methods that read.
macro_rules! reads {
    ($class:ident) => {
        #[pymethods]
        impl $class {
            /// A memory by its number, or None. Counts as an access.
            fn get(&self, py: Python<'_>, id: u64) -> PyResult<Option<Memory>> {
                Ok(self.read(py, |view| view.get(MemoryId(id)))?.map(Memory::from))
            }

            /// Memories by their numbers, None in the place of those that are not there.
            fn get_many(&self, py: Python<'_>, ids: Vec<u64>) -> PyResult<Vec<Option<Memory>>> {
                let ids: Vec<MemoryId> = ids.into_iter().map(MemoryId).collect();
                let found = self.read(py, |view| view.get_many(&ids))?;
                Ok(found.into_iter().map(|memory| memory.map(Memory::from)).collect())
            }

            /// The memory under an external id, or None.
            #[pyo3(signature = (external_id, *, namespace = None))]
            fn get_external(
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
                let (request, raised) = recall(text, options)?;
                let recalled = raised.or(self.read(py, |view| view.recall(&request)))?;
                Answer::new(py, recalled)
            }

            /// What an agent puts into its next prompt: the last turns of a session, what is like what was just said,
            /// and what else was said in the channel, within one budget of tokens.
            #[pyo3(signature = (session = None, text = None, **options))]
            fn context(
                &self,
                py: Python<'_>,
                session: Option<String>,
                text: Option<String>,
                options: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<Context> {
                let (request, raised) = context(session, text, options)?;
                let gathered = raised.or(self.read(py, |view| view.context(&request)))?;
                Context::new(py, gathered)
            }

            /// What a memory that is yet to be remembered would repeat, the most alike first: its number, the part
            /// of the words that it has in common, and the cosine of the vectors. `alike` says from where on it
            /// counts, and the rest is as in `remember`. Nothing is remembered.
            #[pyo3(signature = (content, *, alike = None, **fields))]
            fn resembling(
                &self,
                py: Python<'_>,
                content: String,
                alike: Option<&Bound<'_, PyAny>>,
                fields: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<Vec<(u64, f32, Option<f32>)>> {
                let new = new_memory(content, fields)?;
                let alike = alike.map(likeness_of).transpose()?.flatten().unwrap_or_default();
                let found = self.read(py, |view| view.resembling(&new, alike))?;
                Ok(found.into_iter().map(|r| (r.id.0, r.words, r.vector)).collect())
            }

            /// The memories whose vectors are nearest to each of several: two arrays with a row for each of them,
            /// the numbers of the memories, and the scores. Places that nothing is left for have 0 and nan.
            #[pyo3(signature = (vectors, **options))]
            fn nearest<'py>(
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

            /// How good a search is in a space: of the ten nearest of `samples` of its own vectors, the share
            /// that a search of this effort finds, 0 to 1.
            #[pyo3(signature = (*, space = None, effort = None, samples = 100))]
            fn check_recall(
                &self,
                py: Python<'_>,
                space: Option<&str>,
                effort: Option<&Bound<'_, PyAny>>,
                samples: usize,
            ) -> PyResult<f64> {
                let space = space.unwrap_or(DEFAULT_SPACE);
                let effort = effort.map(effort_of).transpose()?.unwrap_or_default();
                let check = self.read(py, |view| view.check_recall(space, effort, samples))?;
                Ok(check.recall)
            }

            /// The embedding of a memory in a space, as it was given: an array, or None.
            #[pyo3(signature = (id, *, space = None))]
            fn vector<'py>(
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
            fn vectors<'py>(
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
            fn list(
                &self,
                py: Python<'_>,
                options: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<MemoryIterator> {
                Ok(MemoryIterator::new(self.hold(py)?, list(options)?))
            }

            /// How many memories there are that a filter matches, in one namespace or in all.
            #[pyo3(signature = (*, namespace = None, filter = None))]
            fn count(
                &self,
                py: Python<'_>,
                namespace: Option<&str>,
                filter: Option<&str>,
            ) -> PyResult<u64> {
                let filter = filter.map(filter_of).transpose()?;
                self.read(py, |view| view.count(namespace, filter.as_ref()))
            }

            /// Names of the namespaces that have memories, sorted.
            fn namespaces(&self, py: Python<'_>) -> PyResult<Vec<String>> {
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
            fn namespace_stats<'py>(
                &self,
                py: Python<'py>,
                namespace: Option<&str>,
            ) -> PyResult<Bound<'py, PyAny>> {
                let namespace = namespace.unwrap_or(DEFAULT_NAMESPACE);
                let stats = self.read(py, |view| view.namespace_stats(namespace))?;
                report(py, &NamespaceJson::new(namespace, &stats))
            }

            /// All vector spaces with their figures: a list of dicts.
            fn spaces<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                let spaces = self.read(py, |view| Ok(view.spaces()))?;
                report(py, &spaces.iter().map(SpaceJson::new).collect::<Vec<_>>())
            }

            /// For `memlith.graph`: what stays as it is.
            fn _graph_instant(&self, py: Python<'_>) -> PyResult<Snapshot> {
                Ok(Snapshot::new(self.hold(py)?))
            }

            /// For `memlith.graph`: asks it.
            #[pyo3(signature = (namespace, question, request, cancellation = None))]
            fn _graph_ask<'py>(
                &self,
                py: Python<'py>,
                namespace: &str,
                question: &str,
                request: &Bound<'py, PyAny>,
                cancellation: Option<&Bound<'py, Cancellation>>,
            ) -> PyResult<Bound<'py, PyAny>> {
                let graph = graph::until(&self.read(py, Ok)?, namespace, cancellation);
                graph::answer(&graph, question, request)
            }

            /// For `memlith.graph`: analyses it.
            #[pyo3(signature = (namespace, request, progress = None, cancellation = None))]
            fn _graph_analyse<'py>(
                &self,
                py: Python<'py>,
                namespace: &str,
                request: &Bound<'py, PyAny>,
                progress: Option<Py<PyAny>>,
                cancellation: Option<&Bound<'py, Cancellation>>,
            ) -> PyResult<Bound<'py, PyAny>> {
                let graph = graph::until(&self.read(py, Ok)?, namespace, cancellation);
                graph::analysis(&graph, request, progress)
            }

            /// For `memlith.graph`: all of it as node-link JSON.
            fn _graph_export(&self, py: Python<'_>, namespace: &str) -> PyResult<String> {
                let view = self.read(py, Ok)?;
                py.detach(|| graph::document(&view, namespace))
            }

            /// For `memlith.graph`: kinds of edges of the file.
            fn _graph_edge_kinds(&self, py: Python<'_>) -> PyResult<Vec<String>> {
                let graph = self.read(py, |view| Ok(view.graph(DEFAULT_NAMESPACE)))?;
                Ok(graph.edge_kinds().iter().map(ToString::to_string).collect())
            }
        }
    };
}

reads!(Snapshot);
reads!(Database);
