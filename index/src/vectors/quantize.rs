//! From a vector to its int8 code, and what is known about the code's error.
//!
//! **Invariant:** the same vector gives the same code and [`Form`] on every machine, and a form's
//! `residual` and `norm` are never below the true values. Only this folder calls it.

use super::kernels::{LANE_BYTES, Lane, lanes_for};
use super::metric::{Metric, norm};

/// Largest magnitude of a code component: symmetric, as the kernels need it.
const CODE_MAX: f64 = 127.0;

/// Relative allowance for the rounding of sums in `f64`: a sum of 8,192 terms errs by under 1e-12.
pub(super) const ROUNDING: f64 = 1e-10;

/// What the index knows of a stored vector beside its code. Under cosine the vector is the
/// normalised one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Form {
    /// The code times this approximates the vector.
    pub(super) scale: f32,
    /// At least the distance between the vector and its approximation.
    pub(super) residual: f32,
    /// At least the norm of the vector, and above it by less than 2⁻²² of it or two steps of a
    /// subnormal `f32`. Infinite if `f32` cannot hold it.
    pub(super) norm: f32,
}

/// A [`Form`] as it is stored: its fields in order, little-endian.
pub(super) type StoredForm = [[u8; 4]; 3];

impl Form {
    pub(super) fn to_stored(self) -> StoredForm {
        [self.scale, self.residual, self.norm].map(f32::to_le_bytes)
    }

    #[inline]
    pub(super) fn from_stored(stored: &StoredForm) -> Self {
        let [scale, residual, norm] = stored.map(f32::from_le_bytes);
        Self { scale, residual, norm }
    }
}

/// How near two vectors are by their codes, whose dot product is `dot`: what the graph goes by. Under
/// L2 the negated square of the distance.
#[inline]
pub(super) fn similarity(metric: Metric, dot: i32, a: Form, b: Form) -> f32 {
    let product = a.scale * b.scale * dot as f32;
    match metric {
        Metric::L2 => 2.0 * product - a.norm * a.norm - b.norm * b.norm,
        _ => product,
    }
}

/// The components as they are compared: normalised under cosine, as given otherwise.
pub(super) fn components(metric: Metric, vector: &[f32], out: &mut Vec<f64>) {
    let factor = if metric == Metric::Cosine { 1.0 / norm(vector) } else { 1.0 };
    out.clear();
    out.extend(vector.iter().map(|&x| f64::from(x) * factor));
}

/// The scale that makes the largest component [`CODE_MAX`].
pub(super) fn scale_of(components: &[f64]) -> f64 {
    components.iter().fold(0.0_f64, |max, x| max.max(x.abs())) / CODE_MAX
}

/// Writes the code of `components` and returns the distance between them and `scale` times it.
///
/// A scale of zero (no component, or all too small for it) gives a code of zeros.
pub(super) fn encode(components: &[f64], scale: f64, code: &mut Vec<Lane>) -> f64 {
    code.clear();
    code.resize(lanes_for(components.len()), Lane([0; LANE_BYTES]));
    let per_step = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    // Several sums, so that one addition need not wait for the one before.
    let mut squares = [0.0; 8];
    for (lane, components) in code.iter_mut().zip(components.chunks(LANE_BYTES)) {
        for (at, (byte, &x)) in lane.0.iter_mut().zip(components).enumerate() {
            let steps = x * per_step;
            // To the nearest, by truncation: `round` is a library call on older processors.
            let rounded = (steps.clamp(-CODE_MAX, CODE_MAX) + 0.5_f64.copysign(steps)) as i8;
            *byte = rounded.cast_unsigned();
            let error = x - scale * f64::from(rounded);
            squares[at % 8] += error * error;
        }
    }
    squares.iter().sum::<f64>().sqrt()
}

/// Codes a vector that is to be stored. `scratch` saves an allocation per vector.
pub(super) fn quantize(
    metric: Metric,
    vector: &[f32],
    scratch: &mut Vec<f64>,
    code: &mut Vec<Lane>,
) -> Form {
    components(metric, vector, scratch);
    let scale = scale_of(scratch) as f32;
    let residual = encode(scratch, f64::from(scale), code);
    let norm = if metric == Metric::Cosine { 1.0 } else { norm(vector) };
    Form { scale, residual: round_up(residual), norm: round_up(norm) }
}

/// The least `f32` that is not below `x` and its rounding.
fn round_up(x: f64) -> f32 {
    let x = x * (1.0 + ROUNDING);
    let near = x as f32;
    if f64::from(near) < x { near.next_up() } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_form_tells_the_truth(
            vector in proptest::collection::vec(
                prop_oneof![
                    3 => -1.0_f32..1.0,
                    1 => proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL,
                    1 => Just(0.0_f32),
                ],
                1..200,
            ),
        ) {
            let mut code = Vec::new();
            let form = quantize(Metric::Dot, &vector, &mut Vec::new(), &mut code);
            let decoded = |at: usize| {
                let byte = code[at / LANE_BYTES].0[at % LANE_BYTES].cast_signed();
                f64::from(form.scale) * f64::from(byte)
            };
            let squares = vector.iter().enumerate().map(|(at, &x)| (f64::from(x) - decoded(at)).powi(2));
            let residual = squares.sum::<f64>().sqrt();
            prop_assert!(f64::from(form.residual) >= residual);
            // Half a step per component, unless the scale itself is too small for f32.
            let length = (vector.len() as f64).sqrt();
            let step = f64::from(form.scale).max(f64::from(f32::MIN_POSITIVE));
            prop_assert!(f64::from(form.residual) <= 0.51 * step * length);
            prop_assert!(f64::from(form.norm) >= norm(&vector));
            let is_too_large = norm(&vector) * (1.0 + ROUNDING) > f64::from(f32::MAX);
            prop_assert_eq!(form.norm.is_infinite(), is_too_large);
            let least = norm(&vector) * (1.0 + 1e-6) + 1e-44;
            prop_assert!(is_too_large || f64::from(form.norm) <= least);
            prop_assert_eq!(Form::from_stored(&form.to_stored()), form);
        }
    }
}
