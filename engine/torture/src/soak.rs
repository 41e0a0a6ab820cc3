//! Seed after seed, for as long as one has.

use crate::progress::Progress;
use crate::run::{fail_if_any, show, silence_panics};
use crate::work::{self, Work};
use memlith::torture::Part;
use std::time::{Duration, Instant};

/// Runs seeds behind those of an ordinary run, for as many minutes as a command may ask for.
///
/// # Errors
/// In words, what failed and how to see it again.
pub(crate) fn soak(
    names: &[String],
    minutes: u64,
    from: Option<u64>,
    jobs: usize,
) -> Result<(), String> {
    let (endless, ended): (Vec<_>, Vec<_>) =
        work::parts(names)?.into_iter().partition(|part| part.is_endless);
    // Who names no part means those that go on.
    if let Some(Part { name, .. }) = ended.first().filter(|_| !names.is_empty()) {
        return Err(format!("part {name:?} has no seeds beyond those of `run {name}`"));
    }
    let work: Vec<Work> = endless
        .into_iter()
        .map(|part| Work {
            part,
            pinned: &[],
            seeds: from.unwrap_or(part.seeds)..u64::MAX,
            planted: None,
        })
        .collect();
    silence_panics();
    let started = Instant::now();
    let until = started + Duration::from_mins(minutes);
    let done = work::run(&work, jobs, Some(until), &Progress::new(None));
    show(&done, started);
    fail_if_any(&done).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_without_further_seeds_is_refused() {
        for names in [&["planted"][..], &["lies", "planted"]] {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let refused = soak(&names, 1, None, 1).expect_err("nothing to run");
            assert!(refused.contains("\"planted\" has no seeds"), "{refused}");
        }
    }
}
