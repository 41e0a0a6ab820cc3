//! What walks compare vectors by.
//!
//! Upper planes are half of the memory, and tell apart what matters where the nearest lie far from one another.
//! Where a million vectors lie in tight clusters, what lies between the tenth-nearest and the fortieth is less than
//! what an upper plane errs by: a walk that goes by them alone wanders, and keeps what is not near. There it reads the
//! lower plane, too, of what may be near enough to be kept: of a fourth of the nodes that it meets.
//!
//! **Invariant:** what is passed by after a glance at the upper plane seems farther than what is kept by more than
//! that plane is likely to err by. Walks and their horizons call it.

use super::walk::Target;
use crate::vectors::metric::Metric;
use crate::vectors::planes::{FINE_ROUGHNESS, ROUGHNESS};
use crate::vectors::quantize::Measure;

/// Errors of an upper plane by which a node may seem too far, and its lower plane is read: half of one loses few
/// neighbours, and reads few planes for nothing.
const GLANCE: f32 = 0.5;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::vectors) enum Sight {
    /// Upper planes alone.
    #[default]
    Upper,
    /// Lower planes, too, of what is near by the upper ones.
    Both,
}

impl Sight {
    /// The sight of this number, if there is such a one.
    pub(in crate::vectors) fn new(number: u32) -> Option<Self> {
        [Self::Upper, Self::Both].into_iter().find(|sight| sight.number() == number)
    }

    pub(in crate::vectors) fn number(self) -> u32 {
        match self {
            Self::Upper => 0,
            Self::Both => 1,
        }
    }

    /// What similarities to a target err by, as if vectors had steps as long as its own.
    pub(super) fn error(self, metric: Metric, target: Measure) -> f32 {
        let roughness = match self {
            Self::Upper => ROUGHNESS,
            Self::Both => FINE_ROUGHNESS,
        };
        roughness * target.scale * reach(metric, target)
    }
}

/// How much nearer than by its upper plane a vector may well be, for each unit of its scale.
pub(super) fn glance(metric: Metric, target: Target<'_>) -> f32 {
    GLANCE * ROUGHNESS * reach(metric, target.measure)
}

/// How often an error in the direction of a target goes into the similarity to it.
fn reach(metric: Metric, target: Measure) -> f32 {
    match metric {
        Metric::Cosine => 1.0,
        Metric::Dot => target.norm,
        Metric::L2 => 2.0 * target.norm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::planes::Code;

    #[test]
    fn a_sight_is_known_by_its_number() {
        for sight in [Sight::Upper, Sight::Both] {
            assert_eq!(Sight::new(sight.number()), Some(sight));
        }
        assert_eq!([2, u32::MAX].map(Sight::new), [None; 2]);
    }

    #[test]
    fn errors_are_those_of_the_metric() {
        let measure = Measure { scale: 0.5, norm: 3.0 };
        for (metric, reach) in [(Metric::Cosine, 1.0), (Metric::Dot, 3.0), (Metric::L2, 6.0)] {
            let [upper, both] = [Sight::Upper, Sight::Both].map(|s| s.error(metric, measure));
            assert!((upper - 0.5 * reach * ROUGHNESS).abs() < 1e-5);
            assert!((both - 0.5 * reach * FINE_ROUGHNESS).abs() < 1e-5);
            let code = Code::default();
            let nearer = glance(metric, Target { code: &code, measure });
            assert!((nearer * measure.scale - GLANCE * upper).abs() < 1e-5);
        }
    }
}
