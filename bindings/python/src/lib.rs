//! The native half of the Python package `memlith`.
//!
//! **Invariant:** no lock of Python's is held while the engine works, and the engine's threads take it only
//! inside an embedder. What has a default, a name or a docstring of its own stands in
//! `python/memlith`; what a call costs stands here.
#![expect(clippy::needless_pass_by_value, reason = "arguments come from Python as values")]

mod control;
mod convert;
mod database;
mod embedder;
mod error;
mod fields;
mod graph;
mod iterator;
mod options;
mod progress;
mod reads;
mod records;
mod request;
mod snapshot;
mod tokens;
mod transaction;
mod vectors;
mod writes;

use pyo3::prelude::*;

/// Makes the module `memlith._native`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<database::Database>()?;
    module.add_class::<snapshot::Snapshot>()?;
    module.add_class::<transaction::Transaction>()?;
    module.add_class::<iterator::MemoryIterator>()?;
    module.add_class::<control::Cancellation>()?;
    module.add_class::<control::Pause>()?;
    module.add_class::<records::Memory>()?;
    module.add_class::<records::Hit>()?;
    module.add_class::<records::Answer>()?;
    module.add_class::<records::Context>()?;
    module.add_function(pyo3::wrap_pyfunction!(database::open, module)?)?;
    module.add_function(pyo3::wrap_pyfunction!(database::salvage, module)?)
}
