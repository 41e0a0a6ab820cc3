//! How a file is opened, and with which limits.
//!
//! Every number has a default; a `MEMLITH_*` variable of the environment goes over the default,
//! and a call of the program over both. [`Db::stats`](crate::Db::stats) tells which it was.

mod choose;

pub use choose::{Origin, Setting};

use crate::clock::{Clock, SystemClock};
use crate::commit::Durability;
use crate::db::Db;
use crate::embed::{Embedder, Embedders};
use crate::error::check_limit;
use crate::memory::DEFAULT_SPACE;
use crate::sync::thread;
use crate::{Error, Result};
use choose::Chooser;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long the log is kept. Rows go once they are beyond *either* limit, but never before every
/// index has taken them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogRetention {
    /// So many rows at most.
    pub max_rows: u64,
    /// No row older than this.
    pub max_age: Duration,
}

impl LogRetention {
    /// Keeps so many rows, and none that is older.
    pub fn new(max_rows: u64, max_age: Duration) -> Self {
        LogRetention { max_rows, max_age }
    }
}

/// The settings in force for an open file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) memory_limit: usize,
    pub(crate) busy_timeout: Duration,
    pub(crate) durability: Durability,
    /// None: writers do background work behind their commits.
    pub(crate) background_threads: usize,
    /// Of one core, for each of them.
    pub(crate) background_cpu: u8,
    /// A second; no limit if 0.
    pub(crate) background_io: u64,
    pub(crate) close_timeout: Duration,
    pub(crate) snapshot_max_age: Duration,
    pub(crate) snapshot_max_bytes: u64,
    pub(crate) log_retention: LogRetention,
    pub(crate) mapping: bool,
    pub(crate) verify_on_open: bool,
    pub(crate) relaxed_bytes: u64,
    pub(crate) relaxed_delay: Duration,
    /// Images up to this size lie in rows: a segment takes whole chunks.
    pub(crate) max_inline_image: usize,
    pub(crate) tail_texts: u64,
    pub(crate) seal_bytes: u64,
    pub(crate) graph_delta_bytes: u64,
    /// Any number if 0.
    pub(crate) max_searches: usize,
    /// None are kept if 0.
    pub(crate) answer_cache_bytes: usize,
    /// Nothing is kept if 0.
    pub(crate) graph_cache_bytes: usize,
    /// None are kept if 0.
    pub(crate) embedding_cache_bytes: usize,
    pub(crate) embedding_file_bytes: usize,
    pub(crate) graph_bytes: u64,
    /// So many bytes of vectors of one space in one commit never become rows. A segment takes whole
    /// chunks: of fewer too much would be left over.
    pub(crate) bulk_bytes: u64,
}

/// Background threads that a handle may have.
const MAX_THREADS: usize = 64;

fn default_threads() -> usize {
    // One that works, and one that keeps promises meanwhile.
    thread::available_parallelism().map_or(1, |cores| cores.get().min(2))
}

impl Settings {
    fn check(&self) -> Result<()> {
        check_limit("number of background threads", self.background_threads, MAX_THREADS)?;
        if !(1..=100).contains(&self.background_cpu) {
            return Err(Error::invalid("background_cpu", "must be from 1 to 100 percent"));
        }
        Ok(())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            memory_limit: 256 << 20,
            busy_timeout: Duration::from_secs(5),
            durability: Durability::Durable,
            background_threads: default_threads(),
            background_cpu: 50,
            background_io: 0,
            close_timeout: Duration::from_secs(10),
            snapshot_max_age: Duration::from_mins(10),
            snapshot_max_bytes: 1 << 30,
            log_retention: LogRetention::new(1_000_000, Duration::from_hours(90 * 24)),
            mapping: true,
            verify_on_open: false,
            relaxed_bytes: 16 << 20,
            relaxed_delay: Duration::from_millis(100),
            max_inline_image: 64 << 10,
            // A search reads the lists of what lies in memory whole.
            tail_texts: 8_192,
            seal_bytes: 4 << 20,
            graph_delta_bytes: 64 << 20,
            max_searches: 0,
            answer_cache_bytes: 0,
            graph_cache_bytes: 0,
            embedding_cache_bytes: 0,
            embedding_file_bytes: 0,
            graph_bytes: 1 << 30,
            bulk_bytes: 1 << 20,
        }
    }
}

