//! Reads the state of a file from its slots.
//!
//! **Invariant:** nothing is written and nothing is allocated whose size has not been bounded; a
//! file that cannot be used is refused with an error of its own kind. Called by
//! [`Container::open`](super::Container::open) and by `verify`.

use super::alloc::{Allocator, Extent, Owner};
use super::disk::Disk;
use super::fault::error_from;
use super::map::{ChunkMap, MAX_CHUNKS, RUN_LEN};
use super::slot::{
    Descriptor, ENCRYPTED, Found, HEAD_LEN, READ_VERSION, SLOT_LEN, Slot, has_magic,
};
use super::table::payload;
use crate::error::{Detail, Error, Result};
use xxhash_rust::xxh3::xxh3_64;

/// A table space as the newest slot describes it, or as it is now.
#[derive(Debug, Default)]
pub(super) struct Space {
    pub(super) len: u64,
    pub(super) map: ChunkMap,
    /// Where the newest slot keeps a map that does not fit inline.
    pub(super) spill: Option<Extent>,
}

/// What the slots of a file say.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) slot: Slot,
    pub(super) spaces: [Space; 2],
    /// Owners as far as the maps know them.
    pub(super) chunks: Allocator,
    /// Is the other slot valid too, and was this one the newer? After a crash it may be torn.
    pub(super) has_twin: bool,
}

/// Reads both slots and the maps of the newest that holds together.
pub(super) fn load(disk: &dyn Disk) -> Result<Loaded> {
    let reading = |e| error_from("reading the header", e);
    let file_len = disk.len().map_err(reading)?;
    if file_len == 0 {
        return Err(Detail::NotMemlith { why: "it is empty" }.into());
    }
    let mut header = vec![0; HEAD_LEN as usize];
    disk.read_at(0, &mut header).map_err(reading)?;
    let (slots, _) = header.as_chunks::<SLOT_LEN>();
    if !slots.iter().any(|s| has_magic(s)) {
        return Err(Detail::NotMemlith { why: "it begins with other bytes" }.into());
    }
    let mut found: Vec<_> = slots.iter().map(|bytes| (Slot::decode(bytes), bytes)).collect();
    found.sort_by_key(|(found, _)| std::cmp::Reverse(sequence(found)));
    let mut has_twin = found.iter().all(|(found, _)| sequence(found).is_some());
    for (found, bytes) in found {
        match found {
            Found::Foreign { version: found, .. } => {
                return Err(Detail::Format { does: "reads", found, supported: READ_VERSION }.into());
            }
            Found::Unsupported { flags, .. } => {
                let encrypted = flags & ENCRYPTED != 0;
                let what = if encrypted { "encryption" } else { "a feature" };
                return Err(Detail::Feature { what }.into());
            }
            Found::Valid(slot) => {
                if file_len < slot.floor {
                    return Err(truncated(slot.floor, file_len));
                }
                if let Some((spaces, chunks)) = load_spaces(disk, &slot, bytes, file_len)? {
                    return Ok(Loaded { slot, spaces, chunks, has_twin });
                }
                // Its map is damaged: the other slot stands alone.
                has_twin = false;
            }
            Found::Nothing | Found::Damaged => {}
        }
    }
    if file_len < HEAD_LEN {
        return Err(truncated(HEAD_LEN, file_len));
    }
    Err(Error::corruption("file header", "a valid slot", "two damaged ones"))
}

pub(super) fn truncated(expected: u64, found: u64) -> Error {
    let expected = format!("at least {expected} bytes");
    Error::corruption("file (it is truncated)", expected, format!("{found} bytes"))
}

pub(super) fn sequence(found: &Found) -> Option<u64> {
    match found {
        Found::Nothing | Found::Damaged => None,
        Found::Foreign { sequence, .. } | Found::Unsupported { sequence, .. } => Some(*sequence),
        Found::Valid(slot) => Some(slot.sequence),
    }
}

/// The maps of a slot, and who owns what according to them; none if they do not hold together.
fn load_spaces(
    disk: &dyn Disk,
    slot: &Slot,
    bytes: &[u8; SLOT_LEN],
    file_len: u64,
) -> Result<Option<([Space; 2], Allocator)>> {
    let chunk = u64::from(slot.chunk_bytes);
    let in_file = file_len.saturating_sub(HEAD_LEN).div_ceil(chunk);
    if in_file > MAX_CHUNKS.into() {
        let limit = MAX_CHUNKS.into();
        return Err(Detail::Limit { what: "the number of chunks", found: in_file, limit }.into());
    }
    let mut spaces = [Space::default(), Space::default()];
    let mut chunks = Allocator::new(in_file as usize, false);
    for (i, space) in spaces.iter_mut().enumerate() {
        let Some(loaded) = load_space(disk, slot, i, bytes, file_len)? else { return Ok(None) };
        *space = loaded;
        if !claim_space(&mut chunks, space) {
            return Ok(None);
        }
    }
    Ok(Some((spaces, chunks)))
}

/// One of the spaces of a slot; none if its map is not what the slot says.
pub(super) fn load_space(
    disk: &dyn Disk,
    slot: &Slot,
    space: usize,
    bytes: &[u8; SLOT_LEN],
    file_len: u64,
) -> Result<Option<Space>> {
    let chunk = u64::from(slot.chunk_bytes);
    let descriptor = &slot.spaces[space];
    let runs = match descriptor.spill {
        None => Some(bytes[slot.inline_range(space)].to_vec()),
        Some(spill) => read_spilled(disk, descriptor, spill, chunk, file_len)?,
    };
    let len = descriptor.len.div_ceil(payload(chunk)) as usize;
    let map = runs
        .filter(|runs| xxh3_64(runs) == descriptor.map_checksum)
        .and_then(|runs| ChunkMap::decode(&runs, len));
    Ok(map.map(|map| Space { len: descriptor.len, map, spill: descriptor.spill }))
}

/// Records who owns the chunks of a space; false if one has an owner already.
#[must_use]
pub(super) fn claim_space(chunks: &mut Allocator, space: &Space) -> bool {
    space.spill.is_none_or(|spill| chunks.claim(spill, Owner::Map))
        && space.map.physical().all(|c| chunks.claim(Extent { start: c, chunks: 1 }, Owner::Table))
}

fn read_spilled(
    disk: &dyn Disk,
    descriptor: &Descriptor,
    spill: Extent,
    chunk: u64,
    file_len: u64,
) -> Result<Option<Vec<u8>>> {
    let len = descriptor.runs as usize * RUN_LEN;
    let at = HEAD_LEN + u64::from(spill.start) * chunk;
    // A run covers a chunk at least, and a durable slot's map lies inside the file.
    let plausible = u64::from(descriptor.runs) <= descriptor.len.div_ceil(payload(chunk))
        && at + len as u64 <= file_len;
    if !plausible {
        return Ok(None);
    }
    let mut runs = vec![0; len];
    disk.read_at(at, &mut runs).map_err(|e| error_from("reading the chunk map", e))?;
    Ok(Some(runs))
}
