//! What opening a file refuses: whose file it is, whether it is one, and whether it is whole.

use super::{assert_error, memory};
use memlith::{Db, ErrorKind, Options, Result, WriteOptions};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

fn file(name: &str) -> Result<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    let db = Db::open(&path)?;
    db.remember(memory())?;
    db.close()?;
    Ok((folder, path))
}

#[test]
fn a_second_opener_is_told_who_holds_the_file() -> Result<()> {
    let (_folder, path) = file("f.lith")?;
    let quick = || Options::new().busy_timeout(Duration::ZERO);
    let owner = Db::open(&path)?;
    for second in [quick().open(&path), quick().open_read_only(&path)] {
        let error = second.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse);
        // Only Linux tells everybody.
        let pid = error.holder_pid();
        assert!(pid == Some(std::process::id()) || pid.is_none() && !cfg!(target_os = "linux"));
        let holder = pid.map(|pid| format!(" by process {pid}")).unwrap_or_default();
        let message = format!("the file is in use{holder}; close it there, and try again");
        assert_eq!(error.to_string(), message);
    }
    drop(owner);
    let readers = [quick().open_read_only(&path)?, quick().open_read_only(&path)?];
    assert_eq!(quick().open(&path).map(drop).unwrap_err().kind(), ErrorKind::InUse);
    drop(readers);
    quick().open(&path)?;
    Ok(())
}

#[test]
fn a_write_through_a_reader() -> Result<()> {
    let (_folder, path) = file("f.lith")?;
    let before = fs::read(&path).expect("it can be read");
    let db = Db::open_read_only(&path)?;
    let message = "the file was opened for reading only";
    let kind = ErrorKind::ReadOnly;
    assert_error(db.remember(memory()), kind, message);
    assert_error(db.begin(WriteOptions::new()).map(drop), kind, message);
    assert_error(db.checkpoint(), kind, message);
    assert_error(db.rebuild(&mut |_, _| {}), kind, message);
    assert_eq!(db.read()?.count(None, None)?, 1);
    assert!(db.verify(&mut |_| {})?.is_clean());
    db.close()?;
    assert!(fs::read(&path).expect("it can be read") == before, "reading changed the file");
    Ok(())
}

/// Is refused as it should be, whoever opens it, and stays as it is.
#[track_caller]
fn assert_unopenable(path: &Path, kind: ErrorKind, words: &str) {
    let before = fs::read(path).expect("it can be read");
    for opened in [Db::open(path), Db::open_read_only(path)] {
        let error = opened.map(drop).expect_err("it cannot be opened");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(fs::read(path).expect("it can be read") == before, "the file was changed");
}

#[test]
fn a_file_that_is_none_of_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, b"").expect("it can be written");
    assert_unopenable(&path, ErrorKind::NotMemlith, "this is not a Memlith file: it is empty");
    for bytes in [b"dear diary".repeat(20_000), b"x".to_vec()] {
        fs::write(&path, bytes).expect("it can be written");
        let words = "this is not a Memlith file: it begins with other bytes";
        assert_unopenable(&path, ErrorKind::NotMemlith, words);
    }
    let opened = Db::open(folder.path()).map(drop);
    let message = "this is not a Memlith file: it is not a regular file";
    assert_error(opened, ErrorKind::NotMemlith, message);

    let missing = folder.path().join("missing.lith");
    for opened in [Options::new().create(false).open(&missing), Db::open_read_only(&missing)] {
        let message = format!("file \"{}\" does not exist", missing.display());
        assert_error(opened.map(drop), ErrorKind::NotFound, &message);
        assert!(!missing.exists());
    }
}

#[test]
fn a_file_that_was_cut_off() -> Result<()> {
    let (_folder, path) = file("f.lith")?;
    let whole = fs::read(&path).expect("it can be read");
    for kept in [100_000, 65_536, 65_535, 40_000, 100] {
        fs::write(&path, &whole[..kept]).expect("it can be written");
        assert_unopenable(&path, ErrorKind::Corruption, "file (it is truncated)");
    }
    Ok(())
}

#[test]
fn a_file_of_another_version() -> Result<()> {
    let (_folder, path) = file("f.lith")?;
    let mut bytes = fs::read(&path).expect("it can be read");
    for version in [1, 2, 3, 4, 5, 6, 9] {
        for slot in [0, 32 << 10] {
            // The prefix of a slot means the same in every version: see `docs/file-format.md`.
            bytes[slot + 8] = version;
            let checksum = xxh3_64(&bytes[slot..slot + 56]).to_le_bytes();
            bytes[slot + 56..slot + 64].copy_from_slice(&checksum);
        }
        fs::write(&path, &bytes).expect("it can be written");
        let words = format!("the file has format {version}; this library reads format 7");
        assert_unopenable(&path, ErrorKind::UnsupportedFormat, &words);
    }
    Ok(())
}

#[test]
fn a_header_slot_that_was_lost_is_noted_and_replaced() -> Result<()> {
    const SLOT: usize = 32 << 10;
    let (_folder, path) = file("f.lith")?;
    let sound = fs::read(&path).expect("the file is there");
    for slot in 0..2 {
        let mut bytes = sound.clone();
        bytes[slot * SLOT..][..4096].fill(0x5a);
        fs::write(&path, &bytes).expect("the file can be written to");
        let report = Db::open_read_only(&path)?.verify(&mut |_| {})?;
        assert!(report.is_clean() && report.notes.len() == 1, "{report:?}");
        Db::open(&path)?.close()?;
        let report = Db::open_read_only(&path)?.verify(&mut |_| {})?;
        assert!(report.is_clean() && report.notes.is_empty(), "{report:?}");
    }
    Ok(())
}
