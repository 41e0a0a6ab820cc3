//! What a file no longer needs it gives back, and nothing that is read meanwhile suffers.

use memlith::{Db, ErrorKind, NewMemory, Options, Recall, View};
use std::path::Path;

type Result<T = ()> = memlith::Result<T>;

const DIMENSION: usize = 256;
const CHUNK_BYTES: u64 = 256 << 10;

/// A file whose background work is done when it is asked for, and never besides.
fn options() -> Options {
    Options::new().background_threads(0)
}

fn vector(seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % 2_001) as f32 / 1_000.0 - 1.0
    };
    (0..DIMENSION).map(|_| next()).collect()
}

fn memory(number: u64) -> NewMemory {
    NewMemory::new(format!("memory {number} of the round"))
        .external_id(number.to_string())
        .vector(vector(number))
}

fn fill(db: &Db, numbers: std::ops::Range<u64>) -> Result {
    for from in numbers.clone().step_by(500) {
        db.write(|tx| {
            (from..numbers.end.min(from + 500)).try_for_each(|n| tx.remember(memory(n)).map(drop))
        })?;
    }
    Ok(())
}

fn fill_at_once(db: &Db, mut numbers: std::ops::Range<u64>) -> Result {
    db.write(|tx| numbers.try_for_each(|n| tx.remember(memory(n)).map(drop)))
}

fn forget(db: &Db, numbers: &[u64]) -> Result {
    db.write(|tx| {
        for number in numbers {
            let memory = tx.get_external("default", &number.to_string())?.expect("there");
            tx.forget(memory.id)?;
        }
        Ok(())
    })
}

