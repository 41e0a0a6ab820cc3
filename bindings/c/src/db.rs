//! An open file.

use crate::boundary::out;
use crate::call::{call, on};
use crate::error::{Failure, ml_error};
use crate::handle::{self, object};
use crate::options::ml_options;
use crate::status::ml_status;
use crate::views::ml_str;
use memlith::Db;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An open file. Yours: give it back with `ml_db_close`.
///
/// Threads: usable from any thread, by several at once. Opening a file costs far more than any call: keep
/// it open.
///
/// After a `fork`, only the parent may use it: in the child every call returns `ML_FORKED`, but for
/// `ml_db_close`.
pub struct ml_db {
    _opaque: [u8; 0],
}

/// What a database handle stands for.
pub(crate) struct Open {
    pub(crate) db: Db,
    /// How many transactions of it are open.
    pub(crate) transactions: AtomicUsize,
}

object!(Open, ml_db, 3, "database");

/// Opens the file at `path`, and creates it if there is none, with mode 0600.
///
/// Fails with `ML_IN_USE` if another process or handle has it, `ML_NOT_MEMLITH`,
/// `ML_UNSUPPORTED_FORMAT` or `ML_CORRUPTION` if it cannot be read; it is left as it is then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_open(
    path: ml_str,
    options: *const ml_options,
    db: *mut *mut ml_db,
    error: *mut *mut ml_error,
) -> ml_status {
    call(error, || {
        // First, so that the embedders are owned whatever else is wrong.
        let (options, read_only) = crate::options::options(options)?;
        let place = out(db, "db")?;
        let path = path.required("path")?;
        let opened = if read_only { options.open_read_only(path) } else { options.open(path) };
        place.set(handle::give(Open::new(opened?))?);
        Ok(())
    })
}

/// Opens a database without a file, gone when it is closed: for tests and trials.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_open_in_memory(
    options: *const ml_options,
    db: *mut *mut ml_db,
    error: *mut *mut ml_error,
) -> ml_status {
    call(error, || {
        let (options, _) = crate::options::options(options)?;
        let place = out(db, "db")?;
        place.set(handle::give(Open::new(options.in_memory()?))?);
        Ok(())
    })
}

/// Ends background work, makes everything durable, and gives the database back. NULL is fine.
///
/// `ML_OPEN_TRANSACTIONS` if a transaction of it is open: then it stays open. After any other status it is
/// closed; one that is not `ML_OK` says what could not be done first, as does `ML_LATCHED`.
///
/// Snapshots and cursors stay as they are, and the file is given up with the last of them. Calls of other
/// threads that are under way come to their end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_close(db: *mut ml_db, error: *mut *mut ml_error) -> ml_status {
    if db.is_null() {
        return call(error, || Ok(()));
    }
    call(error, || {
        if let Ok(open) = handle::get::<Open>(db)
            && open.transactions.load(Ordering::Acquire) > 0
        {
            let message = "a transaction is open: commit it or roll it back first";
            return Err(Failure::new(ml_status::ML_OPEN_TRANSACTIONS, message));
        }
        Ok(handle::take::<Open>(db)?.db.clone().close()?)
    })
}

/// The newest commit that survives power loss.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_durable_seq(
    db: *const ml_db,
    seq: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        out(seq, "seq")?.set(open.db.durable_seq().0);
        Ok(())
    })
}

impl Open {
    fn new(db: Db) -> Self {
        Open { db, transactions: AtomicUsize::new(0) }
    }
}
