//! The deadline of a call, and its cancellation.

use crate::Result;
use crate::error::{Detail, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Ends calls that are under way, from another thread: give a clone to a request, and keep one.
///
/// ```
/// # let db = memlith::Options::new().in_memory()?;
/// use memlith::{Cancellation, ErrorKind, Recall};
/// let cancellation = Cancellation::new();
/// let request = Recall::new().text("tea").cancellation(&cancellation);
/// cancellation.cancel();
/// assert_eq!(db.recall(&request).unwrap_err().kind(), ErrorKind::Cancelled);
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// One that has not been used yet.
    pub fn new() -> Self {
        Cancellation::default()
    }

    /// Ends all calls that have it, soon; and those that get it later at once.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Has it been used?
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Equal if they are the same one.
impl PartialEq for Cancellation {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// When a call gives up; perhaps never.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadline {
    at: Option<Instant>,
    cancellation: Option<Cancellation>,
}

impl Deadline {
    /// Never.
    pub(crate) const NONE: Deadline = Deadline { at: None, cancellation: None };

    /// That long from now.
    pub(crate) fn after(limit: Option<Duration>) -> Self {
        let at = limit.and_then(|limit| Instant::now().checked_add(limit));
        Deadline { at, cancellation: None }
    }

    /// Or once it is cancelled.
    pub(crate) fn or_at(self, cancellation: Option<&Cancellation>) -> Self {
        Deadline { cancellation: cancellation.cloned(), ..self }
    }

    fn is_cancelled(&self) -> bool {
        self.cancellation.as_ref().is_some_and(Cancellation::is_cancelled)
    }

    pub(crate) fn has_passed(&self) -> bool {
        self.is_cancelled() || self.at.is_some_and(|at| Instant::now() >= at)
    }

    /// # Errors
    /// [`Cancelled`](crate::ErrorKind::Cancelled) once it is, and
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) once it has passed.
    pub(crate) fn check(&self, doing: &'static str) -> Result<()> {
        self.refuse_cancelled()?;
        if self.has_passed() { Err(Detail::Deadline { doing }.into()) } else { Ok(()) }
    }

    /// # Errors
    /// [`Cancelled`](crate::ErrorKind::Cancelled) once it is.
    pub(crate) fn refuse_cancelled(&self) -> Result<()> {
        if self.is_cancelled() { Err(Detail::Cancelled.into()) } else { Ok(()) }
    }

    /// The same result; but that a call which was cancelled says so.
    pub(crate) fn explain<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|e| {
            let is_cancelled = e.kind() == ErrorKind::DeadlineExceeded && self.is_cancelled();
            if is_cancelled { Detail::Cancelled.into() } else { e }
        })
    }
}
