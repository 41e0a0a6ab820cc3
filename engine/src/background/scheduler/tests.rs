//! The scheduler at work on fake jobs.
//!
//! What is waited for comes for certain: a patience that runs out is a failure, and no test is
//! longer or shorter for the machine.

use super::job::Context;
use super::metrics::Failure;
use super::state::{Claim, Slot, State};
use super::*;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const PATIENCE: Duration = Duration::from_mins(1);

const PACE: Pace = Pace {
    threads: 0,
    gather: Duration::ZERO,
    idle: PATIENCE,
    cpu_percent: 100,
    io_bytes_per_second: None,
};

/// What the fake jobs work on: steps that are to be made, and those that were.
#[derive(Default)]
struct Desk {
    due: Mutex<BTreeMap<&'static str, usize>>,
    done: Monitor<Vec<&'static str>>,
    is_closed: AtomicBool,
}

impl Host for Desk {
    fn may_work(&self) -> bool {
        !self.is_closed.load(Ordering::Relaxed)
    }
}

impl Desk {
    fn ask(&self, name: &'static str, steps: usize) {
        *self.due.lock().entry(name).or_default() += steps;
    }

    /// Takes a step off what is due, and says whether another is.
    fn take(&self, name: &'static str) -> Progress {
        let mut due = self.due.lock();
        let left = due.get_mut(name).expect("asked for");
        *left = left.saturating_sub(1);
        if *left == 0 { Progress::Done } else { Progress::More }
    }

    fn done(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.done.lock())
    }

    /// Waits for so many steps and takes them.
    fn wait(&self, steps: usize) -> Vec<&'static str> {
        let enough =
            |done: &mut Vec<&'static str>| (done.len() >= steps).then(|| std::mem::take(done));
        self.done.wait_at_most(PATIENCE, enough).expect("the steps are made")
    }
}

type Step = dyn Fn(&Desk, &Context<'_>) -> Result<()> + Send + Sync;

struct Fake {
    name: &'static str,
    during: Box<Step>,
    max_threads: usize,
    is_urgent: bool,
    delay: Duration,
}

impl Job<Desk> for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn due(&self, desk: &Desk, _: Occasion) -> Result<Option<&'static str>> {
        let is_due = desk.due.lock().get(self.name).is_some_and(|steps| *steps > 0);
        Ok(is_due.then_some("asked to"))
    }

    fn step(&self, desk: &Desk, context: &Context<'_>) -> Result<Progress> {
        let progress = desk.take(self.name);
        (self.during)(desk, context)?;
        desk.done.update(|done| done.push(self.name));
        Ok(progress)
    }

    fn max_threads(&self) -> usize {
        self.max_threads
    }

    fn is_urgent(&self) -> bool {
        self.is_urgent
    }

    fn backlog_delay(&self, _: &Desk) -> Duration {
        self.delay
    }
}

