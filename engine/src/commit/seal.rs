//! Sealing: vectors that have been rows for a while move into a segment.
//!
//! ```text
//! View -> ids of one space, in order -> segment, durable (rule 4), beside running writers
//!                                          -> one durable commit: its row in; out go the rows of
//!                                             vectors whose bytes are still those that it holds
//! ```
//!
//! **Invariant:** at every instant, and whatever instant the power fails at, the vector that a row
//! names is found, and it is the same before and after. No fact changes, so the log hears nothing
//! of it. One piece of this work, or of merging, is under way at a time.

use super::committer::{Committer, Repair};
use crate::catalog::Space;
use crate::components::Shortest;
use crate::ids::SpaceId;
use crate::planted::{self, Defect};
use crate::rows::Pinned;
use crate::schema::{self, Table, read_vector_key, vector_key};
use crate::sealed::{Layout, MAX_COUNT, SealedSegment, SealedVectors, SealedWriter, Unnamed};
use crate::sync::{Mutex, MutexGuard};
use crate::view::View;
use crate::{Error, Result};
use redb::WriteTransaction;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Vectors of a space that are worth a segment, which takes whole chunks.
const MIN_BYTES: u64 = 256 << 10;
/// Bytes of a segment that is written from rows or by a commit at most: a writer waits while as many
/// are deleted from the rows.
pub(super) const MAX_BYTES: usize = 32 << 20;
/// Steps that an occasion such as closing the file takes at most: the rest is left to the next.
const MAX_STEPS_AT_REST: usize = 4;

/// What sealing and merging know of their last turn.
#[derive(Default)]
pub(crate) struct Sealings {
    /// Held by whoever writes or replaces sealed segments.
    pub(super) alone: Mutex<()>,
    /// There was nothing worth sealing: not to be looked at again with fewer rows than this.
    quiet_rows: AtomicU64,
    /// There was nothing worth merging: not to be looked at again with fewer dead vectors.
    pub(super) quiet_dead: AtomicU64,
}

/// Vectors that are rows, as the tables and the indexes know without reading any of them.
struct Unsealed {
    rows: u64,
    /// Exact for a single space. With several, vectors that have been replaced since they were sealed
    /// are counted as of the average length.
    bytes: u64,
    /// The most first.
    spaces: Vec<(SpaceId, Space, u64)>,
}

impl Unsealed {
    fn of(view: &View) -> Result<Self> {
        let rows = view.rows()?.len(Table::Vectors)?;
        let (versions, sealed) = (view.versions(), view.sealed());
        let (mut known, mut bytes) = (0, 0);
        let (mut sealed_vectors, mut sealed_bytes, mut least) = (0, 0, 0);
        let mut spaces = Vec::new();
        for (id, space) in versions.catalog.indexed() {
            let live = versions.live_in_space(*id);
            let in_segments = sealed.get(id).copied().unwrap_or_default().vectors;
            let surely = live.saturating_sub(in_segments);
            let len = row_len(space);
            known += surely;
            bytes += surely * len;
            sealed_vectors += in_segments;
            sealed_bytes += in_segments * len;
            least = if least == 0 { len } else { len.min(least) };
            spaces.push((*id, space.clone(), surely * len));
        }
        let average = sealed_bytes.checked_div(sealed_vectors).unwrap_or(least);
        bytes += rows.saturating_sub(known) * average;
        spaces.sort_by_key(|(_, _, bytes)| std::cmp::Reverse(*bytes));
        Ok(Unsealed { rows, bytes, spaces })
    }
}

fn row_len(space: &Space) -> u64 {
    (space.dimension * size_of::<f32>()) as u64
}

/// A segment that is durable, and that no row names yet.
pub(crate) struct Sealing<'a> {
    committer: &'a Committer,
    unnamed: Unnamed,
    number: u32,
    _alone: MutexGuard<'a, ()>,
}

impl Committer {
    /// Vectors of a space from which on a segment is made of them, in bytes.
    fn least_sealed(&self) -> u64 {
        self.settings.seal_bytes.clamp(1, MIN_BYTES)
    }

    /// Are enough vectors rows that a [step](Self::seal_step) of sealing pays? Costs a step per
    /// space, and reads none of them.
    pub(crate) fn is_seal_due(&self) -> Result<bool> {
        self.has_unsealed(self.settings.seal_bytes.max(1))
    }

    fn has_unsealed(&self, least: u64) -> Result<bool> {
        let unsealed = Unsealed::of(&self.current())?;
        Ok(unsealed.bytes >= least
            && unsealed.rows >= self.sealing.quiet_rows.load(Ordering::Relaxed))
    }

    /// Seals vectors of one space, a bounded number of bytes. Returns the bytes of their segment;
    /// `None` if there was none to be made.
    pub(crate) fn seal_step(&self) -> Result<Option<u64>> {
        self.begin_seal()?.map(Sealing::finish).transpose()
    }

