//! How a file is opened, and with which limits.
//!
//! Every number has a default; a `MEMLITH_*` variable of the environment goes over the default,
//! and a call of the program over both. [`Db::stats`](crate::Db::stats) tells which it was.

use crate::clock::{Clock, SystemClock};
use crate::commit::Durability;
use crate::db::Db;
use crate::embed::{Embedder, Embedders};
use crate::memory::DEFAULT_SPACE;
use crate::{Error, Result};
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

/// Where the value of a setting came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The environment.
    Environment,
    /// The program that opened the file.
    Caller,
}

impl Origin {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Default => "default",
            Origin::Environment => "environment",
            Origin::Caller => "caller",
        }
    }
}

/// The settings in force for an open file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) memory_limit: usize,
    pub(crate) busy_timeout: Duration,
    pub(crate) durability: Durability,
    pub(crate) threads: bool,
    pub(crate) snapshot_max_age: Duration,
    pub(crate) snapshot_max_bytes: u64,
    pub(crate) log_retention: LogRetention,
    pub(crate) mapping: bool,
    pub(crate) verify_on_open: bool,
    pub(crate) relaxed_bytes: u64,
    pub(crate) relaxed_delay: Duration,
    /// Images up to this size lie in rows: a segment takes whole chunks.
    pub(crate) max_inline_image: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            memory_limit: 256 << 20,
            busy_timeout: Duration::from_secs(5),
            durability: Durability::Durable,
            threads: true,
            snapshot_max_age: Duration::from_mins(10),
            snapshot_max_bytes: 1 << 30,
            log_retention: LogRetention::new(1_000_000, Duration::from_hours(90 * 24)),
            mapping: true,
            verify_on_open: false,
            relaxed_bytes: 16 << 20,
            relaxed_delay: Duration::from_millis(100),
            max_inline_image: 64 << 10,
        }
    }
}

/// One setting in force: what it is, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its name; upper-cased behind `MEMLITH_` it is the variable of the environment.
    pub name: &'static str,
    /// Its value, in the form that the environment takes.
    pub value: String,
    /// Who said so.
    pub origin: Origin,
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
/// | [`threads`](Self::threads) | `MEMLITH_THREADS` (`on`, `off`) | `on` |
/// | [`snapshot_max_age`](Self::snapshot_max_age) | `MEMLITH_SNAPSHOT_MAX_AGE` (ms) | 600,000 |
/// | [`snapshot_max_bytes`](Self::snapshot_max_bytes) | `MEMLITH_SNAPSHOT_MAX_BYTES` | 1 GiB |
/// | [`log_retention`](Self::log_retention) | `MEMLITH_LOG_MAX_ROWS`, `MEMLITH_LOG_MAX_AGE` (ms) | 1,000,000; 90 days |
/// | [`mapping`](Self::mapping) | `MEMLITH_MAPPING` (`on`, `off`) | `on` |
/// | [`verify_on_open`](Self::verify_on_open) | `MEMLITH_VERIFY_ON_OPEN` (`on`, `off`) | `off` |
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
    threads: Option<bool>,
    snapshot_max_age: Option<Duration>,
    snapshot_max_bytes: Option<u64>,
    log_retention: Option<LogRetention>,
    mapping: Option<bool>,
    verify_on_open: Option<bool>,
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

    /// May the handle have a background thread? Without one, writers do its work, a bounded part
    /// at a time.
    #[must_use]
    pub fn threads(mut self, threads: bool) -> Self {
        self.given.threads = Some(threads);
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

    /// May images be mapped into memory? Without, they are read into it. Mapped is faster to open;
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

    /// The embedder of a named space.
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
        let number = |text: &str| text.parse::<u64>().ok();
        let millis = |text: &str| number(text).map(Duration::from_millis);
        let switch = |text: &str| match text {
            "on" | "true" | "1" => Some(true),
            "off" | "false" | "0" => Some(false),
            _ => None,
        };
        let mut choose = Chooser { variable: &variable, all: &mut all };
        let retention = default.log_retention;
        let settings = Settings {
            memory_limit: choose.pick(
                "memory_limit",
                given.memory_limit,
                default.memory_limit,
                |t| number(t).and_then(|n| usize::try_from(n).ok()),
                usize::to_string,
            )?,
            busy_timeout: choose.pick(
                "busy_timeout",
                given.busy_timeout,
                default.busy_timeout,
                millis,
                show_millis,
            )?,
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
            threads: choose.pick("threads", given.threads, default.threads, switch, show_switch)?,
            snapshot_max_age: choose.pick(
                "snapshot_max_age",
                given.snapshot_max_age,
                default.snapshot_max_age,
                millis,
                show_millis,
            )?,
            snapshot_max_bytes: choose.pick(
                "snapshot_max_bytes",
                given.snapshot_max_bytes,
                default.snapshot_max_bytes,
                number,
                u64::to_string,
            )?,
            log_retention: LogRetention {
                max_rows: choose.pick(
                    "log_max_rows",
                    given.log_retention.map(|r| r.max_rows),
                    retention.max_rows,
                    number,
                    u64::to_string,
                )?,
                max_age: choose.pick(
                    "log_max_age",
                    given.log_retention.map(|r| r.max_age),
                    retention.max_age,
                    millis,
                    show_millis,
                )?,
            },
            mapping: choose.pick("mapping", given.mapping, default.mapping, switch, show_switch)?,
            verify_on_open: choose.pick(
                "verify_on_open",
                given.verify_on_open,
                default.verify_on_open,
                switch,
                show_switch,
            )?,
            ..default
        };
        Ok((settings, all))
    }

    pub(crate) fn take_clock(&mut self) -> Box<dyn Clock> {
        self.clock.take().unwrap_or_else(|| Box::new(SystemClock))
    }
}

struct Chooser<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    all: &'a mut Vec<Setting>,
}

impl Chooser<'_> {
    fn pick<T: Clone>(
        &mut self,
        name: &'static str,
        given: Option<T>,
        default: T,
        parse: impl Fn(&str) -> Option<T>,
        show: impl Fn(&T) -> String,
    ) -> Result<T> {
        let from_environment = || {
            let text = (self.variable)(&format!("MEMLITH_{}", name.to_uppercase()));
            text.map(|t| {
                parse(&t).ok_or_else(|| {
                    Error::invalid(name, "the MEMLITH_ variable of this setting does not parse")
                })
            })
            .transpose()
        };
        let (value, origin) = match given {
            Some(value) => (value, Origin::Caller),
            None => match from_environment()? {
                Some(value) => (value, Origin::Environment),
                None => (default, Origin::Default),
            },
        };
        self.all.push(Setting { name, value: show(&value), origin });
        Ok(value)
    }
}

fn show_millis(duration: &Duration) -> String {
    duration.as_millis().to_string()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "settings are shown by reference")]
fn show_switch(on: &bool) -> String {
    if *on { "on".into() } else { "off".into() }
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
        let error = settled(&Options::new(), &[("MEMLITH_THREADS", "maybe")]).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("threads"), "{error}");
    }
}
