//! The handle of an open file.
//!
//! **Invariant:** a [`Db`] that exists has a published View, its indexes caught up, and the lock of
//! its file. After a failure that may have lost or doubled anything it is latched: every further
//! write says so, and reads go on from the last View.

use crate::access::Accesses;
use crate::background::{self, Reembedding, Scheduler};
use crate::catalog::Catalog;
use crate::commit::{
    Chain, Committer, CommitterSettings, Group, Linked, Opened, Shield, Tables, WriteOptions,
    named_segments,
};
use crate::derived::{ImageRow, Indexes, Unreadable};
use crate::embeddings::{Embeddings, StoredEmbeddings};
use crate::error::Detail;
use crate::file::{Access, Container, MemoryDisk, Settings as FileSettings};
use crate::ids::Seq;
use crate::knowledge::GraphAnswers;
use crate::options::{Create, Options, Setting, Settings};
use crate::recall::{Admission, Answers};
use crate::rows::{Pinned, guarded};
use crate::schema::{self, Table};
use crate::sealed::{SealedRow, SealedVectors};
use crate::transaction::{Committed, Transaction, WriteTx};
use crate::view::{Shared, View, ViewLimits, Views};
use crate::{Error, ErrorKind, Result, VerifyReport};
use redb::Database;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Between two attempts to open a file that is in use: from this, doubling, to a tenth of a second.
const FIRST_RETRY: Duration = Duration::from_millis(1);
const LAST_RETRY: Duration = Duration::from_millis(100);
/// Write sets that one group commit takes together, in bytes.
const GROUP_BYTES: usize = 8 << 20;
/// redb says that its repair has come less far than this, but not 0, when it has found the last
/// commit damaged and is about to go back to the one before.
const GOES_BACK: f64 = 0.5;

/// An open Memlith file. Cheap to clone, and usable from any thread.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("agent.lith");
/// use memlith::{Db, NewMemory, Recall};
/// let db = Db::open(&path)?;
/// db.remember(NewMemory::new("Ada prefers tea").tag("taste"))?;
/// db.write(|tx| {
///     tx.remember(NewMemory::new("The kettle is broken").kind("event"))?;
///     tx.remember(NewMemory::new("A new kettle comes on Friday").kind("plan"))
/// })?;
/// let answer = db.recall(&Recall::new().text("what about the kettle?").limit(2))?;
/// assert_eq!(answer.hits.len(), 2);
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone)]
pub struct Db {
    pub(crate) core: Arc<Core>,
}

/// What [`Db::compact`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compacted {
    /// Length of the file before.
    pub before_bytes: u64,
    /// Length of the file now.
    pub after_bytes: u64,
    /// Were the pages of the tables moved? Not while an older View is held, or where readers and
    /// writers left no moment for it.
    pub are_tables_compact: bool,
}

/// What all clones of a handle share.
pub(crate) struct Core {
    pub(crate) group: Group<Committer>,
    pub(crate) committer: Committer,
    pub(crate) settings: Settings,
    pub(crate) listed: Vec<Setting>,
    pub(crate) background: Scheduler<Core>,
    pub(crate) reembedding: Reembedding,
    is_read_only: bool,
}

