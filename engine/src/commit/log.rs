//! The commit log: one row per commit, each bound to the one before by a hash.
//!
//! ```text
//! version u8 | seq u64 | time_ms i64 | previous hash [32] | next memory id u64
//! actor u16 len, bytes | reason u16 len, bytes
//! count u32 | count x { model u8, kind u8, aspects u8, id: LEB128 less the id before, commitment [16] }
//! hash [32] = blake3 of all bytes before it
//! ```
//! Integers are little-endian. Changes are sorted by model, then id.
//!
//! **Invariant:** a row names what changed and commits to it, but holds no content: not an
//! external id, not a tag. So content can be purged and the chain still be verified.

use crate::ids::Seq;
use crate::{Error, Result};

const VERSION: u8 = 1;
const HASH_LEN: usize = 32;
/// Bytes before the annotations.
const HEAD_LEN: usize = 1 + 8 + 8 + HASH_LEN + 8;
/// The least that one change takes.
const MIN_CHANGE_LEN: usize = 3 + 1 + 16;

/// The hash that the first row has for its predecessor.
pub(crate) const GENESIS: [u8; HASH_LEN] = [0; HASH_LEN];

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Model {
    /// A memory.
    Memory = 1,
    /// A vector space.
    Space = 2,
    /// A declared index over a metadata path.
    MetadataIndex = 3,
    /// A node of the knowledge graph.
    Node = 4,
    /// An edge of the knowledge graph.
    Edge = 5,
    /// A kind of edge that was used for the first time.
    EdgeKind = 6,
    /// How texts are searched.
    Text = 7,
}

impl Model {
    /// Its name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Model::Memory => "memory",
            Model::Space => "space",
            Model::MetadataIndex => "metadata-index",
            Model::Node => "node",
            Model::Edge => "edge",
            Model::EdgeKind => "edge-kind",
            Model::Text => "text",
        }
    }

    pub(crate) const ALL: [Model; 7] = [
        Model::Memory,
        Model::Space,
        Model::MetadataIndex,
        Model::Node,
        Model::Edge,
        Model::EdgeKind,
        Model::Text,
    ];

    /// Its place in [`ALL`](Self::ALL).
    pub(crate) fn place(self) -> usize {
        self as usize - 1
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|m| *m as u8 == byte)
    }

    /// Is it kept in the catalogue?
    pub(crate) fn is_of_catalog(self) -> bool {
        matches!(self, Model::Space | Model::MetadataIndex | Model::EdgeKind | Model::Text)
    }
}

/// What happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum ChangeKind {
    /// It is new.
    Created = 1,
    /// It was there and is different now.
    Updated = 2,
    /// It is gone.
    Deleted = 3,
}

impl ChangeKind {
    /// Its name in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::Created => "created",
            ChangeKind::Updated => "updated",
            ChangeKind::Deleted => "deleted",
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        use ChangeKind::{Created, Deleted, Updated};
        [Created, Updated, Deleted].into_iter().find(|k| *k as u8 == byte)
    }
}

/// Which parts of a memory a change touched, so that an index folds only what concerns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Aspects(pub(crate) u8);

impl Aspects {
    pub(crate) const NONE: Aspects = Aspects(0);
    pub(crate) const CONTENT: Aspects = Aspects(1);
    pub(crate) const ATTRIBUTES: Aspects = Aspects(2);
    pub(crate) const VECTORS: Aspects = Aspects(4);
    pub(crate) const ALL: Aspects = Aspects(7);

    pub(crate) fn with(self, other: Aspects) -> Aspects {
        Aspects(self.0 | other.0)
    }

    pub(crate) fn has(self, other: Aspects) -> bool {
        self.0 & other.0 != 0
    }
}

/// One thing that a commit changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What it is.
    pub model: Model,
    /// Its number.
    pub id: u64,
    /// What happened to it.
    pub kind: ChangeKind,
    pub(crate) aspects: Aspects,
    /// Salted hash of the row as it stands after the commit; zero if it is gone.
    pub commitment: [u8; 16],
}

impl Change {
    /// What the row of something would be the change of, if it had come about just now.
    pub(crate) fn of_row(model: Model, id: u64) -> Self {
        Change { model, id, kind: ChangeKind::Created, aspects: Aspects::ALL, commitment: [0; 16] }
    }
}

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogRow {
    /// Its number.
    pub seq: Seq,
    /// When, in milliseconds since 1970; never before the commit before.
    pub time_ms: i64,
    /// The hash of the row before.
    pub previous: [u8; HASH_LEN],
    /// The id that the next memory, node or edge will get.
    pub(crate) next_memory: u64,
    /// Who, as the writer said.
    pub actor: String,
    /// Why, as the writer said.
    pub reason: String,
    /// What changed.
    pub changes: Vec<Change>,
    /// The hash of this row.
    pub hash: [u8; HASH_LEN],
}

