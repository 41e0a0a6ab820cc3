//! A node and how near it is, in one word.
//!
//! **Invariant:** candidates sort as their similarities fall, and equal ones by node; a similarity
//! that is not a number sorts at one of the ends.

/// Nodes that a candidate and a list can name.
pub(in crate::vectors) const MAX_NODES: usize = (1 << 31) - 1;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::vectors) struct Candidate(u64);

impl Candidate {
    /// Its lowest bit: the walk has looked at its neighbours.
    const EXPANDED: u64 = 1;

    /// Sorts behind all others.
    pub(super) const LAST: Self = Self(u64::MAX);

    /// Sorts before all others that are as similar as this.
    #[inline]
    pub(super) fn first_of(similarity: f32) -> Self {
        Self::new(similarity, 0)
    }

    /// Sorts behind all that are as similar as this.
    pub(super) fn last_of(similarity: f32) -> Self {
        Self(Self::new(similarity, 0).0 | u64::from(u32::MAX))
    }

    #[inline]
    pub(super) fn new(similarity: f32, node: u32) -> Self {
        let bits = similarity.to_bits();
        // The order of the bits as integers is that of the numbers, but for the sign.
        let ascending = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
        Self(u64::from(!ascending) << 32 | u64::from(node << 1))
    }

    #[inline]
    pub(in crate::vectors) fn node(self) -> u32 {
        (self.0 as u32) >> 1
    }

    pub(super) fn similarity(self) -> f32 {
        let ascending = !((self.0 >> 32) as u32);
        f32::from_bits(if ascending >> 31 == 1 { ascending & !(1 << 31) } else { !ascending })
    }

    /// Notes that it is expanded. Was it not yet?
    #[inline]
    pub(super) fn expand(&mut self) -> bool {
        let is_new = self.0 & Self::EXPANDED == 0;
        self.0 |= Self::EXPANDED;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_nearest_sorts_first(a in any::<f32>(), b in any::<f32>(), node in 0..1_u32 << 31) {
            let candidates = [Candidate::new(a, node), Candidate::new(b, node)];
            prop_assert_eq!(candidates[0].similarity().to_bits(), a.to_bits());
            prop_assert_eq!(candidates[1].node(), node);
            prop_assert_eq!(candidates[0].cmp(&candidates[1]), b.total_cmp(&a));
        }
    }
}