impl Db {
    /// Opens the file at `path` with every default; creates it if there is none.
    ///
    /// # Errors
    /// As [`Options::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Db> {
        Options::new().open(path)
    }

    /// Opens the file for reading only.
    ///
    /// # Errors
    /// As [`Options::open_read_only`].
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Db> {
        Options::new().open_read_only(path)
    }

    /// The newest state: one instant over everything, for as long as the View is held.
    pub fn read(&self) -> Result<View> {
        let view = self.core.committer.current();
        view.shared().check_process()?;
        Ok(view)
    }

    /// Runs `work` as one transaction: all of it becomes visible and durable, or nothing.
    ///
    /// If `work` fails or panics, nothing of it happens. Writers of several threads share their
    /// syncs: sixteen of them commit about as fast as one.
    ///
    /// # Errors
    /// Whatever `work` returns; [`Busy`](ErrorKind::Busy) if it cannot start within the busy timeout;
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if the commit failed at a point where it may
    /// be durable.
    pub fn write<T>(&self, work: impl FnOnce(&mut WriteTx<'_>) -> Result<T>) -> Result<T> {
        Ok(self.transact(WriteOptions::new(), work)?.value)
    }

    /// Runs `work` as one transaction, with more to say about it.
    ///
    /// # Errors
    /// As [`write`](Self::write); [`AlreadyExists`](ErrorKind::AlreadyExists) if a transaction with
    /// the same idempotency key is committed already.
    pub fn transact<T>(
        &self,
        options: WriteOptions,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T>,
    ) -> Result<Committed<T>> {
        let mut tx = WriteTx::begin(&self.core, options)?;
        let value = work(&mut tx)?;
        tx.commit(value)
    }

    /// Begins an explicit transaction.
    ///
    /// # Errors
    /// [`Busy`](ErrorKind::Busy) if another one runs for longer than the busy timeout.
    pub fn begin(&self, options: WriteOptions) -> Result<Transaction<'_>> {
        WriteTx::begin(&self.core, options).map(Transaction)
    }

    /// Makes every relaxed commit durable.
    pub fn flush(&self) -> Result<()> {
        if !self.core.is_read_only {
            self.core.check_writable()?;
        }
        self.core.committer.sync()
    }

    /// Writes the images of all indexes, so that the next opening has nothing to fold, and seals
    /// vectors where there are enough of them. Done by itself as the file grows; call it before a
    /// moment when opening must be quick.
    pub fn checkpoint(&self) -> Result<()> {
        self.core.check_writable()?;
        self.core.committer.seal_at_rest()?;
        self.core.committer.link_at_rest()?;
        self.core.committer.checkpoint(&mut || true).map(drop)
    }

    /// Links all vectors into the graphs of their spaces, where these are large enough, and returns
    /// once they are. Done by itself in the background; call it before a moment when searches must be
    /// quick. `progress` gets the number of vectors done and of all.
    ///
    /// Images are not written meanwhile, which would lose what is linked behind their back:
    /// [`checkpoint`](Self::checkpoint), [`rebuild`](Self::rebuild) and [`verify`](Self::verify) wait,
    /// so `progress` must not call them.
    pub fn link(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        self.core.check_writable()?;
        self.core.link_all(progress)
    }

    /// Gives every byte of the file back that can be: moves the pages of the tables to the front of
    /// their space, moves what lies high in the file into holes below, and cuts the file behind the
    /// last of it. An idle handle and a closing one do so by themselves where much is free; call it
    /// before a file is copied or put away.
    ///
    /// It reads all tables, writes the images of the indexes if anything is in none (a file that has
    /// little to give back may get longer by them), and copies at most what lies behind the end that
    /// the file will have: about a second for some hundreds of MiB. While the pages of the tables move, whoever reads or writes waits. `progress` gets the
    /// bytes moved and about how many there are to move.
    ///
    /// What a View holds is not touched: while one that is not the newest is held, the pages of the
    /// tables stay where they are, and the images that it reads keep their space.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// # let id = db.remember(memlith::NewMemory::new("gone"))?;
    /// db.write(|tx| tx.forget(id))?;
    /// let compacted = db.compact(&mut |_, _| {})?;
    /// assert!(compacted.after_bytes <= compacted.before_bytes);
    /// # Ok::<(), memlith::Error>(())
    /// ```
    pub fn compact(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Compacted> {
        self.core.check_writable()?;
        self.core.compact(progress)
    }

    /// Deletes every derived index and makes it anew from the rows. `progress` gets the number of
    /// memories done and of all.
    pub fn rebuild(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        self.core.check_writable()?;
        self.core.committer.rebuild(progress)
    }

    /// Ends background work, makes everything durable and writes what speeds up the next opening.
    /// Dropping the last clone does the same, but cannot report what went wrong. Behind the writers
    /// of other clones nothing works any more: they do its work themselves.
    ///
    /// # Errors
    /// [`Latched`](ErrorKind::Latched) if the handle has failed before: relaxed commits that were not
    /// durable by then are lost. [`DeadlineExceeded`](ErrorKind::DeadlineExceeded) if a step of
    /// background work has not ended within the [`close_timeout`](Options::close_timeout): all is
    /// durable, and the file is given up once that step ends.
    pub fn close(self) -> Result<()> {
        self.core.finish()
    }

    /// The newest commit that survives power loss.
    pub fn durable_seq(&self) -> Seq {
        self.core.committer.durable_seq()
    }

    pub(crate) fn open_path(path: &Path, options: Options) -> Result<Db> {
        let (settings, listed) = options.settle(|name| std::env::var(name).ok())?;
        let file_settings = file_settings(&settings);
        let open = || match Container::open(path, &file_settings, Access::ReadWrite) {
            Err(e) if e.kind() == ErrorKind::NotFound && options.create == Create::IfMissing => {
                let created = Container::create(path, &file_settings, initialise);
                match created {
                    // Somebody else was quicker: theirs is as good.
                    Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e),
                    _ => Container::open(path, &file_settings, Access::ReadWrite),
                }
            }
            opened => opened,
        };
        let container = wait_while_in_use(settings.busy_timeout, open)?;
        Self::from_container(container, options, settings, listed)
    }

    /// Makes a file of what `fill` writes: it gets its name once everything is in it, durably, and
    /// if anything fails there is none.
    pub(crate) fn create_filled(path: &Path, fill: impl FnOnce(&Db) -> Result<()>) -> Result<()> {
        let (settings, listed) =
            Options::new().background_threads(0).settle(|name| std::env::var(name).ok())?;
        Container::create(path, &file_settings(&settings), |container| {
            initialise(container)?;
            let db = Self::from_container(container.clone(), Options::new(), settings, listed)?;
            fill(&db)?;
            db.close()
        })
    }

    pub(crate) fn open_path_read_only(path: &Path, options: Options) -> Result<Db> {
        let (settings, listed) = options.settle(|name| std::env::var(name).ok())?;
        let file_settings = file_settings(&settings);
        let open = || Container::open(path, &file_settings, Access::ReadOnly);
        let container = wait_while_in_use(settings.busy_timeout, open)?;
        Self::from_container(container, options, settings, listed)
    }

    pub(crate) fn open_in_memory(options: Options) -> Result<Db> {
        let (settings, listed) = options.settle(|name| std::env::var(name).ok())?;
        let disk = Arc::new(MemoryDisk::default());
        let container = Container::create_on(disk, &file_settings(&settings))?;
        initialise(&container)?;
        Self::from_container(container, options, settings, listed)
    }

    pub(crate) fn from_container(
        container: Container,
        mut options: Options,
        settings: Settings,
        listed: Vec<Setting>,
    ) -> Result<Db> {
        let is_read_only = container.is_read_only();
        let shared = Arc::new(Shared {
            clock: options.take_clock(),
            accesses: Accesses::new(!is_read_only),
            embedders: options.embedders.clone(),
            embeddings: Embeddings::new(
                settings.embedding_cache_bytes,
                StoredEmbeddings::new(settings.embedding_file_bytes as u64, !is_read_only),
            ),
            searches: Admission::new(settings.max_searches, settings.busy_timeout),
            answers: Answers::new(settings.answer_cache_bytes),
            graph_answers: GraphAnswers::new(settings.graph_cache_bytes),
            pid: std::process::id(),
        });
        let opened = open_file(container, &settings)?;
        let failure = opened.failure.clone();
        let limits = ViewLimits {
            max_age_ms: settings.snapshot_max_age.as_millis() as i64,
            max_bytes: settings.snapshot_max_bytes,
        };
        let committer_settings = CommitterSettings {
            relaxed_bytes: settings.relaxed_bytes,
            max_inline_image: settings.max_inline_image,
            tail_texts: settings.tail_texts,
            graph_bytes: settings.graph_bytes,
            seal_bytes: settings.seal_bytes,
            bulk_bytes: settings.bulk_bytes,
        };
        let views = Views::new(shared, limits);
        let core = Arc::new(Core {
            group: Group::new(GROUP_BYTES),
            committer: Committer::new(opened, committer_settings, views)?,
            background: background::scheduler(&settings),
            reembedding: Reembedding::default(),
            settings,
            listed,
            is_read_only,
        });
        let db = Db { core };
        if db.core.settings.verify_on_open {
            db.refuse_damage()?;
        }
        // Everything could be read: only now may the file change.
        failure.arm()?;
        if !is_read_only {
            let started = db.core.background.start(&db.core);
            started.map_err(|e| Error::io("starting the background threads", e))?;
        }
        Ok(db)
    }

    /// Gives the file up, unchanged, if anything in it is damaged.
    fn refuse_damage(&self) -> Result<()> {
        let report = self.verify(&mut |_| {});
        if report.as_ref().is_ok_and(VerifyReport::is_clean) {
            return Ok(());
        }
        // Dropping the handle is not to write anything either.
        self.core.committer.container().latch();
        let report = report?;
        let first = report.problems.first().map(|p| format!("{}: {}", p.place, p.what));
        let found = format!("{} problems, the first: {first:?}", report.problem_count);
        Err(Error::corruption("file", "a file that verifies", found))
    }
}

