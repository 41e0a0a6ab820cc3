//! Vectors of a large space are found through its graph, whoever links them, and after a reopening.

use memlith::{
    Db, ErrorKind, GraphOptions, List, Metric, Nearest, NewMemory, Options, Patch, Recall,
    SearchEffort, Space, View,
};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const DIMENSION: usize = 24;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn number(&mut self) -> f32 {
        self.below(2_001) as f32 / 1_000.0 - 1.0
    }

    /// Around one of many centres, as embeddings lie.
    fn vector(&mut self) -> Vec<f32> {
        let mut centre = Random(1_000 + self.below(50));
        (0..DIMENSION).map(|_| centre.number() + 0.7 * self.number()).collect()
    }
}

fn space() -> Space {
    Space::new("s", DIMENSION).graph(GraphOptions::new().link_from(500).ef(60))
}

fn memories(random: &mut Random, count: u64) -> Vec<NewMemory> {
    let one = |n: u64| {
        let kind = if n.is_multiple_of(2) { "even" } else { "odd" };
        NewMemory::new(format!("memory {n}")).kind(kind).vector_in("s", random.vector())
    };
    (0..count).map(one).collect()
}

fn fill(db: &Db, random: &mut Random, count: u64) {
    db.create_space(&space()).unwrap();
    for _ in 0..count / 500 {
        db.remember_batch(memories(random, 500)).unwrap();
    }
}

fn strategy(view: &View, query: &[f32], effort: SearchEffort) -> Option<&'static str> {
    let request = Recall::new().space("s").vector(query).effort(effort);
    view.recall(&request).unwrap().legs[0].strategy
}

/// The share of the true ten that a balanced search finds.
fn recall(view: &View, random: &mut Random, filter: Option<&str>) -> f64 {
    let queries: Vec<Vec<f32>> = (0..40).map(|_| random.vector()).collect();
    let mut request = Nearest::to_each(queries).space("s");
    request.filter = filter.map(|filter| filter.parse().unwrap());
    let found = view.nearest(&request).unwrap();
    let exact = view.nearest(&request.clone().effort(SearchEffort::Exact)).unwrap();
    let both = found.iter().zip(&exact);
    let right: usize = both.map(|(f, e)| f.iter().filter(|n| e.contains(n)).count()).sum();
    let wanted: usize = exact.iter().map(Vec::len).sum();
    assert!(found.iter().zip(&exact).all(|(f, e)| f.len() == e.len()));
    right as f64 / wanted as f64
}

fn unlinked(db: &Db) -> u64 {
    db.read().unwrap().spaces()[0].unlinked
}

#[test]
fn a_linked_space_is_walked_and_an_exact_search_is_not() {
    let mut random = Random(1);
    let db = Options::new().threads(false).in_memory().unwrap();
    fill(&db, &mut random, 6_000);
    db.link(&mut |done, total| assert!(done <= total)).unwrap();
    assert_eq!(unlinked(&db), 0);
    let view = db.read().unwrap();
    let query = random.vector();
    assert_eq!(strategy(&view, &query, SearchEffort::Fast), Some("walk"));
    assert_eq!(strategy(&view, &query, SearchEffort::Exact), Some("scan"));
    for filter in [None, Some("kind:odd"), Some("kind:odd or kind:even")] {
        let recall = recall(&view, &mut random, filter);
        assert!(recall >= 0.97, "{filter:?}: {recall}");
    }
    let check = view.check_recall("s", SearchEffort::Balanced, 50).unwrap();
    assert!(check.samples == 50 && check.recall >= 0.97, "{check:?}");
}

