//! The tables of a file as plain rows, and as the table space that redb makes of them.
//!
//! **Invariant:** what is read, written and read again is the same. Rows are written by redb, so
//! that its own pages are well formed whatever the rows hold.

use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An edit names a table by its place here, so new ones go last.
pub(super) const NAMES: [&str; 15] = [
    "memories",
    "vectors",
    "external",
    "catalog",
    "log",
    "outcomes",
    "accesses",
    "facts",
    "images",
    "sealed",
    "nodes",
    "node_names",
    "edges",
    "links",
    "embeddings",
];
const LOG: usize = 4;
const FACTS: usize = 7;
pub(super) const IMAGES: usize = 8;

/// Where in a log row the hash of the row before it lies.
const PREVIOUS_AT: usize = 17;
const HASH_LEN: usize = 32;
/// Where in an image row the length of its note lies.
const NOTE_AT: usize = 25;
const IN_SEGMENT: u8 = 1;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// All rows, by table.
#[derive(Clone, Default)]
pub(super) struct Tables {
    pub(super) rows: [Rows; NAMES.len()],
    /// Names of the images that lie in segments.
    pub(super) in_segments: BTreeSet<Vec<u8>>,
}

fn bytes(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

fn facts() -> TableDefinition<'static, &'static str, &'static [u8]> {
    TableDefinition::new(NAMES[FACTS])
}

impl Tables {
    /// The rows of a table space.
    pub(super) fn read(space: Vec<u8>) -> Tables {
        let database = Database::builder()
            .create_with_backend(Memory::of(space))
            .expect("a sound table space opens");
        let transaction = database.begin_read().expect("it can be read");
        let mut tables = Tables::default();
        for (rows, name) in tables.rows.iter_mut().zip(NAMES) {
            if name == NAMES[FACTS] {
                let table = transaction.open_table(facts()).expect("it is there");
                let all = table.iter().expect("it can be read").map(|entry| {
                    let (key, value) = entry.expect("it can be read");
                    (key.value().as_bytes().to_vec(), value.value().to_vec())
                });
                rows.extend(all);
            } else {
                let table = transaction.open_table(bytes(name)).expect("it is there");
                let all = table.iter().expect("it can be read").map(|entry| {
                    let (key, value) = entry.expect("it can be read");
                    (key.value().to_vec(), value.value().to_vec())
                });
                rows.extend(all);
            }
        }
        tables
    }

    /// The table space of these rows.
    pub(super) fn write(&self) -> Vec<u8> {
        let memory = Memory::default();
        let database = Database::builder()
            .create_with_backend(memory.clone())
            .expect("a database in memory is made");
        let transaction = database.begin_write().expect("nobody else writes");
        for (rows, name) in self.rows.iter().zip(NAMES) {
            if name == NAMES[FACTS] {
                let mut table = transaction.open_table(facts()).expect("it is made");
                for (key, value) in rows {
                    let key = String::from_utf8_lossy(key);
                    table.insert(key.as_ref(), value.as_slice()).expect("a row is taken");
                }
            } else {
                let mut table = transaction.open_table(bytes(name)).expect("it is made");
                for (key, value) in rows {
                    table.insert(key.as_slice(), value.as_slice()).expect("a row is taken");
                }
            }
        }
        transaction.commit().expect("memory takes it");
        drop(database);
        std::mem::take(&mut *memory.lock())
    }

    /// Moves the images that are to lie in segments; `add` stores one and gives its reference.
    pub(super) fn move_images(&mut self, mut add: impl FnMut(&[u8]) -> [u8; 24]) {
        for name in &self.in_segments {
            let Some(row) = self.rows[IMAGES].get_mut(name) else { continue };
            let Some(note_len) = row.get(NOTE_AT..).and_then(<[u8]>::first_chunk) else { continue };
            let place_at = NOTE_AT + 4 + u32::from_le_bytes(*note_len) as usize;
            if place_at < row.len() {
                let reference = add(&row[place_at + 1..]);
                row.truncate(place_at);
                row.push(IN_SEGMENT);
                row.extend(reference);
            }
        }
    }

    /// Makes the hash of each log row hold, and each the successor of the one before.
    pub(super) fn seal_log(&mut self) {
        let mut previous: Option<[u8; HASH_LEN]> = None;
        for row in self.rows[LOG].values_mut() {
            let Some(hash_at) = row.len().checked_sub(HASH_LEN) else { continue };
            if let (Some(previous), true) = (previous, hash_at >= PREVIOUS_AT + HASH_LEN) {
                row[PREVIOUS_AT..PREVIOUS_AT + HASH_LEN].copy_from_slice(&previous);
            }
            let hash = *blake3::hash(&row[..hash_at]).as_bytes();
            row[hash_at..].copy_from_slice(&hash);
            previous = Some(hash);
        }
    }
}

/// Bytes that redb takes for a file, and that stay when it is gone.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn of(bytes: Vec<u8>) -> Self {
        Memory(Arc::new(Mutex::new(bytes)))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for Memory {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.lock();
        let from = bytes.get(offset as usize..).and_then(|from| from.get(..out.len()));
        out.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.lock().resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut bytes = self.lock();
        let to = bytes.get_mut(offset as usize..).and_then(|to| to.get_mut(..data.len()));
        to.ok_or(io::ErrorKind::UnexpectedEof)?.copy_from_slice(data);
        Ok(())
    }
}
