//! The queue of writers: turns, units, the leader, failures.

use crate::group::{Failure, Group, Store};
use crate::sync::{Mutex, thread};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Never passes.
const LONG: Duration = Duration::from_mins(1);
/// May pass at any point.
const SHORT: Duration = Duration::from_millis(1);

const WRITERS: u32 = 3;
const EACH: u32 = 2;

/// What becomes of a unit that has `POISON` in it.
#[derive(Clone, Copy, Debug)]
pub enum Ends {
    /// The store says that it failed.
    Failing,
    /// The store panics.
    Panicking,
}

const POISON: u32 = 1_000;

/// What a turn looks at first, of the sets that were accepted before it and what is visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// As `WriteTx::begin` does it: a set that is committed in between is seen twice.
    Accepted,
    /// Then it is not seen at all.
    Visible,
}

/// Keeps what was committed, in order.
struct Journal {
    sets: Mutex<Vec<u32>>,
    is_committing: Mutex<bool>,
    end: Ends,
}

impl Journal {
    fn new(end: Ends) -> Self {
        Journal { sets: Mutex::default(), is_committing: Mutex::default(), end }
    }
}

impl Store for Journal {
    type Set = u32;
    type Receipt = usize;
    type Error = &'static str;

    fn commit(&self, sets: &[Arc<u32>]) -> Result<Vec<usize>, &'static str> {
        let is_other = std::mem::replace(&mut *self.is_committing.lock(), true);
        assert!(!is_other, "a unit beside another, or after one that failed");
        if sets.iter().any(|set| **set == POISON) {
            return match self.end {
                Ends::Failing => Err("asked to"),
                // Unlike `panic!` this prints nothing.
                Ends::Panicking => resume_unwind(Box::new("asked to")),
            };
        }
        let places = {
            let mut all = self.sets.lock();
            let first = all.len();
            all.extend(sets.iter().map(|set| **set));
            (first..all.len()).collect()
        };
        *self.is_committing.lock() = false;
        Ok(places)
    }

    fn unit_cost(&self) -> Duration {
        SHORT
    }

    fn size_bytes(_: &u32) -> usize {
        1
    }
}

/// Runs `writer` once for each writer, at the same time.
fn write_with(writer: impl Fn(u32) + Sync) {
    thread::scope(|scope| {
        for who in 0..WRITERS {
            let writer = &writer;
            scope.spawn(move || writer(who));
        }
    });
}

/// Sets are committed in the order of the turns, a turn sees those before it, and a call that
/// returned is committed. With a byte for a unit each set is one of its own; without a limit they
/// gather.
pub fn turns_are_in_order(unit_bytes: usize, first: First) {
    let (journal, group) = (Journal::new(Ends::Failing), Group::new(unit_bytes));
    let next = Mutex::new(0);
    write_with(|_| {
        for _ in 0..EACH {
            let turn = group.turn(LONG).expect("it waits for ever");
            let look = || turn.accepted().iter().map(|set| **set).collect::<Vec<u32>>();
            let before = (first == First::Accepted).then(look);
            let visible = journal.sets.lock().len() as u32;
            let accepted = before.unwrap_or_else(look);
            let mine = *next.lock();
            let seen = visible.max(accepted.last().map_or(0, |last| last + 1));
            assert_eq!(seen, mine, "a turn does not see the one before it");
            assert!(accepted.first().is_none_or(|first| *first <= visible), "a set is missing");
            *next.lock() += 1;
            let place = turn.submit(&journal, Arc::new(mine)).expect("nothing fails");
            assert_eq!(place, mine as usize);
            assert_eq!(journal.sets.lock().get(place), Some(&mine), "not committed on return");
        }
    });
    assert!((0..WRITERS * EACH).eq(journal.sets.lock().iter().copied()));
}

