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
//! [`Probe::refine`] halves the interval of those few entries that are worth another dot product.
//!
//! **Invariant:** the key of the score that [`Metric::score`] computes lies within the bounds: the
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
    /// Slack per unit of the residual of an entry.
    per_residual: f64,
    /// Slack per unit of the norm of an approximation.
    per_norm: f64,
    /// The same where the rest is accounted for.
    per_norm_refined: f64,
    /// Slack whatever the entry.
    constant: f64,
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
        let rounding = dots_in_key * ROUNDING * length + squares_in_key * SUBNORMAL_ROUNDING;
        Self {
            code,
            rest,
            metric,
            query_norm,
            dots_in_key,
            squares_in_key,
            per_dot: dots_in_key * scale,
            per_rest: dots_in_key * rest_scale,
            per_residual: dots_in_key * length,
            per_norm: dots_in_key * residual + rounding,
            per_norm_refined: dots_in_key * rest_residual + rounding,
            constant: squares_in_key * ROUNDING * length * length,
        }
    }

    /// The code of the query.
    #[inline]
    pub(super) fn code(&self) -> &Code {
        &self.code
    }

    /// What the graph compares the query by.
    pub(super) fn measure(&self) -> Measure {
        let scale = (self.per_dot / self.dots_in_key) as f32;
        Measure { scale, norm: self.query_norm as f32 }
    }

    /// Bounds of an entry from the dot product of the codes.
    #[inline]
    pub(super) fn bounds(&self, dot: i32, form: Form) -> Bounds {
        let product = self.per_dot * f64::from(form.scale) * f64::from(dot);
        self.bounds_around(product, self.per_norm, form, form.residual)
    }

    /// Wider bounds of an entry, from the dot product with its upper plane alone.
    #[inline]
    pub(super) fn coarse_bounds(&self, high: i32, form: Form) -> Bounds {
        let product = self.per_dot * f64::from(form.scale) * self.code.estimate(high);
        self.bounds_around(product, self.per_norm, form, form.coarse)
    }

    /// Narrower bounds of an entry, from its planes and all that is known of the query.
    pub(super) fn refine(&self, kernel: Kernel, high: &[u8], low: &[u8], form: Form) -> Bounds {
        let dot = self.per_dot * f64::from(self.code.dot(kernel, high, low));
        let rest = self.per_rest * f64::from(self.rest.dot(kernel, high, low));
        let product = f64::from(form.scale) * (dot + rest);
        self.bounds_around(product, self.per_norm_refined, form, form.residual)
    }

    #[inline]
    fn bounds_around(&self, product: f64, per_norm: f64, form: Form, residual: f32) -> Bounds {
        let (residual, norm) = (f64::from(residual), f64::from(form.norm));
        let square = self.squares_in_key * norm * norm;
        let slack = self.per_residual * residual
            + per_norm * (norm + residual)
            + SQUARE_ROUNDING * square
            + self.constant;
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
            let kernel = Kernel::detect();
            for other in Kernel::available() {
                let score = probe.score(other, &query, &stored);
                prop_assert_eq!(score.to_bits(), metric.score(&query, &stored).to_bits());
            }
            let mut quantizer = Quantizer::default();
            let form = quantizer.quantize(Kernel::detect(), metric, clip, &stored);
            let high = bytes_of(&quantizer.planes.high);
            let low = bytes_of(&quantizer.planes.low);
            let key = probe.key(probe.score(kernel, &query, &stored));
            let rough = kernel.dot(probe.code().bytes(), high);
            let rough = probe.coarse_bounds(rough, form).widened();
            let coarse = probe.bounds(probe.code().dot(kernel, high, low), form).widened();
            let fine = probe.refine(kernel, high, low, form).widened();
            for bounds in [rough, coarse, fine, coarse.and(fine), rough.and(coarse)] {
                prop_assert!(bounds.lower <= key && key <= bounds.upper, "{key} in {bounds:?}");
                prop_assert!(!bounds.is_below(key));
            }
        }
    }
}
