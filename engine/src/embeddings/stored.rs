//! Vectors that the file keeps, by the hash of the text that they are of: no embedder is asked for one again, by
//! this process or a later one.
//!
//! **Invariant:** it is no fact of any user, and may go at any time. What is pending reaches the file in batches,
//! and at the latest when the handle closes; a crash loses it. Whoever adds to the table leaves no more bytes in it
//! than there may be, and what is pending has few.

use crate::Result;
use crate::components::{read_vector, vector_bytes};
use crate::rows::Pinned;
use crate::schema::EMBEDDINGS;
use crate::sync::Mutex;
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Pending bytes beyond which a flush is due.
const FLUSH_AT: usize = 4 << 20;
/// Pending bytes beyond which nothing is noted until a flush.
const MAX_PENDING: usize = 16 << 20;

/// An identity and a text, hashed: half of what BLAKE3 makes of them.
pub(super) type Key = [u8; 16];

/// The key of a text.
pub(super) fn key_of(identity: &str, text: &str) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(identity.len() as u64).to_le_bytes());
    hasher.update(identity.as_bytes()).update(text.as_bytes());
    let mut key = Key::default();
    hasher.finalize_xof().fill(&mut key);
    key
}

#[derive(Default)]
struct State {
    /// What the file does not have yet, in the order in which a table likes it.
    pending: BTreeMap<Key, Vec<f32>>,
    pending_bytes: usize,
    /// Of the keys and vectors in the file, once a flush has counted them.
    file_bytes: Option<u64>,
    hits: u64,
}

/// How many the file has.
pub(super) fn stored_len(rows: &Pinned) -> Result<u64> {
    rows.read(EMBEDDINGS, |table| Ok(table.len()?))
}

/// What a file keeps of what embedders made.
pub(crate) struct StoredEmbeddings {
    limit_bytes: u64,
    /// Can anything reach the file?
    is_noting: bool,
    state: Mutex<State>,
    /// Held by whoever brings them to the file.
    pub(crate) flushing: Mutex<()>,
}

impl StoredEmbeddings {
    /// Keeps so many bytes of them; adds to them if `is_noting`.
    pub(crate) fn new(limit_bytes: u64, is_noting: bool) -> Self {
        let (state, flushing) = (Mutex::default(), Mutex::default());
        StoredEmbeddings { limit_bytes, is_noting, state, flushing }
    }

    pub(super) fn is_keeping(&self) -> bool {
        self.limit_bytes > 0
    }

    pub(super) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    pub(super) fn hits(&self) -> u64 {
        self.state.lock().hits
    }

    /// The vector under a key, if it has as many components.
    pub(super) fn find(
        &self,
        key: &Key,
        dimension: usize,
        rows: &Pinned,
    ) -> Result<Option<Vec<f32>>> {
        let pending = self.state.lock().pending.get(key).filter(|v| v.len() == dimension).cloned();
        let found = match pending {
            Some(vector) => Some(vector),
            None => rows.read(EMBEDDINGS, |table| {
                let Some(row) = table.get(key.as_slice())? else { return Ok(None) };
                let mut vector = vec![0.0; dimension];
                Ok(read_vector(row.value(), &mut vector).map(|()| vector))
            })?,
        };
        self.state.lock().hits += u64::from(found.is_some());
        Ok(found)
    }

    /// Notes what an embedder has made; but nothing that no space would take, so that a model which failed once is
    /// asked again.
    pub(super) fn note(&self, key: Key, vector: &[f32]) {
        let is_good = vector.iter().all(|x| x.is_finite()) && vector.iter().any(|x| *x != 0.0);
        if !self.is_noting || !is_good {
            return;
        }
        let state = &mut *self.state.lock();
        let bytes = row_bytes(vector.len());
        if state.pending_bytes + bytes <= MAX_PENDING && bytes as u64 <= self.limit_bytes {
            let replaced = state.pending.insert(key, vector.to_vec());
            state.pending_bytes += bytes;
            state.pending_bytes -= replaced.map_or(0, |vector| row_bytes(vector.len()));
        }
    }

    pub(crate) fn is_flush_due(&self) -> bool {
        self.state.lock().pending_bytes >= FLUSH_AT
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.state.lock().pending.is_empty()
    }

    /// Adds what is pending to the file, and makes room for it there. Call [`settle`](Self::settle) with what this
    /// returns once the transaction is committed.
    pub(crate) fn flush(&self, transaction: &WriteTransaction) -> Result<Flushed> {
        let (pending, known) = {
            let state = self.state.lock();
            (state.pending.clone(), state.file_bytes)
        };
        let mut table = transaction.open_table(EMBEDDINGS)?;
        let mut file_bytes = match known {
            Some(bytes) => bytes,
            None => count(&table)?,
        };
        let (mut fitting, mut added) = (Vec::new(), 0);
        for (key, vector) in &pending {
            let bytes = row_bytes(vector.len()) as u64;
            if added + bytes <= self.limit_bytes {
                fitting.push((key, vector));
                added += bytes;
            }
        }
        let from = fitting.first().map_or_else(Key::default, |(key, _)| anywhere(key));
        while file_bytes + added > self.limit_bytes && table.len()? > 0 {
            file_bytes -= remove_behind(&mut table, &from)?;
        }
        for (key, vector) in fitting {
            let replaced = table.insert(key.as_slice(), vector_bytes(vector).as_slice())?;
            file_bytes -= replaced.map_or(0, |row| (key.len() + row.value().len()) as u64);
        }
        Ok(Flushed { pending, file_bytes: file_bytes + added })
    }

    /// Takes what has reached the file off what is pending.
    pub(crate) fn settle(&self, flushed: &Flushed) {
        let state = &mut *self.state.lock();
        state.file_bytes = Some(flushed.file_bytes);
        for (key, written) in &flushed.pending {
            if state.pending.get(key).is_some_and(|vector| vector == written) {
                state.pending.remove(key);
                state.pending_bytes -= row_bytes(written.len());
            }
        }
    }
}

/// What a transaction has added to the file.
pub(crate) struct Flushed {
    pending: BTreeMap<Key, Vec<f32>>,
    file_bytes: u64,
}

fn row_bytes(dimension: usize) -> usize {
    size_of::<Key>() + dimension * size_of::<f32>()
}

/// Another hash: rows are removed from there on, so that none stays for ever.
fn anywhere(key: &Key) -> Key {
    let mut other = Key::default();
    blake3::Hasher::new().update(key).finalize_xof().fill(&mut other);
    other
}

type Embeddings<'a> = Table<'a, &'static [u8], &'static [u8]>;

fn count(table: &Embeddings<'_>) -> Result<u64> {
    let mut bytes = 0;
    for entry in table.iter()? {
        let (key, row) = entry?;
        bytes += (key.value().len() + row.value().len()) as u64;
    }
    Ok(bytes)
}

/// Removes the first row behind a key, which is any: keys are hashes. Returns its bytes.
fn remove_behind(table: &mut Embeddings<'_>, key: &Key) -> Result<u64> {
    let behind = (Bound::Excluded(key.as_slice()), Bound::Unbounded);
    let victim = match table.range::<&[u8]>(behind)?.next().transpose()? {
        Some((victim, _)) => Some(victim.value().to_vec()),
        None => table.first()?.map(|(victim, _)| victim.value().to_vec()),
    };
    let Some(victim) = victim else { return Ok(0) };
    let removed = table.remove(victim.as_slice())?;
    Ok((victim.len() + removed.map_or(0, |row| row.value().len())) as u64)
}
