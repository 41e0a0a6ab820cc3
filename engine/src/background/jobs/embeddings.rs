//! Writes down what embedders have made, once that is much.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::commit::Repair;
use crate::db::Core;
use redb::WriteTransaction;

pub(super) struct Embeddings;

impl Job<Core> for Embeddings {
    fn name(&self) -> &'static str {
        "embeddings"
    }

    fn due(&self, core: &Core, _: Occasion) -> Result<Option<&'static str>> {
        let is_due = core.committer.views.shared().embeddings.stored.is_flush_due();
        Ok(is_due.then_some("megabytes of vectors were made"))
    }

    fn step(&self, core: &Core, _: &Context<'_>) -> Result<Progress> {
        core.flush_embeddings()?;
        Ok(Progress::Done)
    }
}

impl Core {
    pub(crate) fn flush_embeddings(&self) -> Result<()> {
        let stored = &self.committer.views.shared().embeddings.stored;
        // Two at once would count the same bytes twice.
        let _alone = stored.flushing.lock();
        if stored.is_empty() {
            return Ok(());
        }
        let flush = |transaction: &WriteTransaction| stored.flush(transaction);
        stored.settle(&self.committer.maintain(Repair::Walk, flush)?);
        Ok(())
    }
}
