//! Lists of few documents, as varints: gap, frequency and positions of one after the other.
//!
//! **Invariant:** postings that were read ascend and name documents of the segment.

use super::posting_block::Postings;
use super::{inconsistent, varint};
use crate::image::ImageError;

/// Lists of fewer documents are tiny.
pub(super) const TINY: u32 = 8;

/// Reads the `count` postings of `bytes`, below [`TINY`].
pub(super) fn read(
    bytes: &[u8],
    count: u32,
    documents: u32,
    has_positions: bool,
    into: &mut Postings,
) -> Result<(), ImageError> {
    decode(bytes, count as usize, documents, has_positions, into)
        .ok_or_else(|| inconsistent("a short list names documents of the segment"))
}

fn decode(
    mut bytes: &[u8],
    count: usize,
    documents: u32,
    has_positions: bool,
    into: &mut Postings,
) -> Option<()> {
    let rest = &mut bytes;
    let mut next = 0_u64;
    into.len = 0;
    into.positions.clear();
    for i in 0..count.min(TINY as usize) {
        let head = varint::read(rest)?;
        let entry = next.checked_add(head >> 1).filter(|&entry| entry < u64::from(documents))?;
        let tf = if head & 1 == 1 { 1 } else { u32::try_from(varint::read(rest)? + 2).ok()? };
        (into.entries[i], into.tfs[i]) = (entry as u32, tf);
        next = entry + 1;
        if has_positions {
            for _ in 0..tf {
                into.positions.push(u32::try_from(varint::read(rest)?).ok()?);
            }
        }
    }
    into.len = count;
    into.finish();
    rest.is_empty().then_some(())
}

/// Appends a list. `positions` are the deltas of all of them, none if they are not kept.
pub(super) fn write(entries: &[u32], tfs: &[u32], positions: &[u32], into: &mut Vec<u8>) {
    let mut next = 0;
    let mut positions = positions.iter();
    for (&entry, &tf) in entries.iter().zip(tfs) {
        varint::write(u64::from(entry - next) << 1 | u64::from(tf == 1), into);
        if tf > 1 {
            varint::write(u64::from(tf) - 2, into);
        }
        for &delta in positions.by_ref().take(tf as usize) {
            varint::write(u64::from(delta), into);
        }
        next = entry + 1;
    }
}
