//! I/O that fails: each call of a workload in turn, reads included, once and from then on, with an
//! error of the device or with a full one.
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
use crate::db::Db;
use crate::file::crash::{Crash, Replay, Rng};
use crate::file::sim::{Call, Event, Failing, SimDisk};
use std::io;

const STEPS: usize = 14;
/// Calls of a handle that has failed.
const CALLS_AFTER: usize = 4;

/// How the disk fails.
#[derive(Clone, Copy, Debug)]
struct Fault {
    /// After so many calls.
    after: usize,
    call: Call,
    /// Only once; else all calls of its sort from then on.
    once: bool,
    is_full: bool,
    /// A sync that fails, and loses what was to be synced, which is never written again.
    is_lossy: bool,
}

impl Fault {
    fn arm(self, disk: &SimDisk) {
        let Fault { after, call, once, .. } = self;
        let kind = if self.is_full { io::ErrorKind::StorageFull } else { io::ErrorKind::Other };
        // A device that takes no more writes can often be read; one that cannot be read is gone.
        let counts = if call.is_change() { Call::is_change } else { |_| true };
        disk.fail(Failing { after, counts, kind, once });
    }
}

/// The calls that the workload makes when nothing fails.
fn calls(seed: u64) -> Vec<Call> {
    let (mut workload, _) = Workload::new(seed).expect("a new file");
    workload.disk.start_listing();
    for _ in 0..STEPS {
        workload.step().unwrap_or_else(|e| panic!("without a fault: {e}"));
    }
    workload.disk.take_calls()
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
    let doubted = workload.doubt.as_ref().map_or(0, |doubt| doubt.commits.len() as u64);
    assert!((last..=last + doubted).contains(&seq), "View {seq} after {last}");
    let state = match State::of(&view) {
        Ok(state) => Some(state),
        Err(e) => {
            let is_read = !fault.call.is_change() && matches!(e.kind(), Io | Latched | StorageFull);
            assert!(is_read, "reading the last View: {e}");
            None
        }
    };
    if let Some(state) = state.as_ref().filter(|_| seq == last) {
        state.assert_is(&workload.timeline.states[seq as usize], seq);
    }
    let is_latched = is_latched(&db);
    assert!(is_latched || kind != OutcomeUnknown, "not latched, and the outcome is unknown");
    // By a change of the length nothing is lost, nor by a read.
    let is_harmless = !fault.call.is_change() || matches!(fault.call, Call::SetLen { .. });
    assert!(is_latched || is_harmless, "not latched, and what was written may be lost");
    if is_latched {
        let further = db.remember(crate::NewMemory::new("further")).map_err(|e| e.kind());
        assert_eq!(further, Err(Latched), "a latched handle writes");
        go_on(workload, state.as_ref(), fault);
    } else if fault.once {
        let again = (0..CALLS_AFTER).find_map(|_| workload.step_in_place().err());
        assert!(again.is_none(), "not latched, and fails again: {again:?}");
    }
}

fn is_latched(db: &Db) -> bool {
    // The length of the file is among the figures, and it may be that which cannot be had.
    db.core.check_writable().is_err()
}

