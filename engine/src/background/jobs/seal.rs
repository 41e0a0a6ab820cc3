//! Moves vectors from their rows into a segment, once there are enough of them.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::db::Core;

pub(super) struct Seal;

impl Job<Core> for Seal {
    fn name(&self) -> &'static str {
        "seal"
    }

    fn due(&self, core: &Core, _: Occasion) -> Result<Option<&'static str>> {
        let is_due = core.committer.is_seal_due()?;
        Ok(is_due.then_some("enough vectors are rows"))
    }

    fn step(&self, core: &Core, context: &Context<'_>) -> Result<Progress> {
        let Some(bytes) = core.committer.seal_step()? else { return Ok(Progress::Done) };
        context.account(bytes);
        Ok(Progress::More)
    }
}
