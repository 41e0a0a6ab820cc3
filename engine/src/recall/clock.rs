//! The deadline of a call.

use crate::Result;
use crate::error::Detail;
use std::time::{Duration, Instant};

/// When a call gives up; perhaps never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// Never.
    pub(crate) const NONE: Deadline = Deadline(None);

    /// That long from now.
    pub(crate) fn after(limit: Option<Duration>) -> Self {
        Deadline(limit.and_then(|limit| Instant::now().checked_add(limit)))
    }

    pub(crate) fn has_passed(&self) -> bool {
        self.0.is_some_and(|at| Instant::now() >= at)
    }

    /// # Errors
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) once it has passed.
    pub(crate) fn check(&self, doing: &'static str) -> Result<()> {
        if self.has_passed() { Err(Detail::Deadline { doing }.into()) } else { Ok(()) }
    }
}
