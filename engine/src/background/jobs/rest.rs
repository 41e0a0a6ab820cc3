//! What an idle handle does once, for it may be killed while it waits: afterwards opening is quick
//! even then.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::db::Core;

pub(super) struct Rest;

impl Job<Core> for Rest {
    fn name(&self) -> &'static str {
        "rest"
    }

    fn due(&self, core: &Core, when: Occasion) -> Result<Option<&'static str>> {
        let shared = core.committer.views.shared();
        let is_tidy = shared.accesses.is_empty()
            && shared.embeddings.stored.is_empty()
            && !core.committer.needs_walk();
        Ok((when == Occasion::Rested && !is_tidy).then_some("the handle is idle"))
    }

    fn step(&self, core: &Core, _: &Context<'_>) -> Result<Progress> {
        core.flush_accesses()?;
        core.flush_embeddings()?;
        core.committer.rest()?;
        Ok(Progress::Done)
    }
}
