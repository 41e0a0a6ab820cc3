//! Conversational context: what is said around a memory in its session counts for it too, at a share.
//!
//! **Invariant:** only memories in scope lend and receive, and only within one session of one namespace.
//! The order of a session is that of the numbers of its memories, and so of their ordinals: the bitmaps of
//! labels know it, nothing else is kept, and what a lookup costs does not grow with the file.

use super::legs::Scored;
use crate::Result;
use crate::derived::field;
use crate::view::View;
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::ops::Bound;

/// What a memory lends to those one, two, three turns away, as a share of its own.
const SHARES: [f32; 3] = [0.6, 0.4, 0.2];

/// One memory lends to another, both by their place among the members.
struct Loan {
    from: usize,
    to: usize,
    share: f32,
}

/// The turns around some memories.
pub(super) struct Turns {
    /// Everyone who lends or receives.
    members: Vec<u32>,
    /// The memories themselves, and those that are around them.
    pub(super) receivers: RoaringBitmap,
    loans: Vec<Loan>,
}

/// Those in scope of each session, by namespace and name.
#[derive(Default)]
pub(super) struct Sessions {
    numbers: HashMap<(Vec<u8>, Vec<u8>), usize>,
    turns: Vec<RoaringBitmap>,
}

impl Sessions {
    /// The turns of the session that a memory is of, if it is of one.
    pub(super) fn of(
        &mut self,
        view: &View,
        ordinal: u32,
        scope: &RoaringBitmap,
    ) -> Result<Option<&RoaringBitmap>> {
        let number = self.number_of(view, ordinal, scope)?;
        Ok(number.and_then(|number| self.turns.get(number)))
    }

    /// Where the turns of that session are.
    fn number_of(
        &mut self,
        view: &View,
        ordinal: u32,
        scope: &RoaringBitmap,
    ) -> Result<Option<usize>> {
        let attributes = &view.versions().attributes;
        let label = |field| Ok::<_, crate::Error>(attributes.labels_of(ordinal, field)?.pop());
        let Some(session) = label(field::SESSION)? else { return Ok(None) };
        let namespace = label(field::NAMESPACE)?.unwrap_or_default();
        let key = (namespace.to_vec(), session.to_vec());
        if let Some(number) = self.numbers.get(&key) {
            return Ok(Some(*number));
        }
        let mut turns = attributes.label(field::SESSION, session)?;
        turns &= scope;
        turns &= attributes.label(field::NAMESPACE, namespace)?;
        let number = self.turns.len();
        self.numbers.insert(key, number);
        self.turns.push(turns);
        Ok(Some(number))
    }
}

/// Those next to a memory in its session, nearest first, so many on each side.
pub(super) fn next_to(
    turns: &RoaringBitmap,
    ordinal: u32,
    reach: usize,
) -> impl Iterator<Item = (u32, usize)> {
    let before = turns.range(..ordinal).rev().take(reach);
    let behind = turns.range((Bound::Excluded(ordinal), Bound::Unbounded)).take(reach);
    before.enumerate().chain(behind.enumerate()).map(|(at, ordinal)| (ordinal, at))
}

/// The loans between turns of a stretch, of which no receiver misses a neighbour: those next to it in the
/// stretch are those next to it in the session. Loans of one receiver follow one another.
fn lend_within(stretch: &[(u32, bool)], members: &[u32], loans: &mut Vec<Loan>) {
    let place = |ordinal: u32| members.partition_point(|member| *member < ordinal);
    let turns: Vec<(usize, bool)> =
        stretch.iter().map(|(ordinal, receives)| (place(*ordinal), *receives)).collect();
    for (at, &(to, receives)) in turns.iter().enumerate() {
        if !receives {
            continue;
        }
        for (distance, share) in (1..).zip(SHARES) {
            let before = at.checked_sub(distance).and_then(|at| turns.get(at));
            let lenders = before.into_iter().chain(turns.get(at + distance));
            loans.extend(lenders.map(|&(from, _)| Loan { from, to, share }));
        }
    }
}

