//! Files that end too early, or too late.

use super::trial::Subject;
use crate::file::crash::Rng;
use std::collections::BTreeSet;
use std::fmt::{self, Display};

/// Places of a kind that are tried, of all there are.
const SAMPLE: usize = 20;

/// Another end of the file.
#[derive(Clone, Debug)]
pub(super) enum Cut {
    To(usize),
    /// So many bytes of garbage behind the end.
    By(usize),
}

impl Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cut::To(len) => write!(f, "cut to {len} bytes"),
            Cut::By(more) => write!(f, "{more} bytes of garbage behind the end"),
        }
    }
}

impl Cut {
    pub(super) fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Cut::To(len) => bytes[..*len].to_vec(),
            Cut::By(more) => [bytes, &Rng::new(*more as u64).bytes(*more)].concat(),
        }
    }
}

/// Some of these, drawn without repetition.
fn sample(mut places: Vec<usize>, rng: &mut Rng) -> Vec<usize> {
    let count = places.len().min(SAMPLE);
    for i in 0..count {
        let other = i + rng.below((places.len() - i) as u64) as usize;
        places.swap(i, other);
    }
    places.truncate(count);
    places
}

/// Cuts at borders of everything, and a byte before and behind each.
pub(super) fn at_borders(subject: &Subject, rng: &mut Rng) -> Vec<Cut> {
    let len = subject.closed.bytes.len();
    let chunk = subject.live.anatomy.chunk_bytes;
    let head = 64 << 10;
    let mut borders = vec![0, 8, 64, 256, head / 2, head / 2 + 64, head, len];
    borders.extend(sample((0..len).step_by(512).collect(), rng));
    borders.extend(sample((head..len).step_by(4096).collect(), rng));
    borders.extend(sample((head..len).step_by(chunk).collect(), rng));
    let edges = subject.live.ranges.iter().flat_map(|range| [range.start, range.end]);
    borders.extend(sample(edges.collect(), rng));
    let around = borders.iter().flat_map(|at| [at.saturating_sub(1), *at, at + 1]);
    let lengths: BTreeSet<usize> = around.filter(|at| *at < len).collect();
    let longer = [1, 511, 512, 4096, chunk - len % chunk, chunk, 3 * chunk + 7];
    lengths.into_iter().map(Cut::To).chain(longer.map(Cut::By)).collect()
}
