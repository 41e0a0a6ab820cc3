//! The commit log: what it names, that it verifies, and how it is trimmed.

use super::clock::{HandClock, START_MS};
use memlith::{
    ChangeKind, Db, Durability, ErrorKind, Head, LogRetention, Model, NewMemory, Options, Patch,
    Result, Seq, Space, WriteOptions,
};
use std::time::Duration;
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn fill(db: &Db, n: u64) -> Result<()> {
    (0..n).try_for_each(|n| db.remember(NewMemory::new(format!("note {n}"))).map(drop))
}

#[test]
fn each_commit_names_who_why_and_what() -> Result<()> {
    let clock = HandClock::new();
    let db = Options::new().threads(false).clock(clock.clone()).in_memory()?;
    let told = || WriteOptions::new().actor("planner").reason("a new plan: ü");
    let (a, b) = db
        .transact(told(), |tx| {
            tx.create_space(&Space::new("s", 2))?;
            tx.index_metadata("lang")?;
            let a = tx.remember(NewMemory::new("a").vector_in("s", [1.0, 2.0]))?;
            Ok((a, tx.remember(NewMemory::new("b"))?))
        })?
        .value;
    clock.advance(7);
    db.write(|tx| {
        tx.update(a, &Patch::new().importance(1.0))?;
        tx.forget(b)?;
        // What comes and goes within one commit is no change.
        let c = tx.remember(NewMemory::new("c"))?;
        tx.forget(c).map(drop)
    })?;
    clock.advance(-1_000);
    let d = db.supersede(a, NewMemory::new("d"))?;
    assert_eq!(d.0, 4, "a number is never given again");

    let rows = db.log(Seq(0), 10)?;
    let changes = |row: usize| -> Vec<_> {
        rows[row].changes.iter().map(|c| (c.model, c.id, c.kind)).collect()
    };
    assert_eq!(rows.iter().map(|r| r.seq.0).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((rows[0].actor.as_str(), rows[0].reason.as_str()), ("planner", "a new plan: ü"));
    assert_eq!((rows[1].actor.as_str(), rows[1].reason.as_str()), ("", ""));
    assert_eq!(
        changes(0),
        [
            (Model::Memory, 1, ChangeKind::Created),
            (Model::Memory, 2, ChangeKind::Created),
            (Model::Space, 1, ChangeKind::Created),
            (Model::MetadataIndex, 0, ChangeKind::Created),
        ]
    );
    assert_eq!(
        changes(1),
        [(Model::Memory, 1, ChangeKind::Updated), (Model::Memory, 2, ChangeKind::Deleted)]
    );
    assert_eq!(
        changes(2),
        [(Model::Memory, 1, ChangeKind::Updated), (Model::Memory, 4, ChangeKind::Created)]
    );
    assert_eq!(rows[1].changes[1].commitment, [0; 16], "nothing is left to commit to");
    assert_ne!(rows[1].changes[0].commitment, rows[2].changes[0].commitment);
    // Time never runs back, whatever the clock does.
    assert_eq!(rows.iter().map(|r| r.time_ms - START_MS).collect::<Vec<_>>(), [0, 7, 7]);
    assert_eq!((rows[1].previous, rows[2].previous), (rows[0].hash, rows[1].hash));

    assert_eq!(db.log(Seq(2), 1)?, rows[1..2]);
    assert_eq!(db.log(Seq(4), 10)?, []);
    Ok(())
}

#[test]
fn no_log_row_holds_content() -> Result<()> {
    let db = Options::new().in_memory()?;
    let secret = "correct-horse-battery";
    db.remember(NewMemory::new(secret).external_id(secret).tag(secret).namespace(secret))?;
    let rows = db.log(Seq(0), 10)?;
    assert!(!format!("{rows:?}").contains("correct"));
    Ok(())
}

#[test]
fn a_log_passes_through_every_head_that_was_exported() -> Result<()> {
    let folder = folder();
    let path = folder.path().join("l.lith");
    let db = Options::new().durability(Durability::Relaxed).open(&path)?;
    let mut heads = vec![db.head()?];
    for n in 0..4 {
        fill(&db, n)?;
        heads.push(db.head()?);
        assert_eq!(db.durable_seq(), heads[heads.len() - 1].seq, "a head never goes back");
    }
    assert_eq!(heads[4].seq, Seq(6));
    drop(db);
    let db = Db::open(&path)?;
    for head in &heads {
        let text = head.to_string();
        assert!(!text.contains('\n'));
        let read: Head = text.parse()?;
        assert_eq!(read, *head);
        let report = db.verify_log(Some(&read))?;
        assert_eq!((report.first, report.last, report.rows), (Some(Seq(1)), Seq(6), 6));
    }

    let other = Options::new().in_memory()?;
    fill(&other, 6)?;
    let mut forged = heads[3];
    forged.hash[0] ^= 1;
    let mut future = heads[4];
    future.seq.0 += 1;
    for (head, words) in [
        (&other.head()?, "another file"),
        (&forged, "with the hash of the head"),
        (&future, "commit 7 with the hash of the head"),
    ] {
        let error = db.verify_log(Some(head)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corruption);
        assert!(error.to_string().contains(words), "{error}");
    }
    Ok(())
}

fn retained(clock: &HandClock, rows: u64, age: Duration) -> Options {
    Options::new()
        .threads(false)
        .durability(Durability::Relaxed)
        .clock(clock.clone())
        .log_retention(LogRetention::new(rows, age))
}

#[test]
fn a_log_trimmed_by_age_verifies_and_opens() -> Result<()> {
    let (folder, clock) = (folder(), HandClock::new());
    let path = folder.path().join("l.lith");
    let day = Duration::from_hours(24);
    let open = || retained(&clock, 1_000_000, day).open(&path);
    let db = open()?;
    fill(&db, 20)?;
    let old_head = db.head()?;
    clock.advance(day.as_millis() as i64 + 1);
    fill(&db, 1)?;
    assert_eq!(db.stats()?.log_rows, 21, "no index has an image that has taken them in");

    db.checkpoint()?;
    let middle = db.head()?;
    fill(&db, 2)?;
    let report = db.verify_log(Some(&middle))?;
    assert_eq!((report.first, report.last, report.rows), (Some(Seq(21)), Seq(23), 3));
    assert_eq!(db.log(Seq(0), 100)?.len(), 3);
    // Just before the oldest row lies what the anchor knows.
    db.verify_log(Some(&old_head))?;
    let mut forged = old_head;
    forged.hash[5] ^= 1;
    assert!(db.verify_log(Some(&forged)).is_err());
    assert!(db.verify(&mut |_| {})?.is_clean());
    drop(db);

    let db = open()?;
    assert_eq!(db.read()?.count(None, None)?, 23);
    assert_eq!(db.verify_log(Some(&middle))?.rows, 3);
    fill(&db, 1)?;
    assert_eq!(db.read()?.seq(), Seq(24), "numbers go on");
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
fn a_log_trimmed_by_rows_keeps_the_newest() -> Result<()> {
    let (folder, clock) = (folder(), HandClock::new());
    let path = folder.path().join("l.lith");
    let open = || retained(&clock, 10, Duration::MAX).open(&path);
    let db = open()?;
    fill(&db, 1_020)?;
    db.checkpoint()?;
    fill(&db, 1)?;
    let report = db.verify_log(None)?;
    assert_eq!((report.rows, report.last), (10, Seq(1_021)));
    drop(db);
    let db = open()?;
    assert_eq!(db.read()?.count(None, None)?, 1_021);
    assert_eq!(db.verify_log(None)?.rows, 10);
    db.rebuild(&mut |_, _| {})?;
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}

#[test]
fn the_last_row_is_kept_whatever_its_age() -> Result<()> {
    let (folder, clock) = (folder(), HandClock::new());
    let path = folder.path().join("l.lith");
    let open = || retained(&clock, 1, Duration::ZERO).open(&path);
    for n in 1..5 {
        let db = open()?;
        fill(&db, 1)?;
        db.checkpoint()?;
        clock.advance(1_000);
        fill(&db, 1)?;
        let report = db.verify_log(None)?;
        assert_eq!(report.last, Seq(2 * n));
        assert_eq!(report.rows, 1);
        assert_eq!(db.read()?.count(None, None)?, 2 * n);
    }
    Ok(())
}

#[test]
fn an_outcome_is_known_for_an_hour_at_least() -> Result<()> {
    let clock = HandClock::new();
    let db = retained(&clock, 1_000_000, Duration::from_secs(1)).in_memory()?;
    let keyed = WriteOptions::new().idempotency_key("k");
    db.transact(keyed, |tx| tx.remember(NewMemory::new("once")))?;
    for (minutes, is_known) in [(30, true), (29, true), (2, false)] {
        clock.advance(minutes * 60_000);
        db.checkpoint()?;
        fill(&db, 2)?;
        assert_eq!(db.outcome("k")?.is_some(), is_known, "after {minutes} minutes more");
    }
    Ok(())
}
