//! A file that is damaged while a handle has it open, or that a killed process has left.

use memlith::{
    Db, Durability, ErrorKind, MemoryId, NewMemory, Options, Patch, Recall, Seq, WriteOptions,
};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Bytes of a header slot.
const SLOT_BYTES: u64 = 32 << 10;

fn open(path: &Path) -> Db {
    Options::new().threads(false).open(path).unwrap()
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Where some bytes lie in a file.
fn places(path: &Path, wanted: &[u8]) -> Vec<u64> {
    let bytes = fs::read(path).unwrap();
    let found = bytes.windows(wanted.len()).zip(0..).filter(|(window, _)| *window == wanted);
    found.map(|(_, at)| at).collect()
}

fn relaxed() -> WriteOptions {
    WriteOptions::new().durability(Durability::Relaxed)
}

#[test]
fn closing_says_that_a_relaxed_commit_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lith");
    let db = open(&path);
    for n in 0..300 {
        let words = "of many words ".repeat(100);
        db.remember(NewMemory::new(format!("memory {n} {words}"))).unwrap();
    }
    db.checkpoint().unwrap();
    db.close().unwrap();

    let db = open(&path);
    db.transact(relaxed(), |tx| tx.remember(NewMemory::new("relaxed"))).unwrap();
    for at in places(&path, b"memory 7 of many") {
        overwrite(&path, at, b"M");
    }
    assert_eq!(db.get(MemoryId(8)).unwrap_err().kind(), ErrorKind::Corruption);
    assert_eq!(db.close().unwrap_err().kind(), ErrorKind::Latched);
    assert_eq!(Db::open_read_only(&path).unwrap().read().unwrap().seq(), Seq(300));
}

#[test]
fn what_is_folded_in_part_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lith");
    let db = open(&path);
    db.write(|tx| {
        (0..6_000).try_for_each(|n| {
            let words = format!("memory number{n} of word{}", n % 977);
            // Labels enough that opening the image does not read those of the last rows.
            let new = NewMemory::new(words).kind(format!("k{n}")).tags(["a", "b", "c", "d"]);
            tx.remember(new).map(drop)
        })
    })
    .unwrap();
    db.checkpoint().unwrap();
    db.close().unwrap();

    let db = open(&path);
    let image = places(&path, b"LITHATR\x02");
    for block in 1..3 {
        overwrite(&path, image[0] + (block << 16) + 30_000, &[0xab; 64]);
    }
    let before = db.read().unwrap().seq();
    let change = Patch::new().content("changed entirely").kind("other");
    let changed = db.transact(relaxed(), |tx| tx.update(MemoryId(5_998), &change));
    assert_eq!(changed.unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(db.flush().unwrap_err().kind(), ErrorKind::Latched);
    assert_eq!(db.read().unwrap().seq(), before);
    // By words alone: of what was said around it the labels tell.
    let answer = db.recall(&Recall::new().text("number5997").context(0.0)).unwrap();
    assert_eq!(answer.hits[0].memory.id, MemoryId(5_998));
}

#[test]
fn a_killed_file_opens_with_either_of_its_slots_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lith");
    let db = open(&path);
    for n in 0..50 {
        db.remember(NewMemory::new(format!("memory {n}"))).unwrap();
    }
    db.close().unwrap();
    // Opening takes away the seal of the file; nothing else is written before the process dies.
    let db = open(&path);
    for slot in 0..2 {
        let killed = folder.path().join(format!("killed-{slot}.lith"));
        fs::copy(&path, &killed).unwrap();
        overwrite(&killed, slot * SLOT_BYTES + 100, &[0xff]);
        let again = open(&killed);
        assert_eq!(again.read().unwrap().seq(), Seq(50), "slot {slot}");
        let report = again.verify(&mut |_| {}).unwrap();
        assert!(report.is_clean(), "slot {slot}: {report:?}");
    }
    drop(db);
}

#[test]
fn a_panic_of_the_caller_stays_a_panic() {
    let db = Options::new().in_memory().unwrap();
    db.remember(NewMemory::new("one")).unwrap();
    let rebuild = || db.rebuild(&mut |_, _| panic!("of the caller"));
    assert!(catch_unwind(AssertUnwindSafe(rebuild)).is_err());
    db.remember(NewMemory::new("another")).unwrap();
}
