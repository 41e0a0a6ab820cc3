//! Where the chunks of a table space lie: logical chunk to physical chunk, stored as runs.
//!
//! See `docs/file-format.md`, "Map". A chunk without a place is a *hole* and reads as zeros.
//!
//! **Invariant:** no physical chunk stands twice in one map; a map never names a chunk at or
//! beyond [`MAX_CHUNKS`], whatever bytes it was decoded from. Used by the container alone.

use super::fault::Fault;
use std::ops::Range;

/// Physical and logical chunks that a file can have: 4 TiB at the default chunk size.
pub(super) const MAX_CHUNKS: u32 = 1 << 24;

/// Bytes of a stored run: first physical chunk and count, little-endian `u32` each.
pub(super) const RUN_LEN: usize = 8;

/// The physical chunk that stands for a hole.
const HOLE: u32 = u32::MAX;

const _: () = assert!(MAX_CHUNKS < HOLE);

/// Can a space have that many chunks?
pub(super) fn check_count(chunks: u64) -> Result<(), Fault> {
    let limit = u64::from(MAX_CHUNKS);
    if chunks > limit { Err(Fault::TooManyChunks { chunks, limit }) } else { Ok(()) }
}

/// The chunks of one table space, in logical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ChunkMap {
    chunks: Vec<u32>,
    mapped: usize,
}

impl ChunkMap {
    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    /// The place of a logical chunk, or none for a hole.
    pub(super) fn get(&self, logical: usize) -> Option<u32> {
        self.chunks.get(logical).copied().filter(|c| *c != HOLE)
    }

    pub(super) fn has_hole(&self, range: Range<usize>) -> bool {
        self.chunks[range].contains(&HOLE)
    }

    /// Every physical chunk in use.
    pub(super) fn physical(&self) -> impl Iterator<Item = u32> + '_ {
        self.chunks.iter().copied().filter(|c| *c != HOLE)
    }

    /// Gives a place to consecutive holes.
    pub(super) fn place(&mut self, logical: usize, physical: Range<u32>) {
        for (slot, chunk) in self.chunks[logical..].iter_mut().zip(physical) {
            debug_assert_eq!(*slot, HOLE);
            *slot = chunk;
            self.mapped += 1;
        }
    }

    /// Gives a chunk that has a place another one.
    pub(super) fn replace(&mut self, logical: usize, physical: u32) {
        debug_assert_ne!(self.chunks[logical], HOLE);
        self.chunks[logical] = physical;
    }

    /// Sets the number of logical chunks; `gone` is told of each physical chunk that leaves.
    pub(super) fn resize(&mut self, len: usize, mut gone: impl FnMut(u32)) {
        for chunk in self.chunks.drain(len.min(self.chunks.len())..).filter(|c| *c != HOLE) {
            self.mapped -= 1;
            gone(chunk);
        }
        self.chunks.resize(len, HOLE);
    }

    /// The holes around `logical` that get their place together with it: its aligned group of a
    /// power of two, about an eighth of what is mapped and at most `max_group`. So the map of a
    /// growing space changes ever more rarely and stays a few runs long.
    pub(super) fn group(&self, logical: usize, max_group: usize) -> Range<usize> {
        let size = 1 << (self.mapped / 8).clamp(1, max_group.max(1)).ilog2();
        let start = logical / size * size;
        let end = (start + size).min(self.chunks.len());
        let is_hole = |l: &usize| self.chunks[*l] == HOLE;
        let low = (start..logical).rev().take_while(is_hole).last().unwrap_or(logical);
        let high = (logical..end).find(|l| !is_hole(l)).unwrap_or(end);
        low..high
    }

    /// The map as stored bytes: consecutive physical chunks are one run, consecutive holes too.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for &chunk in &self.chunks {
            match runs.last_mut() {
                Some((HOLE, count)) if chunk == HOLE => *count += 1,
                Some((first, count)) if *first != HOLE && chunk == *first + *count => *count += 1,
                _ => runs.push((chunk, 1)),
            }
        }
        let mut bytes = Vec::with_capacity(runs.len() * RUN_LEN);
        for (first, count) in runs {
            bytes.extend(first.to_le_bytes());
            bytes.extend(count.to_le_bytes());
        }
        bytes
    }

    /// Reads a stored map that must have `len` logical chunks. `None` if the bytes are no map.
    pub(super) fn decode(bytes: &[u8], len: usize) -> Option<Self> {
        if len > MAX_CHUNKS as usize || !bytes.len().is_multiple_of(RUN_LEN) {
            return None;
        }
        let mut map = ChunkMap::default();
        for run in bytes.chunks_exact(RUN_LEN) {
            let first = u32::from_le_bytes(run[..4].try_into().ok()?);
            let count = u32::from_le_bytes(run[4..].try_into().ok()?);
            if count == 0 || count as usize > len - map.len() {
                return None;
            }
            if first == HOLE {
                map.chunks.resize(map.len() + count as usize, HOLE);
            } else {
                let end = first.checked_add(count).filter(|end| *end <= MAX_CHUNKS)?;
                map.chunks.extend(first..end);
                map.mapped += count as usize;
            }
        }
        (map.len() == len).then_some(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_map_reads_back_as_it_was(chunks in prop::collection::vec(prop_oneof![Just(HOLE), 0..40u32], 0..80)) {
            let mapped = chunks.iter().filter(|c| **c != HOLE).count();
            let map = ChunkMap { chunks, mapped };
            prop_assert_eq!(ChunkMap::decode(&map.encode(), map.len()), Some(map.clone()));
            prop_assert_eq!(ChunkMap::decode(&map.encode(), map.len() + 1), None);
        }

        #[test]
        fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..64), len in 0..100usize) {
            if let Some(map) = ChunkMap::decode(&bytes, len) {
                prop_assert_eq!(map.len(), len);
                prop_assert!(map.physical().all(|c| c < MAX_CHUNKS));
            }
        }

        #[test]
        fn a_group_is_holes_around_the_chunk(mut chunks in prop::collection::vec(prop_oneof![Just(HOLE), 0..40u32], 1..80), at in 0..80usize) {
            let at = at % chunks.len();
            chunks[at] = HOLE;
            let mapped = chunks.iter().filter(|c| **c != HOLE).count();
            let map = ChunkMap { chunks, mapped };
            let group = map.group(at, 16);
            prop_assert!(group.contains(&at) && group.len() <= 16 && group.end <= map.len());
            prop_assert!(group.clone().all(|l| map.get(l).is_none()));
        }
    }

    #[test]
    fn a_huge_count_is_refused_before_anything_is_allocated() {
        let mut bytes = HOLE.to_le_bytes().to_vec();
        bytes.extend(u32::MAX.to_le_bytes());
        assert_eq!(ChunkMap::decode(&bytes, usize::MAX), None);
        assert_eq!(ChunkMap::decode(&bytes, 5), None);
    }
}
