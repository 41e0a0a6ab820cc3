//! Power loss at any instant of a workload, also inside the recovery from one.
//!
//! What is acknowledged is there, nothing is from the future, nothing is half there, indexes and
//! log agree with the rows, and life goes on.

use super::points::points;
use super::setup::{Setup, TestClock};
use super::state::{State, Timeline};
use super::workload::Workload;
use super::{COMPOUND, CRASHES, Tally, at, invariants};
use crate::file::crash::{Crash, Replay, Rng};
use crate::file::sim::{Event, SimDisk};

const STEPS: usize = 60;
const POINTS: usize = 16;

/// What ran until the power went.
pub(super) struct Ran {
    pub(super) start: Vec<u8>,
    pub(super) record: Vec<Event>,
    pub(super) timeline: Timeline,
    pub(super) clock: TestClock,
}

pub(super) fn run(seed: u64, steps: usize) -> Ran {
    let (mut workload, start) = Workload::new(seed).expect("a new file");
    for step in 0..steps {
        at(&format!("step {step}"), || workload.step().unwrap_or_else(|e| panic!("{e}")));
    }
    invariants::all(workload.db());
    workload.disk.cut_power();
    let record = workload.disk.take_record();
    let Workload { timeline, clock, .. } = workload;
    Ran { start, record, timeline, clock }
}

/// Opens what a crash left, checks everything, and goes on working. Returns the commit that it
/// was in, and the commits as they went on from there.
pub(super) fn survive(
    disk: &SimDisk,
    setup: Setup,
    clock: &TestClock,
    timeline: &Timeline,
    acknowledged: u64,
    begun: u64,
    rng: &mut Rng,
) -> (u64, Timeline) {
    let mut after =
        Workload::over(setup, disk.clone(), clock.fork(), Rng::new(rng.next()), timeline.clone());
    after.open().unwrap_or_else(|e| panic!("does not open: {e}"));
    let view = after.db().read().expect("a View");
    let seq = view.seq().0;
    assert!(seq >= acknowledged, "lost commit {acknowledged}, holds {seq}");
    assert!(seq <= begun, "commit {seq} is from the future, {begun} had begun");
    assert!(seq <= timeline.last(), "commit {seq} never happened");
    State::of(&view).expect("readable rows").assert_is(&timeline.states[seq as usize], seq);
    drop(view);
    after.assert_outcomes().expect("readable outcomes");
    invariants::all(after.db());

    after.timeline = timeline.up_to(seq);
    for i in 0..3 {
        let go_on = if i == 1 { Workload::step } else { Workload::transact };
        go_on(&mut after).unwrap_or_else(|e| panic!("going on: {e}"));
        after.disk.mark(Event::Acknowledged(after.db().durable_seq().0));
    }
    after.assert_current().expect("readable rows");
    after.assert_outcomes().expect("readable outcomes");
    invariants::all(after.db());
    disk.assert_maps_held();
    disk.cut_power();
    (seq, after.timeline.clone())
}

/// Crashes once at a point, and again at any instant of the recovery and what came after it.
fn crash_twice(ran: &Ran, setup: Setup, replay: &Replay<'_>, place: &str, rng: &mut Rng) {
    let crash = Crash::any(rng);
    let place = format!("{place}, {crash:?}");
    let image = crash.image(&replay.durable, &replay.pending, rng);
    let disk = SimDisk::new(image.clone());
    disk.start_recording();
    let (acknowledged, begun) = (replay.acknowledged, replay.begun);
    let (seq, later) =
        at(&place, || survive(&disk, setup, &ran.clock, &ran.timeline, acknowledged, begun, rng));

    let again = disk.take_record();
    // Half of the time while the file is being opened.
    let opened = again.iter().position(|e| matches!(e, Event::Acknowledged(_)));
    let opened = opened.expect("it opened");
    let end = if rng.one_in(2) { opened } else { again.len() };
    let stop = rng.below(end as u64 + 1) as usize;
    // If the first was only a killed process, then what was pending is still in the page cache,
    // and still not durable.
    let (durable, pending) = match crash {
        Crash::KeepAll => (replay.durable.clone(), replay.pending.clone()),
        _ => (image, Vec::new()),
    };
    let mut second = Replay::resume(durable, pending, &again);
    second.advance(stop);
    let (timeline, acknowledged, begun) = if stop > opened {
        (&later, second.acknowledged.max(seq), second.begun.max(seq))
    } else {
        (&ran.timeline, acknowledged, begun)
    };
    let crash = Crash::any(rng);
    let place = format!("{place}, again at {stop} of {} by {crash:?}", again.len());
    let image = crash.image(&second.durable, &second.pending, rng);
    at(&place, || {
        survive(&SimDisk::new(image), setup, &ran.clock, timeline, acknowledged, begun, rng)
    });
}

/// One seed.
pub(super) fn torture(seed: u64, tally: &mut Tally) {
    let ran = at(&format!("workload of seed {seed}"), || run(seed, STEPS));
    let mut rng = Rng::new(!seed);
    let mut replay = Replay::new(ran.start.clone(), &ran.record);
    for point in points(&ran.record, POINTS, &mut rng) {
        replay.advance(point);
        let place = format!("seed {seed}, point {point} of {}", ran.record.len());
        crash_twice(&ran, Setup::of(seed), &replay, &place, &mut rng);
        tally.add(CRASHES, 1);
        tally.add(COMPOUND, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this a seed could not be run again.
    #[test]
    fn a_seed_writes_the_same_again() {
        let shape = |event: &Event| match event {
            Event::Write(at, data) => (0, *at, data.len() as u64),
            Event::SetLen(len) => (1, *len, 0),
            Event::Sync => (2, 0, 0),
            Event::Begin(seq) => (3, *seq, 0),
            Event::Acknowledged(seq) => (4, *seq, 0),
        };
        for seed in 0..2 {
            let [first, second] =
                [(); 2].map(|()| -> Vec<_> { run(seed, STEPS).record.iter().map(shape).collect() });
            let differs = first.iter().zip(&second).position(|(a, b)| a != b);
            assert_eq!(differs, None, "of {} events", first.len());
            assert_eq!(first.len(), second.len());
        }
    }
}
