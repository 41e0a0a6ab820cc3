//! What the library says of itself.

use crate::status::ml_status;
use std::ffi::{CStr, c_char};

/// The version of the binary interface. A program that was built for one runs with every library of the
/// same one: functions, fields at the end of structures and statuses are only added.
pub const ML_ABI_VERSION: u32 = 1;

/// The version of the interface of the library that is loaded: compare it with `ML_ABI_VERSION`.
#[unsafe(no_mangle)]
pub extern "C" fn ml_abi_version() -> u32 {
    ML_ABI_VERSION
}

/// The version of the library, such as `"0.1.0"`. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn ml_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    CStr::from_bytes_with_nul(VERSION.as_bytes()).unwrap_or_default().as_ptr()
}

macro_rules! names {
    ($($status:ident),* $(,)?) => {
        const NAMES: &[(i32, &CStr)] = &[$((
            ml_status::$status as i32,
            match CStr::from_bytes_with_nul(concat!(stringify!($status), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => c"",
            },
        )),*];
    };
}

names! {
    ML_OK, ML_NOT_FOUND, ML_ALREADY_EXISTS, ML_IN_USE, ML_BUSY, ML_INVALID_INPUT, ML_LIMIT_EXCEEDED,
    ML_DIMENSION_MISMATCH, ML_FILTER_SYNTAX, ML_NOT_MEMLITH, ML_UNSUPPORTED_FORMAT, ML_CORRUPTION,
    ML_IO, ML_STORAGE_FULL, ML_LATCHED, ML_OUTCOME_UNKNOWN, ML_SNAPSHOT_EXPIRED, ML_READ_ONLY,
    ML_FORKED, ML_DEADLINE_EXCEEDED, ML_EMBEDDER, ML_INTERNAL, ML_CANCELLED, ML_NULL_POINTER, ML_BAD_UTF8,
    ML_BAD_HANDLE, ML_STALE_HANDLE, ML_WRONG_THREAD, ML_REENTRANT, ML_PANIC, ML_POISONED, ML_BAD_SIZE,
    ML_OPEN_TRANSACTIONS,
}

/// The name of a status, such as `"ML_NOT_FOUND"`; `"ML_UNKNOWN"` if it is none. Lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn ml_status_name(status: i32) -> *const c_char {
    let known = NAMES.iter().find(|(number, _)| *number == status);
    known.map_or(c"ML_UNKNOWN", |(_, name)| name).as_ptr()
}
