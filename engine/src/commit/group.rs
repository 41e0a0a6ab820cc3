//! Group commit: many writers, one fsync.
//!
//! A writer takes the *turn*, runs its closure against everything accepted so far, submits its
//! set and gives the turn back; then one of the waiting writers, the *leader*, commits all that
//! has been submitted in one unit while the next closures already run.
//!
//! ```text
//! writer 1   [closure][submit]-lead-[ commit 1 .............. ]
//! writer 2            [closure][submit]- wait                  -lead-[ commit 2, 3 ... ]
//! writer 3                     [closure][submit]- wait ................................done
//! ```
//!
//! Those whose sets a unit has committed come back when the next has begun, so that each unit would get half
//! of the writers that there are. A leader therefore waits for the *crowd*, as many sets as there were of late, if
//! they come soon: no longer than another unit would cost, and not once nobody comes.
//!
//! **Invariant:** sets are committed in the order in which they were submitted, and a closure sees
//! every set that was submitted before its turn. When a unit fails, it and everything that was
//! accepted on top of it fail together, and nothing is accepted afterwards.

use crate::sync::{Instant, Monitor, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Sets that one unit commits at most; the others go into the next.
const MAX_SETS: usize = 256;
/// A leader waits no longer if nobody has come for this part of what a unit costs.
const GAP_SHARE: u32 = 4;

/// What lies under the group: it makes a batch of sets durable and visible.
pub(crate) trait Store {
    /// What a writer submits.
    type Set;
    /// What a writer learns about its committed set.
    type Receipt;
    /// Why a unit failed.
    type Error;

    /// Commits all sets in order, or none, and makes them visible to readers. Returns one receipt
    /// per set, in order.
    fn commit(&self, sets: &[Arc<Self::Set>]) -> Result<Vec<Self::Receipt>, Self::Error>;

    /// What a unit costs, however few sets it has: about as long as its sync takes.
    fn unit_cost(&self) -> Duration;

    /// The size that counts towards [`Group`]'s limit for one unit, in bytes.
    fn size_bytes(set: &Self::Set) -> usize;
}

/// Why a set was not committed.
#[derive(Debug)]
pub(crate) enum Failure<E> {
    /// Its unit failed at a point where it may or may not be durable.
    Unknown(Arc<E>),
    /// The code below panicked while it committed the unit.
    Panicked,
    /// An earlier unit failed, so nothing is accepted any more; this set is not durable.
    Latched,
}

impl<E> Clone for Failure<E> {
    fn clone(&self) -> Self {
        match self {
            Failure::Unknown(e) => Failure::Unknown(e.clone()),
            Failure::Panicked => Failure::Panicked,
            Failure::Latched => Failure::Latched,
        }
    }
}

enum Fate<S: Store> {
    Waiting,
    Leads,
    Done(Result<S::Receipt, Failure<S::Error>>),
    Taken,
}

struct Ticket<S: Store> {
    set: Arc<S::Set>,
    fate: Monitor<Fate<S>>,
}

struct Queue<S: Store> {
    pending: VecDeque<Arc<Ticket<S>>>,
    in_flight: Vec<Arc<S::Set>>,
    has_leader: bool,
    is_latched: bool,
    /// Sets of the last unit, and those that had been submitted when it ended.
    crowd: usize,
}

impl<S: Store> Queue<S> {
    fn is_crowd_there(&self) -> bool {
        self.pending.len() >= self.crowd.min(MAX_SETS) || self.is_latched
    }
}

/// The queue of writers in front of a [`Store`].
pub(crate) struct Group<S: Store> {
    turn: Mutex<()>,
    queue: Monitor<Queue<S>>,
    max_bytes: usize,
}

/// The right to run a write closure. Dropping it unsubmitted changes nothing.
pub(crate) struct Turn<'a, S: Store> {
    group: &'a Group<S>,
    guard: MutexGuard<'a, ()>,
}

impl<S: Store> Group<S> {
    /// `max_bytes` bounds what one unit takes in, beyond its first set.
    pub(crate) fn new(max_bytes: usize) -> Self {
        let queue = Queue {
            pending: VecDeque::new(),
            in_flight: Vec::new(),
            has_leader: false,
            is_latched: false,
            crowd: 0,
        };
        Group { turn: Mutex::new(()), queue: Monitor::new(queue), max_bytes }
    }

