//! How far a score can lie from what the codes say: the proof that the scan is exact.
//!
//! Let `v` be a stored vector and `q` a query (both normalised under cosine), `v̂` and `q̂` what
//! their codes decode to. Then
//!
//! ```text
//! q·v − q̂·v̂  =  q·(v − v̂) + (q − q̂)·v̂      so, by Cauchy and Schwarz,
//! |q·v − q̂·v̂|  ≤  |q| |v − v̂| + |q − q̂| |v̂|      with |v̂| ≤ |v| + |v − v̂|.
//! ```
//!
//! Both `|v − v̂|` and `|v|` are kept with each code, rounded up, and those of the query are computed
//! once. They are measured on the code as it is, so that it does not matter why it differs: that a
//! component was rounded, or cut off.
//! Entries are ranked by a *key*, which grows with the score: the score itself under cosine and dot,
//! and `2 q·v − |v|² = |q|² − |q − v|²` under L2, so that one linear form serves all three.
//! The same holds with the upper plane in place of the code, where `v̂` is what it decodes to alone.
//! Coding what the query's code leaves of it once more makes the second term a hundred times smaller:
//! [`Probe::refined_bounds`] halves the interval of those few entries that are worth another dot product.
//!
//! Cauchy and Schwarz allow for an error that points straight along the other vector. That of a rounded
//! code points anywhere, and of `d` directions one takes about `1 / √d` of it. What a walk has found is no
//! more than likely to be the nearest anyway, so that bounds that are as good as certain are enough to tell
//! which of it are ([`Surety`]).
//!
//! **Invariant:** the key of the score that [`Metric::score`] computes lies within proven bounds: the
//! rounding of that computation, and of this one, is allowed for. Only the scan calls it.

use super::kernels::Kernel;
use super::metric::{Metric, Sums, norm};
use super::planes::Code;
use super::quantize::{Clip, Form, Measure, ROUNDING, components, encode, scale_of};

/// Relative allowance for `|v|²` computed from `|v|` as `f32`.
const SQUARE_ROUNDING: f64 = 1.0 / (1 << 21) as f64;

/// Allowance for the same per unit of `|v|`, where `f32` is subnormal and its steps are of one size.
const SUBNORMAL_ROUNDING: f64 = 4.0 * f32::from_bits(1) as f64;

/// An interval that holds the key of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) lower: f64,
    pub(super) upper: f64,
}

impl Bounds {
    #[inline]
    fn around(estimate: f64, slack: f64) -> Self {
        Self { lower: estimate - slack, upper: estimate + slack }
    }

    /// Is even the best that the entry can be below `threshold`? Bounds that overflowed say no.
    #[inline]
    pub(super) fn is_below(self, threshold: f64) -> bool {
        self.upper < threshold
    }

    /// The interval, with whatever overflowed opened to infinity.
    pub(super) fn widened(self) -> Self {
        if self.lower.is_finite() && self.upper.is_finite() {
            self
        } else {
            Self { lower: f64::NEG_INFINITY, upper: f64::INFINITY }
        }
    }

    /// What both intervals say.
    pub(super) fn and(self, other: Self) -> Self {
        Self { lower: self.lower.max(other.lower), upper: self.upper.min(other.upper) }
    }
}

/// How sure bounds are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surety {
    /// They hold whatever the vectors.
    Proven,
    /// They hold but for one of a million entries, where errors point anywhere: codes are of turned
    /// components, none of which was cut off.
    Likely,
}

/// Standard deviations of an error that likely bounds allow for.
const DEVIATIONS: f64 = 5.0;

impl Surety {
    /// What bounds allow for of the largest error that there can be.
    fn share(self, dimension: usize) -> f64 {
        match self {
            Self::Proven => 1.0,
            Self::Likely => f64::min(1.0, DEVIATIONS / (dimension as f64).sqrt()),
        }
    }
}

/// How far a key can lie from what codes say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slack {
    /// Per unit of the residual of an entry.
    per_residual: f64,
    /// Per unit of the norm of an approximation.
    per_norm: f64,
    /// The same where the rest of the query is accounted for.
    per_norm_refined: f64,
    /// Whatever the entry.
    constant: f64,
}

/// A query, with all that its bounds need.
#[derive(Debug)]
pub(super) struct Probe {
    code: Code,
    /// The code of what `code` leaves of the query.
    rest: Code,
    metric: Metric,
    /// Norm of the query as given.
    query_norm: f64,
    /// How often the dot product goes into the key.
    dots_in_key: f64,
    /// How often `|v|²` is taken off the key.
    squares_in_key: f64,
    /// What a unit of the integer dot product, at scale one, adds to the key.
    per_dot: f64,
    /// The same of the dot product with the rest.
    per_rest: f64,
    /// At least its norm as it is compared.
    length: f64,
    /// At least what its code leaves of it, and what both codes do.
    residuals: [f64; 2],
}

