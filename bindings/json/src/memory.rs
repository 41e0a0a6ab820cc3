//! A memory as a line of JSON.
//!
//! **Invariant:** what `import` understands is written under the name that `import` knows it by,
//! and reads back to the same value. Fields that only the file can know are added by
//! [`MemoryLine::with_file_fields`] and passed over by `import`.

use crate::Time;
use memlith::{DEFAULT_SPACE, Memory};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// Embeddings of a memory by vector space.
pub struct Embedding(
    /// The name of each space, and the vector in it.
    pub Vec<(String, Vec<f32>)>,
);

impl Serialize for Embedding {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [(space, vector)] if space == DEFAULT_SPACE => vector.serialize(to),
            spaces => {
                let mut map = to.serialize_map(Some(spaces.len()))?;
                for (space, vector) in spaces {
                    map.serialize_entry(space, vector)?;
                }
                map.end()
            }
        }
    }
}

/// The id that users know a memory by: their own if they gave one, else its number.
pub fn shown_id(memory: &Memory) -> String {
    memory.external_id.clone().unwrap_or_else(|| memory.id.to_string())
}

#[derive(serde::Serialize)]
struct FileFields<'a> {
    number: u64,
    updated_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_at: Option<Time>,
    spaces: &'a [String],
    accesses: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    accessed_at: Option<Time>,
}

/// A memory with what is printed of it.
#[derive(serde::Serialize)]
pub struct MemoryLine<'a> {
    id: &'a str,
    namespace: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    tags: &'a [String],
    importance: f32,
    valence: f32,
    priority: i64,
    #[serde(skip_serializing_if = "Value::is_null")]
    metadata: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supersedes: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding: Option<Embedding>,
    #[serde(flatten)]
    file: Option<FileFields<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

impl<'a> MemoryLine<'a> {
    /// What can be imported again, under this id.
    pub fn new(id: &'a str, memory: &'a Memory) -> Self {
        MemoryLine {
            id,
            namespace: &memory.namespace,
            text: &memory.content,
            kind: memory.kind.as_deref(),
            tags: &memory.tags,
            importance: memory.importance,
            valence: memory.valence,
            priority: memory.priority,
            metadata: &memory.metadata,
            agent: memory.agent.as_deref(),
            session: memory.session.as_deref(),
            project: memory.project.as_deref(),
            channel: memory.channel.as_deref(),
            source: memory.source.as_deref(),
            created_at: Time(memory.created_ms),
            expires_at: memory.expires_ms.map(Time),
            supersedes: None,
            embedding: None,
            file: None,
            next: None,
        }
    }

    /// The memory that this one replaces.
    #[must_use]
    pub fn supersedes(mut self, id: Option<&'a str>) -> Self {
        self.supersedes = id;
        self
    }

    /// Its vectors.
    #[must_use]
    pub fn embedding(mut self, embedding: Embedding) -> Self {
        self.embedding = (!embedding.0.is_empty()).then_some(embedding);
        self
    }

    /// Adds what the file knows of it; `superseded_by` is the id of the memory that replaces it.
    #[must_use]
    pub fn with_file_fields(mut self, memory: &'a Memory, superseded_by: Option<&'a str>) -> Self {
        self.file = Some(FileFields {
            number: memory.id.0,
            updated_at: Time(memory.updated_ms),
            superseded_by,
            superseded_at: memory.superseded_ms.map(Time),
            spaces: &memory.spaces,
            accesses: memory.accesses,
            accessed_at: memory.accessed_ms.map(Time),
        });
        self
    }

    /// Marks it as the last of a page that has another behind it.
    #[must_use]
    pub fn next(mut self, cursor: Option<&'a str>) -> Self {
        self.next = cursor;
        self
    }
}
