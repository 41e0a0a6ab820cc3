//! JSON, times and durations between Python and Rust.

use crate::error::invalid;
use memlith::MAX_METADATA_DEPTH;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde::Serialize;
use serde_json::{Map, Number, Value};
use std::time::Duration;

/// Around metadata there may be a request. The engine says how deep metadata themselves may be.
const MAX_DEPTH: usize = MAX_METADATA_DEPTH + 8;

/// What Python has for JSON.
pub(crate) fn json_of(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    json_at(object, MAX_DEPTH)
}

fn json_at(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    let Some(below) = depth.checked_sub(1) else {
        return Err(invalid(format!("JSON: nested deeper than {MAX_DEPTH}")));
    };
    if object.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = object.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::String(text.to_str()?.to_owned()));
    }
    if object.is_instance_of::<PyInt>() {
        let number = object.extract::<i64>().map(Number::from);
        let number = number.or_else(|_| object.extract::<u64>().map(Number::from));
        return number.map(Value::Number).map_err(|_| invalid("JSON: an integer is too large"));
    }
    if let Ok(number) = object.cast::<PyFloat>() {
        let number = Number::from_f64(number.value());
        return number.map(Value::Number).ok_or_else(|| invalid("JSON: a number is not finite"));
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        let mut map = Map::new();
        for (key, value) in dict {
            let key = key.cast::<PyString>().map_err(|_| not_json(&key))?.to_str()?.to_owned();
            map.insert(key, json_at(&value, below)?);
        }
        return Ok(Value::Object(map));
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let items = object.try_iter()?.map(|item| json_at(&item?, below));
        return items.collect::<PyResult<_>>().map(Value::Array);
    }
    Err(not_json(object))
}

fn not_json(object: &Bound<'_, PyAny>) -> PyErr {
    let name = object.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("this must be JSON, which has no {name}"))
}

/// JSON as Python has it.
pub(crate) fn json_to<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(n), _) => n.into_pyobject(py)?.into_any(),
            (None, Some(n)) => n.into_pyobject(py)?.into_any(),
            (None, None) => PyFloat::new(py, number.as_f64().unwrap_or(f64::NAN)).into_any(),
        },
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let items = items.iter().map(|item| json_to(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
        Value::Object(map) => {
            let dict = PyDict::new(py);
            for (key, value) in map {
                dict.set_item(key, json_to(py, value)?)?;
            }
            dict.into_any()
        }
    })
}

/// A report as a dict.
pub(crate) fn report<'py>(py: Python<'py>, of: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let value = serde_json::to_value(of).map_err(|e| invalid(e.to_string()))?;
    json_to(py, &value)
}

/// A time: a `datetime` with a time zone, or milliseconds since 1970.
pub(crate) fn time_of(object: &Bound<'_, PyAny>, what: &str) -> PyResult<i64> {
    if let Ok(ms) = object.extract::<i64>() {
        return Ok(ms);
    }
    let naive = || invalid(format!("{what}: a datetime needs a time zone, such as timezone.utc"));
    if !object.hasattr("timestamp")? {
        let message = format!("{what} must be a datetime, or milliseconds since 1970");
        return Err(PyTypeError::new_err(message));
    }
    if object.getattr("tzinfo")?.is_none() {
        return Err(naive());
    }
    let seconds: f64 = object.call_method0("timestamp")?.extract()?;
    Ok((seconds * 1e3).round() as i64)
}

/// A time as a `datetime` in UTC; as milliseconds where there is no such `datetime`.
pub(crate) fn time_to(py: Python<'_>, ms: i64) -> PyResult<Bound<'_, PyAny>> {
    static FROM_TIMESTAMP: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
    let (from_timestamp, utc) = FROM_TIMESTAMP.get_or_try_init(py, || {
        let module = py.import("datetime")?;
        let from_timestamp = module.getattr("datetime")?.getattr("fromtimestamp")?.unbind();
        let utc = module.getattr("timezone")?.getattr("utc")?.unbind();
        Ok::<_, PyErr>((from_timestamp, utc))
    })?;
    // Whole seconds are exact, whatever the year.
    let (seconds, ms_of_it) = (ms.div_euclid(1_000), ms.rem_euclid(1_000));
    let made = from_timestamp.bind(py).call1((seconds, utc)).and_then(|time| {
        let part = PyDict::new(py);
        part.set_item("microsecond", ms_of_it * 1_000)?;
        time.call_method("replace", (), Some(&part))
    });
    made.or_else(|_| Ok(ms.into_pyobject(py)?.into_any()))
}

/// How long: seconds, or a `timedelta`.
pub(crate) fn duration_of(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Duration> {
    let seconds = match object.extract::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => object.call_method0("total_seconds")?.extract()?,
    };
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| invalid(format!("{what}: must be a positive number of seconds")))
}
