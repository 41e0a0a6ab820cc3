//! Fusion: from the scores of the legs to one score.
//!
//! The scores of a leg are put on a common scale by their place between the least and the best
//! among the candidates, then weighted and added (the sum of normalised scores of Fox and
//! Shaw, "Combination of Multiple Searches", 1994). A candidate that a leg does not score gets nothing from
//! it. What neighbours in a conversation lend to a candidate is on the scale of the leg that lends it: the
//! best sum of the two becomes 1.
//!
//! **Invariant:** normalised scores lie between 0 and 1; equal scores of a leg stay equal.

use super::legs::Scored;
use super::{Fusion, Leg, LegScore};
use roaring::RoaringBitmap;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

/// What one leg says of all candidates.
pub(super) struct LegScores {
    leg: Leg,
    /// Of a vector leg.
    space: Option<String>,
    weight: f32,
    /// Raw score by ordinal.
    raw: HashMap<u32, f32>,
    /// Place by ordinal, of those that the leg itself found.
    ranks: HashMap<u32, usize>,
    scale: Scale,
    /// What neighbours lend, by ordinal, in the unit of raw scores.
    lent: HashMap<u32, f32>,
    /// How much what is lent counts beside what is scored.
    context: f32,
    /// The best sum of both, of which a normalised score is a part.
    top: f32,
}

/// How raw scores of a leg become those between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    /// They are such already.
    Unit,
    /// The least becomes 0 and the best 1.
    Between { least: f32, best: f32 },
}

impl LegScores {
    /// A leg whose raw scores lie between 0 and 1 already.
    pub(super) fn unit(leg: Leg, weight: f32, scores: Vec<Scored>) -> Self {
        let raw = scores.into_iter().collect();
        LegScores::new(leg, weight, raw, HashMap::new(), Scale::Unit)
    }

    fn new(
        leg: Leg,
        weight: f32,
        raw: HashMap<u32, f32>,
        ranks: HashMap<u32, usize>,
        scale: Scale,
    ) -> Self {
        let (lent, context, top) = (HashMap::new(), 0.0, 1.0);
        LegScores { leg, space: None, weight, raw, ranks, scale, lent, context, top }
    }

    /// A leg that found `best`, best first, and scored `others` that another leg found. What it did
    /// not score at all it would have scored `floor`, if it says anything of it.
    pub(super) fn relative(
        leg: Leg,
        weight: f32,
        best: &[Scored],
        others: Vec<Scored>,
        floor: Option<f32>,
    ) -> Self {
        let ranks = best.iter().enumerate().map(|(place, (o, _))| (*o, place + 1)).collect();
        let raw: HashMap<u32, f32> = best.iter().copied().chain(others).collect();
        let scores = || raw.values().copied().chain(floor);
        let least = scores().fold(f32::INFINITY, f32::min);
        let best = scores().fold(f32::NEG_INFINITY, f32::max);
        LegScores::new(leg, weight, raw, ranks, Scale::Between { least, best })
    }

    /// Has what is lent count as much; given in the unit of raw scores.
    pub(super) fn receive(&mut self, lent: Vec<Scored>, context: f32) {
        self.context = context;
        self.lent = lent.into_iter().collect();
        let sum =
            |ordinal: &u32| self.normalised(*ordinal).unwrap_or(0.0) + self.part_lent(*ordinal);
        self.top = self.raw.keys().chain(self.lent.keys()).map(sum).fold(1.0, f32::max);
    }

    /// What a leg with this much between its least and its best lends that lends such parts of it.
    pub(super) fn span(&self) -> f32 {
        match self.scale {
            Scale::Unit => 1.0,
            Scale::Between { least, best } => (best - least).clamp(0.0, f32::MAX),
        }
    }

    /// The same, as that of a vector space.
    pub(super) fn of_space(self, space: Option<&str>) -> Self {
        LegScores { space: space.map(Into::into), ..self }
    }

    /// What it scored, and what received something.
    pub(super) fn ordinals(&self) -> impl Iterator<Item = u32> {
        self.raw.keys().chain(self.lent.keys()).copied()
    }

    /// Where a raw score lies between the least and the best.
    pub(super) fn place(&self, raw: f32) -> f32 {
        match self.scale {
            Scale::Unit => raw.clamp(0.0, 1.0),
            Scale::Between { least, best } if best > least => {
                // In f64: the span of two large f32 may pass the range of f32.
                let span = f64::from(best) - f64::from(least);
                ((f64::from(raw) - f64::from(least)) / span).clamp(0.0, 1.0) as f32
            }
            Scale::Between { .. } => 1.0,
        }
    }

    fn normalised(&self, ordinal: u32) -> Option<f32> {
        Some(self.place(*self.raw.get(&ordinal)?) / self.top)
    }

    /// What is lent, normalised and weighted beside the leg's own score.
    fn part_lent(&self, ordinal: u32) -> f32 {
        let lent = self.lent.get(&ordinal).copied().unwrap_or(0.0);
        if lent > 0.0 && self.span() > 0.0 {
            lent / self.span() * self.context / self.top
        } else {
            0.0
        }
    }

    /// What the leg adds to the score of a candidate that several legs score.
    fn part(&self, ordinal: u32) -> f32 {
        (self.normalised(ordinal).unwrap_or(0.0) + self.part_lent(ordinal)) * self.weight
    }

    /// The best by what all legs add, above nothing, with how much that is.
    pub(super) fn strongest(legs: &[LegScores], limit: usize) -> Vec<Scored> {
        let all: RoaringBitmap = legs.iter().flat_map(LegScores::ordinals).collect();
        let part = |ordinal| legs.iter().fold(0.0, |sum, leg| sum + leg.part(ordinal));
        let mut strongest: Vec<Scored> = all.iter().map(|o| (o, part(o))).collect();
        strongest.retain(|(_, part)| *part > 0.0);
        strongest.sort_unstable_by(|a, b| best_first(*a, *b));
        strongest.truncate(limit);
        strongest
    }

