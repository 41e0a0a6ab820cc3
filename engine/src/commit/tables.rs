//! redb's database, and how it is let go.
//!
//! Closing, redb commits what it knows of free pages and notes in its header that it was closed in
//! good order. Where the file was refused, or something has gone wrong, there is nothing to commit
//! and nothing in good order; and where pages contradict each other redb panics over them once
//! more, within the destructor of a page, which ends the process.
//!
//! **Invariant:** redb writes as it closes only if the file was opened and nothing has failed since.

use super::shield::Failure;
use crate::file::Container;
use crate::rows::guarded;
use redb::Database;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A database that closes without a panic.
pub(crate) struct Tables {
    /// None once it is let go.
    database: Option<Database>,
    failure: Failure,
    container: Container,
}

impl Tables {
    pub(crate) fn new(database: Database, failure: Failure, container: Container) -> Self {
        Tables { database: Some(database), failure, container }
    }
}

impl Deref for Tables {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.database.as_ref().expect("only dropping takes it")
    }
}

impl DerefMut for Tables {
    fn deref_mut(&mut self) -> &mut Database {
        self.database.as_mut().expect("only dropping takes it")
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        let Some(database) = self.database.take() else { return };
        if self.failure.is_armed() && !self.container.is_latched() {
            // Whoever closes the handle was told what went wrong before; what is in the file stays.
            let _ = guarded(|| {
                drop(database);
                Ok(())
            });
        } else {
            drop_unwritten(database);
        }
    }
}

/// Drops a database as if its thread were panicking: then redb writes nothing.
fn drop_unwritten(database: Database) {
    if cfg!(not(panic = "unwind")) || std::thread::panicking() {
        return drop(database);
    }
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let _database = database;
        // Without the hook, for nothing is to be said: this only takes the way of a panic.
        resume_unwind(Box::new(()))
    }));
}
