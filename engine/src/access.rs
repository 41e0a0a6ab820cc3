//! How often and when each memory was read, counted without a write per read.
//!
//! **Invariant:** a count is what the file has plus what is pending here. Pending counts reach the
//! file in batches, together with other work, and at the latest when the handle closes; a crash
//! loses pending counts and nothing else.

use crate::Result;
use crate::ids::MemoryId;
use crate::rows::Pinned;
use crate::schema;
use crate::sync::Mutex;
use redb::{ReadableTable, WriteTransaction};
use std::collections::HashMap;

/// Pending memories beyond which a flush is due.
pub(crate) const FLUSH_AT: usize = 4_096;
/// Pending memories beyond which further ones are not counted until a flush.
const MAX_PENDING: usize = 1 << 16;

/// Accesses of one memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) count: u64,
    pub(crate) last_ms: Option<i64>,
}

impl Access {
    fn plus(self, later: Access) -> Access {
        let count = self.count.saturating_add(later.count);
        Access { count, last_ms: self.last_ms.max(later.last_ms) }
    }

    fn encode(self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&self.count.to_le_bytes());
        out[8..].copy_from_slice(&self.last_ms.unwrap_or(i64::MIN).to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Access {
        let Some((count, rest)) = bytes.split_first_chunk() else { return Access::default() };
        let last = rest.first_chunk().map_or(i64::MIN, |b| i64::from_le_bytes(*b));
        let last_ms = (last != i64::MIN).then_some(last);
        Access { count: u64::from_le_bytes(*count), last_ms }
    }
}

/// Accesses that are not in the file yet.
pub(crate) struct Accesses {
    pending: Mutex<HashMap<MemoryId, Access>>,
    /// Held by whoever brings them to the file.
    pub(crate) flushing: Mutex<()>,
    /// Can they ever reach the file?
    is_counting: bool,
}

impl Accesses {
    /// Counts if the file can be written to.
    pub(crate) fn new(is_counting: bool) -> Self {
        Accesses { pending: Mutex::default(), flushing: Mutex::default(), is_counting }
    }

    /// Counts one access of each memory.
    pub(crate) fn note(&self, ids: impl IntoIterator<Item = MemoryId>, now_ms: i64) {
        if !self.is_counting {
            return;
        }
        let mut pending = self.pending.lock();
        for id in ids {
            if pending.len() < MAX_PENDING || pending.contains_key(&id) {
                let one = Access { count: 1, last_ms: Some(now_ms) };
                let entry = pending.entry(id).or_default();
                *entry = entry.plus(one);
            }
        }
    }

    pub(crate) fn is_flush_due(&self) -> bool {
        self.pending.lock().len() >= FLUSH_AT
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending.lock().is_empty()
    }

    /// The accesses of a memory, those in the file included.
    pub(crate) fn of(&self, id: MemoryId, rows: &Pinned) -> Result<Access> {
        let stored = rows.read(schema::ACCESSES, |table| {
            let stored = table.get(schema::memory_key(id).as_slice())?;
            Ok(stored.map_or_else(Access::default, |row| Access::decode(row.value())))
        })?;
        let pending = self.pending.lock().get(&id).copied().unwrap_or_default();
        Ok(stored.plus(pending))
    }

    /// Adds what is pending to the file. Counts of memories that are gone are dropped. Call
    /// [`settle`](Self::settle) with what this returns once the transaction is committed.
    pub(crate) fn flush(&self, transaction: &WriteTransaction) -> Result<Flushed> {
        let mut pending: Vec<_> = self.pending.lock().iter().map(|(id, a)| (*id, *a)).collect();
        pending.sort_unstable_by_key(|(id, _)| *id);
        let memories = transaction.open_table(schema::Table::Memories.definition())?;
        let mut table = transaction.open_table(schema::ACCESSES)?;
        for (id, access) in &pending {
            let key = schema::memory_key(*id);
            if memories.get(key.as_slice())?.is_none() {
                continue;
            }
            let stored = table.get(key.as_slice())?;
            let stored = stored.map_or_else(Access::default, |row| Access::decode(row.value()));
            table.insert(key.as_slice(), stored.plus(*access).encode().as_slice())?;
        }
        Ok(Flushed(pending))
    }

    /// Takes what has reached the file off what is pending.
    pub(crate) fn settle(&self, flushed: &Flushed) {
        let mut pending = self.pending.lock();
        for (id, access) in &flushed.0 {
            let Some(left) = pending.get_mut(id) else { continue };
            left.count = left.count.saturating_sub(access.count);
            if left.count == 0 {
                pending.remove(id);
            }
        }
    }
}

/// Accesses that a transaction has added to the file.
pub(crate) struct Flushed(Vec<(MemoryId, Access)>);
