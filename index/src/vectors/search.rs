//! Finding the nearest vectors: candidates from the graph or from a scan, then exact scores of the
//! few that may win.
//!
//! Candidates are fetched and scored in the order of falling upper bounds, until the bound of the
//! next lies below the `k`-th exact score. Where the candidates come from is the
//! [planner](super::plan)'s business.
//!
//! **Invariant:** after a scan the best `k` by exact score are returned, with [`Effort::Exact`] and
//! wherever the planner chose one; after a walk those of what it met, as sure as [`Surety::Likely`] is.

use roaring::RoaringBitmap;
use std::cell::Cell;

use super::bounds::{Probe, Surety};
use super::graph::{Breadth, Reach, Target, Walker};
use super::index::Shape;
use super::metric::VectorError;
use super::plan::{self, Plan, Strategy};
use super::quantize::Clip;
use super::rank::{Best, Hit};
use super::scan::{Candidate, Scan};
use super::view::VectorView;
use crate::image::ImageError;

/// Codes between two questions whether to go on.
const POLL_INTERVAL: usize = 4_096;

/// What fetching and scoring a vector counts for, in codes.
const FETCH_COST: usize = 64;

/// Why a search gave no answer. `E` is the error of the caller's fetch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError<E> {
    /// The query cannot be compared with the vectors of the index.
    #[error("query: {0}")]
    Query(#[source] VectorError),
    /// The image could not be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A vector in full precision could not be fetched.
    #[error("vector of ordinal {ordinal} could not be fetched")]
    Fetch {
        /// Whose vector.
        ordinal: u32,
        /// What the fetch returned.
        source: E,
    },
    /// A fetched vector has no score: it cannot be the one that was indexed.
    #[error("vector of ordinal {ordinal} is not the one that was indexed")]
    Stored {
        /// Whose vector.
        ordinal: u32,
        /// What is wrong with it.
        source: VectorError,
    },
    /// [`SearchLimits`] asked to stop.
    #[error("search was stopped by its limits")]
    Stopped,
}

/// When to give a search up.
#[derive(Default)]
pub struct SearchLimits<'a> {
    keep_going: Option<&'a mut dyn FnMut() -> bool>,
    /// Codes until the next question.
    credit: usize,
}

impl<'a> SearchLimits<'a> {
    /// Run to the end.
    pub fn none() -> Self {
        Self::default()
    }

    /// Run while `keep_going`, which is asked at the start and then after each 4,096 codes or so.
    pub fn keep_going(keep_going: &'a mut dyn FnMut() -> bool) -> Self {
        Self { keep_going: Some(keep_going), credit: 0 }
    }

    /// Accounts for `codes` that are about to be looked at. May they?
    pub(super) fn allow(&mut self, codes: usize) -> bool {
        if self.credit >= codes {
            self.credit -= codes;
            return true;
        }
        self.credit = POLL_INTERVAL;
        self.keep_going.as_mut().is_none_or(|keep_going| keep_going())
    }
}

impl std::fmt::Debug for SearchLimits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SearchLimits").field("is_limited", &self.keep_going.is_some()).finish()
    }
}

/// The vectors themselves, which an index does not hold. A closure that reads one is such a thing.
pub trait Vectors {
    /// Why a vector could not be read.
    type Error;

    /// Reads the vector of `ordinal`, as it was inserted, into `out`, which has the dimension of the
    /// index.
    ///
    /// # Errors
    /// What the search is to fail with.
    fn read(&mut self, ordinal: u32, out: &mut [f32]) -> Result<(), Self::Error>;

    /// Hears that the vectors of `ordinals` are likely to be read next, in this order: time to have
    /// their memory brought near.
    fn expect(&mut self, ordinals: &[u32]) {
        let _ = ordinals;
    }
}

impl<F, E> Vectors for F
where
    F: FnMut(u32, &mut [f32]) -> Result<(), E>,
{
    type Error = E;

    fn read(&mut self, ordinal: u32, out: &mut [f32]) -> Result<(), E> {
        self(ordinal, out)
    }
}

/// What a search reads vectors from.
type Source<'a, E> = &'a mut dyn Vectors<Error = E>;

