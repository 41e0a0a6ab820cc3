//! Gives edges their links once the graph has outgrown its memory, and then lets the adjacency go.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::db::Core;

pub(super) struct Graph;

impl Job<Core> for Graph {
    fn name(&self) -> &'static str {
        "graph"
    }

    fn due(&self, core: &Core, _: Occasion) -> Result<Option<&'static str>> {
        let is_due = core.committer.are_links_due();
        Ok(is_due.then_some("the graph takes more memory than it may"))
    }

    fn step(&self, core: &Core, context: &Context<'_>) -> Result<Progress> {
        let Some(bytes) = core.committer.link_step()? else { return Ok(Progress::Done) };
        context.account(bytes);
        Ok(Progress::More)
    }
}
