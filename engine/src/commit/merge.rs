//! Merging: several sealed segments of a space become one, without what is dead in them.
//!
//! A vector in a segment is dead once no row names one in that space, or once there is a newer
//! copy, a row or in a newer segment. What is dead stays dead: a vector that something gets is a row, or
//! in a segment of a higher number than all. So whatever is written between the View that a merge reads
//! and its commit only makes more of it dead, and the merged segment takes the highest number of those
//! that it replaces: a vector that is in force in one of them is in none that is newer. A segment that
//! [moves](super::compact) is replaced by a copy under its own number, likewise.
//!
//! **Invariant:** a space has few segments of similar size, so that a look-up asks few; and about a
//! third of what is sealed is dead at most. A segment is given back only after a durable commit
//! without its row (rule 5).

use super::committer::{Committer, Repair};
use super::compact::Compacting;
use crate::components::Shortest;
use crate::derived::Versions;
use crate::file::{SegmentRef, Toward};
use crate::ids::SpaceId;
use crate::owner::names_vector;
use crate::planted::{self, Defect};
use crate::rows::Pinned;
use crate::schema::{self, Table, vector_key};
use crate::sealed::{MAX_COUNT, SealedSegment, SealedWriter, Unnamed};
use crate::view::View;
use crate::{Result, sealed};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Bytes of a merged segment at most.
const MAX_BYTES: u64 = 32 << 20;
/// A segment beyond this is merged no further for its size.
const LARGE_BYTES: u64 = MAX_BYTES / 2;
/// Segments up to this size count as of the same.
const SMALL_BYTES: u64 = 256 << 10;
/// Each class of sizes reaches so many times as far as the one before, and has fewer segments than
/// that.
const FANOUT: usize = 4;
/// One of so many sealed vectors may be dead.
const DEAD_SHARE: u64 = 3;

type Segments = Vec<Arc<SealedSegment>>;

impl Committer {
    /// Is there anything that a [step](Self::merge_step) of merging would make better? Costs a step
    /// per segment, and reads none of them.
    pub(crate) fn is_merge_due(&self) -> Result<bool> {
        let view = self.current();
        let rows = view.rows()?;
        let sealed = rows.sealed();
        if sealed.segments().next().is_none() {
            return Ok(false);
        }
        Ok(!dropped(sealed, view.versions()).is_empty()
            || sealed.spaces().any(|space| crowded(sealed.of_space(space)).is_some())
            || self.are_many_dead(&view, &rows)?)
    }

    /// Merges segments of one space, a bounded number of bytes. Returns the bytes that it wrote;
    /// `None` if there was nothing to merge.
    pub(crate) fn merge_step(&self) -> Result<Option<u64>> {
        let Some(_alone) = self.sealing.alone.lock_within(Duration::ZERO) else { return Ok(None) };
        let view = self.current();
        let rows = view.rows()?;
        let sealed = rows.sealed();
        let gone = dropped(sealed, view.versions());
        if !gone.is_empty() {
            return self.exchange_sealed(&gone, None).map(Some);
        }
        let crowded = sealed.spaces().find_map(|space| crowded(sealed.of_space(space)));
        let chosen = match crowded {
            Some(chosen) => Some(chosen),
            None if self.are_many_dead(&view, &rows)? => mostly_dead(&rows)?,
            None => None,
        };
        let Some(chosen) = chosen else {
            // What the indexes say of the dead and what the rows say may differ: look again later.
            let dead = dead(&view, &rows)?;
            self.sealing.quiet_dead.store(dead.saturating_mul(2), Ordering::Relaxed);
            return Ok(None);
        };
        self.sealing.quiet_dead.store(0, Ordering::Relaxed);
        let merged = self.write_merged(&rows, &chosen)?;
        self.exchange_sealed(&chosen, merged).map(Some)
    }

