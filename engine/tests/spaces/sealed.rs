//! Vectors that have left their rows: nothing that a caller can ask shows it but the figures.

use memlith::{
    Db, ErrorKind, GraphOptions, MemoryId, Metric, NewMemory, Options, Patch, Precision, Recall,
    Result, Space, SpaceStats, WriteOptions, WriteTx,
};
use std::path::Path;

const DIMENSION: usize = 40;

/// A handle that seals a few vectors already.
fn open(path: &Path) -> Result<Db> {
    Options::new().threads(false).seal_bytes(1 << 10).open(path)
}

fn vector(n: u64) -> Vec<f32> {
    (0..DIMENSION as u64).map(|i| ((n * 31 + i * 7) % 97) as f32 + 1.0).collect()
}

fn fill(db: &Db, numbers: std::ops::Range<u64>) -> Result<Vec<MemoryId>> {
    db.remember_batch(numbers.map(|n| NewMemory::new(format!("n{n}")).vector(vector(n))).collect())
}

fn default_space(db: &Db) -> Result<SpaceStats> {
    let mut spaces = db.read()?.spaces();
    spaces.retain(|space| space.name == "default");
    Ok(spaces.pop().expect("it comes with the first vector"))
}

fn assert_clean(db: &Db) -> Result<()> {
    let report = db.verify(&mut |_| {})?;
    assert!(report.is_clean(), "{:?}", report.problems);
    Ok(())
}

#[test]
fn what_is_sealed_reads_as_it_did() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.lith");
    let db = open(&path)?;
    let ids = fill(&db, 0..200)?;
    db.checkpoint()?;
    assert_eq!(db.stats()?.unsealed_vectors, 0);
    let gone = [ids[3], ids[77], ids[199]];
    for id in gone {
        db.forget(id)?;
    }
    db.update(ids[5], &Patch::new().vector_in("default", vector(1_005)))?;
    let check = |db: &Db| -> Result<()> {
        let view = db.read()?;
        for (n, id) in (0..).zip(&ids) {
            let expected = match n {
                _ if gone.contains(id) => None,
                5 => Some(vector(1_005)),
                n => Some(vector(n)),
            };
            assert_eq!(view.vector(*id, "default")?, expected, "{id}");
        }
        let found = view.recall(&Recall::new().vector(vector(1_005)).limit(1))?;
        assert_eq!(found.hits[0].memory.id, ids[5]);
        assert_clean(db)
    };
    check(&db)?;
    db.close()?;
    check(&open(&path)?)
}

#[test]
fn segments_are_merged_and_lose_what_no_memory_names() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let db = open(&folder.path().join("a.lith"))?;
    let mut ids = Vec::new();
    for round in 0..40 {
        ids.extend(fill(&db, round * 20..(round + 1) * 20)?);
    }
    let space = default_space(&db)?;
    assert!(space.sealed_vectors > 700, "{space:?}");
    assert!((1..=4).contains(&space.sealed_segments), "{space:?}");
    for id in ids.drain(..600) {
        db.forget(id)?;
    }
    let space = default_space(&db)?;
    assert_eq!(space.vectors, 200);
    assert!(space.sealed_vectors < 320, "no more than a third is dead: {space:?}");
    for (n, id) in (600..).zip(&ids) {
        assert_eq!(db.read()?.vector(*id, "default")?, Some(vector(n)), "{id}");
    }
    assert_clean(&db)
}

#[test]
fn vectors_in_bulk_never_become_rows() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.lith");
    let open = || Options::new().threads(false).open(&path);
    let db = open()?;
    let new = |n: u64, of: u64| {
        NewMemory::new(format!("n{n}")).external_id(n.to_string()).vector(vector(of))
    };
    let ids = db.remember_batch((0..8_000).map(|n| new(n, n)).collect())?;
    assert_eq!((db.stats()?.unsealed_vectors, default_space(&db)?.sealed_vectors), (0, 8_000));
    // A row counts for more than what is sealed, and what is sealed later for more than both.
    db.update(ids[5], &Patch::new().vector_in("default", vector(9_005)))?;
    db.update(ids[7_000], &Patch::new().vector_in("default", vector(9_006)))?;
    assert_eq!(db.stats()?.unsealed_vectors, 2);
    assert_eq!(db.read()?.vector(ids[5], "default")?, Some(vector(9_005)));
    db.upsert_batch((0..7_000).map(|n| new(n, n + 1)).collect())?;
    assert_eq!(db.stats()?.unsealed_vectors, 1);
    db.close()?;
    let db = open()?;
    for (n, id) in (0..).zip(&ids) {
        let expected = match n {
            7_000 => vector(9_006),
            n => vector(n + u64::from(n < 7_000)),
        };
        assert_eq!(db.read()?.vector(*id, "default")?, Some(expected), "{id}");
    }
    assert_clean(&db)
}

