//! Files on a real file system: creation, locks, permissions, read-only opening, refusals.

use super::super::create::{Step, create_by_steps};
use super::super::{Access, Container, Settings};
use super::{first_row, get, open_tables, put};
use crate::error::Detail;
use crate::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lith");
    (folder, path)
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

fn create(path: &Path) -> Result<()> {
    Container::create(path, &Settings::default(), first_row)
}

fn open(path: &Path, access: Access) -> Result<Container> {
    let container = Container::open(path, &Settings::default(), access)?;
    container.register(&[])?;
    Ok(container)
}

fn refusal(path: &Path, access: Access) -> ErrorKind {
    let before = std::fs::read(path).unwrap();
    let kind = Container::open(path, &Settings::default(), access).unwrap_err().kind();
    assert_eq!(std::fs::read(path).unwrap(), before, "a refused file has changed");
    kind
}

#[test]
fn there_is_one_file_open_and_closed_and_only_its_owner_reads_it() {
    let (folder, path) = place();
    create(&path).unwrap();
    assert_eq!(names(&folder), ["a.lith"]);
    let container = open(&path, Access::ReadWrite).unwrap();
    let tables = open_tables(&container);
    put(&tables, 1, &vec![7; 500_000]).unwrap();
    container.write_segment(&vec![1; 300_000]).unwrap();
    assert_eq!(names(&folder), ["a.lith"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    drop((tables, container));
    assert_eq!(names(&folder), ["a.lith"]);
    let container = open(&path, Access::ReadWrite).unwrap();
    assert_eq!(get(&open_tables(&container), 1).unwrap(), vec![7; 500_000]);
}

#[test]
fn a_new_file_is_small() {
    let (_folder, path) = place();
    create(&path).unwrap();
    let len = path.metadata().unwrap().len();
    assert!(len < 400 << 10, "{len} bytes");
}

#[test]
fn creating_never_replaces() {
    let (folder, path) = place();
    std::fs::write(&path, b"mine").unwrap();
    assert_eq!(create(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    std::fs::remove_file(&path).unwrap();
    // Somebody else is faster.
    let e = create_by_steps(&path, &Settings::default(), first_row, |step| {
        if step == Step::Synced {
            std::fs::write(&path, b"theirs").unwrap();
        }
        Ok(())
    });
    assert_eq!(e.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
    assert_eq!(names(&folder), ["a.lith"]);
}

#[test]
fn a_creation_killed_at_any_step_leaves_no_file_or_a_whole_one() {
    for killed_at in [Step::Opened, Step::Filled, Step::Synced, Step::Published] {
        let (folder, path) = place();
        let killed = create_by_steps(&path, &Settings::default(), first_row, |step| {
            if step == killed_at { Err(Detail::Latched.into()) } else { Ok(()) }
        });
        assert_eq!(killed.unwrap_err().kind(), ErrorKind::Latched);
        if killed_at == Step::Published {
            assert_eq!(create(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
        } else {
            assert!(!path.exists());
            assert_eq!(names(&folder).len(), 1);
            create(&path).unwrap();
        }
        let container = open(&path, Access::ReadWrite).unwrap();
        assert_eq!(get(&open_tables(&container), 0).unwrap(), b"first");
        assert_eq!(names(&folder), ["a.lith"], "killed at {killed_at:?}");
    }
}

#[test]
fn a_failing_first_transaction_leaves_nothing() {
    let (folder, path) = place();
    let failed = Container::create(&path, &Settings::default(), |_| Err(Detail::ReadOnly.into()));
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::ReadOnly);
    assert!(names(&folder).is_empty());
}

#[test]
fn stale_files_of_others_are_left_alone() {
    let (folder, path) = place();
    let others = [
        ".a.lith.0123456789abcdef.creating.txt",
        ".b.lith.0123456789abcdef.creating",
        ".a.lith.0123.creating",
        ".a.lith.0123456789abcdeg.creating",
    ];
    for name in others {
        std::fs::write(folder.path().join(name), b"x").unwrap();
    }
    let alive = folder.path().join(".a.lith.0000000000000000.creating");
    let held = std::fs::File::create(&alive).unwrap();
    held.lock().unwrap();
    std::fs::write(folder.path().join(".a.lith.0000000000000001.creating"), b"x").unwrap();
    create(&path).unwrap();
    assert_eq!(names(&folder).len(), others.len() + 2);
    assert!(alive.exists());
}

#[test]
fn a_second_opener_is_told_who_holds_the_file() {
    let (_folder, path) = place();
    create(&path).unwrap();
    let container = open(&path, Access::ReadWrite).unwrap();
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let e = open(&path, access).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InUse);
        if cfg!(target_os = "linux") {
            assert_eq!(e.holder_pid(), Some(std::process::id()));
        }
    }
    // A database closes before the container does, and the lock stays.
    drop(open_tables(&container));
    assert_eq!(open(&path, Access::ReadWrite).unwrap_err().kind(), ErrorKind::InUse);
    drop(container);
    let readers = [(); 2].map(|()| open(&path, Access::ReadOnly).unwrap());
    assert_eq!(open(&path, Access::ReadWrite).unwrap_err().kind(), ErrorKind::InUse);
    drop(readers);
    open(&path, Access::ReadWrite).unwrap();
}

#[test]
fn a_source_keeps_the_file_locked() {
    let (_folder, path) = place();
    create(&path).unwrap();
    let container = open(&path, Access::ReadWrite).unwrap();
    let segment = container.write_segment(&[1; 100]).unwrap();
    let source = container.open_segment(&segment).unwrap();
    drop(container);
    assert_eq!(open(&path, Access::ReadWrite).unwrap_err().kind(), ErrorKind::InUse);
    drop(source);
    open(&path, Access::ReadWrite).unwrap();
}

#[test]
fn one_database_at_a_time_on_a_space() {
    let (_folder, path) = place();
    create(&path).unwrap();
    let container = open(&path, Access::ReadWrite).unwrap();
    let tables = open_tables(&container);
    let second = redb::Database::builder().create_with_backend(container.backend());
    assert!(matches!(second, Err(redb::DatabaseError::DatabaseAlreadyOpen)));
    drop(tables);
    open_tables(&container);
}

#[test]
fn reading_changes_no_byte_even_of_a_file_that_needs_repair() {
    let (folder, path) = place();
    create(&path).unwrap();
    let container = open(&path, Access::ReadWrite).unwrap();
    let tables = open_tables(&container);
    for key in 0..20 {
        put(&tables, key, &[key as u8; 9_000]).unwrap();
    }
    let segment = container.write_segment(&vec![5; 200_000]).unwrap();
    // The bytes of an open file are what a killed process leaves.
    let killed = folder.path().join("killed.lith");
    std::fs::copy(&path, &killed).unwrap();
    drop((tables, container));
    for path in [path, killed] {
        let before = std::fs::read(&path).unwrap();
        let modified = path.metadata().unwrap().modified().unwrap();
        let container = Container::open(&path, &Settings::default(), Access::ReadOnly).unwrap();
        let tables = open_tables(&container);
        container.register(&[segment]).unwrap();
        assert_eq!(get(&tables, 19).unwrap(), [19; 9_000]);
        assert_eq!(container.open_segment(&segment).unwrap().get(0..3).unwrap(), [5; 3]);
        assert!(container.is_read_only());
        assert_eq!(container.write_segment(b"x").unwrap_err().kind(), ErrorKind::ReadOnly);
        assert_eq!(container.trim().unwrap_err().kind(), ErrorKind::ReadOnly);
        drop((tables, container));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(path.metadata().unwrap().modified().unwrap(), modified);
    }
}

#[test]
fn a_repair_beyond_the_overlay_limit_is_an_error_of_its_own() {
    let (folder, path) = place();
    create(&path).unwrap();
    let container = open(&path, Access::ReadWrite).unwrap();
    let tables = open_tables(&container);
    put(&tables, 1, b"one").unwrap();
    let killed = folder.path().join("killed.lith");
    std::fs::copy(&path, &killed).unwrap();
    let settings = Settings { overlay_limit_bytes: 0, ..Settings::default() };
    let container = Container::open(&killed, &settings, Access::ReadOnly).unwrap();
    let opened = redb::Database::builder().create_with_backend(container.backend());
    let Err(redb::DatabaseError::Storage(redb::StorageError::Io(e))) = opened else {
        panic!("{opened:?}");
    };
    assert_eq!(super::super::error_from("opening", e).kind(), ErrorKind::LimitExceeded);
}

#[cfg(unix)]
#[test]
fn a_file_without_write_permission_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = place();
    create(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    let container = open(&path, Access::ReadOnly).unwrap();
    assert_eq!(get(&open_tables(&container), 0).unwrap(), b"first");
}

#[test]
fn what_is_not_ours_is_refused_with_an_error_of_its_own() {
    let (folder, path) = place();
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let missing = Container::open(&path, &Settings::default(), access);
        assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
        let of_folder = Container::open(folder.path(), &Settings::default(), access);
        assert_eq!(of_folder.unwrap_err().kind(), ErrorKind::NotMemlith);
        for bytes in [&b""[..], b"SQLite format 3\0", &vec![0; 100_000]] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(refusal(&path, access), ErrorKind::NotMemlith);
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_truncated_file_says_so() {
    let (_folder, path) = place();
    create(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for len in [9, 300, 33_000, 65_535, 65_536, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..len]).unwrap();
        for access in [Access::ReadWrite, Access::ReadOnly] {
            assert_eq!(refusal(&path, access), ErrorKind::Corruption);
        }
        let e = Container::open(&path, &Settings::default(), Access::ReadOnly).unwrap_err();
        assert!(e.to_string().contains("truncated"), "{len}: {e}");
    }
}
