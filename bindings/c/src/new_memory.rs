//! A memory to be remembered, as C gives it.

use crate::boundary::{Growing, list, sized};
use crate::error::Failure;
use crate::views::{ml_floats, ml_str};
use memlith::{DEFAULT_SPACE, MAX_SPACES, MAX_TAGS, NewMemory};
use std::ptr;

/// A time that is not given. Times are milliseconds since 1970.
pub const ML_NO_TIME: i64 = i64::MIN;
/// The importance of a memory that gives none.
pub const ML_DEFAULT_IMPORTANCE: f32 = 0.5;
/// The priority of a memory that gives none.
pub const ML_DEFAULT_PRIORITY: i64 = 5;

/// A vector of a space.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_vector {
    /// The name of the space; no text is `default`.
    pub space: ml_str,
    /// Its components.
    pub values: ml_floats,
}

/// A memory to be remembered. Begin with `ml_new_memory_init()`. All of it is copied during the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_new_memory {
    /// `sizeof(ml_new_memory)`.
    pub struct_size: usize,
    /// The persona or agent whose memory it is; no text is `default`.
    pub ns: ml_str,
    /// Your own id, unique in the namespace, or no text.
    pub external_id: ml_str,
    /// What is remembered.
    pub content: ml_str,
    /// What sort of memory it is: `fact`, `event`, …, or no text.
    pub kind: ml_str,
    /// A JSON object, or no text.
    pub metadata: ml_str,
    /// Who said or did it, or no text.
    pub agent: ml_str,
    /// The conversation or task it belongs to, or no text.
    pub session: ml_str,
    /// The project it belongs to, or no text.
    pub project: ml_str,
    /// Where it came in, or no text.
    pub channel: ml_str,
    /// Where it was taken from: a file, a URL, or no text.
    pub source: ml_str,
    /// Tags, or NULL.
    pub tags: *const ml_str,
    /// How many.
    pub tag_count: usize,
    /// Embeddings, of different spaces, or NULL.
    pub vectors: *const ml_vector,
    /// How many.
    pub vector_count: usize,
    /// From 0 (trivia) to 1 (vital).
    pub importance: f32,
    /// From -1 (bad) to 1 (good).
    pub valence: f32,
    /// For filters and sorting.
    pub priority: i64,
    /// When it happened; `ML_NO_TIME` is now.
    pub created_ms: i64,
    /// From when on it is no longer found; `ML_NO_TIME` is never.
    pub expires_ms: i64,
}

impl ml_new_memory {
    pub(crate) const DEFAULT: ml_new_memory = ml_new_memory {
        struct_size: size_of::<ml_new_memory>(),
        ns: ml_str::NONE,
        external_id: ml_str::NONE,
        content: ml_str::NONE,
        kind: ml_str::NONE,
        metadata: ml_str::NONE,
        agent: ml_str::NONE,
        session: ml_str::NONE,
        project: ml_str::NONE,
        channel: ml_str::NONE,
        source: ml_str::NONE,
        tags: ptr::null(),
        tag_count: 0,
        vectors: ptr::null(),
        vector_count: 0,
        importance: ML_DEFAULT_IMPORTANCE,
        valence: 0.0,
        priority: ML_DEFAULT_PRIORITY,
        created_ms: ML_NO_TIME,
        expires_ms: ML_NO_TIME,
    };
}

// SAFETY: numbers and pointers behind a size.
unsafe impl Growing for ml_new_memory {
    const FIRST_SIZE: usize = size_of::<ml_new_memory>();
}

/// A memory that C gives.
pub(crate) fn new_memory(pointer: *const ml_new_memory) -> Result<NewMemory, Failure> {
    let given = sized(pointer, ml_new_memory::DEFAULT, "memory")?;
    let mut memory = common(&given)?;
    memory.content = given.content.required("content")?.into();
    Ok(memory)
}

/// All of a memory but its content.
pub(crate) fn common(given: &ml_new_memory) -> Result<NewMemory, Failure> {
    let owned = |text: ml_str, what| Ok::<_, Failure>(text.optional(what)?.map(str::to_owned));
    let mut memory = NewMemory::new("");
    if let Some(namespace) = owned(given.ns, "ns")? {
        memory.namespace = namespace;
    }
    memory.external_id = owned(given.external_id, "external_id")?;
    memory.kind = owned(given.kind, "kind")?;
    if let Some(metadata) = given.metadata.optional("metadata")? {
        memory.metadata = self::metadata(metadata)?;
    }
    memory.agent = owned(given.agent, "agent")?;
    memory.session = owned(given.session, "session")?;
    memory.project = owned(given.project, "project")?;
    memory.channel = owned(given.channel, "channel")?;
    memory.source = owned(given.source, "source")?;
    limit("tag_count", given.tag_count, MAX_TAGS)?;
    for tag in list(given.tags, given.tag_count, "tags")? {
        memory.tags.push(tag.required("tag")?.to_owned());
    }
    limit("vector_count", given.vector_count, MAX_SPACES)?;
    for vector in list(given.vectors, given.vector_count, "vectors")? {
        let space = vector.space.optional("space of a vector")?.unwrap_or(DEFAULT_SPACE);
        let values = list(vector.values.ptr, vector.values.len, "values of a vector")?;
        memory.vectors.push((space.to_owned(), values.to_vec()));
    }
    memory.importance = given.importance;
    memory.valence = given.valence;
    memory.priority = given.priority;
    memory.created_ms = time(given.created_ms);
    memory.expires_ms = time(given.expires_ms);
    Ok(memory)
}

pub(crate) fn metadata(text: &str) -> Result<serde_json::Value, Failure> {
    serde_json::from_str(text).map_err(|e| Failure::invalid(format!("metadata: {e}")))
}

pub(crate) fn time(ms: i64) -> Option<i64> {
    (ms != ML_NO_TIME).then_some(ms)
}

/// Refuses a count before anything is read or allocated by it.
pub(crate) fn limit(what: &str, found: usize, most: usize) -> Result<(), Failure> {
    if found <= most {
        return Ok(());
    }
    let message = format!("{what} is {found}, the limit is {most}");
    Err(Failure::new(crate::ml_status::ML_LIMIT_EXCEEDED, message))
}
