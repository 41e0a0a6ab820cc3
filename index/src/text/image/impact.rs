//! Impacts: what the documents of a block can score at most, whatever the parameters.
//!
//! A score grows with the frequency of a term and falls with the length of the document. Of a block it
//! is enough to keep the pairs of both that no other pair beats; two points stand above all of them.
//!
//! **Invariant:** for every document that was added there is a point of at least its frequency and at
//! most its length.

use crate::text::bm25::{Bm25, Collection, Formula};

/// Frequencies from here on count as without a limit.
const MAX_TF: usize = u8::MAX as usize;

/// A frequency and a length that together score at least as much as some documents do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::text) struct Point {
    pub(in crate::text) tf: u32,
    pub(in crate::text) length: u32,
}

/// Two points, the second for the more frequent; one of the frequency 0 stands for no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::text) struct Impacts(pub(in crate::text) [Point; 2]);

/// Bytes of encoded impacts.
pub(super) const IMPACTS_BYTES: usize = 4;

impl Impacts {
    /// Of documents of which nothing is known.
    pub(in crate::text) const ANY: Self =
        Self([Point { tf: 0, length: 0 }, Point { tf: u32::MAX, length: 0 }]);

    pub(super) fn to_bytes(self) -> [u8; IMPACTS_BYTES] {
        let [a, b] = self.0;
        let tf = |point: Point| point.tf.min(MAX_TF as u32) as u8;
        [tf(a), length_code(a.length), tf(b), length_code(b.length)]
    }

    pub(super) fn from_bytes([a_tf, a_length, b_tf, b_length]: [u8; IMPACTS_BYTES]) -> Self {
        let point = |tf, code| Point {
            tf: if usize::from(tf) == MAX_TF { u32::MAX } else { u32::from(tf) },
            length: length_of(code),
        };
        Self([point(a_tf, a_length), point(b_tf, b_length)])
    }
}

/// Gathers impacts.
#[derive(Clone)]
pub(super) struct Gatherer {
    /// The least length by frequency.
    least: [u32; MAX_TF + 1],
    most: usize,
    /// Of the segment; decides only between ways of covering alike.
    formula: Formula,
}

impl Gatherer {
    pub(super) fn new(collection: Collection) -> Self {
        let formula = Formula::new(Bm25::default(), collection);
        Self { least: [u32::MAX; MAX_TF + 1], most: 0, formula }
    }

    pub(super) fn add(&mut self, tf: u32, length: u32) {
        let tf = (tf as usize).min(MAX_TF);
        self.least[tf] = self.least[tf].min(length);
        self.most = self.most.max(tf);
    }

    /// The two points that bound what was added most tightly; begins anew.
    pub(super) fn finish(&mut self) -> Impacts {
        let mut frontier = Vec::with_capacity(8);
        let mut least = u32::MAX;
        for tf in (1..=self.most).rev() {
            let length = std::mem::replace(&mut self.least[tf], u32::MAX);
            if length < least {
                least = length;
                frontier.push(Point { tf: tf as u32, length });
            }
        }
        self.most = 0;
        frontier.reverse();
        let (Some(&rarest), Some(&often)) = (frontier.first(), frontier.last()) else {
            return Impacts([Point { tf: 0, length: 0 }; 2]);
        };
        let score = |point: Point| self.formula.share(point.tf, point.length);
        let split = |at: usize| {
            let low = Point { tf: frontier[at - 1].tf, length: rarest.length };
            [low, Point { tf: often.tf, length: frontier[at].length }]
        };
        (1..frontier.len())
            .map(split)
            .min_by(|a, b| {
                let [a, b] = [a, b].map(|[low, high]| score(*low).max(score(*high)));
                a.total_cmp(&b)
            })
            .map_or(Impacts([Point { tf: 0, length: 0 }, often]), Impacts)
    }
}

/// Lengths up to here are coded as they are.
const EXACT: u32 = 128;

/// The length, rounded down to a quarter of a power of two.
fn length_code(length: u32) -> u8 {
    if length < EXACT {
        return length as u8;
    }
    let exponent = length.ilog2();
    (EXACT + (exponent - EXACT.ilog2()) * 4 + (length >> (exponent - 2) & 3)) as u8
}

fn length_of(code: u8) -> u32 {
    let code = u32::from(code);
    if code < EXACT {
        return code;
    }
    let exponent = (EXACT.ilog2() + (code - EXACT) / 4).min(u32::BITS - 1);
    (4 + code % 4) << (exponent - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_rounded_down_and_not_far() {
        for length in (0..5000).chain([65_535, 65_536, 1 << 31, u32::MAX]) {
            let coded = length_of(length_code(length));
            assert!(
                coded <= length && u64::from(length) < u64::from(coded) * 5 / 4 + 1,
                "{length}"
            );
        }
        assert!((0..=length_code(u32::MAX)).map(length_of).is_sorted());
    }

    #[test]
    fn a_point_stands_above_every_document() {
        let mut gatherer = Gatherer::new(Collection { documents: 10, length: 100 });
        for documents in [
            vec![(1, 5)],
            vec![(1, 5), (2, 5), (3, 9), (3, 8), (300, 1000), (1, 2)],
            vec![(7, 3), (1, 3), (2, 2), (900, 0)],
        ] {
            for &(tf, length) in &documents {
                gatherer.add(tf, length);
            }
            let Impacts(points) = Impacts::from_bytes(gatherer.finish().to_bytes());
            for (tf, length) in documents {
                assert!(points.iter().any(|p| p.tf >= tf && p.length <= length), "{tf} {length}");
            }
        }
        assert_eq!(gatherer.finish().0[1].tf, 0);
    }
}
