//! Where a walk ends.
//!
//! A beam that keeps `ef` nodes looks at as many where few lie near the query as where many do. Adaptive beam search
//! (Al-Jazzazi et al. 2025, arXiv:2505.15636) ends at what is farther than the `k`-th nearest by a factor, and
//! finds the same in fewer steps. What factor leaves `ef` nodes within, at the middle of all queries, the
//! [growth](Growth) of distances says; where more lie within, twice `ef` are kept.
//!
//! Without distances, or before their growth is known, it is a beam that keeps `ef`.
//!
//! What estimates cannot tell from the `k`-th is looked at, whatever the factor, and what they tell
//! apart from it beyond doubt is not looked at in full when the walk has ended.
//!
//! **Invariant:** a horizon only ever draws nearer, and what is as near as the `k`-th lies within.

use super::candidate::Candidate;
use super::terrain::Growth;
use crate::vectors::metric::Metric;
use crate::vectors::quantize::{gap, similar_at};

/// How many times `ef` nodes are kept where many are near.
const MOST: usize = 2;

/// Errors of estimates that a node may seem farther than the `k`-th and still be looked at …
const LOOKED_AT: f32 = 2.0;

/// … and still be nearer.
const NEARER: f32 = 6.0;

/// A horizon is measured from no nearer rank than this: how far the very nearest is says little about the others.
const NEAREST_RANK: usize = 4;

/// How many nodes a search wants.
#[derive(Clone, Copy, Debug)]
pub(in crate::vectors) struct Breadth {
    /// So many are returned.
    pub(in crate::vectors) k: usize,
    /// So many are looked at where as many are near as usual; no fewer than `k`.
    pub(in crate::vectors) ef: usize,
    /// Of the nodes of an upper layer, so many of the nearest are where a walk goes on.
    pub(in crate::vectors) starts: usize,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Horizon {
    metric: Metric,
    /// Nodes that are kept at most.
    pub(super) width: usize,
    /// Nodes that are wanted.
    k: usize,
    /// The rank that it is measured from, no nearer than `k`.
    rank: usize,
    /// So many times as far as that, in squares, …
    factor: f32,
    /// … and no less than errors explain: what similarities may err by, infinite where there is no horizon.
    error: f32,
    /// The last that lies within.
    last: Candidate,
    /// Something lay beyond.
    is_met: bool,
}

impl Horizon {
    /// Keeps so many nodes, however far they are.
    pub(super) fn of_width(width: usize) -> Self {
        Self {
            metric: Metric::Dot,
            width,
            k: width,
            rank: width,
            factor: 1.0,
            error: f32::INFINITY,
            last: Candidate::LAST,
            is_met: false,
        }
    }

    /// The horizon of a search that goes by similarities which err by `error`.
    pub(super) fn new(
        metric: Metric,
        breadth: Breadth,
        growth: Option<Growth>,
        error: f32,
    ) -> Self {
        let Breadth { k, ef, .. } = breadth;
        let Some(growth) = growth.filter(|_| metric != Metric::Dot) else {
            return Self::of_width(ef);
        };
        let rank = k.max(NEAREST_RANK);
        Self {
            metric,
            width: MOST * ef,
            k,
            rank,
            factor: growth.between(rank, ef.max(rank)),
            error,
            last: Candidate::LAST,
            is_met: false,
        }
    }

    /// What a walk that has found so much need not look at: only what sorts behind this.
    #[inline]
    pub(super) fn bar(&self, found: &[Candidate]) -> Candidate {
        match found.last() {
            Some(last) if found.len() >= self.width => self.last.min(*last),
            _ => self.last,
        }
    }

    /// Notes that something lies beyond, or behind all of so many as are kept.
    pub(super) fn meet(&mut self) {
        self.is_met = true;
    }

    /// Does a node lie beyond?
    #[inline]
    pub(super) fn hides(&mut self, candidate: Candidate) -> bool {
        let is_beyond = self.last < candidate;
        self.is_met |= is_beyond;
        is_beyond
    }

    /// Draws it nearer, if what was found at `place` changes what it is measured from.
    #[inline]
    pub(super) fn draw(&mut self, found: &[Candidate], place: usize) {
        if place < self.rank
            && self.error.is_finite()
            && let Some(from) = found.get(self.rank - 1)
        {
            let gap = gap(self.metric, from.similarity());
            let within = f32::max(gap * self.factor, gap + LOOKED_AT * self.error);
            self.last = self.last.min(self.at(within));
        }
    }

