//! What is done by itself in the background, done now.

use crate::boundary::out;
use crate::call::{call, on};
use crate::db::{Open, ml_db};
use crate::error::ml_error;
use crate::handle::{self, object};
use crate::progress::{Progress, ml_progress};
use crate::status::ml_status;
use crate::text::{self, ml_text};
use crate::views::ml_str;
use crate::write::set_if;
use memlith::BackgroundPause;
use memlith_json::SalvageJson;
use std::path::Path;
use std::time::Instant;

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

/// The same of one vector space.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_warm_space(
    db: *const ml_db,
    space: ml_str,
    progress: *const ml_progress,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let progress = Progress::of(progress)?;
        let space = space.required("space")?;
        Ok(open.db.warm_space(space, &mut |done, total| progress.tell(done, total))?)
    })
}

/// Background work that is held up. Yours: give it back with `ml_pause_free`, which lets it go on.
///
/// Threads: usable from any thread.
pub struct ml_pause {
    _opaque: [u8; 0],
}

/// What a pause handle stands for.
pub(crate) struct Pause(
    #[expect(dead_code, reason = "what ends it is that it is dropped")] BackgroundPause,
);

object!(Pause, ml_pause, 9, "pause");

/// Holds up background work, for a moment in which the machine is needed for something else. What keeps a
/// promise (making relaxed commits durable) goes on, and so does the step that is under way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_pause_background(
    db: *const ml_db,
    pause: *mut *mut ml_pause,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let place = out(pause, "pause")?;
        place.set(handle::give(Pause(open.db.pause_background()))?);
        Ok(())
    })
}

/// Lets background work go on, and gives the pause back. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_pause_free(pause: *mut ml_pause) -> ml_status {
    crate::call::free::<Pause>(pause)
}

/// Gets out of a damaged file what it provably still holds, into a new one: docs/salvage.md. `json` gets an
/// object with `complete`, how much of each sort is `recovered` and `lost`, and what of it. `progress` may be
/// NULL. `ML_CORRUPTION` if nothing can be proved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_salvage(
    damaged: ml_str,
    into: ml_str,
    progress: *const ml_progress,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    call(error, || {
        let progress = Progress::of(progress)?;
        let place = out(json, "json")?;
        let (damaged, into) = (damaged.required("damaged")?, into.required("into")?);
        let started = Instant::now();
        let report =
            memlith::salvage(Path::new(damaged), Path::new(into), &mut |_, done, total| {
                progress.tell(done, total);
            })?;
        text::give_json(&SalvageJson::new(&report, started.elapsed().as_secs_f64()), place)
    })
}
