//! A space changes its embedder: the old one serves until the new one has everything, whatever comes
//! in between.

use super::fake::Fake;
use memlith::{
    Clock, Db, ErrorKind, Filter, LegOutcome, Memory, MemoryId, Metric, NewMemory, Options, Patch,
    Recall, SearchEffort, Seq, Space,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

type Result<T> = std::result::Result<T, memlith::Error>;

#[derive(Clone, Default)]
struct Time(Arc<AtomicI64>);

impl Clock for Time {
    fn now_ms(&self) -> i64 {
        4_000_000_000_000 + self.0.load(Ordering::Relaxed)
    }
}

fn old() -> Fake {
    Fake::new("old", 8)
}

fn new() -> Fake {
    Fake::new("new", 5)
}

fn successor() -> Space {
    Space::new("default", 5).embedder("new").metric(Metric::L2)
}

fn options() -> Options {
    Options::new().threads(false)
}

/// A file whose memories the old embedder has embedded.
fn filled(path: &Path, count: usize) -> Result<()> {
    let db = options().embedder(old()).open(path)?;
    db.remember_batch((0..count).map(|n| NewMemory::new(format!("memory {n}"))).collect())?;
    db.close()
}

fn memories(db: &Db) -> Result<Vec<Memory>> {
    Ok(db.read()?.list(&memlith::List::new().limit(10_000))?.memories)
}

/// Every memory has the vector that an embedder makes of it, and no other.
fn assert_all_of(db: &Db, embedder: &Fake) -> Result<()> {
    let view = db.read()?;
    for memory in memories(db)? {
        let vector = view.vector(memory.id, "default")?;
        assert_eq!(vector, Some(embedder.vector(&memory.content)), "{}", memory.content);
        let found = db.recall(
            &Recall::new().vector(vector.unwrap_or_default()).effort(SearchEffort::Exact),
        )?;
        assert!(found.hits.iter().any(|hit| hit.id() == memory.id));
    }
    Ok(())
}

fn assert_sound(db: &Db) -> Result<()> {
    let report = db.verify(&mut |_| {})?;
    assert!(report.is_clean(), "{report:?}");
    Ok(())
}

fn texts_of(found: &memlith::Recalled) -> Vec<&str> {
    found.hits.iter().map(|hit| hit.memory.content.as_str()).collect()
}

#[test]
fn the_old_space_serves_until_the_new_one_takes_its_place_at_once() -> Result<()> {
    let (old, new) = (old(), new());
    let db = options().embedder(new.clone()).embedder(old.clone()).in_memory()?;
    db.create_space(&Space::new("default", 8).embedder("old"))?;
    let new_memories = (0..150).map(|n| NewMemory::new(format!("memory {n}"))).collect();
    db.remember_batch(new_memories)?;
    let before = memories(&db)?;
    let question = Recall::new().text("memory 77").weights(0.0, 1.0).limit(3);
    let answer = db.recall(&question)?;

    db.reembed(&successor())?;
    db.reembed(&successor())?;
    let mut seen = Vec::new();
    // Without threads, writers do a part of it behind their commits.
    while let Some(next) = db.read()?.spaces()[0].successor.clone() {
        assert_eq!((next.dimension, next.embedder.as_deref()), (5, Some("new")));
        seen.push(next.vectors);
        assert_eq!(texts_of(&db.recall(&question)?)[0], texts_of(&answer)[0]);
        assert_eq!(db.read()?.spaces()[0].dead, 0, "no vector of the old space has been touched");
        assert_sound(&db)?;
        db.remember(NewMemory::new(format!("meanwhile {}", seen.len())).vector(vec![1.0; 8]))?;
        assert!(seen.len() < 50);
    }
    assert!(seen.len() >= 4 && seen.is_sorted(), "{seen:?}");
    let space = &db.read()?.spaces()[0];
    assert_eq!(
        (space.dimension, space.metric, space.vectors),
        (5, Metric::L2, 150 + seen.len() as u64)
    );
    assert_all_of(&db, &new)?;
    assert_sound(&db)?;
    for memory in before {
        let mut now = db.get(memory.id)?.unwrap();
        (now.accesses, now.accessed_ms) = (memory.accesses, memory.accessed_ms);
        assert_eq!(now, memory, "nothing else of it has changed");
    }
    db.rebuild(&mut |_, _| ())?;
    assert_all_of(&db, &new)
}

#[test]
fn it_goes_on_where_a_kill_has_cut_it_short() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.lith"), folder.path().join("b.lith"));
    filled(&path, 300)?;
    let new = new();
    let db = options().embedder(new.clone()).open(&path)?;
    db.reembed(&successor())?;
    new.allow(4);
    let failed = db.finish_reembedding("default", &mut |_, _| ()).unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Embedder);
    let done = db.read()?.spaces()[0].successor.as_ref().unwrap().vectors;
    assert!((1..300).contains(&done), "{done}");
    // What a kill leaves: the file as it is, of a handle that was never closed.
    std::fs::copy(&path, &copy).unwrap();
    drop(db);
    for path in [path, copy] {
        // Without an embedder nothing goes on, and nothing is lost.
        let db = options().open(&path)?;
        assert_sound(&db)?;
        db.rebuild(&mut |_, _| ())?;
        db.remember(NewMemory::new("by hand").vector(vec![1.0; 8]))?;
        assert_eq!(db.read()?.spaces()[0].successor.as_ref().unwrap().vectors, done);
        db.close()?;
        let again = Fake::new("new", 5);
        let db = options().embedder(again.clone()).open(&path)?;
        let mut reports = Vec::new();
        db.finish_reembedding("default", &mut |done, total| reports.push((done, total)))?;
        assert_eq!(again.texts() as u64, 301 - done, "what was made is not made again");
        assert!(reports.is_sorted() && reports.iter().all(|(done, total)| done <= total));
        assert_all_of(&db, &again)?;
        assert_sound(&db)?;
        db.close()?;
        let db = options().embedder(again.clone()).open(&path)?;
        assert_eq!(db.recall(&Recall::new().text("memory 5").weights(0.0, 1.0))?.hits.len(), 10);
        assert_all_of(&db, &again)?;
    }
    Ok(())
}

