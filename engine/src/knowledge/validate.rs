//! What a node and an edge must be before they are written. Every rule is checked before anything
//! changes.

use super::limits::{MAX_ALIASES, MAX_NODE_NAME_BYTES, MAX_PROPERTIES_BYTES};
use super::row::{EdgeRow, NodeRow};
use crate::error::check_limit;
use crate::memory::{MAX_EXTERNAL_ID_BYTES, MAX_TAGS, check_depth, check_label, check_not_empty};
use crate::{Error, Result};
use serde_json::Value;

/// Checks everything of a node that a caller can set.
pub(super) fn node(row: &NodeRow) -> Result<()> {
    check_label("namespace", &row.namespace)?;
    name("external id", &row.external_id)?;
    row.kind.as_deref().map_or(Ok(()), |kind| check_label("kind of a node", kind))?;
    if let Some(name) = &row.name {
        check_not_empty("name of a node", name)?;
        check_limit("bytes of the name of a node", name.len(), MAX_NODE_NAME_BYTES)?;
    }
    check_limit("number of tags", row.tags.len(), MAX_TAGS)?;
    row.tags.iter().try_for_each(|tag| check_label("tag", tag))?;
    check_limit("number of aliases", row.aliases.len(), MAX_ALIASES)?;
    row.aliases.iter().try_for_each(|alias| name("alias", alias))?;
    check_limit("bytes of properties", row.properties.len(), MAX_PROPERTIES_BYTES)?;
    // The least i64 stands for "none" in the columns of the index.
    if [row.created_ms, row.updated_ms].contains(&i64::MIN) {
        return Err(Error::invalid("time", "must be above the least 64-bit integer"));
    }
    // Written so that NaN is refused too.
    if !(0.0..=1.0).contains(&row.importance) {
        return Err(Error::invalid("importance", "must be a number from 0 to 1"));
    }
    Ok(())
}

/// Checks everything of an edge that a caller can set, but for its ends and its kind.
pub(super) fn edge(row: &EdgeRow) -> Result<()> {
    if !(0.0..f32::INFINITY).contains(&row.weight) {
        return Err(Error::invalid("weight of an edge", "must be a finite number from 0 on"));
    }
    check_limit("bytes of properties", row.properties.len(), MAX_PROPERTIES_BYTES)?;
    let (from, until) = (row.valid.from_ms, row.valid.until_ms);
    if from.zip(until).is_some_and(|(from, until)| from >= until) {
        return Err(Error::invalid("validity of an edge", "must begin before it ends"));
    }
    // The extremes stand for "always".
    if from == Some(i64::MIN) || until == Some(i64::MAX) {
        return Err(Error::invalid("validity of an edge", "is left out where it has no bound"));
    }
    Ok(())
}

/// An external id or an alias.
pub(super) fn name(what: &'static str, value: &str) -> Result<()> {
    check_limit("bytes of an external id or alias", value.len(), MAX_EXTERNAL_ID_BYTES)?;
    check_not_empty(what, value)
}

/// The stored form of properties: JSON text of an object, or nothing.
pub(super) fn properties(value: &Value) -> Result<String> {
    check_depth(value)?;
    match value {
        Value::Null => Ok(String::new()),
        Value::Object(_) => Ok(value.to_string()),
        _ => Err(Error::invalid("properties", "must be a JSON object or null")),
    }
}
