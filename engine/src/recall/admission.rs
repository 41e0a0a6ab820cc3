//! How many searches of a handle run at once.
//!
//! **Invariant:** no more run than may, and whoever waits goes on by a deadline, by being cancelled, or after
//! the busy timeout. Nothing is kept of a search that has ended, also by a panic.

use super::Deadline;
use crate::Result;
use crate::error::Detail;
use crate::sync::{Instant, Monitor};
use std::time::Duration;

/// How long somebody who waits sleeps before looking whether the call was cancelled.
const POLL: Duration = Duration::from_millis(10);

/// Searches of a handle in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchStats {
    /// How many may run at once; any number if 0.
    pub limit: usize,
    /// How many are running.
    pub running: usize,
    /// How many have run, or are running.
    pub admitted: u64,
    /// How many of these had to wait for others.
    pub waited: u64,
    /// How many gave up waiting.
    pub refused: u64,
    /// How long all of them have waited together, in microseconds.
    pub wait_micros: u64,
}

/// Lets searches in.
pub(crate) struct Admission {
    state: Monitor<SearchStats>,
    busy_timeout: Duration,
}

/// A search that runs; it ends when this is dropped.
pub(crate) struct Admitted<'a>(&'a Admission);

impl Admission {
    /// Lets so many in at once; any number if 0.
    pub(crate) fn new(limit: usize, busy_timeout: Duration) -> Self {
        let state = Monitor::new(SearchStats { limit, ..SearchStats::default() });
        Admission { state, busy_timeout }
    }

    pub(crate) fn stats(&self) -> SearchStats {
        *self.state.lock()
    }

    /// Lets a search in, once fewer run than may.
    ///
    /// # Errors
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) of the search, or
    /// [`Busy`](crate::ErrorKind::Busy) after the busy timeout, if none ended by then.
    pub(crate) fn enter(&self, deadline: &Deadline) -> Result<Admitted<'_>> {
        let enter = |stats: &mut SearchStats| {
            let is_free = stats.limit == 0 || stats.running < stats.limit;
            is_free.then(|| {
                stats.running += 1;
                stats.admitted += 1;
            })
        };
        if enter(&mut self.state.lock()).is_some() {
            return Ok(Admitted(self));
        }
        let began = Instant::now();
        let outcome = loop {
            if self.state.wait_at_most(POLL, enter).is_some() {
                break Ok(Admitted(self));
            }
            let waited = began.elapsed();
            if waited >= self.busy_timeout {
                break Err(Detail::Busy { waited_ms: waited.as_millis() as u64 }.into());
            }
            if let Err(passed) = deadline.check("waiting for other searches") {
                break Err(passed);
            }
        };
        let mut stats = self.state.lock();
        stats.wait_micros += began.elapsed().as_micros() as u64;
        if outcome.is_ok() {
            stats.waited += 1;
        } else {
            stats.refused += 1;
        }
        outcome
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.0.state.update(|stats| stats.running -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::recall::Cancellation;

    #[test]
    fn those_who_are_too_many_wait_for_one_to_end() {
        let admission = Admission::new(2, Duration::from_mins(1));
        let held = [(); 2].map(|()| admission.enter(&Deadline::NONE).unwrap());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| admission.enter(&Deadline::NONE).map(drop));
            while admission.stats().running < 2 || waiting.is_finished() {
                std::thread::yield_now();
            }
            drop(held);
            waiting.join().unwrap().unwrap();
        });
        let stats = admission.stats();
        assert_eq!((stats.running, stats.admitted, stats.refused), (0, 3, 0));
    }

    #[test]
    fn who_waits_too_long_is_told() {
        let admission = Admission::new(1, Duration::ZERO);
        let held = admission.enter(&Deadline::NONE).unwrap();
        let refused = |deadline: &Deadline| admission.enter(deadline).map(drop).unwrap_err().kind();
        assert_eq!(refused(&Deadline::NONE), ErrorKind::Busy);
        let patient = Admission::new(1, Duration::from_mins(1));
        let other = patient.enter(&Deadline::NONE).unwrap();
        let passed = Deadline::after(Some(Duration::ZERO));
        assert_eq!(
            patient.enter(&passed).map(drop).unwrap_err().kind(),
            ErrorKind::DeadlineExceeded
        );
        let cancellation = Cancellation::new();
        cancellation.cancel();
        let cancelled = Deadline::NONE.or_at(Some(&cancellation));
        let waiting = cancelled.explain(patient.enter(&cancelled).map(drop));
        assert_eq!(waiting.unwrap_err().kind(), ErrorKind::Cancelled);
        drop((held, other));
        assert_eq!((admission.stats().refused, patient.stats().refused), (1, 2));
        assert!(admission.enter(&Deadline::NONE).is_ok());
    }

    #[test]
    fn without_a_limit_nobody_waits() {
        let admission = Admission::new(0, Duration::ZERO);
        let all: Vec<_> = (0..100).map(|_| admission.enter(&Deadline::NONE).unwrap()).collect();
        assert_eq!(admission.stats().running, all.len());
    }
}