fn job(name: &'static str) -> Fake {
    let during = Box::new(|_: &Desk, _: &Context<'_>| Ok(()));
    Fake { name, during, max_threads: 1, is_urgent: false, delay: Duration::ZERO }
}

fn job_that(
    name: &'static str,
    during: impl Fn(&Desk, &Context<'_>) -> Result<()> + Send + Sync + 'static,
) -> Fake {
    Fake { during: Box::new(during), ..job(name) }
}

fn urgent(name: &'static str) -> Fake {
    Fake { is_urgent: true, ..job(name) }
}

fn scheduler<const N: usize>(jobs: [Fake; N], pace: Pace) -> (Scheduler<Desk>, Arc<Desk>) {
    let jobs = jobs.map(|job| Box::new(job) as Box<dyn Job<Desk>>).into();
    let (scheduler, desk) = (Scheduler::new(jobs, pace), Arc::new(Desk::default()));
    scheduler.start(&desk).unwrap();
    (scheduler, desk)
}

fn threads(threads: usize) -> Pace {
    Pace { threads, ..PACE }
}

/// Lets a step in, and out again when it is told to.
#[derive(Default)]
struct Gate(Monitor<(usize, bool)>);

impl Gate {
    fn pass(&self) {
        self.0.update(|(inside, _)| *inside += 1);
        self.0.wait_at_most(PATIENCE, |(_, open)| open.then_some(())).expect("the gate opens");
    }

    fn wait_for(&self, count: usize) {
        let arrived = |(inside, _): &mut (usize, bool)| (*inside >= count).then_some(());
        self.0.wait_at_most(PATIENCE, arrived).expect("somebody comes");
    }

    fn open(&self) {
        self.0.update(|(_, open)| *open = true);
    }
}

fn gated(name: &'static str) -> (Fake, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let inner = gate.clone();
    let fake = job_that(name, move |_, _| {
        inner.pass();
        Ok(())
    });
    (fake, gate)
}

fn stats_of(scheduler: &Scheduler<Desk>, name: &str) -> JobStats {
    scheduler.stats().jobs.into_iter().find(|job| job.name == name).unwrap()
}

#[test]
fn without_threads_a_commit_makes_one_step_of_each_in_order() {
    let (scheduler, desk) = scheduler([job("a"), job("b"), job("c")], PACE);
    desk.ask("c", 1);
    desk.ask("a", 3);
    scheduler.tend(&desk);
    assert_eq!(desk.done(), ["a", "c"]);
    scheduler.tend(&desk);
    scheduler.tend(&desk);
    scheduler.tend(&desk);
    assert_eq!(desk.done(), ["a", "a"]);
    let a = stats_of(&scheduler, "a");
    assert_eq!((a.runs, a.steps, a.is_running, a.last_reason), (1, 3, false, Some("asked to")));
    assert_eq!(stats_of(&scheduler, "b").steps, 0);
}

#[test]
fn without_threads_a_writer_makes_a_few_more_steps_of_what_it_outruns() {
    let slow = Fake { delay: Duration::from_millis(1), ..job("slow") };
    let (scheduler, desk) = scheduler([slow, job("other")], PACE);
    desk.ask("slow", MAX_INLINE_STEPS + 1);
    desk.ask("other", 2);
    scheduler.tend(&desk);
    let expected: Vec<_> = [vec!["slow"; MAX_INLINE_STEPS], vec!["other"]].concat();
    assert_eq!(desk.done(), expected);
    scheduler.tend(&desk);
    assert_eq!(desk.done(), ["slow", "other"]);
}

#[test]
fn what_a_job_commits_does_not_start_the_work_again() {
    let scheduler = Arc::new(std::sync::OnceLock::<Scheduler<Desk>>::new());
    let inner = scheduler.clone();
    let nested = job_that("nested", move |desk, _| {
        inner.get().unwrap().tend(desk);
        Ok(())
    });
    let jobs: Vec<Box<dyn Job<Desk>>> = vec![Box::new(nested), Box::new(job("other"))];
    let desk = Desk::default();
    desk.ask("nested", 2);
    desk.ask("other", 1);
    scheduler.get_or_init(|| Scheduler::new(jobs, PACE)).tend(&desk);
    assert_eq!(desk.done(), ["nested", "other"]);
}

#[test]
fn behind_each_step_the_most_pressing_job_comes_first() {
    let (long, gate) = gated("long");
    let (scheduler, desk) = scheduler([job("short"), long], threads(1));
    desk.ask("long", 3);
    scheduler.wake();
    gate.wait_for(1);
    desk.ask("short", 1);
    scheduler.wake();
    gate.open();
    assert_eq!(desk.wait(4), ["long", "short", "long", "long"]);
    assert!(scheduler.stop(PATIENCE));
}

#[test]
fn another_worker_stands_in_for_one_that_is_in_a_long_step() {
    let (long, gate) = gated("long");
    let (scheduler, desk) = scheduler([long, job("short")], threads(2));
    desk.ask("long", 1);
    scheduler.wake();
    gate.wait_for(1);
    for _ in 0..3 {
        desk.ask("short", 1);
        scheduler.wake();
        assert_eq!(desk.wait(1), ["short"]);
    }
    gate.open();
    assert_eq!(desk.wait(1), ["long"]);
    assert!(scheduler.stop(PATIENCE));
}

#[test]
fn several_workers_are_in_a_parallel_job_at_once_and_no_more_than_it_allows() {
    const LIMIT: usize = 2;
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (gate, counter, maximum) = (Arc::new(Gate::default()), inside.clone(), most.clone());
    let both = gate.clone();
    let parallel = job_that("parallel", move |_, _| {
        maximum.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        both.pass();
        counter.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    });
    let parallel = Fake { max_threads: LIMIT, ..parallel };
    let (scheduler, desk) = scheduler([parallel], threads(3));
    desk.ask("parallel", 50);
    scheduler.wake();
    // Only if two are in it at once.
    gate.wait_for(LIMIT);
    gate.open();
    desk.wait(50);
    // Of two last steps, the first to be begun may be the last to end, and knows of more.
    while stats_of(&scheduler, "parallel").is_running {
        thread::yield_now();
    }
    assert!(scheduler.stop(PATIENCE));
    assert_eq!(most.load(Ordering::SeqCst), LIMIT);
    // Of those who find the last piece due at once, one does it; the others find nothing.
    let steps = stats_of(&scheduler, "parallel").steps;
    assert!((50..50 + LIMIT as u64).contains(&steps), "{steps} steps");
}

#[test]
fn an_exclusive_job_is_never_in_two_threads() {
    let inside = Arc::new(AtomicUsize::new(0));
    let exclusive = job_that("exclusive", move |_, _| {
        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
        thread::yield_now();
        inside.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    });
    let (scheduler, desk) = scheduler([exclusive, job("other")], threads(3));
    for _ in 0..100 {
        desk.ask("exclusive", 3);
        desk.ask("other", 1);
        scheduler.wake();
    }
    desk.wait(400);
    assert!(scheduler.stop(PATIENCE));
    assert_eq!(stats_of(&scheduler, "exclusive").failures, 0);
}

#[test]
fn a_failure_or_a_panic_ends_a_run_and_nothing_else() {
    let fails = job_that("fails", |_, _| Err(Error::invalid("fake", "was asked to fail")));
    // Unlike `panic!` this keeps the output of the tests quiet.
    let panics =
        job_that("panics", |_, _| std::panic::resume_unwind(Box::new("asked to".to_owned())));
    let (scheduler, desk) = scheduler([fails, panics, job("other")], threads(1));
    desk.ask("fails", 5);
    desk.ask("panics", 5);
    for _ in 0..2 {
        desk.ask("other", 1);
        scheduler.wake();
        assert_eq!(desk.wait(1), ["other"]);
    }
    assert!(scheduler.stop(PATIENCE));
    let (failed, panicked) = (stats_of(&scheduler, "fails"), stats_of(&scheduler, "panics"));
    assert_eq!((failed.runs, failed.steps, failed.failures, failed.panics), (2, 2, 2, 0));
    assert_eq!(failed.last_error.as_deref(), Some("fake: was asked to fail"));
    assert_eq!((panicked.steps, panicked.failures, panicked.panics), (2, 2, 2));
    assert_eq!(panicked.last_error.as_deref(), Some("panicked: asked to"));
    assert_eq!(scheduler.last_error(), panicked.last_error);
    assert!(!failed.is_running && !panicked.is_running);
}

#[test]
fn while_paused_only_promises_are_kept() {
    // In order of priority the urgent one is the last.
    let (scheduler, desk) = scheduler([job("any"), urgent("urgent")], threads(1));
    let (outer, inner) = (scheduler.pause(), scheduler.pause());
    assert!(outer.settle(PATIENCE));
    for pause in [outer, inner] {
        desk.ask("any", 1);
        desk.ask("urgent", 1);
        scheduler.wake();
        assert_eq!(desk.wait(1), ["urgent"]);
        assert!(scheduler.stats().is_paused);
        drop(pause);
    }
    // Without another waking: it came due meanwhile.
    assert_eq!(desk.wait(2), ["any", "any"]);
    assert!(!scheduler.stats().is_paused);
    assert!(scheduler.stop(PATIENCE));
}

#[test]
fn while_paused_a_writer_does_no_more_than_keep_promises() {
    let (scheduler, desk) = scheduler([job("any"), urgent("urgent")], PACE);
    let pause = scheduler.pause();
    desk.ask("any", 1);
    desk.ask("urgent", 2);
    scheduler.tend(&desk);
    assert_eq!(desk.done(), ["urgent"]);
    drop(pause);
    scheduler.tend(&desk);
    assert_eq!(desk.done(), ["any", "urgent"]);
}

#[test]
fn a_step_under_way_is_asked_to_stop_by_a_pause_and_goes_on_behind_it() {
    let gate = Arc::new(Gate::default());
    let inner = gate.clone();
    let long = job_that("long", move |desk, context| {
        inner.0.update(|(inside, _)| *inside += 1);
        while desk.due.lock()["long"] > 0 && !context.should_stop() {
            thread::yield_now();
        }
        Ok(())
    });
    let (scheduler, desk) = scheduler([long], threads(1));
    desk.ask("long", 2);
    scheduler.wake();
    gate.wait_for(1);
    let pause = scheduler.pause();
    assert!(pause.settle(PATIENCE));
    assert_eq!(desk.done(), ["long"]);
    drop(pause);
    assert_eq!(desk.wait(1), ["long"]);
    assert!(scheduler.stop(PATIENCE));
    assert_eq!(stats_of(&scheduler, "long").runs, 1);
}

#[test]
fn a_pause_that_is_not_heeded_has_not_settled() {
    let (deaf, gate) = gated("deaf");
    let (scheduler, desk) = scheduler([deaf], threads(1));
    desk.ask("deaf", 1);
    scheduler.wake();
    gate.wait_for(1);
    let pause = scheduler.pause();
    assert!(!pause.settle(Duration::ZERO));
    gate.open();
    assert!(pause.settle(PATIENCE));
    assert!(scheduler.stop(PATIENCE));
}

#[test]
fn stopping_waits_no_longer_than_it_may() {
    let (deaf, gate) = gated("deaf");
    let (scheduler, desk) = scheduler([deaf, job("other")], threads(2));
    desk.ask("deaf", 2);
    scheduler.wake();
    gate.wait_for(1);
    assert!(!scheduler.stop(Duration::ZERO));
    assert!(!scheduler.wake(), "a writer is not to wait for threads that end");
    gate.open();
    assert!(scheduler.stop(PATIENCE));
    assert_eq!(scheduler.stats().threads, 0);
    assert_eq!(desk.done(), ["deaf"], "no step begins behind it");
    // And from now on writers do the work.
    desk.ask("other", 1);
    scheduler.tend(&desk);
    assert_eq!(desk.done(), ["deaf", "other"]);
}

#[test]
fn a_step_under_way_is_asked_to_stop_by_the_end() {
    let gate = Arc::new(Gate::default());
    let inner = gate.clone();
    let long = job_that("long", move |_, context| {
        inner.0.update(|(inside, _)| *inside += 1);
        while !context.should_stop() {
            thread::yield_now();
        }
        Ok(())
    });
    let (scheduler, desk) = scheduler([long], threads(1));
    desk.ask("long", 9);
    scheduler.wake();
    gate.wait_for(1);
    assert!(scheduler.stop(PATIENCE));
    assert_eq!(desk.done(), ["long"]);
}

#[test]
fn an_idle_worker_says_so() {
    struct WhenIdle;
    impl Job<Desk> for WhenIdle {
        fn name(&self) -> &'static str {
            "idle"
        }

        fn due(&self, _: &Desk, when: Occasion) -> Result<Option<&'static str>> {
            Ok((when == Occasion::Rested).then_some("idle"))
        }

        fn step(&self, desk: &Desk, _: &Context<'_>) -> Result<Progress> {
            desk.done.update(|done| done.push("idle"));
            Ok(Progress::Done)
        }
    }
    let pace = Pace { idle: Duration::from_millis(1), ..threads(2) };
    let (scheduler, desk) = (Scheduler::new(vec![Box::new(WhenIdle)], pace), Arc::default());
    scheduler.tend(&desk);
    assert!(desk.done().is_empty(), "a writer is not idle");
    scheduler.start(&desk).unwrap();
    desk.wait(3);
    assert!(scheduler.stop(PATIENCE));
}

