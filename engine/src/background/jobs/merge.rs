//! Merges sealed segments, where a space has many of one size or much in them is dead.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::db::Core;

pub(super) struct Merge;

impl Job<Core> for Merge {
    fn name(&self) -> &'static str {
        "merge"
    }

    fn due(&self, core: &Core, _: Occasion) -> Result<Option<&'static str>> {
        let is_due = core.committer.is_merge_due()?;
        Ok(is_due.then_some("sealed segments are many of one size, or much in them is dead"))
    }

    fn step(&self, core: &Core, context: &Context<'_>) -> Result<Progress> {
        let Some(bytes) = core.committer.merge_step()? else { return Ok(Progress::Done) };
        context.account(bytes);
        Ok(Progress::More)
    }
}