/// How to open a file.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("agent.lith");
/// use std::time::Duration;
/// let db = memlith::Options::new()
///     .memory_limit(64 << 20)
///     .busy_timeout(Duration::from_secs(1))
///     .open(&path)?;
/// # drop(db);
/// # Ok::<(), memlith::Error>(())
/// ```
///
/// | setting | variable | default |
/// |---|---|---|
/// | [`memory_limit`](Self::memory_limit) | `MEMLITH_MEMORY_LIMIT` (bytes) | 256 MiB |
/// | [`busy_timeout`](Self::busy_timeout) | `MEMLITH_BUSY_TIMEOUT` (ms) | 5,000 |
/// | [`durability`](Self::durability) | `MEMLITH_DURABILITY` (`durable`, `relaxed`) | `durable` |
/// | [`background_threads`](Self::background_threads), [`threads`](Self::threads) | `MEMLITH_BACKGROUND_THREADS` | 2, or 1 on a single core |
/// | [`background_cpu`](Self::background_cpu) | `MEMLITH_BACKGROUND_CPU` (percent) | 50 |
/// | [`background_io`](Self::background_io) | `MEMLITH_BACKGROUND_IO` (bytes a second) | 0: no limit |
/// | [`close_timeout`](Self::close_timeout) | `MEMLITH_CLOSE_TIMEOUT` (ms) | 10,000 |
/// | [`snapshot_max_age`](Self::snapshot_max_age) | `MEMLITH_SNAPSHOT_MAX_AGE` (ms) | 600,000 |
/// | [`snapshot_max_bytes`](Self::snapshot_max_bytes) | `MEMLITH_SNAPSHOT_MAX_BYTES` | 1 GiB |
/// | [`log_retention`](Self::log_retention) | `MEMLITH_LOG_MAX_ROWS`, `MEMLITH_LOG_MAX_AGE` (ms) | 1,000,000; 90 days |
/// | [`mapping`](Self::mapping) | `MEMLITH_MAPPING` (`on`, `off`) | `on` |
/// | [`verify_on_open`](Self::verify_on_open) | `MEMLITH_VERIFY_ON_OPEN` (`on`, `off`) | `off` |
/// | [`seal_bytes`](Self::seal_bytes) | `MEMLITH_SEAL_BYTES` | 4 MiB |
/// | [`graph_delta_bytes`](Self::graph_delta_bytes) | `MEMLITH_GRAPH_DELTA_BYTES` | 64 MiB |
/// | [`max_searches`](Self::max_searches) | `MEMLITH_MAX_SEARCHES` | 0: no limit |
/// | [`answer_cache_bytes`](Self::answer_cache_bytes) | `MEMLITH_ANSWER_CACHE_BYTES` | 0: none are kept |
/// | [`graph_cache_bytes`](Self::graph_cache_bytes) | `MEMLITH_GRAPH_CACHE_BYTES` | 0: nothing is kept |
/// | [`embedding_cache_bytes`](Self::embedding_cache_bytes) | `MEMLITH_EMBEDDING_CACHE_BYTES` | 0: none are kept |
/// | [`embedding_file_bytes`](Self::embedding_file_bytes) | `MEMLITH_EMBEDDING_FILE_BYTES` | 0: none are kept |
/// | [`graph_bytes`](Self::graph_bytes) | `MEMLITH_GRAPH_BYTES` | 1 GiB |
#[derive(Default)]
pub struct Options {
    given: Given,
    pub(crate) create: Create,
    pub(crate) clock: Option<Box<dyn Clock>>,
    pub(crate) embedders: Embedders,
}