#[test]
fn where_nothing_may_be_changed_no_job_is_asked() {
    let (scheduler, desk) = scheduler([job("any")], PACE);
    desk.ask("any", 1);
    desk.is_closed.store(true, Ordering::Relaxed);
    scheduler.tend(&desk);
    assert!(desk.done().is_empty());
    desk.is_closed.store(false, Ordering::Relaxed);
    scheduler.tend(&desk);
    assert_eq!(desk.done(), ["any"]);
}

fn slow(delay_ms: u64) -> Fake {
    Fake { delay: Duration::from_millis(delay_ms), ..job("slow") }
}

/// How long a writer would be held back, in milliseconds.
fn throttled_ms(scheduler: &Scheduler<Desk>, desk: &Desk) -> Option<u128> {
    let mut waited = None;
    scheduler.throttle_by(desk, |delay| waited = Some(delay.as_millis()));
    waited
}

#[test]
fn a_writer_that_outruns_a_job_is_held_back_and_counted() {
    let (ahead, desk) = scheduler([job("any"), slow(0)], threads(1));
    assert_eq!(throttled_ms(&ahead, &desk), None);
    assert_eq!(ahead.stats().throttled_writes, 0);

    // The job that is the furthest behind decides.
    let (behind, desk) = scheduler([slow(3), slow(7), slow(5)], threads(1));
    assert_eq!(throttled_ms(&behind, &desk), Some(7));
    let pause = behind.pause();
    assert_eq!(throttled_ms(&behind, &desk), None, "nobody would catch up");
    drop(pause);
    assert_eq!(throttled_ms(&behind, &desk), Some(7));
    let stats = behind.stats();
    assert_eq!((stats.throttled_writes, stats.throttled_us), (2, 14_000));
    // A writer who waits does not wait for a handle that ends.
    assert!(behind.stop(PATIENCE));
    assert_eq!(throttled_ms(&behind, &desk), None);

    let (hopeless, desk) = scheduler([slow(3_600_000)], threads(1));
    assert_eq!(throttled_ms(&hopeless, &desk), Some(MAX_THROTTLE.as_millis()));
    let (inline, desk) = scheduler([slow(7)], PACE);
    assert_eq!(throttled_ms(&inline, &desk), None, "it does the work itself");
    assert!(ahead.stop(PATIENCE) && hopeless.stop(PATIENCE));
}

