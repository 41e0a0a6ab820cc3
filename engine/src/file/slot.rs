//! A header slot: the root of the file, at its very beginning, twice.
//!
//! See `docs/file-format.md`, "Slot". The first 64 bytes, the *prefix*, keep their meaning in
//! every format version: a library can always tell that a newer one has written the file, and
//! which slot is newer.
//!
//! **Invariant:** [`Slot::decode`] returns only what a checksum confirms and bounds permit.
//! Written and read by the container alone.

use super::alloc::Extent;
use super::map::{MAX_CHUNKS, RUN_LEN};
use super::pages::{PAGE_LEN, SUM_LEN, SUMS_LEN};
use super::table::payload;
use std::ops::{Range, RangeInclusive};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of a slot on disk.
pub(super) const SLOT_LEN: usize = 32 << 10;
/// Both slots; chunk 0 begins here.
pub(super) const HEAD_LEN: u64 = 2 * SLOT_LEN as u64;
/// Runs that fit behind the fixed fields.
pub(super) const INLINE_RUNS: usize = (SLOT_LEN - FIXED_LEN) / RUN_LEN;

/// Begins with a byte that no text has, and holds both line ends, so that a transfer that
/// rewrites them is noticed.
const MAGIC: [u8; 8] = *b"\x93LITH\r\n\x1a";
/// The version a reader must know, and the one a writer must know: a change that old readers can
/// ignore raises the second alone. Version 2 has sealed vectors, version 3 packed ones and a knowledge
/// graph, version 4 says how texts are searched, version 5 keeps what embedders made, and its edges may have no
/// links, version 6 has shorter rows of edges.
pub(super) const READ_VERSION: u32 = 7;
pub(super) const WRITE_VERSION: u32 = 7;
/// Reserved: chunks are encrypted. No version writes it yet.
pub(super) const ENCRYPTED: u64 = 1;

/// No file is written so often. Counting on from a number near the end of `u64` would overflow, and
/// make the older slot the newer one.
const MAX_SEQUENCE: u64 = 1 << 62;

/// Smallest and largest chunk a file may have: the checksums of a chunk's pages fit in one page.
pub(super) const CHUNK_BYTES: RangeInclusive<u32> = (16 << 10)..=(2 << 20);

const PREFIX_LEN: usize = 64;
const FIXED_LEN: usize = 256;

/// Where each field lies.
mod at {
    pub(super) const MAGIC: usize = 0;
    pub(super) const READ_VERSION: usize = 8;
    pub(super) const WRITE_VERSION: usize = 12;
    pub(super) const FLAGS: usize = 16;
    pub(super) const FILE_ID: usize = 24;
    pub(super) const SEQUENCE: usize = 40;
    pub(super) const PREFIX_CHECKSUM: usize = 56;
    pub(super) const CHUNK_BYTES: usize = 64;
    pub(super) const ACTIVE: usize = 68;
    pub(super) const FLOOR: usize = 72;
    pub(super) const SPACES: usize = 80;
    pub(super) const SEAL: usize = 144;
    pub(super) const CHECKSUM: usize = 248;
}

const DESCRIPTOR_LEN: usize = 32;
const _: () = assert!(at::PREFIX_CHECKSUM + 8 == PREFIX_LEN);
const _: () = assert!(at::SPACES + 2 * DESCRIPTOR_LEN <= at::SEAL);
const _: () = assert!(at::SEAL + 8 <= at::CHECKSUM);
const _: () = assert!(at::CHECKSUM + 8 == FIXED_LEN);
const _: () = assert!(payload(*CHUNK_BYTES.end() as u64) as usize / PAGE_LEN * SUM_LEN <= SUMS_LEN);
const _: () = assert!(FIXED_LEN + INLINE_RUNS * RUN_LEN == SLOT_LEN);

/// What a slot says of a table space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Descriptor {
    /// Length of the space in bytes.
    pub(super) len: u64,
    pub(super) runs: u32,
    /// Where the runs lie, if not in the slot.
    pub(super) spill: Option<Extent>,
    pub(super) map_checksum: u64,
}

/// The fields of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) read_version: u32,
    pub(super) write_version: u32,
    pub(super) file_id: [u8; 16],
    /// Counts slot writes; the highest valid one is the state of the file.
    pub(super) sequence: u64,
    pub(super) chunk_bytes: u32,
    /// Which of the two spaces is in use.
    pub(super) active: usize,
    /// The file has at least this many bytes, durably.
    pub(super) floor: u64,
    pub(super) spaces: [Descriptor; 2],
    /// Checksum of redb's header in the active space, as it is for as long as this slot is the
    /// newest; 0 if it may change.
    pub(super) seal: u64,
}

