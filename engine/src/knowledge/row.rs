//! The stored forms of nodes and edges: a version byte, then an rkyv archive that is read in place.
//!
//! **Invariant:** a row holds all of its node or edge, a digest of each of its vectors in their place, and the
//! salt of the log's commitment to it.

use crate::memory::{SpaceVector, Sparse};
use crate::{Error, Result};
use rkyv::api::high::HighValidator;
use rkyv::bytecheck::CheckBytes;
use rkyv::rancor::Error as RkyvError;
use rkyv::{Archive, Deserialize, Portable, Serialize};

use super::Ends;

/// The first byte of every row that this library writes.
const VERSION: u8 = 1;

/// A node as it is stored. Fields are those of [`Node`](super::Node).
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct NodeRow {
    pub(crate) salt: [u8; 16],
    pub(crate) namespace: String,
    pub(crate) external_id: String,
    pub(crate) kind: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) importance: f32,
    /// JSON text of an object; empty for null.
    pub(crate) properties: String,
    /// Sorted, without repetition, like the aliases.
    pub(crate) tags: Vec<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    /// Sorted by space.
    pub(crate) vectors: Vec<SpaceVector>,
}

/// An edge as it is stored. Fields are those of [`Edge`](super::Edge).
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct EdgeRow {
    pub(crate) salt: [u8; 16],
    /// Codes of its ends.
    pub(crate) source: u32,
    pub(crate) target: u32,
    pub(crate) kind: u16,
    pub(crate) weight: f32,
    /// JSON text of an object; empty for null.
    pub(crate) properties: String,
    #[rkyv(with = Sparse)]
    pub(crate) valid: Valid,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

/// When an edge holds.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Valid {
    pub(crate) from_ms: Option<i64>,
    pub(crate) until_ms: Option<i64>,
}

// The layout that docs/file-format.md, "Graph rows", describes.
const _: () = assert!(size_of::<ArchivedNodeRow>() == 102);
const _: () = assert!(size_of::<ArchivedEdgeRow>() == 58);
const _: () = assert!(size_of::<ArchivedValid>() == 18);

impl NodeRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Writing to a vector cannot fail, and no field is shared or of unbounded depth.
        let archive = rkyv::api::high::to_bytes_in::<_, RkyvError>(self, vec![VERSION]);
        archive.expect("a row serializes into memory")
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let archived = access_node(bytes)?;
        rkyv::deserialize::<NodeRow, RkyvError>(archived).map_err(|e| damaged("node row", &e))
    }
}

impl EdgeRow {
    /// Puts its bytes into memory that was used before, in the place of what is there.
    pub(crate) fn encode_into(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.clear();
        bytes.push(VERSION);
        // As of a node.
        let archive = rkyv::api::high::to_bytes_in::<_, RkyvError>(self, bytes);
        archive.expect("a row serializes into memory")
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let archived = access_edge(bytes)?;
        rkyv::deserialize::<EdgeRow, RkyvError>(archived).map_err(|e| damaged("edge row", &e))
    }

    pub(crate) fn ends(&self) -> Ends {
        Ends { source: self.source.into(), kind: self.kind, target: self.target.into() }
    }
}

impl ArchivedEdgeRow {
    pub(crate) fn ends(&self) -> Ends {
        let (source, target) = (self.source.to_native(), self.target.to_native());
        Ends { source: source.into(), kind: self.kind.to_native(), target: target.into() }
    }

    /// From when, and until when, it holds.
    pub(crate) fn validity(&self) -> (Option<i64>, Option<i64>) {
        let valid = self.valid.as_deref();
        let from = valid.and_then(|v| v.from_ms.as_ref().map(|at| at.to_native()));
        let until = valid.and_then(|v| v.until_ms.as_ref().map(|at| at.to_native()));
        (from, until)
    }
}

/// The row of a node in place, after its structure has been checked.
pub(crate) fn access_node(bytes: &[u8]) -> Result<&ArchivedNodeRow> {
    access(bytes, "node row")
}

/// The row of an edge in place, likewise.
pub(crate) fn access_edge(bytes: &[u8]) -> Result<&ArchivedEdgeRow> {
    access(bytes, "edge row")
}

fn access<'a, T>(bytes: &'a [u8], what: &'static str) -> Result<&'a T>
where
    T: Portable + for<'v> CheckBytes<HighValidator<'v, RkyvError>>,
{
    match bytes.split_first() {
        Some((&VERSION, archive)) => {
            rkyv::access::<T, RkyvError>(archive).map_err(|e| damaged(what, &e))
        }
        Some((other, _)) => Err(Error::corruption(what, "version 1", format!("version {other}"))),
        None => Err(Error::corruption(what, "a row", "no bytes")),
    }
}

fn damaged(what: &'static str, e: &RkyvError) -> Error {
    Error::corruption(what, "a valid archive", e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> NodeRow {
        NodeRow {
            salt: [7; 16],
            namespace: "n".into(),
            external_id: "ada".into(),
            kind: Some("person".into()),
            name: None,
            importance: 0.5,
            properties: "{\"a\":1}".into(),
            tags: vec!["a".into(), "b".into()],
            aliases: Vec::new(),
            created_ms: -5,
            updated_ms: 6,
            vectors: vec![SpaceVector { space: 1, digest: [9; 16] }],
        }
    }

    fn edge() -> EdgeRow {
        EdgeRow {
            salt: [8; 16],
            source: 4,
            target: 7,
            kind: 2,
            weight: 0.25,
            properties: String::new(),
            valid: Valid { from_ms: Some(3), until_ms: None },
            created_ms: 1,
            updated_ms: 2,
        }
    }

    #[test]
    fn rows_survive_at_any_alignment() {
        for shift in 0..16 {
            let moved = [vec![0; shift], node().encode()].concat();
            assert_eq!(NodeRow::decode(&moved[shift..]).unwrap(), node());
            let moved = [vec![0; shift], edge().encode_into(Vec::new())].concat();
            assert_eq!(EdgeRow::decode(&moved[shift..]).unwrap(), edge());
        }
        assert_eq!(
            access_edge(&edge().encode_into(Vec::new())).unwrap().validity(),
            (Some(3), None)
        );
    }

    #[test]
    fn damaged_rows_are_errors_or_other_rows_but_never_panics() {
        for bytes in [node().encode(), edge().encode_into(Vec::new())] {
            for at in 0..bytes.len() {
                for bit in 0..8 {
                    let mut flipped = bytes.clone();
                    flipped[at] ^= 1 << bit;
                    let _ = NodeRow::decode(&flipped);
                    let _ = EdgeRow::decode(&flipped);
                }
            }
            assert!(NodeRow::decode(&bytes[..8]).is_err() && EdgeRow::decode(&bytes[..8]).is_err());
        }
    }
}