    /// What a leg that is alone says of a candidate.
    fn alone(&self, ordinal: u32) -> f32 {
        let of = |scores: &HashMap<u32, f32>| scores.get(&ordinal).copied().unwrap_or(0.0);
        of(&self.raw) + of(&self.lent) * self.context
    }

    pub(super) fn explain(&self, ordinal: u32) -> Option<LegScore> {
        Some(LegScore {
            leg: self.leg,
            space: self.space.clone(),
            rank: self.ranks.get(&ordinal).copied(),
            raw: *self.raw.get(&ordinal)?,
            normalised: self.normalised(ordinal)?,
            weight: self.weight,
        })
    }
}

/// What all legs together lend to a candidate.
pub(super) fn explain_lent(legs: &[LegScores], ordinal: u32) -> Option<LegScore> {
    let lends = |leg: &&LegScores| leg.lent.contains_key(&ordinal) && leg.context > 0.0;
    let lending = legs.iter().filter(lends).map(|leg| (leg, leg.context));
    let context = lending.clone().next()?.1;
    let sum = |of: &dyn Fn(&LegScores) -> f32| lending.clone().map(|(leg, _)| of(leg)).sum::<f32>();
    let normalised = sum(&|leg| leg.part_lent(ordinal) * leg.weight) / context;
    let raw = match legs {
        [only] => only.lent.get(&ordinal).copied().unwrap_or(0.0),
        _ => normalised,
    };
    Some(LegScore { leg: Leg::Context, space: None, rank: None, raw, normalised, weight: context })
}

/// The score of a candidate. A leg that is alone scores as it does by itself, so that a cosine stays
/// a cosine and thresholds hold across queries; several are added up.
fn fuse(legs: &[LegScores], ordinal: u32) -> f32 {
    match legs {
        [only] => only.alone(ordinal),
        // From zero: the sum of nothing would be minus zero.
        several => several.iter().fold(0.0, |sum, leg| sum + leg.part(ordinal)),
    }
}

/// The scores of all candidates, in the order of ordinals.
fn fuse_all(legs: &[LegScores], candidates: &RoaringBitmap, fusion: Fusion) -> Vec<Scored> {
    let k = match fusion {
        Fusion::ReciprocalRank { k } if legs.len() > 1 => k,
        _ => return candidates.iter().map(|ordinal| (ordinal, fuse(legs, ordinal))).collect(),
    };
    let mut sums: BTreeMap<u32, f32> = candidates.iter().map(|ordinal| (ordinal, 0.0)).collect();
    for leg in legs {
        let mut scored: Vec<Scored> = candidates
            .iter()
            .filter(|o| leg.raw.contains_key(o) || leg.lent.contains_key(o))
            .map(|o| (o, leg.alone(o)))
            .collect();
        scored.sort_unstable_by(|a, b| best_first(*a, *b));
        for (place, (ordinal, _)) in (1_u32..).zip(scored) {
            *sums.entry(ordinal).or_default() += leg.weight / (k + place as f32);
        }
    }
    sums.into_iter().collect()
}

fn best_first(a: Scored, b: Scored) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// The best of the candidates by their score, best first; equal ones in the order of ordinals.
pub(super) fn best(
    legs: &[LegScores],
    candidates: &RoaringBitmap,
    fusion: Fusion,
    min_score: Option<f32>,
    limit: usize,
) -> Vec<Scored> {
    let mut ranked = fuse_all(legs, candidates, fusion);
    ranked.retain(|(_, score)| min_score.is_none_or(|least| *score >= least));
    ranked.sort_unstable_by(|a, b| best_first(*a, *b));
    ranked.truncate(limit);
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_best_gets_one_and_the_least_gets_nothing() {
        let best = [(7, 4.0), (8, 3.0)];
        let leg = LegScores::relative(Leg::Vector, 2.0, &best, vec![(9, 2.0)], None);
        assert_eq!(leg.normalised(7), Some(1.0));
        assert_eq!(leg.normalised(8), Some(0.5));
        assert_eq!(leg.normalised(9), Some(0.0));
        assert_eq!(leg.normalised(10), None);
        assert_eq!(leg.part(8).to_bits(), 1.0_f32.to_bits());
        let found = leg.explain(8).unwrap();
        assert_eq!((found.rank, found.raw, found.weight), (Some(2), 3.0, 2.0));
        assert_eq!(leg.explain(9).unwrap().rank, None);
    }

    #[test]
    fn a_single_candidate_is_the_best() {
        let leg = LegScores::relative(Leg::Vector, 1.0, &[(1, -3.0)], vec![], None);
        assert_eq!(leg.normalised(1), Some(1.0));
    }

    proptest! {
        #[test]
        fn normalising_keeps_the_order(scores in prop::collection::vec(any::<f32>(), 1..20)) {
            let scores: Vec<Scored> = scores
                .into_iter()
                .filter(|s| s.is_finite())
                .enumerate()
                .map(|(i, s)| (i as u32, s))
                .collect();
            let leg = LegScores::relative(Leg::Text, 1.0, &scores, vec![], None);
            for (a, raw_a) in &scores {
                let one = leg.normalised(*a).unwrap();
                prop_assert!((0.0..=1.0).contains(&one));
                for (b, raw_b) in &scores {
                    if raw_a <= raw_b {
                        prop_assert!(one <= leg.normalised(*b).unwrap());
                    }
                }
            }
        }
    }
}
