//! What the vector tests compare with: brute force, and data to try it on.
//!
//! **Invariant:** nothing here is taken from the index: the score is written down once more.

use std::collections::BTreeMap;
use std::convert::Infallible;

use memlith_index::vectors::{Hit, Metric, SearchLimits, VectorView};
use proptest::prelude::*;
use roaring::RoaringBitmap;

/// Vectors by ordinal.
pub(crate) type Vectors = BTreeMap<u32, Vec<f32>>;

/// Sum in the documented order: eight sums, component `i` into sum `i % 8`.
fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    let mut sums = [0.0; 8];
    for (i, term) in terms.enumerate() {
        sums[i % 8] += term;
    }
    sums.iter().fold(0.0, |total, sum| total + sum)
}

pub(crate) fn score(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let pairs = || a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
    let dot = || sum(pairs().map(|(a, b)| a * b));
    let norm = |v: &[f32]| sum(v.iter().map(|&x| f64::from(x) * f64::from(x))).sqrt();
    match metric {
        Metric::Cosine => dot() / (norm(a) * norm(b)),
        Metric::Dot => dot(),
        _ => 0.0 - sum(pairs().map(|(a, b)| (a - b) * (a - b))).sqrt(),
    }
}

pub(crate) fn brute_force(
    metric: Metric,
    vectors: &Vectors,
    query: &[f32],
    k: usize,
    filter: Option<&RoaringBitmap>,
) -> Vec<Hit> {
    let wanted = vectors.iter().filter(|(ordinal, _)| filter.is_none_or(|f| f.contains(**ordinal)));
    let mut all: Vec<(f64, u32)> =
        wanted.map(|(&ordinal, vector)| (score(metric, query, vector), ordinal)).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    all.truncate(k);
    let shown = |score: f64| (score as f32).clamp(f32::MIN, f32::MAX);
    all.into_iter().map(|(score, ordinal)| Hit { ordinal, score: shown(score) }).collect()
}

/// Searches, fetching from `vectors`; gives the hits and how many vectors were fetched.
pub(crate) fn search(
    view: &VectorView,
    vectors: &Vectors,
    query: &[f32],
    k: usize,
    filter: Option<&RoaringBitmap>,
) -> (Vec<Hit>, usize) {
    let mut fetched = 0;
    let mut fetch = |ordinal: u32, vector: &mut [f32]| {
        fetched += 1;
        vector.copy_from_slice(&vectors[&ordinal]);
        Ok::<(), Infallible>(())
    };
    let hits = view.search(query, k, filter, SearchLimits::none(), &mut fetch);
    (hits.expect("every vector can be fetched"), fetched)
}

/// Random numbers: the tests need many, and only their seed to shrink.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound as u64) as usize
    }

    /// From −1 to 1, peaked at 0.
    pub(crate) fn number(&mut self) -> f32 {
        let mut uniform = || (self.bits() >> 40) as f32 / (1 << 24) as f32;
        uniform() + uniform() - 1.0
    }
}

/// What vectors look like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Scattered,
    /// Near one of a few centres, as embeddings are.
    Clustered,
    /// Close together and far from the origin: distances are small differences of large numbers.
    Distant,
    /// Few distinct vectors: ties.
    Duplicated,
    /// Multiples of the axes: codes are exact, ties are common.
    AxisAligned,
    /// Magnitudes from the smallest to the largest that f32 has, within one vector.
    WideRange,
    /// Norms that square to nothing in f32.
    Tiny,
}

pub(crate) fn kinds() -> impl Strategy<Value = Kind> {
    use Kind::{AxisAligned, Clustered, Distant, Duplicated, Scattered, Tiny, WideRange};
    proptest::sample::select(vec![
        Scattered,
        Clustered,
        Distant,
        Duplicated,
        AxisAligned,
        WideRange,
        Tiny,
    ])
}

pub(crate) fn metrics() -> impl Strategy<Value = Metric> {
    proptest::sample::select(vec![Metric::Cosine, Metric::Dot, Metric::L2])
}

/// A vector that every metric takes.
pub(crate) fn vector(kind: Kind, dimension: usize, random: &mut Random) -> Vec<f32> {
    let centre = random.below(5) as u64;
    let mut around = Random(centre);
    let axis = random.below(dimension);
    let mut component = |i: usize| match kind {
        Kind::Scattered => random.number(),
        Kind::Clustered => around.number() + 0.05 * random.number(),
        Kind::Distant => 1_000.0 + 0.01 * random.number(),
        Kind::Duplicated => around.number(),
        Kind::AxisAligned => f32::from(u8::from(i == axis)) * (centre as f32 - 2.0),
        Kind::WideRange => random.number() * 10_f32.powi(random.below(84) as i32 - 45),
        Kind::Tiny => random.number() * f32::MIN_POSITIVE,
    };
    let mut vector: Vec<f32> = (0..dimension).map(&mut component).collect();
    if vector.iter().all(|&x| x == 0.0) {
        vector[0] = f32::from_bits(1);
    }
    vector
}