#[test]
fn below_its_threshold_a_space_is_scanned_and_above_it_walked() {
    let mut random = Random(12);
    let db = Options::new().threads(false).in_memory().unwrap();
    fill(&db, &mut random, 6_000);
    let mut scanned = space();
    scanned.name = "scanned".into();
    db.create_space(&scanned.graph(space().graph.scan_below(3_000))).unwrap();
    for memory in db.read().unwrap().list(&List::new().limit(6_000)).unwrap().memories {
        let vector = db.read().unwrap().vector(memory.id, "s").unwrap().unwrap();
        db.update(memory.id, &Patch::new().vector_in("scanned", vector)).unwrap();
    }
    db.link(&mut |_, _| ()).unwrap();
    let view = db.read().unwrap();
    let query = random.vector();
    let strategy = |space: &str, filter: &str| {
        let request = Recall::new().space(space).vector(query.clone()).effort(SearchEffort::Fast);
        view.recall(&request.filter(filter.parse().unwrap())).unwrap().legs[0].strategy
    };
    assert_eq!(strategy("s", "kind:odd"), Some("walk"), "half of them, as the planner chooses");
    assert_eq!(strategy("scanned", "kind:odd"), Some("scan"), "three thousand");
    assert_eq!(strategy("scanned", "kind:odd or id:x or kind:even"), Some("walk"));
}

#[test]
fn without_threads_writers_link_a_bounded_part_behind_their_commits() {
    let mut random = Random(2);
    let db = Options::new().threads(false).in_memory().unwrap();
    fill(&db, &mut random, 1_000);
    let mut before = unlinked(&db);
    assert!(before < 1_000, "nothing was linked behind a commit");
    while before >= 256 {
        db.remember(NewMemory::new("another")).unwrap();
        let now = unlinked(&db);
        assert!(now < before && before - now <= 2_000, "{before}, then {now}");
        before = now;
    }
}

#[test]
fn threads_link_in_the_background() {
    let mut random = Random(3);
    let db = Options::new().in_memory().unwrap();
    fill(&db, &mut random, 3_000);
    // As long as it takes: a failure hangs, and the harness says where.
    while unlinked(&db) >= 256 {
        thread::yield_now();
    }
    let stats = db.stats().unwrap();
    let link = stats.background.jobs.iter().find(|job| job.name == "link").unwrap();
    assert!(link.steps > 0 && link.last_error.is_none(), "{link:?}");
}

#[test]
fn what_was_linked_stays_linked_whoever_writes_images() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.lith");
    let options = || Options::new().background_threads(0);
    let (db, mut random) = (options().open(&path).unwrap(), Random(11));
    fill(&db, &mut random, 3_000);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                db.checkpoint().unwrap();
            }
        });
        for _ in 0..3 {
            db.remember_batch(memories(&mut random, 500)).unwrap();
            db.link(&mut |_, _| {}).unwrap();
            // An image that was begun before the last of them would be taking over now.
            db.checkpoint().unwrap();
            let left = unlinked(&db);
            is_over.store(left > 0, Ordering::Relaxed);
            assert_eq!(left, 0);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    db.close().unwrap();
    assert_eq!(unlinked(&options().open(&path).unwrap()), 0);
}

#[test]
fn a_reopened_file_has_its_graph_and_finds_what_came_behind_it() {
    let mut random = Random(4);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.lith");
    let open = || Options::new().threads(false).open(&path).unwrap();
    let db = open();
    fill(&db, &mut random, 6_000);
    db.link(&mut |_, _| {}).unwrap();
    db.close().unwrap();

    let db = open();
    assert_eq!(unlinked(&db), 0, "closing keeps what was linked");
    let ids = db.remember_batch(memories(&mut random, 100)).unwrap();
    let replaced = random.vector();
    db.update(ids[0], &Patch::new().vector_in("s", replaced.clone())).unwrap();
    db.forget(ids[1]).unwrap();
    let view = db.read().unwrap();
    let nearest = view.nearest(&Nearest::to(replaced.clone()).space("s").limit(1)).unwrap();
    assert_eq!(nearest[0][0].id, ids[0]);
    assert!(recall(&view, &mut random, None) >= 0.97);
    drop((view, db));

    let read = Db::open_read_only(&path).unwrap();
    let view = read.read().unwrap();
    let nearest = view.nearest(&Nearest::to(replaced).space("s").limit(1)).unwrap();
    assert_eq!(nearest[0][0].id, ids[0]);
    assert!(recall(&view, &mut random, Some("kind:even")) >= 0.97);
}

