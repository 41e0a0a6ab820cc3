//! Vectors and matrices between Python and Rust.
//!
//! **Invariant:** numbers of a contiguous buffer of f32 are read where they lie. What comes out is a numpy
//! array, and numpy is imported by then and not before.

use crate::error::invalid;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;

/// Numbers in rows.
pub(crate) struct Matrix {
    pub(crate) numbers: Vec<f32>,
    pub(crate) dimension: usize,
}

impl Matrix {
    pub(crate) fn rows(&self) -> usize {
        self.numbers.len().checked_div(self.dimension).unwrap_or(0)
    }

    pub(crate) fn row(&self, at: usize) -> &[f32] {
        &self.numbers[at * self.dimension..(at + 1) * self.dimension]
    }

    pub(crate) fn into_rows(self) -> Vec<Vec<f32>> {
        self.numbers.chunks(self.dimension.max(1)).map(<[f32]>::to_vec).collect()
    }
}

/// One vector: a buffer of numbers, or any sequence of them.
pub(crate) fn vector_of(object: &Bound<'_, PyAny>) -> PyResult<Vec<f32>> {
    let (numbers, shape) = numbers_of(object)?;
    match shape[..] {
        // One row of a matrix is a vector too.
        [_] | [1, _] => Ok(numbers),
        _ => Err(invalid(format!("a vector has one dimension, not the shape {shape:?}"))),
    }
}

/// Several vectors: a buffer with two dimensions, or any sequence of vectors.
pub(crate) fn matrix_of(object: &Bound<'_, PyAny>) -> PyResult<Matrix> {
    let (numbers, shape) = numbers_of(object)?;
    match shape[..] {
        // A vector is one row.
        [_, dimension] | [dimension] => Ok(Matrix { numbers, dimension }),
        _ => Err(invalid(format!("vectors have two dimensions, not the shape {shape:?}"))),
    }
}

/// The numbers of an object in C order, and its shape.
fn numbers_of(object: &Bound<'_, PyAny>) -> PyResult<(Vec<f32>, Vec<usize>)> {
    let py = object.py();
    if let Ok(buffer) = PyBuffer::<f32>::get(object) {
        return Ok((buffer.to_vec(py)?, buffer.shape().to_vec()));
    }
    if let Ok(buffer) = PyBuffer::<f64>::get(object) {
        let numbers = buffer.to_vec(py)?.into_iter().map(|n| n as f32).collect();
        return Ok((numbers, buffer.shape().to_vec()));
    }
    if object.hasattr("astype")? {
        // Half precision, whole numbers, what else numpy has.
        return numbers_of(&object.call_method1("astype", ("float32",))?);
    }
    if let Ok(rows) = object.extract::<Vec<Vec<f32>>>() {
        let dimension = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != dimension) {
            return Err(invalid("vectors must be of the same length"));
        }
        return Ok((rows.concat(), vec![rows.len(), dimension]));
    }
    if let Ok(numbers) = object.extract::<Vec<f32>>() {
        let len = numbers.len();
        return Ok((numbers, vec![len]));
    }
    let rows: Vec<Bound<'_, PyAny>> = object.try_iter()?.collect::<PyResult<_>>()?;
    let rows = rows.iter().map(vector_of).collect::<PyResult<Vec<_>>>()?;
    let dimension = rows.first().map_or(0, Vec::len);
    if rows.iter().any(|row| row.len() != dimension) {
        return Err(invalid("vectors must be of the same length"));
    }
    Ok((rows.concat(), vec![rows.len(), dimension]))
}

/// An array of `float32` with this shape.
pub(crate) fn floats_to<'py>(
    py: Python<'py>,
    numbers: &[f32],
    shape: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    let array = empty(py, shape, "float32")?;
    if !numbers.is_empty() {
        PyBuffer::<f32>::get(&array)?.copy_from_slice(py, numbers)?;
    }
    Ok(array)
}

/// An array of `uint64` with this shape.
pub(crate) fn ids_to<'py>(
    py: Python<'py>,
    numbers: &[u64],
    shape: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    let array = empty(py, shape, "uint64")?;
    if !numbers.is_empty() {
        PyBuffer::<u64>::get(&array)?.copy_from_slice(py, numbers)?;
    }
    Ok(array)
}

fn empty<'py>(py: Python<'py>, shape: &[usize], kind: &str) -> PyResult<Bound<'py, PyAny>> {
    let shape = pyo3::types::PyTuple::new(py, shape)?;
    py.import("numpy")?.call_method1("empty", (shape, kind))
}
