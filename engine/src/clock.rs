//! Where time and randomness come from.
//!
//! **Invariant:** nothing else in the library reads the wall clock, so that a test which injects one
//! is deterministic; what is random (ids of files and numberings, salts) decides nothing but names.

use std::time::{SystemTime, UNIX_EPOCH};

/// A source of wall-clock time. The engine reads it once per call and never lets the time of a
/// commit fall behind that of the commit before.
///
/// ```
/// use memlith::Clock;
/// #[derive(Debug)]
/// struct Noon;
/// impl Clock for Noon {
///     fn now_ms(&self) -> i64 {
///         1_767_268_800_000 // 2026-01-01T12:00:00Z
///     }
/// }
/// let db = memlith::Options::new().clock(Noon).in_memory()?;
/// let id = db.remember(memlith::NewMemory::new("lunch"))?;
/// assert_eq!(db.read()?.get(id)?.unwrap().created_ms, 1_767_268_800_000);
/// # Ok::<(), memlith::Error>(())
/// ```
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        }
    }
}

/// Random bytes of the system, for file ids, numbering ids and commitment salts.
pub(crate) fn random<const N: usize>() -> crate::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| crate::Error::io("reading random bytes", std::io::Error::other(e)))?;
    Ok(bytes)
}