    /// The last candidate that is no farther than this gap.
    fn at(&self, gap: f32) -> Candidate {
        Candidate::last_of(similar_at(self.metric, gap))
    }

    /// Was everything looked at that there is a way to, though more was wanted?
    pub(super) fn is_dry(&self, found: &[Candidate]) -> bool {
        !self.is_met && found.len() < self.width
    }

    /// Drops what is farther than the `k`-th by more than errors explain.
    pub(super) fn cut(&self, found: &mut Vec<Candidate>) {
        if let Some(kth) = found.get(self.k - 1).filter(|_| self.error.is_finite()) {
            let last = self.at(gap(self.metric, kth.similarity()) + NEARER * self.error);
            found.truncate(found.partition_point(|candidate| *candidate <= last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const BREADTH: Breadth = Breadth { k: 4, ef: 64, starts: 1 };

    /// Of squares that grow with the root of the rank, so that 64 lie within four times the fourth.
    fn horizon(metric: Metric, error: f32) -> Horizon {
        Horizon::new(metric, BREADTH, Growth::new(0.5), error)
    }

    fn at(square: f32) -> Candidate {
        Candidate::new(-square, 7)
    }

    #[test]
    fn it_lies_a_factor_behind_the_kth_and_only_draws_nearer() {
        let mut horizon = horizon(Metric::L2, 0.0);
        assert_eq!(horizon.width, 128);
        let found = [0.5, 1.0, 1.5, 2.0].map(at);
        horizon.draw(&found[..3], 2);
        assert!(!horizon.hides(at(1e9)), "there is no fourth");
        horizon.draw(&found, 3);
        assert!(!horizon.hides(at(7.99)));
        assert!(horizon.is_dry(&found), "nothing was hidden, and few were found");
        assert!(horizon.hides(at(8.01)) && !horizon.is_dry(&found));
        horizon.draw(&[0.5, 1.0, 1.5, 3.0].map(at), 3);
        assert!(horizon.hides(at(8.01)), "what is farther does not move it");
        horizon.draw(&[0.1, 0.2, 0.3, 1.0].map(at), 3);
        assert!(horizon.hides(at(4.01)) && !horizon.hides(at(3.99)));
    }

    #[test]
    fn what_errors_explain_lies_within() {
        let mut near = horizon(Metric::L2, 0.0922);
        let mut found = [0.0, 0.0, 0.0, 0.0, 0.15, 0.5, 0.6].map(at).to_vec();
        near.draw(&found, 3);
        assert!(near.hides(at(0.2)) && !near.hides(at(0.18)), "two errors beyond nothing");
        near.cut(&mut found);
        assert_eq!(found.len(), 6, "six errors beyond nothing are 0.553");
    }

    #[test]
    fn a_bar_hides_what_it_and_a_full_walk_would() {
        let mut near = horizon(Metric::L2, 0.0);
        let mut found = [0.5, 1.0, 1.5, 2.0].map(at).to_vec();
        assert_eq!(near.bar(&[]), Candidate::LAST);
        near.draw(&found, 3);
        assert!(at(7.99) < near.bar(&found) && near.bar(&found) < at(8.01));
        found.resize(near.width - 1, at(3.0));
        assert!(at(7.99) < near.bar(&found), "there is room for one more");
        found.push(at(3.0));
        assert_eq!(near.bar(&found), at(3.0));
        found.truncate(4);
        assert!(near.is_dry(&found));
        near.meet();
        assert!(!near.is_dry(&found), "what was passed by may be wanted yet");
    }

    #[test]
    fn without_growth_or_distances_it_is_a_beam() {
        let unknown = Horizon::new(Metric::Cosine, BREADTH, None, 1.0);
        for mut beam in [unknown, horizon(Metric::Dot, 1.0), Horizon::of_width(64)] {
            assert_eq!(beam.width, 64);
            let mut found = vec![at(1.0); 10];
            beam.draw(&found, 0);
            assert!(!beam.hides(at(f32::MAX)) && beam.is_dry(&found));
            beam.cut(&mut found);
            assert_eq!(found.len(), 10);
        }
    }
}
