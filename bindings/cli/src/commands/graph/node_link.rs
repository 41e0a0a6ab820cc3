//! Node-link JSON as networkx has it, read as it comes.
//!
//! **Invariant:** no more than one node or edge is in memory at a time.

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};
use std::fmt;
use std::io::Read;

/// What an object of the document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Node,
    Edge,
}

/// Gets each node and edge as it is read; an error in words ends the reading.
pub(super) type Each<'a> = &'a mut dyn FnMut(Part, Map<String, Value>) -> Result<(), String>;

/// Reads a document.
pub(super) fn read(input: impl Read, each: Each<'_>) -> Result<(), serde_json::Error> {
    let mut document = serde_json::Deserializer::from_reader(input);
    Document(each).deserialize(&mut document)?;
    document.end()
}

struct Document<'a>(Each<'a>);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with \"nodes\" and \"links\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut is_graph = false;
        while let Some(key) = map.next_key::<String>()? {
            let part = match key.as_str() {
                "nodes" => Part::Node,
                "links" | "edges" => Part::Edge,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            is_graph = true;
            map.next_value_seed(Parts { part, each: &mut *self.0 })?;
        }
        if is_graph { Ok(()) } else { Err(A::Error::custom("neither \"nodes\" nor \"links\"")) }
    }
}

struct Parts<'a> {
    part: Part,
    each: Each<'a>,
}

impl<'de> DeserializeSeed<'de> for Parts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Parts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(object) = list.next_element()? {
            (self.each)(self.part, object).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}