/// What was found where a slot should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Another file, or a slot that was never written.
    Nothing,
    /// Ours, but its checksum does not hold or a field is out of bounds.
    Damaged,
    /// Of a version that this library does not read.
    Foreign {
        sequence: u64,
        version: u32,
    },
    /// Uses something that this library does not know.
    Unsupported {
        sequence: u64,
        flags: u64,
    },
    Valid(Slot),
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

impl Descriptor {
    fn encode(&self, out: &mut [u8]) {
        let spill = self.spill.unwrap_or(Extent { start: 0, chunks: 0 });
        put(out, 0, &self.len.to_le_bytes());
        put(out, 8, &self.runs.to_le_bytes());
        put(out, 12, &spill.start.to_le_bytes());
        put(out, 16, &spill.chunks.to_le_bytes());
        put(out, 24, &self.map_checksum.to_le_bytes());
    }

    fn decode(bytes: &[u8], chunk_bytes: u32) -> Option<Self> {
        let len = u64_at(bytes, 0);
        let runs = u32_at(bytes, 8);
        let spill = Extent { start: u32_at(bytes, 12), chunks: u32_at(bytes, 16) };
        let spill = (spill.chunks > 0).then_some(spill);
        let room = match spill {
            None => INLINE_RUNS as u64,
            Some(e) => {
                e.checked_range()?;
                u64::from(e.chunks) * u64::from(chunk_bytes) / RUN_LEN as u64
            }
        };
        let fits = len.div_ceil(payload(chunk_bytes.into())) <= MAX_CHUNKS.into()
            && u64::from(runs) <= room;
        fits.then_some(Descriptor { len, runs, spill, map_checksum: u64_at(bytes, 24) })
    }
}

impl Slot {
    /// The slot as bytes, `inline` being the runs of the maps that are not spilled.
    pub(super) fn encode(&self, inline: &[u8]) -> Vec<u8> {
        debug_assert!(inline.len() <= INLINE_RUNS * RUN_LEN);
        let mut bytes = vec![0; FIXED_LEN];
        put(&mut bytes, at::MAGIC, &MAGIC);
        put(&mut bytes, at::READ_VERSION, &self.read_version.to_le_bytes());
        put(&mut bytes, at::WRITE_VERSION, &self.write_version.to_le_bytes());
        put(&mut bytes, at::FILE_ID, &self.file_id);
        put(&mut bytes, at::SEQUENCE, &self.sequence.to_le_bytes());
        let prefix = xxh3_64(&bytes[..at::PREFIX_CHECKSUM]);
        put(&mut bytes, at::PREFIX_CHECKSUM, &prefix.to_le_bytes());
        put(&mut bytes, at::CHUNK_BYTES, &self.chunk_bytes.to_le_bytes());
        put(&mut bytes, at::ACTIVE, &(self.active as u32).to_le_bytes());
        put(&mut bytes, at::FLOOR, &self.floor.to_le_bytes());
        for (space, out) in self.spaces.iter().zip(bytes[at::SPACES..].chunks_mut(DESCRIPTOR_LEN)) {
            space.encode(out);
        }
        put(&mut bytes, at::SEAL, &self.seal.to_le_bytes());
        let checksum = xxh3_64(&bytes[..at::CHECKSUM]);
        put(&mut bytes, at::CHECKSUM, &checksum.to_le_bytes());
        bytes.extend_from_slice(inline);
        bytes
    }

    /// Reads the fields of a slot; its maps are checked by whoever reads them.
    pub(super) fn decode(bytes: &[u8; SLOT_LEN]) -> Found {
        if bytes[..MAGIC.len()] != MAGIC {
            return Found::Nothing;
        }
        if xxh3_64(&bytes[..at::PREFIX_CHECKSUM]) != u64_at(bytes, at::PREFIX_CHECKSUM) {
            return Found::Damaged;
        }
        let sequence = u64_at(bytes, at::SEQUENCE);
        let read_version = u32_at(bytes, at::READ_VERSION);
        let flags = u64_at(bytes, at::FLAGS);
        if read_version != READ_VERSION {
            return Found::Foreign { sequence, version: read_version };
        }
        if flags != 0 {
            return Found::Unsupported { sequence, flags };
        }
        if xxh3_64(&bytes[..at::CHECKSUM]) != u64_at(bytes, at::CHECKSUM) {
            return Found::Damaged;
        }
        Self::decode_fields(bytes, sequence, read_version).map_or(Found::Damaged, Found::Valid)
    }

