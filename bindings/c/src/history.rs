//! The log of commits.

use crate::boundary::out;
use crate::call::on;
use crate::db::{Open, ml_db};
use crate::error::{Failure, ml_error};
use crate::new_memory::limit;
use crate::status::ml_status;
use crate::text::{self, ml_text};
use crate::views::ml_str;
use memlith::{Head, MAX_LIMIT, Seq};
use memlith_json::{LogReportJson, LogRowJson};

/// Rows of the log in order, from the commit `from` on: a JSON array of at most `limit` (10,000) objects
/// with `seq`, `time`, `actor`, `reason`, `changes` and `hash`. The log never holds content.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_log(
    db: *const ml_db,
    from: u64,
    limit: usize,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let place = out(json, "json")?;
        self::limit("limit", limit, MAX_LIMIT)?;
        let rows = open.db.log(Seq(from), limit)?;
        text::give_json(&rows.iter().map(LogRowJson::new).collect::<Vec<_>>(), place)
    })
}

/// The end of the log, as far as it survives power loss: a line of JSON. Kept elsewhere, it proves later
/// that nothing before it was rewritten.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_head(
    db: *const ml_db,
    head: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let place = out(head, "head")?;
        text::give(open.db.head()?.to_string(), place)
    })
}

/// Checks every row of the log, and that each builds on the one before; with a head that `ml_db_head` gave,
/// also that the log passes through it. `json` gets an object with `rows`, `first` and `last`.
/// `ML_CORRUPTION` names the first commit at which the chain is broken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_verify_log(
    db: *const ml_db,
    head: ml_str,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let place = out(json, "json")?;
        let head: Option<Head> = match head.optional("head")? {
            Some(text) => Some(text.trim().parse()?),
            None => None,
        };
        text::give_json(&LogReportJson::new(&open.db.verify_log(head.as_ref())?), place)
    })
}

/// What became of the transaction with this idempotency key: its commit, and its time if `time_ms` is not
/// NULL. `ML_NOT_FOUND` if none is committed, or if it was long ago (more than an hour).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_outcome(
    db: *const ml_db,
    idempotency_key: ml_str,
    seq: *mut u64,
    time_ms: *mut i64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let seq = out(seq, "seq")?;
        let outcome = open.db.outcome(idempotency_key.required("idempotency_key")?)?;
        let missing = || Failure::new(ml_status::ML_NOT_FOUND, "no such transaction is committed");
        let outcome = outcome.ok_or_else(missing)?;
        seq.set(outcome.seq.0);
        crate::write::set_if(time_ms, "time_ms", || Ok(outcome.time_ms))
    })
}
