//! A memory as callers see it: what they give ([`NewMemory`], [`Patch`]) and what they get
//! ([`Memory`]).
//!
//! **Invariant:** these types hold no ordinal, no row bytes and no handle: they can be kept,
//! compared and sent anywhere.

use crate::embed::Embedded;
use crate::ids::MemoryId;
use serde_json::Value;

/// The namespace of a memory that names none.
pub const DEFAULT_NAMESPACE: &str = "default";
/// The vector space of a vector that names none.
pub const DEFAULT_SPACE: &str = "default";
/// The priority of a memory that gives none.
pub const DEFAULT_PRIORITY: i64 = 5;
/// The importance of a memory that gives none.
pub const DEFAULT_IMPORTANCE: f32 = 0.5;

/// A memory to be remembered.
///
/// ```
/// use memlith::NewMemory;
/// let memory = NewMemory::new("The deploy key lives in the vault.")
///     .namespace("ops")
///     .external_id("runbook/17")
///     .kind("fact")
///     .importance(0.9)
///     .tags(["deploy", "secrets"]);
/// # assert_eq!(memory.tags.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewMemory {
    /// The persona or agent whose memory it is.
    pub namespace: String,
    /// The caller's own id, unique within the namespace.
    pub external_id: Option<String>,
    /// What is remembered.
    pub content: String,
    /// What sort of memory it is: `fact`, `event`, `turn`, whatever the caller distinguishes.
    pub kind: Option<String>,
    /// From 0 (trivia) to 1 (vital).
    pub importance: f32,
    /// From -1 (bad) to 1 (good).
    pub valence: f32,
    /// For filters and sorting; no range is imposed.
    pub priority: i64,
    /// Any JSON object, or null.
    pub metadata: Value,
    /// A set: order and repetition do not matter.
    pub tags: Vec<String>,
    /// Who said or did it.
    pub agent: Option<String>,
    /// The conversation or task it belongs to.
    pub session: Option<String>,
    /// The project it belongs to.
    pub project: Option<String>,
    /// Where it came in: `slack`, `voice`, …
    pub channel: Option<String>,
    /// Where it was taken from: a file, a URL.
    pub source: Option<String>,
    /// When it happened; the time of the commit unless given. Milliseconds since 1970.
    pub created_ms: Option<i64>,
    /// From when on it is no longer found. Milliseconds since 1970.
    pub expires_ms: Option<i64>,
    /// Embeddings, by name of their vector space.
    pub vectors: Vec<(String, Vec<f32>)>,
    /// What embedders have made of the content already.
    pub(crate) embedded: Vec<Embedded>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $name: impl Into<String>) -> Self {
            self.$name = Some($name.into());
            self
        })*
    };
}

impl NewMemory {
    /// A memory of `content` with the default of everything else.
    pub fn new(content: impl Into<String>) -> Self {
        NewMemory {
            namespace: DEFAULT_NAMESPACE.into(),
            external_id: None,
            content: content.into(),
            kind: None,
            importance: DEFAULT_IMPORTANCE,
            valence: 0.0,
            priority: DEFAULT_PRIORITY,
            metadata: Value::Null,
            tags: Vec::new(),
            agent: None,
            session: None,
            project: None,
            channel: None,
            source: None,
            created_ms: None,
            expires_ms: None,
            vectors: Vec::new(),
            embedded: Vec::new(),
        }
    }

    setters! {
        /// Sets the caller's own id.
        external_id,
        /// Sets the kind.
        kind,
        /// Sets the agent.
        agent,
        /// Sets the session.
        session,
        /// Sets the project.
        project,
        /// Sets the channel.
        channel,
        /// Sets the source.
        source,
    }

    /// Sets the namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets the importance, 0 to 1.
    #[must_use]
    pub fn importance(mut self, importance: f32) -> Self {
        self.importance = importance;
        self
    }

    /// Sets the emotional valence, -1 to 1.
    #[must_use]
    pub fn valence(mut self, valence: f32) -> Self {
        self.valence = valence;
        self
    }

    /// Sets the priority.
    #[must_use]
    pub fn priority(mut self, priority: i64) -> Self {
        self.priority = priority;
        self
    }

