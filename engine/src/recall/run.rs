//! Carrying out a recall.
//!
//! **Invariant:** all of it happens under one View and one scope: a hit matches the filter, has not
//! expired, and is scored as it stood at the View's commit.

use super::answers::Basis;
use super::context::{Sessions, Turns, next_to};
use super::fuse::{LegScores, best, explain_lent};
use super::legs::{NotRun, Probe, Scored, probes, text_error};
use super::likeness::Traits;
use super::neighbourhood::Neighbourhood;
use super::rerank::rerankers;
use super::select::{Words, diverse};
use super::tokens::Budget;
use super::{
    AsOf, Deadline, Explanation, Hit, Leg, LegOutcome, LegReport, Likeness, Recall, Recalled,
    Scope, Snippet, Step, Weights,
};
use crate::derived::{column, field};
use crate::ids::MemoryId;
use crate::memory::Memory;
use crate::view::{Shared, View};
use crate::{Error, Result};
use memlith_index::attributes::Order;
use memlith_index::text::{self, Query};
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::ops::Bound;
use std::time::Instant;

/// Those that say the same as a hit, by its ordinal: theirs, and their numbers.
type Duplicates = HashMap<u32, Vec<(u32, MemoryId)>>;

/// Each leg brings this many times the limit …
const CANDIDATES_PER_HIT: usize = 5;
/// … and at least so many, so that the legs have candidates in common.
const MIN_CANDIDATES: usize = 100;

