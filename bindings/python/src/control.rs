//! What one thread does to the work of others: cancelling calls, holding up background work.

use memlith::BackgroundPause;
use parking_lot::Mutex;
use pyo3::prelude::*;

/// What ends recalls of another thread, which raise `Cancelled`.
///
/// >>> import memlith
/// >>> db, stop = memlith.open_in_memory(), memlith.Cancellation()
/// >>> stop.cancel()
/// >>> db.recall("tea", cancellation=stop)
/// Traceback (most recent call last):
/// memlith._errors.Cancelled: the call was cancelled
#[pyclass(frozen, module = "memlith")]
pub(crate) struct Cancellation(pub(crate) memlith::Cancellation);

#[pymethods]
impl Cancellation {
    #[new]
    fn new() -> Self {
        Cancellation(memlith::Cancellation::new())
    }

    /// Ends all calls that have it, soon; and those that get it later at once.
    fn cancel(&self) {
        self.0.cancel();
    }

    /// Has it been used?
    #[getter]
    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// Background work that is held up, until this is closed.
///
/// >>> import memlith
/// >>> db = memlith.open_in_memory()
/// >>> with db.pause_background():
/// ...     db.stats()["background"]["paused"]
/// True
/// >>> db.stats()["background"]["paused"]
/// False
#[pyclass(frozen, module = "memlith")]
pub(crate) struct Pause(pub(crate) Mutex<Option<BackgroundPause>>);

#[pymethods]
impl Pause {
    /// Lets it go on. Nothing happens if it does.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.0.lock().take()));
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) {
        self.close(py);
    }
}
