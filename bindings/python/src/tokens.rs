//! Counting tokens by a callable of Python.
//!
//! **Invariant:** once it has raised something it is not called again, nothing fits a budget any more, and what it
//! raised comes out of the call.

use memlith::TokenCounter;
use parking_lot::Mutex;
use pyo3::prelude::*;
use std::sync::Arc;

/// What a counter raised, if there is one and it did.
#[derive(Default)]
pub(crate) struct Raised(Option<Arc<Mutex<Option<PyErr>>>>);

impl Raised {
    /// A counter that calls this, and where to look for what it raised.
    pub(crate) fn by(count: Bound<'_, PyAny>) -> (TokenCounter, Self) {
        let (count, place) = (count.unbind(), Arc::new(Mutex::new(None)));
        let raised = Arc::clone(&place);
        let counter = TokenCounter::new(move |text| {
            if raised.lock().is_some() {
                return usize::MAX;
            }
            let call = |py: Python<'_>| count.bind(py).call1((text,))?.extract();
            match Python::try_attach(call) {
                Some(Ok(tokens)) => tokens,
                Some(Err(error)) => {
                    *raised.lock() = Some(error);
                    usize::MAX
                }
                None => usize::MAX,
            }
        });
        (counter, Raised(Some(place)))
    }

    /// What was done, unless the counter has raised something.
    pub(crate) fn or<T>(self, done: PyResult<T>) -> PyResult<T> {
        match self.0.and_then(|place| place.lock().take()) {
            Some(error) => Err(error),
            None => done,
        }
    }
}
