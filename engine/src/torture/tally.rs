//! What was done, counted; what failed, in words.
//!
//! **Invariant:** a failure of the harness is a panic, and says where it happened.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Crashes of a run that had gone well until then.
pub(crate) const CRASHES: &str = "crash points";
/// Crashes inside a recovery from another one, or just after it.
pub(crate) const COMPOUND: &str = "compound crash points";

/// Runs a part of the harness.
///
/// # Errors
/// In words, what did not hold, and where.
pub(crate) fn run(part: fn(u64, &mut Tally), seed: u64) -> Result<Tally, String> {
    let mut tally = Tally::default();
    match catch_unwind(AssertUnwindSafe(|| part(seed, &mut tally))) {
        Ok(()) => Ok(tally),
        Err(panic) => Err(words(&*panic).to_owned()),
    }
}

/// What was done and found, counted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Counts some more of something.
    pub fn add(&mut self, what: &'static str, count: u64) {
        *self.0.entry(what).or_default() += count;
    }

    /// Adds another tally to this one.
    pub fn merge(&mut self, other: &Tally) {
        other.iter().for_each(|(what, count)| self.add(what, count));
    }

    /// How much of something there was.
    pub fn count(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    /// Everything counted, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(what, count)| (*what, *count))
    }
}

/// What a panic said.
pub(crate) fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}

/// Runs `f`; a failure says where it happened.
pub fn at<T>(place: &str, f: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| panic!("{place}: {}", words(&*panic)))
}
