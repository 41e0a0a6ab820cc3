//! I/O that fails: each write and sync of a workload in turn, once or from then on, with an error
//! of the device or with a full one.
//!
//! The call that meets it says so, nothing panics, the handle accepts no more writes where it
//! could build on something lost, what the last View still answers is right, and the reopened file
//! holds what it was said to hold.

use super::crashes::survive;
use super::invariants::INVARIANTS;
use super::setup::{Setup, TestClock};
use super::state::{State, Timeline};
use super::workload::{Doubt, Workload};
use super::{Tally, at};
use crate::ErrorKind;
use crate::file::crash::{Crash, Replay, Rng};
use crate::file::sim::{Event, SimDisk};
use std::io;

const STEPS: usize = 14;
/// Calls of a handle that has failed.
const CALLS_AFTER: usize = 4;

/// How the disk fails.
#[derive(Clone, Copy, Debug)]
struct Fault {
    /// After so many changes.
    after: usize,
    is_full: bool,
    once: bool,
    victim: Victim,
}

/// What it is that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Write,
    /// A change of the file's length: nothing is lost by that.
    Length,
    Sync,
    /// What was to be synced is lost, and never written again.
    LossySync,
}

impl Victim {
    fn of(change: &Event, rng: &mut Rng) -> Self {
        match change {
            Event::SetLen(_) => Victim::Length,
            Event::Sync if rng.one_in(2) => Victim::LossySync,
            Event::Sync => Victim::Sync,
            _ => Victim::Write,
        }
    }
}

impl Fault {
    fn arm(self, disk: &SimDisk) {
        let kind = if self.is_full { io::ErrorKind::StorageFull } else { io::ErrorKind::Other };
        if self.once {
            disk.fail_once_after(self.after, kind);
        } else {
            disk.fail_after(self.after, kind);
        }
    }
}

/// The changes that the workload makes when nothing fails.
fn changes(seed: u64) -> Vec<Event> {
    let (mut workload, _) = Workload::new(seed).expect("a new file");
    workload.disk.start_recording();
    for _ in 0..STEPS {
        workload.step().unwrap_or_else(|e| panic!("without a fault: {e}"));
    }
    let mut record = workload.disk.take_record();
    record.retain(is_change);
    record
}

fn is_change(event: &Event) -> bool {
    matches!(event, Event::Write(..) | Event::SetLen(_) | Event::Sync)
}

/// What the handle still does after a call has failed with `kind`.
fn assert_handle(workload: &mut Workload, kind: ErrorKind, fault: Fault) {
    use ErrorKind::{Io, Latched, OutcomeUnknown, StorageFull};
    assert!(matches!(kind, Io | Latched | OutcomeUnknown | StorageFull), "failed as {kind:?}");
    let Some(db) = workload.db.clone() else { return };
    let view = db.read().expect("the last View");
    let (seq, last) = (view.seq().0, workload.timeline.last());
    let state = State::of(&view).unwrap_or_else(|e| panic!("reading the last View: {e}"));
    if seq == last {
        state.assert_is(&workload.timeline.states[seq as usize], seq);
    } else {
        let doubted = workload.doubt.as_ref().map(|doubt| last + doubt.commits);
        assert_eq!(Some(seq), doubted, "View {seq} after {last}");
    }
    let is_latched = db.stats().expect("figures").is_latched;
    assert!(is_latched || kind != OutcomeUnknown, "not latched, and the outcome is unknown");
    let is_harmless = fault.victim == Victim::Length;
    assert!(is_latched || is_harmless, "not latched, and what was written may be lost");
    if is_latched {
        let further = db.remember(crate::NewMemory::new("further")).map_err(|e| e.kind());
        assert_eq!(further, Err(Latched), "a latched handle writes");
        go_on(workload, &state);
    } else {
        let again = (0..CALLS_AFTER).find_map(|_| workload.step_in_place().err());
        let is_latched = db.stats().expect("figures").is_latched;
        assert!(again.is_none() || is_latched, "not latched, and fails again: {again:?}");
    }
}

