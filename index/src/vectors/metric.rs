//! What nearness means, and which vectors it is defined for.
//!
//! **Invariant:** the exact score of two vectors is computed in `f64` with a fixed order of
//! additions, so that every machine gets the same bits. Only this folder calls it.

use crate::image::ImageError;

/// The longest vector that an index takes.
pub const MAX_DIMENSION: usize = 8_192;

/// How nearness is scored. Higher is nearer under each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// Cosine of the angle, −1 to 1. Undefined for a vector of zeros.
    Cosine,
    /// Dot product as given, nothing normalised.
    Dot,
    /// Negated Euclidean distance: 0 for the same vector, below that for any other.
    L2,
}

/// Why a vector was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VectorError {
    /// It has another dimension than the index.
    #[error("vector has {found} components, the index has {expected}")]
    WrongLength {
        /// Dimension of the index.
        expected: usize,
        /// Length of the vector.
        found: usize,
    },
    /// A component is NaN or infinite.
    #[error("component {component} of the vector is not a finite number")]
    NotFinite {
        /// Position of the first such component.
        component: usize,
    },
    /// All components are zero, which has no direction and so no cosine.
    #[error("vector of {dimension} zeros has no direction")]
    ZeroNorm {
        /// Length of the vector.
        dimension: usize,
    },
    /// The index counts its entries, dead ones included, in 32 bits.
    #[error("index is full: it holds {entries} entries")]
    Full {
        /// Entries in the index.
        entries: usize,
    },
    /// The image under the index could not be read.
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// Partial sums of a dot product: enough to fill the vector unit, fixed so that the result is.
const LANES: usize = 8;

/// Sum of `term` over pairs of components, in `f64`, in an order that depends on the length alone.
fn sum_of(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_whole.iter().zip(b_whole) {
        for lane in 0..LANES {
            sums[lane] += term(f64::from(a[lane]), f64::from(b[lane]));
        }
    }
    for (lane, (&a, &b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += term(f64::from(a), f64::from(b));
    }
    sums.iter().sum()
}

/// What a cosine is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
    pub(super) product: f64,
    /// Of the second vector with itself.
    pub(super) square: f64,
}

impl Sums {
    /// Both in one pass, each with the bits of its own [`sum_of`].
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the instructions of whoever calls")]
    pub(super) fn of(a: &[f32], b: &[f32]) -> Self {
        let (mut products, mut squares) = ([0.0; LANES], [0.0; LANES]);
        let mut add = |a: &[f32], b: &[f32]| {
            for lane in 0..a.len() {
                let (x, y) = (f64::from(a[lane]), f64::from(b[lane]));
                products[lane] += x * y;
                squares[lane] += y * y;
            }
        };
        let (a_whole, a_rest) = a.as_chunks::<LANES>();
        let (b_whole, b_rest) = b.as_chunks::<LANES>();
        for (a, b) in a_whole.iter().zip(b_whole) {
            add(a, b);
        }
        add(a_rest, b_rest);
        Self { product: products.iter().sum(), square: squares.iter().sum() }
    }
}

/// Euclidean norm.
pub(super) fn norm(vector: &[f32]) -> f64 {
    sum_of(vector, vector, |a, b| a * b).sqrt()
}

impl Metric {
    /// Every metric.
    pub const ALL: [Metric; 3] = [Metric::Cosine, Metric::Dot, Metric::L2];

    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot",
            Self::L2 => "l2",
        }
    }

    /// The metric of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Can `vector` stand in an index of this metric and `dimension`?
    ///
    /// # Errors
    /// [`VectorError::WrongLength`], [`VectorError::NotFinite`], [`VectorError::ZeroNorm`].
    pub fn check(self, dimension: usize, vector: &[f32]) -> Result<(), VectorError> {
        if vector.len() != dimension {
            return Err(VectorError::WrongLength { expected: dimension, found: vector.len() });
        }
        // All of them are looked at before any is looked for: a loop without an exit takes many at once.
        if vector.iter().fold(false, |found, x| found | !x.is_finite()) {
            let component = vector.iter().position(|x| !x.is_finite()).unwrap_or_default();
            return Err(VectorError::NotFinite { component });
        }
        // Squares of the smallest f32 are normal f64s: the norm is zero only if all components are.
        if self == Self::Cosine && vector.iter().all(|&x| x == 0.0) {
            return Err(VectorError::ZeroNorm { dimension });
        }
        Ok(())
    }

    /// The exact score of two vectors of equal length. Not finite if `check` would refuse either.
    pub(super) fn score(self, query: &[f32], vector: &[f32]) -> f64 {
        match self {
            Self::Cosine => {
                let Sums { product, square } = Sums::of(query, vector);
                product / (norm(query) * square.sqrt())
            }
            Self::Dot => sum_of(query, vector, |a, b| a * b),
            // Not `-x`: the distance 0 scores 0, not −0.
            Self::L2 => 0.0 - sum_of(query, vector, |a, b| (a - b) * (a - b)).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_the_textbook_ones() {
        let (a, b) = ([1.0, 2.0, 2.0], [2.0, 4.0, 4.0]);
        assert_eq!(Metric::Dot.score(&a, &b).to_bits(), 18.0_f64.to_bits());
        assert_eq!(Metric::L2.score(&a, &b).to_bits(), (-3.0_f64).to_bits());
        assert!((Metric::Cosine.score(&a, &b) - 1.0).abs() < 1e-15);
        let long: Vec<f32> = (1_u8..=21).map(f32::from).collect();
        let squares = (1..=21).map(|x| f64::from(x * x)).sum::<f64>();
        assert_eq!(Metric::Dot.score(&long, &long).to_bits(), squares.to_bits());
    }

    #[test]
    fn refusals_say_which_component() {
        let wrong = Metric::L2.check(3, &[0.0; 4]);
        assert_eq!(wrong, Err(VectorError::WrongLength { expected: 3, found: 4 }));
        let nan = Metric::Dot.check(3, &[0.0, f32::NAN, f32::INFINITY]);
        assert_eq!(nan, Err(VectorError::NotFinite { component: 1 }));
        let zero = Metric::Cosine.check(2, &[0.0, -0.0]);
        assert_eq!(zero, Err(VectorError::ZeroNorm { dimension: 2 }));
        assert_eq!(Metric::Dot.check(2, &[0.0, 0.0]), Ok(()));
        assert_eq!(Metric::Cosine.check(1, &[f32::from_bits(1)]), Ok(()));
    }
}