#[test]
fn work_is_rested_for_unless_it_is_pressing() {
    let busy = |name, is_urgent, delay_ms| {
        let during = |_: &Desk, _: &Context<'_>| {
            let begun = std::time::Instant::now();
            while begun.elapsed().is_zero() {}
            Ok(())
        };
        Fake { is_urgent, delay: Duration::from_millis(delay_ms), ..job_that(name, during) }
    };
    let jobs = [busy("any", false, 0), busy("urgent", true, 0), busy("behind", false, 1)];
    let names = ["any", "urgent", "behind"];
    let (scheduler, desk) = scheduler(jobs, PACE);
    let tiring = [0, 1, 2].map(|job| {
        desk.ask(names[job], 1);
        let claim = scheduler.crew.shared.state.lock().claim_inline(job).unwrap();
        !scheduler.crew.serve(&desk, &claim).tiring.is_zero()
    });
    assert_eq!(tiring, [true, false, false]);
}

/// The state of three jobs, of which the last is urgent and the second for two threads.
fn state(pace: &Pace) -> State {
    let slots =
        vec![Slot::new("one", 1, false), Slot::new("two", 2, false), Slot::new("three", 1, true)];
    let mut state = State::new(slots, pace);
    state.live = pace.threads;
    state
}

fn claimed(state: &mut State, worker: usize, pace: &Pace) -> Option<usize> {
    state.claim(worker, pace, false).map(|claim| claim.job)
}

