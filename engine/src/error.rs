//! The one error type of the library.
//!
//! **Invariant:** an [`Error`] says what happened, to what, and what the caller can do; its
//! [`kind`](Error::kind) is what programs match on and never changes meaning. Every cause is a
//! typed [`Detail`]: no free text is made up at the place that fails.

use memlith_index::image::ImageError;
use memlith_index::vectors::VectorError;
use std::path::Path;
use std::sync::Arc;
use std::{fmt, io};

/// The result of every fallible call of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it was. Match on this; show the [`Error`] itself to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such file, record or space.
    NotFound,
    /// It exists already: a file, an external id, an idempotency key.
    AlreadyExists,
    /// Another process or handle has the file open.
    InUse,
    /// The write could not start within the busy timeout.
    Busy,
    /// An argument breaks a documented rule.
    InvalidInput,
    /// An argument or an answer is larger than a documented limit.
    LimitExceeded,
    /// A vector does not have the dimension of its space.
    DimensionMismatch,
    /// A filter expression does not parse.
    FilterSyntax,
    /// The file is not a Memlith file.
    NotMemlith,
    /// The file is of a format version this library does not read or write.
    UnsupportedFormat,
    /// Stored bytes are damaged.
    Corruption,
    /// The operating system reported an I/O error.
    Io,
    /// The device is full.
    StorageFull,
    /// An earlier failure closed this handle to further use; reopen the file.
    Latched,
    /// It is unknown whether the commit is durable; ask `outcome` after reopening.
    OutcomeUnknown,
    /// The view outlived its limits and was revoked; read again.
    SnapshotExpired,
    /// A write on a handle opened for reading.
    ReadOnly,
    /// The handle was carried across a `fork`; open the file in the child.
    Forked,
    /// The deadline of the call passed.
    DeadlineExceeded,
    /// The call was cancelled.
    Cancelled,
    /// The embedder callback failed.
    Embedder,
    /// A defect of this library; the handle is latched and nothing committed is lost.
    Internal,
}

impl ErrorKind {
    /// All there are, in this version: for a door of another language, which has a name or a number for each.
    pub const ALL: [ErrorKind; 22] = [
        ErrorKind::NotFound,
        ErrorKind::AlreadyExists,
        ErrorKind::InUse,
        ErrorKind::Busy,
        ErrorKind::InvalidInput,
        ErrorKind::LimitExceeded,
        ErrorKind::DimensionMismatch,
        ErrorKind::FilterSyntax,
        ErrorKind::NotMemlith,
        ErrorKind::UnsupportedFormat,
        ErrorKind::Corruption,
        ErrorKind::Io,
        ErrorKind::StorageFull,
        ErrorKind::Latched,
        ErrorKind::OutcomeUnknown,
        ErrorKind::SnapshotExpired,
        ErrorKind::ReadOnly,
        ErrorKind::Forked,
        ErrorKind::DeadlineExceeded,
        ErrorKind::Cancelled,
        ErrorKind::Embedder,
        ErrorKind::Internal,
    ];
}

const _: () = assert!(ErrorKind::Internal as usize + 1 == ErrorKind::ALL.len(), "one is missing");