    fn decode_fields(bytes: &[u8], sequence: u64, read_version: u32) -> Option<Slot> {
        let chunk_bytes = u32_at(bytes, at::CHUNK_BYTES);
        let active = u32_at(bytes, at::ACTIVE) as usize;
        if sequence > MAX_SEQUENCE
            || active > 1
            || !CHUNK_BYTES.contains(&chunk_bytes)
            || !chunk_bytes.is_power_of_two()
        {
            return None;
        }
        let space = |i: usize| {
            Descriptor::decode(
                &bytes[at::SPACES + i * DESCRIPTOR_LEN..][..DESCRIPTOR_LEN],
                chunk_bytes,
            )
        };
        let slot = Slot {
            read_version,
            write_version: u32_at(bytes, at::WRITE_VERSION),
            file_id: bytes[at::FILE_ID..at::FILE_ID + 16].try_into().ok()?,
            sequence,
            chunk_bytes,
            active,
            floor: u64_at(bytes, at::FLOOR),
            spaces: [space(0)?, space(1)?],
            seal: u64_at(bytes, at::SEAL),
        };
        (slot.inline_end(1) <= SLOT_LEN).then_some(slot)
    }

    fn inline_end(&self, last: usize) -> usize {
        let inline = self.spaces[..=last].iter().filter(|s| s.spill.is_none());
        FIXED_LEN + inline.map(|s| s.runs as usize * RUN_LEN).sum::<usize>()
    }

    /// Where in the slot the runs of a space lie that are not spilled.
    pub(super) fn inline_range(&self, space: usize) -> Range<usize> {
        let end = self.inline_end(space);
        end - self.spaces[space].runs as usize * RUN_LEN..end
    }
}

/// Are these the bytes of a slot of ours, whatever its state?
pub(super) fn has_magic(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slot() -> Slot {
        let space = Descriptor { len: 700_000, runs: 3, spill: None, map_checksum: 5 };
        let spill = Some(Extent { start: 9, chunks: 1 });
        Slot {
            read_version: READ_VERSION,
            write_version: WRITE_VERSION,
            file_id: *b"0123456789abcdef",
            sequence: 7,
            chunk_bytes: 256 << 10,
            active: 1,
            floor: 1 << 20,
            spaces: [space, Descriptor { spill, runs: 9_000, ..space }],
            seal: 17,
        }
    }

    fn full(mut bytes: Vec<u8>) -> [u8; SLOT_LEN] {
        bytes.resize(SLOT_LEN, 0);
        bytes.try_into().unwrap()
    }

    /// Sets a field of the prefix and makes the prefix checksum hold again.
    fn with_prefix(at: usize, field: &[u8]) -> [u8; SLOT_LEN] {
        let mut bytes = full(slot().encode(&[0; 24]));
        put(&mut bytes, at, field);
        let sum = xxh3_64(&bytes[..at::PREFIX_CHECKSUM]);
        put(&mut bytes, at::PREFIX_CHECKSUM, &sum.to_le_bytes());
        bytes
    }

    #[test]
    fn a_slot_reads_back_as_it_was() {
        let bytes = full(slot().encode(&[7; 24]));
        assert_eq!(Slot::decode(&bytes), Found::Valid(slot()));
        assert_eq!(bytes[slot().inline_range(0)], [7; 24]);
        assert_eq!(Slot::decode(&full(Vec::new())), Found::Nothing);
    }

    #[test]
    fn other_versions_and_unknown_flags_are_told_apart_from_damage() {
        for version in [1_u32, 9] {
            let other = with_prefix(at::READ_VERSION, &version.to_le_bytes());
            assert_eq!(Slot::decode(&other), Found::Foreign { sequence: 7, version });
        }
        let encrypted = with_prefix(at::FLAGS, &ENCRYPTED.to_le_bytes());
        assert_eq!(Slot::decode(&encrypted), Found::Unsupported { sequence: 7, flags: ENCRYPTED });
    }

    #[test]
    fn lengths_are_bounded() {
        let mut huge = slot();
        huge.spaces[0].len = u64::MAX;
        assert_eq!(Slot::decode(&full(huge.encode(&[]))), Found::Damaged);
        let sequence = Slot { sequence: u64::MAX, ..slot() };
        assert_eq!(Slot::decode(&full(sequence.encode(&[]))), Found::Damaged);
        let mut runs = slot();
        runs.spaces[0].runs = INLINE_RUNS as u32 + 1;
        assert_eq!(Slot::decode(&full(runs.encode(&[]))), Found::Damaged);
        let mut both = slot();
        both.spaces.iter_mut().for_each(|s| (s.runs, s.spill) = (INLINE_RUNS as u32, None));
        assert_eq!(Slot::decode(&full(both.encode(&[]))), Found::Damaged);
        let mut spill = slot();
        spill.spaces[1].spill = Some(Extent { start: u32::MAX, chunks: 8 });
        assert_eq!(Slot::decode(&full(spill.encode(&[]))), Found::Damaged);
    }

    proptest! {
        #[test]
        fn no_flipped_byte_goes_unnoticed(at in 0..FIXED_LEN, flip in 1..=255u8) {
            let mut bytes = full(slot().encode(&[]));
            bytes[at] ^= flip;
            prop_assert!(matches!(Slot::decode(&bytes), Found::Nothing | Found::Damaged));
        }
    }
}
