//! Changed bits, bytes and short runs of bytes.

use super::trial::Subject;
use crate::file::REDB_HEADER_LEN;
use crate::file::crash::Rng;
use std::fmt::{self, Display};
use std::ops::Range;

/// Most bytes of a burst.
const MAX_BURST: u64 = 16;
/// Shorter than this are only the ranges that tell of others.
const PAGE: usize = 4096;

/// Bytes that differ, each by a pattern that is not zero.
#[derive(Clone, Debug)]
pub(super) struct Flip {
    at: usize,
    xor: Vec<u8>,
}

impl Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bytes from {} on ^ {:02x?}", self.at, self.xor)
    }
}

impl Flip {
    /// A flip at a place of one's choice: a bit, a byte, or a burst.
    pub(super) fn at(at: usize, rng: &mut Rng) -> Flip {
        let any = |rng: &mut Rng| 1 + rng.below(255) as u8;
        let xor = match rng.below(3) {
            0 => vec![1 << rng.below(8)],
            1 => vec![any(rng)],
            _ => (0..2 + rng.below(MAX_BURST - 1)).map(|_| any(rng)).collect(),
        };
        Flip { at, xor }
    }

    pub(super) fn kind(&self) -> &'static str {
        match &*self.xor {
            [one] if one.is_power_of_two() => "flips of a bit",
            [_] => "flips of a byte",
            _ => "flips of some bytes",
        }
    }

    pub(super) fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (byte, xor) in bytes[self.at..].iter_mut().zip(&self.xor) {
            *byte ^= xor;
        }
        bytes
    }
}

/// Flips all over a file: half of them in bytes that are not zero, for most of a young file is
/// empty; a quarter in what is live; and the rest anywhere.
pub(super) fn anywhere(subject: &Subject, count: usize, rng: &mut Rng) -> Vec<Flip> {
    let bytes = &subject.closed.bytes;
    let written: Vec<usize> = (0..bytes.len()).filter(|i| bytes[*i] != 0).collect();
    let live = &subject.live.ranges;
    let place = |rng: &mut Rng| match rng.below(4) {
        0 | 1 => written[rng.below(written.len() as u64) as usize],
        2 => {
            let range = &live[rng.below(live.len() as u64) as usize];
            range.start + rng.below(range.len().max(1) as u64) as usize
        }
        _ => rng.below(bytes.len() as u64) as usize,
    };
    let mut flips = Vec::new();
    while flips.len() < count {
        let at = place(rng);
        if at < bytes.len() {
            flips.push(Flip::at(at, rng));
        }
    }
    flips
}

/// One flip of every byte that says how the rest is to be read: slots, maps, redb's header, the
/// checksums of pages and segments.
pub(super) fn of_every_byte_about_others(subject: &Subject, rng: &mut Rng) -> Vec<Flip> {
    let is_short = |range: &&Range<usize>| range.len() < PAGE;
    let header = subject.live.anatomy.header.start;
    let ranges = subject.live.ranges.iter().filter(is_short).cloned();
    ranges
        .chain(std::iter::once(header..header + REDB_HEADER_LEN))
        .flatten()
        .filter(|at| *at < subject.closed.bytes.len())
        .map(|at| Flip { at, xor: vec![1 << rng.below(8)] })
        .collect()
}
