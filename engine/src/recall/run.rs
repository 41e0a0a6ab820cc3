//! Carrying out a recall.
//!
//! **Invariant:** all of it happens under one View and one scope: a hit matches the filter, has not
//! expired, and is scored as it stood at the View's commit.

use super::context::Turns;
use super::fuse::{LegScores, best, explain_lent};
use super::legs::{NotRun, Probe, Scored, probes, text_error};
use super::{Deadline, Explanation, Hit, Leg, LegOutcome, LegReport, Recall, Recalled, Weights};
use crate::Result;
use crate::derived::{column, field};
use crate::view::View;
use memlith_index::attributes::{ColumnId, Order, cell};
use memlith_index::text::Query;
use roaring::RoaringBitmap;
use std::ops::Bound;
use std::time::Instant;

/// How a leg that only reranks scores the cell of a column.
type CellScore<'a> = &'a dyn Fn(i64) -> f32;

/// Each leg brings this many times the limit …
const CANDIDATES_PER_HIT: usize = 5;
/// … and at least so many, so that the legs have candidates in common.
const MIN_CANDIDATES: usize = 100;

/// Of so many of each leg, the best, the turns around are looked at.
const MAX_SEEDS: usize = 500;

impl View {
    /// Recalls memories: by text, by vector, by both, or the newest that match the filter.
    ///
    /// Every hit counts as an access of its memory.
    ///
    /// # Errors
    /// [`DimensionMismatch`](crate::ErrorKind::DimensionMismatch) or
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a query vector that its space refuses,
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) if the time ran out.
    pub fn recall(&self, request: &Recall) -> Result<Recalled> {
        let began = Instant::now();
        request.check()?;
        let deadline = Deadline::after(request.deadline);
        let (scope, filter) = self.select(request.scope(), &deadline)?;
        let (probes, not_run) = probes(self, request)?;
        let wanted = match &probes[..] {
            // Alone, and without anything that reranks, the best of the leg are the best.
            [_] if !reranks(&request.weights)
                && !(lends(&probes, &request.weights) && self.has_sessions()?) =>
            {
                request.limit
            }
            _ => candidates_for(request.limit),
        };
        let (mut legs, mut reports) =
            self.run_legs(&probes, &request.weights, wanted, &scope, &deadline)?;
        reports.extend(not_run.into_iter().map(|NotRun { leg, space, why }| LegReport {
            leg,
            space,
            outcome: LegOutcome::NotRun { why },
            strategy: None,
            micros: 0,
        }));
        let candidates = if probes.is_empty() && !request.seeks() {
            self.unsought(&scope, request)?
        } else {
            legs.iter().flat_map(LegScores::ordinals).collect()
        };
        self.rerank(&candidates, request, &mut legs, &mut reports)?;
        let hits = self.hits(&candidates, request, &legs)?;
        let ids = hits.iter().map(Hit::id);
        self.shared().accesses.note(ids, self.now_ms());
        let micros = began.elapsed().as_micros() as u64;
        Ok(Recalled { hits, legs: reports, filter, seq: self.seq(), micros })
    }

    /// Runs the legs that find candidates, and lets each score what the others found.
    pub(super) fn run_legs(
        &self,
        probes: &[Probe<'_>],
        weights: &Weights,
        wanted: usize,
        scope: &RoaringBitmap,
        deadline: &Deadline,
    ) -> Result<(Vec<LegScores>, Vec<LegReport>)> {
        let spaces = probes.iter().filter(|probe| probe.leg() == Leg::Vector).count();
        let mut found: Vec<(Vec<Scored>, Option<&str>, u64)> = Vec::with_capacity(probes.len());
        for probe in probes {
            let began = Instant::now();
            let (best, strategy) = probe.best(self, wanted, scope, deadline)?;
            found.push((best, strategy, began.elapsed().as_micros() as u64));
        }
        let ordinals = |best: &[Scored]| best.iter().map(|(o, _)| *o).collect::<RoaringBitmap>();
        let (mut candidates, mut seeds) = (RoaringBitmap::new(), RoaringBitmap::new());
        for (best, ..) in &found {
            candidates |= ordinals(best);
            seeds |= ordinals(&best[..best.len().min(MAX_SEEDS)]);
        }
        let began = Instant::now();
        let turns = if lends(probes, weights) { Turns::around(self, &seeds, scope)? } else { None };
        if let Some(turns) = &turns {
            candidates |= &turns.receivers;
        }
        let mut lending_micros = began.elapsed().as_micros() as u64;
        let (mut legs, mut reports) = (Vec::new(), Vec::new());
        for (probe, (best, strategy, mut micros)) in probes.iter().zip(found) {
            let began = Instant::now();
            let foreign = &candidates - ordinals(&best);
            let others = if foreign.is_empty() {
                Vec::new()
            } else {
                probe.scores(self, &foreign, deadline)?
            };
            micros += began.elapsed().as_micros() as u64;
            let (weight, floor) = match probe.leg() {
                Leg::Text => (weights.text, Some(0.0)),
                _ => (weights.vector / spaces as f32, None),
            };
            let (leg, space) = (probe.leg(), probe.space());
            let mut scores = LegScores::relative(leg, weight, &best, others, floor).of_space(space);
            let outcome = LegOutcome::Ran { candidates: best.len() };
            let space = space.map(Into::into);
            reports.push(LegReport { leg, space, outcome, strategy, micros });
            if let Some(turns) = &turns {
                let began = Instant::now();
                let lent = probe.lent(self, turns, &scores, deadline)?;
                scores.receive(lent, weights.context);
                lending_micros += began.elapsed().as_micros() as u64;
            }
            legs.push(scores);
        }
        if let Some(turns) = turns {
            let outcome = LegOutcome::Ran { candidates: turns.receivers.len() as usize };
            let (leg, micros) = (Leg::Context, lending_micros);
            reports.push(LegReport { leg, space: None, outcome, strategy: None, micros });
        }
        Ok((legs, reports))
    }

    /// What a request looks at that names nothing to look for: the newest, or everything in scope
    /// if something else than the time decides.
    fn unsought(&self, scope: &RoaringBitmap, request: &Recall) -> Result<RoaringBitmap> {
        if request.weights.importance > 0.0 {
            return Ok(scope.clone());
        }
        let attributes = &self.versions().attributes;
        let newest =
            attributes.top(column::CREATED, scope, request.limit, Order::Descending, None)?;
        Ok(newest.into_iter().collect())
    }

    /// Adds the legs that only rerank.
    fn rerank(
        &self,
        candidates: &RoaringBitmap,
        request: &Recall,
        legs: &mut Vec<LegScores>,
        reports: &mut Vec<LegReport>,
    ) -> Result<()> {
        let Weights { recency, importance, .. } = request.weights;
        let attributes = &self.versions().attributes;
        let now_ms = self.now_ms();
        let half_life_ms = request.half_life.as_millis() as f64;
        let score_of_age = |created: i64| {
            let age_ms = now_ms.saturating_sub(created).max(0) as f64;
            (-age_ms / half_life_ms).exp2() as f32
        };
        let score_of_importance = |c: i64| cell::to_f64(c).unwrap_or(0.0) as f32;
        let rerankers: [(Leg, f32, ColumnId, CellScore<'_>); 2] = [
            (Leg::Recency, recency, column::CREATED, &score_of_age),
            (Leg::Importance, importance, column::IMPORTANCE, &score_of_importance),
        ];
        for (leg, weight, column, score) in rerankers {
            if weight <= 0.0 {
                continue;
            }
            let began = Instant::now();
            let mut scores = Vec::with_capacity(candidates.len() as usize);
            for ordinal in candidates {
                let cell = attributes.cell(column, ordinal)?;
                scores.extend(cell.map(|c| (ordinal, score(c))));
            }
            let outcome = LegOutcome::Ran { candidates: scores.len() };
            legs.push(LegScores::unit(leg, weight, scores));
            let micros = began.elapsed().as_micros() as u64;
            reports.push(LegReport { leg, space: None, outcome, strategy: None, micros });
        }
        Ok(())
    }

    /// The best candidates with their memories.
    fn hits(
        &self,
        candidates: &RoaringBitmap,
        request: &Recall,
        legs: &[LegScores],
    ) -> Result<Vec<Hit>> {
        let ranked = if legs.is_empty() {
            // What nobody sought is as many as there may be; only their order is to be found.
            let mut all = best(legs, candidates, request.fusion, request.min_score, usize::MAX);
            self.sort_by_time(&mut all)?;
            all.truncate(request.limit);
            all
        } else {
            best(legs, candidates, request.fusion, request.min_score, request.limit)
        };
        let ids = ranked.iter().map(|(o, _)| self.id_of(*o)).collect::<Result<Vec<_>>>()?;
        let memories = self.peek_many(&ids)?;
        let mut hits = Vec::with_capacity(ranked.len());
        for ((ordinal, score), memory) in ranked.into_iter().zip(memories) {
            // It may have expired a moment ago.
            let Some(memory) = memory else { continue };
            let explain = || self.explain(ordinal, request, legs, memory.created_ms);
            let explanation = request.explain.then(explain).transpose()?;
            hits.push(Hit { memory, score, explanation });
        }
        Ok(hits)
    }

    /// Is any memory of a session?
    fn has_sessions(&self) -> Result<bool> {
        let mut sessions = self.versions().attributes.labels(field::SESSION, Bound::Unbounded)?;
        Ok(sessions.next().transpose()?.is_some())
    }

    fn sort_by_time(&self, ranked: &mut [Scored]) -> Result<()> {
        let attributes = &self.versions().attributes;
        let mut keyed = Vec::with_capacity(ranked.len());
        for (ordinal, score) in ranked.iter() {
            keyed.push((attributes.cell(column::CREATED, *ordinal)?, *ordinal, *score));
        }
        keyed.sort_unstable_by_key(|(created, ordinal, _)| std::cmp::Reverse((*created, *ordinal)));
        for (slot, (_, ordinal, score)) in ranked.iter_mut().zip(keyed) {
            *slot = (ordinal, score);
        }
        Ok(())
    }

    fn explain(
        &self,
        ordinal: u32,
        request: &Recall,
        legs: &[LegScores],
        created_ms: i64,
    ) -> Result<Explanation> {
        let query = Query::words(request.text.as_deref().unwrap_or_default());
        let matched_terms = self.versions().text.matched_terms(&query, ordinal);
        Ok(Explanation {
            legs: legs
                .iter()
                .filter_map(|leg| leg.explain(ordinal))
                .chain(explain_lent(legs, ordinal))
                .collect(),
            matched_terms: matched_terms.map_err(text_error)?,
            age_ms: self.now_ms().saturating_sub(created_ms),
        })
    }
}

/// Does the context of conversations count? Only beside words: the score of a vector that is alone stays
/// its nearness.
fn lends(probes: &[Probe<'_>], weights: &Weights) -> bool {
    weights.context > 0.0 && probes.iter().any(|probe| probe.leg() == Leg::Text)
}

fn reranks(weights: &Weights) -> bool {
    weights.recency > 0.0 || weights.importance > 0.0
}

/// How many each of several legs brings.
pub(super) fn candidates_for(limit: usize) -> usize {
    MIN_CANDIDATES.max(limit.saturating_mul(CANDIDATES_PER_HIT))
}