/// May opening create the file?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Create {
    #[default]
    IfMissing,
    Never,
}

/// What the caller said.
#[derive(Clone, Debug, Default)]
struct Given {
    memory_limit: Option<usize>,
    busy_timeout: Option<Duration>,
    durability: Option<Durability>,
    background_threads: Option<usize>,
    background_cpu: Option<u8>,
    background_io: Option<u64>,
    close_timeout: Option<Duration>,
    snapshot_max_age: Option<Duration>,
    snapshot_max_bytes: Option<u64>,
    log_retention: Option<LogRetention>,
    mapping: Option<bool>,
    verify_on_open: Option<bool>,
    seal_bytes: Option<u64>,
    graph_delta_bytes: Option<u64>,
    max_searches: Option<usize>,
    answer_cache_bytes: Option<usize>,
    graph_cache_bytes: Option<usize>,
    embedding_cache_bytes: Option<usize>,
    embedding_file_bytes: Option<usize>,
    graph_bytes: Option<u64>,
}

impl Options {
    /// Every default.
    pub fn new() -> Self {
        Options::default()
    }

    /// Bounds what the handle holds in memory beyond its mapped images, in bytes: half of it goes
    /// to the page cache of the table space.
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.given.memory_limit = Some(bytes);
        self
    }

    /// How long a write, or the opening of a file that another process has open, waits before it
    /// fails.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.given.busy_timeout = Some(timeout);
        self
    }

    /// How safe a commit is when its call returns, unless the call says.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.given.durability = Some(durability);
        self
    }

    /// May the handle have threads of its own? [`background_threads`](Self::background_threads) with
    /// as many as there are by default, or with none; of the two, the later call counts.
    #[must_use]
    pub fn threads(self, threads: bool) -> Self {
        self.background_threads(if threads { default_threads() } else { 0 })
    }

    /// How many threads of its own the handle has for background work; 64 at most. The first does
    /// all of it; the others help where several can, and stand in while the first is busy, so that
    /// with two a long piece of work does not hold up making relaxed commits durable. Idle threads
    /// cost nothing.
    ///
    /// With none, writers do the work behind their commits, a bounded part at a time; a relaxed
    /// commit then becomes durable by size alone.
    #[must_use]
    pub fn background_threads(mut self, threads: usize) -> Self {
        self.given.background_threads = Some(threads);
        self
    }

    /// How much of one core each background thread may take, in percent, from 1 to 100: after each
    /// step it rests in proportion. It does not rest while writers outrun it, nor from what makes
    /// relaxed commits durable.
    #[must_use]
    pub fn background_cpu(mut self, percent: u8) -> Self {
        self.given.background_cpu = Some(percent);
        self
    }

    /// How much background work may read and write, in bytes a second; 0 is no limit. Counted are
    /// the images of indexes.
    #[must_use]
    pub fn background_io(mut self, bytes_per_second: u64) -> Self {
        self.given.background_io = Some(bytes_per_second);
        self
    }

    /// How long [`Db::close`] waits for background work to end, which is asked to. Dropping the last
    /// handle waits so long too.
    #[must_use]
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.given.close_timeout = Some(timeout);
        self
    }

    /// After how long a View that is still held is revoked.
    #[must_use]
    pub fn snapshot_max_age(mut self, age: Duration) -> Self {
        self.given.snapshot_max_age = Some(age);
        self
    }

    /// After how many bytes of later commits a View that is still held is revoked.
    #[must_use]
    pub fn snapshot_max_bytes(mut self, bytes: u64) -> Self {
        self.given.snapshot_max_bytes = Some(bytes);
        self
    }

    /// How long the log is kept.
    #[must_use]
    pub fn log_retention(mut self, retention: LogRetention) -> Self {
        self.given.log_retention = Some(retention);
        self
    }

    /// May images and sealed vectors be mapped into memory? Without, they are read into it. Mapped is faster to open;
    /// but a media error, or another program truncating the file, then ends the process (`SIGBUS`).
    #[must_use]
    pub fn mapping(mut self, mapping: bool) -> Self {
        self.given.mapping = Some(mapping);
        self
    }

    /// Is the whole file verified before it is opened? Then damage anywhere in it refuses the
    /// opening as [`Corruption`](crate::ErrorKind::Corruption), and the file stays as it is;
    /// without, damage is reported by the call that meets it.
    ///
    /// Costs what [`Db::verify`] does, and another reading of all tables: time and reading in
    /// proportion to the file, and memory for a second copy of every index.
    #[must_use]
    pub fn verify_on_open(mut self, verify: bool) -> Self {
        self.given.verify_on_open = Some(verify);
        self
    }

    /// Vectors are sealed, moved from the rows that they are written to into segments that are read
    /// in place, once so many bytes of them are not: at checkpoints and on closing at 256 KiB of
    /// a space already, or at this if it is less. A transaction with a mebibyte of vectors of one space
    /// writes these as a segment at once.
    #[must_use]
    pub fn seal_bytes(mut self, bytes: u64) -> Self {
        self.given.seal_bytes = Some(bytes);
        self
    }

    /// Sets how much memory changes of the knowledge graph may take before they are written into an
    /// image, which is read in place. How much they take is in [`Stats`](crate::Stats).
    #[must_use]
    pub fn graph_delta_bytes(mut self, bytes: u64) -> Self {
        self.given.graph_delta_bytes = Some(bytes);
        self
    }

    /// How many recalls, contexts and searches of vectors may run at once; 0 is no limit. The others wait,
    /// each for as long as its deadline and the [`busy_timeout`](Self::busy_timeout) allow. How many ran and
    /// waited is in [`Stats`](crate::Stats).
    #[must_use]
    pub fn max_searches(mut self, searches: usize) -> Self {
        self.given.max_searches = Some(searches);
        self
    }

    /// How many bytes of answers are kept for requests that come again; 0 is none. An answer holds until a
    /// memory, a vector space or a metadata index changes, or something expires; answers that depend on the
    /// moment, on the graph, or on how often memories were read, are not kept. An embedder is taken to make the same of the
    /// same text. How many were found is in [`Stats`](crate::Stats).
    #[must_use]
    pub fn answer_cache_bytes(mut self, bytes: usize) -> Self {
        self.given.answer_cache_bytes = Some(bytes);
        self
    }

    /// How many bytes of subgraphs, projections, analyses and numbers of edges that match a filter are kept for requests
    /// that come again; 0 is none. One holds
    /// until a node or an edge changes, an edge begins or ends, or, where memories may expire or are chosen by a filter,
    /// a memory changes. What was cut short, or is chosen by the moment or by how often memories were read, is not
    /// kept. How many were found is in [`Stats`](crate::Stats).
    #[must_use]
    pub fn graph_cache_bytes(mut self, bytes: usize) -> Self {
        self.given.graph_cache_bytes = Some(bytes);
        self
    }

    /// How many bytes of vectors are kept in memory, by the texts that embedders made them of; 0 is none. An
    /// embedder is then not asked again for what it has made, and is taken to make the same of the same text.
    #[must_use]
    pub fn embedding_cache_bytes(mut self, bytes: usize) -> Self {
        self.given.embedding_cache_bytes = Some(bytes);
        self
    }

    /// How many bytes of vectors are kept in the file, by the hash of the text that an embedder made them of; 0 is
    /// none. A later process need not ask for them again, as when the same documents are read in once more. Any make
    /// way for others once there is no more room. They are written down now and then, and when the file is closed;
    /// forgetting a memory leaves them there.
    #[must_use]
    pub fn embedding_file_bytes(mut self, bytes: usize) -> Self {
        self.given.embedding_file_bytes = Some(bytes);
        self
    }

    /// Sets how much the adjacency of the knowledge graph may take in memory: its image, which is mapped, and
    /// what has changed since. Of a graph that takes more, none is held, and walks read rows: they find the
    /// same, and take longer. [`Stats`](crate::Stats) says whether it is so. Before it is let go its edges are
    /// linked to their ends in the background, which takes seconds for a million, and more is held until then; so
    /// it is by a read-only handle that may hold less than the writer could. A graph that has become small
    /// enough, about 40 bytes an edge, is held again when the file is opened or the indexes are rebuilt.
    #[must_use]
    pub fn graph_bytes(mut self, bytes: u64) -> Self {
        self.given.graph_bytes = Some(bytes);
        self
    }

    /// May [`open`](Self::open) create the file if there is none? It may unless told otherwise.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.create = if create { Create::IfMissing } else { Create::Never };
        self
    }

    /// The source of time.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// The embedder of the default space.
    #[must_use]
    pub fn embedder(self, embedder: impl Embedder) -> Self {
        self.embedder_for(DEFAULT_SPACE, embedder)
    }

    /// The embedder of a named space. While a space is changing its embedder there may be two, told
    /// apart by their identity: see [`Db::reembed`].
    #[must_use]
    pub fn embedder_for(mut self, space: impl Into<String>, embedder: impl Embedder) -> Self {
        self.embedders.insert(space.into(), Arc::new(embedder));
        self
    }

    /// Opens the file at `path`; creates it, with mode 0600, if there is none.
    ///
    /// # Errors
    /// [`InUse`](crate::ErrorKind::InUse) after the busy timeout if another handle has it open;
    /// [`NotMemlith`](crate::ErrorKind::NotMemlith),
    /// [`UnsupportedFormat`](crate::ErrorKind::UnsupportedFormat) or
    /// [`Corruption`](crate::ErrorKind::Corruption) if it cannot be read. A file that cannot be
    /// opened is left as it is.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Db> {
        Db::open_path(path.as_ref(), self)
    }

    /// Opens the file for reading only: several processes may at once, while none writes. What
    /// recovery would write stays in memory; the file is not touched.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_read_only(self, path: impl AsRef<Path>) -> Result<Db> {
        Db::open_path_read_only(path.as_ref(), self)
    }

    /// A database without a file, gone when its last handle is: for tests and trials.
    ///
    /// # Errors
    /// As [`open`](Self::open), of what can happen without a file.
    pub fn in_memory(self) -> Result<Db> {
        Db::open_in_memory(self)
    }

    /// The settings in force, and who gave each.
    pub(crate) fn settle(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<(Settings, Vec<Setting>)> {
        let default = Settings::default();
        let mut all = Vec::new();
        let given = &self.given;
        let mut choose = Chooser { variable: &variable, all: &mut all };
        let retention = default.log_retention;
        /// The setting that is called as its field is.
        macro_rules! field {
            ($how:ident $name:ident) => {
                choose.$how(stringify!($name), given.$name, default.$name)?
            };
        }
        let settings = Settings {
            memory_limit: field!(size memory_limit),
            busy_timeout: field!(millis busy_timeout),
            durability: choose.pick(
                "durability",
                given.durability,
                default.durability,
                |t| match t {
                    "durable" => Some(Durability::Durable),
                    "relaxed" => Some(Durability::Relaxed),
                    _ => None,
                },
                |d| format!("{d:?}").to_lowercase(),
            )?,
            background_threads: field!(size background_threads),
            background_cpu: choose.pick(
                "background_cpu",
                given.background_cpu,
                default.background_cpu,
                |t| t.parse().ok(),
                u8::to_string,
            )?,
            background_io: field!(number background_io),
            close_timeout: field!(millis close_timeout),
            snapshot_max_age: field!(millis snapshot_max_age),
            snapshot_max_bytes: field!(number snapshot_max_bytes),
            log_retention: LogRetention {
                max_rows: choose.number(
                    "log_max_rows",
                    given.log_retention.map(|r| r.max_rows),
                    retention.max_rows,
                )?,
                max_age: choose.millis(
                    "log_max_age",
                    given.log_retention.map(|r| r.max_age),
                    retention.max_age,
                )?,
            },
            mapping: field!(switch mapping),
            verify_on_open: field!(switch verify_on_open),
            seal_bytes: field!(number seal_bytes),
            graph_delta_bytes: field!(number graph_delta_bytes),
            max_searches: field!(size max_searches),
            answer_cache_bytes: field!(size answer_cache_bytes),
            graph_cache_bytes: field!(size graph_cache_bytes),
            embedding_cache_bytes: field!(size embedding_cache_bytes),
            embedding_file_bytes: field!(size embedding_file_bytes),
            graph_bytes: field!(number graph_bytes),
            ..default
        };
        settings.check()?;
        Ok((settings, all))
    }

    pub(crate) fn take_clock(&mut self) -> Box<dyn Clock> {
        self.clock.take().unwrap_or_else(|| Box::new(SystemClock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(options: &Options, variables: &[(&str, &str)]) -> Result<(Settings, Vec<Setting>)> {
        let find = |name: &str| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        };
        options.settle(find)
    }

    #[test]
    fn the_caller_goes_over_the_environment_and_that_over_the_default() {
        let options = Options::new().memory_limit(7);
        let variables = [("MEMLITH_MEMORY_LIMIT", "9"), ("MEMLITH_BUSY_TIMEOUT", "12")];
        let (settings, all) = settled(&options, &variables).unwrap();
        assert_eq!(settings.memory_limit, 7);
        assert_eq!(settings.busy_timeout, Duration::from_millis(12));
        assert_eq!(settings.durability, Durability::Durable);
        let origin = |name| all.iter().find(|s| s.name == name).unwrap().origin;
        assert_eq!(origin("memory_limit"), Origin::Caller);
        assert_eq!(origin("busy_timeout"), Origin::Environment);
        assert_eq!(origin("durability"), Origin::Default);
    }

    #[test]
    fn a_variable_that_does_not_parse_is_refused() {
        let error = settled(&Options::new(), &[("MEMLITH_MAPPING", "maybe")]).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("mapping"), "{error}");
    }

    #[test]
    fn threads_is_a_short_form_and_the_later_call_counts() {
        let threads = |options: &Options, variables: &[(&str, &str)]| {
            settled(options, variables).unwrap().0.background_threads
        };
        let variable = [("MEMLITH_BACKGROUND_THREADS", "0")];
        assert!((1..=2).contains(&threads(&Options::new(), &[])));
        assert_eq!(threads(&Options::new(), &variable), 0);
        assert_eq!(threads(&Options::new().background_threads(5), &variable), 5);
        assert_eq!(threads(&Options::new().background_threads(5).threads(false), &[]), 0);
        let on = Options::new().threads(false).threads(true);
        assert_eq!(threads(&on, &variable), default_threads());
    }

    #[test]
    fn shares_of_the_machine_are_bounded() {
        let error = |options: &Options| settled(options, &[]).unwrap_err().kind();
        let many = Options::new().background_threads(MAX_THREADS + 1);
        assert_eq!(error(&many), crate::ErrorKind::LimitExceeded);
        for percent in [0, 101] {
            let share = Options::new().background_cpu(percent);
            assert_eq!(error(&share), crate::ErrorKind::InvalidInput);
        }
        let variables = [("MEMLITH_BACKGROUND_CPU", "70"), ("MEMLITH_BACKGROUND_IO", "9")];
        let (settings, _) = settled(&Options::new(), &variables).unwrap();
        assert_eq!((settings.background_cpu, settings.background_io), (70, 9));
    }
}
