//! What a call came to, as a number that never changes its meaning.

use memlith::ErrorKind;

/// What a call came to.
///
/// The numbers are fixed for ever: a program may store them, send them or switch over them. New ones may
/// come; treat one that you do not know as a failure.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ml_status {
    /// It is done.
    ML_OK = 0,
    /// No such file, memory or vector space.
    ML_NOT_FOUND = 1,
    /// It exists already: a file, an external id, an idempotency key.
    ML_ALREADY_EXISTS = 2,
    /// Another process or handle has the file open. The error's context has `holder_pid`.
    ML_IN_USE = 3,
    /// The write could not start within the busy timeout: another one is still running.
    ML_BUSY = 4,
    /// An argument breaks a documented rule.
    ML_INVALID_INPUT = 5,
    /// An argument or an answer is larger than a documented limit.
    ML_LIMIT_EXCEEDED = 6,
    /// A vector does not have the dimension of its space.
    ML_DIMENSION_MISMATCH = 7,
    /// A filter does not parse. The error's context has `column`.
    ML_FILTER_SYNTAX = 8,
    /// The file is not a Memlith file.
    ML_NOT_MEMLITH = 9,
    /// The file is of a format version that this library does not read or write.
    ML_UNSUPPORTED_FORMAT = 10,
    /// Stored bytes are damaged. The file is left as it is.
    ML_CORRUPTION = 11,
    /// The operating system reported an I/O error.
    ML_IO = 12,
    /// The device is full.
    ML_STORAGE_FULL = 13,
    /// An earlier failure closed this database to writing: close it and open it again.
    ML_LATCHED = 14,
    /// It is unknown whether the commit is durable: open again and ask `ml_db_outcome`.
    ML_OUTCOME_UNKNOWN = 15,
    /// The snapshot was held for too long and was revoked: take another.
    ML_SNAPSHOT_EXPIRED = 16,
    /// A write to a database that was opened for reading.
    ML_READ_ONLY = 17,
    /// The process was forked: open the file in the child.
    ML_FORKED = 18,
    /// The deadline of the call passed.
    ML_DEADLINE_EXCEEDED = 19,
    /// The embedder callback failed.
    ML_EMBEDDER = 20,
    /// A defect of this library. What was committed is not lost.
    ML_INTERNAL = 21,
    /// Another thread ended the call by its cancellation.
    ML_CANCELLED = 22,

    /// A pointer that must not be NULL is, or has the wrong alignment.
    ML_NULL_POINTER = 64,
    /// Text is not UTF-8.
    ML_BAD_UTF8 = 65,
    /// A handle that this library never gave, or of another kind.
    ML_BAD_HANDLE = 66,
    /// A handle that was given back already.
    ML_STALE_HANDLE = 67,
    /// A transaction or cursor was used by another thread than the one that began it.
    ML_WRONG_THREAD = 68,
    /// A callback called back into the library.
    ML_REENTRANT = 69,
    /// The library panicked: a defect. The handle takes no further calls; give it back.
    ML_PANIC = 70,
    /// The handle takes no calls since one of them panicked.
    ML_POISONED = 71,
    /// A `struct_size`, a length or a count cannot be true.
    ML_BAD_SIZE = 72,
    /// The database cannot be closed while a transaction is open.
    ML_OPEN_TRANSACTIONS = 73,
}

impl From<ErrorKind> for ml_status {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NotFound => ml_status::ML_NOT_FOUND,
            ErrorKind::AlreadyExists => ml_status::ML_ALREADY_EXISTS,
            ErrorKind::InUse => ml_status::ML_IN_USE,
            ErrorKind::Busy => ml_status::ML_BUSY,
            ErrorKind::InvalidInput => ml_status::ML_INVALID_INPUT,
            ErrorKind::LimitExceeded => ml_status::ML_LIMIT_EXCEEDED,
            ErrorKind::DimensionMismatch => ml_status::ML_DIMENSION_MISMATCH,
            ErrorKind::FilterSyntax => ml_status::ML_FILTER_SYNTAX,
            ErrorKind::NotMemlith => ml_status::ML_NOT_MEMLITH,
            ErrorKind::UnsupportedFormat => ml_status::ML_UNSUPPORTED_FORMAT,
            ErrorKind::Corruption => ml_status::ML_CORRUPTION,
            ErrorKind::Io => ml_status::ML_IO,
            ErrorKind::StorageFull => ml_status::ML_STORAGE_FULL,
            ErrorKind::Latched => ml_status::ML_LATCHED,
            ErrorKind::OutcomeUnknown => ml_status::ML_OUTCOME_UNKNOWN,
            ErrorKind::SnapshotExpired => ml_status::ML_SNAPSHOT_EXPIRED,
            ErrorKind::ReadOnly => ml_status::ML_READ_ONLY,
            ErrorKind::Forked => ml_status::ML_FORKED,
            ErrorKind::DeadlineExceeded => ml_status::ML_DEADLINE_EXCEEDED,
            ErrorKind::Embedder => ml_status::ML_EMBEDDER,
            ErrorKind::Cancelled => ml_status::ML_CANCELLED,
            _ => ml_status::ML_INTERNAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_has_a_status_of_its_own() {
        for (place, kind) in ErrorKind::ALL.into_iter().enumerate() {
            let status = ml_status::from(kind);
            assert_eq!(status == ml_status::ML_INTERNAL, kind == ErrorKind::Internal, "{kind:?}");
            let earlier = ErrorKind::ALL[..place].iter().map(|kind| ml_status::from(*kind));
            assert!(!earlier.into_iter().any(|of_another| of_another == status), "{kind:?}");
        }
    }
}
