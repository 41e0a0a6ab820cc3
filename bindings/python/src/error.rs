//! Errors of the engine as exceptions of `memlith._errors`.

use memlith_json::kind_name;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// A failure on its way to Python.
pub(crate) struct Failure(PyErr);

impl From<memlith::Error> for Failure {
    fn from(error: memlith::Error) -> Self {
        let kind = kind_name(error.kind());
        let column = error.filter().map(memlith::filter::FilterError::column);
        Failure(raised(&kind, &error.to_string(), error.holder_pid(), column))
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Failure(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

/// An exception that only this door knows.
pub(crate) fn failure(kind: &str, message: &str) -> PyErr {
    raised(kind, message, None, None)
}

/// What breaks a rule.
pub(crate) fn invalid(message: impl AsRef<str>) -> PyErr {
    failure("invalid_input", message.as_ref())
}

fn raised(kind: &str, message: &str, pid: Option<u32>, column: Option<usize>) -> PyErr {
    let exception = |py: Python<'_>| {
        let module = py.import("memlith._errors")?;
        let error = module.call_method1("_of", (kind, message, pid, column))?;
        Ok::<_, PyErr>(PyErr::from_value(error))
    };
    match Python::try_attach(exception) {
        Some(made) => made.unwrap_or_else(|error| error),
        None => PyRuntimeError::new_err(message.to_owned()),
    }
}
