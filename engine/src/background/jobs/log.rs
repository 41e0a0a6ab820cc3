//! Removes rows of the log that are beyond the retention.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::db::Core;

pub(super) struct Log;

impl Job<Core> for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn due(&self, core: &Core, _: Occasion) -> Result<Option<&'static str>> {
        let is_due = core.log_trimming()?.is_some();
        Ok(is_due.then_some("rows of the log are beyond their limits"))
    }

    fn step(&self, core: &Core, _: &Context<'_>) -> Result<Progress> {
        core.trim_log()?;
        // What is left may be less than is worth a step.
        Ok(Progress::More)
    }
}
