//! From ranked candidates to the hits that are wanted: where the list is cut, and in which order those
//! stand that say the same.
//!
//! **Invariant:** nothing is scored here; a hit keeps the score of fusion.

use super::legs::Scored;
use std::collections::HashSet;

/// A threshold that depends on the scores themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cut {
    /// Only hits that score at least this share of the best score, 0 to 1.
    OfBest(f32),
    /// Only what stands before the largest drop from one score to the next, if that drop is more than half
    /// of what lies between the best and the least.
    Gap,
}

impl Cut {
    /// How many of `ranked`, best first, are kept.
    pub(super) fn keeps(self, ranked: &[Scored]) -> usize {
        let (Some((_, best)), Some((_, least))) = (ranked.first(), ranked.last()) else { return 0 };
        match self {
            // Of a negative score a share is no threshold: what is as good as the best is kept.
            Cut::OfBest(share) => {
                let threshold = best * share;
                ranked.partition_point(|(_, score)| *score >= threshold.min(*best))
            }
            Cut::Gap => {
                let drops = ranked.windows(2).map(|pair| pair[0].1 - pair[1].1);
                let largest =
                    (1..).zip(drops).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
                match largest {
                    Some((place, drop)) if drop * 2.0 > best - least => place,
                    _ => ranked.len(),
                }
            }
        }
    }
}

/// What a memory is compared by with others: its words.
pub(super) type Words = HashSet<String>;

/// How alike two memories are, 0 to 1: the cosine of their sets of words.
fn likeness(a: &Words, b: &Words) -> f32 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let (few, many) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let common = few.iter().filter(|word| many.contains(*word)).count();
    common as f32 / ((a.len() * b.len()) as f32).sqrt()
}

/// The places of `count` of the ranked, in an order of maximal marginal relevance (Carbonell and Goldstein,
/// 1998): each next one is the best by its score, less `diversity` times its likeness to those before it.
pub(super) fn diverse(
    ranked: &[Scored],
    words: &[Words],
    diversity: f32,
    count: usize,
) -> Vec<usize> {
    let (Some((_, best)), Some((_, least))) = (ranked.first(), ranked.last()) else {
        return Vec::new();
    };
    let span = (best - least).max(f32::MIN_POSITIVE);
    let relevance = |place: usize| (1.0 - diversity) * (ranked[place].1 - least) / span;
    let mut left: Vec<(usize, f32)> =
        (0..ranked.len().min(words.len())).map(|p| (p, 0.0)).collect();
    let mut chosen = Vec::new();
    while chosen.len() < count {
        let worth = |(place, like): &(usize, f32)| relevance(*place) - diversity * like;
        let next = (0..left.len())
            .max_by(|a, b| worth(&left[*a]).total_cmp(&worth(&left[*b])).then(b.cmp(a)));
        let Some(next) = next else { break };
        let (place, _) = left.remove(next);
        for (other, like) in &mut left {
            *like = like.max(likeness(&words[*other], &words[place]));
        }
        chosen.push(place);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(scores: &[f32]) -> Vec<Scored> {
        (0..).zip(scores.iter().copied()).collect()
    }

    #[test]
    fn a_gap_cuts_where_it_is_most_of_the_span() {
        assert_eq!(Cut::Gap.keeps(&scored(&[9.0, 8.5, 2.0, 1.9])), 2);
        assert_eq!(Cut::Gap.keeps(&scored(&[9.0, 7.0, 5.0, 3.0])), 4);
        assert_eq!(Cut::Gap.keeps(&scored(&[1.0])), 1);
        assert_eq!(Cut::Gap.keeps(&[]), 0);
    }

    #[test]
    fn a_share_of_the_best_is_a_threshold() {
        assert_eq!(Cut::OfBest(0.5).keeps(&scored(&[4.0, 2.0, 1.9])), 2);
        assert_eq!(Cut::OfBest(1.0).keeps(&scored(&[4.0, 4.0, 1.0])), 2);
        assert_eq!(Cut::OfBest(0.5).keeps(&scored(&[-1.0, -2.0])), 1);
    }

    #[test]
    fn what_says_the_same_comes_later() {
        let words = |text: &str| text.split(' ').map(String::from).collect::<Words>();
        let texts = ["tea at noon", "tea at noon again", "rain all day"].map(words);
        let ranked = scored(&[1.0, 0.9, 0.5]);
        assert_eq!(diverse(&ranked, &texts, 0.5, 3), [0, 2, 1]);
        assert_eq!(diverse(&ranked, &texts, 0.0, 2), [0, 1]);
    }
}
