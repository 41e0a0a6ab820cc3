//! A file that was closed in good order, and what there is to know of it.

use super::answers::{Answers, answers};
use super::watched::Watched;
use crate::Result;
use crate::db::Db;
use crate::derived::{ImageRow, Place};
use crate::file::sim::SimDisk;
use crate::file::{Access, Container, SegmentRef, Settings as FileSettings};
use crate::options::{Options, Settings};
use crate::sealed::SealedRow;
use crate::torture::setup::TestClock;
use crate::torture::workload::Workload;
use std::sync::Arc;

/// Half of it is redb's cache: small, so that it does not hide what is on the disk.
pub(super) const MEMORY_LIMIT: usize = 128 << 10;

/// The file of a seed.
pub(super) struct Closed {
    pub(super) bytes: Vec<u8>,
    /// The same file, closed some commits earlier.
    pub(super) older: Vec<u8>,
    clock: TestClock,
    ids: u64,
    keys: Vec<String>,
}

impl Closed {
    /// The file of a workload of so many steps.
    pub(super) fn make(seed: u64, steps: usize) -> Closed {
        let (mut workload, _) = Workload::new(seed).expect("a new file");
        let work = |workload: &mut Workload, steps: usize| {
            for _ in 0..steps {
                workload.step().unwrap_or_else(|e| panic!("{e}"));
            }
            workload.db().checkpoint().expect("a checkpoint");
            workload.transact().expect("something to catch up with");
        };
        work(&mut workload, steps * 3 / 4);
        let copy = SimDisk::new(workload.disk.bytes());
        let db = workload.setup.open(&copy, &workload.clock.fork()).expect("it opens");
        db.close().expect("it closes");
        work(&mut workload, steps / 4);
        let known = workload.timeline.known.last().expect("a commit");
        let ids = known.memories.keys().last().copied().unwrap_or_default() + 1;
        let keys = workload.timeline.keys.keys().cloned().collect();
        workload.db.take().expect("it is open").close().expect("it closes");
        let (bytes, older) = (workload.disk.bytes(), copy.bytes());
        Closed { bytes, older, clock: workload.clock, ids, keys }
    }

    /// Opens a file, this one or what has become of it.
    pub(super) fn open(&self, disk: &Watched, access: Access, is_verified: bool) -> Result<Db> {
        let disk = Arc::new(disk.clone());
        let container = match access {
            Access::ReadWrite => Container::open_on(disk, &FileSettings::default())?,
            Access::ReadOnly => Container::open_on_read_only(disk, &FileSettings::default())?,
        };
        let (settings, listed) = Options::new().settle(|_| None)?;
        let settings = Settings {
            background_threads: 0,
            memory_limit: MEMORY_LIMIT,
            verify_on_open: is_verified,
            ..settings
        };
        let options = Options::new().clock(self.clock.fork());
        Db::from_container(container, options, settings, listed)
    }

    pub(super) fn ask(&self, db: &Db) -> Result<Answers> {
        answers(db, self.ids, &self.keys)
    }

    /// The segments that the rows of a handle name.
    pub(super) fn segments(db: &Db) -> Result<Vec<SegmentRef>> {
        let images = ImageRow::load_all(&*db.read()?.rows()?)?;
        let segment = |row: &ImageRow| match &row.place {
            Place::Segment(segment) => Some(*segment),
            Place::Inline(_) => None,
        };
        let sealed = SealedRow::load_all(&*db.read()?.rows()?)?;
        let sealed = sealed.iter().map(|row| row.segment);
        Ok(images.values().filter_map(segment).chain(sealed).collect())
    }
}