#[test]
fn a_worker_that_rests_keeps_promises() {
    let pace = threads(1);
    let mut state = state(&pace);
    state.wake();
    assert_eq!(state.claim(0, &pace, true).map(|c| c.job), Some(2));
    assert!(state.claim(0, &pace, true).is_none());
    assert_eq!(claimed(&mut state, 0, &pace), Some(0));
}

#[test]
fn when_the_share_of_the_disk_is_spent_promises_are_kept() {
    let pace = Pace { io_bytes_per_second: Some(1), ..threads(1) };
    let mut state = state(&pace);
    state.wake();
    state.spend(0, 1_000_000);
    assert_eq!(claimed(&mut state, 0, &pace), Some(2));
    assert_eq!(claimed(&mut state, 0, &pace), None);
    assert_eq!(state.stats().jobs[0].bytes, 1_000_000);
}

#[test]
fn the_first_worker_that_is_free_does_everything_and_the_others_help() {
    let pace = threads(3);
    let mut state = state(&pace);
    state.wake();
    assert_eq!(claimed(&mut state, 1, &pace), None, "the first is free");
    let one = state.claim(0, &pace, false).unwrap();
    assert_eq!(one.job, 0);
    assert_eq!(claimed(&mut state, 1, &pace), None, "it may not even be due");
    assert!(state.begin(&one, "due"), "others are told");
    let two = state.claim(1, &pace, false).unwrap();
    assert_eq!((two.job, claimed(&mut state, 2, &pace)), (1, Some(1)), "the third helps");
    assert_eq!(claimed(&mut state, 2, &pace), None, "not where two are");
    state.begin(&two, "due");
    assert_eq!(claimed(&mut state, 2, &pace), Some(2), "now it is the first that is free");
    assert!(!state.finish(&one, Ok(Progress::Done), Duration::ZERO));
    assert_eq!(claimed(&mut state, 0, &pace), None);
}

