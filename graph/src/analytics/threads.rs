//! Work that is cut into pieces for any number of threads.
//!
//! Threads are scoped: none outlives the call that started it. The one file of the crate that starts any.
//!
//! **Invariant:** how work is cut does not depend on the number of threads, each piece writes only what
//! is its own, and what pieces return is put in their order: the result has the same bits whatever the
//! number of threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::run::{Cancelled, Run};

/// Nodes of a piece, where each costs little.
pub(super) const NODES: usize = 2048;

/// Cuts `items` into pieces of `len`, has `task` fill each, which is told the place of its first item, and
/// returns what it returned. `done` is told on the calling thread how many pieces are done.
pub(super) fn fill<T: Send, R: Send>(
    threads: usize,
    items: &mut [T],
    len: usize,
    task: impl Fn(usize, &mut [T]) -> R + Sync,
    mut done: impl FnMut(usize) -> Result<(), Cancelled>,
) -> Result<Vec<R>, Cancelled> {
    let pieces = items.len().div_ceil(len);
    let queue = Mutex::new(items.chunks_mut(len).enumerate());
    let results = Mutex::new(Vec::with_capacity(pieces));
    let (finished, is_stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work_one = || {
        let next = lock(&queue).next();
        let Some((at, piece)) = next.filter(|_| !is_stopped.load(Ordering::Relaxed)) else {
            return false;
        };
        let result = task(at * len, piece);
        lock(&results).push((at, result));
        finished.fetch_add(1, Ordering::Relaxed);
        true
    };
    // Whoever has nothing left to do on the calling thread has been heard at least once.
    done(0)?;
    let outcome = thread::scope(|scope| {
        for _ in 1..threads.min(pieces) {
            scope.spawn(|| while work_one() {});
        }
        while work_one() {
            if let Err(cancelled) = done(finished.load(Ordering::Relaxed)) {
                is_stopped.store(true, Ordering::Relaxed);
                return Err(cancelled);
            }
        }
        Ok(())
    });
    outcome?;
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_unstable_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// A poisoned lock means that a task panicked, which the scope passes on.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// As [`fill`], of a value for each node where each costs little; one round among many.
pub(super) fn fill_nodes<T: Send, R: Send>(
    run: &Run<'_>,
    items: &mut [T],
    task: impl Fn(usize, &mut [T]) -> R + Sync,
) -> Vec<R> {
    match fill(run.threads(), items, NODES, task, |_| Ok(())) {
        Ok(results) => results,
        Err(Cancelled) => unreachable!("nobody cancels it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_filled_once_and_answer_in_order() {
        for threads in [1, 2, 7] {
            let mut items = vec![0_usize; 1000];
            let task = |first: usize, piece: &mut [usize]| {
                for (at, item) in piece.iter_mut().enumerate() {
                    *item += first + at + 1;
                }
                first
            };
            let firsts = fill(threads, &mut items, 64, task, |_| Ok(())).expect("nobody cancels");
            assert!(items.iter().copied().eq(1..=1000));
            assert!(firsts.into_iter().eq((0..1000).step_by(64)));
        }
    }

    #[test]
    fn whoever_cancels_stops_all() {
        let mut items = vec![0; 1000];
        let task = |_: usize, piece: &mut [i32]| piece.fill(1);
        let cancelled = fill(2, &mut items, 1, task, |_| Err(Cancelled));
        assert_eq!(cancelled, Err(Cancelled));
    }
}