impl LogRow {
    /// The stored form; computes and sets the hash.
    pub(crate) fn seal(&mut self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_LEN + 64 + self.changes.len() * 24);
        out.push(VERSION);
        out.extend(self.seq.0.to_le_bytes());
        out.extend(self.time_ms.to_le_bytes());
        out.extend(self.previous);
        out.extend(self.next_memory.to_le_bytes());
        for text in [&self.actor, &self.reason] {
            // Bounded by `MAX_ANNOTATION_BYTES` when the write began.
            out.extend((text.len() as u16).to_le_bytes());
            out.extend(text.as_bytes());
        }
        out.extend((self.changes.len() as u32).to_le_bytes());
        let mut before = 0_u64;
        for change in &self.changes {
            out.extend([change.model as u8, change.kind as u8, change.aspects.0]);
            write_varint(&mut out, change.id.wrapping_sub(before));
            out.extend(change.commitment);
            before = change.id;
        }
        self.hash = *blake3::hash(&out).as_bytes();
        out.extend(self.hash);
        out
    }

    /// Reads a row and checks its own hash.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let bad = |found: &'static str| Error::corruption("log row", "a log row", found);
        let body_len = bytes.len().checked_sub(HASH_LEN).ok_or_else(|| bad("too few bytes"))?;
        let (body, stored) = bytes.split_at(body_len);
        let mut row = Self::decode_body(body).ok_or_else(|| bad("bytes that are none"))?;
        row.hash = *blake3::hash(body).as_bytes();
        if row.hash != *stored {
            return Err(Error::corruption(
                "log row",
                format!("the hash of commit {}", row.seq),
                "another hash",
            ));
        }
        Ok(row)
    }

    fn decode_body(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(body);
        if cursor.array()? != [VERSION] {
            return None;
        }
        let seq = Seq(u64::from_le_bytes(cursor.array()?));
        let time_ms = i64::from_le_bytes(cursor.array()?);
        let previous = cursor.array()?;
        let next_memory = u64::from_le_bytes(cursor.array()?);
        let actor = cursor.text()?;
        let reason = cursor.text()?;
        let count = u32::from_le_bytes(cursor.array()?) as usize;
        if count > cursor.0.len() / MIN_CHANGE_LEN {
            return None;
        }
        let mut changes = Vec::with_capacity(count);
        let mut before = 0_u64;
        for _ in 0..count {
            let [model, kind, aspects] = cursor.array()?;
            let id = cursor.varint()?.wrapping_add(before);
            changes.push(Change {
                model: Model::from_byte(model)?,
                id,
                kind: ChangeKind::from_byte(kind)?,
                aspects: Aspects(aspects),
                commitment: cursor.array()?,
            });
            before = id;
        }
        let hash = GENESIS;
        cursor.0.is_empty().then_some(LogRow {
            seq,
            time_ms,
            previous,
            next_memory,
            actor,
            reason,
            changes,
            hash,
        })
    }
}

/// The commitment of the log to a row: a keyed hash under the row's own salt.
pub(crate) fn commitment(salt: &[u8; 16], row: &[u8]) -> [u8; 16] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(salt);
    key[16..].copy_from_slice(b"memlith log v1 \0");
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::keyed_hash(&key, row).as_bytes()[..16]);
    short
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads forward through bytes; every step is checked.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn text(&mut self) -> Option<String> {
        let len = usize::from(u16::from_le_bytes(self.array()?));
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        String::from_utf8(head.to_vec()).ok()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_change() -> impl Strategy<Value = Change> {
        (0..Model::ALL.len(), 0..3_usize, any::<u8>(), any::<u64>(), any::<[u8; 16]>()).prop_map(
            |(model, kind, aspects, id, commitment)| Change {
                model: Model::ALL[model],
                kind: [ChangeKind::Created, ChangeKind::Updated, ChangeKind::Deleted][kind],
                aspects: Aspects(aspects),
                id,
                commitment,
            },
        )
    }

    #[test]
    fn every_model_has_its_place() {
        let places: Vec<usize> = Model::ALL.into_iter().map(Model::place).collect();
        assert_eq!(places, (0..Model::ALL.len()).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn a_row_reads_back(
            seq in any::<u64>(), time_ms in any::<i64>(), previous in any::<[u8; 32]>(),
            actor in ".{0,20}", reason in ".{0,20}",
            changes in prop::collection::vec(any_change(), 0..20),
        ) {
            let mut row = LogRow {
                seq: Seq(seq), time_ms, previous, next_memory: seq, actor, reason, changes,
                hash: GENESIS,
            };
            let bytes = row.seal();
            prop_assert_eq!(LogRow::decode(&bytes).unwrap(), row);
        }

        #[test]
        fn a_changed_row_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let mut row = LogRow {
                seq: Seq(3), time_ms: 4, previous: [5; 32], next_memory: 9,
                actor: "a".into(), reason: "because".into(), changes: vec![], hash: GENESIS,
            };
            let mut bytes = row.seal();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(LogRow::decode(&bytes).is_err());
        }

        #[test]
        fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(LogRow::decode(&bytes).is_err());
        }
    }
}