fn len(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

/// The nearest to a vector, and how near they are.
fn nearest(view: &View, number: u64) -> Result<Vec<(String, f32)>> {
    let found = view.recall(&Recall::new().vector(vector(number)).limit(10))?;
    Ok(found.hits.into_iter().map(|hit| (hit.memory.content, hit.score)).collect())
}

fn fresh_len(path: &Path, numbers: std::ops::Range<u64>) -> Result<u64> {
    let db = options().open(path)?;
    fill(&db, numbers)?;
    db.checkpoint()?;
    db.compact(&mut |_, _| {})?;
    db.close()?;
    Ok(len(path))
}

#[test]
fn churn_leaves_the_file_about_as_long_as_a_fresh_one() -> Result {
    const KEPT: u64 = 2_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("churned.lith");
    let mut numbers = 0..KEPT;
    let db = options().open(&path)?;
    fill(&db, numbers.clone())?;
    for _ in 0..5 {
        db.checkpoint()?;
        let new = numbers.end..numbers.end + KEPT / 2;
        forget(&db, &(numbers.start..numbers.start + KEPT / 2).collect::<Vec<_>>())?;
        fill(&db, new.clone())?;
        numbers = numbers.start + KEPT / 2..new.end;
    }
    // Closing gives back what it can in a moment; nobody has to ask for it.
    db.close()?;
    let churned = len(&path);
    let fresh = fresh_len(&folder.path().join("fresh.lith"), numbers.clone())?;
    assert!(churned * 10 <= fresh * 16, "{churned} bytes, a fresh file has {fresh}");

    let db = options().open(&path)?;
    assert_eq!(db.stats()?.memories, KEPT);
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
fn a_file_that_was_emptied_shrinks_as_it_is_closed() -> Result {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("emptied.lith");
    let db = options().open(&path)?;
    fill(&db, 0..4_000)?;
    db.checkpoint()?;
    let filled = len(&path);
    forget(&db, &(0..4_000).collect::<Vec<_>>())?;
    db.close()?;
    let emptied = len(&path);
    assert!(emptied * 4 < filled, "{emptied} of {filled} bytes are left");
    let db = options().open(&path)?;
    assert!(db.verify(&mut |_| {})?.is_clean());
    assert_eq!(db.stats()?.memories, 0);
    Ok(())
}

#[test]
fn holes_that_nothing_fits_into_do_not_stay() -> Result {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holes.lith");
    let db = options().open(&path)?;
    // Each transaction seals a segment, each larger than those before, and images lie between them.
    let mut numbers = 0..0;
    for round in 0..4 {
        numbers = numbers.end..numbers.end + 1_200 + 400 * round;
        fill_at_once(&db, numbers.clone())?;
        db.checkpoint()?;
    }
    let expected = nearest(&db.read()?, 2_900)?;
    db.compact(&mut |_, _| {})?;
    let stats = db.stats()?;
    // Less than a part in 32, and the rest of a chunk or two.
    let most = stats.file_bytes / 32 + 2 * CHUNK_BYTES;
    assert!(stats.free_bytes <= most, "{} of {} are free", stats.free_bytes, stats.file_bytes);
    assert_eq!(nearest(&db.read()?, 2_900)?, expected);
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
fn an_open_file_shrinks_when_it_is_asked_to() -> Result {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("asked.lith");
    let db = options().open(&path)?;
    fill(&db, 0..3_000)?;
    db.checkpoint()?;
    forget(&db, &(0..2_700).collect::<Vec<_>>())?;
    let before = len(&path);
    let expected = nearest(&db.read()?, 2_900)?;
    let mut seen = Vec::new();
    let compacted = db.compact(&mut |done, all| seen.push((done, all)))?;
    assert!(compacted.are_tables_compact);
    assert_eq!(compacted.before_bytes, before);
    assert_eq!(compacted.after_bytes, len(&path));
    assert!(compacted.after_bytes * 3 < before, "{compacted:?}");
    assert!(seen.iter().all(|(done, all)| done <= all) && seen.is_sorted_by_key(|(done, _)| *done));
    assert_eq!(nearest(&db.read()?, 2_900)?, expected);
    assert!(db.stats()?.free_bytes <= CHUNK_BYTES);
    // There is nothing left to give back.
    let again = db.compact(&mut |_, _| {})?;
    assert!(again.after_bytes <= compacted.after_bytes);
    assert!(db.verify(&mut |_| {})?.is_clean());
    // Life goes on.
    fill(&db, 10_000..10_500)?;
    db.close()?;
    let db = options().open(&path)?;
    assert_eq!(db.stats()?.memories, 800);
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
fn a_view_that_is_held_reads_what_it_always_did() -> Result {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("held.lith");
    let db = options().open(&path)?;
    fill(&db, 0..2_000)?;
    db.checkpoint()?;
    let view = db.read()?;
    let expected = nearest(&view, 7)?;
    forget(&db, &(0..1_900).collect::<Vec<_>>())?;
    let compacted = db.compact(&mut |_, _| {})?;
    assert!(!compacted.are_tables_compact, "the pages that the view reads stay where they are");
    assert_eq!(nearest(&view, 7)?, expected);
    assert_eq!(view.get_external("default", "7")?.unwrap().content, "memory 7 of the round");
    drop(view);
    let later = db.compact(&mut |_, _| {})?;
    assert!(later.are_tables_compact);
    assert!(later.after_bytes < compacted.after_bytes, "{compacted:?}, then {later:?}");
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
fn sealed_vectors_move_down_and_read_as_they_did() -> Result {
    const SOME: u64 = 1_200;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sealed.lith");
    let db = options().open(&path)?;
    // Each of these is a segment of its own.
    for from in [0, SOME, 2 * SOME] {
        db.write(|tx| (from..from + SOME).try_for_each(|n| tx.remember(memory(n)).map(drop)))?;
    }
    db.checkpoint()?;
    let sealed = db.read()?.spaces().remove(0).sealed_segments;
    assert_eq!((db.stats()?.unsealed_vectors, sealed), (0, 3));
    let view = db.read()?;
    let expected = nearest(&view, 3_000)?;
    forget(&db, &(0..2 * SOME).collect::<Vec<_>>())?;
    let left = nearest(&db.read()?, 3_000)?;
    let compacted = db.compact(&mut |_, _| {})?;
    // What the view reads is where it was, and what nobody else reads goes with it.
    assert_eq!(nearest(&view, 3_000)?, expected);
    assert_eq!(nearest(&view, 7)?[0].0, "memory 7 of the round");
    drop(view);
    let later = db.compact(&mut |_, _| {})?;
    assert!(later.after_bytes < compacted.after_bytes, "{compacted:?}, then {later:?}");
    let stats = db.stats()?;
    let raw = SOME * DIMENSION as u64 * 4;
    assert!(stats.file_bytes < 3 * raw, "{stats:?}");
    assert!(stats.free_bytes <= 2 * CHUNK_BYTES, "{stats:?}");
    let check = |db: &Db| -> Result {
        let view = db.read()?;
        for number in 2 * SOME..3 * SOME {
            let memory = view.get_external("default", &number.to_string())?.expect("there");
            assert_eq!(view.vector(memory.id, "default")?, Some(vector(number)));
        }
        assert_eq!(nearest(&view, 3_000)?, left);
        assert!(db.verify(&mut |_| {})?.is_clean());
        Ok(())
    };
    check(&db)?;
    db.close()?;
    check(&options().open(&path)?)
}

#[test]
fn who_reads_and_writes_goes_on_while_the_file_shrinks() -> Result {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("busy.lith");
    let db = Options::new().open(&path)?;
    fill(&db, 0..1_500)?;
    db.checkpoint()?;
    forget(&db, &(0..1_000).collect::<Vec<_>>())?;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (20_000..20_060).try_for_each(|n| fill(&db, n..n + 1)));
        let reader = scope.spawn(|| -> Result {
            for _ in 0..60 {
                let hits = nearest(&db.read()?, 1_200)?;
                assert_eq!(hits[0].0, "memory 1200 of the round");
            }
            Ok(())
        });
        for _ in 0..3 {
            db.compact(&mut |_, _| {})?;
        }
        writer.join().unwrap()?;
        reader.join().unwrap()
    })?;
    assert_eq!(db.stats()?.memories, 560);
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
fn a_reader_is_not_asked_to_shrink_a_file() -> Result {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.lith");
    Db::open(&path)?.close()?;
    let before = len(&path);
    let db = Db::open_read_only(&path)?;
    assert_eq!(db.compact(&mut |_, _| {}).unwrap_err().kind(), ErrorKind::ReadOnly);
    drop(db);
    assert_eq!(len(&path), before);
    Ok(())
}

/// Figures for the decision note; it asserts nothing.
#[test]
#[ignore = "figures, and no test: takes some seconds"]
#[expect(clippy::print_stdout, reason = "figures are what it is for")]
fn figures() -> Result {
    const COUNT: u64 = 47_000;
    let timed = |what: &str, db: &Db, work: &dyn Fn() -> Result| -> Result {
        let begin = std::time::Instant::now();
        work()?;
        let stats = db.stats()?;
        let ms = begin.elapsed().as_secs_f64() * 1e3;
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let (file, tables, segments, free) =
            (stats.file_bytes, stats.table_bytes, stats.segment_bytes, stats.free_bytes);
        println!(
            "{what:30} {ms:8.0} ms: {:.1} MiB, of which tables {:.1}, segments {:.1}, free {:.1}",
            mib(file),
            mib(tables),
            mib(segments),
            mib(free)
        );
        Ok(())
    };
    let folder = tempfile::tempdir().unwrap();
    for left in [100, 5_000, 23_500, COUNT] {
        let path = folder.path().join(format!("{left}.lith"));
        let db = options().open(&path)?;
        println!("{COUNT} memories, of which {left} are left");
        timed("written", &db, &|| fill(&db, 0..COUNT))?;
        timed("checkpoint", &db, &|| db.checkpoint())?;
        timed("forgotten", &db, &|| {
            let gone: Vec<u64> =
                (0..COUNT).filter(|n| n % (COUNT / left.min(COUNT - 1)) != 0).collect();
            gone.chunks(2_000).take_while(|_| left < COUNT).try_for_each(|some| forget(&db, some))
        })?;
        timed("checkpoint", &db, &|| db.checkpoint())?;
        timed("checkpoint", &db, &|| db.checkpoint())?;
        timed("compacted", &db, &|| db.compact(&mut |_, _| {}).map(drop))?;
        timed("compacted again", &db, &|| db.compact(&mut |_, _| {}).map(drop))?;
        let begin = std::time::Instant::now();
        db.close()?;
        println!("closed in {:.0} ms: {} bytes", begin.elapsed().as_secs_f64() * 1e3, len(&path));
    }
    Ok(())
}
