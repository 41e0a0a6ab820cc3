//! redb's database, and how it is let go.
//!
//! Closing, redb commits what it knows of free pages and notes in its header that it was closed in
//! good order. Where the file was refused, or something has gone wrong, there is nothing to commit
//! and nothing in good order; and where pages contradict each other redb panics over them once
//! more, within the destructor of a page, which ends the process.
//!
//! Its pages can be moved together only while no transaction is open, which takes the database from
//! everybody else for as long.
//!
//! **Invariant:** redb writes as it closes only if the file was opened and nothing has failed since.

use super::shield::Failure;
use crate::file::Container;
use crate::rows::guarded;
use crate::sync::RwLock;
use crate::{Error, Result};
use redb::{CompactionError, Database, ReadTransaction, ReadableDatabase, WriteTransaction};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A database that closes without a panic.
pub(crate) struct Tables {
    /// None once it is let go. Held by whoever begins a transaction, until it has begun.
    database: Option<RwLock<Database>>,
    failure: Failure,
    container: Container,
}

impl Tables {
    pub(crate) fn new(database: Database, failure: Failure, container: Container) -> Self {
        Tables { database: Some(RwLock::new(database)), failure, container }
    }

    fn database(&self) -> &RwLock<Database> {
        self.database.as_ref().expect("only dropping takes it")
    }

    pub(crate) fn begin_read(&self) -> Result<ReadTransaction> {
        Ok(self.database().read().begin_read()?)
    }

    /// Begins the one write transaction there can be; waits for the one before.
    pub(crate) fn begin_write(&self) -> Result<WriteTransaction> {
        Ok(self.database().read().begin_write()?)
    }

    /// Has redb check every page that the tables reach.
    pub(crate) fn check_integrity(&mut self) -> Result<bool> {
        self.database().write().check_integrity().map_err(Error::from)
    }

    /// Moves pages to the front of the table space, and cuts it behind them. `None` if somebody is
    /// about to begin a transaction; redb refuses it while one is open.
    pub(crate) fn try_compact(&self) -> Option<Result<bool, CompactionError>> {
        // Not to wait: who holds it may wait for a transaction whose owner waits for us.
        Some(self.database().try_write()?.compact())
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        let Some(database) = self.database.take().map(RwLock::into_inner) else { return };
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
