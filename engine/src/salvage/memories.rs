//! Which rows of memories are proved: see [the survey](super::survey).
//!
//! **Invariant:** a row that is taken is the memory as it was after the commit of the state. Of
//! rows that are found and not reached, the log alone decides.

use super::chain::{Chain, Links};
use super::state::read_log;
use super::survey::{Progress, Survey};
use super::tree::{Row, Step, Trees, Walked, scan};
use crate::Result;
use crate::commit::log::commitment;
use crate::memory::{ArchivedMemoryRow, access};
use crate::schema::{LOG, Table, read_u64};
use redb::TableHandle;

/// Where a row of a memory was found.
#[derive(Clone, Copy)]
enum Standing {
    /// Under the root of the state.
    State,
    /// Under the root of another commit.
    Commit(u64),
    /// In some leaf.
    Anywhere,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Proved,
    /// The log says otherwise.
    Refuted,
    Unproven,
}

impl Survey<'_> {
    /// What becomes of a row, and the row if it is one.
    fn judge<'r>(
        &self,
        id: u64,
        value: &'r [u8],
        standing: Standing,
    ) -> (Verdict, Option<&'r ArchivedMemoryRow>) {
        let Ok(row) = access(value) else { return (Verdict::Unproven, None) };
        let verdict = match self.chain.last(id) {
            Some(Some(committed)) if commitment(&row.salt, value) == committed => Verdict::Proved,
            Some(_) => Verdict::Refuted,
            None => match standing {
                Standing::State => Verdict::Proved,
                Standing::Commit(seq) if self.chain.reaches(seq) => Verdict::Proved,
                Standing::Commit(_) | Standing::Anywhere => Verdict::Unproven,
            },
        };
        (verdict, Some(row))
    }

    /// Is a row under the root of the state to be taken?
    pub(super) fn is_proved_in_state(&self, id: u64, value: &[u8]) -> bool {
        self.judge(id, value, Standing::State).0 == Verdict::Proved
    }

    /// Looks at the memories of the state. Returns how many gaps there are.
    pub(super) fn read_memories(
        &mut self,
        walked: &mut Walked,
        progress: Progress<'_>,
    ) -> Result<u64> {
        let root = self.state.tables.of(Table::Memories);
        let total = root.map_or(0, |root| root.len);
        let trees = Trees::new(self.wreck);
        let mut gaps = 0;
        trees.walk(root, walked, &mut |step| {
            let row = match step {
                Step::Row(row) => row,
                Step::Gap(after, up_to) => {
                    gaps += 1;
                    self.gaps.push(id_range(after, up_to));
                    return Ok(());
                }
            };
            let Some(id) = read_u64(row.key) else { return Ok(()) };
            match self.judge(id, row.value, Standing::State) {
                (Verdict::Proved, Some(found)) => {
                    self.named_spaces.extend(found.vectors.iter().map(|v| v.space.to_native()));
                    self.reached.insert(id);
                    progress("memories", self.reached.len(), total);
                }
                _ => drop(self.refuted.insert(id)),
            }
            Ok(())
        })?;
        Ok(gaps)
    }

    /// Looks everywhere for rows of the log, where some of them cannot be reached.
    pub(super) fn search_log(&mut self, mut links: Links, progress: Progress<'_>) {
        if let Some(other) = &self.state.other {
            read_log(&Trees::new(self.wreck), other.tree(LOG.name()), &mut links);
        }
        let total = self.wreck.chunks() as u64;
        scan(self.wreck, &mut |done| progress("search", done, total), &mut |leaf| {
            for row in leaf.rows().filter(|row| row.key.len() == size_of::<u64>()) {
                links.add(row.key, row.value);
            }
        });
        self.chain = Chain::new(&links, self.state.tables.tip);
    }

    /// Looks everywhere for rows of memories, where some of them cannot be reached.
    pub(super) fn search_memories(
        &mut self,
        walked: &mut Walked,
        progress: Progress<'_>,
    ) -> Result<()> {
        if let Some(other) = self.state.other.clone() {
            let seq = other.tip.map(|tip| tip.seq);
            let standing = seq.map_or(Standing::Anywhere, Standing::Commit);
            Trees::new(self.wreck).walk(other.of(Table::Memories), walked, &mut |step| {
                if let Step::Row(row) = step {
                    self.take(&row, standing);
                }
                Ok(())
            })?;
        }
        let (wreck, total) = (self.wreck, self.wreck.chunks() as u64);
        scan(wreck, &mut |done| progress("search", done, total), &mut |leaf| {
            leaf.rows().for_each(|row| self.take(&row, Standing::Anywhere));
        });
        let elsewhere = &self.elsewhere;
        self.unproven.retain(|id| !elsewhere.contains_key(id));
        self.refuted.retain(|id| !elsewhere.contains_key(id));
        Ok(())
    }

    /// Takes a row of a memory that the tree of the state does not have, if it is proved.
    fn take(&mut self, row: &Row<'_>, standing: Standing) {
        let Some(id) = read_u64(row.key) else { return };
        if self.reached.contains(id) || self.elsewhere.contains_key(&id) {
            return;
        }
        match self.judge(id, row.value, standing) {
            (Verdict::Proved, Some(found)) => {
                self.named_spaces.extend(found.vectors.iter().map(|v| v.space.to_native()));
                self.elsewhere.insert(id, row.value_at());
            }
            (Verdict::Unproven, Some(_)) => drop(self.unproven.insert(id)),
            _ => {}
        }
    }
}

/// The first and last number whose key lies above `after` and at or below `up_to`. Bounds may be
/// the beginnings of keys.
fn id_range(after: Option<&[u8]>, up_to: Option<&[u8]>) -> (u64, u64) {
    let padded = |bound: &[u8]| {
        let mut key = [0; size_of::<u64>()];
        let len = bound.len().min(key.len());
        key[..len].copy_from_slice(&bound[..len]);
        u64::from_be_bytes(key)
    };
    let is_whole = |bound: &[u8]| bound.len() >= size_of::<u64>();
    let first = after.map_or(0, |bound| padded(bound).saturating_add(is_whole(bound).into()));
    let last = |bound| padded(bound).saturating_sub((!is_whole(bound)).into());
    (first.max(1), up_to.map_or(u64::MAX, last))
}
