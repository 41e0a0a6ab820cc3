//! Makes segments of text: of what lies in memory, so that searches need not read it whole, and of segments of
//! one size, so that these stay few.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::db::Core;

pub(super) struct Text;

impl Job<Core> for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn due(&self, core: &Core, _: Occasion) -> Result<Option<&'static str>> {
        Ok(core.committer.text_due())
    }

    fn step(&self, core: &Core, context: &Context<'_>) -> Result<Progress> {
        let made = core.committer.text_step(&mut || !context.should_stop())?;
        let Some(bytes) = made else { return Ok(Progress::Done) };
        context.account(bytes);
        Ok(Progress::More)
    }
}
