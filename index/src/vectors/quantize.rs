//! From a vector to its int8 code, and what is known about the code's error.
//!
//! **Invariant:** the same vector gives the same code and [`Form`] on every machine, and a form's
//! `residual`, `norm` and `coarse` are never below the true values. Only this folder calls it.

use super::kernels::Kernel;
use super::metric::{Metric, norm};
use super::planes::{Code, Planes, coarse};
use super::turn::turn;

/// Largest magnitude of a code component: symmetric, as the kernels need it.
const CODE_MAX: f64 = 127.0;

/// What added to a small number leaves its nearest integer in the lowest bits: a conversion that
/// vector units have even where they have none of `f64` to `i8`.
const NEAREST: f64 = (3_u64 << 51) as f64;

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
    /// At least the distance between the vector and what its upper plane alone decodes to.
    pub(super) coarse: f32,
}

/// The scale of a [`Form`] as it is stored, little-endian: apart, since a walk reads little else.
pub(super) type StoredScale = [u8; 4];

/// Residual, norm and coarse residual of a [`Form`] as they are stored, little-endian.
pub(super) type StoredMargins = [[u8; 4]; 3];

impl Form {
    pub(super) fn to_stored(self) -> (StoredScale, StoredMargins) {
        let margins = [self.residual, self.norm, self.coarse].map(f32::to_le_bytes);
        (self.scale.to_le_bytes(), margins)
    }

    #[inline]
    pub(super) fn from_stored(scale: StoredScale, margins: StoredMargins) -> Self {
        let [residual, norm, coarse] = margins.map(f32::from_le_bytes);
        Self { scale: f32::from_le_bytes(scale), residual, norm, coarse }
    }
}

/// The forms of a run of entries, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Forms<'a> {
    pub(super) scales: &'a [StoredScale],
    pub(super) margins: &'a [StoredMargins],
}

impl Forms<'_> {
    pub(super) fn len(self) -> usize {
        self.scales.len()
    }

    /// The first one.
    ///
    /// # Panics
    /// If there is none.
    pub(super) fn first(self) -> Form {
        Form::from_stored(self.scales[0], self.margins[0])
    }

    #[inline]
    pub(super) fn iter(self) -> impl Iterator<Item = Form> {
        let forms = self.scales.iter().zip(self.margins);
        forms.map(|(scale, margins)| Form::from_stored(*scale, *margins))
    }
}

/// What the graph needs of a [`Form`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    pub(super) scale: f32,
    /// Under L2; nobody asks for it else.
    pub(super) norm: f32,
}

/// How near two vectors are by their codes, whose dot product is `dot`: what the graph goes by. Under
/// L2 the negated square of the distance.
#[inline]
pub(super) fn similarity(metric: Metric, dot: f32, a: Measure, b: Measure) -> f32 {
    let product = a.scale * b.scale * dot;
    match metric {
        Metric::L2 => 2.0 * product - a.norm * a.norm - b.norm * b.norm,
        _ => product,
    }
}

/// The square of the distance of what is this similar: half of it under cosine, where it is that of the normalised
/// vectors. Under dot, which knows no distances, it is only what [`similar_at`] turns back.
#[inline]
pub(super) fn gap(metric: Metric, similarity: f32) -> f32 {
    match metric {
        Metric::Cosine => 1.0 - similarity,
        _ => -similarity,
    }
}

/// How similar what has this [`gap`] is.
#[inline]
pub(super) fn similar_at(metric: Metric, gap: f32) -> f32 {
    match metric {
        Metric::Cosine => 1.0 - gap,
        _ => -gap,
    }
}

/// The components of a vector of this norm as they are compared: normalised under cosine, as given
/// otherwise; and turned.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the registers of its caller")]
pub(super) fn components(metric: Metric, vector: &[f32], norm: f64, out: &mut Vec<f64>) {
    let factor = if metric == Metric::Cosine { 1.0 / norm } else { 1.0 };
    out.clear();
    out.extend(vector.iter().map(|&x| f64::from(x) * factor));
    turn(out);
}

/// Which component of a turned vector, by magnitude, its code holds as its largest: what is beyond is cut to
/// it. By default the largest, and nothing is cut.
///
/// Where a few components stand out, a lower quantile leaves finer steps to all the others. What
/// a code gets wrong is known either way, so that it changes how fast a search is, and never what an
/// exact one answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip(f32);