#[test]
fn a_transaction_too_large_to_be_held_seals_its_vectors_as_it_grows() -> Result<()> {
    const WIDE: usize = 4_096;
    let folder = tempfile::tempdir().expect("a folder");
    let db = open(&folder.path().join("a.lith"))?;
    let graph = GraphOptions::new().link_from(1 << 20);
    db.create_space(&Space::new("wide", WIDE).metric(Metric::L2).graph(graph))?;
    let wide = |n: u64| -> Vec<f32> { (0..WIDE as u64).map(|i| (n * 3 + i % 11) as f32).collect() };
    let fill = |tx: &mut WriteTx<'_>| -> Result<Vec<MemoryId>> {
        let one = |n| tx.remember(NewMemory::new(format!("n{n}")).vector_in("wide", wide(n)));
        (0..5_000).map(one).collect()
    };
    let before = db.stats()?;
    let mut given_up = db.begin(WriteOptions::new())?;
    fill(&mut given_up)?;
    given_up.rollback();
    assert_eq!(db.stats()?.segment_bytes, before.segment_bytes, "what was given up is free");
    let ids = db.write(fill)?;
    let stats = db.stats()?;
    assert!(stats.unsealed_vectors < 100, "{stats:?}");
    for (n, id) in (0..).zip(&ids) {
        assert_eq!(db.read()?.vector(*id, "wide")?, Some(wide(n)), "{id}");
    }
    assert_clean(&db)
}

#[test]
fn a_dropped_space_leaves_no_segment() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let db = open(&folder.path().join("a.lith"))?;
    db.create_space(&Space::new("other", DIMENSION))?;
    let new = |n: u64| NewMemory::new(format!("n{n}")).vector_in("other", vector(n));
    db.remember_batch((0..300).map(new).collect())?;
    db.checkpoint()?;
    let segments = db.stats()?.segment_bytes;
    db.write(|tx| tx.drop_space("other"))?;
    db.remember(NewMemory::new("something that is committed"))?;
    assert!(db.stats()?.segment_bytes < segments);
    assert_clean(&db)
}

/// Vectors of components that f16 cannot say.
fn precise(n: u64) -> Vec<f32> {
    vector(n).iter().map(|x| x / 97.0).collect()
}

#[test]
fn what_f16_says_exactly_takes_half_the_bytes_and_nothing_else_is_touched() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.lith");
    let db = open(&path)?;
    let coarse = fill(&db, 0..100)?;
    db.checkpoint()?;
    let bytes_of_100 = default_space(&db)?.sealed_bytes;
    assert!(bytes_of_100 < 100 * (2 * DIMENSION as u64 + 8) + 200, "{bytes_of_100}");
    let mixed: Vec<_> = (0..100).map(|n| if n == 60 { precise(n) } else { vector(n) }).collect();
    let new = |v: &Vec<f32>| NewMemory::new("mixed").vector(v.clone());
    let ids = db.remember_batch(mixed.iter().map(new).collect())?;
    db.checkpoint()?;
    // Packed: 29 bits a component, and not 16.
    let bytes_of_mixed = default_space(&db)?.sealed_bytes - bytes_of_100;
    assert!(bytes_of_mixed > 100 * 3 * DIMENSION as u64, "{bytes_of_mixed}");
    assert!(bytes_of_mixed < 100 * (4 * DIMENSION as u64 + 8), "{bytes_of_mixed}");
    db.close()?;
    let db = open(&path)?;
    let view = db.read()?;
    for (n, id) in (0..).zip(&coarse) {
        assert_eq!(view.vector(*id, "default")?, Some(vector(n)), "{id}");
    }
    for (expected, id) in mixed.into_iter().zip(&ids) {
        assert_eq!(view.vector(*id, "default")?, Some(expected), "{id}");
    }
    assert_clean(&db)
}

#[test]
fn a_space_of_f16_rounds_what_it_is_given_and_knows_it_again() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.lith");
    let db = open(&path)?;
    db.create_space(&Space::new("default", DIMENSION).precision(Precision::F16))?;
    let new =
        |n: u64| NewMemory::new(format!("n{n}")).external_id(n.to_string()).vector(precise(n));
    db.remember_batch((0..200).map(new).collect())?;
    let rounded = |db: &Db, id| -> Result<Vec<f32>> {
        Ok(db.read()?.vector(id, "default")?.expect("it has one"))
    };
    let first = db.read()?.get_external("default", "7")?.expect("it was remembered").id;
    let kept = rounded(&db, first)?;
    let is_near = |(a, b): (&f32, &f32)| (a - b).abs() <= a.abs() / 2_048.0;
    assert!(kept != precise(7) && kept.iter().zip(&precise(7)).all(is_near), "{kept:?}");
    let before = db.read()?.seq();
    assert!(matches!(db.upsert(new(7))?, memlith::Upsert::Unchanged(id) if id == first));
    assert_eq!(db.read()?.seq(), before, "it is the same once it is rounded");

    db.checkpoint()?;
    let space = default_space(&db)?;
    assert_eq!((space.precision, space.sealed_vectors), (Precision::F16, 200));
    assert!(space.sealed_bytes < 200 * (2 * DIMENSION as u64 + 8) + 500, "{space:?}");
    db.close()?;
    let db = open(&path)?;
    assert_eq!(rounded(&db, first)?, kept);
    let found = db.recall(&Recall::new().vector(kept).limit(1))?;
    assert_eq!(found.hits[0].memory.id, first);
    assert_clean(&db)
}

#[test]
fn a_space_of_f16_refuses_what_it_cannot_say_and_keeps_nothing_of_it() -> Result<()> {
    let db = Options::new().in_memory()?;
    db.create_space(&Space::new("default", 2).precision(Precision::F16))?;
    for (vector, words) in [([70_000.0, 1.0], "65,504"), ([1e-9, -1e-9], "zero")] {
        let refused = db.remember(NewMemory::new("x").vector(vector)).expect_err("it is refused");
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        assert!(refused.to_string().contains(words), "{refused}");
    }
    assert_eq!(db.stats()?.memories, 0);
    Ok(())
}
