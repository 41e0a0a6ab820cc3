//! How a file is opened: keyword arguments of `memlith.open`.

use crate::convert::duration_of;
use crate::embedder::Callback;
use crate::error::invalid;
use memlith::{Durability, LogRetention, Options};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::time::Duration;

/// A durability by its name.
pub(crate) fn durability_of(name: &str) -> PyResult<Durability> {
    match name {
        "durable" => Ok(Durability::Durable),
        "relaxed" => Ok(Durability::Relaxed),
        _ => Err(invalid("durability: must be durable or relaxed")),
    }
}

pub(crate) fn options(asked: Option<&Bound<'_, PyDict>>) -> PyResult<Options> {
    let mut options = Options::new();
    let Some(asked) = asked else { return Ok(options) };
    let (mut rows, mut age) = (None, None);
    for (name, value) in asked {
        let name = name.cast::<PyString>()?.to_str()?;
        if value.is_none() {
            continue;
        }
        options = match name {
            "create" => options.create(value.extract()?),
            "verify" => options.verify_on_open(value.extract()?),
            "mapping" => options.mapping(value.extract()?),
            "durability" => options.durability(durability_of(value.cast::<PyString>()?.to_str()?)?),
            "memory_limit" => options.memory_limit(value.extract()?),
            "busy_timeout" => options.busy_timeout(duration_of(&value, name)?),
            "close_timeout" => options.close_timeout(duration_of(&value, name)?),
            "background_threads" => options.background_threads(value.extract()?),
            "background_cpu" => options.background_cpu(value.extract()?),
            "background_io" => options.background_io(value.extract()?),
            "snapshot_max_age" => options.snapshot_max_age(duration_of(&value, name)?),
            "snapshot_max_bytes" => options.snapshot_max_bytes(value.extract()?),
            "graph_delta_bytes" => options.graph_delta_bytes(value.extract()?),
            "graph_bytes" => options.graph_bytes(value.extract()?),
            "answer_cache_bytes" => options.answer_cache_bytes(value.extract()?),
            "graph_cache_bytes" => options.graph_cache_bytes(value.extract()?),
            "embedding_cache_bytes" => options.embedding_cache_bytes(value.extract()?),
            "embedding_file_bytes" => options.embedding_file_bytes(value.extract()?),
            "max_searches" => options.max_searches(value.extract()?),
            "seal_bytes" => options.seal_bytes(value.extract()?),
            "log_max_rows" => {
                rows = Some(value.extract()?);
                options
            }
            "log_max_age" => {
                age = Some(duration_of(&value, name)?);
                options
            }
            "embedders" => {
                for embedder in value.try_iter()? {
                    let (space, callback) = Callback::of(&embedder?)?;
                    options = options.embedder_for(space, callback);
                }
                options
            }
            _ => {
                let message = format!("open() got an unexpected keyword argument {name:?}");
                return Err(PyTypeError::new_err(message));
            }
        };
    }
    Ok(match (rows, age) {
        (None, None) => options,
        (rows, age) => options.log_retention(LogRetention::new(
            rows.unwrap_or(u64::MAX),
            age.unwrap_or(Duration::from_millis(i64::MAX as u64 / 1_000_000)),
        )),
    })
}
