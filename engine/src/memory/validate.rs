//! What a memory must be before it is written. Every rule is checked before anything changes.

use super::limits::{
    MAX_CONTENT_BYTES, MAX_EXTERNAL_ID_BYTES, MAX_LABEL_BYTES, MAX_METADATA_BYTES,
    MAX_METADATA_DEPTH, MAX_TAGS,
};
use super::row::MemoryRow;
use crate::catalog::Space;
use crate::components::Precision;
use crate::error::{Detail, check_limit};
use crate::{Error, Result};
use memlith_index::vectors::VectorError;
use serde_json::Value;

/// Checks everything of a row that a caller can set.
pub(super) fn row(row: &MemoryRow) -> Result<()> {
    check_limit("bytes of content", row.content.len(), MAX_CONTENT_BYTES)?;
    check_limit("number of tags", row.tags.len(), MAX_TAGS)?;
    check_limit("bytes of metadata", row.metadata.len(), MAX_METADATA_BYTES)?;
    label("namespace", &row.namespace)?;
    if let Some(id) = &row.external_id {
        check_limit("bytes of the external id", id.len(), MAX_EXTERNAL_ID_BYTES)?;
        not_empty("external id", id)?;
    }
    let optional = [
        ("kind", &row.labels.kind),
        ("agent", &row.labels.agent),
        ("session", &row.labels.session),
        ("project", &row.labels.project),
        ("channel", &row.labels.channel),
        ("source", &row.labels.source),
    ];
    for (what, value) in optional {
        value.as_deref().map_or(Ok(()), |v| label(what, v))?;
    }
    row.tags.iter().try_for_each(|tag| label("tag", tag))?;
    // The least i64 stands for "none" in the columns of the index.
    let numbers = [row.priority, row.created_ms, row.expires_ms.unwrap_or(0)];
    if numbers.contains(&i64::MIN) {
        return Err(Error::invalid("priority or time", "must be above the least 64-bit integer"));
    }
    // Written so that NaN is refused too.
    if !(0.0..=1.0).contains(&row.importance) {
        return Err(Error::invalid("importance", "must be a number from 0 to 1"));
    }
    if !(-1.0..=1.0).contains(&row.valence) {
        return Err(Error::invalid("valence", "must be a number from -1 to 1"));
    }
    Ok(())
}

/// A name that is indexed: 1 to [`MAX_LABEL_BYTES`] bytes.
pub(crate) fn label(what: &'static str, value: &str) -> Result<()> {
    not_empty(what, value)?;
    if value.len() <= MAX_LABEL_BYTES {
        return Ok(());
    }
    Err(Detail::LabelTooLong { what, found: value.len(), limit: MAX_LABEL_BYTES }.into())
}

pub(crate) fn not_empty(what: &'static str, value: &str) -> Result<()> {
    if value.is_empty() { Err(Error::invalid(what, "must not be empty")) } else { Ok(()) }
}

/// The stored form of metadata: JSON text of an object, or nothing.
pub(super) fn metadata(value: &Value) -> Result<String> {
    depth(value)?;
    match value {
        Value::Null => Ok(String::new()),
        Value::Object(_) => Ok(value.to_string()),
        _ => Err(Error::invalid("metadata", "must be a JSON object or null")),
    }
}

/// Refuses metadata that nests deeper than the limit, looking no further than that.
pub(crate) fn depth(value: &Value) -> Result<()> {
    fn measure(value: &Value, left: usize) -> usize {
        let children: &mut dyn Iterator<Item = &Value> = match value {
            Value::Array(items) => &mut items.iter(),
            Value::Object(map) => &mut map.values(),
            _ => return 0,
        };
        if left == 0 {
            return 1;
        }
        1 + children.map(|c| measure(c, left - 1)).max().unwrap_or(0)
    }
    check_limit("depth of metadata", measure(value, MAX_METADATA_DEPTH), MAX_METADATA_DEPTH)
}

/// Checks a vector against its space.
pub(crate) fn vector(space: &Space, vector: &[f32]) -> Result<()> {
    let refused = |e| {
        let space: Box<str> = space.name.as_str().into();
        match e {
            VectorError::WrongLength { expected, found } => {
                Detail::Dimension { space, expected, found }
            }
            source => Detail::Vector { space, source },
        }
    };
    space.metric.check(space.dimension, vector).map_err(|e| refused(e).into())
}

/// Makes of a vector what its space keeps of it, if it can be kept.
pub(crate) fn admit(space: &Space, vector: &mut [f32]) -> Result<()> {
    self::vector(space, vector)?;
    if space.precision == Precision::F32 {
        return Ok(());
    }
    if !space.precision.round(vector) {
        return Err(Error::invalid(
            "components of a vector in a space of f16",
            "must be at most 65,504 in magnitude; give the space the precision f32",
        ));
    }
    self::vector(space, vector)
}
