//! Flipped bytes in a file that was closed in good order.
//!
//! Opening, reading everything and verifying never panic; and no answer changes without either an
//! error or a word from `verify`.

use super::setup::{Setup, TestClock};
use super::workload::Workload;
use super::{Tally, actions, at};
use crate::Result;
use crate::db::Db;
use crate::file::crash::Rng;
use crate::file::sim::SimDisk;
use crate::ids::{MemoryId, Seq};
use crate::memory::{List, Order};
use crate::recall::Recall;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use xxhash_rust::xxh3::Xxh3;

const STEPS: usize = 40;
const FLIPS: usize = 80;

/// What became of a flip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// It was in space that nothing uses: all answers are the same.
    Harmless,
    /// Opening was refused.
    Refused,
    /// Some read was.
    Reported,
    /// Every read answered, and right; `verify` found it.
    Latent,
    /// A read answered wrongly; `verify` found it.
    Misread,
    /// A read answered wrongly, and `verify` found nothing.
    Unnoticed,
}

impl Fate {
    fn name(self) -> &'static str {
        match self {
            Fate::Harmless => "flips that were harmless",
            Fate::Refused => "flips refused on opening",
            Fate::Reported => "flips reported by a read",
            Fate::Latent => "flips that verify found alone",
            Fate::Misread => "flips misread, found by verify",
            Fate::Unnoticed => "flips unnoticed",
        }
    }
}

/// A digest of each kind of answer there is to get.
type Answers = BTreeMap<&'static str, u128>;

/// Asks everything. Numbers of microseconds are no answers.
fn answers(db: &Db, ids: u64, keys: &[String]) -> Result<Answers> {
    let mut digests: BTreeMap<&'static str, Xxh3> = BTreeMap::new();
    let mut note = |kind: &'static str, answer: &dyn Debug| {
        digests.entry(kind).or_default().update(format!("{answer:?}").as_bytes());
    };
    let view = db.read()?;
    let spaces = view.spaces();
    note("catalogue", &(view.seq(), &spaces, view.metadata_indexes(), view.namespaces(None, 100)?));
    for id in 1..=ids {
        for memory in view.peek_many(&[MemoryId(id)])?.into_iter().flatten() {
            note("accesses", &(memory.accesses, memory.accessed_ms));
            note("memory", &crate::Memory { accesses: 0, accessed_ms: None, ..memory });
        }
        for space in &spaces {
            note("vector", &view.vector(MemoryId(id), &space.name)?);
        }
    }
    for order in [Order::Newest, Order::Importance, Order::Priority, Order::Updated] {
        let page = view.list(&List::new().order(order).limit(500))?;
        note("list", &page.memories.iter().map(|m| m.id).collect::<Vec<_>>());
    }
    for word in actions::VOCABULARY {
        let found = view.recall(&Recall::new().text(word).weights(1.0, 0.0).limit(100))?;
        note("text recall", &found.hits.iter().map(|h| (h.memory.id, h.score)).collect::<Vec<_>>());
    }
    let mut rng = Rng::new(0);
    for space in &spaces {
        let query = actions::vector(&mut rng, space.dimension);
        let request = Recall::new().space(space.name.as_str()).vector(query);
        let found = view.recall(&request.weights(0.0, 1.0).limit(100))?;
        note(
            "vector recall",
            &found.hits.iter().map(|h| (h.memory.id, h.score)).collect::<Vec<_>>(),
        );
    }
    for external in 0..12 {
        note("external id", &view.find_external("ops", &format!("x{external}"))?);
    }
    for key in keys {
        note("outcome", &db.outcome(key)?);
    }
    note("log", &db.log(Seq(0), 10_000)?);
    Ok(digests.into_iter().map(|(kind, digest)| (kind, digest.digest128())).collect())
}

/// A file that was closed in good order, and what to ask it.
struct Closed {
    setup: Setup,
    clock: TestClock,
    bytes: Vec<u8>,
    ids: u64,
    keys: Vec<String>,
}

impl Closed {
    fn make(seed: u64) -> Closed {
        let (mut workload, _) = Workload::new(seed).expect("a new file");
        for _ in 0..STEPS {
            workload.step().unwrap_or_else(|e| panic!("{e}"));
        }
        workload.db().checkpoint().expect("a checkpoint");
        workload.transact().expect("something to catch up with");
        let known = workload.timeline.known.last().expect("a commit");
        let ids = known.memories.keys().last().copied().unwrap_or_default() + 1;
        let keys = workload.timeline.keys.keys().cloned().collect();
        drop(workload.db.take());
        let bytes = workload.disk.bytes();
        Closed { setup: workload.setup, clock: workload.clock, bytes, ids, keys }
    }

    fn ask(&self, db: &Db) -> Result<Answers> {
        answers(db, self.ids, &self.keys)
    }

    /// Opens the file with one byte changed. Says also which kinds of answers are wrong.
    fn fate(&self, at: usize, mask: u8, expected: &Answers) -> (Fate, Vec<&'static str>) {
        let mut bytes = self.bytes.clone();
        bytes[at] ^= mask;
        let disk = SimDisk::new(bytes);
        let Ok(db) = self.setup.open(&disk, &self.clock.fork()) else {
            return (Fate::Refused, Vec::new());
        };
        let answer = self.ask(&db);
        let is_found = db.verify(&mut |_| {}).map_or(true, |report| !report.is_clean());
        // Nothing is to be repaired by closing it.
        disk.cut_power();
        let Ok(answer) = answer else { return (Fate::Reported, Vec::new()) };
        let wrong: Vec<_> =
            expected.iter().filter(|(k, v)| answer.get(*k) != Some(v)).map(|(k, _)| *k).collect();
        let fate = match (wrong.is_empty(), is_found) {
            (true, false) => Fate::Harmless,
            (true, true) => Fate::Latent,
            (false, true) => Fate::Misread,
            (false, false) => Fate::Unnoticed,
        };
        (fate, wrong)
    }
}

/// One seed.
pub(super) fn torture(seed: u64, tally: &mut Tally) {
    let closed = Closed::make(seed);
    let db = closed.setup.open(&SimDisk::new(closed.bytes.clone()), &closed.clock.fork());
    let expected = closed.ask(&db.expect("the file opens")).expect("it answers");
    // Most of a young file is empty: look where something is.
    let used: Vec<usize> = (0..closed.bytes.len()).filter(|i| closed.bytes[*i] != 0).collect();
    let mut rng = Rng::new(!seed);
    let mut unnoticed = Vec::new();
    for _ in 0..FLIPS {
        let place = used[rng.below(used.len() as u64) as usize];
        let mask = 1 << rng.below(8);
        let (fate, wrong) = at(&format!("seed {seed}, byte {place} ^ {mask:#04x}"), || {
            catch_unwind(AssertUnwindSafe(|| closed.fate(place, mask, &expected)))
                .unwrap_or_else(|panic| panic!("panics: {}", super::words(&*panic)))
        });
        tally.add(fate.name(), 1);
        if fate == Fate::Unnoticed {
            unnoticed.push((place, mask, wrong));
        }
    }
    assert!(unnoticed.is_empty(), "seed {seed}: wrong answers, and verify is clean: {unnoticed:?}");
}
