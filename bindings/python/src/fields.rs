//! Keyword arguments of a memory and of a patch.

use crate::convert::{json_of, time_of};
use crate::error::invalid;
use crate::vectors::vector_of;
use memlith::{DEFAULT_SPACE, NewMemory, Patch};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// Keyword arguments.
pub(crate) type Fields<'a, 'py> = Option<&'a Bound<'py, PyDict>>;

/// A memory of this content with these fields; None is not given.
pub(crate) fn new_memory(content: String, fields: Fields<'_, '_>) -> PyResult<NewMemory> {
    let mut memory = NewMemory::new(content);
    let Some(fields) = fields else { return Ok(memory) };
    for (name, value) in fields {
        let name = name.cast::<PyString>()?.to_str()?;
        if value.is_none() {
            check_known(name)?;
            continue;
        }
        match name {
            "namespace" => memory.namespace = value.extract()?,
            "external_id" => memory.external_id = Some(value.extract()?),
            "kind" => memory.kind = Some(value.extract()?),
            "importance" => memory.importance = value.extract()?,
            "valence" => memory.valence = value.extract()?,
            "priority" => memory.priority = value.extract()?,
            "metadata" => memory.metadata = json_of(&value)?,
            "tags" => memory.tags = strings_of(&value)?,
            "agent" => memory.agent = Some(value.extract()?),
            "session" => memory.session = Some(value.extract()?),
            "project" => memory.project = Some(value.extract()?),
            "channel" => memory.channel = Some(value.extract()?),
            "source" => memory.source = Some(value.extract()?),
            "created" => memory.created_ms = Some(time_of(&value, "created")?),
            "expires" => memory.expires_ms = Some(time_of(&value, "expires")?),
            "vector" => memory.vectors.push((DEFAULT_SPACE.to_owned(), vector_of(&value)?)),
            "vectors" => {
                for (space, vector) in value.cast::<PyDict>()? {
                    memory.vectors.push((space.extract()?, vector_of(&vector)?));
                }
            }
            _ => return Err(unknown(name)),
        }
    }
    Ok(memory)
}

const KNOWN: [&str; 17] = [
    "namespace",
    "external_id",
    "kind",
    "importance",
    "valence",
    "priority",
    "metadata",
    "tags",
    "agent",
    "session",
    "project",
    "channel",
    "source",
    "created",
    "expires",
    "vector",
    "vectors",
];

fn check_known(name: &str) -> PyResult<()> {
    if KNOWN.contains(&name) { Ok(()) } else { Err(unknown(name)) }
}

fn unknown(name: &str) -> PyErr {
    PyTypeError::new_err(format!("a memory has no field {name:?}"))
}

/// Strings; one alone is itself and not its letters.
pub(crate) fn strings_of(value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if value.is_instance_of::<PyString>() {
        return Ok(vec![value.extract()?]);
    }
    value.try_iter()?.map(|item| item?.extract()).collect()
}

/// What changes: None clears what may be absent.
pub(crate) fn patch(fields: Fields<'_, '_>) -> PyResult<Patch> {
    let mut patch = Patch::new();
    let Some(fields) = fields else { return Ok(patch) };
    for (name, value) in fields {
        let name = name.cast::<PyString>()?.to_str()?;
        match name {
            "content" => patch.content = Some(value.extract()?),
            "kind" => patch.kind = Some(value.extract()?),
            "importance" => patch.importance = Some(value.extract()?),
            "valence" => patch.valence = Some(value.extract()?),
            "priority" => patch.priority = Some(value.extract()?),
            "metadata" => patch.metadata = Some(json_of(&value)?),
            "tags" => patch.tags = Some(strings_of(&value)?),
            "add_tags" => patch.add_tags = strings_of(&value)?,
            "remove_tags" => patch.remove_tags = strings_of(&value)?,
            "agent" => patch.agent = Some(value.extract()?),
            "session" => patch.session = Some(value.extract()?),
            "project" => patch.project = Some(value.extract()?),
            "channel" => patch.channel = Some(value.extract()?),
            "source" => patch.source = Some(value.extract()?),
            "created" => patch.created_ms = Some(time_of(&value, "created")?),
            "expires" if value.is_none() => patch.expires_ms = Some(None),
            "expires" => patch.expires_ms = Some(Some(time_of(&value, "expires")?)),
            "vector" => patch.vectors.push((DEFAULT_SPACE.to_owned(), vector_if(&value)?)),
            "vectors" => {
                for (space, vector) in value.cast::<PyDict>()? {
                    patch.vectors.push((space.extract()?, vector_if(&vector)?));
                }
            }
            _ => return Err(unknown(name)),
        }
    }
    Ok(patch)
}

fn vector_if(value: &Bound<'_, PyAny>) -> PyResult<Option<Vec<f32>>> {
    if value.is_none() { Ok(None) } else { vector_of(value).map(Some) }
}

/// Memories of the same fields but for what comes as a column.
pub(crate) fn many(
    contents: Vec<String>,
    vectors: Option<&Bound<'_, PyAny>>,
    space: Option<&str>,
    columns: Fields<'_, '_>,
    fields: Fields<'_, '_>,
) -> PyResult<Vec<NewMemory>> {
    let template = new_memory(String::new(), fields)?;
    let count = contents.len();
    let matrix = vectors.map(crate::vectors::matrix_of).transpose()?;
    if let Some(matrix) = &matrix
        && matrix.rows() != count
    {
        return Err(invalid(format!("{} vectors for {count} contents", matrix.rows())));
    }
    let space = space.unwrap_or(DEFAULT_SPACE);
    let mut memories = Vec::with_capacity(count);
    for (at, content) in contents.into_iter().enumerate() {
        let mut memory = template.clone();
        memory.content = content;
        if let Some(matrix) = &matrix {
            memory.vectors.push((space.to_owned(), matrix.row(at).to_vec()));
        }
        memories.push(memory);
    }
    if let Some(columns) = columns {
        for (name, column) in columns {
            set_column(&mut memories, name.cast::<PyString>()?.to_str()?, &column)?;
        }
    }
    Ok(memories)
}

fn set_column(memories: &mut [NewMemory], name: &str, column: &Bound<'_, PyAny>) -> PyResult<()> {
    if column.is_none() {
        return Ok(());
    }
    let mut values = column.try_iter()?;
    for memory in memories.iter_mut() {
        let short = || invalid(format!("{name}: has fewer entries than there are contents"));
        let value = values.next().ok_or_else(short)??;
        if value.is_none() {
            continue;
        }
        match name {
            "external_ids" => memory.external_id = Some(value.extract()?),
            "kinds" => memory.kind = Some(value.extract()?),
            "importances" => memory.importance = value.extract()?,
            "metadatas" => memory.metadata = json_of(&value)?,
            "tags_of" => memory.tags.extend(strings_of(&value)?),
            "created_at" => memory.created_ms = Some(time_of(&value, name)?),
            _ => return Err(unknown(name)),
        }
    }
    match values.next() {
        None => Ok(()),
        Some(_) => Err(invalid(format!("{name}: has more entries than there are contents"))),
    }
}
