//! The best `k` of what is offered.
//!
//! **Invariant:** the outcome does not depend on the order of offers: a higher score goes first,
//! and of equal scores the lower ordinal. Only the scan calls it.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A memory that a search found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Which memory.
    pub ordinal: u32,
    /// Its score under the metric of the index, higher is nearer; finite.
    ///
    /// Hits are ranked by the score in `f64`, of which this is the nearest `f32`: two hits whose
    /// scores differ by less than that may show the same one.
    pub score: f32,
}

impl Hit {
    pub(super) fn new(ordinal: u32, score: f64) -> Self {
        // A dot product of huge components passes the range of f32.
        Self { ordinal, score: (score as f32).clamp(f32::MIN, f32::MAX) }
    }
}

/// A number that is not NaN, as a sort key.
#[derive(Clone, Copy, Debug)]
struct Key(f64);

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

/// The `k`-th largest of the numbers seen.
#[derive(Debug)]
pub(super) struct KthLargest {
    k: usize,
    largest: BinaryHeap<Reverse<Key>>,
}

impl KthLargest {
    pub(super) fn new(k: usize) -> Self {
        Self { k, largest: BinaryHeap::new() }
    }

    pub(super) fn clear(&mut self) {
        self.largest.clear();
    }

    /// Takes one more number, which is not NaN.
    pub(super) fn offer(&mut self, number: f64) {
        if self.largest.len() < self.k {
            self.largest.push(Reverse(Key(number)));
        } else if number > self.get() {
            self.largest.pop();
            self.largest.push(Reverse(Key(number)));
        }
    }

    /// The `k`-th largest, or −∞ while there are fewer.
    pub(super) fn get(&self) -> f64 {
        match self.largest.peek() {
            Some(&Reverse(Key(number))) if self.largest.len() == self.k => number,
            _ => f64::NEG_INFINITY,
        }
    }
}

/// The best `k` entries by exact score.
#[derive(Debug)]
pub(super) struct Best {
    k: usize,
    worst_first: BinaryHeap<Reverse<(Key, Reverse<u32>)>>,
}

impl Best {
    pub(super) fn new(k: usize) -> Self {
        Self { k, worst_first: BinaryHeap::new() }
    }

    /// Takes one more entry, whose score is not NaN.
    pub(super) fn offer(&mut self, ordinal: u32, score: f64) {
        self.worst_first.push(Reverse((Key(score), Reverse(ordinal))));
        if self.worst_first.len() > self.k {
            self.worst_first.pop();
        }
    }

    /// The score that an entry must reach to be among the best, once there are `k`.
    pub(super) fn bar(&self) -> Option<f64> {
        let &Reverse((Key(score), _)) = self.worst_first.peek()?;
        (self.worst_first.len() == self.k).then_some(score)
    }

    /// The best, best first.
    pub(super) fn into_hits(self) -> Vec<Hit> {
        let sorted = self.worst_first.into_sorted_vec();
        sorted.into_iter().map(|Reverse((Key(score), Reverse(o)))| Hit::new(o, score)).collect()
    }
}