    /// Waits for the turn; `None` if `timeout` passes first.
    pub(crate) fn turn(&self, timeout: Duration) -> Option<Turn<'_, S>> {
        self.turn.lock_within(timeout).map(|guard| Turn { group: self, guard })
    }

    pub(crate) fn is_latched(&self) -> bool {
        self.queue.lock().is_latched
    }

    /// Accepts nothing any more.
    pub(crate) fn latch(&self) {
        self.queue.update(|q| q.is_latched = true);
    }

    /// Waits for those who are about to submit, if there are any.
    fn gather(&self, patience: Duration) {
        let start = Instant::now();
        let gap = patience / GAP_SHARE;
        let mut there = 0;
        loop {
            let is_whole = |q: &mut Queue<S>| q.is_crowd_there().then_some(());
            if self.queue.wait_at_most(gap, is_whole).is_some() || start.elapsed() >= patience {
                return;
            }
            let before = std::mem::replace(&mut there, self.queue.lock().pending.len());
            if there <= before {
                return;
            }
        }
    }

    /// Commits what is pending, as one unit, and hands leadership on.
    fn lead(&self, store: &S) {
        self.gather(store.unit_cost());
        let batch = self.take_batch();
        let sets: Vec<Arc<S::Set>> = batch.iter().map(|t| t.set.clone()).collect();
        let outcome = catch_unwind(AssertUnwindSafe(|| store.commit(&sets)));
        let (mut done, failed) = match outcome {
            Ok(Ok(receipts)) => (receipts.into_iter().map(Ok).collect(), None),
            Ok(Err(e)) => (Vec::new(), Some(Failure::Unknown(Arc::new(e)))),
            Err(_) => (Vec::new(), Some(Failure::Panicked)),
        };
        let (next, orphans) = self.queue.update(|q| {
            q.in_flight.clear();
            let mut orphans = Vec::new();
            if failed.is_some() {
                q.is_latched = true;
                orphans.extend(q.pending.drain(..));
            }
            let next = q.pending.front().cloned();
            q.has_leader = next.is_some();
            q.crowd = batch.len() + q.pending.len();
            (next, orphans)
        });
        if let Some(failure) = failed {
            done.extend(batch.iter().map(|_| Err(failure.clone())));
        }
        debug_assert_eq!(done.len(), batch.len(), "one receipt per set");
        for (ticket, result) in batch.iter().zip(done) {
            ticket.fate.update(|fate| *fate = Fate::Done(result));
        }
        for ticket in orphans {
            ticket.fate.update(|fate| *fate = Fate::Done(Err(Failure::Latched)));
        }
        if let Some(ticket) = next {
            ticket.fate.update(|fate| *fate = Fate::Leads);
        }
    }

    fn take_batch(&self) -> Vec<Arc<Ticket<S>>> {
        let mut queue = self.queue.lock();
        let mut bytes = 0;
        let mut batch: Vec<Arc<Ticket<S>>> = Vec::new();
        while let Some(ticket) = queue.pending.front() {
            bytes += S::size_bytes(&ticket.set);
            if !batch.is_empty() && (bytes > self.max_bytes || batch.len() == MAX_SETS) {
                break;
            }
            batch.extend(queue.pending.pop_front());
        }
        queue.in_flight = batch.iter().map(|t| t.set.clone()).collect();
        batch
    }
}