/// How hard a search looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effort {
    /// Every entry: the answer is that of brute force.
    Exact,
    /// The graph, looking at the neighbours of about this many of the nearest (*ef* of the paper), at least
    /// as many as are asked for: of fewer where few lie near the query, of up to twice as many where many do. And
    /// every entry that is not in the graph yet. Where a scan is cheaper, as under a filter that keeps few,
    /// that, and the answer is exact.
    Ef(usize),
}

/// What to search for.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The vector to be near to.
    pub query: &'a [f32],
    /// How many hits at most.
    pub k: usize,
    /// Only these ordinals.
    pub filter: Option<&'a RoaringBitmap>,
    /// How hard to look.
    pub effort: Effort,
    /// Every entry that may be a hit is looked at where there are no more than this, whatever the
    /// planner would choose.
    pub scan_below: usize,
}

/// What a search found, and how.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The nearest, best first; equal scores are ranked by ordinal.
    pub hits: Vec<Hit>,
    /// How they were found.
    pub plan: Plan,
}

impl VectorView {
    /// The `k` nearest vectors, best first: exactly those that scoring all of them would give.
    ///
    /// Only ordinals in `filter` are considered, if there is one. Of `vectors` little more than `k`
    /// are read. Equal scores are ranked by ordinal.
    ///
    /// # Errors
    /// [`SearchError`].
    pub fn search<E>(
        &self,
        query: &[f32],
        k: usize,
        filter: Option<&RoaringBitmap>,
        limits: SearchLimits<'_>,
        vectors: Source<'_, E>,
    ) -> Result<Vec<Hit>, SearchError<E>> {
        let search = Search { query, k, filter, effort: Effort::Exact, scan_below: 0 };
        Ok(self.find(search, limits, vectors)?.hits)
    }

    /// The nearest vectors, best first. There are `k` if so many vectors are in the filter.
    ///
    /// Of `vectors` little more than `k` are read. All scores are exact.
    ///
    /// # Errors
    /// [`SearchError`].
    pub fn find<E>(
        &self,
        search: Search<'_>,
        mut limits: SearchLimits<'_>,
        vectors: Source<'_, E>,
    ) -> Result<Found, SearchError<E>> {
        let Search { query, k, filter, effort, .. } = search;
        let shape = self.entries.shape;
        shape.metric.check(shape.dimension, query).map_err(SearchError::Query)?;
        let mut plan = plan::choose(self, &search);
        let k = k.min(self.live());
        if k == 0 || filter.is_some_and(RoaringBitmap::is_empty) {
            return Ok(Found { hits: Vec::new(), plan });
        }
        let probe = Probe::new(shape.kernel, shape.metric, query);
        let mut scan = Scan::new(&self.entries, &probe, k, self.surety(plan.strategy));
        if let (Strategy::Walk, Effort::Ef(ef)) = (plan.strategy, effort) {
            let breadth = self.graph.breadth(k, ef);
            match self.walk(&mut scan, &probe, breadth, filter, &mut plan, &mut limits)? {
                Reach::End => {}
                Reach::Stop => return Err(SearchError::Stopped),
                Reach::Dry | Reach::Allowance => plan.strategy = Strategy::WalkThenScan,
            }
        }
        let is_stopped = if plan.strategy == Strategy::Walk {
            scan.sweep(plan.linked, filter, &mut limits)?
        } else {
            scan = Scan::new(&self.entries, &probe, k, Surety::Proven);
            match filter {
                Some(filter) if plan::is_sparse(filter, self.entries.len()) => {
                    scan.visit(filter, &mut limits)?
                }
                _ => scan.sweep(0, filter, &mut limits)?,
            }
        };
        if is_stopped {
            return Err(SearchError::Stopped);
        }
        scan.refine()?;

        let candidates = scan.into_candidates();
        let mut likely = Vec::with_capacity(k.min(candidates.len()));
        for candidate in candidates.iter().take(k) {
            likely.push(self.entries.ordinal(candidate.entry)?);
        }
        vectors.expect(&likely);
        let mut best = Best::new(k);
        let mut vector = vec![0.0; shape.dimension];
        for Candidate { bounds, entry, .. } in candidates {
            if best.bar().is_some_and(|bar| bounds.is_below(probe.key(bar))) {
                break;
            }
            if !limits.allow(FETCH_COST) {
                return Err(SearchError::Stopped);
            }
            let ordinal = self.entries.ordinal(entry)?;
            plan.fetched += 1;
            best.offer(ordinal, self.exact(&probe, query, ordinal, &mut vector, vectors)?);
        }
        Ok(Found { hits: best.into_hits(), plan })
    }