/// The cause, with its context. One variant per distinct thing to tell the caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Detail {
    #[error("{what} {name:?} does not exist")]
    NotFound { what: &'static str, name: Box<str> },
    #[error("{what} {name:?} exists already")]
    AlreadyExists { what: &'static str, name: Box<str> },
    #[error("the file is in use{}; close it there, and try again", holder(*pid))]
    InUse { pid: Option<u32> },
    #[error("no write could start within {waited_ms} ms; another write is still running")]
    Busy { waited_ms: u64 },
    #[error("{what}: {rule}")]
    Invalid { what: &'static str, rule: &'static str },
    #[error("{what} is {found}, the limit is {limit}")]
    Limit { what: &'static str, found: u64, limit: u64 },
    #[error("space {space:?} holds vectors of {expected} dimensions, this one has {found}")]
    Dimension { space: Box<str>, expected: usize, found: usize },
    #[error("space {space:?} refuses the vector: {source}")]
    Vector { space: Box<str>, source: VectorError },
    #[error("{what} has {found} bytes, the limit is {limit}")]
    LabelTooLong { what: &'static str, found: usize, limit: usize },
    #[error("internal error while {doing}; reopen the file, and please report it")]
    Internal { doing: &'static str },
    #[error("space {space:?} belongs to embedder {expected:?}, not to {found:?}")]
    EmbedderMismatch { space: Box<str>, expected: Box<str>, found: Box<str> },
    #[error(transparent)]
    Filter(#[from] crate::filter::FilterError),
    #[error("this is not a Memlith file: {why}")]
    NotMemlith { why: &'static str },
    #[error("the file has format {found}; this library {does} format {supported}")]
    Format { does: &'static str, found: u32, supported: u32 },
    #[error("the file uses {what}, which this library does not support")]
    Feature { what: &'static str },
    #[error("damaged {place}: expected {expected}, found {found}")]
    Corruption { place: &'static str, expected: Box<str>, found: Box<str> },
    #[error("{doing}: {source}")]
    Io { doing: &'static str, source: io::Error },
    #[error("{name}: {source}")]
    OfFile { name: Box<str>, source: Error },
    #[error("an earlier failure closed this handle; reopen the file")]
    Latched,
    #[error(
        "the commit failed at a point where it may or may not be durable; reopen the file and ask for its outcome: {source}"
    )]
    OutcomeUnknown { source: Arc<Error> },
    #[error(
        "the view was revoked after {age_ms} ms (it pinned more than the limits allow); read again"
    )]
    SnapshotExpired { age_ms: u64 },
    #[error("{source}")]
    Elsewhere { source: Arc<dyn std::error::Error + Send + Sync> },
    #[error("the file was opened for reading only")]
    ReadOnly,
    #[error("the handle was carried across a fork; open the file in the child process")]
    Forked,
    #[error("the deadline passed while {doing}")]
    Deadline { doing: &'static str },
    #[error("the call was cancelled")]
    Cancelled,
    #[error("the embedder failed: {source}")]
    Embedder { source: Box<dyn std::error::Error + Send + Sync> },
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
}

/// What went wrong, to what, and what to do about it.
///
/// One pointer wide. [`kind`](Self::kind) is for programs, `Display` for people, and
/// [`source`](std::error::Error::source) leads to the error of the system below, if there is one.
pub struct Error(Box<Detail>);

impl Error {
    /// What kind of failure it was.
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Detail::NotFound { .. } => ErrorKind::NotFound,
            Detail::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Detail::InUse { .. } => ErrorKind::InUse,
            Detail::Busy { .. } => ErrorKind::Busy,
            Detail::Invalid { .. } | Detail::EmbedderMismatch { .. } | Detail::Vector { .. } => {
                ErrorKind::InvalidInput
            }
            Detail::Limit { .. } | Detail::LabelTooLong { .. } => ErrorKind::LimitExceeded,
            Detail::Internal { .. } => ErrorKind::Internal,
            Detail::Dimension { .. } => ErrorKind::DimensionMismatch,
            Detail::Filter(_) => ErrorKind::FilterSyntax,
            Detail::NotMemlith { .. } => ErrorKind::NotMemlith,
            Detail::Format { .. } | Detail::Feature { .. } => ErrorKind::UnsupportedFormat,
            Detail::Corruption { .. } => ErrorKind::Corruption,
            Detail::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::Io,
            },
            Detail::OfFile { source, .. } => source.kind(),
            Detail::Elsewhere { source } => {
                source.downcast_ref::<Error>().map_or(ErrorKind::Internal, Error::kind)
            }
            Detail::Latched => ErrorKind::Latched,
            Detail::OutcomeUnknown { .. } => ErrorKind::OutcomeUnknown,
            Detail::SnapshotExpired { .. } => ErrorKind::SnapshotExpired,
            Detail::ReadOnly => ErrorKind::ReadOnly,
            Detail::Forked => ErrorKind::Forked,
            Detail::Deadline { .. } => ErrorKind::DeadlineExceeded,
            Detail::Cancelled => ErrorKind::Cancelled,
            Detail::Embedder { .. } => ErrorKind::Embedder,
        }
    }

    /// The process that holds the file, where the kind is [`ErrorKind::InUse`] and the system
    /// can tell.
    pub fn holder_pid(&self) -> Option<u32> {
        match &*self.0 {
            Detail::InUse { pid } => *pid,
            Detail::OfFile { source, .. } => source.holder_pid(),
            _ => None,
        }
    }

    /// The filter error with its column, where the kind is [`ErrorKind::FilterSyntax`].
    pub fn filter(&self) -> Option<&crate::filter::FilterError> {
        match &*self.0 {
            Detail::Filter(e) => Some(e),
            _ => None,
        }
    }

    pub(crate) fn io(doing: &'static str, source: io::Error) -> Self {
        Detail::Io { doing, source }.into()
    }

    pub(crate) fn corruption(
        place: &'static str,
        expected: impl Into<Box<str>>,
        found: impl Into<Box<str>>,
    ) -> Self {
        Detail::Corruption { place, expected: expected.into(), found: found.into() }.into()
    }

    /// The same, of one of several files that a call is about.
    pub(crate) fn of_file(self, path: &Path) -> Self {
        Detail::OfFile { name: path.display().to_string().into(), source: self }.into()
    }

    pub(crate) fn invalid(what: &'static str, rule: &'static str) -> Self {
        Detail::Invalid { what, rule }.into()
    }

    pub(crate) fn not_found(what: &'static str, name: impl fmt::Display) -> Self {
        Detail::NotFound { what, name: name.to_string().into() }.into()
    }
}

impl From<Detail> for Error {
    fn from(detail: Detail) -> Self {
        Error(Box::new(detail))
    }
}

impl From<ImageError> for Error {
    fn from(e: ImageError) -> Self {
        Error::corruption("index image", "a readable image", e.to_string())
    }
}

impl From<crate::filter::FilterError> for Error {
    fn from(e: crate::filter::FilterError) -> Self {
        Detail::Filter(e).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)
    }
}

/// Refuses what is larger than a documented limit.
pub(crate) fn check_limit(what: &'static str, found: usize, limit: usize) -> Result<()> {
    if found <= limit {
        return Ok(());
    }
    Err(Detail::Limit { what, found: found as u64, limit: limit as u64 }.into())
}
