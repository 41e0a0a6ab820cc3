//! Power loss under redb alone, on a disk of its own: is a failure redb's, or ours?
//!
//! `engine/torture/canary` runs the same seeds over an older redb, which must fail.
//!
//! **Invariant:** nothing here is Memlith's but the simulated disk.

use super::outages::outages;
use super::tally::{Tally, at};
use crate::file::Disk;
use crate::file::crash::{Replay, Rng};
use crate::file::sim::{Event, SimDisk};
use redb::{
    CompactionError, Database, Durability, Error, ReadableDatabase, ReadableTable, StorageBackend,
    TableDefinition, TableError,
};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

const TRANSACTIONS: usize = 40;
const POINTS: usize = 40;

/// How a failure begins that was met after a crash.
pub(crate) const CRASHED: &str = "after a crash";

const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// The rows of one version.
type Model = BTreeMap<u64, Arc<[u8]>>;

/// Where redb's file begins: its header, of one page, ends where that of a container would, so that
/// the crashes which single out a header mean this one.
const START: u64 = (64 - 4) << 10;

/// redb's file.
#[derive(Debug)]
struct Backend(SimDisk);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len()?.saturating_sub(START))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset + out.len() as u64 > StorageBackend::len(self)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.0.read_at(START + offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(START + len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(START + offset, data)
    }
}

fn open(disk: &SimDisk) -> Database {
    Database::builder().set_cache_size(1 << 20).create_with_backend(Backend(disk.clone())).unwrap()
}

/// One transaction.
fn transact(
    database: &Database,
    disk: &SimDisk,
    rng: &mut Rng,
    models: &mut Vec<Model>,
) -> Result<(), Error> {
    let version = models.len() as u64;
    let mut model = models.last().cloned().unwrap_or_default();
    let is_durable = rng.one_in(2);
    let mut tx = database.begin_write()?;
    tx.set_durability(if is_durable { Durability::Immediate } else { Durability::None }).unwrap();
    tx.set_two_phase_commit(rng.one_in(3));
    tx.set_quick_repair(rng.one_in(3));
    {
        let mut rows = tx.open_table(ROWS)?;
        for _ in 0..=rng.below(10) {
            let key = rng.below(60);
            if rng.one_in(3) {
                rows.remove(key)?;
                model.remove(&key);
            } else {
                let most = if rng.one_in(20) { 300_000 } else { 900 };
                let len = 8 + rng.below(most);
                let data = rng.bytes(len as usize);
                rows.insert(key, &data[..])?;
                model.insert(key, data.into());
            }
        }
        tx.open_table(META)?.insert("version", version)?;
    }
    disk.mark(Event::Begin(version));
    models.push(model);
    tx.commit()?;
    if is_durable {
        disk.mark(Event::Acknowledged(version));
    }
    Ok(())
}

/// The version that the file holds, and its rows.
fn content(database: &Database) -> Result<(u64, Model), Error> {
    let tx = database.begin_read()?;
    let version = match tx.open_table(META) {
        Ok(meta) => meta.get("version")?.map_or(0, |version| version.value()),
        Err(TableError::TableDoesNotExist(_)) => return Ok((0, Model::new())),
        Err(e) => return Err(e.into()),
    };
    let mut model = Model::new();
    for row in tx.open_table(ROWS)?.iter()? {
        let (key, value) = row?;
        model.insert(key.value(), value.value().into());
    }
    Ok((version, model))
}

fn workload(rng: &mut Rng) -> (Vec<u8>, Vec<Event>, Vec<Model>) {
    let disk = SimDisk::default();
    // A file that is being created may be lost.
    drop(open(&disk));
    let start = disk.start_recording();
    let mut database = open(&disk);
    let mut models = vec![Model::new()];
    for _ in 0..TRANSACTIONS {
        transact(&database, &disk, rng, &mut models).unwrap();
        if rng.one_in(9) {
            match database.compact() {
                // Some releases refuse while a relaxed commit is not durable yet.
                Ok(_) | Err(CompactionError::TransactionInProgress) => {}
                Err(e) => panic!("{e}"),
            }
        }
        if rng.one_in(12) {
            drop(database);
            database = open(&disk);
        }
    }
    disk.cut_power();
    (start, disk.take_record(), models)
}

/// Opens what a crash left and checks it; then goes on working.
fn check(disk: &SimDisk, models: &[Model], replay: &Replay<'_>, rng: &mut Rng) {
    let database = open(disk);
    let (version, rows) = content(&database).unwrap();
    let Replay { acknowledged, begun, .. } = *replay;
    assert!(version >= acknowledged, "lost version {acknowledged}, holds {version}");
    assert!(version <= begun, "version {version} is from the future");
    assert!(rows == models[version as usize], "rows are not those of version {version}");
    let mut later = vec![rows];
    for _ in 0..3 {
        transact(&database, disk, rng, &mut later).unwrap();
    }
    assert!(content(&database).unwrap().1 == later[3], "rows written after it are lost");
    disk.cut_power();
}

/// One seed.
pub(crate) fn torture(seed: u64, tally: &mut Tally) {
    let mut rng = Rng::new(seed);
    let ran = at(&format!("workload of seed {seed}"), || workload(&mut rng));
    let (start, record, models) = ran;
    at(&format!("{CRASHED}, seed {seed}"), || {
        outages(start, &record, POINTS, &mut rng, tally, &mut |disk, replay, rng| {
            check(disk, &models, replay, rng);
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this a seed could not be run again.
    #[test]
    fn a_seed_writes_the_same_again() {
        let [first, second] = [(); 2].map(|()| format!("{:?}", workload(&mut Rng::new(3)).1));
        assert!(first == second, "two records of one seed");
    }
}