#[test]
fn half_forgotten_and_half_replaced_it_finds_the_rest() {
    let mut random = Random(5);
    let db = Options::new().threads(false).in_memory().unwrap();
    fill(&db, &mut random, 6_000);
    for round in 0..3_u64 {
        let all: BTreeSet<u64> = {
            let view = db.read().unwrap();
            let request = Nearest::to(random.vector()).space("s").limit(10_000);
            let exact = view.nearest(&request.effort(SearchEffort::Exact)).unwrap();
            exact[0].iter().map(|n| n.id.0).collect()
        };
        db.write(|tx| {
            for id in all.into_iter().map(memlith::MemoryId) {
                match (id.0 + round) % 4 {
                    0 => drop(tx.forget(id)?),
                    1 | 2 => drop(tx.update(id, &Patch::new().vector_in("s", random.vector()))?),
                    _ => {}
                }
            }
            Ok(())
        })
        .unwrap();
        db.remember_batch(memories(&mut random, 1_500)).unwrap();
        let before = recall(&db.read().unwrap(), &mut random, None);
        db.link(&mut |_, _| {}).unwrap();
        let linked = recall(&db.read().unwrap(), &mut random, None);
        db.checkpoint().unwrap();
        let space = &db.read().unwrap().spaces()[0];
        assert_eq!(space.dead, 0);
        // Those that have lost nearly all of their neighbours are linked anew.
        assert!(space.unlinked < space.vectors / 10, "{} of {}", space.unlinked, space.vectors);
        let stored = recall(&db.read().unwrap(), &mut random, None);
        let least = before.min(linked).min(stored);
        assert!(least >= 0.97, "round {round}: {before} {linked} {stored}");
    }
}

#[test]
fn a_range_is_all_that_score_enough() {
    let mut random = Random(6);
    let db = Options::new().threads(false).in_memory().unwrap();
    db.create_space(&Space::new("s", DIMENSION).metric(Metric::L2)).unwrap();
    db.remember_batch(memories(&mut random, 300)).unwrap();
    let view = db.read().unwrap();
    let query = random.vector();
    let request = Nearest::to(query).space("s").limit(300);
    let all = &view.nearest(&request).unwrap()[0];
    assert_eq!(all.len(), 300);
    let within = &view.nearest(&request.clone().min_score(all[40].score)).unwrap()[0];
    assert_eq!(within[..], all[..41]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let db = Options::new().in_memory().unwrap();
    let refused = |graph: GraphOptions| {
        db.create_space(&Space::new("s", 2).graph(graph)).map(drop).unwrap_err().kind()
    };
    let defaults = GraphOptions::new;
    for graph in
        [defaults().m(1), defaults().m(65), defaults().ef(0), defaults().ef_construction(5_000)]
    {
        assert_eq!(refused(graph), ErrorKind::InvalidInput);
    }
    db.remember(NewMemory::new("text").vector([1.0, 0.0])).unwrap();
    let view = db.read().unwrap();
    let kind = |request: Nearest| view.nearest(&request).map(drop).unwrap_err().kind();
    let to = || Nearest::to([1.0, 0.0]);
    assert_eq!(kind(to().effort(SearchEffort::Ef(0))), ErrorKind::InvalidInput);
    assert_eq!(kind(to().space("none")), ErrorKind::NotFound);
    assert_eq!(kind(Nearest::to([1.0])), ErrorKind::DimensionMismatch);
    assert_eq!(kind(to().min_score(f32::NAN)), ErrorKind::InvalidInput);
    let recall = Recall::new().vector([1.0, 0.0]).effort(SearchEffort::Ef(5_000));
    assert_eq!(view.recall(&recall).map(drop).unwrap_err().kind(), ErrorKind::InvalidInput);
}