#[test]
fn a_job_that_is_opened_while_somebody_is_at_it_is_asked_again() {
    let pace = threads(1);
    let mut state = state(&pace);
    let all = |state: &mut State| -> Vec<Claim> {
        std::iter::from_fn(|| state.claim(0, &pace, false)).collect()
    };
    let give_back = |state: &mut State, claims: Vec<Claim>| {
        for claim in claims {
            state.release(&claim, None);
        }
    };
    state.wake();
    let claims = all(&mut state);
    // A job for two may be claimed twice.
    assert_eq!(claims.iter().map(|c| c.job).collect::<Vec<_>>(), [0, 1, 1, 2]);
    state.wake();
    state.open(Occasion::Woken);
    give_back(&mut state, claims);
    let claims = all(&mut state);
    assert_eq!(claims.len(), 4);
    give_back(&mut state, claims);
    assert!(all(&mut state).is_empty(), "nobody woke it again");
}

#[test]
fn a_job_that_goes_on_failing_is_asked_seldom_and_when_idle_always() {
    let pace = threads(1);
    let mut state = state(&pace);
    let failure = Failure::new("fake".into(), false);
    let asked = |state: &mut State, when: Occasion| -> [bool; 3] {
        if when == Occasion::Woken {
            state.wake();
        }
        state.open(when);
        let mut asked = [false; 3];
        while let Some(claim) = state.claim(0, &pace, false) {
            asked[claim.job] = true;
            state.begin(&claim, "due");
            state.finish(&claim, Err(&failure), Duration::ZERO);
        }
        asked
    };
    let times = (0..15).map(|_| asked(&mut state, Occasion::Woken)).collect::<Vec<_>>();
    let of = |job: usize| (0..15).filter(|n| times[*n][job]).collect::<Vec<_>>();
    assert_eq!(of(0), [0, 1, 3, 7]);
    assert_eq!(of(2).len(), 15, "a promise is a promise");
    assert_eq!(asked(&mut state, Occasion::Rested), [true; 3]);
    for _ in 0..1_000 {
        asked(&mut state, Occasion::Woken);
    }
    let longest = (0..1 << 7).take_while(|_| !asked(&mut state, Occasion::Woken)[0]).count();
    assert!(longest < 1 << 7, "it is never given up");
}
