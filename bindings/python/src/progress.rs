//! Progress of long calls: a callable of Python.

use pyo3::prelude::*;

/// Who is told, and what went wrong when it was.
pub(crate) struct Progress {
    call: Option<Py<PyAny>>,
    failed: Option<PyErr>,
}

impl Progress {
    /// A callable; True is a bar on the terminal, False and None are nobody.
    pub(crate) fn of(py: Python<'_>, asked: Option<Py<PyAny>>) -> PyResult<Self> {
        let call = match asked {
            Some(asked) => match asked.extract::<bool>(py) {
                Ok(true) => Some(py.import("memlith._progress")?.call_method0("bar")?.unbind()),
                Ok(false) => None,
                Err(_) => Some(asked),
            },
            None => None,
        };
        Ok(Progress { call, failed: None })
    }

    /// Tells it; after it failed, or during a pending Ctrl-C, nothing more is told.
    pub(crate) fn tell(&mut self, done: u64, total: u64) {
        let Some(call) = self.call.as_ref().filter(|_| self.failed.is_none()) else { return };
        let told = Python::try_attach(|py| {
            py.check_signals().and_then(|()| call.bind(py).call1((done, total)).map(drop))
        });
        self.failed = told.and_then(Result::err);
    }

    /// Did it fail?
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// The error of the callable, if it had one.
    pub(crate) fn finish(self) -> PyResult<()> {
        self.failed.map_or(Ok(()), Err)
    }
}
