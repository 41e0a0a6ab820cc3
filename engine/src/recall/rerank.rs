//! The legs that find nothing, but order what others found: how new, important, good, often used a memory is,
//! and how near to where the request comes from.
//!
//! **Invariant:** each scores every candidate between 0 and 1, and costs nothing at weight 0.

use super::fuse::LegScores;
use super::legs::Scored;
use super::{Deadline, Leg, LegOutcome, LegReport, Recall};
use crate::Result;
use crate::derived::column;
use crate::view::View;
use memlith_index::attributes::{ColumnId, cell};
use roaring::RoaringBitmap;
use std::time::Instant;

/// Counts of accesses that are read between two looks at the clock.
const POLL: usize = 256;

/// The legs of a request that only rerank, with their weights.
pub(super) fn rerankers(request: &Recall) -> impl Iterator<Item = (Leg, f32)> {
    let weights = &request.weights;
    [
        (Leg::Recency, weights.recency),
        (Leg::Importance, weights.importance),
        (Leg::Valence, weights.valence),
        (Leg::Accesses, weights.accesses),
        (Leg::Affinity, request.boosts.iter().map(|(_, weight)| weight).sum()),
    ]
    .into_iter()
    .filter(|(_, weight)| *weight > 0.0)
}

impl View {
    /// Adds the legs that only rerank.
    pub(super) fn rerank(
        &self,
        candidates: &RoaringBitmap,
        request: &Recall,
        legs: &mut Vec<LegScores>,
        reports: &mut Vec<LegReport>,
        deadline: &Deadline,
    ) -> Result<()> {
        for (leg, weight) in rerankers(request) {
            let began = Instant::now();
            let scores = self.scores_of(leg, candidates, request, deadline)?;
            let outcome = LegOutcome::Ran { candidates: scores.len() };
            legs.push(LegScores::unit(leg, weight, scores));
            let micros = began.elapsed().as_micros() as u64;
            reports.push(LegReport { leg, space: None, outcome, strategy: None, micros });
        }
        Ok(())
    }

    fn scores_of(
        &self,
        leg: Leg,
        candidates: &RoaringBitmap,
        request: &Recall,
        deadline: &Deadline,
    ) -> Result<Vec<Scored>> {
        let now_ms = self.now_ms();
        let half_life_ms = request.half_life.as_millis() as f64;
        let real = |stored: i64| cell::to_f64(stored).unwrap_or(0.0) as f32;
        match leg {
            Leg::Recency => self.cells(column::CREATED, candidates, |created| {
                let age_ms = now_ms.saturating_sub(created).max(0) as f64;
                (-age_ms / half_life_ms).exp2() as f32
            }),
            Leg::Importance => self.cells(column::IMPORTANCE, candidates, real),
            Leg::Valence => {
                self.cells(column::VALENCE, candidates, |v| f32::midpoint(real(v), 1.0))
            }
            Leg::Accesses => self.accesses_of(candidates, deadline),
            _ => self.affinities(candidates, request, deadline),
        }
    }

    /// The cell of each candidate, as a score.
    fn cells(
        &self,
        column: ColumnId,
        candidates: &RoaringBitmap,
        score: impl Fn(i64) -> f32,
    ) -> Result<Vec<Scored>> {
        let attributes = &self.versions().attributes;
        let mut scores = Vec::with_capacity(candidates.len() as usize);
        for ordinal in candidates {
            scores.extend(attributes.cell(column, ordinal)?.map(|cell| (ordinal, score(cell))));
        }
        Ok(scores)
    }

    /// The logarithm of how often each was accessed, as a part of that of the most accessed one: the tenth
    /// access says more than the hundredth.
    fn accesses_of(&self, candidates: &RoaringBitmap, deadline: &Deadline) -> Result<Vec<Scored>> {
        let rows = self.rows()?;
        let mut scores = Vec::with_capacity(candidates.len() as usize);
        for (at, ordinal) in candidates.iter().enumerate() {
            if at % POLL == 0 {
                deadline.check("counting accesses")?;
            }
            let access = self.shared().accesses.of(self.id_of(ordinal)?, &rows)?;
            scores.push((ordinal, (access.count as f32).ln_1p()));
        }
        let most = scores.iter().map(|(_, score)| *score).fold(f32::MIN_POSITIVE, f32::max);
        for (_, score) in &mut scores {
            *score /= most;
        }
        Ok(scores)
    }

    /// The weights of the boosts that each candidate gets, as a part of all of them.
    fn affinities(
        &self,
        candidates: &RoaringBitmap,
        request: &Recall,
        deadline: &Deadline,
    ) -> Result<Vec<Scored>> {
        let mut scores: Vec<Scored> = candidates.iter().map(|ordinal| (ordinal, 0.0)).collect();
        let all: f32 = request.boosts.iter().map(|(_, weight)| weight).sum();
        for (filter, weight) in &request.boosts {
            let kept = self.keep(filter, request.scope(), candidates, deadline)?.ordinals;
            for (ordinal, score) in &mut scores {
                if kept.contains(*ordinal) {
                    *score += weight / all;
                }
            }
        }
        Ok(scores)
    }
}
