//! A small store on a container, and the model it is checked against.
//!
//! It keeps the caller's part of the protocol, as the kernel does: a segment is released only
//! after a durable commit without its row.

use crate::file::crash::Rng;
use crate::file::sim::{Event, SimDisk};
use crate::file::{Arranged, Container, SegmentRef, Settings};
use redb::{
    Database, Durability, Error, ReadableDatabase, ReadableTable, TableDefinition, TableError,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
const SEGMENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("segments");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

/// What the file holds at one version: the checksum of each row's and segment's bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) rows: BTreeMap<u64, u64>,
    pub(super) segments: BTreeMap<u64, u64>,
}

/// An open file.
pub(super) struct Store {
    disk: SimDisk,
    pub(super) container: Container,
    tables: Option<Database>,
    /// Segments whose row is gone, but not yet durably.
    doomed: Vec<SegmentRef>,
    settings: Settings,
}

impl Store {
    pub(super) fn create(disk: &SimDisk, settings: &Settings) -> Self {
        let container = Container::create_on(Arc::new(disk.clone()), settings).unwrap();
        Self::with_tables(disk, settings, container)
    }

    pub(super) fn open(disk: &SimDisk, settings: &Settings) -> Self {
        let container = Container::open_on(Arc::new(disk.clone()), settings).unwrap();
        let store = Self::with_tables(disk, settings, container);
        let segments: Vec<SegmentRef> = store.segments().into_values().collect();
        store.container.register(&segments).unwrap();
        store.container.verify().unwrap();
        store
    }

    fn with_tables(disk: &SimDisk, settings: &Settings, container: Container) -> Self {
        let tables = Database::builder()
            .set_cache_size(1 << 20)
            .create_with_backend(container.backend())
            .unwrap();
        container.set_verifying();
        let tables = Some(tables);
        let (disk, settings) = (disk.clone(), settings.clone());
        Store { disk, container, tables, doomed: Vec::new(), settings }
    }

    pub(super) fn tables(&mut self) -> &mut Database {
        self.tables.as_mut().unwrap()
    }

    fn segments(&self) -> BTreeMap<u64, SegmentRef> {
        let tx = self.tables.as_ref().unwrap().begin_read().unwrap();
        match tx.open_table(SEGMENTS) {
            Ok(table) => {
                let rows = table.iter().unwrap().map(Result::unwrap);
                rows.map(|(id, r)| (id.value(), SegmentRef::decode(r.value()).unwrap())).collect()
            }
            Err(TableError::TableDoesNotExist(_)) => BTreeMap::new(),
            Err(e) => panic!("{e}"),
        }
    }

    /// The version that the file holds, and its content, every byte of it read.
    pub(super) fn content(&self) -> (u64, Model) {
        let mut model = Model::default();
        for (id, segment) in self.segments() {
            let source = self.container.open_segment(&segment).unwrap();
            model.segments.insert(id, xxh3_64(source.get(0..source.len()).unwrap()));
        }
        let tx = self.tables.as_ref().unwrap().begin_read().unwrap();
        let version = match tx.open_table(META) {
            Ok(meta) => meta.get("version").unwrap().map_or(0, |v| v.value()),
            Err(TableError::TableDoesNotExist(_)) => return (0, model),
            Err(e) => panic!("{e}"),
        };
        let rows = tx.open_table(ROWS).unwrap();
        for row in rows.iter().unwrap() {
            let (key, value) = row.unwrap();
            model.rows.insert(key.value(), xxh3_64(value.value()));
        }
        (version, model)
    }