    /// Sets the metadata: a JSON object.
    #[must_use]
    pub fn metadata(mut self, metadata: Value) -> Self {
        self.metadata = metadata;
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Adds tags.
    #[must_use]
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Sets when it happened, in milliseconds since 1970.
    #[must_use]
    pub fn created_ms(mut self, created_ms: i64) -> Self {
        self.created_ms = Some(created_ms);
        self
    }

    /// Sets from when on it is no longer found, in milliseconds since 1970.
    #[must_use]
    pub fn expires_ms(mut self, expires_ms: i64) -> Self {
        self.expires_ms = Some(expires_ms);
        self
    }

    /// Adds its embedding in the default space. The space is created with the first vector that
    /// comes to it, under the cosine metric.
    #[must_use]
    pub fn vector(self, vector: impl Into<Vec<f32>>) -> Self {
        self.vector_in(DEFAULT_SPACE, vector)
    }

    /// Adds its embedding in a named space.
    #[must_use]
    pub fn vector_in(mut self, space: impl Into<String>, vector: impl Into<Vec<f32>>) -> Self {
        self.vectors.push((space.into(), vector.into()));
        self
    }
}

/// A memory as it stands in a View.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Memory {
    /// Its number in this file.
    pub id: MemoryId,
    /// The persona or agent whose memory it is.
    pub namespace: String,
    /// The caller's own id.
    pub external_id: Option<String>,
    /// What is remembered.
    pub content: String,
    /// What sort of memory it is.
    pub kind: Option<String>,
    /// From 0 to 1.
    pub importance: f32,
    /// From -1 to 1.
    pub valence: f32,
    /// For filters and sorting.
    pub priority: i64,
    /// A JSON object, or null.
    pub metadata: Value,
    /// Sorted, without repetition.
    pub tags: Vec<String>,
    /// Who said or did it.
    pub agent: Option<String>,
    /// The conversation or task it belongs to.
    pub session: Option<String>,
    /// The project it belongs to.
    pub project: Option<String>,
    /// Where it came in.
    pub channel: Option<String>,
    /// Where it was taken from.
    pub source: Option<String>,
    /// When it happened, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was last written, in milliseconds since 1970.
    pub updated_ms: i64,
    /// From when on it is no longer found, in milliseconds since 1970.
    pub expires_ms: Option<i64>,
    /// The memory that this one replaces.
    pub supersedes: Option<MemoryId>,
    /// The memory that replaces this one. It may be gone, if it has expired.
    pub superseded_by: Option<MemoryId>,
    /// When it was superseded, in milliseconds since 1970.
    pub superseded_ms: Option<i64>,
    /// Names of the vector spaces that hold an embedding of it, sorted.
    pub spaces: Vec<String>,
    /// How often it was read or recalled.
    pub accesses: u64,
    /// When it was last read or recalled, in milliseconds since 1970.
    pub accessed_ms: Option<i64>,
}

/// A partial update: what is `None` stays as it is.
///
/// For what may be absent in a memory the inner `Option` says what it becomes:
/// `Some(None)` clears it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Patch {
    /// New content.
    pub content: Option<String>,
    /// New kind.
    pub kind: Option<Option<String>>,
    /// New importance.
    pub importance: Option<f32>,
    /// New valence.
    pub valence: Option<f32>,
    /// New priority.
    pub priority: Option<i64>,
    /// Metadata to merge in, by RFC 7396: members replace, null members remove.
    pub metadata: Option<Value>,
    /// All tags anew.
    pub tags: Option<Vec<String>>,
    /// Tags to add.
    pub add_tags: Vec<String>,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
    /// New agent.
    pub agent: Option<Option<String>>,
    /// New session.
    pub session: Option<Option<String>>,
    /// New project.
    pub project: Option<Option<String>>,
    /// New channel.
    pub channel: Option<Option<String>>,
    /// New source.
    pub source: Option<Option<String>>,
    /// New time of creation.
    pub created_ms: Option<i64>,
    /// New time of expiry.
    pub expires_ms: Option<Option<i64>>,
    /// New vectors by space; `None` removes the one there is.
    pub vectors: Vec<(String, Option<Vec<f32>>)>,
}

impl Patch {
    /// A patch that changes nothing.
    pub fn new() -> Self {
        Patch::default()
    }

    /// Would it change nothing?
    pub fn is_empty(&self) -> bool {
        *self == Patch::default()
    }

    /// Sets the content.
    #[must_use]
    pub fn content(mut self, content: impl Into<String>) -> Self {
        self.content = Some(content.into());
        self
    }

    /// Sets the importance.
    #[must_use]
    pub fn importance(mut self, importance: f32) -> Self {
        self.importance = Some(importance);
        self
    }

    /// Sets the kind.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(Some(kind.into()));
        self
    }

    /// Sets the priority.
    #[must_use]
    pub fn priority(mut self, priority: i64) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Merges metadata in.
    #[must_use]
    pub fn metadata(mut self, metadata: Value) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn add_tag(mut self, tag: impl Into<String>) -> Self {
        self.add_tags.push(tag.into());
        self
    }

    /// Removes a tag.
    #[must_use]
    pub fn remove_tag(mut self, tag: impl Into<String>) -> Self {
        self.remove_tags.push(tag.into());
        self
    }

    /// Sets when it expires; `None`: never.
    #[must_use]
    pub fn expires_ms(mut self, expires_ms: impl Into<Option<i64>>) -> Self {
        self.expires_ms = Some(expires_ms.into());
        self
    }

    /// Sets its embedding in a space.
    #[must_use]
    pub fn vector_in(mut self, space: impl Into<String>, vector: impl Into<Vec<f32>>) -> Self {
        self.vectors.push((space.into(), Some(vector.into())));
        self
    }
}

/// What an upsert did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsert {
    /// There was none under that external id.
    Created(MemoryId),
    /// It was there, and something about it changed.
    Updated(MemoryId),
    /// It was there exactly so; nothing was written.
    Unchanged(MemoryId),
}

impl Upsert {
    /// The memory that now stands under the external id.
    pub fn id(self) -> MemoryId {
        match self {
            Upsert::Created(id) | Upsert::Updated(id) | Upsert::Unchanged(id) => id,
        }
    }
}
