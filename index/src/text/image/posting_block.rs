//! A block of at most 128 postings.
//!
//! ```text
//! width of gaps u8 | width of frequencies u8 | gaps | frequencies - 1
//! then, with positions, per 128 of them: width u8 | deltas
//! ```
//!
//! **Invariant:** entries of a block that was read ascend.

use super::inconsistent;
use super::pack::{BLOCK, pack, unpack, width};
use crate::image::ImageError;

/// Widths up to here cannot overflow when a block's gaps are added up: `2^31 + 128 * 2^24 <= 2^32`.
const MAX_SAFE_WIDTH: u8 = 24;

/// The most bits of a frequency: more than a text can have terms.
const MAX_TF_WIDTH: u8 = 28;

/// Decoded postings. Behind the last are entries that no document has.
#[derive(Clone)]
pub(in crate::text) struct Postings {
    pub(in crate::text) entries: [u32; BLOCK],
    pub(in crate::text) tfs: [u32; BLOCK],
    pub(in crate::text) len: usize,
    /// Deltas of positions, those of each posting from 0; empty unless they were asked for.
    pub(in crate::text) positions: Vec<u32>,
}

impl Default for Postings {
    fn default() -> Self {
        Self { entries: [0; BLOCK], tfs: [0; BLOCK], len: 0, positions: Vec::new() }
    }
}

impl Postings {
    pub(in crate::text) fn entries(&self) -> &[u32] {
        &self.entries[..self.len]
    }

    pub(in crate::text) fn tfs(&self) -> &[u32] {
        &self.tfs[..self.len]
    }

    /// Reads a block of `len` postings, at most [`BLOCK`], whose entries are `first` or higher. Whether
    /// they are too high the caller sees in the last of them.
    pub(super) fn read(
        &mut self,
        mut bytes: &[u8],
        len: usize,
        first: u32,
        with_positions: bool,
    ) -> Result<(), ImageError> {
        self.len = 0;
        let rest = &mut bytes;
        self.read_entries(rest, len, first)
            .ok_or_else(|| inconsistent("a block has entries of the segment"))?;
        self.positions.clear();
        if with_positions {
            self.read_positions(rest, len)
                .ok_or_else(|| inconsistent("a block has its positions"))?;
        }
        self.len = len;
        self.finish();
        Ok(())
    }

    /// Leaves no entry behind the last.
    #[inline]
    pub(in crate::text) fn finish(&mut self) {
        self.entries[self.len..].fill(u32::MAX);
    }

    /// The only place at which `entry` may stand: so many steps for every entry, and no branch.
    #[inline]
    pub(in crate::text) fn place(&self, entry: u32) -> usize {
        let mut place = 0;
        for step in [64, 32, 16, 8, 4, 2, 1] {
            place += step * usize::from(self.entries[place + step - 1] < entry);
        }
        place
    }

    #[inline]
    fn read_entries(&mut self, rest: &mut &[u8], len: usize, first: u32) -> Option<()> {
        let ([gap_width, tf_width], packed) = rest.split_first_chunk()?;
        if *tf_width > MAX_TF_WIDTH {
            return None;
        }
        *rest = packed;
        unpack(rest, len, *gap_width, &mut self.entries)?;
        unpack(rest, len, *tf_width, &mut self.tfs)?;
        let mut next = first;
        if *gap_width <= MAX_SAFE_WIDTH {
            // Four at a time wait for one addition, not for four.
            for row in self.entries.as_chunks_mut().0 {
                let [a, b, c, d] = *row;
                let (ab, cd) = (a.wrapping_add(b), c.wrapping_add(d));
                let ends = [
                    a,
                    ab.wrapping_add(1),
                    ab.wrapping_add(c).wrapping_add(2),
                    ab.wrapping_add(cd).wrapping_add(3),
                ];
                *row = ends.map(|end| next.wrapping_add(end));
                next = row[3].wrapping_add(1);
            }
        } else {
            for entry in &mut self.entries[..len] {
                *entry = next.checked_add(*entry)?;
                next = entry.checked_add(1)?;
            }
        }
        for tf in &mut self.tfs[..len] {
            *tf += 1;
        }
        Some(())
    }

    fn read_positions(&mut self, rest: &mut &[u8], len: usize) -> Option<()> {
        let mut left = self.tfs[..len].iter().map(|&tf| u64::from(tf)).sum::<u64>();
        let mut chunk = [0; BLOCK];
        while left > 0 {
            let count = left.min(BLOCK as u64) as usize;
            let (&width, packed) = rest.split_first()?;
            if width < least_width(left) {
                return None;
            }
            *rest = packed;
            unpack(rest, count, width, &mut chunk)?;
            self.positions.extend_from_slice(&chunk[..count]);
            left -= count as u64;
        }
        Some(())
    }
}

/// Appends a block: entries from `first` on, and the deltas of all positions, if they are kept.
pub(super) fn write(
    first: u32,
    entries: &[u32],
    tfs: &[u32],
    positions: Option<&[u32]>,
    into: &mut Vec<u8>,
) {
    let mut scratch = [0; BLOCK];
    let mut next = first;
    for (gap, &entry) in scratch.iter_mut().zip(entries) {
        *gap = entry - next;
        next = entry + 1;
    }
    let gaps = &scratch[..entries.len()];
    let gap_width = width(gaps);
    let head = into.len();
    into.extend_from_slice(&[gap_width, 0]);
    pack(gaps, gap_width, into);
    for (less, &tf) in scratch.iter_mut().zip(tfs) {
        *less = tf - 1;
    }
    let tfs = &scratch[..tfs.len()];
    let tf_width = width(tfs);
    into[head + 1] = tf_width;
    pack(tfs, tf_width, into);
    let mut rest = positions.unwrap_or_default();
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(rest.len().min(BLOCK));
        let width = width(chunk).max(least_width(rest.len() as u64));
        into.push(width);
        pack(chunk, width, into);
        rest = behind;
    }
}

/// Of a chunk of positions that this many are left for: without it a few bytes could name positions
/// without end.
fn least_width(left: u64) -> u8 {
    u8::from(left > (BLOCK * BLOCK) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Postings {
        /// Has these entries, and how often each has the term.
        pub(in crate::text) fn set(&mut self, postings: &[(u32, u32)]) {
            self.len = postings.len();
            for (i, &posting) in postings.iter().enumerate() {
                (self.entries[i], self.tfs[i]) = posting;
            }
            self.finish();
        }
    }

    #[test]
    fn an_entry_is_found_at_its_place() {
        let mut postings = Postings::default();
        for len in [0, 1, 2, 63, 64, 65, 127, 128] {
            postings.set(&(0..len).map(|i| (i * 3 + 1, 1)).collect::<Vec<_>>());
            for entry in 0..len * 3 + 5 {
                let found = postings.entries[postings.place(entry)] == entry;
                assert_eq!(found, entry % 3 == 1 && entry < len * 3, "{entry} of {len}");
            }
        }
    }
}
