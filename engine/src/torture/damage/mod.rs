//! Files that were closed in good order, and then damaged.
//!
//! ```text
//! workload --> closed file --+--> which bytes are live (from redb's own check, not from `verify`)
//!                            |
//!                            +--> flips, cuts, swaps --> trial: opened, asked, verified;
//!                                                               opened with verification
//! ```
//!
//! **Invariant:** what is to become of a damaged file follows from which bytes differ, and from
//! nothing that the engine says of it.

mod answers;
mod closed;
mod cuts;
mod flips;
mod heap;
mod live;
mod swaps;
mod trial;
mod watched;

use super::{Tally, at};
use crate::file::Access;
use crate::file::crash::Rng;
use closed::Closed;
use flips::Flip;
pub use heap::{HeapGauge, measure_heap};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use trial::{Fate, Promise, Subject};

/// Failures of one seed that are told.
const MAX_TOLD: usize = 10;
/// Of so many damaged files one is written to, if it can be.
const GO_ON_EVERY: u64 = 8;

/// Tries one change after another, and tells all that do not end as they must.
struct Trials<'a> {
    subject: &'a Subject,
    seed: u64,
    tally: &'a mut Tally,
    tried: u64,
    failures: Vec<String>,
}

impl<'a> Trials<'a> {
    fn new(subject: &'a Subject, seed: u64, tally: &'a mut Tally) -> Self {
        Trials { subject, seed, tally, tried: 0, failures: Vec::new() }
    }

    fn try_change(
        &mut self,
        change: &dyn Display,
        bytes: &[u8],
        promise: Promise,
        name: fn(Fate) -> &'static str,
    ) {
        let access = [Access::ReadWrite, Access::ReadOnly][self.tried as usize % 2];
        let goes_on = self.tried.is_multiple_of(GO_ON_EVERY);
        self.tried += 1;
        let place = format!("seed {}, {change}", self.seed);
        let subject = self.subject;
        let mut tally = Tally::default();
        let tried = catch_unwind(AssertUnwindSafe(|| {
            at(&place, || subject.try_bytes(bytes, promise, access, goes_on, &mut tally))
        }));
        match tried {
            Ok(fate) => {
                self.tally.add(name(fate), 1);
                self.tally.merge(&tally);
            }
            Err(panic) => self.failures.push(super::words(&*panic).to_owned()),
        }
    }

    fn finish(self) {
        let count = self.failures.len();
        let told = &self.failures[..count.min(MAX_TOLD)];
        assert!(count == 0, "{count} of {} changes:\n  {}", self.tried, told.join("\n  "));
    }
}

fn name_of_flip(fate: Fate) -> &'static str {
    match fate {
        Fate::Harmless => "flips that were harmless",
        Fate::Noted => "flips of a header slot, noted",
        Fate::Refused => "flips refused on opening",
        Fate::Reported => "flips reported by a read",
        Fate::Latent => "flips that verify found alone",
        Fate::Misread => "flips misread",
    }
}

/// Flips all over the file of a seed.
pub(super) fn flips(seed: u64, tally: &mut Tally) {
    const STEPS: usize = 40;
    const FLIPS: usize = 330;
    let subject = Subject::new(Closed::make(seed, STEPS));
    let mut rng = Rng::new(!seed);
    let flips = flips::anywhere(&subject, FLIPS, &mut rng);
    try_flips(seed, &subject, &flips, tally);
}

/// Every byte of a small file that says how others are to be read.
pub(super) fn metadata(seed: u64, tally: &mut Tally) {
    const STEPS: usize = 8;
    let subject = Subject::new(Closed::make(seed, STEPS));
    let flips = flips::of_every_byte_about_others(&subject, &mut Rng::new(!seed));
    try_flips(seed, &subject, &flips, tally);
}

fn try_flips(seed: u64, subject: &Subject, flips: &[Flip], tally: &mut Tally) {
    let mut trials = Trials::new(subject, seed, tally);
    for flip in flips {
        trials.tally.add("flips", 1);
        trials.tally.add(flip.kind(), 1);
        let bytes = flip.apply(&subject.closed.bytes);
        trials.try_change(flip, &bytes, Promise::Right, name_of_flip);
    }
    trials.finish();
}

/// Files that end too early or too late.
pub(super) fn cuts(seed: u64, tally: &mut Tally) {
    const STEPS: usize = 24;
    let subject = Subject::new(Closed::make(seed, STEPS));
    let mut trials = Trials::new(&subject, seed, tally);
    for cut in cuts::at_borders(&subject, &mut Rng::new(!seed)) {
        let bytes = cut.apply(&subject.closed.bytes);
        trials.try_change(&cut, &bytes, Promise::Right, |fate| match fate {
            Fate::Harmless => "other ends that were harmless",
            Fate::Noted => "other ends that were noted",
            Fate::Refused => "other ends refused on opening",
            Fate::Reported => "other ends reported by a read",
            Fate::Latent => "other ends that verify found alone",
            Fate::Misread => "other ends misread",
        });
    }
    trials.finish();
}

/// Bytes in the wrong place, of the wrong file or time, or wiped.
pub(super) fn swaps(seed: u64, tally: &mut Tally) {
    const STEPS: usize = 24;
    let subject = Subject::new(Closed::make(seed, STEPS));
    // The chunks of every second seed are of the same size.
    let other = Closed::make(seed + 2, STEPS).bytes;
    let mut trials = Trials::new(&subject, seed, tally);
    for swap in swaps::all(&subject, &mut Rng::new(!seed)) {
        let bytes = swap.apply(&subject, &other);
        trials.try_change(&swap, &bytes, swap.promise, |fate| match fate {
            Fate::Harmless => "swaps that were harmless",
            Fate::Noted => "swaps of a header slot, noted",
            Fate::Refused => "swaps refused on opening",
            Fate::Reported => "swaps reported by a read",
            Fate::Latent => "swaps that verify found alone",
            Fate::Misread => "swaps misread",
        });
    }
    trials.finish();
}
