//! Would the harness find it? Defects planted in the engine, one at a time.
//!
//! **Invariant:** a defect counts as found only if a seed fails with it and holds without it. When
//! a seed ends, however it ends, nothing is planted any more.

use super::{Part, Tally, container, crashes, faults, lies, run};
use crate::planted::{Defect, plant};

/// Seeds that may hold although a defect is planted, before it counts as missed; nearly all of the
/// defects fail one of the first three.
const MOST_SEEDS: u64 = 120;

/// A defect that can be planted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Planted {
    /// What to call it by.
    pub name: &'static str,
    /// The part that is to find it.
    pub part: &'static str,
    defect: Defect,
    /// What looks for it: the part, or less of it.
    hunt: fn(u64, &mut Tally),
}

/// All of them.
pub const PLANTED: &[Planted] = &[
    by_container("sync-skipped", Defect::SyncSkipped),
    by_container("slot-not-written", Defect::SlotNotWritten),
    by_container("slots-in-place", Defect::SlotsInPlace),
    by_container("limbo-skipped", Defect::LimboSkipped),
    by_container("segment-not-synced", Defect::SegmentNotSynced),
    by_crashes("released-before-durable", Defect::ReleasedBeforeDurable),
    by_crashes("pins-ignored", Defect::PinsIgnored),
    by_container("free-before-known", Defect::FreeBeforeKnown),
    by_faults("latch-skipped", Defect::LatchSkipped),
    by_faults("failure-ignored", Defect::FailureIgnored),
    by_crashes("acknowledged-early", Defect::AcknowledgedEarly),
    by_crashes("relaxed-called-durable", Defect::RelaxedCalledDurable),
    by_container("move-not-synced", Defect::MoveNotSynced),
    by_container("moved-from-free", Defect::MovedFromFree),
    by_container("copy-not-synced", Defect::CopyNotSynced),
    by_container("cut-before-slot", Defect::CutBeforeSlot),
    by_container("sums-behind-sync", Defect::SumsBehindSync),
    by_crashes("rows-apart", Defect::RowsApart),
    by_crashes("log-row-skipped", Defect::LogRowSkipped),
    by_crashes("log-trimmed-too-far", Defect::LogTrimmedTooFar),
    by_crashes("watermark-too-high", Defect::WatermarkTooHigh),
    by_crashes("deletions-passed-over", Defect::DeletionsPassedOver),
    by_crashes("edges-left-over", Defect::EdgesLeftOver),
    by_crashes("edges-without-end", Defect::EdgesWithoutEnd),
    by_crashes("edge-half-linked", Defect::EdgeHalfLinked),
    by_crashes("id-given-again", Defect::IdGivenAgain),
    by_crashes("vectors-gone-first", Defect::VectorsGoneFirst),
    by_crashes("replaced-vector-gone", Defect::ReplacedVectorGone),
    by_crashes("row-left-over", Defect::RowLeftOver),
    by_crashes("node-vectors-left", Defect::NodeVectorsLeft),
    by_crashes("nodes-own-nothing", Defect::NodesOwnNothing),
    by_crashes("merged-before-durable", Defect::MergedBeforeDurable),
    by_lies("panic-passed-on", Defect::PanicPassedOn),
];

const fn by_container(name: &'static str, defect: Defect) -> Planted {
    Planted { name, part: "container", defect, hunt: container::torture }
}

const fn by_crashes(name: &'static str, defect: Defect) -> Planted {
    Planted { name, part: "crashes", defect, hunt: crashes::torture }
}

const fn by_faults(name: &'static str, defect: Defect) -> Planted {
    Planted { name, part: "faults", defect, hunt: |seed, tally| faults::fail_each(seed, 16, tally) }
}

const fn by_lies(name: &'static str, defect: Defect) -> Planted {
    Planted { name, part: "lies", defect, hunt: lies::torture }
}

impl Planted {
    /// Runs one seed of a part with the defect in force.
    ///
    /// # Errors
    /// In words, how the defect was found, and where.
    pub fn run(&self, part: &Part, seed: u64) -> Result<Tally, String> {
        let _planted = plant(self.defect);
        part.run(seed)
    }

    fn is_found(&self, seed: u64) -> bool {
        let _planted = plant(self.defect);
        run(self.hunt, seed).is_err()
    }
}

/// One seed: one defect.
pub(super) fn torture(seed: u64, tally: &mut Tally) {
    let planted = &PLANTED[seed as usize % PLANTED.len()];
    let Planted { name, part, .. } = planted;
    let Some(found) = (0..MOST_SEEDS).find(|seed| planted.is_found(*seed)) else {
        panic!("{name} is not found by {MOST_SEEDS} seeds of {part}");
    };
    if let Err(why) = run(planted.hunt, found) {
        panic!("{name} is found by seed {found} of {part}, but so is something else: {why}");
    }
    tally.add("planted defects found", 1);
    tally.add("seeds that it took", found + 1);
}