impl Probe {
    /// Prepares `query`, which [`Metric::check`] has passed. It is never clipped: what was cut off it
    /// would widen the bounds of every entry.
    pub(super) fn new(kernel: Kernel, metric: Metric, query: &[f32]) -> Self {
        kernel.wide(|| Self::of(metric, query))
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the registers of its caller")]
    fn of(metric: Metric, query: &[f32]) -> Self {
        let query_norm = norm(query);
        let mut parts = Vec::new();
        components(metric, query, query_norm, &mut parts);
        let scale = f64::from(scale_of(&parts, Clip::default(), &mut Vec::new()));
        let mut code = Code::default();
        let residual = encode(&parts, scale, &mut code) * (1.0 + ROUNDING);
        for (part, byte) in parts.iter_mut().zip(code.bytes()) {
            *part -= scale * f64::from(byte.cast_signed());
        }
        let rest_scale = f64::from(scale_of(&parts, Clip::default(), &mut Vec::new()));
        let mut rest = Code::default();
        let rest_residual = encode(&parts, rest_scale, &mut rest) * (1.0 + ROUNDING);
        let length = if metric == Metric::Cosine { 1.0 } else { query_norm } * (1.0 + ROUNDING);
        let (dots_in_key, squares_in_key) =
            if metric == Metric::L2 { (2.0, 1.0) } else { (1.0, 0.0) };
        Self {
            code,
            rest,
            metric,
            query_norm,
            dots_in_key,
            squares_in_key,
            per_dot: dots_in_key * scale,
            per_rest: dots_in_key * rest_scale,
            length,
            residuals: [residual, rest_residual],
        }
    }

    /// What bounds allow for that are this sure, of vectors of this dimension.
    pub(super) fn slack(&self, surety: Surety, dimension: usize) -> Slack {
        let Self { dots_in_key, squares_in_key, length, residuals, .. } = *self;
        let errors = dots_in_key * surety.share(dimension);
        let rounding = dots_in_key * ROUNDING * length + squares_in_key * SUBNORMAL_ROUNDING;
        let [per_norm, per_norm_refined] = residuals.map(|residual| errors * residual + rounding);
        let constant = squares_in_key * ROUNDING * length * length;
        Slack { per_residual: errors * length, per_norm, per_norm_refined, constant }
    }

    /// The code of the query.
    #[inline]
    pub(super) fn code(&self) -> &Code {
        &self.code
    }

    /// The code of what that leaves of the query.
    #[inline]
    pub(super) fn rest(&self) -> &Code {
        &self.rest
    }

    /// What the graph compares the query by.
    pub(super) fn measure(&self) -> Measure {
        let scale = (self.per_dot / self.dots_in_key) as f32;
        Measure { scale, norm: self.query_norm as f32 }
    }

    /// Bounds of an entry from the dot product of the codes.
    #[inline]
    pub(super) fn bounds(&self, slack: &Slack, dot: i32, form: Form) -> Bounds {
        let product = self.per_dot * f64::from(form.scale) * f64::from(dot);
        self.bounds_around(product, slack, slack.per_norm, form, form.residual)
    }

    /// Wider bounds of an entry, from the dot product with its upper plane alone.
    #[inline]
    pub(super) fn coarse_bounds(&self, slack: &Slack, high: i32, form: Form) -> Bounds {
        let product = self.per_dot * f64::from(form.scale) * self.code.estimate(high);
        self.bounds_around(product, slack, slack.per_norm, form, form.coarse)
    }

    /// Narrower bounds of an entry, from the dot products of its code with those of the query and of its
    /// rest.
    pub(super) fn refined_bounds(&self, slack: &Slack, dot: i32, rest: i32, form: Form) -> Bounds {
        let dots = self.per_dot * f64::from(dot) + self.per_rest * f64::from(rest);
        let product = f64::from(form.scale) * dots;
        self.bounds_around(product, slack, slack.per_norm_refined, form, form.residual)
    }

    #[inline]
    fn bounds_around(
        &self,
        product: f64,
        slack: &Slack,
        per_norm: f64,
        form: Form,
        residual: f32,
    ) -> Bounds {
        let (residual, norm) = (f64::from(residual), f64::from(form.norm));
        let square = self.squares_in_key * norm * norm;
        let slack = slack.per_residual * residual
            + per_norm * (norm + residual)
            + SQUARE_ROUNDING * square
            + slack.constant;
        Bounds::around(product - square, slack)
    }

    /// The exact score of a full-precision vector.
    pub(super) fn score(&self, kernel: Kernel, query: &[f32], vector: &[f32]) -> f64 {
        match self.metric {
            Metric::Cosine => {
                let Sums { product, square } = kernel.sums(query, vector);
                product / (self.query_norm * square.sqrt())
            }
            metric => metric.score(query, vector),
        }
    }

    /// The key of an exact score.
    pub(super) fn key(&self, score: f64) -> f64 {
        match self.metric {
            Metric::L2 => self.query_norm * self.query_norm - score * score,
            _ => score,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::kernels::bytes_of;
    use super::super::quantize::Quantizer;
    use super::*;
    use proptest::prelude::*;

    fn vector(dimension: usize) -> impl Strategy<Value = Vec<f32>> {
        let component = prop_oneof![
            6 => -1.0_f32..1.0,
            1 => Just(0.0_f32),
            1 => -1e-30_f32..1e-30,
            1 => proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL,
        ];
        let wild = proptest::collection::vec(component, dimension);
        let plain = proptest::collection::vec(-1.0_f32..1.0, dimension);
        let subnormal = proptest::collection::vec(0_u32..1_000, dimension)
            .prop_map(|bits| bits.into_iter().map(f32::from_bits).collect());
        prop_oneof![1 => wild, 2 => plain, 1 => subnormal]
    }

    /// The bounds of a stored vector by its upper plane, its code, and all that is known of the query; and
    /// the key that they are to hold.
    fn bounds_of(
        metric: Metric,
        query: &[f32],
        stored: &[f32],
        clip: Clip,
        surety: Surety,
    ) -> ([Bounds; 3], f64) {
        let kernel = Kernel::detect();
        let probe = Probe::new(kernel, metric, query);
        let slack = probe.slack(surety, query.len());
        let mut quantizer = Quantizer::default();
        let form = quantizer.quantize(kernel, metric, clip, stored);
        let (high, low) = (bytes_of(&quantizer.planes.high), bytes_of(&quantizer.planes.low));
        let rough = kernel.dot(probe.code().bytes(), high);
        let [dot, rest] = [probe.code(), probe.rest()].map(|code| code.dot(kernel, high, low));
        let bounds = [
            probe.coarse_bounds(&slack, rough, form),
            probe.bounds(&slack, dot, form),
            probe.refined_bounds(&slack, dot, rest, form),
        ];
        (bounds.map(Bounds::widened), probe.key(probe.score(kernel, query, stored)))
    }

    #[test]
    fn what_is_likely_holds_and_is_narrower_the_more_components_there_are() {
        let mut state = 5_u64;
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        for (dimension, share) in [(16, 1.0), (100, 0.5), (400, 0.25)] {
            for (round, metric) in
                (0..300).zip([Metric::Cosine, Metric::Dot, Metric::L2].iter().cycle())
            {
                let query: Vec<f32> = (0..dimension).map(|_| number()).collect();
                // From what lies beside the query to what has nothing to do with it.
                let apart = 0.01 * (1 << (round % 10)) as f32;
                let stored: Vec<f32> = query.iter().map(|x| x + apart * number()).collect();
                let of = |surety| bounds_of(*metric, &query, &stored, Clip::default(), surety);
                let ((proven, _), (likely, key)) = (of(Surety::Proven), of(Surety::Likely));
                for (proven, likely) in proven.into_iter().zip(likely) {
                    assert!(likely.lower <= key && key <= likely.upper, "{key} in {likely:?}");
                    let ratio = (likely.upper - likely.lower) / (proven.upper - proven.lower);
                    assert!((ratio - share).abs() < 0.01, "{ratio} of {dimension} components");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_score_lies_within_all_bounds(
            (query, stored) in (1_usize..=130).prop_flat_map(|d| (vector(d), vector(d))),
            metric in prop_oneof![Just(Metric::Cosine), Just(Metric::Dot), Just(Metric::L2)],
            (near, nearness) in (any::<bool>(), prop_oneof![Just(1.0_f32), Just(1.001)]),
            clip in prop_oneof![Just(1.0_f32), 0.5_f32..=1.0],
        ) {
            // A vector beside the query is where an upper bound that is too low would show.
            let stored = if near { query.iter().map(|x| x * nearness).collect() } else { stored };
            let clip = Clip::new(clip).unwrap();
            prop_assume!(metric.check(query.len(), &query).is_ok());
            prop_assume!(metric.check(query.len(), &stored).is_ok());
            let probe = Probe::new(Kernel::detect(), metric, &query);
            for kernel in Kernel::available() {
                let score = probe.score(kernel, &query, &stored);
                prop_assert_eq!(score.to_bits(), metric.score(&query, &stored).to_bits());
            }
            let (bounds, key) = bounds_of(metric, &query, &stored, clip, Surety::Proven);
            let [rough, coarse, fine] = bounds;
            for bounds in [rough, coarse, fine, coarse.and(fine), rough.and(coarse)] {
                prop_assert!(bounds.lower <= key && key <= bounds.upper, "{key} in {bounds:?}");
                prop_assert!(!bounds.is_below(key));
            }
        }
    }
}
