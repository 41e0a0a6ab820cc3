//! One line of an import as a memory.
//!
//! **Invariant:** nothing that a line says is dropped silently: a field is understood, kept as
//! metadata under its own name, or the line is refused with the name of the field.

use crate::Time;
use crate::values::{Embeddings, Id, Tags, reason};
use memlith::{DEFAULT_SPACE, NewMemory};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// What holds for a line that does not say otherwise.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Its namespace.
    pub namespace: String,
    /// The vector space of a plain embedding.
    pub space: String,
}

impl Default for Defaults {
    fn default() -> Self {
        let namespace = memlith::DEFAULT_NAMESPACE.into();
        Defaults { namespace, space: DEFAULT_SPACE.into() }
    }
}

/// A line, understood.
#[derive(Debug)]
pub struct Record {
    /// The memory to write.
    pub memory: NewMemory,
    /// The external id of the memory that it replaces.
    pub supersedes: Option<String>,
    /// Names of unknown fields, which went into the metadata.
    pub kept: Vec<String>,
}

impl Record {
    /// Reads a line.
    ///
    /// # Errors
    /// In words: what is wrong with which field.
    pub fn parse(line: &[u8], defaults: &Defaults) -> Result<Record, String> {
        let fields: Fields = serde_json::from_slice(line).map_err(|e| reason(&e))?;
        fields.into_record(defaults)
    }
}

/// Fields as they stand in a line; absent and null are the same.
#[derive(Default)]
struct Fields {
    id: Option<Id>,
    namespace: Option<String>,
    text: Option<String>,
    kind: Option<String>,
    tags: Option<Tags>,
    importance: Option<f32>,
    valence: Option<f32>,
    priority: Option<i64>,
    metadata: Option<Map<String, Value>>,
    agent: Option<String>,
    session: Option<String>,
    project: Option<String>,
    channel: Option<String>,
    source: Option<String>,
    created_at: Option<Time>,
    expires_at: Option<Time>,
    supersedes: Option<Id>,
    embedding: Option<Embeddings>,
    unknown: Vec<(String, Value)>,
}

/// Fields that `get` and `list` print and that follow from others or from what happens to a
/// memory in a file: a line may bring them along, and they are not taken over.
const OF_THE_FILE: [&str; 8] = [
    "number",
    "updated_at",
    "superseded_by",
    "superseded_at",
    "accesses",
    "accessed_at",
    "spaces",
    "next",
];

impl Fields {
    fn into_record(self, defaults: &Defaults) -> Result<Record, String> {
        let mut memory = NewMemory::new(self.text.ok_or("the field \"text\" is missing")?)
            .namespace(self.namespace.unwrap_or_else(|| defaults.namespace.clone()));
        memory.external_id = self.id.map(|id| id.0);
        memory.kind = self.kind;
        memory.tags = self.tags.map(|tags| tags.0).unwrap_or_default();
        memory.importance = self.importance.unwrap_or(memory.importance);
        memory.valence = self.valence.unwrap_or(memory.valence);
        memory.priority = self.priority.unwrap_or(memory.priority);
        memory.agent = self.agent;
        memory.session = self.session;
        memory.project = self.project;
        memory.channel = self.channel;
        memory.source = self.source;
        memory.created_ms = self.created_at.map(|time| time.0);
        memory.expires_ms = self.expires_at.map(|time| time.0);
        let embedding = self.embedding.map(|given| given.in_spaces(&defaults.space));
        memory.vectors = embedding.unwrap_or_default();
        let kept = self.unknown.iter().map(|(name, _)| name.clone()).collect();
        memory.metadata = merged(self.metadata, self.unknown)?;
        Ok(Record { memory, supersedes: self.supersedes.map(|id| id.0), kept })
    }
}

/// Metadata together with the fields that nothing else knows.
fn merged(
    metadata: Option<Map<String, Value>>,
    unknown: Vec<(String, Value)>,
) -> Result<Value, String> {
    if metadata.is_none() && unknown.is_empty() {
        return Ok(Value::Null);
    }
    let mut metadata = metadata.unwrap_or_default();
    for (name, value) in unknown {
        if metadata.get(&name).is_some_and(|there| *there != value) {
            return Err(format!(
                "the unknown field {name:?} would go into the metadata, which has another {name:?}"
            ));
        }
        metadata.insert(name, value);
    }
    Ok(Value::Object(metadata))
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object such as {\"text\": \"…\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut f = Fields::default();
        while let Some(name) = map.next_key::<String>()? {
            let name = name.as_str();
            match name {
                "id" | "external_id" => f.id = value(&mut map, name)?,
                "namespace" => f.namespace = value(&mut map, name)?,
                "text" | "content" => f.text = value(&mut map, name)?,
                "kind" => f.kind = value(&mut map, name)?,
                "tags" => f.tags = value(&mut map, name)?,
                "importance" => f.importance = value(&mut map, name)?,
                "valence" => f.valence = value(&mut map, name)?,
                "priority" => f.priority = value(&mut map, name)?,
                "metadata" => f.metadata = value(&mut map, name)?,
                "agent" => f.agent = value(&mut map, name)?,
                "session" => f.session = value(&mut map, name)?,
                "project" => f.project = value(&mut map, name)?,
                "channel" => f.channel = value(&mut map, name)?,
                "source" => f.source = value(&mut map, name)?,
                "created_at" => f.created_at = value(&mut map, name)?,
                "expires_at" => f.expires_at = value(&mut map, name)?,
                "supersedes" => f.supersedes = value(&mut map, name)?,
                "embedding" | "vector" => f.embedding = value(&mut map, name)?,
                _ if OF_THE_FILE.contains(&name) => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
                _ => f.unknown.push((name.to_owned(), map.next_value()?)),
            }
        }
        Ok(f)
    }
}

