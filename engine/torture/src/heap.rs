//! The allocator of this program: the system's, with a count for each thread.
//!
//! **Invariant:** what a thread allocates and frees itself is counted exactly. A seed runs on one
//! thread and gives nothing that is large to another.

use memlith::torture::HeapGauge;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Bytes held, and the most there were since measuring began. What comes from another thread
    /// and is freed here counts as less than nothing.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static START: Cell<isize> = const { Cell::new(0) };
}

/// How the harness asks.
pub(crate) const GAUGE: HeapGauge = HeapGauge { start, peak_bytes };

fn start() {
    START.set(HELD.get());
    PEAK.set(HELD.get());
}

fn peak_bytes() -> usize {
    usize::try_from(PEAK.get() - START.get()).unwrap_or(0)
}

fn count(change: isize) {
    let held = HELD.get() + change;
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
}

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing, for the
// cells are of constant value and have no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`, and `at` came from `System`.
        unsafe { System.dealloc(at, layout) }
    }
}
