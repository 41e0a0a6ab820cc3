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

pub(super) struct Top {
    k: usize,
    heap: BinaryHeap<Ranked>,
}

impl Top {
    /// Keeps the best `k`.
    pub(super) fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::new() }
    }

    /// Would `hit` be kept? Ask before a test that costs more.
    pub(super) fn takes(&self, hit: TextHit) -> bool {
        self.heap.len() < self.k || self.heap.peek().is_some_and(|worst| hit.rank(worst.0).is_lt())
    }

    /// Keeps `hit`, which [`takes`](Self::takes) approved, and drops the worst if need be.
    pub(super) fn keep(&mut self, hit: TextHit) {
        if self.heap.len() < self.k {
            self.heap.push(Ranked(hit));
        } else if let Some(mut worst) = self.heap.peek_mut() {
            *worst = Ranked(hit);
        }
    }

    /// Best first.
    pub(super) fn into_hits(self) -> Vec<TextHit> {
        self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.0).collect()
    }
}
