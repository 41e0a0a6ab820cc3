//! Makes relaxed commits durable: a tenth of a second behind them, or when they have become large.
//!
//! **Invariant:** it keeps a promise, and so is never paused. Without threads nothing but size
//! makes it due, for a writer cannot come back later.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::db::Core;

pub(super) struct Sync;

impl Job<Core> for Sync {
    fn name(&self) -> &'static str {
        "sync"
    }

    fn due(&self, core: &Core, when: Occasion) -> Result<Option<&'static str>> {
        let committer = &core.committer;
        Ok(match when {
            Occasion::Inline => {
                committer.is_sync_due().then_some("relaxed commits have become large")
            }
            Occasion::Woken | Occasion::Rested => {
                committer.has_relaxed().then_some("commits are not durable yet")
            }
        })
    }

    fn step(&self, core: &Core, _: &Context<'_>) -> Result<Progress> {
        core.committer.sync()?;
        Ok(Progress::Done)
    }

    fn is_urgent(&self) -> bool {
        true
    }
}