impl<S: Store> Turn<'_, S> {
    /// The sets that were accepted and may not be visible to readers yet, oldest first.
    pub(crate) fn accepted(&self) -> Vec<Arc<S::Set>> {
        let queue = self.group.queue.lock();
        let pending = queue.pending.iter().map(|t| t.set.clone());
        queue.in_flight.iter().cloned().chain(pending).collect()
    }

    /// Waits until everything accepted is committed. Since this is the only turn, the store is
    /// then at rest until the turn ends.
    pub(crate) fn settle(&self) -> Result<(), Failure<S::Error>> {
        self.group.queue.wait_for(|q| {
            let at_rest = q.pending.is_empty() && q.in_flight.is_empty() && !q.has_leader;
            (at_rest || q.is_latched).then_some(())
        });
        if self.group.is_latched() { Err(Failure::Latched) } else { Ok(()) }
    }

    /// Submits a set, ends the turn, and waits until the set is committed.
    pub(crate) fn submit(
        self,
        store: &S,
        set: Arc<S::Set>,
    ) -> Result<S::Receipt, Failure<S::Error>> {
        let ticket = Arc::new(Ticket { set, fate: Monitor::new(Fate::Waiting) });
        let Turn { group, guard } = self;
        let (leads, is_crowd_there) = {
            let mut q = group.queue.lock();
            if q.is_latched {
                return Err(Failure::Latched);
            }
            q.pending.push_back(ticket.clone());
            (!std::mem::replace(&mut q.has_leader, true), q.is_crowd_there())
        };
        if is_crowd_there {
            group.queue.update(|_| ());
        }
        drop(guard);
        if leads {
            group.lead(store);
        }
        loop {
            let decided = ticket.fate.wait_for(|fate| match std::mem::replace(fate, Fate::Taken) {
                Fate::Waiting => {
                    *fate = Fate::Waiting;
                    None
                }
                Fate::Leads => Some(None),
                Fate::Done(result) => Some(Some(result)),
                Fate::Taken => Some(Some(Err(Failure::Panicked))),
            });
            if let Some(result) = decided {
                return result;
            }
            ticket.fate.update(|fate| *fate = Fate::Waiting);
            group.lead(store);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Keeps what was committed, in order; fails or panics on demand.
    #[derive(Default)]
    struct Journal {
        sets: Mutex<Vec<u32>>,
        units: AtomicU32,
        unit_cost: Duration,
    }

    const FAILS: u32 = 1_000_000;
    const PANICS: u32 = 2_000_000;

    impl Store for Journal {
        type Set = u32;
        type Receipt = usize;
        type Error = &'static str;

        fn commit(&self, sets: &[Arc<u32>]) -> Result<Vec<usize>, &'static str> {
            assert!(!sets.iter().any(|s| **s == PANICS), "asked to");
            if sets.iter().any(|s| **s == FAILS) {
                return Err("asked to");
            }
            std::thread::yield_now();
            self.units.fetch_add(1, Ordering::Relaxed);
            let mut all = self.sets.lock();
            let first = all.len();
            all.extend(sets.iter().map(|s| **s));
            Ok((first..all.len()).collect())
        }

        fn unit_cost(&self) -> Duration {
            self.unit_cost
        }

        fn size_bytes(_: &u32) -> usize {
            1
        }
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn sets_commit_in_turn_order_and_each_turn_sees_those_before() {
        let (journal, group) = (Journal::default(), Group::<Journal>::new(usize::MAX));
        let next = Mutex::new(0_u32);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let turn = group.turn(LONG).unwrap();
                        // The newest set is either still accepted or already in the journal.
                        let accepted = turn.accepted().last().map(|s| **s);
                        let visible = journal.sets.lock().last().copied();
                        let newest = accepted.max(visible);
                        let mine = {
                            let mut next = next.lock();
                            assert_eq!(newest, next.checked_sub(1));
                            *next += 1;
                            *next - 1
                        };
                        let place = turn.submit(&journal, Arc::new(mine)).unwrap();
                        assert_eq!(place, mine as usize);
                    }
                });
            }
        });
        assert_eq!(*journal.sets.lock(), (0..1600).collect::<Vec<_>>());
    }

    #[test]
    fn a_failed_unit_latches_the_group() {
        for poison in [FAILS, PANICS] {
            let (journal, group) = (Journal::default(), Group::<Journal>::new(usize::MAX));
            group.turn(LONG).unwrap().submit(&journal, Arc::new(1)).unwrap();
            let failed = group.turn(LONG).unwrap().submit(&journal, Arc::new(poison));
            assert!(matches!(failed, Err(Failure::Unknown(_) | Failure::Panicked)));
            let after = group.turn(LONG).unwrap().submit(&journal, Arc::new(2));
            assert!(matches!(after, Err(Failure::Latched)));
            assert_eq!(*journal.sets.lock(), [1]);
        }
    }

    #[test]
    fn a_unit_takes_no_more_than_its_bytes() {
        let (journal, group) = (Journal::default(), Group::<Journal>::new(1));
        for set in 0..5 {
            group.turn(LONG).unwrap().submit(&journal, Arc::new(set)).unwrap();
        }
        assert_eq!(journal.units.load(Ordering::Relaxed), 5);
    }

    #[test]
    fn a_leader_waits_for_as_many_as_there_were() {
        let journal = Journal { unit_cost: LONG, ..Journal::default() };
        let group = Group::<Journal>::new(usize::MAX);
        group.queue.update(|q| q.crowd = 2);
        let submit = |set| group.turn(LONG).unwrap().submit(&journal, Arc::new(set)).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| submit(0));
            while !group.queue.lock().has_leader {
                std::thread::yield_now();
            }
            scope.spawn(|| submit(1));
        });
        assert_eq!(journal.units.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_leader_does_not_wait_for_those_who_stay_away() {
        let journal = Journal { unit_cost: Duration::from_millis(1), ..Journal::default() };
        let group = Group::<Journal>::new(usize::MAX);
        group.queue.update(|q| q.crowd = 2);
        group.turn(LONG).unwrap().submit(&journal, Arc::new(0)).unwrap();
        assert_eq!(group.queue.lock().crowd, 1, "nor does the next");
    }

    #[test]
    fn a_panicking_closure_gives_its_turn_back() {
        let group = Group::<Journal>::new(usize::MAX);
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let _turn = group.turn(LONG).unwrap();
            panic!("in the closure");
        }));
        assert!(ran.is_err());
        assert!(group.turn(Duration::ZERO).is_some());
    }
}
