//! A file whose every state is known, and what must hold of anything that is salvaged from it.

use memlith::{
    Clock, Db, ErrorKind, GraphOptions, List, LogRetention, LogRow, Memory, MemoryId, Metric,
    NewMemory, Options, Order, Patch, SalvageReport, Seq, Space, SpaceStats, View, salvage,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A small generator of numbers that depends on its seed alone.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }

    fn vector(&mut self, dimensions: usize) -> Vec<f32> {
        (0..dimensions).map(|_| self.below(2_000) as f32 / 16.0 + 1.0).collect()
    }
}

#[derive(Clone)]
struct TestClock(Arc<AtomicI64>);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// A memory with its vectors, by space.
pub(crate) type Kept = (Memory, BTreeMap<String, Vec<f32>>);
/// All memories after a commit.
pub(crate) type State = BTreeMap<u64, Kept>;

/// Everything in a file.
fn state(db: &Db) -> State {
    let view = db.read().unwrap();
    let page = view.list(&List::new().order(Order::Oldest).limit(10_000)).unwrap();
    assert!(page.next.is_none());
    let one = |memory: Memory| {
        let vector =
            |space: &String| (space.clone(), view.vector(memory.id, space).unwrap().unwrap());
        let vectors = memory.spaces.iter().map(vector).collect();
        (memory.id.0, (memory, vectors))
    };
    page.memories.into_iter().map(one).collect()
}

/// What is salvaged of a space: its name, its form, how its graph is built, and how many vectors it has.
pub(crate) type Described = (String, usize, Metric, Option<String>, GraphOptions, u64);

pub(crate) fn described(view: &View) -> Vec<Described> {
    let one = |space: SpaceStats| {
        let SpaceStats { name, dimension, metric, embedder, graph, vectors, .. } = space;
        (name, dimension, metric, embedder, graph, vectors)
    };
    view.spaces().into_iter().map(one).collect()
}

