//! How a database is opened.

use crate::boundary::{Growing, sized_if};
use crate::embedder::{embedders, ml_embedder};
use crate::error::Failure;
use memlith::{Durability, LogRetention, Options};
use std::mem::offset_of;
use std::ptr;
use std::time::Duration;

/// A number of options that leaves the choice to the library.
pub const ML_DEFAULT: u64 = u64::MAX;

/// `durability`: as the database was opened, or `ML_DURABLE` if it does not say.
pub const ML_DURABILITY_DEFAULT: i32 = 0;
/// `durability`: a write that returned survives power loss.
pub const ML_DURABLE: i32 = 1;
/// `durability`: the last 100 ms may be lost when the process dies or the power goes; never torn.
pub const ML_RELAXED: i32 = 2;

/// How a database is opened. NULL is every default; otherwise begin with `ml_options_init()`, and change
/// what you mean to. Everything is read during the call, and nothing kept but the embedders.
///
/// What is left to the library can be given by the environment: `MEMLITH_BUSY_TIMEOUT`, ….
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_options {
    /// `sizeof(ml_options)`.
    pub struct_size: usize,
    /// Not 0: open for reading only. Several processes may, while none writes.
    pub read_only: i32,
    /// Not 0: fail with `ML_NOT_FOUND` if there is no file, rather than create it.
    pub no_create: i32,
    /// Not 0: verify all of the file before it is used.
    pub verify_on_open: i32,
    /// Not 0: read the file rather than map it into memory.
    pub no_mapping: i32,
    /// `ML_DURABLE` or `ML_RELAXED`, of writes that do not say.
    pub durability: i32,
    /// Threads for background work, 0 to 64; -1 leaves the choice to the library.
    pub background_threads: i32,
    /// Percent of a core that each of them may take, 1 to 100; 0 leaves the choice to the library.
    pub background_cpu: i32,
    /// Keeps `memory_limit` aligned. 0.
    pub reserved: i32,
    /// Bytes of memory for caches and indexes, or `ML_DEFAULT`.
    pub memory_limit: u64,
    /// How long a write waits for its turn, and opening for the file, or `ML_DEFAULT`.
    pub busy_timeout_ms: u64,
    /// How long closing waits for background work, or `ML_DEFAULT`.
    pub close_timeout_ms: u64,
    /// Bytes a second of background work, 0 without limit, or `ML_DEFAULT`.
    pub background_io: u64,
    /// After how long a snapshot that is still held is revoked, or `ML_DEFAULT`.
    pub snapshot_max_age_ms: u64,
    /// After how many bytes of later commits, or `ML_DEFAULT`.
    pub snapshot_max_bytes: u64,
    /// How many rows of the log are kept, or `ML_DEFAULT`; give both or neither.
    pub log_max_rows: u64,
    /// And for how long, or `ML_DEFAULT`.
    pub log_max_age_ms: u64,
    /// Bytes of vectors that are rows before they are sealed, or `ML_DEFAULT`.
    pub seal_bytes: u64,
    /// Embedders, or NULL.
    pub embedders: *const ml_embedder,
    /// How many.
    pub embedder_count: usize,
    /// Bytes that changes of the graph may take in memory before its image is written anew, or `ML_DEFAULT`.
    pub graph_delta_bytes: u64,
    /// Bytes that the adjacency of the graph may take in memory before walks read rows, or `ML_DEFAULT`.
    pub graph_bytes: u64,
    /// Bytes of answers to recalls that are kept for requests that come again, or `ML_DEFAULT`: none.
    pub answer_cache_bytes: u64,
    /// Bytes of subgraphs and analyses that are kept, or `ML_DEFAULT`: none.
    pub graph_cache_bytes: u64,
    /// Bytes of vectors that embedders made and that are kept in memory, or `ML_DEFAULT`: none.
    pub embedding_cache_bytes: u64,
    /// How many searches may run at once, or `ML_DEFAULT`.
    pub max_searches: u64,
    /// Bytes of vectors that embedders made and that are kept in the file, or `ML_DEFAULT`: none.
    pub embedding_file_bytes: u64,
}

// SAFETY: numbers and pointers behind a size.
unsafe impl Growing for ml_options {
    const FIRST_SIZE: usize = offset_of!(ml_options, graph_delta_bytes);
}

