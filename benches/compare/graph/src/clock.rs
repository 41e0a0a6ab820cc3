//! What a process has used so far, and what is made of several measurements.

use rustix::time::{ClockId, clock_gettime};
use std::time::Instant;

/// CPU seconds of all threads of this process.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Measures from its making.
pub(crate) struct Stopwatch {
    cpu_s: f64,
    wall: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { cpu_s: cpu_s(), wall: Instant::now() }
    }

    pub(crate) fn cpu_s(&self) -> f64 {
        cpu_s() - self.cpu_s
    }

    pub(crate) fn wall_s(&self) -> f64 {
        self.wall.elapsed().as_secs_f64()
    }
}

/// So large a share of the values is not above it. NaN for none.
pub(crate) fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let at = (values.len() as f64 * share) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// The middle one.
pub(crate) fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}
