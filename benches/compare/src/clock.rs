//! What a process has used so far.

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

/// Resident memory of this process that is not a mapped file. `None` where `/proc` does not say.
pub(crate) fn rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
