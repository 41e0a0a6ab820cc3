//! Turning vectors before they are coded, so that no component says much more than another.
//!
//! Embeddings of some models have components that stand far out, or that weigh less and less, as principal
//! components do. One scale for all then leaves most of them few steps. Random signs and a Hadamard matrix spread
//! what a vector has over all components (Ailon and Chazelle, *Approximate nearest neighbors and the fast
//! Johnson-Lindenstrauss transform*, 2006), in time `d log d`. A dimension that is no power of two takes two
//! matrices that overlap.
//!
//! **Invariant:** dot products and norms stay what they are but for the rounding of some fifty sums in `f64`, and the
//! same vector turns into the same on every machine.

/// Turns the components of a vector, in their place.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the registers of its caller")]
pub(super) fn turn(components: &mut [f64]) {
    let dimension = components.len();
    let Some(log) = dimension.checked_ilog2() else { return };
    let order = 1 << log;
    flip(components, 0);
    mix(&mut components[..order]);
    if order < dimension {
        flip(components, dimension as u64);
        mix(&mut components[dimension - order..]);
    }
}

/// Changes half of the signs: always the same.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the registers of its caller")]
fn flip(components: &mut [f64], stream: u64) {
    for (run, number) in components.chunks_mut(u64::BITS as usize).zip(0_u64..) {
        let bits = hash(stream << 32 | number);
        for (component, at) in run.iter_mut().zip(0..) {
            *component = f64::from_bits(component.to_bits() ^ (bits >> at & 1) << 63);
        }
    }
}

/// A hash of one number (splitmix64).
fn hash(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Components that are mixed with one another first, in registers.
const BLOCK: usize = 8;

/// Puts the sum and the difference of components that lie `half` apart in their places.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the registers of its caller")]
fn pair_up(components: &mut [f64], half: usize) {
    for pair in components.chunks_exact_mut(2 * half) {
        let (left, right) = pair.split_at_mut(half);
        for (a, b) in left.iter_mut().zip(right) {
            (*a, *b) = (*a + *b, *a - *b);
        }
    }
}

/// Multiplies by the Hadamard matrix of this order, a power of two, which keeps lengths.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the registers of its caller")]
fn mix(components: &mut [f64]) {
    let (blocks, few) = components.as_chunks_mut::<BLOCK>();
    for block in blocks {
        for half in [1, 2, 4] {
            pair_up(block, half);
        }
    }
    let mut half = if few.is_empty() { BLOCK } else { 1 };
    while half < components.len() {
        pair_up(components, half);
        half *= 2;
    }
    let factor = 1.0 / (components.len() as f64).sqrt();
    for component in components {
        *component *= factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    fn turned(components: &[f64]) -> Vec<f64> {
        let mut turned = components.to_vec();
        turn(&mut turned);
        turned
    }

    #[test]
    fn what_lies_in_one_component_is_spread_over_all() {
        for dimension in [64, 384, 768, 1_000, 1_536] {
            for at in [0, dimension / 3, dimension - 1] {
                let mut alone = vec![0.0; dimension];
                alone[at] = 1.0;
                let most = turned(&alone).into_iter().fold(0.0, |most: f64, x| most.max(x.abs()));
                let even = (dimension as f64).sqrt().recip();
                assert!(most < 5.0 * even, "{dimension}, {at}: {most} where {even} is even");
            }
        }
    }

    proptest! {
        #[test]
        fn dot_products_stay(
            pairs in proptest::collection::vec((-1e6_f64..1e6, -1e6_f64..1e6), 0..700),
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let product = dot(&turned(&a), &turned(&b));
            let most = 1e-13 * (dot(&a, &a) * dot(&b, &b)).sqrt();
            prop_assert!((product - dot(&a, &b)).abs() <= most);
        }
    }
}