/// Works on with a latched handle: what writes is refused, what reads answers from the last View or
/// says that it cannot.
fn go_on(workload: &mut Workload, state: Option<&State>, fault: Fault) {
    let may_fail = |kind| match kind {
        ErrorKind::Latched => true,
        ErrorKind::Io | ErrorKind::StorageFull => !fault.call.is_change(),
        _ => false,
    };
    for _ in 0..CALLS_AFTER {
        let done = workload.step_in_place();
        assert!(done.as_ref().err().is_none_or(|e| may_fail(e.kind())), "later: {done:?}");
    }
    let db = workload.db();
    let view = db.read().expect("the last View");
    match (State::of(&view), state) {
        (Ok(now), Some(before)) => now.assert_is(before, view.seq().0),
        (Ok(_), None) => {}
        (Err(e), _) => assert!(!fault.call.is_change() && may_fail(e.kind()), "reading: {e}"),
    }
    for (name, check) in INVARIANTS {
        if let Err(e) = at(name, || check(db)) {
            assert!(may_fail(e.kind()), "{name}, latched: {e}");
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
    // None if a relaxed commit was lost.
    let made = view.seq().0.saturating_sub(timeline.last()) as usize;
    if let (Some(doubt), true) = (doubt, made > 0) {
        let known = doubt.commits.get(made - 1).cloned().flatten();
        let known = known.expect("a commit that was begun");
        timeline.push_behind(made - 1, &view, known).expect("readable rows");
        let made = doubt.keys.iter().filter(|(_, seq)| *seq <= view.seq().0);
        timeline.keys.extend(made.cloned());
    }
    disk.cut_power();
    timeline
}

/// Runs the workload into the fault, and looks at what is left.
fn run_into(seed: u64, fault: Fault) {
    let (mut workload, start) = Workload::new(seed).expect("a new file");
    (workload.is_faulty, workload.is_lossy) = (true, fault.is_lossy);
    fault.arm(&workload.disk);
    workload.disk.mark(Event::Begin(0));
    let failed = (0..STEPS).find_map(|_| workload.step().err());
    // Not every call can tell: that a handle is dropped cannot. But the fault must have come.
    assert!(workload.disk.has_failed(), "the fault was not reached");
    if let Some(e) = &failed {
        assert_handle(&mut workload, e.kind(), fault);
    }
    let setup = workload.setup;
    drop(workload.db.take());
    let Workload { disk, clock, timeline, mut doubt, mut rng, .. } = workload;
    let record = disk.take_record();
    disk.recover();

    let mut replay = Replay::new(start, &record);
    if fault.is_lossy {
        let armed = record.iter().position(|e| matches!(e, Event::Begin(0))).expect("the mark");
        let mut changes = (armed..record.len()).filter(|i| is_change(&record[*i]));
        replay.advance(changes.nth(fault.after).unwrap_or(record.len()));
        replay.pending.clear();
    }
    replay.advance(record.len());
    // What failed in any other way has not happened.
    doubt = doubt.filter(|d| d.failure.is_none_or(|kind| kind == ErrorKind::OutcomeUnknown));
    let begun = timeline.last() + doubt.as_ref().map_or(0, |doubt| doubt.commits.len() as u64);
    for crash in [Crash::KeepAll, Crash::any(&mut rng)] {
        let image = crash.image(&replay.durable, &replay.pending, &mut rng);
        at(&format!("{failed:?}; then {crash:?}"), || {
            let timeline = settle(&image, setup, &clock, &timeline, doubt.as_ref());
            let (disk, acknowledged) = (SimDisk::new(image), replay.acknowledged);
            survive(&disk, setup, &clock, &timeline, acknowledged, begun, &mut rng);
        });
    }
}

/// One seed: every call fails once, and every call fails from then on.
pub(super) fn torture(seed: u64, tally: &mut Tally) {
    fail_each(seed, 1, tally);
}

/// Fails one call in so many, in the same two ways.
pub(super) fn fail_each(seed: u64, nth: usize, tally: &mut Tally) {
    let mut rng = Rng::new(seed);
    let mut changes = 0;
    for (index, call) in calls(seed).into_iter().enumerate() {
        let after = if call.is_change() { changes } else { index };
        changes += usize::from(call.is_change());
        if index % nth > 0 {
            continue;
        }
        // One of the two loses what it was to sync.
        let lossy_one = (call == Call::Sync).then(|| rng.one_in(2));
        for once in [true, false] {
            let is_full = call.grows() || rng.one_in(2);
            let is_lossy = lossy_one == Some(once);
            let fault = Fault { after, call, once, is_full, is_lossy };
            at(&format!("seed {seed}, {fault:?}"), || run_into(seed, fault));
        }
        tally.add(if call.is_change() { "changes failed" } else { "reads failed" }, 1);
        tally.add("full devices", u64::from(call.grows()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torture::words;
    use std::panic::catch_unwind;

    #[test]
    fn a_fault_that_is_not_reached_fails_the_seed() {
        for (call, once) in [(Call::Sync, true), (Call::Sync, false), (Call::Read, true)] {
            let beyond = usize::MAX;
            let fault = Fault { after: beyond, call, once, is_full: false, is_lossy: false };
            let panic = catch_unwind(|| run_into(0, fault)).expect_err("a fault beyond the end");
            assert_eq!(words(&*panic), "the fault was not reached");
        }
    }
}
