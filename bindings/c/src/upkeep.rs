//! What is done by itself in the background, done now.

use crate::call::on;
use crate::db::{Open, ml_db};
use crate::error::ml_error;
use crate::progress::{Progress, ml_progress};
use crate::status::ml_status;
use crate::write::set_if;

/// Makes every relaxed commit durable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_flush(db: *const ml_db, error: *mut *mut ml_error) -> ml_status {
    on::<Open>(db, error, |open| Ok(open.db.flush()?))
}

/// Writes the images of all indexes, so that the next opening has nothing to fold.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_checkpoint(
    db: *const ml_db,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| Ok(open.db.checkpoint()?))
}

/// Links all vectors into the graphs of their spaces. `progress` may be NULL, here and below.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_link(
    db: *const ml_db,
    progress: *const ml_progress,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let progress = Progress::of(progress)?;
        Ok(open.db.link(&mut |done, total| progress.tell(done, total))?)
    })
}

/// Gives every byte of the file back that can be. `before_bytes` and `after_bytes` get its length; both may
/// be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_compact(
    db: *const ml_db,
    progress: *const ml_progress,
    before_bytes: *mut u64,
    after_bytes: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let progress = Progress::of(progress)?;
        let compacted = open.db.compact(&mut |done, total| progress.tell(done, total))?;
        set_if(before_bytes, "before_bytes", || Ok(compacted.before_bytes))?;
        set_if(after_bytes, "after_bytes", || Ok(compacted.after_bytes))
    })
}

/// Deletes every derived index, and makes it anew from the rows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_rebuild(
    db: *const ml_db,
    progress: *const ml_progress,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let progress = Progress::of(progress)?;
        Ok(open.db.rebuild(&mut |done, total| progress.tell(done, total))?)
    })
}

/// Reads and verifies the images of all indexes, before the first search has to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_warm(
    db: *const ml_db,
    progress: *const ml_progress,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let progress = Progress::of(progress)?;
        Ok(open.db.warm(&mut |done, total| progress.tell(done, total))?)
    })
}
