//! The whole engine over a simulated disk: power loss at any instant, failing I/O, flipped bytes.
//!
//! ```text
//! actions ------> workload over a SimDisk ------> record of every write and sync,
//! (per model)     (transactions, checkpoints,      and the state after every commit
//!                  rebuilds, reopenings)                |
//! invariants <--- reopened image <----------------------+  crash points x crash modes,
//! (per model)                                              faults, damage
//! ```
//!
//! **Invariant:** a run is a function of its seed, apart from bytes that the engine draws at random
//! (salts and ids), whose number and place do not depend on their value.
//!
//! A model joins in by adding what one does with it to [`actions::ACTIONS`] and what must hold of
//! it to [`invariants::INVARIANTS`]. That its rows are those of one commit is checked already: a
//! [`State`](state::State) is every row of every table in the schema.

mod actions;
mod crashes;
mod damage;
mod faults;
mod invariants;
mod setup;
mod state;
mod workload;

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many seeds to run, or which: `500`, or `17..18` to run one again.
const SEEDS: &str = "MEMLITH_CRASH_SEEDS";

fn seeds(default: u64) -> Range<u64> {
    let Ok(text) = std::env::var(SEEDS) else { return 0..default };
    let number = |text: &str| text.parse::<u64>().ok();
    let range = match text.split_once("..") {
        Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| from..to),
        None => number(&text).map(|count| 0..count),
    };
    range.unwrap_or_else(|| panic!("{SEEDS} must be a number or a range such as 17..18"))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}

/// Runs `f`; a failure says where it happened.
fn at<T>(place: &str, f: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| panic!("{place}: {}", words(&*panic)))
}

/// Runs every seed, and says how to run the failing ones again.
fn for_seeds(test: &str, default: u64, mut run: impl FnMut(u64)) {
    let mut failed = Vec::new();
    for seed in seeds(default) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed))) {
            failed.push(format!(
                "{}\n  replay: {SEEDS}={seed}..{} cargo test -p memlith --lib torture::{test}",
                words(&*panic),
                seed + 1,
            ));
        }
    }
    assert!(failed.is_empty(), "{} seeds failed:\n{}", failed.len(), failed.join("\n"));
}
