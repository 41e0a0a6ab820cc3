//! The stored form of a memory: a version byte, then an rkyv archive that is read in place.
//!
//! **Invariant:** a row names every vector of its memory with a digest of its bytes, so that the
//! commitment of the log to this row is one to its vectors too. The salt lies in the row and
//! nowhere else: who purges the row leaves commitments that give nothing away.

use crate::{Error, Result};
use rkyv::rancor::Error as RkyvError;
use rkyv::{Archive, Deserialize, Serialize};

/// The first byte of every row that this library writes.
const VERSION: u8 = 1;

/// One embedding of a memory: in which space it lies, and what its bytes are.
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
    pub(crate) kind: Option<String>,
    pub(crate) importance: f32,
    pub(crate) valence: f32,
    pub(crate) priority: i64,
    /// JSON text of an object; empty for null.
    pub(crate) metadata: String,
    /// Sorted, without repetition.
    pub(crate) tags: Vec<String>,
    pub(crate) agent: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) expires_ms: Option<i64>,
    pub(crate) supersedes: Option<u64>,
    pub(crate) superseded_by: Option<u64>,
    pub(crate) superseded_ms: Option<i64>,
    /// Sorted by space.
    pub(crate) vectors: Vec<SpaceVector>,
}

// The layout that docs/file-format.md, "Memory row", describes.
const _: () = assert!(size_of::<ArchivedMemoryRow>() == 187);
const _: () = assert!(size_of::<ArchivedSpaceVector>() == 20);

impl MemoryRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Writing to a vector cannot fail, and no field is shared or of unbounded depth.
        let archive = rkyv::api::high::to_bytes_in::<_, RkyvError>(self, vec![VERSION]);
        archive.expect("a row serializes into memory")
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        rkyv::deserialize::<MemoryRow, RkyvError>(access(bytes)?).map_err(damaged)
    }

    pub(crate) fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_ms.is_some_and(|at| at <= now_ms)
    }
}

/// The row in place, after its structure has been checked. Costs about a microsecond.
pub(crate) fn access(bytes: &[u8]) -> Result<&ArchivedMemoryRow> {
    match bytes.split_first() {
        Some((&VERSION, archive)) => {
            rkyv::access::<ArchivedMemoryRow, RkyvError>(archive).map_err(damaged)
        }
        Some((other, _)) => {
            Err(Error::corruption("memory row", "version 1", format!("version {other}")))
        }
        None => Err(Error::corruption("memory row", "a row", "no bytes")),
    }
}

fn damaged(e: RkyvError) -> Error {
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
            kind: None,
            importance: 0.5,
            valence: -1.0,
            priority: 5,
            metadata: "{\"a\":1}".into(),
            tags: vec!["a".into(), "b".into()],
            agent: Some("me".into()),
            session: None,
            project: None,
            channel: None,
            source: None,
            created_ms: -5,
            updated_ms: 6,
            expires_ms: Some(9),
            supersedes: Some(3),
            superseded_by: None,
            superseded_ms: None,
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
