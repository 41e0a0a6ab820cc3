//! Readers: each View is of one commit, none is older than the one before, and one that is held
//! answers the same until it is revoked.

use super::bank::{self, ACCOUNTS};
use memlith::{Db, ErrorKind, Result, View};

/// For so many rounds a View is held.
const HELD_FOR: u64 = 5;

pub(super) fn read(db: &Db, number: u64, rounds: u64) -> Result<()> {
    let mut newest = db.read()?.seq();
    let mut held: Option<(View, String)> = None;
    for round in 0..rounds {
        let view = db.read()?;
        assert!(view.seq() >= newest, "a later View is of an earlier commit");
        newest = view.seq();
        unless_revoked(look(&view, number + round))?;
        if round % HELD_FOR == number % HELD_FOR {
            if let Some((view, before)) = held.take()
                && let Some(now) = unless_revoked(bank::answers(&view))?
            {
                assert!(now == before, "a View that was held changed:\n{before}\n{now}");
            }
            held = unless_revoked(bank::answers(&view))?.map(|answers| (view, answers));
        }
    }
    Ok(())
}

/// One of the things that must hold.
fn look(view: &View, which: u64) -> Result<()> {
    match which % 4 {
        0 => bank::check_notes(view),
        1 => bank::check_scratch(view),
        _ => bank::check_account(view, which as usize % ACCOUNTS),
    }
}

/// An answer, unless its View was taken away meanwhile because of all that was written since.
fn unless_revoked<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(e) if e.kind() == ErrorKind::SnapshotExpired => Ok(None),
        answer => answer.map(Some),
    }
}