    /// Puts the segment here elsewhere, as it is. Waits for a step of sealing or merging that
    /// is under way.
    pub(super) fn move_sealed(
        &self,
        segment: &SegmentRef,
        toward: Toward,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<Compacting> {
        let _alone = self.sealing.alone.lock();
        let rows = self.newest_rows()?;
        let is_here = |sealed: &&Arc<SealedSegment>| sealed.row.segment == *segment;
        let Some(old) = rows.sealed().segments().find(is_here) else {
            return Ok(Compacting::Done);
        };
        let copied = self.container().copy_segment(segment, toward, goes_on)?;
        let Some(copy) = copied else { return Ok(Compacting::Done) };
        let copy = Unnamed::copy_of(self.container(), &old.row, copy);
        self.exchange_sealed(std::slice::from_ref(old), Some(copy)).map(Compacting::Moved)
    }

    fn are_many_dead(&self, view: &View, rows: &Pinned) -> Result<bool> {
        let all: u64 = view.sealed().values().map(|figures| figures.vectors).sum();
        let dead = dead(view, rows)?;
        Ok(dead > all / DEAD_SHARE && dead >= self.sealing.quiet_dead.load(Ordering::Relaxed))
    }

    /// Writes what is alive in some segments of a space; `None` if nothing is.
    fn write_merged(
        &self,
        rows: &Pinned,
        chosen: &[Arc<SealedSegment>],
    ) -> Result<Option<Unnamed>> {
        let mut alive: Vec<(u64, usize, u32)> = Vec::new();
        for (which, segment) in chosen.iter().enumerate() {
            each_alive(rows, segment, |id, index| alive.push((id, which, index)))?;
        }
        alive.sort_unstable();
        let (Some(first), false) = (chosen.first(), alive.is_empty()) else { return Ok(None) };
        let sealed::Layout { space, dimension, .. } = first.row.layout();
        let mut shortest = Shortest::new();
        for (_, which, index) in &alive {
            if !shortest.see(&chosen[*which].vector(*index)?) {
                break;
            }
        }
        let form = shortest.form();
        let ids: Vec<u64> = alive.iter().map(|(id, ..)| *id).collect();
        let mut writer = SealedWriter::begin(self.container(), space, dimension, form, &ids)?;
        for (_, which, index) in alive {
            writer.push(&chosen[which].vector(index)?)?;
        }
        writer.finish().map(Some)
    }

    /// Names a segment in the place of others, and gives these back. Returns its bytes.
    fn exchange_sealed(&self, gone: &[Arc<SealedSegment>], merged: Option<Unnamed>) -> Result<u64> {
        let number = gone.iter().map(|segment| segment.row.number).max().unwrap_or_default();
        let added = merged.as_ref().map(|merged| merged.open(number)).transpose()?;
        self.with_state(Repair::Walk, |state, mut transaction, _| {
            {
                let mut table = transaction.open_table(schema::SEALED)?;
                for segment in gone {
                    table.remove(segment.row.key().as_slice())?;
                }
                if let Some(segment) = &added {
                    let row = segment.row;
                    table.insert(row.key().as_slice(), row.encode().as_slice())?;
                }
            }
            if planted::is(Defect::MergedBeforeDurable) {
                let _ = transaction.set_durability(redb::Durability::None);
            }
            merged.into_iter().for_each(Unnamed::keep);
            self.commit_rows(transaction)?;
            state.sealed = Arc::new(state.sealed.exchanged(gone, added.as_slice()));
            Ok(())
        })?;
        for segment in gone {
            self.container().release(&segment.row.segment);
        }
        Ok(added.map_or(0, |segment| segment.row.segment.len))
    }
}

/// Segments of spaces that there are no longer.
fn dropped(sealed: &sealed::SealedVectors, versions: &Versions) -> Segments {
    // A successor has no name of its own yet, and vectors all the same.
    let is_gone = |space: &SpaceId| versions.catalog.indexed().all(|(id, _)| id != space);
    sealed.spaces().filter(is_gone).flat_map(|space| sealed.of_space(space).to_vec()).collect()
}

/// Sealed vectors that are dead, as the tables and the indexes know without reading any of them: each
/// vector that a memory or a node names is a row or alive in a segment.
fn dead(view: &View, rows: &Pinned) -> Result<u64> {
    let all: u64 = view.sealed().values().map(|figures| figures.vectors).sum();
    let versions = view.versions();
    let live: u64 = versions.vectors.keys().map(|id| versions.live_in_space(*id)).sum();
    Ok((all + rows.len(Table::Vectors)?).saturating_sub(live))
}

/// The class of a size.
fn class(bytes: u64) -> u32 {
    let times = bytes.div_ceil(SMALL_BYTES).max(1);
    (times - 1).checked_ilog(FANOUT as u64).map_or(0, |class| class + 1)
}

/// Segments of a space that are too many of their size, as many of them as fit into one.
fn crowded(segments: &[Arc<SealedSegment>]) -> Option<Segments> {
    let size = |s: &Arc<SealedSegment>| s.row.segment.len;
    let mut small: Segments = segments.iter().filter(|s| size(s) <= LARGE_BYTES).cloned().collect();
    small.sort_by_key(size);
    small.chunk_by(|a, b| class(size(a)) == class(size(b))).find_map(|alike| {
        let (mut bytes, mut count) = (0, 0);
        let fits = |segment: &&Arc<SealedSegment>| {
            bytes += size(segment);
            count += segment.row.count as usize;
            bytes <= MAX_BYTES && count <= MAX_COUNT
        };
        let chosen: Segments = alike.iter().take_while(fits).cloned().collect();
        (alike.len() >= FANOUT && chosen.len() > 1).then_some(chosen)
    })
}

/// A segment too much of which is dead, the oldest first; `None` if there is none.
fn mostly_dead(rows: &Pinned) -> Result<Option<Segments>> {
    for segment in rows.sealed().segments() {
        let mut alive = 0;
        each_alive(rows, segment, |_, _| alive += 1)?;
        let count = u64::from(segment.row.count);
        if count - alive > count / DEAD_SHARE {
            return Ok(Some(vec![segment.clone()]));
        }
    }
    Ok(None)
}

/// The vectors of a segment that are those of their memories and nodes now. Costs three look-ups each.
fn each_alive(
    rows: &Pinned,
    segment: &SealedSegment,
    mut each: impl FnMut(u64, u32),
) -> Result<()> {
    let space = segment.row.space;
    for index in 0..segment.row.count {
        let owner = segment.id(index)?;
        if !names_vector(rows, space, owner)? {
            continue;
        }
        let is_row = rows.get_row(Table::Vectors, &vector_key(space, owner))?.is_some();
        let newest = rows.sealed().find(space, owner)?;
        if !is_row && newest.is_some_and(|at| at.segment.row.number == segment.row.number) {
            each(owner, index);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_reaches_four_times_as_far_as_the_one_before() {
        let sizes = [0, 1, SMALL_BYTES, SMALL_BYTES + 1, 4 * SMALL_BYTES, 16 * SMALL_BYTES];
        assert_eq!(sizes.map(class), [0, 0, 0, 1, 1, 2]);
        assert_eq!(class(4 * SMALL_BYTES + 1), 2);
        assert_eq!(class(LARGE_BYTES), 3);
        assert_eq!(class(u64::MAX), class(u64::MAX - 1), "no size is too large");
    }
}