impl Core {
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.committer.views.shared().check_process()?;
        if self.is_read_only {
            return Err(Detail::ReadOnly.into());
        }
        // A failure outside of any commit, such as in a checkpoint, latches the container alone.
        let is_latched = self.group.is_latched() || self.committer.container().is_latched();
        if is_latched { Err(Detail::Latched.into()) } else { Ok(()) }
    }

    /// The last work before the file is let go.
    pub(crate) fn finish(&self) -> Result<()> {
        if self.committer.views.shared().check_process().is_err() {
            // In a child process: the threads, the lock and the file are the parent's.
            self.background.abandon();
            self.committer.container().latch();
            return Ok(());
        }
        let deadline = Instant::now() + self.settings.close_timeout;
        let has_stopped = self.background.stop(self.settings.close_timeout);
        if self.is_read_only {
            return Ok(());
        }
        // Of a latched handle nothing more becomes durable, which whoever closes it must hear.
        self.check_writable()?;
        self.flush_accesses()?;
        self.flush_embeddings()?;
        self.committer.sync()?;
        if !has_stopped {
            // The rest makes the next opening faster, and could take as long as what did not end.
            return Err(Detail::Deadline { doing: "ending background work" }.into());
        }
        self.committer.seal_at_rest()?;
        if self.is_checkpoint_due_at_close() {
            self.committer.checkpoint(&mut || true)?;
        }
        self.compact_at_close(deadline)?;
        self.committer.container().trim()
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // What fails here costs speed at the next opening, and access counts; no fact is lost.
        let _ = self.finish();
    }
}

