//! Finding the nearest vectors: a scan over codes, then exact scores of the few that may win.
//!
//! 1. Each code gives an interval that holds the key of its entry ([`bounds`](super::bounds)). The
//!    `k`-th largest lower bound so far is a *threshold* that `k` entries reach for certain: who
//!    cannot reach it is out, the others are candidates.
//! 2. Candidates get a narrower interval from the query uncoded, which raises the threshold.
//! 3. Candidates are fetched and scored in the order of falling upper bounds, until the bound of
//!    the next lies below the `k`-th exact score.
//!
//! Whether an entry is dead, or outside the filter, is asked only of those that reach the threshold.
//!
//! **Invariant:** the result is that of scoring every live entry of the filter exactly.

use roaring::RoaringBitmap;

use super::bounds::{Bounds, Probe};
use super::metric::VectorError;
use super::quantize::{Form, StoredForm};
use super::rank::{Best, Hit, KthLargest};
use super::view::VectorView;
use crate::image::ImageError;

/// Codes that a kernel is given at once.
const BLOCK: usize = 256;

/// Codes between two questions whether to go on.
const POLL_INTERVAL: usize = 4_096;

/// What fetching and scoring a vector counts for, in codes.
const FETCH_COST: usize = 64;

/// A filter is visited entry by entry if it holds at most one in so many entries; else all codes
/// are scanned in their order. Measured with 47,000 codes of 384 bytes: a visit costs 31 ns, a code
/// in order 7 ns, so the two meet where the filter holds 23 in 100.
const VISIT_SHARE: u64 = 4;

