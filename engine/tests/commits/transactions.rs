//! What one transaction leaves behind, in cases that random sequences reach too seldom.

use super::clock::{HandClock, START_MS};
use memlith::{
    ErrorKind, MemoryId, NewMemory, Options, Patch, Result, Space, Upsert, WriteOptions,
};
use serde_json::json;

#[test]
fn an_index_that_took_the_place_of_another_and_went_too() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    db.remember(NewMemory::new("x").metadata(json!({ "a": 1, "b": 1 })))?;
    db.write(|tx| tx.index_metadata("a"))?;
    db.write(|tx| {
        tx.drop_metadata_index("a")?;
        tx.index_metadata("b")?;
        tx.drop_metadata_index("b")
    })?;
    assert_eq!(db.read()?.metadata_indexes(), [""; 0]);
    db.write(|tx| tx.index_metadata("a"))?;
    db.write(|tx| {
        tx.drop_metadata_index("a")?;
        tx.index_metadata("b")
    })?;
    assert_eq!(db.read()?.metadata_indexes(), ["b"]);
    for text in ["meta.a = 1", "meta.b = 1"] {
        assert_eq!(db.read()?.count(None, Some(&text.parse()?))?, 1, "{text}");
    }
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
fn a_memory_that_makes_way_takes_its_links_along() -> Result<()> {
    let clock = HandClock::new();
    let db = Options::new().threads(false).clock(clock.clone()).in_memory()?;
    let first = NewMemory::new("1").external_id("x").expires_ms(START_MS + 10);
    let first = db.remember(first)?;
    let second = db.supersede(first, NewMemory::new("2"))?;
    clock.advance(10);
    let third = db.supersede(second, NewMemory::new("3").external_id("x"))?;
    let second = db.get(second)?.expect("it is there");
    assert_eq!((second.supersedes, second.superseded_by), (None, Some(third)));
    let third = db.get(third)?.expect("it is there");
    assert_eq!((third.supersedes, third.superseded_by), (Some(second.id), None));
    assert_eq!(db.read()?.get_external("default", "x")?.map(|m| m.id), Some(third.id));
    Ok(())
}

#[test]
fn an_external_id_moves_to_what_supersedes() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    let old = db.remember(NewMemory::new("old").external_id("x"))?;
    let new = db.supersede(old, NewMemory::new("new").external_id("x"))?;
    let view = db.read()?;
    assert_eq!(view.get_external("default", "x")?.map(|m| m.id), Some(new));
    assert_eq!(view.get(old)?.expect("it is there").external_id, None);
    assert_eq!(db.upsert(NewMemory::new("newer").external_id("x"))?, Upsert::Updated(new));
    // Forgotten, it takes the id along, and the old one is in force again.
    assert!(db.forget(new)?);
    let view = db.read()?;
    assert_eq!(view.get_external("default", "x")?, None);
    assert_eq!(view.get(old)?.expect("it is there").superseded_by, None);
    assert!(matches!(db.upsert(NewMemory::new("z").external_id("x"))?, Upsert::Created(_)));
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
fn what_is_refused_within_a_transaction_leaves_nothing() -> Result<()> {
    let clock = HandClock::new();
    let db = Options::new().threads(false).clock(clock.clone()).in_memory()?;
    let base = db.remember(NewMemory::new("base"))?;
    let short = NewMemory::new("short").external_id("x").expires_ms(START_MS + 10);
    db.supersede(base, short)?;
    clock.advance(10);

    let mut tx = db.begin(WriteOptions::new())?;
    let refused = [
        // The default space would come with the first vector; the second has none.
        NewMemory::new("a").vector([1.0, 2.0]).vector_in("none", [1.0]),
        NewMemory::new("b").external_id("x").importance(7.0),
        NewMemory::new("c").external_id("x").vector_in("none", [1.0]),
    ];
    for new in refused {
        assert!(tx.remember(new.clone()).is_err());
        assert!(tx.supersede(base, new.clone()).is_err());
        if new.external_id.is_some() {
            assert!(tx.upsert(new).is_err());
        }
    }
    let patch = Patch::new().vector_in("default", [1.0]).vector_in("none", [1.0]);
    assert!(tx.update(base, &patch).is_err());
    assert_eq!(tx.commit()?, None, "nothing is left to commit");
    assert_eq!(db.read()?.spaces(), []);
    assert!(db.get(base)?.expect("it is there").superseded_by.is_some());
    Ok(())
}

#[test]
fn a_space_of_the_same_name_is_another_space() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    let id = db.remember(NewMemory::new("x").vector([1.0, 2.0]))?;
    db.write(|tx| {
        tx.drop_space("default")?;
        tx.create_space(&Space::new("default", 3))?;
        assert_eq!(tx.get(id)?.expect("it is there").spaces, [""; 0]);
        let filter = "space:default".parse()?;
        assert_eq!(tx.forget_where(None, &filter)?, 0);
        tx.remember(NewMemory::new("y").vector([1.0, 2.0, 3.0])).map(drop)
    })?;
    let view = db.read()?;
    assert_eq!(view.vector(id, "default")?, None);
    assert_eq!(view.vector(MemoryId(2), "default")?, Some(vec![1.0, 2.0, 3.0]));
    assert_eq!(view.count(None, Some(&"space:default".parse()?))?, 1);
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
#[expect(
    clippy::excessive_precision,
    clippy::unreadable_literal,
    reason = "the digits are those that a quick reader of decimals gets wrong"
)]
fn numbers_of_metadata_come_back_as_they_were() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    // Numbers that a quick reader of decimals gets wrong by one unit, and the ends of each type.
    let numbers = json!([
        0.1 + 0.2,
        -0.0,
        1e23,
        8.41e21,
        9.109e-31,
        2.2250738585072011e-308,
        5e-324,
        f64::MAX,
        f64::MIN_POSITIVE,
        4.9406564584124654e-320,
        1.7976931348623157e308,
        u64::MAX,
        i64::MIN,
        (1_u64 << 53) + 1,
        0.1,
        1.0,
        1,
    ]);
    let id = db.remember(NewMemory::new("x").metadata(json!({ "n": numbers })))?;
    let found = db.get(id)?.expect("it is there").metadata;
    assert_eq!(found["n"].to_string(), numbers.to_string());
    let unchanged = db.update(id, &Patch::new().metadata(json!({ "n": numbers })))?;
    assert!(unchanged);
    assert_eq!(db.read()?.seq().0, 1, "the same is no change");
    Ok(())
}

#[test]
fn a_closure_that_writes_nothing_commits_nothing() -> Result<()> {
    let db = Options::new().threads(false).in_memory()?;
    let done = db.transact(WriteOptions::new(), |tx| tx.forget(MemoryId(1)))?;
    assert_eq!((done.value, done.seq), (false, None));
    let id = db.remember(NewMemory::new("x").external_id("x"))?;
    let same = db.upsert(NewMemory::new("x").external_id("x"))?;
    assert_eq!(same, Upsert::Unchanged(id));
    assert!(db.update(id, &Patch::new().priority(5))?);
    assert_eq!(db.read()?.seq().0, 1);
    assert_eq!(
        db.supersede(MemoryId(9), NewMemory::new("y")).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    Ok(())
}