/// A unit that fails takes all that was accepted on top of it along, and nothing follows.
pub fn a_failure_is_the_end(end: Ends, unit_bytes: usize) {
    let (journal, group) = (Journal::new(end), Group::new(unit_bytes));
    let order = Mutex::new(Vec::new());
    let failures = Mutex::new(Vec::new());
    write_with(|who| {
        for n in 0..EACH {
            let set = if (who, n) == (0, 0) { POISON } else { who * EACH + n };
            let turn = group.turn(LONG).expect("it waits for ever");
            order.lock().push(set);
            match turn.submit(&journal, Arc::new(set)) {
                Ok(place) => assert_eq!(journal.sets.lock()[place], set),
                Err(failure) => failures.lock().push((set, failure)),
            }
        }
    });
    let (committed, order, failures) = (journal.sets.lock(), order.lock(), failures.lock());
    assert!(order.starts_with(&committed), "{committed:?} of {order:?}");
    for (set, failure) in failures.iter() {
        assert!(!committed.contains(set), "{set} failed and was committed");
        let is_latched = matches!(failure, Failure::Latched);
        assert!(*set != POISON || !is_latched, "the poison was not committed alone");
        match end {
            Ends::Failing => assert!(is_latched || matches!(failure, Failure::Unknown(_))),
            Ends::Panicking => assert!(is_latched || matches!(failure, Failure::Panicked)),
        }
    }
    assert_eq!(committed.len() + failures.len(), order.len(), "each call has one outcome");
    assert!(group.is_latched());
    let turn = group.turn(LONG).expect("the turn is free");
    assert!(matches!(turn.settle(), Err(Failure::Latched)));
    assert!(matches!(turn.submit(&journal, Arc::new(0)), Err(Failure::Latched)));
}

/// After settling, what was accepted is committed, and the store rests until the turn ends.
pub fn settling_waits_for_all(unit_bytes: usize) {
    let (journal, group) = (Journal::new(Ends::Failing), Group::new(unit_bytes));
    let accepted = Mutex::new(0);
    write_with(|who| {
        for n in 0..EACH {
            let turn = group.turn(LONG).expect("it waits for ever");
            if who == 0 {
                assert!(turn.settle().is_ok());
                for _ in 0..2 {
                    assert!(turn.accepted().is_empty());
                    assert!(!*journal.is_committing.lock(), "the store does not rest");
                    assert_eq!(journal.sets.lock().len(), *accepted.lock());
                }
                if n == 0 {
                    // A turn that submits nothing.
                    continue;
                }
            }
            *accepted.lock() += 1;
            turn.submit(&journal, Arc::new(who)).expect("nothing fails");
        }
    });
    assert_eq!(journal.sets.lock().len(), *accepted.lock());
}

/// A writer that waits too long, and one whose closure panics, change nothing and hold nothing.
pub fn giving_up_holds_nothing() {
    let (journal, group) = (Journal::new(Ends::Failing), Group::new(usize::MAX));
    let submitted = Mutex::new(0);
    write_with(|who| {
        for n in 0..EACH {
            let Some(turn) = group.turn(SHORT) else { continue };
            let run = catch_unwind(AssertUnwindSafe(|| {
                if who == n {
                    resume_unwind(Box::new("in the closure"));
                }
                *submitted.lock() += 1;
                turn.submit(&journal, Arc::new(who)).expect("nothing fails");
            }));
            assert_eq!(run.is_err(), who == n);
        }
    });
    assert_eq!(journal.sets.lock().len(), *submitted.lock());
    assert!(group.turn(Duration::ZERO).is_some());
}

/// Latched by somebody who is no writer: what comes after is refused, what was accepted before is
/// committed, and nobody waits for ever.
pub fn latching_from_outside() {
    let (journal, group) = (Journal::new(Ends::Failing), Group::new(1));
    let is_latched = Mutex::new(false);
    let committed = Mutex::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            group.latch();
            *is_latched.lock() = true;
        });
        for who in 0..WRITERS {
            let (journal, group, is_latched, committed) =
                (&journal, &group, &is_latched, &committed);
            scope.spawn(move || {
                let turn = group.turn(LONG).expect("it waits for ever");
                if who == 0 {
                    let _ = turn.settle();
                }
                let is_late = *is_latched.lock();
                match turn.submit(journal, Arc::new(who)) {
                    Ok(_) => {
                        assert!(!is_late, "accepted after the latch");
                        *committed.lock() += 1;
                    }
                    Err(failure) => assert!(matches!(failure, Failure::Latched)),
                }
            });
        }
    });
    assert_eq!(journal.sets.lock().len(), *committed.lock());
    assert!(group.is_latched());
}
