//! The right answers, by brute force, and how much of them an answer holds.
//!
//! **Invariant:** the score that decides is computed in `f64`. An `f32` pass before it keeps
//! [`SPARE`] more candidates than are asked for, whose order it could have mistaken.

use crate::data::Matrix;
use crate::data::bits::Bits;
use crate::protocol::Searched;
use std::thread;

/// Candidates of the first pass beyond `k`.
const SPARE: usize = 32;
/// Rows looked at for every query before the next: they stay in the cache.
const BLOCK_ROWS: usize = 128;
/// Scores this close are taken for equal: twins may stand for each other.
const TIE: f64 = 1e-9;

/// Which ids may be found.
#[derive(Clone, Copy)]
pub(crate) enum Allowed<'a> {
    All,
    /// The same for all queries.
    Shared(&'a Bits),
    /// By query.
    Each(&'a [Bits]),
}

impl Allowed<'_> {
    fn has(self, query: usize, id: u32) -> bool {
        match self {
            Self::All => true,
            Self::Shared(bits) => bits.contains(id),
            Self::Each(bits) => bits[query].contains(id),
        }
    }
}

/// The score of the last right answer of each query, and how many there are: `k` or fewer.
pub(crate) struct Truth<'a> {
    vectors: &'a Matrix,
    queries: &'a Matrix,
    allowed: Allowed<'a>,
    last: Vec<(f64, usize)>,
}

/// How good the answers to a pass of queries were.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quality {
    /// Share of the right answers that were found; NaN if there are none to find.
    pub(crate) recall: f64,
    /// Ids that were answered and may not be: outside the filter, removed, or twice.
    pub(crate) wrong: usize,
}

/// Sixteen partial sums: what lets the compiler use the vector unit.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 16];
    let (a_whole, a_rest) = a.as_chunks::<16>();
    let (b_whole, b_rest) = b.as_chunks::<16>();
    for (a, b) in a_whole.iter().zip(b_whole) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

fn exact(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// The best so far, in no order but that the worst is known.
struct Best {
    kept: Vec<(f32, u32)>,
    limit: usize,
    threshold: f32,
}

impl Best {
    fn new(limit: usize) -> Self {
        Self { kept: Vec::with_capacity(2 * limit), limit, threshold: f32::NEG_INFINITY }
    }

    fn offer(&mut self, score: f32, id: u32) {
        self.kept.push((score, id));
        if self.kept.len() == 2 * self.limit {
            self.prune();
        }
    }

    fn prune(&mut self) {
        if self.kept.len() > self.limit {
            let at = self.limit - 1;
            self.kept.select_nth_unstable_by(at, |a, b| b.0.total_cmp(&a.0));
            self.kept.truncate(self.limit);
            self.threshold = self.kept[at].0;
        }
    }
}

impl<'a> Truth<'a> {
    /// Compares every query with every vector that is allowed, on all cores.
    pub(crate) fn compute(
        vectors: &'a Matrix,
        queries: &'a Matrix,
        k: usize,
        allowed: Allowed<'a>,
    ) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = queries.len().div_ceil(threads);
        let parts: Vec<_> = thread::scope(|scope| {
            let workers: Vec<_> = (0..queries.len())
                .step_by(share)
                .map(|first| {
                    let part = first..(first + share).min(queries.len());
                    scope.spawn(move || last_scores(vectors, queries, part, k, allowed))
                })
                .collect();
            workers.into_iter().map(|w| w.join().expect("brute force does not panic")).collect()
        });
        Self { vectors, queries, allowed, last: parts.concat() }
    }

    /// Compares answers with the right ones; queries that were not reached do not count.
    pub(crate) fn judge(&self, answers: &Searched) -> Quality {
        let (mut found, mut findable, mut wrong) = (0_u32, 0_u32, 0);
        for (query, ids) in answers.ids.iter().enumerate() {
            let Some(ids) = ids else { continue };
            let (last, count) = self.last[query];
            let mut distinct = ids.clone();
            distinct.sort_unstable();
            distinct.dedup();
            let may_be =
                |&id: &u32| (id as usize) < self.vectors.len() && self.allowed.has(query, id);
            distinct.retain(may_be);
            wrong += ids.len() - distinct.len();
            let is_right = |&&id: &&u32| {
                exact(self.queries.row(query), self.vectors.row(id as usize)) >= last - TIE
            };
            found += distinct.iter().filter(is_right).count().min(count) as u32;
            findable += count as u32;
        }
        Quality { recall: f64::from(found) / f64::from(findable), wrong }
    }
}

