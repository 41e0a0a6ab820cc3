//! How a seed's file is made and opened: small sizes, so that little work reaches every path.
//!
//! **Invariant:** opening reads no environment, starts no thread and asks no clock but its own.

use crate::clock::Clock;
use crate::db::{Db, initialise};
use crate::file::sim::SimDisk;
use crate::file::{Container, Settings as FileSettings};
use crate::options::{LogRetention, Options, Settings};
use crate::sync::Mutex;
use crate::view::View;
use crate::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// When every workload begins.
const EPOCH_MS: i64 = 1_767_268_800_000;

/// A clock that stands until it is moved; clones are the same clock.
///
/// The engine asks for the time between any two commits of one call, so the clock is also the place
/// from which to see the state in between.
#[derive(Clone)]
pub(super) struct TestClock {
    now_ms: Arc<AtomicI64>,
    watch: Arc<Mutex<Option<Watch>>>,
}

/// A handle, and every View of it that came up while it was watched, oldest first.
struct Watch {
    db: Db,
    seen: Vec<View>,
}

impl TestClock {
    pub(super) fn new() -> Self {
        Self::at(EPOCH_MS)
    }

    fn at(ms: i64) -> Self {
        TestClock { now_ms: Arc::new(AtomicI64::new(ms)), watch: Arc::default() }
    }

    pub(super) fn advance(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// A clock that shows the same now, and moves alone from here.
    pub(super) fn fork(&self) -> Self {
        Self::at(self.now_ms.load(Ordering::Relaxed))
    }

    /// Begins to note Views that are newer than the one there is.
    pub(super) fn watch(&self, db: &Db) -> Result<()> {
        *self.watch.lock() = Some(Watch { db: db.clone(), seen: vec![db.read()?] });
        Ok(())
    }

    /// The Views that came up since, one for each commit.
    pub(super) fn unwatch(&self) -> Result<Vec<View>> {
        let Some(mut watch) = self.watch.lock().take() else { return Ok(Vec::new()) };
        watch.look()?;
        Ok(watch.seen.split_off(1))
    }
}

impl Watch {
    fn look(&mut self) -> Result<()> {
        let view = self.db.read()?;
        if self.seen.last().is_none_or(|last| last.seq() < view.seq()) {
            self.seen.push(view);
        }
        Ok(())
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        if let Some(watch) =
            self.watch.lock_within(Duration::ZERO).as_deref_mut().and_then(Option::as_mut)
        {
            // A handle of this process can always be read.
            let _ = watch.look();
        }
        self.now_ms.load(Ordering::Relaxed)
    }
}

/// The options of a seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    seed: u64,
}

impl Setup {
    pub(super) fn of(seed: u64) -> Self {
        Setup { seed }
    }

    fn file(self) -> FileSettings {
        FileSettings {
            chunk_bytes: [16 << 10, 64 << 10][self.seed as usize % 2],
            inline_runs: [1, 4_000, 4_000][self.seed as usize % 3],
            mapping: !self.seed.is_multiple_of(4),
            ..FileSettings::default()
        }
    }

    fn engine(self) -> (Settings, Vec<crate::Setting>) {
        let (settings, listed) = Options::new().settle(|_| None).expect("defaults are valid");
        let settings = Settings {
            background_threads: 0,
            // Half of it is redb's cache: a small one makes it write before the commit.
            memory_limit: [128 << 10, 16 << 20][self.seed as usize / 2 % 2],
            relaxed_bytes: [8 << 10, 1 << 20][self.seed as usize / 4 % 2],
            max_inline_image: 2 << 10,
            tail_texts: 16,
            // A few vectors make a segment, and a few segments another.
            seal_bytes: [1 << 10, 6 << 10][self.seed as usize / 8 % 2],
            // Of the widest vectors one becomes a row and two become a segment; or few do, or none.
            bulk_bytes: [300, 2 << 10, 1 << 20][self.seed as usize % 3],
            // In some runs the graph soon takes more than it may, and is read from rows.
            graph_bytes: [settings.graph_bytes, 3 << 10][usize::from(self.seed % 5 == 3)],
            log_retention: LogRetention::new(20, Duration::from_secs(15)),
            ..settings
        };
        (settings, listed)
    }

    /// An empty file on an empty disk, as it is when it gets its name.
    pub(super) fn make(self, disk: &SimDisk) -> Result<()> {
        let container = Container::create_on(Arc::new(disk.clone()), &self.file())?;
        initialise(&container)?;
        container.sync().map_err(|e| Error::io("making a file", e))
    }

    /// The same, opened once and closed.
    pub(super) fn create(self, disk: &SimDisk, clock: &TestClock) -> Result<()> {
        self.make(disk)?;
        self.open(disk, clock)?.close()
    }

    pub(super) fn open(self, disk: &SimDisk, clock: &TestClock) -> Result<Db> {
        let container = Container::open_on(Arc::new(disk.clone()), &self.file())?;
        self.over(container, clock)
    }

    fn over(self, container: Container, clock: &TestClock) -> Result<Db> {
        let (settings, listed) = self.engine();
        Db::from_container(container, Options::new().clock(clock.clone()), settings, listed)
    }
}