impl ml_options {
    const DEFAULT: ml_options = ml_options {
        struct_size: size_of::<ml_options>(),
        read_only: 0,
        no_create: 0,
        verify_on_open: 0,
        no_mapping: 0,
        durability: ML_DURABILITY_DEFAULT,
        background_threads: -1,
        background_cpu: 0,
        reserved: 0,
        memory_limit: ML_DEFAULT,
        busy_timeout_ms: ML_DEFAULT,
        close_timeout_ms: ML_DEFAULT,
        background_io: ML_DEFAULT,
        snapshot_max_age_ms: ML_DEFAULT,
        snapshot_max_bytes: ML_DEFAULT,
        log_max_rows: ML_DEFAULT,
        log_max_age_ms: ML_DEFAULT,
        seal_bytes: ML_DEFAULT,
        embedders: ptr::null(),
        embedder_count: 0,
        graph_delta_bytes: ML_DEFAULT,
        graph_bytes: ML_DEFAULT,
        answer_cache_bytes: ML_DEFAULT,
        graph_cache_bytes: ML_DEFAULT,
        embedding_cache_bytes: ML_DEFAULT,
        max_searches: ML_DEFAULT,
        embedding_file_bytes: ML_DEFAULT,
    };
}

/// A durability that was given; `None` if it was left open.
pub(crate) fn durability(number: i32) -> Result<Option<Durability>, Failure> {
    match number {
        ML_DURABILITY_DEFAULT => Ok(None),
        ML_DURABLE => Ok(Some(Durability::Durable)),
        ML_RELAXED => Ok(Some(Durability::Relaxed)),
        _ => Err(Failure::invalid("durability: must be ML_DURABLE or ML_RELAXED")),
    }
}

/// The engine's options, and whether only reading is asked for.
pub(crate) fn options(pointer: *const ml_options) -> Result<(Options, bool), Failure> {
    let given = sized_if(pointer, ml_options::DEFAULT, "options")?;
    let mut options = Options::new().create(given.no_create == 0);
    for (space, embedder) in embedders(given.embedders, given.embedder_count)? {
        options = options.embedder_for(space, embedder);
    }
    if given.verify_on_open != 0 {
        options = options.verify_on_open(true);
    }
    if given.no_mapping != 0 {
        options = options.mapping(false);
    }
    if let Some(durability) = durability(given.durability)? {
        options = options.durability(durability);
    }
    if given.background_threads != -1 {
        let threads = usize::try_from(given.background_threads)
            .map_err(|_| Failure::invalid("background_threads: must be -1, or 0 to 64"))?;
        options = options.background_threads(threads);
    }
    if given.background_cpu != 0 {
        let percent = u8::try_from(given.background_cpu)
            .map_err(|_| Failure::invalid("background_cpu: must be 0, or 1 to 100"))?;
        options = options.background_cpu(percent);
    }
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    options = set(options, given.memory_limit, |o, n| o.memory_limit(size(n)));
    options = set(options, given.busy_timeout_ms, |o, n| o.busy_timeout(millis(n)));
    options = set(options, given.close_timeout_ms, |o, n| o.close_timeout(millis(n)));
    options = set(options, given.background_io, Options::background_io);
    options = set(options, given.snapshot_max_age_ms, |o, n| o.snapshot_max_age(millis(n)));
    options = set(options, given.snapshot_max_bytes, Options::snapshot_max_bytes);
    options = set(options, given.seal_bytes, Options::seal_bytes);
    options = set(options, given.graph_delta_bytes, Options::graph_delta_bytes);
    options = set(options, given.graph_bytes, Options::graph_bytes);
    options = set(options, given.answer_cache_bytes, |o, n| o.answer_cache_bytes(size(n)));
    options = set(options, given.graph_cache_bytes, |o, n| o.graph_cache_bytes(size(n)));
    options = set(options, given.embedding_cache_bytes, |o, n| o.embedding_cache_bytes(size(n)));
    options = set(options, given.max_searches, |o, n| o.max_searches(size(n)));
    options = set(options, given.embedding_file_bytes, |o, n| o.embedding_file_bytes(size(n)));
    match (given.log_max_rows, given.log_max_age_ms) {
        (ML_DEFAULT, ML_DEFAULT) => {}
        (ML_DEFAULT, _) | (_, ML_DEFAULT) => {
            let message = "log_max_rows and log_max_age_ms: give both or neither";
            return Err(Failure::invalid(message));
        }
        (rows, age) => options = options.log_retention(LogRetention::new(rows, millis(age))),
    }
    Ok((options, given.read_only != 0))
}

fn set(options: Options, number: u64, set: impl FnOnce(Options, u64) -> Options) -> Options {
    if number == ML_DEFAULT { options } else { set(options, number) }
}

/// No wait is longer than some centuries.
pub(crate) fn millis(ms: u64) -> Duration {
    const MOST: u64 = i64::MAX as u64 / 1_000_000;
    Duration::from_millis(ms.min(MOST))
}
