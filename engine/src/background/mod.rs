//! Work beside the writers, and who owns it.
//!
//! `scheduler` decides who does what when, and knows nothing of the engine; each file of `jobs` is
//! one kind of work. To add one, write it there and give it a place in [`jobs::all`]: it gets its
//! share of the machine, is paused and stopped, and shows in the figures.
//!
//! **Invariant:** none of it changes what a reader finds, except that what has expired is also
//! deleted. With threads off, writers do the same work behind their commits, a bounded part at a
//! time, in a fixed order, and by no clock but that of the handle.

mod jobs;
mod scheduler;

pub(crate) use jobs::{Reembedding, Step};
pub(crate) use scheduler::Scheduler;
pub use scheduler::{BackgroundPause, BackgroundStats, JobStats};

use crate::db::{Core, Db};
use crate::options::Settings;
use scheduler::{Host, Pace};
use std::time::Duration;

/// How long a thread rests when nobody wakes it.
const IDLE: Duration = Duration::from_secs(30);

/// The background work of a file.
pub(crate) fn scheduler(settings: &Settings) -> Scheduler<Core> {
    let pace = Pace {
        threads: settings.background_threads,
        // Gathers what comes within the promise of relaxed commits.
        gather: settings.relaxed_delay,
        idle: IDLE,
        cpu_percent: settings.background_cpu,
        io_bytes_per_second: (settings.background_io > 0).then_some(settings.background_io),
    };
    Scheduler::new(jobs::all(), pace)
}

impl Host for Core {
    fn may_work(&self) -> bool {
        self.check_writable().is_ok()
    }
}

impl Db {
    /// Pauses background work until what this returns is dropped: for a moment in which the
    /// machine is needed for something else. Does not wait for what is under way:
    /// [`BackgroundPause::settle`] does.
    ///
    /// Relaxed commits go on becoming durable as promised. Everything else is done later: meanwhile
    /// what has expired stays in the file, and indexes take memory that they would have given back.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// let pause = db.pause_background();
    /// assert!(db.stats()?.background.is_paused);
    /// drop(pause);
    /// assert!(!db.stats()?.background.is_paused);
    /// # Ok::<(), memlith::Error>(())
    /// ```
    pub fn pause_background(&self) -> BackgroundPause {
        self.core.background.pause()
    }
}