/// Candidates are first pruned when there are so many.
const FIRST_PRUNING: usize = 1_024;

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
    fn allow(&mut self, codes: usize) -> bool {
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

/// Reads the full-precision vector of an ordinal into a slice of the index's dimension.
type Fetch<'a, E> = &'a mut dyn FnMut(u32, &mut [f32]) -> Result<(), E>;

impl VectorView {
    /// The `k` nearest vectors, best first: exactly those that scoring all of them would give.
    ///
    /// Only ordinals in `filter` are considered, if there is one. `fetch` reads the vector of an
    /// ordinal as it was inserted; it is called for little more than `k` of them. Equal scores are
    /// ranked by ordinal.
    ///
    /// # Errors
    /// [`SearchError`].
    pub fn search<E>(
        &self,
        query: &[f32],
        k: usize,
        filter: Option<&RoaringBitmap>,
        mut limits: SearchLimits<'_>,
        fetch: Fetch<'_, E>,
    ) -> Result<Vec<Hit>, SearchError<E>> {
        let metric = self.shape.metric;
        metric.check(self.shape.dimension, query).map_err(SearchError::Query)?;
        let k = k.min(self.live());
        if k == 0 {
            return Ok(Vec::new());
        }
        let probe = Probe::new(metric, query);
        let mut scan = Scan::new(self, &probe, k);
        let was_stopped = match filter {
            Some(filter) if filter.len().saturating_mul(VISIT_SHARE) <= self.entries() as u64 => {
                scan.visit(filter, &mut limits)
            }
            _ => scan.sweep(filter, &mut limits),
        }?;
        if was_stopped {
            return Err(SearchError::Stopped);
        }
        scan.refine()?;

        let mut best = Best::new(k);
        let mut vector = vec![0.0; self.shape.dimension];
        for Candidate { bounds, entry } in scan.into_candidates() {
            if best.bar().is_some_and(|bar| bounds.is_below(probe.key(bar))) {
                break;
            }
            if !limits.allow(FETCH_COST) {
                return Err(SearchError::Stopped);
            }
            let ordinal = self.ordinal(entry)?;
            best.offer(ordinal, self.exact(&probe, query, ordinal, &mut vector, fetch)?);
        }
        Ok(best.into_hits())
    }

    /// The exact scores of those of `ordinals` that have a vector, in the order given.
    ///
    /// # Errors
    /// [`SearchError`].
    pub fn score_of<E>(
        &self,
        ordinals: &[u32],
        query: &[f32],
        fetch: Fetch<'_, E>,
    ) -> Result<Vec<Hit>, SearchError<E>> {
        let metric = self.shape.metric;
        metric.check(self.shape.dimension, query).map_err(SearchError::Query)?;
        let probe = Probe::new(metric, query);
        let mut vector = vec![0.0; self.shape.dimension];
        let mut lookup = self.lookup()?;
        let mut hits = Vec::with_capacity(ordinals.len());
        for &ordinal in ordinals {
            if lookup.entry_of(ordinal).is_some() {
                let score = self.exact(&probe, query, ordinal, &mut vector, fetch)?;
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
        fetch: Fetch<'_, E>,
    ) -> Result<f64, SearchError<E>> {
        fetch(ordinal, vector).map_err(|source| SearchError::Fetch { ordinal, source })?;
        let score = probe.score(query, vector);
        if score.is_finite() {
            return Ok(score);
        }
        let check = self.shape.metric.check(self.shape.dimension, vector);
        let source = check.expect_err("finite vectors of the metric have a finite score");
        Err(SearchError::Stored { ordinal, source })
    }
}

/// An entry that may be among the best.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    bounds: Bounds,
    entry: u32,
}

/// The state of a search up to its candidates.
struct Scan<'a> {
    view: &'a VectorView,
    probe: &'a Probe,
    lower_bounds: KthLargest,
    candidates: Vec<Candidate>,
    prune_at: usize,
}

impl<'a> Scan<'a> {
    fn new(view: &'a VectorView, probe: &'a Probe, k: usize) -> Self {
        Self {
            view,
            probe,
            lower_bounds: KthLargest::new(k),
            candidates: Vec::new(),
            prune_at: FIRST_PRUNING,
        }
    }

    /// Looks at every code in the order they lie in. Was it stopped?
    fn sweep(
        &mut self,
        filter: Option<&RoaringBitmap>,
        limits: &mut SearchLimits<'_>,
    ) -> Result<bool, ImageError> {
        let view = self.view;
        let mut dots = [0; BLOCK];
        let mut entry = 0;
        while entry < view.entries() {
            let rows = view.rows(entry, BLOCK)?;
            let dots = &mut dots[..rows.forms.len()];
            if !limits.allow(dots.len()) {
                return Ok(true);
            }
            view.shape.kernel.dots(&self.probe.code, rows.codes, dots);
            self.offer(entry as u32, dots, rows.forms, |entry| {
                let is_wanted = match filter {
                    Some(filter) => filter.contains(view.ordinal(entry)?),
                    None => true,
                };
                Ok(is_wanted && view.is_alive(entry))
            })?;
            entry += dots.len();
        }
        Ok(false)
    }

    /// Looks up the entry of each ordinal of `filter`. Was it stopped?
    fn visit(
        &mut self,
        filter: &RoaringBitmap,
        limits: &mut SearchLimits<'_>,
    ) -> Result<bool, ImageError> {
        let view = self.view;
        let mut lookup = view.lookup()?;
        for ordinal in filter {
            if !limits.allow(1) {
                return Ok(true);
            }
            let Some(entry) = lookup.entry_of(ordinal) else { continue };
            let rows = view.rows(entry as usize, 1)?;
            let mut dots = [0];
            view.shape.kernel.dots(&self.probe.code, rows.codes, &mut dots);
            self.offer(entry, &dots, rows.forms, |_| Ok(true))?;
        }
        Ok(false)
    }

    /// Takes the entries from `first` on, whose dot products and forms these are.
    #[inline]
    fn offer(
        &mut self,
        first: u32,
        dots: &[i32],
        forms: &[StoredForm],
        is_visible: impl Fn(u32) -> Result<bool, ImageError>,
    ) -> Result<(), ImageError> {
        let mut threshold = self.lower_bounds.get();
        for ((&dot, form), entry) in dots.iter().zip(forms).zip(first..) {
            let bounds = self.probe.bounds(dot, Form::from_stored(form));
            if bounds.is_below(threshold) || !is_visible(entry)? {
                continue;
            }
            let bounds = bounds.widened();
            self.lower_bounds.offer(bounds.lower);
            threshold = self.lower_bounds.get();
            self.candidates.push(Candidate { bounds, entry });
            if self.candidates.len() >= self.prune_at {
                self.prune();
            }
        }
        Ok(())
    }

    /// Drops the candidates that the threshold has overtaken.
    fn prune(&mut self) {
        let threshold = self.lower_bounds.get();
        self.candidates.retain(|candidate| !candidate.bounds.is_below(threshold));
        self.prune_at = FIRST_PRUNING.max(2 * self.candidates.len());
    }

    /// Narrows the bounds of the candidates.
    fn refine(&mut self) -> Result<(), ImageError> {
        self.prune();
        self.lower_bounds.clear();
        for Candidate { bounds, entry } in &mut self.candidates {
            let rows = self.view.rows(*entry as usize, 1)?;
            *bounds = bounds
                .and(self.probe.refine(rows.codes, Form::from_stored(&rows.forms[0])).widened());
            self.lower_bounds.offer(bounds.lower);
        }
        self.prune();
        Ok(())
    }

    /// The candidates, the most promising first.
    fn into_candidates(mut self) -> Vec<Candidate> {
        self.candidates.sort_unstable_by(|a, b| b.bounds.upper.total_cmp(&a.bounds.upper));
        self.candidates
    }
}
