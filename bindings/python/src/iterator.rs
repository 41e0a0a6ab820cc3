//! Memories in order, streamed a page at a time.

use crate::error::Failure;
use crate::records::Memory;
use crate::snapshot::Held;
use memlith::List;
use parking_lot::Mutex;
use pyo3::prelude::*;
use std::collections::VecDeque;

/// Memories in order: an iterator that reads a page when it needs one.
#[pyclass(frozen, module = "memlith")]
pub(crate) struct MemoryIterator(Mutex<State>);

struct State {
    held: Held,
    page: VecDeque<memlith::Memory>,
    /// `None` behind the last page.
    next: Option<List>,
    position: Option<String>,
}

impl MemoryIterator {
    pub(crate) fn new(held: Held, list: List) -> Self {
        let state = State { held, page: VecDeque::new(), next: Some(list), position: None };
        MemoryIterator(Mutex::new(state))
    }
}

impl State {
    fn next(&mut self) -> Result<Option<memlith::Memory>, Failure> {
        while self.page.is_empty() {
            let Some(list) = self.next.take() else { return Ok(None) };
            let page = self.held.view()?.list(&list)?;
            self.page = page.memories.into();
            self.position = page.next.map(|cursor| cursor.to_string());
            self.next = page.next.map(|cursor| list.after(cursor));
        }
        Ok(self.page.pop_front())
    }
}

#[pymethods]
impl MemoryIterator {
    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Memory>> {
        let next = py.detach(|| self.0.lock().next())?;
        Ok(next.map(Memory::from))
    }

    /// Where the page behind the one under way begins, for `after` of another listing; None at the end.
    #[getter]
    fn position(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.0.lock().position.clone())
    }
}
