//! The best k of a stream of scored documents.
//!
//! **Invariant:** memory is bounded by k and by what was offered; the result does not depend on
//! the order of offers.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A document that a query found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextHit {
    /// Which document.
    pub ordinal: u32,
    /// Its BM25 score; positive.
    pub score: f32,
}

impl TextHit {
    /// Less is better: higher score first, then lower ordinal.
    fn rank(self, other: Self) -> Ordering {
        other.score.total_cmp(&self.score).then(self.ordinal.cmp(&other.ordinal))
    }
}

/// A hit ordered by its rank, so that the worst of a heap is on top.
struct Ranked(TextHit);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.rank(other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

/// Where a search puts what it finds, and what it need not look at.
pub(in crate::text) trait Collector {
    /// A sum below this is not wanted of documents whose ordinals are no lower than `lowest_ordinal`.
    fn cutoff(&self, lowest_ordinal: u32) -> f64;

    /// Is a document of this sum wanted? Ask before a test that costs more.
    fn wants(&self, ordinal: u32, sum: f64) -> bool;

    /// Takes a document that is wanted.
    fn take(&mut self, ordinal: u32, sum: f64);
}

/// Keeps the best `k`.
pub(in crate::text) struct Top {
    k: usize,
    heap: BinaryHeap<Ranked>,
    /// What a lower ordinal than the worst must reach, and what others must.
    cutoffs: [f64; 2],
    worst_ordinal: u32,
}

impl Top {
    pub(in crate::text) fn new(k: usize) -> Self {
        // A positive score is wanted from the beginning.
        Self { k, heap: BinaryHeap::new(), cutoffs: [f64::MIN_POSITIVE; 2], worst_ordinal: 0 }
    }

    /// Best first.
    pub(in crate::text) fn into_hits(self) -> Vec<TextHit> {
        self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect()
    }
}

impl Collector for Top {
    #[inline]
    fn cutoff(&self, lowest_ordinal: u32) -> f64 {
        self.cutoffs[usize::from(lowest_ordinal > self.worst_ordinal)]
    }

    #[inline]
    fn wants(&self, ordinal: u32, sum: f64) -> bool {
        let hit = TextHit { ordinal, score: sum as f32 };
        hit.score > 0.0
            && (self.heap.len() < self.k
                || self.heap.peek().is_some_and(|worst| hit.rank(worst.0).is_lt()))
    }

    fn take(&mut self, ordinal: u32, sum: f64) {
        let hit = TextHit { ordinal, score: sum as f32 };
        if self.heap.len() < self.k {
            self.heap.push(Ranked(hit));
        } else if let Some(mut worst) = self.heap.peek_mut() {
            *worst = Ranked(hit);
        }
        if self.heap.len() == self.k
            && let Some(Ranked(worst)) = self.heap.peek()
        {
            // Sums below the middle between two scores round to the lower one.
            let middle = |a: f32, b: f32| f64::midpoint(f64::from(a), f64::from(b));
            let score = worst.score;
            self.cutoffs = [middle(score.next_down(), score), middle(score, score.next_up())];
            self.worst_ordinal = worst.ordinal;
        }
    }
}

/// Keeps all with a positive score.
#[derive(Default)]
pub(in crate::text) struct Everything(pub(in crate::text) Vec<(u32, f32)>);

impl Collector for Everything {
    fn cutoff(&self, _: u32) -> f64 {
        f64::MIN_POSITIVE
    }

    fn wants(&self, _: u32, sum: f64) -> bool {
        sum as f32 > 0.0
    }

    fn take(&mut self, ordinal: u32, sum: f64) {
        self.0.push((ordinal, sum as f32));
    }
}
