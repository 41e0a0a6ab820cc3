//! The scan over codes: which entries may be among the nearest.
//!
//! 1. Each code gives an interval that holds the key of its entry ([`bounds`](super::bounds)): a wide
//!    one from its upper plane, then one from both. The `k`-th largest lower bound so far is a
//!    *threshold* that `k` entries reach for certain: who cannot reach it is out, mostly before its
//!    lower plane is read; the others are candidates.
//! 2. Candidates get a narrower interval from what is left of the query, which raises the threshold.
//!
//! Whether an entry is dead, or outside the filter, is asked only of those that reach the threshold.
//!
//! **Invariant:** of the entries that were looked at, the `k` best are among the candidates: for certain
//! if bounds are proven, else as [`Surety`] says.

use roaring::RoaringBitmap;

use super::bounds::{Bounds, Probe, Slack, Surety};
use super::entries::{Entries, Rows};
use super::kernels::prefetch;
use super::quantize::Form;
use super::rank::KthLargest;
use super::search::SearchLimits;
use crate::image::ImageError;

/// Codes that a kernel is given at once.
const BLOCK: usize = 256;

/// Entries whose memory is asked for ahead of the one that is looked at.
const LOOKAHEAD: usize = 12;

/// Candidates are first pruned when there are so many.
const FIRST_PRUNING: usize = 1_024;

/// An entry that may be among the best.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) bounds: Bounds,
    pub(super) entry: u32,
    /// The dot product of its code and that of the query.
    dot: i32,
}

/// The state of a search up to its candidates.
pub(super) struct Scan<'a> {
    entries: &'a Entries,
    probe: &'a Probe,
    slack: Slack,
    lower_bounds: KthLargest,
    candidates: Vec<Candidate>,
    prune_at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(entries: &'a Entries, probe: &'a Probe, k: usize, surety: Surety) -> Self {
        Self {
            entries,
            probe,
            slack: probe.slack(surety, entries.shape.dimension),
            lower_bounds: KthLargest::new(k),
            candidates: Vec::new(),
            prune_at: FIRST_PRUNING,
        }
    }

    /// Looks at every code from `first` on, in the order they lie in. Was it stopped?
    pub(super) fn sweep(
        &mut self,
        first: usize,
        filter: Option<&RoaringBitmap>,
        limits: &mut SearchLimits<'_>,
    ) -> Result<bool, ImageError> {
        let entries = self.entries;
        let mut highs = [0; BLOCK];
        let code = self.probe.code();
        let mut entry = first;
        while entry < entries.len() {
            let rows = entries.rows(entry, BLOCK)?;
            let highs = &mut highs[..rows.forms.len()];
            if !limits.allow(highs.len()) {
                return Ok(true);
            }
            entries.shape.kernel.dots(code.bytes(), rows.high, highs);
            self.sift(entry as u32, highs, &rows, |entry| {
                let is_wanted = match filter {
                    Some(filter) => filter.contains(entries.ordinal(entry)?),
                    None => true,
                };
                Ok(is_wanted && entries.is_alive(entry))
            })?;
            entry += highs.len();
        }
        Ok(false)
    }

    /// Looks up the entry of each ordinal of `filter`. Was it stopped?
    pub(super) fn visit(
        &mut self,
        filter: &RoaringBitmap,
        limits: &mut SearchLimits<'_>,
    ) -> Result<bool, ImageError> {
        let entries = self.entries;
        let mut lookup = entries.lookup()?;
        for ordinal in filter {
            if !limits.allow(1) {
                return Ok(true);
            }
            if let Some(entry) = lookup.entry_of(ordinal) {
                self.look_at_one(entry)?;
            }
        }
        Ok(false)
    }

    /// Looks at entries, which are alive and wanted. The nearer the first are, the fewer of the others are
    /// looked at in full.
    pub(super) fn look_at(
        &mut self,
        entries: impl Iterator<Item = u32> + Clone,
    ) -> Result<(), ImageError> {
        let mut ahead = entries.clone();
        for entry in ahead.by_ref().take(LOOKAHEAD) {
            self.prefetch(entry)?;
        }
        for entry in entries {
            if let Some(entry) = ahead.next() {
                self.prefetch(entry)?;
            }
            self.look_at_one(entry)?;
        }
        Ok(())
    }

    /// Looks at an entry, which is alive and wanted.
    fn look_at_one(&mut self, entry: u32) -> Result<(), ImageError> {
        let rows = self.entries.rows(entry as usize, 1)?;
        let high = self.entries.shape.kernel.dot(self.probe.code().bytes(), rows.high);
        self.sift(entry, &[high], &rows, |_| Ok(true))
    }

    fn prefetch(&self, entry: u32) -> Result<(), ImageError> {
        let Rows { high, low, forms } = self.entries.rows(entry as usize, 1)?;
        prefetch(high);
        prefetch(low);
        prefetch(forms.margins);
        Ok(())
    }

    /// Takes the entries from `first` on, whose upper planes gave `highs`.
    #[inline]
    fn sift(
        &mut self,
        first: u32,
        highs: &[i32],
        rows: &Rows<'_>,
        is_visible: impl Fn(u32) -> Result<bool, ImageError>,
    ) -> Result<(), ImageError> {
        let code = self.probe.code();
        let lows = rows.low.chunks_exact(rows.low.len() / highs.len().max(1));
        let forms = rows.forms.iter();
        for (((&high, form), low), entry) in highs.iter().zip(forms).zip(lows).zip(first..) {
            let threshold = self.lower_bounds.get();
            let bounds = self.probe.coarse_bounds(&self.slack, high, form);
            if bounds.is_below(threshold) || !is_visible(entry)? {
                continue;
            }
            let low = self.entries.shape.kernel.dot(code.bytes(), low);
            self.offer(entry, code.exact(high, low), form);
        }
        Ok(())
    }

    /// Takes an entry, which is alive and wanted, and the dot product of its code.
    #[inline]
    fn offer(&mut self, entry: u32, dot: i32, form: Form) {
        let bounds = self.probe.bounds(&self.slack, dot, form);
        if bounds.is_below(self.lower_bounds.get()) {
            return;
        }
        let bounds = bounds.widened();
        self.lower_bounds.offer(bounds.lower);
        self.candidates.push(Candidate { bounds, entry, dot });
        if self.candidates.len() >= self.prune_at {
            self.prune();
        }
    }

    /// Drops the candidates that the threshold has overtaken.
    fn prune(&mut self) {
        let threshold = self.lower_bounds.get();
        self.candidates.retain(|candidate| !candidate.bounds.is_below(threshold));
        self.prune_at = FIRST_PRUNING.max(2 * self.candidates.len());
    }

    /// Narrows the bounds of the candidates.
    pub(super) fn refine(&mut self) -> Result<(), ImageError> {
        self.prune();
        self.lower_bounds.clear();
        let kernel = self.entries.shape.kernel;
        for Candidate { bounds, entry, dot } in &mut self.candidates {
            let Rows { high, low, forms } = self.entries.rows(*entry as usize, 1)?;
            let rest = self.probe.rest().dot(kernel, high, low);
            let refined = self.probe.refined_bounds(&self.slack, *dot, rest, forms.first());
            *bounds = bounds.and(refined.widened());
            self.lower_bounds.offer(bounds.lower);
        }
        self.prune();
        Ok(())
    }

    /// The candidates, the most promising first.
    pub(super) fn into_candidates(mut self) -> Vec<Candidate> {
        self.candidates.sort_unstable_by(|a, b| b.bounds.upper.total_cmp(&a.bounds.upper));
        self.candidates
    }
}
