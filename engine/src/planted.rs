//! Defects that the crash harness plants, one at a time, to see whether it would find them.
//!
//! Each breaks one rule, in one line, at the place that keeps it.
//!
//! **Invariant:** a build without the harness has none of them: [`is`] is a constant there. With
//! the harness a defect is in force on the thread that planted it, and for as long as what
//! [`plant`] returned is alive.

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// The container's sync does not reach the disk.
    SyncSkipped,
    /// The last write before a sync, that of a changed map's slot, is not made (rule 1).
    SlotNotWritten,
    /// Slots do not alternate: each is written over the one before (rule 2).
    SlotsInPlace,
    /// A chunk that left a map is free at once, while the durable slot names it (rule 3).
    LimboSkipped,
    /// A segment is named before it is durable (rule 4).
    SegmentNotSynced,
    /// Images are replaced by a commit that is not durable, and their chunks are free (rule 5).
    ReleasedBeforeDurable,
    /// A segment's chunks are free while somebody reads it (rule 5).
    PinsIgnored,
    /// Chunks that look free are used before the rows that may own them are read (rule 7).
    FreeBeforeKnown,
    /// A failed write or sync does not latch the container (rule 8).
    LatchSkipped,
    /// A commit whose writes failed is acknowledged.
    FailureIgnored,
    /// A durable commit goes to redb as a relaxed one.
    AcknowledgedEarly,
    /// A relaxed commit is called durable.
    RelaxedCalledDurable,
    /// A chunk that moved is named before its copy is durable (rule 10).
    MoveNotSynced,
    /// A chunk that moved leaves its place free at once, while the durable slot names it (rule 3).
    MovedFromFree,
    /// A segment that moved is named before its copy is durable (rule 4).
    CopyNotSynced,
    /// The file is cut before the slot that permits it is durable.
    CutBeforeSlot,
    /// The checksums of pages are written behind the sync of the pages.
    SumsBehindSync,
    /// The rows of a commit are committed before its log row, by themselves.
    RowsApart,
    /// The second transaction of a batch gets no row in the log.
    LogRowSkipped,
    /// The log is trimmed beyond what the images have taken in.
    LogTrimmedTooFar,
    /// Catching up takes the watermark of the images for one more than it is.
    WatermarkTooHigh,
    /// Catching up passes over deletions.
    DeletionsPassedOver,
    /// Catching up passes over edges that were removed.
    EdgesLeftOver,
    /// What is forgotten keeps its edges.
    EdgesWithoutEnd,
    /// An edge is linked to where it begins alone.
    EdgeHalfLinked,
    /// After reopening, the last memory's id is given again.
    IdGivenAgain,
    /// The rows of vectors are deleted before the commit that names their segment (rule 4).
    VectorsGoneFirst,
    /// A vector that was replaced while it was sealed is deleted all the same.
    ReplacedVectorGone,
    /// A commit that seals a vector at once leaves the row of the one before.
    RowLeftOver,
    /// A node that goes leaves its vectors.
    NodeVectorsLeft,
    /// Sealed vectors of nodes are taken for dead.
    NodesOwnNothing,
    /// Merged segments are replaced by a commit that is not durable, and their chunks are free
    /// (rule 5).
    MergedBeforeDurable,
    /// Where pages contradict each other, redb's panic is passed on.
    PanicPassedOn,
}

/// Is this defect in force here?
#[cfg(not(any(test, feature = "torture")))]
pub(crate) const fn is(_: Defect) -> bool {
    false
}

#[cfg(any(test, feature = "torture"))]
pub(crate) use switch::{is, plant};

#[cfg(any(test, feature = "torture"))]
mod switch {
    use super::Defect;
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<Option<Defect>> = const { Cell::new(None) };
    }

    pub(crate) fn is(defect: Defect) -> bool {
        PLANTED.get() == Some(defect)
    }

    /// Puts a defect in force on this thread, in the place of any other.
    pub(crate) fn plant(defect: Defect) -> Planted {
        PLANTED.set(Some(defect));
        Planted(())
    }

    /// Takes the defect back when it is dropped.
    #[must_use]
    pub(crate) struct Planted(());

    impl Drop for Planted {
        fn drop(&mut self) {
            PLANTED.set(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_is_in_force_on_its_thread_until_it_is_dropped() {
        let planted = plant(Defect::CutBeforeSlot);
        assert!(is(Defect::CutBeforeSlot) && !is(Defect::RowsApart));
        std::thread::spawn(|| assert!(!is(Defect::CutBeforeSlot))).join().unwrap();
        drop(planted);
        assert!(!is(Defect::CutBeforeSlot));
    }
}
