//! Nodes and edges as callers give and get them.

use super::row::{EdgeRow, NodeRow};
use super::{Entity, EntityRef};
use crate::catalog::Catalog;
use crate::ids::{EdgeId, NodeId};
use crate::memory::{DEFAULT_IMPORTANCE, DEFAULT_SPACE, Given, metadata_value};
use crate::owner::space_names;
use serde_json::Value;
use std::sync::Arc;

/// A node to be written.
///
/// ```
/// use memlith::NewNode;
/// let ada = NewNode::new("ada").kind("person").name("Ada Lovelace").tags(["mathematics"]);
/// # assert_eq!(ada.external_id, "ada");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewNode {
    /// The caller's own id, unique in the namespace among external ids and aliases.
    pub external_id: String,
    /// What sort of thing it is.
    pub kind: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// From 0 to 1; 0.5 unless given.
    pub importance: f32,
    /// A JSON object, or null.
    pub properties: Value,
    /// Tags.
    pub tags: Vec<String>,
    /// Other ids by which it is found.
    pub aliases: Vec<String>,
    /// When it came about; the time of the commit unless given. Milliseconds since 1970.
    pub created_ms: Option<i64>,
    /// Embeddings, each with the name of its space.
    pub vectors: Vec<(String, Vec<f32>)>,
}

impl NewNode {
    /// A node of this external id, with the default of everything else.
    pub fn new(external_id: impl Into<String>) -> Self {
        NewNode {
            external_id: external_id.into(),
            kind: None,
            name: None,
            importance: DEFAULT_IMPORTANCE,
            properties: Value::Null,
            tags: Vec::new(),
            aliases: Vec::new(),
            created_ms: None,
            vectors: Vec::new(),
        }
    }

    /// Sets the kind.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }

    /// Sets the name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the importance, 0 to 1.
    #[must_use]
    pub fn importance(mut self, importance: f32) -> Self {
        self.importance = importance;
        self
    }

    /// Sets the properties, a JSON object.
    #[must_use]
    pub fn properties(mut self, properties: Value) -> Self {
        self.properties = properties;
        self
    }

    /// Adds tags.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Adds aliases.
    #[must_use]
    pub fn aliases(mut self, aliases: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.aliases.extend(aliases.into_iter().map(Into::into));
        self
    }

    /// Sets when it came about, in milliseconds since 1970.
    #[must_use]
    pub fn created_ms(mut self, at: i64) -> Self {
        self.created_ms = Some(at);
        self
    }

    /// Gives it an embedding in the default space, which the first one creates.
    #[must_use]
    pub fn vector(self, vector: impl Into<Vec<f32>>) -> Self {
        self.vector_in(DEFAULT_SPACE, vector)
    }

    /// Gives it an embedding in a space, which is one of memories and of nodes.
    #[must_use]
    pub fn vector_in(mut self, space: impl Into<String>, vector: impl Into<Vec<f32>>) -> Self {
        self.vectors.push((space.into(), vector.into()));
        self
    }
}

/// What is to change of a node. What is not set stays.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct NodePatch {
    /// The kind; `Some(None)` takes it away.
    pub kind: Option<Option<String>>,
    /// The name; likewise.
    pub name: Option<Option<String>>,
    /// The importance.
    pub importance: Option<f32>,
    /// A JSON Merge Patch (RFC 7396) to the properties.
    pub properties: Option<Value>,
    /// Tags to add.
    pub add_tags: Vec<String>,
    /// Tags to take away.
    pub remove_tags: Vec<String>,
    /// Aliases to add.
    pub add_aliases: Vec<String>,
    /// Aliases to take away.
    pub remove_aliases: Vec<String>,
    /// Embeddings by the names of their spaces; `None` takes the one that is there away.
    pub vectors: Vec<(String, Option<Vec<f32>>)>,
}

impl NodePatch {
    /// Changes nothing.
    pub fn new() -> Self {
        NodePatch::default()
    }

    /// Sets the kind.
    #[must_use]
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(Some(kind.into()));
        self
    }

    /// Sets the name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(Some(name.into()));
        self
    }

    /// Sets the importance.
    #[must_use]
    pub fn importance(mut self, importance: f32) -> Self {
        self.importance = Some(importance);
        self
    }

    /// Merges this into the properties; null members remove.
    #[must_use]
    pub fn properties(mut self, patch: Value) -> Self {
        self.properties = Some(patch);
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn add_tag(mut self, tag: impl Into<String>) -> Self {
        self.add_tags.push(tag.into());
        self
    }

    /// Adds an alias.
    #[must_use]
    pub fn add_alias(mut self, alias: impl Into<String>) -> Self {
        self.add_aliases.push(alias.into());
        self
    }

    /// Sets the embedding in a space.
    #[must_use]
    pub fn vector_in(mut self, space: impl Into<String>, vector: impl Into<Vec<f32>>) -> Self {
        self.vectors.push((space.into(), Some(vector.into())));
        self
    }

    /// Takes the embedding in a space away.
    #[must_use]
    pub fn remove_vector(mut self, space: impl Into<String>) -> Self {
        self.vectors.push((space.into(), None));
        self
    }

    /// The embeddings that it sets.
    pub(super) fn given(&self) -> Given {
        let given = self.vectors.iter();
        given.filter_map(|(space, vector)| Some((space.clone(), vector.clone()?))).collect()
    }
}

