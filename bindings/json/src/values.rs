//! The values a line may hold where plain serde types are too narrow or too wide.
//!
//! **Invariant:** an `f32` is read from its decimal digits directly, never through an `f64`, so
//! that a printed vector reads back to the same bits.

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// An external id: a string, or a whole number taken as its digits.
pub(crate) struct Id(pub(crate) String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a whole number")
            }
            fn visit_str<E: de::Error>(self, id: &str) -> Result<Id, E> {
                Ok(Id(id.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, id: i64) -> Result<Id, E> {
                Ok(Id(id.to_string()))
            }
            fn visit_u64<E: de::Error>(self, id: u64) -> Result<Id, E> {
                Ok(Id(id.to_string()))
            }
        }
        from.deserialize_any(IdVisitor)
    }
}

/// Tags: an array of strings, or a single one.
pub(crate) struct Tags(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct TagsVisitor;
        impl<'de> Visitor<'de> for TagsVisitor {
            type Value = Tags;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of strings")
            }
            fn visit_str<E: de::Error>(self, tag: &str) -> Result<Tags, E> {
                Ok(Tags(vec![tag.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tags, A::Error> {
                let mut tags = Vec::new();
                while let Some(tag) = items.next_element()? {
                    tags.push(tag);
                }
                Ok(Tags(tags))
            }
        }
        from.deserialize_any(TagsVisitor)
    }
}

/// One embedding, or one for each of several vector spaces.
#[derive(Debug, PartialEq)]
pub enum Embeddings {
    /// An array of numbers, of the space that the command line names.
    Plain(Vec<f32>),
    /// An object with an array for each space.
    BySpace(Vec<(String, Vec<f32>)>),
}

impl Embeddings {
    /// Each with the name of its space, which for a plain one is this.
    pub(crate) fn in_spaces(self, plain: &str) -> Vec<(String, Vec<f32>)> {
        match self {
            Embeddings::Plain(vector) => vec![(plain.to_owned(), vector)],
            Embeddings::BySpace(spaces) => spaces,
        }
    }
}

impl<'de> Deserialize<'de> for Embeddings {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct EmbeddingsVisitor;
        impl<'de> Visitor<'de> for EmbeddingsVisitor {
            type Value = Embeddings;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of numbers, or an object of such arrays by vector space")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Embeddings, A::Error> {
                let mut vector = Vec::new();
                while let Some(value) = items.next_element()? {
                    vector.push(value);
                }
                Ok(Embeddings::Plain(vector))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Embeddings, A::Error> {
                let mut spaces = Vec::new();
                while let Some(entry) = items.next_entry()? {
                    spaces.push(entry);
                }
                Ok(Embeddings::BySpace(spaces))
            }
        }
        from.deserialize_any(EmbeddingsVisitor)
    }
}

/// What serde says of a line, without the line number of its own, which is always 1.
pub fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) if error.is_eof() => format!("{what} (is the line cut off?)"),
        Some((what, _)) if error.column() > 0 => format!("{what} (column {})", error.column()),
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}
