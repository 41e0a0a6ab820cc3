//! Seeds of parts, run on several threads.
//!
//! **Invariant:** what a seed does is its own: which thread runs it, and what runs beside it, is of
//! no consequence. A failure is told at once, with the command that shows it again.

use crate::progress::Progress;
use memlith::torture::{PARTS, PLANTED, Part, Planted, Tally};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// After so many failures nothing new is begun: they have one cause, most of the time.
const MAX_FAILURES: usize = 5;

/// Seeds of one part.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) part: Part,
    /// Seeds that come first.
    pub(crate) pinned: &'static [u64],
    pub(crate) seeds: Range<u64>,
    /// A defect to run them with.
    pub(crate) planted: Option<&'static Planted>,
}

impl Work {
    pub(crate) fn len(&self) -> u64 {
        (self.seeds.end - self.seeds.start).saturating_add(self.pinned.len() as u64)
    }

    /// The seed with this number.
    fn seed(&self, index: u64) -> Option<u64> {
        let pinned = self.pinned.get(index as usize).copied();
        let behind = |behind: u64| self.seeds.start.checked_add(behind);
        pinned
            .or_else(|| index.checked_sub(self.pinned.len() as u64).and_then(behind))
            .filter(|_| index < self.len())
    }
}

/// What became of some work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done {
    pub(crate) tally: Tally,
    pub(crate) seeds: u64,
    /// Summed over threads.
    pub(crate) busy: Duration,
    pub(crate) failures: u64,
}

/// Every part: those of the engine, and those that need processes and a file system.
pub(crate) fn all() -> Vec<Part> {
    let mut all = PARTS.to_vec();
    #[cfg(unix)]
    all.push(crate::kill::PART);
    all
}

/// The parts with these names, in their own order; all of them for no name.
///
/// # Errors
/// If there is no part of a name.
pub(crate) fn parts(names: &[String]) -> Result<Vec<Part>, String> {
    let mut parts = all();
    if let Some(unknown) = names.iter().find(|name| parts.iter().all(|part| part.name != **name)) {
        let known: Vec<_> = parts.iter().map(|part| part.name).collect();
        return Err(format!("there is no part {unknown:?}; there are {}", known.join(", ")));
    }
    parts.retain(|part| names.is_empty() || names.iter().any(|name| name == part.name));
    Ok(parts)
}

/// The defect of this name.
///
/// # Errors
/// If there is none.
pub(crate) fn planted(name: &str) -> Result<&'static Planted, String> {
    PLANTED.iter().find(|planted| planted.name == name).ok_or_else(|| {
        let known: Vec<_> = PLANTED.iter().map(|planted| planted.name).collect();
        format!("there is no defect {name:?} to plant; there are {}", known.join(", "))
    })
}

/// How to run a seed again.
fn replay(work: &Work, seed: u64) -> String {
    let planted = work.planted.map(|planted| format!(" --planted {}", planted.name));
    let (part, planted) = (work.part.name, planted.unwrap_or_default());
    format!("cargo run -p memlith-torture -- run {part} --seeds {seed}{planted}")
}

/// Runs everything, `jobs` seeds at a time, until it is done, too much has failed, or time is up.
/// By the names of the parts.
pub(crate) fn run(
    work: &[Work],
    jobs: usize,
    until: Option<Instant>,
    progress: &Progress,
) -> BTreeMap<&'static str, Done> {
    let next: Vec<AtomicU64> = work.iter().map(|_| AtomicU64::new(0)).collect();
    let done: Mutex<BTreeMap<&str, Done>> = Mutex::default();
    let failures = AtomicUsize::new(0);
    let is_over = || {
        failures.load(Ordering::Relaxed) >= MAX_FAILURES
            || until.is_some_and(|until| Instant::now() >= until)
    };
    let run_one = |index: usize| -> bool {
        let Work { part, planted, .. } = &work[index];
        let seed = work[index].seed(next[index].fetch_add(1, Ordering::Relaxed));
        let Some(seed) = seed.filter(|_| !is_over()) else { return false };
        let started = Instant::now();
        let outcome = planted.map_or_else(|| part.run(seed), |planted| planted.run(part, seed));
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        let done = done.entry(part.name).or_default();
        done.seeds += 1;
        done.busy += started.elapsed();
        match outcome {
            Ok(tally) => done.tally.merge(&tally),
            Err(why) => {
                failures.fetch_add(1, Ordering::Relaxed);
                done.failures += 1;
                let replay = replay(&work[index], seed);
                progress.failed(&format!("{}, {why}\n  replay: {replay}", part.name));
            }
        }
        progress.done(part.name);
        true
    };
    thread::scope(|scope| {
        for _ in 0..jobs {
            // A seed of each part in turn: a part that is long does not come last, and alone.
            scope.spawn(|| while (0..work.len()).filter(|i| run_one(*i)).count() > 0 {});
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}
