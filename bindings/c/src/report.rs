//! Figures, and the health of a file.

use crate::boundary::out;
use crate::call::on;
use crate::db::{Open, ml_db};
use crate::error::ml_error;
use crate::progress::{Progress, ml_progress};
use crate::status::ml_status;
use crate::text::{self, ml_text};
use memlith_json::{StatsJson, VerifyJson};
use std::time::Instant;

/// The figures of the file and of this database as a JSON object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_stats(
    db: *const ml_db,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let place = out(json, "json")?;
        text::give_json(&StatsJson::new(&open.db.stats()?), place)
    })
}

/// Checks the file: every checksum, the log, every index against the rows. `json` gets an object with
/// `clean`, `checked`, `problems` and `notes`: damage that was found is no failure of the call. `progress`
/// gets the number of parts that are done; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_verify(
    db: *const ml_db,
    progress: *const ml_progress,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let progress = Progress::of(progress)?;
        let place = out(json, "json")?;
        let (started, mut parts) = (Instant::now(), 0);
        let report = open.db.verify(&mut |_| {
            progress.tell(parts, 0);
            parts += 1;
        })?;
        text::give_json(&VerifyJson::new(&report, started.elapsed().as_secs_f64()), place)
    })
}
