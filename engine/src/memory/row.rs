//! The stored form of a memory: a version byte, then an rkyv archive that is read in place.
//!
//! **Invariant:** a row names every vector of its memory with a digest of its bytes, so that the
//! commitment of the log to this row is one to its vectors too. The salt lies in the row and
//! nowhere else: who purges the row leaves commitments that give nothing away.

use super::sparse::Sparse;
use crate::{Error, Result};
use rkyv::option::ArchivedOption;
use rkyv::rancor::Error as RkyvError;
use rkyv::string::ArchivedString;
use rkyv::{Archive, Deserialize, Serialize};

/// The first byte of every row that this library writes.
const VERSION: u8 = 1;

/// One embedding of a memory or a node: in which space it lies, and what its bytes are.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpaceVector {
    pub(crate) space: u32,
    pub(crate) digest: [u8; 16],
}

/// A memory as it is stored. Fields are those of [`Memory`](super::Memory).
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct MemoryRow {
    pub(crate) salt: [u8; 16],
    pub(crate) namespace: String,
    pub(crate) external_id: Option<String>,
    pub(crate) content: String,
    pub(crate) importance: f32,
    pub(crate) valence: f32,
    pub(crate) priority: i64,
    /// JSON text of an object; empty for null.
    pub(crate) metadata: String,
    /// Sorted, without repetition.
    pub(crate) tags: Vec<String>,
    #[rkyv(with = Sparse)]
    pub(crate) labels: Labels,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) expires_ms: Option<i64>,
    #[rkyv(with = Sparse)]
    pub(crate) succession: Succession,
    /// Sorted by space.
    pub(crate) vectors: Vec<SpaceVector>,
}

/// What sort of memory it is, and where it comes from.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub(crate) struct Labels {
    pub(crate) kind: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) source: Option<String>,
}

/// Which memories it follows, and is followed by.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Succession {
    pub(crate) supersedes: Option<u64>,
    pub(crate) superseded_by: Option<u64>,
    pub(crate) superseded_ms: Option<i64>,
}

// The layout that docs/file-format.md, "Memory row", describes.
const _: () = assert!(size_of::<ArchivedMemoryRow>() == 114);
const _: () = assert!(size_of::<ArchivedLabels>() == 54);
const _: () = assert!(size_of::<ArchivedSuccession>() == 27);
const _: () = assert!(size_of::<ArchivedSpaceVector>() == 20);

impl MemoryRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Writing to a vector cannot fail, and no field is shared or of unbounded depth.
        let archive = rkyv::api::high::to_bytes_in::<_, RkyvError>(self, vec![VERSION]);
        archive.expect("a row serializes into memory")
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        rkyv::deserialize::<MemoryRow, RkyvError>(access(bytes)?).map_err(|e| damaged(&e))
    }

    pub(crate) fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_ms.is_some_and(|at| at <= now_ms)
    }
}

impl ArchivedMemoryRow {
    /// A label, if it has one.
    pub(crate) fn label(&self, of: LabelOf) -> Option<&str> {
        of(self.labels.as_deref()?).as_ref().map(ArchivedString::as_str)
    }

    pub(crate) fn is_superseded(&self) -> bool {
        self.succession.as_deref().is_some_and(|s| s.superseded_by.is_some())
    }
}

/// One of the labels of a row in place.
pub(crate) type LabelOf = fn(&ArchivedLabels) -> &ArchivedOption<ArchivedString>;

/// The row in place, after its structure has been checked. Costs about a microsecond.
pub(crate) fn access(bytes: &[u8]) -> Result<&ArchivedMemoryRow> {
    match bytes.split_first() {
        Some((&VERSION, archive)) => {
            rkyv::access::<ArchivedMemoryRow, RkyvError>(archive).map_err(|e| damaged(&e))
        }
        Some((other, _)) => {
            Err(Error::corruption("memory row", "version 1", format!("version {other}")))
        }
        None => Err(Error::corruption("memory row", "a row", "no bytes")),
    }
}

fn damaged(e: &RkyvError) -> Error {
    Error::corruption("memory row", "a valid archive", e.to_string())
}

/// The digest by which a row names the bytes of a vector.
pub(crate) fn vector_digest(bytes: &[u8]) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> MemoryRow {
        MemoryRow {
            salt: [7; 16],
            namespace: "n".into(),
            external_id: Some("x".into()),
            content: "c".repeat(1000),
            importance: 0.5,
            valence: -1.0,
            priority: 5,
            metadata: "{\"a\":1}".into(),
            tags: vec!["a".into(), "b".into()],
            labels: Labels { agent: Some("me".into()), ..Labels::default() },
            created_ms: -5,
            updated_ms: 6,
            expires_ms: Some(9),
            succession: Succession { supersedes: Some(3), ..Succession::default() },
            vectors: vec![SpaceVector { space: 1, digest: [9; 16] }],
        }
    }

    #[test]
    fn a_row_survives_at_any_alignment() {
        let bytes = row().encode();
        for shift in 0..16 {
            let moved = [vec![0; shift], bytes.clone()].concat();
            assert_eq!(MemoryRow::decode(&moved[shift..]).unwrap(), row());
        }
    }

    #[test]
    fn a_row_of_defaults_takes_no_room_for_them() {
        let (labels, succession) = (Labels::default(), Succession::default());
        let plain = MemoryRow { labels, succession, tags: Vec::new(), ..row() };
        let bytes = plain.encode();
        // Content and metadata beyond eight bytes, and a vector.
        assert_eq!(bytes.len(), 1 + 114 + 1000 + 20);
        assert_eq!(MemoryRow::decode(&bytes).unwrap(), plain);
        let archived = access(&bytes).unwrap();
        assert!(archived.label(|l| &l.agent).is_none() && !archived.is_superseded());
        let bytes = row().encode();
        assert_eq!(access(&bytes).unwrap().label(|l| &l.agent), Some("me"));
    }

    #[test]
    fn damaged_rows_are_errors_or_other_rows_but_never_panics() {
        let bytes = row().encode();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let _ = MemoryRow::decode(&flipped);
            }
            assert!(MemoryRow::decode(&bytes[..at]).is_err() || at == bytes.len());
        }
    }
}