fn last_scores(
    vectors: &Matrix,
    queries: &Matrix,
    part: std::ops::Range<usize>,
    k: usize,
    allowed: Allowed<'_>,
) -> Vec<(f64, usize)> {
    let mut best: Vec<Best> = part.clone().map(|_| Best::new(k + SPARE)).collect();
    for block in (0..vectors.len()).step_by(BLOCK_ROWS) {
        let rows = block..(block + BLOCK_ROWS).min(vectors.len());
        for (query, best) in part.clone().zip(&mut best) {
            let values = queries.row(query);
            for row in rows.clone() {
                let score = dot(values, vectors.row(row));
                if score > best.threshold && allowed.has(query, row as u32) {
                    best.offer(score, row as u32);
                }
            }
        }
    }
    let last = |(query, mut best): (usize, Best)| {
        best.prune();
        let score = |&(_, id): &(f32, u32)| exact(queries.row(query), vectors.row(id as usize));
        let mut scores: Vec<f64> = best.kept.iter().map(score).collect();
        scores.sort_unstable_by(|a, b| b.total_cmp(a));
        scores.truncate(k);
        (scores.last().copied().unwrap_or(f64::INFINITY), scores.len())
    };
    part.zip(best).map(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(ids: Vec<Option<Vec<u32>>>) -> Searched {
        Searched { ids, per_cpu_s: 1.0, per_wall_s: 1.0, p50_us: 1.0, p99_us: 1.0 }
    }

    /// Vectors on the line from 0 to 99, and two that are equal.
    fn line() -> (Matrix, Matrix) {
        let mut values: Vec<f32> = (0_u8..100).map(f32::from).collect();
        values.push(99.0);
        (Matrix::new(values, 1), Matrix::new(vec![1.0, -1.0], 1))
    }

    #[test]
    fn right_answers_have_recall_one_and_twins_are_equal() {
        let (vectors, queries) = line();
        let truth = Truth::compute(&vectors, &queries, 2, Allowed::All);
        let quality = |first: &[u32], second: &[u32]| {
            truth.judge(&answers(vec![Some(first.to_vec()), Some(second.to_vec())]))
        };
        assert_eq!(quality(&[99, 100], &[0, 1]), Quality { recall: 1.0, wrong: 0 });
        assert_eq!(quality(&[100, 98], &[1, 2]), Quality { recall: 0.5, wrong: 0 });
        assert_eq!(quality(&[100, 100], &[0, 500]), Quality { recall: 0.5, wrong: 2 });
        let half = truth.judge(&answers(vec![None, Some(vec![0])]));
        assert_eq!(half, Quality { recall: 0.5, wrong: 0 });
    }

    #[test]
    fn a_filter_makes_others_right_and_its_own_wrong() {
        let (vectors, queries) = line();
        let even = Bits::from_fn(101, |id| id % 2 == 0 && id < 99);
        let truth = Truth::compute(&vectors, &queries, 2, Allowed::Shared(&even));
        let found = answers(vec![Some(vec![98, 96]), Some(vec![0, 1])]);
        assert_eq!(truth.judge(&found), Quality { recall: 0.75, wrong: 1 });
        let none = [Bits::from_fn(101, |_| false), Bits::from_fn(101, |id| id == 7)];
        let truth = Truth::compute(&vectors, &queries, 2, Allowed::Each(&none));
        let found = answers(vec![Some(vec![]), Some(vec![7])]);
        assert_eq!(truth.judge(&found), Quality { recall: 1.0, wrong: 0 });
    }
}
