//! The canary: does the harness still find what is known to be broken?
//!
//! redb 4.1.0 panics when it opens what is left of a file that was growing when the power failed;
//! 4.2 mended that. Here the part `tables` of the harness runs over that release: the same sources,
//! the same seeds. The harness itself runs them over the release that the engine uses, where
//! nothing may fail.
//!
//! **Invariant:** it succeeds exactly if a seed fails, and each that does fails after a crash.

/// As much of the engine as the simulated disk needs.
#[expect(dead_code, reason = "the engine uses more of it")]
#[path = "../../../src/file"]
mod file {
    pub(crate) mod crash;
    mod disk;
    pub(crate) mod sim;

    pub(crate) use disk::Disk;

    mod slot {
        /// Bytes in which a write counts as that of a header.
        pub(super) const HEAD_LEN: u64 = 64 << 10;
    }
}

/// As much of the harness as crashes redb alone.
#[expect(dead_code, reason = "the harness uses more of it")]
#[path = "../../../src/torture"]
mod torture {
    mod outages;
    mod points;
    pub(crate) mod tables;
    pub(crate) mod tally;
}

#[expect(dead_code, unused_imports, reason = "the engine waits for more")]
#[path = "../../../src/sync.rs"]
mod sync;

use std::process::ExitCode;
use torture::tables;
use torture::tally::{self, Tally};

/// Seeds of a run: those of the part `tables`.
const SEEDS: u64 = 60;

fn main() -> ExitCode {
    let seeds = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => Some(SEEDS),
        [flag, seeds] if flag == "--seeds" => seeds.parse().ok(),
        _ => None,
    };
    let Some(seeds) = seeds else {
        eprintln!("usage: memlith-canary [--seeds N]");
        return ExitCode::FAILURE;
    };
    // A failing seed panics, is caught, and counted.
    std::panic::set_hook(Box::new(|_| {}));
    let mut total = Tally::default();
    let mut failures = Vec::new();
    for seed in 0..seeds {
        match tally::run(tables::torture, seed) {
            Ok(tally) => total.merge(&tally),
            Err(why) => failures.push(why),
        }
    }
    for (what, count) in total.iter() {
        println!("{count:>8} {what} in seeds that hold");
    }
    println!("{:>8} of {seeds} seeds fail", failures.len());
    failures.iter().for_each(|why| println!("  {why}"));
    if failures.is_empty() {
        eprintln!("redb 4.1.0 is known to fail, and the harness does not notice");
        return ExitCode::FAILURE;
    }
    if failures.iter().any(|why| !why.starts_with(tables::CRASHED)) {
        eprintln!("redb 4.1.0 fails where there was no crash, which says nothing");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