/// Works on with a latched handle: what writes is refused, what reads answers from the last View or
/// says that it cannot.
fn go_on(workload: &mut Workload, state: &State) {
    for _ in 0..CALLS_AFTER {
        let done = workload.step_in_place().map_err(|e| e.kind());
        assert!(matches!(done, Ok(()) | Err(ErrorKind::Latched)), "later: {done:?}");
    }
    let db = workload.db();
    let view = db.read().expect("the last View");
    State::of(&view).expect("readable rows").assert_is(state, view.seq().0);
    for (name, check) in INVARIANTS {
        if let Err(e) = at(name, || check(db)) {
            assert!(e.kind() == ErrorKind::Latched, "{name}, latched: {e}");
        }
    }
}

/// Opens a copy of the file to see whether the commit in doubt is in it, and what it is then.
fn settle(
    bytes: &[u8],
    setup: Setup,
    clock: &TestClock,
    timeline: &Timeline,
    doubt: Option<&Doubt>,
) -> Timeline {
    let mut timeline = timeline.clone();
    let disk = SimDisk::new(bytes.to_vec());
    let db = setup.open(&disk, &clock.fork()).unwrap_or_else(|e| panic!("does not open: {e}"));
    let view = db.read().expect("a View");
    if let Some(doubt) = doubt.filter(|_| view.seq().0 > timeline.last()) {
        let seq = view.seq().0;
        (1..doubt.commits).for_each(|_| timeline.skip());
        timeline.push(&view, doubt.known.clone()).expect("readable rows");
        timeline.keys.extend(doubt.key.clone().map(|key| (key, seq)));
    }
    disk.cut_power();
    timeline
}

/// Runs the workload into the fault, and looks at what is left.
fn run_into(seed: u64, fault: Fault) {
    let (mut workload, start) = Workload::new(seed).expect("a new file");
    workload.is_faulty = true;
    fault.arm(&workload.disk);
    workload.disk.mark(Event::Begin(0));
    let failed = (0..STEPS).find_map(|_| workload.step().err());
    if let Some(e) = &failed {
        assert_handle(&mut workload, e.kind(), fault);
    }
    let setup = workload.setup;
    drop(workload.db.take());
    let Workload { disk, clock, timeline, mut doubt, mut rng, .. } = workload;
    let record = disk.take_record();
    disk.recover();

    let mut replay = Replay::new(start, &record);
    if fault.victim == Victim::LossySync {
        let armed = record.iter().position(|e| matches!(e, Event::Begin(0))).expect("the mark");
        let mut changes = (armed..record.len()).filter(|i| is_change(&record[*i]));
        replay.advance(changes.nth(fault.after).unwrap_or(record.len()));
        replay.pending.clear();
    }
    replay.advance(record.len());
    // What failed in any other way has not happened.
    doubt = doubt.filter(|d| d.failure.is_none_or(|kind| kind == ErrorKind::OutcomeUnknown));
    let begun = timeline.last() + doubt.as_ref().map_or(0, |doubt| doubt.commits);
    for crash in [Crash::KeepAll, Crash::any(&mut rng)] {
        let image = crash.image(&replay.durable, &replay.pending, &mut rng);
        at(&format!("{failed:?}; then {crash:?}"), || {
            let timeline = settle(&image, setup, &clock, &timeline, doubt.as_ref());
            let (disk, acknowledged) = (SimDisk::new(image), replay.acknowledged);
            survive(&disk, setup, &clock, &timeline, acknowledged, begun, &mut rng);
        });
    }
}

/// One seed.
pub(super) fn torture(seed: u64, tally: &mut Tally) {
    let mut rng = Rng::new(seed);
    for (after, change) in changes(seed).iter().enumerate() {
        let victim = Victim::of(change, &mut rng);
        let fault = Fault { after, is_full: rng.one_in(2), once: rng.one_in(2), victim };
        at(&format!("seed {seed}, {fault:?}"), || run_into(seed, fault));
        tally.add("I/O calls failed", 1);
    }
}
