//! Seed after seed, for as long as one has.

use crate::progress::Progress;
use crate::run::{fail_if_any, show, silence_panics};
use crate::work::{self, Work};
use std::time::{Duration, Instant};

/// Runs seeds behind those of an ordinary run.
///
/// # Errors
/// In words, what failed and how to see it again.
pub(crate) fn soak(
    names: &[String],
    minutes: u64,
    from: Option<u64>,
    jobs: usize,
) -> Result<(), String> {
    let work: Vec<Work> = work::parts(names)?
        .into_iter()
        .filter(|part| part.is_endless)
        .map(|part| Work {
            part,
            pinned: &[],
            seeds: from.unwrap_or(part.seeds)..u64::MAX,
            planted: None,
        })
        .collect();
    silence_panics();
    let started = Instant::now();
    let until = started + Duration::from_secs(minutes.saturating_mul(60));
    let done = work::run(&work, jobs, Some(until), &Progress::new(None));
    show(&done, started);
    fail_if_any(&done).map(drop)
}
