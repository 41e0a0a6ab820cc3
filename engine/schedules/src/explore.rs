//! Runs a scenario under many schedules, or under one that failed.
//!
//! **Invariant:** the schedules are a function of the number asked for and of the scenario.

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, Runner};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many schedules of each scheduler, in place of what a test asks for.
const COUNT: &str = "MEMLITH_SCHEDULES";
/// The one schedule to run, as a failure has printed it.
const REPLAY: &str = "MEMLITH_SCHEDULE";

const SEED: u64 = 1;
/// Preemptions, and one more, among which the second scheduler seeks: few suffice for most defects.
const DEPTH: usize = 3;

fn config(failure_persistence: FailurePersistence) -> Config {
    let mut config = Config::new();
    config.failure_persistence = failure_persistence;
    // Whole containers run on these stacks, hardly optimised.
    config.stack_size = 256 << 10;
    config.silence_warnings = true;
    config
}

fn run(
    scheduler: impl Scheduler + 'static,
    persistence: FailurePersistence,
    scenario: impl Fn() + Send + Sync + 'static,
) {
    Runner::new(scheduler, config(persistence)).run(scenario);
}

fn run_all(
    count: usize,
    persistence: &FailurePersistence,
    scenario: impl Fn() + Send + Sync + Clone + 'static,
) {
    let random = RandomScheduler::new_from_seed(SEED, count);
    run(random, persistence.clone(), scenario.clone());
    let pct = PctScheduler::new_from_seed(SEED, DEPTH, count);
    run(pct, persistence.clone(), scenario);
}

/// Runs `scenario` under `count` random schedules, and under as many that follow priorities and
/// preempt seldom.
///
/// # Panics
/// If a schedule makes it panic, deadlock, or go on for ever. What is printed then is given back in
/// `MEMLITH_SCHEDULE` to the same test, which runs that schedule and no other.
pub fn explore(count: usize, scenario: impl Fn() + Send + Sync + Clone + 'static) {
    if let Ok(schedule) = std::env::var(REPLAY) {
        // It is printed in several lines.
        let schedule: String = schedule.split_whitespace().collect();
        let one = ReplayScheduler::new_from_encoded(&schedule);
        return run(one, FailurePersistence::Print, scenario);
    }
    let count = std::env::var(COUNT).ok().and_then(|n| n.parse().ok()).unwrap_or(count);
    run_all(count, &FailurePersistence::Print, scenario);
}

/// Is there a schedule among those that makes `scenario`, which has a defect, fail?
pub fn finds(count: usize, scenario: impl Fn() + Send + Sync + Clone + 'static) -> bool {
    let all = || run_all(count, &FailurePersistence::None, scenario);
    catch_unwind(AssertUnwindSafe(all)).is_err()
}
