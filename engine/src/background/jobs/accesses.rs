//! Writes down how often memories were read, once enough of them were.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::commit::Repair;
use crate::db::Core;
use redb::WriteTransaction;

pub(super) struct Accesses;

impl Job<Core> for Accesses {
    fn name(&self) -> &'static str {
        "accesses"
    }

    fn due(&self, core: &Core, _: Occasion) -> Result<Option<&'static str>> {
        let is_due = core.committer.views.shared().accesses.is_flush_due();
        Ok(is_due.then_some("thousands of memories have been read"))
    }

    fn step(&self, core: &Core, _: &Context<'_>) -> Result<Progress> {
        core.flush_accesses()?;
        Ok(Progress::Done)
    }
}

impl Core {
    pub(crate) fn flush_accesses(&self) -> Result<()> {
        let accesses = &self.committer.views.shared().accesses;
        // Two that add the same counts would count them twice.
        let _alone = accesses.flushing.lock();
        if accesses.is_empty() {
            return Ok(());
        }
        let flush = |transaction: &WriteTransaction| accesses.flush(transaction);
        accesses.settle(&self.committer.maintain(Repair::Walk, flush)?);
        Ok(())
    }
}
