//! How much memory a piece of work takes, where the program can tell.
//!
//! **Invariant:** without a gauge nothing is measured, and no bound is checked.

use std::sync::OnceLock;

/// Asks the program's allocator about the calling thread.
#[derive(Clone, Copy, Debug)]
pub struct HeapGauge {
    /// Begins to measure.
    pub start: fn(),
    /// The most bytes that were held at any one time since, beyond those at the start.
    pub peak_bytes: fn() -> usize,
}

static GAUGE: OnceLock<HeapGauge> = OnceLock::new();

/// From now on the memory that damaged files take is bounded, too.
pub fn measure_heap(gauge: HeapGauge) {
    // A second gauge would say the same.
    let _ = GAUGE.set(gauge);
}

/// Does something; with it comes the memory that it took at most, if there is a gauge.
pub(super) fn measured<T>(work: impl FnOnce() -> T) -> (T, Option<usize>) {
    let Some(gauge) = GAUGE.get() else { return (work(), None) };
    (gauge.start)();
    let done = work();
    (done, Some((gauge.peak_bytes)()))
}