    /// How sure an answer is to be of what was looked at. What was cut off components points where the
    /// vector does, not anywhere.
    fn surety(&self, strategy: Strategy) -> Surety {
        if strategy == Strategy::Walk && self.entries.shape.clip == Clip::default() {
            Surety::Likely
        } else {
            Surety::Proven
        }
    }

    /// Hands what the graph finds to `scan`.
    fn walk(
        &self,
        scan: &mut Scan<'_>,
        probe: &Probe,
        breadth: Breadth,
        filter: Option<&RoaringBitmap>,
        plan: &mut Plan,
        limits: &mut SearchLimits<'_>,
    ) -> Result<Reach, ImageError> {
        let target = Target { code: probe.code(), measure: probe.measure() };
        let (mark, sight) = (plan.linked as u32, self.graph.sight());
        let walker = Walker::new(&self.entries, &self.graph, mark, sight);
        let has_dead = self.live() < self.entries.len();
        self.graph.shared.with_scratch(|scratch| {
            let ended = if filter.is_none() && !has_dead {
                walker.nearest(target, breadth, scratch)?
            } else {
                let (met, wanted) = (Cell::new(0), Cell::new(0));
                let admits = |entry: u32| {
                    let is_wanted = match filter {
                        Some(filter) => filter.contains(self.entries.ordinal(entry)?),
                        None => true,
                    } && self.entries.is_alive(entry);
                    met.update(|met| met + 1);
                    wanted.update(|wanted| wanted + usize::from(is_wanted));
                    Ok(is_wanted)
                };
                let allow = |nodes: usize| {
                    let is_trial = plan.walked < plan.trial && plan.trial <= plan.walked + nodes;
                    plan.walked += nodes;
                    let is_hopeless =
                        is_trial && plan.is_hopeless(breadth.ef, met.get(), wanted.get());
                    if plan.walked > plan.allowance || is_hopeless {
                        Reach::Allowance
                    } else if limits.allow(nodes) {
                        Reach::End
                    } else {
                        Reach::Stop
                    }
                };
                walker.nearest_of(target, breadth, admits, allow, scratch)?
            };
            let ended = match ended {
                // Fewer than are wanted, and there may be more: parts of the graph may lie apart.
                Reach::Dry if scratch.found.len() >= plan.expected.clamp(1, breadth.ef) => {
                    Reach::End
                }
                ended => ended,
            };
            if ended == Reach::End {
                scan.look_at(scratch.found.iter().map(|candidate| candidate.node()))?;
            }
            Ok(ended)
        })
    }

    /// The exact scores of those of `ordinals` that have a vector, in the order given.
    ///
    /// # Errors
    /// [`SearchError`].
    pub fn score_of<E>(
        &self,
        ordinals: &[u32],
        query: &[f32],
        vectors: Source<'_, E>,
    ) -> Result<Vec<Hit>, SearchError<E>> {
        let Shape { dimension, metric, kernel, .. } = self.entries.shape;
        metric.check(dimension, query).map_err(SearchError::Query)?;
        let probe = Probe::new(kernel, metric, query);
        let mut vector = vec![0.0; dimension];
        let mut lookup = self.entries.lookup()?;
        let mut hits = Vec::with_capacity(ordinals.len());
        for &ordinal in ordinals {
            if lookup.entry_of(ordinal).is_some() {
                let score = self.exact(&probe, query, ordinal, &mut vector, vectors)?;
                hits.push(Hit::new(ordinal, score));
            }
        }
        Ok(hits)
    }

    fn exact<E>(
        &self,
        probe: &Probe,
        query: &[f32],
        ordinal: u32,
        vector: &mut [f32],
        vectors: Source<'_, E>,
    ) -> Result<f64, SearchError<E>> {
        vectors.read(ordinal, vector).map_err(|source| SearchError::Fetch { ordinal, source })?;
        let score = probe.score(self.entries.shape.kernel, query, vector);
        if score.is_finite() {
            return Ok(score);
        }
        let check = self.entries.shape.metric.check(self.entries.shape.dimension, vector);
        let source = check.expect_err("finite vectors of the metric have a finite score");
        Err(SearchError::Stored { ordinal, source })
    }
}
