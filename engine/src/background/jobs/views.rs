//! Takes the rows of Views away that are past their limits. Each commit does so too; this is for
//! those that become too old while nobody commits.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::db::Core;

pub(super) struct Views;

impl Job<Core> for Views {
    fn name(&self) -> &'static str {
        "views"
    }

    fn due(&self, core: &Core, _: Occasion) -> Result<Option<&'static str>> {
        let is_due = core.committer.views.has_expired();
        Ok(is_due.then_some("a view is past its limits"))
    }

    fn step(&self, core: &Core, _: &Context<'_>) -> Result<Progress> {
        core.committer.views.revoke_expired();
        Ok(Progress::Done)
    }
}