#[test]
fn what_the_new_space_has_is_sealed_and_merged_before_it_takes_its_place() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.lith"), folder.path().join("b.lith"));
    filled(&path, 1_000)?;
    let sealing = |path: &Path, new: &Fake| {
        options().seal_bytes(1 << 10).embedder(old()).embedder(new.clone()).open(path)
    };
    let new = new();
    let db = sealing(&path, &new)?;
    db.reembed(&successor())?;
    let mut written = 0;
    for _ in 0..8 {
        new.allow(4);
        let failed = db.finish_reembedding("default", &mut |_, _| ()).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Embedder);
        // Behind each of these a writer seals, and then merges, if there is something to.
        for _ in 0..4 {
            db.remember(NewMemory::new(format!("meanwhile {written}")))?;
            written += 1;
        }
    }
    let space = db.read()?.spaces().remove(0);
    let done = space.successor.unwrap().vectors;
    let unsealed = db.stats()?.unsealed_vectors;
    assert!(done >= 800 && unsealed < 200, "{done} in the new space; of all, {unsealed} are rows");
    let stats = db.stats()?;
    let merge = stats.background.jobs.iter().find(|job| job.name == "merge").unwrap();
    assert_sound(&db)?;
    assert!(merge.bytes > 0 && merge.failures == 0, "{merge:?}");
    std::fs::copy(&path, &copy).unwrap();
    db.close()?;
    for path in [path, copy] {
        let again = Fake::new("new", 5);
        let db = sealing(&path, &again)?;
        assert_eq!(db.read()?.spaces()[0].successor.as_ref().unwrap().vectors, done);
        assert_sound(&db)?;
        db.compact(&mut |_, _| ())?;
        assert_sound(&db)?;
        db.finish_reembedding("default", &mut |_, _| ())?;
        assert_eq!(again.texts() as u64, 1_000 + written - done, "none is made again");
        assert_all_of(&db, &again)?;
        // The sealed vectors of the old space go, and those of the new one stay.
        db.remember(NewMemory::new("behind it"))?;
        db.compact(&mut |_, _| ())?;
        let space = db.read()?.spaces().remove(0);
        assert_eq!((space.vectors, space.successor), (1_001 + written, None));
        assert!(space.sealed_vectors >= done);
        assert_all_of(&db, &again)?;
        assert_sound(&db)?;
        db.close()?;
        let db = sealing(&path, &again)?;
        assert_all_of(&db, &again)?;
        assert_sound(&db)?;
    }
    Ok(())
}

#[test]
fn with_the_new_embedder_alone_what_is_written_meanwhile_waits_for_the_new_space() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lith");
    filled(&path, 100)?;
    let new = new();
    let db = options().embedder(new.clone()).open(&path)?;
    let refused = db.remember(NewMemory::new("too early")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{refused}");
    let pause = db.pause_background();
    db.reembed(&successor())?;
    let meanwhile = db.remember(NewMemory::new("meanwhile"))?;
    let batch = db.write(|tx| tx.remember(NewMemory::new("in a transaction")))?;
    assert_eq!(db.read()?.vector(meanwhile, "default")?, None);
    let memory = db.get(meanwhile)?.unwrap();
    assert!(memory.spaces.is_empty(), "it has a vector in no space that has a name");
    for (filter, is_there) in
        [("space:default", false), ("exists space", false), ("missing space", true)]
    {
        let filter: Filter = filter.parse()?;
        let listed = db.read()?.list(&memlith::List::new().filter(filter.clone()).limit(10_000))?;
        assert_eq!(listed.memories.iter().any(|m| m.id == meanwhile), is_there, "{filter}");
    }
    let answer = db.recall(&Recall::new().text("memory 5"))?;
    let outcome = |n: usize| &answer.legs[n].outcome;
    assert!(matches!(outcome(0), LegOutcome::Ran { .. }));
    assert!(matches!(outcome(1), LegOutcome::NotRun { .. }), "{:?}", outcome(1));
    let near = db.recall(&Recall::new().vector(old().vector("memory 5")).limit(1))?;
    assert_eq!(texts_of(&near), ["memory 5"], "a vector of the old space still finds there");
    // Other words are another vector, in both.
    db.update(MemoryId(3), &Patch::new().content("changed"))?;
    assert_sound(&db)?;
    drop(pause);
    db.finish_reembedding("default", &mut |_, _| ())?;
    assert_all_of(&db, &new)?;
    assert!(db.read()?.vector(batch, "default")?.is_some());
    assert_sound(&db)
}

