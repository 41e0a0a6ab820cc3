//! Codes in two planes: the upper four bits of every component, and the lower four.
//!
//! A component −127..=127 is stored as `c + 128 = 16 · high + low`, and the `high` and `low` of a code
//! lie apart, so that what needs to know a vector only roughly reads half of its code. The dot product
//! with another code `q`, kept as signed bytes, comes from those of the planes:
//!
//! ```text
//! q·c  =  16 · q·high  +  q·low  −  128 · Σq
//!      ≈  16 · q·high            −  120.5 · Σq      with 7.5, the middle of what `low` can be.
//! ```
//!
//! The lower nibbles of embeddings are as good as uniform, so the second errs by about `4.6 |q|`
//! ([`ROUGHNESS`]).
//!
//! **Invariant:** padding is a component of zero. Only this folder calls it.

use super::kernels::{Kernel, LANE_BYTES, LANE_NIBBLES, Lane, bytes_of};

/// What is added to a component, so that none is negative.
const BIAS: u8 = 128;

/// What an estimate takes each lower nibble for.
const MIDDLE: f64 = 7.5;

/// What an estimate errs by for each unit of the length of the code that it is multiplied by: the standard
/// deviation of a lower nibble.
pub(super) const ROUGHNESS: f32 = 4.61;

/// The same of the dot product of two codes: what both were rounded by.
pub(super) const FINE_ROUGHNESS: f32 = 0.41;

/// The component as an estimate has it.
pub(super) fn coarse(component: i8) -> f64 {
    f64::from(component.cast_unsigned().wrapping_add(BIAS) & 0xF0) + MIDDLE - f64::from(BIAS)
}

/// The planes of one code.
#[derive(Debug, Default)]
pub(super) struct Planes {
    pub(super) high: Vec<Lane>,
    pub(super) low: Vec<Lane>,
}

impl Planes {
    /// Takes the planes of `code`.
    pub(super) fn set(&mut self, code: &Code) {
        let (lanes, _) = bytes_of(&code.bytes).as_chunks::<LANE_NIBBLES>();
        self.high.clear();
        self.low.clear();
        for bytes in lanes {
            let (first, second) = bytes.split_at(LANE_BYTES);
            let (mut high, mut low) = ([0; LANE_BYTES], [0; LANE_BYTES]);
            for at in 0..LANE_BYTES {
                let (a, b) = (first[at].wrapping_add(BIAS), second[at].wrapping_add(BIAS));
                low[at] = a & 15 | b << 4;
                high[at] = a >> 4 | b & 0xF0;
            }
            self.high.push(Lane(high));
            self.low.push(Lane(low));
        }
    }
}

/// A code as signed bytes, padded with zeros to a multiple of 128: what planes are multiplied by.
#[derive(Debug, Default)]
pub(super) struct Code {
    bytes: Vec<Lane>,
    sum: i32,
}

impl Code {
    /// Makes it the code of components that `encode` gives a byte each.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the registers of its caller")]
    pub(super) fn fill<T: Copy>(&mut self, components: &[T], encode: impl Fn(T) -> i8) {
        self.bytes.clear();
        let lanes = components.len().next_multiple_of(LANE_NIBBLES) / LANE_BYTES;
        self.bytes.resize(lanes, Lane([0; LANE_BYTES]));
        let put = |lane: &mut Lane, components: &[T]| {
            for (byte, component) in lane.0.iter_mut().zip(components) {
                *byte = encode(*component).cast_unsigned();
            }
        };
        let (whole, rest) = components.as_chunks::<LANE_BYTES>();
        let (full, padded) = self.bytes.split_at_mut(whole.len());
        for (lane, components) in full.iter_mut().zip(whole) {
            put(lane, components);
        }
        if let Some(lane) = padded.first_mut() {
            put(lane, rest);
        }
        self.sum = self.bytes().iter().map(|byte| i32::from(byte.cast_signed())).sum();
    }

    /// Takes the code that is stored in two planes.
    pub(super) fn unpack(&mut self, high: &[u8], low: &[u8]) {
        self.bytes.clear();
        self.sum = 0;
        let lanes = high.as_chunks::<LANE_BYTES>().0.iter().zip(low.as_chunks::<LANE_BYTES>().0);
        for (high, low) in lanes {
            let mut bytes = [[0; LANE_BYTES]; 2];
            for at in 0..LANE_BYTES {
                bytes[0][at] = high[at] << 4 | low[at] & 15;
                bytes[1][at] = high[at] & 0xF0 | low[at] >> 4;
            }
            // Before the bias is taken off: every vector unit can add up bytes that have no sign.
            let sum: u32 = bytes.as_flattened().iter().map(|&byte| u32::from(byte)).sum();
            self.sum += sum as i32 - i32::from(BIAS) * LANE_NIBBLES as i32;
            self.bytes.extend(bytes.map(|lane| Lane(lane.map(|byte| byte.wrapping_sub(BIAS)))));
        }
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        bytes_of(&self.bytes)
    }

    /// The dot product with a code, from those with its planes.
    #[inline]
    pub(super) fn exact(&self, high: i32, low: i32) -> i32 {
        16 * high + low - i32::from(BIAS) * self.sum
    }

    /// About the dot product with a code, from that with its upper plane.
    #[inline]
    pub(super) fn estimate(&self, high: i32) -> f64 {
        f64::from(16 * high) - (f64::from(BIAS) - MIDDLE) * f64::from(self.sum)
    }

    /// The dot product with a stored code.
    #[inline]
    pub(super) fn dot(&self, kernel: Kernel, high: &[u8], low: &[u8]) -> i32 {
        self.exact(kernel.dot(self.bytes(), high), kernel.dot(self.bytes(), low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(components: &[i8]) -> Code {
        let mut code = Code::default();
        code.fill(components, |component| component);
        code
    }

    /// Two codes of one length.
    fn pairs() -> impl Strategy<Value = Vec<(i8, i8)>> {
        let component = || prop_oneof![4 => -127_i8..=127, 1 => Just(127_i8), 1 => Just(-127_i8)];
        proptest::collection::vec((component(), component()), 1..=600)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 512 }))]

        #[test]
        fn planes_give_the_dot_product_of_codes(pairs in pairs()) {
            let (a, b): (Vec<i8>, Vec<i8>) = pairs.iter().copied().unzip();
            let query = code(&a);
            let mut planes = Planes::default();
            planes.set(&code(&b));
            let (high, low) = (bytes_of(&planes.high), bytes_of(&planes.low));
            let expected: i32 = pairs.iter().map(|&(a, b)| i32::from(a) * i32::from(b)).sum();
            let rough: f64 = pairs.iter().map(|&(a, b)| f64::from(a) * coarse(b)).sum();
            for kernel in Kernel::available() {
                prop_assert_eq!(query.dot(kernel, high, low), expected, "{}", kernel.name());
                let estimate = query.estimate(kernel.dot(query.bytes(), high));
                prop_assert_eq!(estimate.to_bits(), (rough + 0.0).to_bits());
            }
            let mut unpacked = Code::default();
            unpacked.unpack(high, low);
            let stored = code(&b);
            prop_assert_eq!(unpacked.bytes(), stored.bytes());
            prop_assert_eq!(unpacked.sum, b.iter().map(|&b| i32::from(b)).sum::<i32>());
            prop_assert!(b.iter().all(|&b| (f64::from(b) - coarse(b)).abs() <= MIDDLE));
        }
    }
}
