//! A handle that a fork carried into a child process: the lock, the thread and the file are the
//! parent's, so every call in the child is refused, and the parent goes on undisturbed.
#![cfg(unix)]

use memlith::{ErrorKind, NewMemory, Options, Result};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What the child answers if every call was refused, and if one was not. Any two errors of the
/// system would do that starting a program does not give.
const REFUSED: i32 = 95;
const ALLOWED: i32 = 96;

fn is_forked<T>(result: Result<T>) -> bool {
    matches!(result, Err(e) if e.kind() == ErrorKind::Forked)
}

#[test]
#[expect(unsafe_code, reason = "running in a forked child is what is tested")]
fn a_child_process_is_refused_and_the_parent_goes_on() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    // Without a thread: nobody can hold a lock of the handle at the moment of the fork.
    let db = Options::new().threads(false).open(folder.path().join("a.lith"))?;
    let id = db.remember(NewMemory::new("before the fork"))?;
    let view = db.read()?;

    let (child_db, child_view) = (db.clone(), view.clone());
    let in_child = move || {
        let refused = is_forked(child_db.read())
            && is_forked(child_db.remember(NewMemory::new("in the child")))
            && is_forked(child_view.get(id));
        Err(io::Error::from_raw_os_error(if refused { REFUSED } else { ALLOWED }))
    };
    let mut command = Command::new("true");
    // SAFETY: the closure takes no lock that another thread can hold (there is none), and only
    // allocates, which the C library allows behind a fork.
    unsafe { command.pre_exec(in_child) };
    let answer = command.spawn().expect_err("the child never starts its program");
    assert_eq!(answer.raw_os_error(), Some(REFUSED));

    db.remember(NewMemory::new("after the fork"))?;
    assert_eq!(db.read()?.count(None, None)?, 2);
    assert!(db.verify(&mut |_| {})?.is_clean());
    Ok(())
}