#[test]
fn a_change_that_is_given_up_leaves_the_old_space_as_it_was() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lith");
    filled(&path, 120)?;
    let (old, new) = (old(), new());
    let db = options().embedder(old.clone()).embedder(new.clone()).open(&path)?;
    assert!(!db.cancel_reembedding("default")?);
    for drops_space in [false, true] {
        db.reembed(&successor())?;
        let another = Space::new("default", 8).embedder("old-2");
        let refused = db.reembed(&another).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "no such embedder is at hand");
        db.remember(NewMemory::new("another"))?;
        assert!(db.read()?.spaces()[0].successor.as_ref().unwrap().vectors > 0);
        if drops_space {
            db.write(|tx| tx.drop_space("default"))?;
            assert!(db.read()?.spaces().is_empty());
        } else {
            assert!(db.cancel_reembedding("default")?);
            assert_eq!(db.read()?.spaces()[0].successor, None);
            assert_all_of(&db, &old)?;
        }
        assert_sound(&db)?;
    }
    let missing = db.reembed(&successor()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(db.cancel_reembedding("default").unwrap_err().kind(), ErrorKind::NotFound);
    Ok(())
}

#[test]
fn an_embedder_that_fails_is_asked_ever_more_seldom_and_the_reason_is_shown() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lith");
    filled(&path, 100)?;
    let (old, new, time) = (old(), new(), Time::default());
    let embedders = options().embedder(old.clone()).embedder(new.clone());
    let db = embedders.clock(time.clone()).open(&path)?;
    new.allow(0);
    db.reembed(&successor())?;
    for n in 0..10 {
        db.remember(NewMemory::new(format!("another {n}")))?;
    }
    assert_eq!(new.texts(), 32, "it was asked once");
    let stats = db.stats()?;
    let job = stats.background.jobs.iter().find(|job| job.name == "reembed").unwrap();
    assert_eq!((job.failures, job.panics), (1, 0));
    assert!(job.last_error.as_ref().unwrap().contains("the model is not there"));
    time.0.store(1_000, Ordering::Relaxed);
    for n in 0..10 {
        db.remember(NewMemory::new(format!("a second later {n}")))?;
    }
    assert_eq!(new.texts(), 32 + 16, "it was asked once more, for half as many");
    time.0.store(10_000, Ordering::Relaxed);
    new.allow(usize::MAX);
    for n in 0..20 {
        db.remember(NewMemory::new(format!("it is there {n}")))?;
    }
    assert_eq!(db.read()?.spaces()[0].successor, None);
    assert_all_of(&db, &new)
}

#[test]
fn memories_without_content_lose_their_vector_and_the_log_says_how_many() -> Result<()> {
    let new = new();
    let db = options().embedder(new.clone()).in_memory()?;
    db.create_space(&Space::new("default", 2))?;
    let bare = db.remember(NewMemory::new("").vector([1.0, 2.0]))?;
    let by_hand = db.remember(NewMemory::new("by hand").vector([1.0, 2.0]))?;
    db.reembed(&successor())?;
    db.finish_reembedding("default", &mut |_, _| ())?;
    assert_eq!(db.read()?.vector(bare, "default")?, None);
    assert_eq!(db.read()?.vector(by_hand, "default")?, Some(new.vector("by hand")));
    let last = db.log(Seq(1), 100)?.pop().unwrap();
    assert!(last.reason.contains("lost their vector: 1"), "{}", last.reason);
    assert_sound(&db)
}

#[test]
fn a_successor_must_be_what_its_embedder_makes() -> Result<()> {
    let db = options().embedder(new()).in_memory()?;
    db.create_space(&Space::new("default", 2).embedder("old"))?;
    for wrong in [
        Space::new("default", 5),
        Space::new("default", 6).embedder("new"),
        Space::new("default", 5).embedder("unknown"),
    ] {
        assert_eq!(db.reembed(&wrong).unwrap_err().kind(), ErrorKind::InvalidInput, "{wrong:?}");
    }
    Ok(())
}

#[test]
fn threads_do_it_by_themselves() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lith");
    filled(&path, 500)?;
    let new = new();
    let db = Options::new().background_cpu(100).embedder(new.clone()).open(&path)?;
    db.reembed(&successor())?;
    while db.read()?.spaces()[0].successor.is_some() {
        std::thread::yield_now();
    }
    assert_all_of(&db, &new)
}
