//! The container under a real file system and under simulated power loss.
//!
//! **Invariant:** every test is a function of its seed and of no clock.

mod damage;
mod files;
mod measure;
mod segments;
mod table_space;

use super::{Container, Settings};
use redb::{Database, ReadableDatabase, TableDefinition};

const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");

/// Small chunks: more of them in a small file.
fn small() -> Settings {
    Settings { chunk_bytes: 16 << 10, ..Settings::default() }
}

fn open_tables(container: &Container) -> Database {
    let tables = Database::builder()
        .set_cache_size(1 << 20)
        .create_with_backend(container.backend())
        .unwrap();
    container.set_verifying();
    tables
}

fn put(db: &Database, key: u64, value: &[u8]) -> Result<(), redb::Error> {
    let tx = db.begin_write()?;
    tx.open_table(ROWS)?.insert(key, value)?;
    tx.commit()?;
    Ok(())
}

fn get(db: &Database, key: u64) -> Option<Vec<u8>> {
    let rows = db.begin_read().unwrap().open_table(ROWS).unwrap();
    rows.get(key).unwrap().map(|value| value.value().to_vec())
}

/// A first transaction, as `Container::create` wants one.
fn first_row(container: &Container) -> crate::Result<()> {
    let put = put(&open_tables(container), 0, b"first");
    put.map_err(|_| crate::error::Detail::Latched.into())
}