/// A file that was sound, and what it held after each of its commits.
pub(crate) struct Original {
    pub(crate) bytes: Vec<u8>,
    history: BTreeMap<u64, State>,
    pub(crate) spaces: Vec<Described>,
    pub(crate) log: Vec<LogRow>,
    next_memory: u64,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Log {
    Whole,
    /// Half of the memories are older than the log.
    Trimmed,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum End {
    Closed,
    /// As a killed process leaves it.
    Killed,
}

impl Original {
    /// Memories that come, change, are replaced and go, until `commits` are made.
    pub(crate) fn make(seed: u64, commits: usize, log: Log, end: End) -> Original {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.lith");
        let clock = TestClock(Arc::new(AtomicI64::new(1_767_268_800_000)));
        let retention = LogRetention::new(1_000_000, Duration::from_hours(1));
        let db = Options::new()
            .threads(false)
            .clock(clock.clone())
            .log_retention(retention)
            // A few of the wide vectors make a segment, so that most of them are sealed.
            .seal_bytes(16 << 10)
            .open(&path)
            .unwrap();
        db.create_space(
            &Space::new("wide", 1_100)
                .metric(Metric::Dot)
                .embedder("wide-1")
                .graph(GraphOptions::new().m(7).link_from(9).scan_below(11))
                .clip(0.95),
        )
        .unwrap();
        db.write(|tx| tx.index_metadata("lang")).unwrap();
        let mut rng = Rng(seed);
        let mut history = BTreeMap::new();
        for commit in 0..commits {
            if log == Log::Trimmed && commit == commits / 2 {
                db.checkpoint().unwrap();
                clock.0.fetch_add(2 * 3_600_000, Ordering::Relaxed);
            }
            change(&db, &mut rng, commit);
            let view = db.read().unwrap();
            history.insert(view.seq().0, state(&db));
        }
        for id in history.last_key_value().unwrap().1.keys().step_by(3) {
            db.get(MemoryId(*id)).unwrap();
        }
        let last = state(&db);
        *history.last_entry().unwrap().get_mut() = last;
        let first = db.log(Seq(0), 1).unwrap()[0].seq;
        assert_eq!(first > Seq(1), log == Log::Trimmed, "the log begins at {first}");
        let spaces = described(&db.read().unwrap());
        assert!(db.read().unwrap().spaces().iter().any(|space| space.sealed_segments > 0));
        let rows = db.log(Seq(0), 10_000).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        db.close().unwrap();
        if end == End::Closed {
            bytes = fs::read(&path).unwrap();
        } else {
            // Accesses are written when the file is closed, and not when its process is killed.
            for (memory, _) in history.last_entry().unwrap().get_mut().values_mut() {
                (memory.accesses, memory.accessed_ms) = (0, None);
            }
        }
        let next_memory = Db::open(&path).unwrap().remember(NewMemory::new("next")).unwrap().0;
        Original { bytes, history, spaces, log: rows, next_memory }
    }

    pub(crate) fn last(&self) -> (u64, &State) {
        self.history.last_key_value().map(|(seq, state)| (*seq, state)).unwrap()
    }

    /// The commit that was salvaged, and what it held. Where its number is lost with the log, and it
    /// is not surely the newest, it is the last one that had as many memories and those that were
    /// found, as they were found.
    fn salvaged_state(&self, report: &SalvageReport, found: &State) -> (u64, &State) {
        let of = |seq: u64| (seq, &self.history[&seq]);
        match report.seq {
            Some(seq) => of(seq.0),
            None if report.is_newest => self.last(),
            None => {
                let memories = report.memories.recovered + report.memories.lost;
                let is_it = |state: &State| {
                    state.len() as u64 == memories
                        && found.iter().all(|(id, (memory, _))| {
                            state.get(id).is_some_and(|(before, _)| {
                                before.content == memory.content
                                    && before.updated_ms == memory.updated_ms
                            })
                        })
                };
                let seq = self.history.iter().rev().find(|(_, state)| is_it(state));
                of(*seq.unwrap_or_else(|| panic!("no commit was like this: {report:#?}")).0)
            }
        }
    }

    /// The bytes with some of them changed, salvaged.
    pub(crate) fn salvaged(&self, damage: impl FnOnce(&mut Vec<u8>)) -> memlith::Result<Salvaged> {
        let folder = tempfile::tempdir().unwrap();
        let (damaged, new) = (folder.path().join("damaged.lith"), folder.path().join("new.lith"));
        let mut bytes = self.bytes.clone();
        damage(&mut bytes);
        fs::write(&damaged, &bytes).unwrap();
        let report = salvage(&damaged, &new, &mut |_, _, _| {});
        assert!(fs::read(&damaged).unwrap() == bytes, "the damaged file was changed");
        let names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().path()).collect();
        assert_eq!(names.len(), 1 + usize::from(report.is_ok()), "{names:?}");
        Ok(Salvaged { report: report?, new, _folder: folder })
    }

    /// Salvages the bytes with some of them changed, and checks all that must hold of it.
    #[track_caller]
    pub(crate) fn check(&self, damage: impl FnOnce(&mut Vec<u8>)) -> Option<SalvageReport> {
        let salvaged = match self.salvaged(damage) {
            Ok(salvaged) => salvaged,
            Err(e) => {
                assert!([ErrorKind::Corruption, ErrorKind::NotMemlith].contains(&e.kind()), "{e}");
                return None;
            }
        };
        let report = &salvaged.report;
        let db = salvaged.open();
        let found = state(&db);
        let (seq, expected) = self.salvaged_state(report, &found);
        assert!(!report.is_newest || seq == self.last().0);
        let mut lost_vectors: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for (id, space) in &report.lost_vectors {
            lost_vectors.entry(id.0).or_default().insert(space);
        }
        for (id, (memory, vectors)) in &found {
            let (mut memory_before, mut vectors_before) = expected[id].clone();
            for space in lost_vectors.get(id).into_iter().flatten() {
                // A space whose row is lost has no name but its number.
                let name = if vectors_before.contains_key(*space) { space } else { "wide" };
                let name = if space.parse() == Ok(2_u32) { "default" } else { name };
                assert!(vectors_before.remove(name).is_some(), "{space} of {id}");
                memory_before.spaces.retain(|kept| kept != name);
            }
            let mut memory = memory.clone();
            if memory.accesses == 0 && memory_before.accesses > 0 {
                assert!(report.accesses.lost > 0 || !report.is_newest);
                (memory.accesses, memory.accessed_ms) =
                    (memory_before.accesses, memory_before.accessed_ms);
            }
            if seq != self.last().0 {
                (memory_before.accesses, memory_before.accessed_ms) =
                    (memory.accesses, memory.accessed_ms);
            }
            assert_eq!(memory, memory_before);
            assert_eq!(*vectors, vectors_before);
        }
        let lost: BTreeSet<u64> = report.lost.iter().map(|lost| lost.id.0).collect();
        let missing: BTreeSet<u64> =
            expected.keys().filter(|id| !found.contains_key(id)).copied().collect();
        assert!(lost.is_subset(&missing), "{lost:?} {missing:?}");
        assert_eq!(missing.len() as u64, lost.len() as u64 + report.unidentified, "{report:#?}");
        assert_eq!(report.memories.recovered, found.len() as u64);
        assert_eq!(report.memories.lost, missing.len() as u64);
        for lost in &report.lost {
            if let Some((namespace, external)) = &lost.external_id {
                let memory = &expected[&lost.id.0].0;
                assert_eq!(
                    (namespace, Some(external)),
                    (&memory.namespace, memory.external_id.as_ref())
                );
            }
        }
        let in_gap = |id: &u64| report.gaps.iter().any(|(a, b)| (a.0..=b.0).contains(id));
        assert!(missing.iter().all(in_gap), "{missing:?} {:?}", report.gaps);
        let count = |state: &State| state.values().map(|(_, v)| v.len() as u64).sum::<u64>();
        assert_eq!(report.vectors.recovered, count(&found));
        // Of a memory that is lost, how many vectors were sealed, and still in force, may not be known.
        let vectors = report.vectors.recovered + report.vectors.lost;
        let off = vectors.abs_diff(count(expected));
        assert!(off <= 2 * missing.len() as u64, "{vectors} of {}", count(expected));
        let verified = db.verify(&mut |_| {}).unwrap();
        assert!(verified.is_clean(), "{:?}", verified.problems);
        let next = db.remember(NewMemory::new("next")).unwrap().0;
        assert!(next > *expected.keys().last().unwrap());
        assert!(next == self.next_memory || !report.is_newest || report.seq.is_none());
        Some(salvaged.report)
    }
}

pub(crate) struct Salvaged {
    pub(crate) report: SalvageReport,
    new: PathBuf,
    _folder: tempfile::TempDir,
}

impl Salvaged {
    pub(crate) fn open(&self) -> Db {
        Options::new().threads(false).open(&self.new).unwrap()
    }
}

/// One commit.
fn change(db: &Db, rng: &mut Rng, commit: usize) {
    let ids: Vec<u64> = state(db).into_keys().collect();
    let some = |rng: &mut Rng| MemoryId(ids[rng.below(ids.len())]);
    if ids.len() < 20 || rng.below(3) == 0 {
        let new = (0..=rng.below(12)).map(|n| new(rng, &format!("{commit}.{n}"))).collect();
        drop(db.remember_batch(new).unwrap());
        return;
    }
    match rng.below(5) {
        0 => {
            let id = some(rng);
            assert!(db.forget(id).unwrap());
        }
        1 => {
            let old = some(rng);
            if let Err(e) = db.supersede(old, new(rng, &format!("{commit}.new"))) {
                assert_eq!(e.kind(), ErrorKind::AlreadyExists);
                db.remember(new(rng, &format!("{commit}.else"))).unwrap();
            }
        }
        2 => {
            let patch = Patch::new()
                .content(text(rng, &commit.to_string()))
                .vector_in("wide", rng.vector(1_100));
            assert!(db.update(some(rng), &patch).unwrap());
        }
        _ => {
            let patch = Patch::new()
                .importance(rng.below(100) as f32 / 100.0)
                .metadata(json!({"changed": commit}))
                .add_tag(format!("t{}", rng.below(5)));
            assert!(db.update(some(rng), &patch).unwrap());
        }
    }
}

fn text(rng: &mut Rng, label: &str) -> String {
    let words = [8, 40, 200, 900, 4_000][rng.below(5)];
    format!("{label} {}", "word and thing ".repeat(words / 3))
}

fn new(rng: &mut Rng, label: &str) -> NewMemory {
    let lang = ["de", "en"][rng.below(2)];
    let mut new = NewMemory::new(text(rng, label))
        .namespace(["ops", "lab"][rng.below(2)])
        .kind("fact")
        .tags(["a", "b"])
        .metadata(json!({"lang": lang, "n": rng.below(100)}));
    if rng.below(2) == 0 {
        new = new.external_id(format!("x{label}"));
    }
    if rng.below(2) == 0 {
        new = new.vector(rng.vector(8));
    }
    if rng.below(3) == 0 {
        new = new.vector_in("wide", rng.vector(1_100));
    }
    new
}
