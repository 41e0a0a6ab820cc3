//! What went wrong: an object of its own, so that no other thread can overwrite it.

use crate::boundary::{Out, out_if};
use crate::handle::{self, object};
use crate::status::ml_status;
use crate::views::ml_str;
use memlith_json::kind_name;
use serde_json::{Map, Value, json};

/// What went wrong, in a call that was given a place for it. Yours: give it back with `ml_error_free`.
///
/// Every call that can fail takes `ml_error **error` last. It may be NULL: the status says the kind all
/// the same. Otherwise `*error` is set to NULL first, and to a new object if the call fails.
///
/// Threads: usable from any thread.
pub struct ml_error {
    _opaque: [u8; 0],
}

/// Why a call fails, on the inside.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: ml_status,
    message: String,
    context: Map<String, Value>,
}

impl Failure {
    pub(crate) fn new(status: ml_status, message: impl Into<String>) -> Self {
        Failure { status, message: message.into(), context: Map::new() }
    }

    /// An argument that breaks a rule, in words.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Failure::new(ml_status::ML_INVALID_INPUT, message)
    }
}

impl From<memlith::Error> for Failure {
    fn from(error: memlith::Error) -> Self {
        let mut context = Map::new();
        context.insert("kind".into(), json!(kind_name(error.kind())));
        if let Some(pid) = error.holder_pid() {
            context.insert("holder_pid".into(), json!(pid));
        }
        if let Some(filter) = error.filter() {
            context.insert("column".into(), json!(filter.column()));
        }
        Failure { status: error.kind().into(), message: error.to_string(), context }
    }
}

/// What an error handle stands for.
pub(crate) struct Report {
    status: ml_status,
    message: String,
    context: String,
}

object!(Report, ml_error, 1, "error");

/// Hands a failure to the caller, if it wants to know.
pub(crate) fn tell(failure: Failure, place: Option<Out<*mut ml_error>>) -> ml_status {
    let Failure { status, message, context } = failure;
    if let Some(place) = place {
        let context = Value::Object(context).to_string();
        // Without room for another error the status must do.
        if let Ok(error) = handle::give(Report { status, message, context }) {
            place.set(error);
        }
    }
    status
}

/// Where the caller wants an error, which is set to NULL.
pub(crate) fn place(error: *mut *mut ml_error) -> Result<Option<Out<*mut ml_error>>, Failure> {
    if let Some(place) = out_if(error, "error")? {
        place.set(std::ptr::null_mut());
    }
    out_if(error, "error")
}

/// The status that the call returned; `ML_OK` if this is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_error_code(error: *const ml_error) -> ml_status {
    handle::get::<Report>(error).map_or(ml_status::ML_OK, |report| report.status)
}

/// What happened and what to do about it, for people. Valid until the error is given back; no text if
/// this is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_error_message(error: *const ml_error) -> ml_str {
    handle::get::<Report>(error).map_or(ml_str::NONE, |report| ml_str::of(&report.message))
}

/// The same for programs: a JSON object with `kind`, and where it is known `holder_pid` (the process
/// that has the file) or `column` (where a filter stops making sense). Valid as the message is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_error_context(error: *const ml_error) -> ml_str {
    handle::get::<Report>(error).map_or(ml_str::NONE, |report| ml_str::of(&report.context))
}

/// Gives an error back. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_error_free(error: *mut ml_error) -> ml_status {
    crate::call::free::<Report>(error)
}