/// The value of a field, or what is wrong with it and which field it is.
fn value<'de, A: MapAccess<'de>, T: DeserializeOwned>(
    map: &mut A,
    name: &str,
) -> Result<Option<T>, A::Error> {
    map.next_value().map_err(|e| A::Error::custom(format_args!("{name:?}: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(line: &str) -> Result<Record, String> {
        Record::parse(line.as_bytes(), &Defaults::default())
    }

    #[test]
    fn every_field_arrives_where_it_belongs() {
        let record = parse(
            r#"{"id": "a/1", "namespace": "n", "text": "t", "kind": "k", "tags": ["x", "y"],
                "importance": 0.1, "valence": -0.2, "priority": 9, "metadata": {"m": 1},
                "agent": "ag", "session": "se", "project": "pr", "channel": "ch", "source": "so",
                "created_at": "1970-01-01T00:00:01Z", "expires_at": 2000, "supersedes": "a/0",
                "embedding": [0.1, -2]}"#,
        )
        .unwrap();
        let mut expected = NewMemory::new("t")
            .namespace("n")
            .external_id("a/1")
            .kind("k")
            .tags(["x", "y"])
            .importance(0.1)
            .valence(-0.2)
            .priority(9)
            .metadata(json!({"m": 1}))
            .agent("ag")
            .session("se")
            .project("pr")
            .channel("ch")
            .source("so")
            .created_ms(1000)
            .expires_ms(2000);
        expected.vectors = vec![("default".into(), vec![0.1, -2.0])];
        assert_eq!(record.memory, expected);
        assert_eq!(record.supersedes.as_deref(), Some("a/0"));
        assert!(record.kept.is_empty());
    }

    #[test]
    fn a_text_alone_is_a_memory_of_the_defaults() {
        let defaults = Defaults { namespace: "ops".into(), space: "small".into() };
        let record = Record::parse(br#"{"text": "t", "tags": null}"#, &defaults).unwrap();
        assert_eq!(record.memory, NewMemory::new("t").namespace("ops"));
        let vector = Record::parse(br#"{"text": "t", "vector": [1]}"#, &defaults).unwrap();
        assert_eq!(vector.memory.vectors, [("small".to_owned(), vec![1.0])]);
    }

    #[test]
    fn several_spaces_are_an_object() {
        let record = parse(r#"{"text": "t", "embedding": {"a": [1], "b": [2, 3]}}"#).unwrap();
        let expected = [("a".to_owned(), vec![1.0]), ("b".to_owned(), vec![2.0, 3.0])];
        assert_eq!(record.memory.vectors, expected);
    }

    #[test]
    fn unknown_fields_are_kept_as_metadata_and_named() {
        let record = parse(r#"{"text": "t", "url": "u", "metadata": {"a": 1}}"#).unwrap();
        assert_eq!(record.memory.metadata, json!({"a": 1, "url": "u"}));
        assert_eq!(record.kept, ["url"]);
        assert!(parse(r#"{"text": "t", "url": "u", "metadata": {"url": "u"}}"#).is_ok());
        let clash = parse(r#"{"text": "t", "url": "u", "metadata": {"url": "v"}}"#);
        assert!(clash.unwrap_err().contains("\"url\""));
    }

    #[test]
    fn fields_of_the_file_are_passed_over() {
        let record = parse(r#"{"text": "t", "number": 7, "accesses": 3, "next": "…"}"#).unwrap();
        assert_eq!(record.memory, NewMemory::new("t"));
        assert!(record.kept.is_empty());
    }

    #[test]
    fn a_bad_line_says_which_field_is_wrong() {
        for (line, words) in [
            ("", "EOF"),
            ("not json", "expected"),
            ("[1]", "{\"text\": \"…\"}"),
            (r#"{"text": "t""#, "cut off"),
            (r#"{"id": "x"}"#, "\"text\" is missing"),
            (r#"{"text": 5}"#, "\"text\""),
            (r#"{"text": "t", "id": 1.5}"#, "\"id\""),
            (r#"{"text": "t", "tags": [1]}"#, "\"tags\""),
            (r#"{"text": "t", "importance": "high"}"#, "\"importance\""),
            (r#"{"text": "t", "metadata": [1]}"#, "\"metadata\""),
            (r#"{"text": "t", "created_at": "soon"}"#, "RFC 3339"),
            (r#"{"text": "t", "embedding": [1, null]}"#, "\"embedding\""),
            (r#"{"text": "t"} {"text": "u"}"#, "trailing"),
            ("{\"text\": \"\u{0}\"}", "control character"),
        ] {
            let message = parse(line).unwrap_err();
            assert!(message.contains(words), "{line}: {message:?} should contain {words:?}");
            assert!(!message.contains("line 1"), "{message}");
        }
        assert!(Record::parse(b"{\"text\": \"\xff\"}", &Defaults::default()).is_err());
    }

    #[test]
    fn a_printed_vector_reads_back_to_the_same_bits() {
        let mut bits = 0x3f80_0001_u32;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = f32::from_bits(bits);
            if !value.is_finite() {
                continue;
            }
            let line = json!({"text": "t", "embedding": [0]}).to_string();
            let printed = serde_json::to_string(&value).unwrap();
            let line = line.replace("[0]", &format!("[{printed}]"));
            let read = parse(&line).unwrap().memory.vectors[0].1[0];
            assert_eq!(read.to_bits(), bits, "{printed}");
        }
    }
}
