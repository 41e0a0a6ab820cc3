//! A clock that a test moves by hand.

use memlith::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What it shows at first.
pub(crate) const START_MS: i64 = 1_750_000_000_000;

#[derive(Clone)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn new() -> Self {
        HandClock(Arc::new(AtomicI64::new(START_MS)))
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}