    /// One transaction: rows, perhaps a segment published, perhaps some withdrawn.
    pub(super) fn transact(&mut self, rng: &mut Rng, models: &mut Vec<Model>) -> Result<(), Error> {
        let version = models.len() as u64;
        let mut model = models.last().cloned().unwrap_or_default();
        let is_durable = rng.one_in(2);
        let published = rng.one_in(3).then(|| {
            let len = 1 + rng.below(3 * u64::from(self.settings.chunk_bytes));
            let data = rng.bytes(len as usize);
            (self.container.write_segment(&data).unwrap(), xxh3_64(&data))
        });
        if rng.one_in(12) {
            // Written, and never published.
            let abandoned = self.container.write_segment(&rng.bytes(20_000)).unwrap();
            self.container.release(&abandoned);
        }
        let known = self.segments();
        let mut withdrawn = Vec::new();
        let mut tx = self.tables().begin_write()?;
        let durability = if is_durable { Durability::Immediate } else { Durability::None };
        tx.set_durability(durability).unwrap();
        tx.set_two_phase_commit(rng.one_in(3));
        tx.set_quick_repair(rng.one_in(3));
        {
            let (mut rows, mut segments) = (tx.open_table(ROWS)?, tx.open_table(SEGMENTS)?);
            for _ in 0..=rng.below(10) {
                let key = rng.below(60);
                if rng.one_in(3) {
                    rows.remove(key)?;
                    model.rows.remove(&key);
                } else {
                    let most = if rng.one_in(25) { 200_000 } else { 900 };
                    let len = 8 + rng.below(most);
                    let data = rng.bytes(len as usize);
                    rows.insert(key, &data[..])?;
                    model.rows.insert(key, xxh3_64(&data));
                }
            }
            if let Some((segment, checksum)) = published {
                segments.insert(version, &segment.encode()[..])?;
                model.segments.insert(version, checksum);
            }
            for (id, segment) in known {
                if rng.one_in(6) {
                    segments.remove(id)?;
                    model.segments.remove(&id);
                    withdrawn.push(segment);
                }
            }
            tx.open_table(META)?.insert("version", version)?;
        }
        self.disk.mark(Event::Begin(version));
        models.push(model);
        tx.commit()?;
        self.doomed.append(&mut withdrawn);
        if is_durable {
            self.disk.mark(Event::Acknowledged(version));
            for segment in std::mem::take(&mut self.doomed) {
                self.container.release(&segment);
            }
        }
        Ok(())
    }

    /// One step towards a file without holes; false if there is nothing to move. What it commits
    /// is durable, and so is the version that it finds.
    pub(super) fn arrange(&mut self, version: u64) -> Result<bool, Error> {
        let known = self.segments();
        let named: Vec<SegmentRef> = known.values().copied().collect();
        let (extent, toward) = match self.container.arrange(&named, true, &mut || true).unwrap() {
            Arranged::Moved(_) => return Ok(true),
            Arranged::Done => return Ok(false),
            Arranged::Segment(extent, toward) => (extent, toward),
        };
        let (id, old) = known.into_iter().find(|(_, s)| s.extent == extent).unwrap();
        let Some(new) = self.container.copy_segment(&old, toward, &mut || true).unwrap() else {
            panic!("there is no place for {old:?} any more");
        };
        let tx = self.tables().begin_write()?;
        tx.open_table(SEGMENTS)?.insert(id, &new.encode()[..])?;
        tx.commit()?;
        self.disk.mark(Event::Acknowledged(version));
        self.doomed.push(old);
        for segment in std::mem::take(&mut self.doomed) {
            self.container.release(&segment);
        }
        Ok(true)
    }

    /// Closes cleanly and opens again.
    pub(super) fn reopen(self) -> Self {
        let (disk, settings) = (self.disk.clone(), self.settings.clone());
        drop(self);
        Self::open(&disk, &settings)
    }

    /// Rewrites the tables into the spare space and switches.
    pub(super) fn rewrite(&mut self) -> Result<(), Error> {
        let spare = self.container.spare_backend();
        let new = Database::builder().set_cache_size(1 << 20).create_with_backend(spare)?;
        let from = self.tables().begin_read()?;
        let to = new.begin_write()?;
        if let (Ok(rows), Ok(segments), Ok(meta)) =
            (from.open_table(ROWS), from.open_table(SEGMENTS), from.open_table(META))
        {
            for (from, name) in [(rows, ROWS), (segments, SEGMENTS)] {
                let mut to = to.open_table(name)?;
                for row in from.iter()? {
                    let (key, value) = row?;
                    to.insert(key.value(), value.value())?;
                }
            }
            let version = meta.get("version")?.map_or(0, |v| v.value());
            to.open_table(META)?.insert("version", version)?;
        }
        to.commit()?;
        drop(from);
        // The old space is closed cleanly, so its last commit is durable either way.
        drop(self.tables.replace(new));
        self.container.switch_spaces().unwrap();
        self.container.drop_spare().unwrap();
        for segment in std::mem::take(&mut self.doomed) {
            self.container.release(&segment);
        }
        Ok(())
    }
}