/// So many of the ranked at most are compared with each other.
const MAX_COMPARED: usize = 500;
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
        request.check()?;
        let deadline = Deadline::after(request.deadline).or_at(request.cancellation.as_ref());
        let recalled = deadline.explain(self.recall_or_find(request, &deadline))?;
        self.shared().accesses.note(recalled.hits.iter().map(Hit::id), self.now_ms());
        Ok(recalled)
    }

    /// An answer that was kept, or else a new one, which may be kept.
    fn recall_or_find(&self, request: &Recall, deadline: &Deadline) -> Result<Recalled> {
        let Shared { answers, searches, .. } = self.shared();
        if !answers.takes(request) {
            let _admitted = searches.enter(deadline)?;
            return self.recall_until(request, deadline);
        }
        deadline.check("recalling")?;
        let basis = Basis { memories: self.versions().memories, now_ms: self.now_ms() };
        if let Some(kept) = answers.find(request, basis) {
            return self.renewed(Recalled::clone(&kept), basis.now_ms);
        }
        let _admitted = searches.enter(deadline)?;
        let recalled = self.recall_until(request, deadline)?;
        answers.keep(request, basis, self.first_expiry(basis.now_ms)?, &recalled);
        Ok(recalled)
    }

    /// A kept answer with what has changed in it since: ages, and how often memories were read.
    fn renewed(&self, kept: Recalled, now_ms: i64) -> Result<Recalled> {
        let began = Instant::now();
        let rows = self.rows()?;
        let mut recalled = Recalled { is_kept: true, seq: self.seq(), steps: Vec::new(), ..kept };
        for hit in &mut recalled.hits {
            if let Some(explanation) = &mut hit.explanation {
                explanation.age_ms = now_ms.saturating_sub(hit.memory.created_ms);
            }
            let turns = hit.before.iter_mut().chain(&mut hit.behind);
            for memory in turns.chain([&mut hit.memory]) {
                let access = self.shared().accesses.of(memory.id, &rows)?;
                (memory.accesses, memory.accessed_ms) = (access.count, access.last_ms);
            }
        }
        recalled.micros = began.elapsed().as_micros() as u64;
        Ok(recalled)
    }

    /// When the first memory expires that has not by `now_ms`.
    pub(crate) fn first_expiry(&self, now_ms: i64) -> Result<i64> {
        let attributes = &self.versions().attributes;
        let expiring = attributes.label(field::FLAG, field::EXPIRES)?;
        let later = now_ms.saturating_add(1)..=i64::MAX;
        let expiring = attributes.range(column::EXPIRES, later, &expiring)?;
        let first = attributes.top(column::EXPIRES, &expiring, 1, Order::Ascending, None)?;
        let Some(first) = first.first() else { return Ok(i64::MAX) };
        Ok(attributes.cell(column::EXPIRES, *first)?.unwrap_or(i64::MAX))
    }

    /// The same, of a request that was checked; counts nothing as accessed, and waits for nobody.
    pub(super) fn recall_until(&self, request: &Recall, deadline: &Deadline) -> Result<Recalled> {
        let mut watch = Watch::start();
        deadline.check("recalling")?;
        let as_of_ms = request.as_of.map(|as_of| self.time_of(as_of)).transpose()?;
        let (scope, filter) = self.select(Scope { as_of_ms, ..request.scope() }, deadline)?;
        let admitted = self.admitted(request, &scope, deadline)?;
        let admitted = admitted.as_ref().unwrap_or(&scope);
        watch.step("filter");
        let (probes, not_run) = probes(self, request)?;
        let wanted = match &probes[..] {
            // Alone, and without anything that changes the order, the best of the leg are the best.
            [_] if !(reranks(request)
                || lends(&probes, &request.weights) && self.has_sessions()?) =>
            {
                request.depth()
            }
            _ => candidates_for(request.depth()),
        };
        let (mut legs, mut reports) =
            self.run_legs(&probes, &request.weights, wanted, admitted, deadline)?;
        reports.extend(not_run.into_iter().map(|NotRun { leg, space, why }| LegReport {
            leg,
            space,
            outcome: LegOutcome::NotRun { why },
            strategy: None,
            micros: 0,
        }));
        let is_joined = request.weights.neighbourhood > 0.0;
        let adjacency = is_joined.then(|| self.adjacency()).transpose()?;
        let nearby = Neighbourhood::around(
            self,
            adjacency.as_ref(),
            request,
            &mut legs,
            &mut reports,
            admitted,
            deadline,
        )?;
        let candidates = if probes.is_empty() && !request.seeks() {
            self.unsought(admitted, request)?
        } else {
            legs.iter().flat_map(LegScores::ordinals).collect()
        };
        self.rerank(&candidates, request, &mut legs, &mut reports, deadline)?;
        watch.step("legs");
        let (ranked, duplicates) = self.ranked(&candidates, request, &probes, &legs)?;
        watch.step("rank");
        let explain = |ordinal, query: &Query, memory: &Memory| {
            let joined = nearby.as_ref().map(|n| n.joined(self, ordinal, &memory.namespace));
            let joined = joined.transpose()?.flatten();
            Ok(Explanation { joined, ..self.explain((ordinal, memory), query, &legs)? })
        };
        let (hits, tokens) =
            self.hits(&ranked, &duplicates, request, &explain, &scope, deadline)?;
        watch.step("read");
        let Watch { steps, began, .. } = watch;
        let micros = began.elapsed().as_micros() as u64;
        let (is_kept, seq) = (false, self.seq());
        Ok(Recalled { hits, legs: reports, filter, steps, tokens, is_kept, seq, micros })
    }

    /// When something was.
    fn time_of(&self, as_of: AsOf) -> Result<i64> {
        match as_of {
            AsOf::Time(time_ms) => Ok(time_ms),
            AsOf::Seq(seq) => {
                let row = self.log(seq, 1)?.pop().filter(|row| row.seq == seq);
                row.map(|row| row.time_ms).ok_or_else(|| Error::not_found("commit of the log", seq))
            }
        }
    }

    /// Those in scope that have what the signs in the text require, and not what they exclude; `None` if
    /// no signs are read.
    fn admitted(
        &self,
        request: &Recall,
        scope: &RoaringBitmap,
        deadline: &Deadline,
    ) -> Result<Option<RoaringBitmap>> {
        let Some(query) = self.query_of(request).filter(|_| request.signs) else { return Ok(None) };
        let mut keep_going = || !deadline.has_passed();
        let admitted = self.versions().text.admitted(&query, scope.clone(), &mut keep_going);
        admitted.map(Some).map_err(text_error)
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
            let mut foreign = &candidates - ordinals(&best);
            let told = match &turns {
                Some(turns) => Some(probe.tell(self, turns, deadline)?),
                None => None,
            };
            let mut others = Vec::new();
            if let (Some(turns), Some(told)) = (&turns, &told) {
                others = told.scores().into_iter().filter(|(o, _)| foreign.contains(*o)).collect();
                foreign -= turns.members();
            }
            if !foreign.is_empty() {
                others.extend(probe.scores(self, &foreign, deadline)?);
            }
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
            if let (Some(turns), Some(told)) = (&turns, told) {
                let began = Instant::now();
                scores.receive(told.lent(turns, &scores), weights.context);
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
        if rerankers(request).any(|(leg, _)| leg != Leg::Recency) {
            return Ok(scope.clone());
        }
        let wanted =
            if request.compares() { candidates_for(request.depth()) } else { request.depth() };
        let attributes = &self.versions().attributes;
        let newest = attributes.top(column::CREATED, scope, wanted, Order::Descending, None)?;
        Ok(newest.into_iter().collect())
    }

    /// The best candidates, those that are wanted, in the order in which they are.
    fn ranked(
        &self,
        candidates: &RoaringBitmap,
        request: &Recall,
        probes: &[Probe<'_>],
        legs: &[LegScores],
    ) -> Result<(Vec<Scored>, Duplicates)> {
        let depth = request.depth();
        let mut ranked = if legs.is_empty() {
            // What nobody sought is as many as there may be; only their order is to be found.
            let mut all = best(legs, candidates, request.fusion, request.min_score, usize::MAX);
            self.sort_by_time(&mut all)?;
            all
        } else {
            let depth = if request.compares() { candidates_for(depth) } else { depth };
            best(legs, candidates, request.fusion, request.min_score, depth)
        };
        if let Some(cut) = request.cut {
            ranked.truncate(cut.keeps(&ranked));
        }
        let mut duplicates = Duplicates::new();
        if let Some(likeness) = request.collapse {
            duplicates = self.collapse(&mut ranked, likeness, probes)?;
        }
        if request.diversity > 0.0 {
            ranked.truncate(candidates_for(depth).min(MAX_COMPARED.max(depth)));
            let words = self.words_of(&ranked)?;
            let order = diverse(&ranked, &words, request.diversity, depth);
            ranked = order.into_iter().map(|place| ranked[place]).collect();
        }
        ranked.truncate(depth);
        ranked.drain(..request.offset.min(ranked.len()));
        Ok((ranked, duplicates))
    }

    /// Takes those out of the best that say the same as one before them.
    fn collapse(
        &self,
        ranked: &mut Vec<Scored>,
        likeness: Likeness,
        probes: &[Probe<'_>],
    ) -> Result<Duplicates> {
        let compared = &ranked[..ranked.len().min(MAX_COMPARED)];
        let ids = compared.iter().map(|(o, _)| self.id_of(*o)).collect::<Result<Vec<_>>>()?;
        let spaces: Vec<_> = probes.iter().filter_map(Probe::vectors).collect();
        let traits = Traits::read(self, &ids, &spaces)?;
        let mut kept: Vec<(u32, &Traits)> = Vec::new();
        let mut duplicates = Duplicates::new();
        for (((ordinal, _), id), own) in compared.iter().zip(&ids).zip(&traits) {
            let Some(own) = own else { continue };
            match kept.iter().find(|(_, other)| own.is_like(other, likeness)) {
                Some((better, _)) => duplicates.entry(*better).or_default().push((*ordinal, *id)),
                None => kept.push((*ordinal, own)),
            }
        }
        let gone: RoaringBitmap = duplicates.values().flatten().map(|(o, _)| *o).collect();
        ranked.retain(|(ordinal, _)| !gone.contains(*ordinal));
        Ok(duplicates)
    }

    /// The words of each, which it is compared by.
    fn words_of(&self, ranked: &[Scored]) -> Result<Vec<Words>> {
        let ids = ranked.iter().map(|(o, _)| self.id_of(*o)).collect::<Result<Vec<_>>>()?;
        let words = |memory: Option<Memory>| {
            let mut words = Words::new();
            if let Some(Memory { namespace, content, .. }) = memory {
                self.text_settings().analyzer_in(&namespace).analyze(&content, |token| {
                    words.insert(token.term.to_owned());
                });
            }
            words
        };
        Ok(self.peek_many(&ids)?.into_iter().map(words).collect())
    }

    /// The memories of what was ranked, as far as the budget allows; and what of it was spent.
    fn hits(
        &self,
        ranked: &[Scored],
        duplicates: &Duplicates,
        request: &Recall,
        explain: &dyn Fn(u32, &Query, &Memory) -> Result<Explanation>,
        scope: &RoaringBitmap,
        deadline: &Deadline,
    ) -> Result<(Vec<Hit>, Option<usize>)> {
        let ids = ranked.iter().map(|(o, _)| self.id_of(*o)).collect::<Result<Vec<_>>>()?;
        let memories = self.peek_many(&ids)?;
        let query = request.query().unwrap_or_default();
        let mut budget = Budget::new(&request.tokens, request.max_tokens);
        let mut sessions = Sessions::default();
        let mut hits = Vec::with_capacity(ranked.len());
        for ((ordinal, score), memory) in ranked.iter().zip(memories) {
            deadline.check("reading hits")?;
            // It may have expired a moment ago.
            let Some(memory) = memory else { continue };
            if !budget.take(&memory.content) {
                continue;
            }
            let explanation = request.explain.then(|| explain(*ordinal, &query, &memory));
            let explanation = explanation.transpose()?;
            let snippet = request.snippet.map(|bytes| {
                let analyzer = self.text_settings().analyzer_in(&memory.namespace);
                snippet(analyzer.snippet(&query, &memory.content, bytes), &memory.content)
            });
            let (mut before, mut behind) = (Vec::new(), Vec::new());
            if request.neighbours > 0
                && let Some(turns) = sessions.of(self, *ordinal, scope)?
            {
                let beside = next_to(turns, *ordinal, request.neighbours).map(|(turn, _)| turn);
                let (mut early, late): (Vec<u32>, Vec<u32>) = beside.partition(|o| o < ordinal);
                early.reverse();
                (before, behind) = (self.memories_of(&early)?, self.memories_of(&late)?);
            }
            let duplicates = duplicates.get(ordinal).into_iter().flatten();
            let duplicates = duplicates.map(|(_, id)| *id).collect();
            let hit =
                Hit { memory, score: *score, explanation, snippet, before, behind, duplicates };
            hits.push(hit);
        }
        Ok((hits, request.max_tokens.map(|_| budget.spent)))
    }

    fn memories_of(&self, ordinals: &[u32]) -> Result<Vec<Memory>> {
        let ids = ordinals.iter().map(|o| self.id_of(*o)).collect::<Result<Vec<_>>>()?;
        Ok(self.peek_many(&ids)?.into_iter().flatten().collect())
    }

    /// What the text of a request asks for, in the languages of its scope.
    pub(super) fn query_of(&self, request: &Recall) -> Option<Query> {
        Some(request.query()?.in_languages(self.languages_of(request.scope())))
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
        (ordinal, memory): (u32, &Memory),
        query: &Query,
        legs: &[LegScores],
    ) -> Result<Explanation> {
        let language = self.text_settings().language_in(&memory.namespace);
        let query = query.clone().in_languages([language]);
        let matched_terms = self.versions().text.matched_terms(&query, ordinal);
        Ok(Explanation {
            legs: legs
                .iter()
                .filter_map(|leg| leg.explain(ordinal))
                .chain(explain_lent(legs, ordinal))
                .collect(),
            matched_terms: matched_terms.map_err(text_error)?,
            age_ms: self.now_ms().saturating_sub(memory.created_ms),
            joined: None,
        })
    }
}

/// Does the context of conversations count? Only beside words: the score of a vector that is alone stays
/// its nearness.
fn lends(probes: &[Probe<'_>], weights: &Weights) -> bool {
    weights.context > 0.0 && probes.iter().any(|probe| probe.leg() == Leg::Text)
}

/// Does anything but the legs that find candidates decide about their order?
fn reranks(request: &Recall) -> bool {
    request.compares() || request.weights.neighbourhood > 0.0 || rerankers(request).next().is_some()
}

/// A piece of a content.
fn snippet(found: text::Snippet, content: &str) -> Snippet {
    let start = found.range.start;
    let text = content.get(found.range.clone()).unwrap_or_default().to_owned();
    let marks = found.marks.into_iter().map(|mark| mark.start - start..mark.end - start).collect();
    Snippet { text, range: found.range, marks }
}

/// Notes how long each step takes.
struct Watch {
    began: Instant,
    last: Instant,
    steps: Vec<Step>,
}

impl Watch {
    fn start() -> Self {
        let now = Instant::now();
        Watch { began: now, last: now, steps: Vec::new() }
    }

    /// What was done since the last step was this one.
    fn step(&mut self, name: &'static str) {
        let now = Instant::now();
        let micros = now.duration_since(self.last).as_micros() as u64;
        self.steps.push(Step { name, micros });
        self.last = now;
    }
}

/// How many each of several legs brings.
pub(super) fn candidates_for(limit: usize) -> usize {
    MIN_CANDIDATES.max(limit.saturating_mul(CANDIDATES_PER_HIT))
}
