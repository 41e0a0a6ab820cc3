//! Embedders that are Python objects: `embed`, `identity`, `dimension`, `max_batch`.
//!
//! **Invariant:** the lock of Python is taken for the call of `embed` alone, and never once the
//! interpreter shuts down.

use crate::error::invalid;
use crate::vectors::matrix_of;
use memlith::{DEFAULT_SPACE, Embedder, EmbedderError, MAX_DIMENSIONS};
use pyo3::prelude::*;

/// An embedder of Python behind the engine's trait.
pub(crate) struct Callback {
    embed: Py<PyAny>,
    identity: String,
    dimension: usize,
    max_batch: usize,
}

impl Callback {
    /// The space that an object is for, and what it does.
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<(String, Self)> {
        let space: Option<String> = object.getattr("space")?.extract()?;
        let dimension = object.getattr("dimension")?.extract()?;
        if !(1..=MAX_DIMENSIONS).contains(&dimension) {
            return Err(invalid(format!(
                "dimension of an embedder: must be 1 to {MAX_DIMENSIONS}"
            )));
        }
        let max_batch: Option<usize> = object.getattr("max_batch")?.extract()?;
        let callback = Callback {
            embed: object.getattr("embed")?.unbind(),
            identity: object.getattr("identity")?.extract()?,
            dimension,
            max_batch: max_batch.unwrap_or(usize::MAX).max(1),
        };
        Ok((space.unwrap_or_else(|| DEFAULT_SPACE.to_owned()), callback))
    }

    fn call(&self, py: Python<'_>, texts: &[&str]) -> PyResult<Vec<Vec<f32>>> {
        let made = matrix_of(&self.embed.bind(py).call1((texts.to_vec(),))?)?;
        if made.dimension != self.dimension || made.rows() != texts.len() {
            let (rows, found) = (made.rows(), made.dimension);
            return Err(invalid(format!(
                "the embedder made {rows} vectors of {found} numbers, not {} of {}",
                texts.len(),
                self.dimension
            )));
        }
        Ok(made.into_rows())
    }
}

impl Embedder for Callback {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedderError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(self.max_batch) {
            let made = Python::try_attach(|py| self.call(py, batch).map_err(|e| e.to_string()));
            vectors.extend(made.ok_or("the interpreter is shutting down")??);
        }
        Ok(vectors)
    }
}
