//! A partial update as an object.
//!
//! **Invariant:** an unknown field is refused by its name: a slip must not look like a change.

use crate::Time;
use crate::values::{Tags, reason};
use memlith::Patch;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A field that is there, perhaps as null: absent is `None` by `#[serde(default)]`.
#[expect(clippy::option_option, reason = "absent, null and given are three things in a patch")]
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[expect(clippy::option_option, reason = "absent, null and given are three things in a patch")]
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    #[serde(alias = "content")]
    text: Option<String>,
    #[serde(deserialize_with = "given")]
    kind: Option<Option<String>>,
    importance: Option<f32>,
    valence: Option<f32>,
    priority: Option<i64>,
    metadata: Option<Map<String, Value>>,
    tags: Option<Tags>,
    add_tags: Option<Tags>,
    remove_tags: Option<Tags>,
    #[serde(deserialize_with = "given")]
    agent: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    session: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    project: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    channel: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    source: Option<Option<String>>,
    created_at: Option<Time>,
    #[serde(deserialize_with = "given")]
    expires_at: Option<Option<Time>>,
    #[serde(alias = "vector")]
    embedding: Option<PatchedVectors>,
}

/// A vector of the default space, or one for each of several, null removing what is there.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum PatchedVectors {
    Plain(Vec<f32>),
    BySpace(std::collections::BTreeMap<String, Option<Vec<f32>>>),
}

impl PatchedVectors {
    /// Each with the name of its space.
    pub(crate) fn in_spaces(self) -> Vec<(String, Option<Vec<f32>>)> {
        match self {
            PatchedVectors::Plain(vector) => {
                vec![(memlith::DEFAULT_SPACE.to_owned(), Some(vector))]
            }
            PatchedVectors::BySpace(spaces) => spaces.into_iter().collect(),
        }
    }
}

/// Reads a patch: fields as those of a memory, of which only the given ones change; null clears what
/// may be absent. `metadata` is merged by RFC 7396; `tags` replaces all, `add_tags` and `remove_tags`
/// change some.
///
/// ```
/// let patch = memlith_json::patch_from_json(br#"{"importance": 0.9, "expires_at": null}"#)?;
/// assert_eq!(patch, memlith::Patch::new().importance(0.9).expires_ms(None));
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// In words: what is wrong with which field.
pub fn patch_from_json(text: &[u8]) -> Result<Patch, String> {
    let fields: Fields = serde_json::from_slice(text).map_err(|e| reason(&e))?;
    let mut patch = Patch::new();
    patch.content = fields.text;
    patch.kind = fields.kind;
    patch.importance = fields.importance;
    patch.valence = fields.valence;
    patch.priority = fields.priority;
    patch.metadata = fields.metadata.map(Value::Object);
    patch.tags = fields.tags.map(|tags| tags.0);
    patch.add_tags = fields.add_tags.map(|tags| tags.0).unwrap_or_default();
    patch.remove_tags = fields.remove_tags.map(|tags| tags.0).unwrap_or_default();
    patch.agent = fields.agent;
    patch.session = fields.session;
    patch.project = fields.project;
    patch.channel = fields.channel;
    patch.source = fields.source;
    patch.created_ms = fields.created_at.map(|time| time.0);
    patch.expires_ms = fields.expires_at.map(|time| time.map(|time| time.0));
    patch.vectors = fields.embedding.map(PatchedVectors::in_spaces).unwrap_or_default();
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn absent_null_and_given_are_three_things() {
        let patch = patch_from_json(br#"{"kind": null, "agent": "a", "tags": "x"}"#).unwrap();
        assert_eq!((patch.kind, patch.agent), (Some(None), Some(Some("a".to_owned()))));
        assert_eq!((patch.session, patch.tags), (None, Some(vec!["x".to_owned()])));
    }

    #[test]
    fn metadata_and_vectors_are_merged() {
        let text = br#"{"metadata": {"a": null}, "embedding": {"s": null, "t": [1]}}"#;
        let patch = patch_from_json(text).unwrap();
        assert_eq!(patch.metadata, Some(json!({"a": null})));
        assert_eq!(patch.vectors, [("s".into(), None), ("t".into(), Some(vec![1.0]))]);
    }

    #[test]
    fn an_unknown_field_is_refused_by_name() {
        assert!(patch_from_json(br#"{"importence": 1}"#).unwrap_err().contains("importence"));
    }
}
