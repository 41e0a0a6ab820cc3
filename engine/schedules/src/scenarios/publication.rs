//! Commits made visible: a View is of one commit, is never older than one seen before, and is there
//! when the call returns.

use crate::clock::Clock;
use crate::commit::Chain;
use crate::derived::Indexes;
use crate::group::{Group, Store};
use crate::ids::Seq;
use crate::rows::Pinned;
use crate::sync::{Mutex, thread};
use crate::view::{Shared, View, ViewLimits, Views};
use crate::{ErrorKind, access, embed, embeddings, knowledge, recall};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);
const WRITERS: u64 = 2;
const EACH: u64 = 2;
const READERS: usize = 2;

/// What the committer does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Nothing.
    None,
    /// It publishes before the indexes have folded the commit.
    PublishesBeforeFolding,
    /// It publishes after it has let the state go.
    PublishesUnlocked,
    /// It tells the writer before it publishes.
    AnswersBeforePublishing,
}

struct Noon;

impl Clock for Noon {
    fn now_ms(&self) -> i64 {
        1_767_268_800_000
    }
}

struct State {
    seq: Seq,
    indexes: Indexes,
}

/// The part of the committer that publishes, in its order: `Committer::finish`.
struct Publisher {
    state: Mutex<State>,
    views: Views,
    defect: Defect,
}

impl Publisher {
    fn new(max_bytes: u64, defect: Defect) -> Self {
        let shared = Shared {
            clock: Box::new(Noon),
            accesses: access::Accesses,
            embedders: embed::Embedders,
            embeddings: embeddings::Embeddings,
            searches: recall::Admission,
            answers: recall::Answers,
            graph_answers: knowledge::GraphAnswers,
            pid: std::process::id(),
        };
        let limits = ViewLimits { max_age_ms: i64::MAX, max_bytes };
        let views = Views::new(Arc::new(shared), limits);
        let state = State { seq: Seq(0), indexes: Indexes(Seq(0)) };
        let publisher = Publisher { state: Mutex::new(state), views, defect };
        publisher.publish(Seq(0), &Indexes(Seq(0)));
        publisher
    }

    fn publish(&self, seq: Seq, indexes: &Indexes) {
        let chain = Chain { seq, time_ms: Noon.now_ms() };
        self.views.publish(Pinned(seq), indexes, chain, 1);
    }

    /// A commit of so many sets.
    fn finish(&self, sets: u64) -> Seq {
        let mut state = self.state.lock();
        state.seq.0 += sets;
        let seq = state.seq;
        if self.defect == Defect::PublishesBeforeFolding {
            self.publish(seq, &state.indexes);
        }
        state.indexes.0 = seq;
        match self.defect {
            Defect::None => self.publish(seq, &state.indexes),
            Defect::PublishesBeforeFolding => {}
            Defect::PublishesUnlocked | Defect::AnswersBeforePublishing => {
                drop(state);
                if self.defect == Defect::PublishesUnlocked {
                    self.publish(seq, &Indexes(seq));
                }
            }
        }
        seq
    }
}

impl Store for Publisher {
    type Set = ();
    type Receipt = Seq;
    type Error = Infallible;

    fn commit(&self, sets: &[Arc<()>]) -> Result<Vec<Seq>, Infallible> {
        let last = self.finish(sets.len() as u64);
        Ok((0..sets.len() as u64).rev().map(|back| Seq(last.0 - back)).collect())
    }

    fn unit_cost(&self) -> Duration {
        Duration::ZERO
    }

    fn size_bytes((): &()) -> usize {
        1
    }
}

/// All that a View says is of one commit, and stays so. False if its rows were taken away.
fn check(view: &View) -> bool {
    assert_eq!(view.versions().folded, view.seq(), "indexes of another commit");
    for _ in 0..2 {
        match view.rows() {
            Ok(rows) => {
                assert_eq!(rows.0, view.seq(), "rows of another commit");
                thread::yield_now();
                assert_eq!(rows.0, view.seq(), "rows changed under a reader");
            }
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::SnapshotExpired);
                return false;
            }
        }
    }
    true
}

/// Writers in the queue, one that commits beside it as maintenance does, readers, and somebody who
/// holds the first View. Each commit of the store has one byte, and a View is revoked once more than
/// `max_bytes` have been written after it.
pub fn views_are_of_one_commit(max_bytes: u64, defect: Defect) {
    let (publisher, group) = (Publisher::new(max_bytes, defect), Group::new(2));
    let first = publisher.views.current();
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let turn = group.turn(LONG).expect("it waits for ever");
                    let Ok(seq) = turn.submit(&publisher, Arc::new(())) else {
                        panic!("nothing fails");
                    };
                    let view = publisher.views.current();
                    assert!(view.seq() >= seq, "what is committed is not visible");
                    check(&view);
                }
            });
        }
        scope.spawn(|| publisher.finish(1));
        for _ in 0..READERS {
            scope.spawn(|| {
                let mut newest = Seq(0);
                for _ in 0..3 {
                    let view = publisher.views.current();
                    assert!(view.seq() >= newest, "a later View is of an earlier commit");
                    newest = view.seq();
                    if !check(&view) {
                        let since = publisher.views.current().seq().0 - view.seq().0;
                        assert!(since > max_bytes, "a View was revoked within its limits");
                    }
                }
            });
        }
        assert!(check(&first) || max_bytes <= WRITERS * EACH, "revoked within its limits");
    });
    let last = publisher.views.current();
    assert_eq!(last.seq(), Seq(WRITERS * EACH + 1));
    assert!(check(&last), "the newest View was revoked");
    assert_eq!(publisher.views.held(), 1, "the first View is held, and no other");
    // Nobody reads now, so that nobody keeps it from being revoked.
    publisher.views.revoke_expired();
    assert_eq!(check(&first), max_bytes > WRITERS * EACH);
    drop(first);
    assert_eq!(publisher.views.held(), 0);
}