    /// Seals what is worth a segment, where the file comes to rest: at checkpoints and on closing.
    pub(crate) fn seal_at_rest(&self) -> Result<()> {
        for _ in 0..MAX_STEPS_AT_REST {
            if !self.has_unsealed(self.least_sealed())? || self.seal_step()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Writes the segment of a step. `None` if nothing is worth one, or if somebody else is at it.
    pub(crate) fn begin_seal(&self) -> Result<Option<Sealing<'_>>> {
        let Some(alone) = self.sealing.alone.lock_within(Duration::ZERO) else { return Ok(None) };
        let (view, number) = self.begin_segment()?;
        let rows = view.rows()?;
        let unsealed = Unsealed::of(&view)?;
        for (id, space, _) in &unsealed.spaces {
            let ids = ids_of_rows(&rows, *id, space)?;
            if (ids.len() as u64) * row_len(space) < self.least_sealed() {
                continue;
            }
            let unnamed = self.write_rows_of(&rows, *id, space, &ids)?;
            self.sealing.quiet_rows.store(0, Ordering::Relaxed);
            return Ok(Some(Sealing { committer: self, unnamed, number, _alone: alone }));
        }
        self.sealing.quiet_rows.store(unsealed.rows.saturating_mul(2), Ordering::Relaxed);
        Ok(None)
    }

    fn write_rows_of(
        &self,
        rows: &Pinned,
        id: SpaceId,
        space: &Space,
        ids: &[u64],
    ) -> Result<Unnamed> {
        let dimension = space.dimension as u32;
        let from = vector_key(id, ids.first().copied().unwrap_or_default());
        let each = |work: &mut dyn FnMut(&[u8]) -> Result<bool>| {
            let mut left = ids.len();
            rows.scan(Table::Vectors, Bound::Included(&from), |_, row| {
                left -= 1;
                Ok(work(row)? && left > 0)
            })
        };
        let mut shortest = Shortest::new();
        each(&mut |row| Ok(shortest.see(row)))?;
        let form = shortest.form();
        let mut writer = SealedWriter::begin(self.container(), id, dimension, form, ids)?;
        each(&mut |row| writer.push(row).map(|()| true))?;
        writer.finish()
    }
}

/// The numbers under which a space has vectors that are rows, in order, as many as one step seals.
fn ids_of_rows(rows: &Pinned, id: SpaceId, space: &Space) -> Result<Vec<u64>> {
    let most = (MAX_BYTES / Layout::cost(space.dimension)).min(MAX_COUNT);
    let mut ids = Vec::new();
    rows.scan(Table::Vectors, Bound::Included(&vector_key(id, 0)), |key, _| {
        let bad = || Error::corruption("vector key", "12 bytes", format!("{} bytes", key.len()));
        let (of, owner) = read_vector_key(key).ok_or_else(bad)?;
        if of == id {
            ids.push(owner);
        }
        Ok(of == id && ids.len() < most)
    })?;
    Ok(ids)
}

impl Sealing<'_> {
    /// Names the segment in place of the rows that it holds. Returns its bytes.
    pub(crate) fn finish(self) -> Result<u64> {
        let Sealing { committer, unnamed, number, _alone } = self;
        let segment = unnamed.open(number)?;
        if planted::is(Defect::VectorsGoneFirst) {
            let none = SealedVectors::default();
            committer
                .maintain(Repair::Walk, |transaction| delete_rows(transaction, &segment, &none))?;
        }
        committer.with_state(Repair::Walk, |state, transaction, _| {
            delete_rows(&transaction, &segment, &state.sealed)?;
            let row = segment.row;
            transaction
                .open_table(schema::SEALED)?
                .insert(row.key().as_slice(), row.encode().as_slice())?;
            unnamed.keep();
            committer.commit_rows(transaction)?;
            state.sealed = Arc::new(state.sealed.exchanged(&[], std::slice::from_ref(&segment)));
            Ok(row.segment.len)
        })
    }
}

/// Deletes the rows of vectors that a segment holds. One that was replaced since stays, and so does
/// one that has another copy in a newer segment, which it goes before.
fn delete_rows(
    transaction: &WriteTransaction,
    segment: &SealedSegment,
    sealed: &SealedVectors,
) -> Result<()> {
    let mut table = transaction.open_table(Table::Vectors.definition())?;
    let newer = sealed.newer_than(&segment.row);
    for index in 0..segment.row.count {
        let owner = segment.id(index)?;
        let key = vector_key(segment.row.space, owner);
        let mut stays = false;
        for other in newer {
            stays |= other.find(owner)?.is_some();
        }
        if stays {
            continue;
        }
        let removed = table.remove(key.as_slice())?.map(|row| row.value().to_vec());
        if let Some(row) = removed
            && *row != *segment.vector(index)?
            && !planted::is(Defect::ReplacedVectorGone)
        {
            table.insert(key.as_slice(), row.as_slice())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{NewMemory, Options, Patch};

    #[test]
    fn what_is_committed_while_vectors_are_sealed_counts_for_more_than_they_do() {
        let db = Options::new().threads(false).in_memory().unwrap();
        let vector =
            |n: u64| -> Vec<f32> { (0..384).map(|i| (n * 31 + i * 7 + 1) as f32).collect() };
        let new = |n: u64, of: u64| {
            NewMemory::new(format!("n{n}")).external_id(n.to_string()).vector(vector(of))
        };
        let ids = db.remember_batch((0..200).map(|n| new(n, n)).collect()).unwrap();
        let sealing = db.core.committer.begin_seal().unwrap().expect("enough for a segment");
        // Many at once become a segment of their own, which is named first.
        db.upsert_batch((0..800).map(|n| new(n, n + 1)).collect()).unwrap();
        assert_eq!(db.stats().unwrap().unsealed_vectors, 0);
        // One becomes what it was, another something new.
        db.update(ids[5], &Patch::new().vector_in("default", vector(5))).unwrap();
        db.update(ids[6], &Patch::new().vector_in("default", vector(66))).unwrap();
        sealing.finish().unwrap();
        let view = db.read().unwrap();
        for (n, id) in (0..).zip(&ids) {
            let of = [5, 66].get((n as usize).wrapping_sub(5)).copied().unwrap_or(n + 1);
            assert_eq!(view.vector(*id, "default").unwrap(), Some(vector(of)), "{id}");
        }
        assert!(db.verify(&mut |_| {}).unwrap().is_clean());
    }
}
