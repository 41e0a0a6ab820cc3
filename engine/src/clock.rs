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

/// Salts, for whoever needs many: the system is asked for some of them at a time.
pub(crate) struct Salts {
    bytes: [u8; 1024],
    used: usize,
}

impl Salts {
    /// None are drawn yet.
    pub(crate) fn new() -> Self {
        let bytes = [0; 1024];
        Salts { used: bytes.len(), bytes }
    }

    /// One that nobody has had.
    pub(crate) fn next(&mut self) -> crate::Result<[u8; 16]> {
        if self.used == self.bytes.len() {
            self.bytes = random()?;
            self.used = 0;
        }
        let mut salt = [0; 16];
        salt.copy_from_slice(&self.bytes[self.used..][..16]);
        self.used += salt.len();
        Ok(salt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_salt_comes_twice() {
        let mut salts = Salts::new();
        let drawn: BTreeSet<_> = (0..200).map(|_| salts.next().unwrap()).collect();
        assert_eq!(drawn.len(), 200);
    }
}