impl Default for Clip {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Clip {
    /// The quantile of the magnitudes of a vector's components, 0.5 to 1, or `None`.
    pub fn new(quantile: f32) -> Option<Self> {
        (0.5..=1.0).contains(&quantile).then_some(Self(quantile))
    }

    /// The quantile.
    pub fn quantile(self) -> f32 {
        self.0
    }

    /// The least magnitude that the quantile of all are not above.
    fn limit(self, components: &[f64], scratch: &mut Vec<f64>) -> f64 {
        let last = components.len().saturating_sub(1);
        // In f32, where a hundred times 0.99 is 99.
        let place = (self.0 * components.len() as f32).ceil() as usize;
        let place = place.saturating_sub(1).min(last);
        if place == last {
            return largest(components);
        }
        scratch.clear();
        scratch.extend(components.iter().map(|x| x.abs()));
        *scratch.select_nth_unstable_by(place, f64::total_cmp).1
    }
}

/// How many sums or maxima are kept of one run of components, so that one need not wait for another.
const LANES: usize = 8;

/// The largest magnitude of finite components.
fn largest(components: &[f64]) -> f64 {
    let mut most = [0.0_f64; LANES];
    let (whole, rest) = components.as_chunks::<LANES>();
    for run in whole {
        for (most, x) in most.iter_mut().zip(run) {
            *most = if x.abs() > *most { x.abs() } else { *most };
        }
    }
    most.iter().chain(rest).fold(0.0, |max, x| max.max(x.abs()))
}

/// The scale by which `clip` fits the components into [`CODE_MAX`].
pub(super) fn scale_of(components: &[f64], clip: Clip, scratch: &mut Vec<f64>) -> f32 {
    let scale = (clip.limit(components, scratch) / CODE_MAX) as f32;
    if scale > 0.0 {
        return scale;
    }
    // Most components are nothing: by their own scale the others would be, too.
    (Clip::default().limit(components, scratch) / CODE_MAX) as f32
}

/// Writes the code of `components` and returns the distance between them and `scale` times it.
///
/// A scale of zero (no component, or all too small for it) gives a code of zeros.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the registers of its caller")]
pub(super) fn encode(components: &[f64], scale: f64, code: &mut Code) -> f64 {
    let per_step = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    code.fill(components, |x| {
        let steps = (x * per_step).clamp(-CODE_MAX, CODE_MAX);
        // Beside this sum lie integers alone, whose lowest byte is the nearest of them.
        (steps + NEAREST).to_bits() as i8
    });
    distance(components, code, |component| scale * f64::from(component))
}

/// The distance between `components` and what `decode` makes of their code.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the registers of its caller")]
fn distance(components: &[f64], code: &Code, decode: impl Fn(i8) -> f64) -> f64 {
    let mut squares = [0.0; LANES];
    let mut add = |components: &[f64], bytes: &[u8; LANES]| {
        for ((square, x), byte) in squares.iter_mut().zip(components).zip(bytes) {
            let error = x - decode(byte.cast_signed());
            *square += error * error;
        }
    };
    // A code is padded, so that there are bytes beside the rest, too.
    let (whole, rest) = components.as_chunks::<LANES>();
    let (bytes, _) = code.bytes().as_chunks::<LANES>();
    for (components, bytes) in whole.iter().zip(bytes) {
        add(components, bytes);
    }
    if let Some(bytes) = bytes.get(whole.len()) {
        add(rest, bytes);
    }
    squares.iter().sum::<f64>().sqrt()
}

/// Codes vectors that are to be stored, and keeps the memory that this takes.
#[derive(Default)]
pub(super) struct Quantizer {
    parts: Vec<f64>,
    scratch: Vec<f64>,
    code: Code,
    /// The planes of the last vector.
    pub(super) planes: Planes,
}

impl Quantizer {
    /// Codes a vector.
    pub(super) fn quantize(
        &mut self,
        kernel: Kernel,
        metric: Metric,
        clip: Clip,
        vector: &[f32],
    ) -> Form {
        kernel.wide(|| self.code(metric, clip, vector))
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the registers of its caller")]
    fn code(&mut self, metric: Metric, clip: Clip, vector: &[f32]) -> Form {
        let Self { parts, scratch, code, planes } = self;
        let length = norm(vector);
        components(metric, vector, length, parts);
        let scale = scale_of(parts, clip, scratch);
        let residual = encode(parts, f64::from(scale), code);
        let rough = distance(parts, code, |component| f64::from(scale) * coarse(component));
        planes.set(code);
        let norm = if metric == Metric::Cosine { 1.0 } else { length };
        Form { scale, residual: round_up(residual), norm: round_up(norm), coarse: round_up(rough) }
    }
}

/// The least `f32` that is not below `x` and its rounding.
fn round_up(x: f64) -> f32 {
    let x = x * (1.0 + ROUNDING);
    let near = x as f32;
    if f64::from(near) < x { near.next_up() } else { near }
}

#[cfg(test)]
mod tests {
    use super::super::kernels::bytes_of;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_beyond_the_quantile_is_cut_and_the_others_get_finer_steps() {
        let mut components: Vec<f64> = (1..=100_u8).map(|x| f64::from(x) / 100.0).collect();
        components[7] = -500.0;
        let scale = |components: &[f64], quantile| {
            let clip = Clip::new(quantile).unwrap();
            f64::from(scale_of(components, clip, &mut Vec::new()))
        };
        let [whole, cut] = [1.0, 0.99].map(|quantile| scale(&components, quantile));
        assert!((whole - 500.0 / 127.0).abs() < 1e-6);
        assert!((cut - 1.0 / 127.0).abs() < 1e-9);
        let error = encode(&components, cut, &mut Code::default());
        assert!((error - 499.0).abs() < 0.1, "the error is that of the one cut off");
        // The quantile of a sparse vector is nothing.
        let sparse: Vec<f64> = (0..100).map(|at| if at == 3 { 2.0 } else { 0.0 }).collect();
        let scale = scale(&sparse, 0.5);
        assert!(scale > 0.015 && encode(&sparse, scale, &mut Code::default()) < 1e-6);
        for refused in [0.49, 1.01, f32::NAN, f32::INFINITY] {
            assert_eq!(Clip::new(refused), None);
        }
    }

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
            clip in prop_oneof![Just(1.0_f32), 0.5_f32..=1.0],
        ) {
            let clip = Clip::new(clip).unwrap();
            let mut quantizer = Quantizer::default();
            let form = quantizer.quantize(Kernel::detect(), Metric::Dot, clip, &vector);
            let mut turned = Vec::new();
            components(Metric::Dot, &vector, norm(&vector), &mut turned);
            let mut code = Code::default();
            code.unpack(bytes_of(&quantizer.planes.high), bytes_of(&quantizer.planes.low));
            let distance_to = |decode: &dyn Fn(i8) -> f64| {
                let pairs = turned.iter().zip(code.bytes());
                let errors = pairs.map(|(x, byte)| {
                    x - f64::from(form.scale) * decode(byte.cast_signed())
                });
                errors.map(|error| error.powi(2)).sum::<f64>().sqrt()
            };
            // At least the true value, and hardly more, unless f32 cannot hold it.
            let tells = |told: f32, truth: f64| {
                if truth * (1.0 + ROUNDING) > f64::from(f32::MAX) {
                    return told.is_infinite();
                }
                let most = truth * (1.0 + 1e-6) + 1e-44;
                (truth..=most).contains(&f64::from(told))
            };
            let residual = distance_to(&|component| component.into());
            prop_assert!(tells(form.residual, residual));
            prop_assert!(tells(form.coarse, distance_to(&coarse)));
            prop_assert!(tells(form.norm, norm(&vector)));
            // Half a step per component, and what is cut off; unless the scale itself is too small
            // for f32.
            let length = (vector.len() as f64).sqrt();
            let step = f64::from(form.scale).max(f64::from(f32::MIN_POSITIVE));
            let cut = |x: &f64| (x.abs() - 127.0 * f64::from(form.scale)).max(0.0);
            let cut = turned.iter().map(|x| cut(x).powi(2)).sum::<f64>().sqrt();
            prop_assert!(residual <= 0.51 * step * length + cut);
            if clip == Clip::default() {
                prop_assert!(cut <= step * length);
            }
            let (scale, margins) = form.to_stored();
            prop_assert_eq!(Form::from_stored(scale, margins), form);
        }
    }
}