fn file_settings(settings: &Settings) -> FileSettings {
    FileSettings { mapping: settings.mapping, ..FileSettings::default() }
}

fn wait_while_in_use<T>(timeout: Duration, attempt: impl Fn() -> Result<T>) -> Result<T> {
    let until = Instant::now() + timeout;
    let mut pause = FIRST_RETRY;
    loop {
        match attempt() {
            Err(e) if e.kind() == ErrorKind::InUse && Instant::now() + pause < until => {
                thread::sleep(pause);
                pause = (pause * 2).min(LAST_RETRY);
            }
            done => return done,
        }
    }
}

/// Makes every table, so that no reader has to ask whether there is one.
pub(crate) fn initialise(container: &Container) -> Result<()> {
    let database = Database::builder().create_with_backend(container.backend())?;
    let transaction = database.begin_write()?;
    for table in Table::ALL {
        transaction.open_table(table.definition())?;
    }
    for table in [
        schema::LOG,
        schema::OUTCOMES,
        schema::IMAGES,
        schema::ACCESSES,
        schema::EMBEDDINGS,
        schema::SEALED,
    ] {
        transaction.open_table(table)?;
    }
    transaction.open_table(schema::FACTS)?;
    transaction.commit()?;
    Ok(())
}

/// From a container to indexes that show what its rows say. Nothing is written before the
/// [`failure`](Opened::failure) of what this returns is armed.
fn open_file(container: Container, settings: &Settings) -> Result<Opened> {
    guarded(|| open_tables(container, settings))
}

fn open_tables(container: Container, settings: &Settings) -> Result<Opened> {
    if settings.verify_on_open {
        container.trust_lone_seal();
    }
    let mut shield = Shield::new(&container)?;
    let failure = shield.failure();
    let mut builder = Database::builder();
    builder.set_cache_size(settings.memory_limit / 2);
    let is_verified = settings.verify_on_open && shield.hide_close()?;
    if is_verified {
        builder.set_repair_callback(|repair| {
            if repair.progress() > 0.0 && repair.progress() < GOES_BACK {
                repair.abort();
            }
        });
    }
    let database = builder.create_with_backend(shield)?;
    let mut database = Tables::new(database, failure.clone(), container.clone());
    // Recovery may look at pages that a crash left half written; from here on none is.
    container.set_verifying();
    if settings.verify_on_open && !is_verified && !database.check_integrity()? {
        let found = "other pages, or free ones in use";
        return Err(Error::corruption("table space", "pages as redb's checksums say", found));
    }
    let rows = Pinned::new(database.begin_read()?, Arc::default());
    let images = ImageRow::load_all(&rows)?;
    container.register(&named_segments(&rows)?)?;
    let sealed = Arc::new(SealedVectors::open(&container, SealedRow::load_all(&rows)?)?);
    let rows = rows.with_sealed(sealed.clone());
    let (chain, linked) = (Chain::load(&rows)?, Linked::load(&rows)?);
    let catalog = Catalog::load(&rows)?;
    let graph_bytes = settings.graph_bytes;
    let indexes = open_indexes(&container, &images, catalog, &rows, chain.seq, graph_bytes)?;
    drop(rows);
    Ok(Opened { database, failure, container, chain, sealed, linked, indexes })
}

/// Indexes that show the state at `last`: from their images, or else from the rows.
fn open_indexes(
    container: &Container,
    images: &BTreeMap<String, ImageRow>,
    catalog: Catalog,
    rows: &Pinned,
    last: Seq,
    graph_bytes: u64,
) -> Result<Indexes> {
    let anew = Unreadable::MakeAnew;
    if let Some(mut indexes) =
        Indexes::open_images(container, images, catalog, rows, graph_bytes, anew)?
        && indexes.catch_up(last, rows)?
    {
        return Ok(indexes);
    }
    let mut indexes = Indexes::rebuild(rows, last, graph_bytes, &mut |_| {})?;
    indexes.unsaved_edges = indexes.knowledge.edges();
    indexes.unsaved = indexes.ordinals() + indexes.unsaved_edges;
    Ok(indexes)
}