/// Some turns of one session, by ordinal, and whether each receives.
type Stretch = Vec<(u32, bool)>;

impl Turns {
    /// Those around `seeds`; `None` if these are of no session.
    pub(super) fn around(
        view: &View,
        seeds: &RoaringBitmap,
        scope: &RoaringBitmap,
    ) -> Result<Option<Self>> {
        let mut sessions = Sessions::default();
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut last = None;
        for seed in seeds {
            // One after the other is often of the same session.
            let is_in = |number: &usize| sessions.turns[*number].contains(seed);
            let number = match last.filter(is_in) {
                Some(number) => number,
                None => match sessions.number_of(view, seed, scope)? {
                    Some(number) => number,
                    None => continue,
                },
            };
            last = Some(number);
            stretches.resize_with(sessions.turns.len(), Stretch::new);
            let stretch = &mut stretches[number];
            stretch.push((seed, true));
            // Those who lend to whoever receives from a seed are twice as far away.
            let near = next_to(&sessions.turns[number], seed, 2 * SHARES.len());
            stretch.extend(near.map(|(ordinal, at)| (ordinal, at < SHARES.len())));
        }
        if stretches.is_empty() {
            return Ok(None);
        }
        for stretch in &mut stretches {
            stretch.sort_unstable();
            // Of one turn that was met twice the later entry says so if it receives.
            stretch.dedup_by(|later, kept| {
                let is_same = later.0 == kept.0;
                kept.1 |= is_same && later.1;
                is_same
            });
        }
        let turns = || stretches.iter().flatten();
        let mut members: Vec<u32> = turns().map(|(ordinal, _)| *ordinal).chain(seeds).collect();
        let mut receivers = seeds.clone();
        receivers.extend(turns().filter(|(_, receives)| *receives).map(|(ordinal, _)| *ordinal));
        members.sort_unstable();
        members.dedup();
        let mut loans = Vec::new();
        for stretch in &stretches {
            lend_within(stretch, &members, &mut loans);
        }
        Ok(Some(Turns { members, receivers, loans }))
    }

    /// Everyone whose scores are needed.
    pub(super) fn members(&self) -> RoaringBitmap {
        self.members.iter().copied().collect()
    }

    /// What each receives if of every term the best counts that is said near it: what a neighbour says,
    /// at its share, beyond what the memory says itself. So a word that all turns repeat counts once.
    pub(super) fn lent_by_term(&self, terms: &[Vec<Scored>]) -> Vec<Scored> {
        let mut sums = vec![0.0; self.members.len()];
        for term in terms {
            self.add_lent(term, &mut sums, |lent, own| (lent - own).max(0.0));
        }
        self.by_ordinal(&sums)
    }

    /// What each receives of the best that is near it.
    pub(super) fn lent_by_best(&self, scores: &[Scored]) -> Vec<Scored> {
        let mut best = vec![0.0; self.members.len()];
        self.add_lent(scores, &mut best, |lent, _| lent);
        self.by_ordinal(&best)
    }

    fn add_lent(&self, scores: &[Scored], sums: &mut [f32], gain: impl Fn(f32, f32) -> f32) {
        let mut own = vec![0.0; self.members.len()];
        for (ordinal, score) in scores {
            if let Ok(place) = self.members.binary_search(ordinal) {
                own[place] = *score;
            }
        }
        // Loans of one receiver follow one another.
        for loans in self.loans.chunk_by(|a, b| a.to == b.to) {
            let best = loans.iter().map(|loan| own[loan.from] * loan.share).fold(0.0, f32::max);
            let to = loans[0].to;
            sums[to] += gain(best, own[to]);
        }
    }

    fn by_ordinal(&self, sums: &[f32]) -> Vec<Scored> {
        let received = self.members.iter().copied().zip(sums.iter().copied());
        received.filter(|(_, sum)| *sum > 0.0).collect()
    }
}