/// An edge to be written.
///
/// ```
/// use memlith::NewEdge;
/// let lives_in = NewEdge::new("ada", "lives_in", "london").weight(0.9).from_ms(-4_000_000_000_000);
/// # assert_eq!(lives_in.kind, "lives_in");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewEdge {
    /// Where it begins.
    pub source: EntityRef,
    /// What sort of relation it is.
    pub kind: String,
    /// Where it leads.
    pub target: EntityRef,
    /// From 0 on; 1 unless given.
    pub weight: f32,
    /// A JSON object, or null.
    pub properties: Value,
    /// From when on it holds; ever unless given. Milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// From when on it no longer does; never unless given. Milliseconds since 1970.
    pub until_ms: Option<i64>,
    /// When it came about; the time of the commit unless given. Milliseconds since 1970.
    pub created_ms: Option<i64>,
}

impl NewEdge {
    /// An edge of weight one that always holds.
    pub fn new(
        source: impl Into<EntityRef>,
        kind: impl Into<String>,
        target: impl Into<EntityRef>,
    ) -> Self {
        NewEdge {
            source: source.into(),
            kind: kind.into(),
            target: target.into(),
            weight: 1.0,
            properties: Value::Null,
            from_ms: None,
            until_ms: None,
            created_ms: None,
        }
    }

    /// Sets the weight.
    #[must_use]
    pub fn weight(mut self, weight: f32) -> Self {
        self.weight = weight;
        self
    }

    /// Sets the properties, a JSON object.
    #[must_use]
    pub fn properties(mut self, properties: Value) -> Self {
        self.properties = properties;
        self
    }

    /// Sets from when on it holds, in milliseconds since 1970.
    #[must_use]
    pub fn from_ms(mut self, at: i64) -> Self {
        self.from_ms = Some(at);
        self
    }

    /// Sets from when on it no longer holds, in milliseconds since 1970.
    #[must_use]
    pub fn until_ms(mut self, at: i64) -> Self {
        self.until_ms = Some(at);
        self
    }
}

/// What is to change of an edge. What is not set stays; its ends and its kind always do.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EdgePatch {
    /// The weight.
    pub weight: Option<f32>,
    /// A JSON Merge Patch (RFC 7396) to the properties.
    pub properties: Option<Value>,
    /// From when on it holds; `Some(None)` for ever.
    pub from_ms: Option<Option<i64>>,
    /// From when on it no longer holds; `Some(None)` for never.
    pub until_ms: Option<Option<i64>>,
}

impl EdgePatch {
    /// Changes nothing.
    pub fn new() -> Self {
        EdgePatch::default()
    }

    /// Sets the weight.
    #[must_use]
    pub fn weight(mut self, weight: f32) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Merges this into the properties; null members remove.
    #[must_use]
    pub fn properties(mut self, patch: Value) -> Self {
        self.properties = Some(patch);
        self
    }

    /// Ends it: from this time on it no longer holds. Milliseconds since 1970.
    #[must_use]
    pub fn until_ms(mut self, at: i64) -> Self {
        self.until_ms = Some(Some(at));
        self
    }
}

/// What an upsert did, with the number of what it was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upserted<Id> {
    /// It is new.
    Created(Id),
    /// It was there and is different now.
    Updated(Id),
    /// It was there and the same.
    Unchanged(Id),
}

impl<Id: Copy> Upserted<Id> {
    /// The number.
    pub fn id(self) -> Id {
        match self {
            Upserted::Created(id) | Upserted::Updated(id) | Upserted::Unchanged(id) => id,
        }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Node {
    /// Its number.
    pub id: NodeId,
    /// Its namespace.
    pub namespace: String,
    /// The caller's own id.
    pub external_id: String,
    /// What sort of thing it is.
    pub kind: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// From 0 to 1.
    pub importance: f32,
    /// A JSON object, or null.
    pub properties: Value,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// Other ids by which it is found, sorted.
    pub aliases: Vec<String>,
    /// When it came about, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was written last, in milliseconds since 1970.
    pub updated_ms: i64,
    /// Names of the spaces that it has an embedding in, sorted; [`Graph::vector`](crate::Graph::vector) reads one.
    pub spaces: Vec<String>,
}

impl Node {
    pub(super) fn from_row(id: NodeId, row: NodeRow, catalog: &Catalog) -> Self {
        let named = row.vectors.iter().map(|v| v.space);
        let mut spaces: Vec<String> = space_names(catalog, named).map(Into::into).collect();
        spaces.sort_unstable();
        Node {
            spaces,
            id,
            namespace: row.namespace,
            external_id: row.external_id,
            kind: row.kind,
            name: row.name,
            importance: row.importance,
            // Written from a value, so it parses; a damaged row does not get here.
            properties: metadata_value(&row.properties).unwrap_or_default(),
            tags: row.tags,
            aliases: row.aliases,
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
        }
    }
}

/// An edge.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Edge {
    /// Its number.
    pub id: EdgeId,
    /// Where it begins.
    pub source: Entity,
    /// What sort of relation it is.
    pub kind: Arc<str>,
    /// Where it leads.
    pub target: Entity,
    /// From 0 on.
    pub weight: f32,
    /// A JSON object, or null.
    pub properties: Value,
    /// From when on it holds, in milliseconds since 1970; ever if `None`.
    pub from_ms: Option<i64>,
    /// From when on it no longer does; never if `None`.
    pub until_ms: Option<i64>,
    /// When it came about, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it was written last, in milliseconds since 1970.
    pub updated_ms: i64,
}

impl Edge {
    pub(super) fn from_row(id: EdgeId, row: &EdgeRow, catalog: &Catalog) -> Self {
        Edge {
            id,
            source: Entity::of_code(row.source.into()),
            // A kind is written before its first edge and never goes.
            kind: catalog.edge_name(row.kind).cloned().unwrap_or_else(|| "".into()),
            target: Entity::of_code(row.target.into()),
            weight: row.weight,
            properties: metadata_value(&row.properties).unwrap_or_default(),
            from_ms: row.valid.from_ms,
            until_ms: row.valid.until_ms,
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
        }
    }
}
