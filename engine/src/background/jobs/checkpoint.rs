//! Writes the images of all indexes, once enough has changed that it pays.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::commit::IndexStats;
use crate::db::Core;

/// Images are written again once this many changes are not in them …
const MIN_UNSAVED: u64 = 8_192;
/// … and this part of all that is in them, and nothing is to be linked: links that are made while images
/// are written are in none of them, and are lost when these take over …
const UNSAVED_SHARE: u64 = 4;
/// (of edges so many such parts while writers are at work: they come in bulk, an opening folds a million in a
/// second or two, and all of them lie in one image) …
const PARTS_OF_EDGES: u64 = 3;
/// … or what they take in memory is beyond this part of the memory limit.
const HEAP_SHARE: u64 = 4;
/// The same as the first two, when the file is closed.
const MIN_UNSAVED_AT_CLOSE: u64 = 512;
const UNSAVED_SHARE_AT_CLOSE: u64 = 64;

pub(super) struct Checkpoint;

impl Job<Core> for Checkpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn due(&self, core: &Core, when: Occasion) -> Result<Option<&'static str>> {
        let stats = core.committer.index_stats();
        if stats.unsaved > 0 && stats.graph_delta_bytes > core.settings.graph_delta_bytes {
            return Ok(Some("changes of the graph take more memory than they may"));
        }
        Ok(reason(stats, core.settings.memory_limit as u64, core.is_linking_due(), when))
    }

    fn step(&self, core: &Core, context: &Context<'_>) -> Result<Progress> {
        let stored = core.committer.checkpoint(&mut || !context.should_stop())?;
        let Some(bytes) = stored else { return Ok(Progress::More) };
        context.account(bytes);
        Ok(Progress::Done)
    }
}

fn reason(
    stats: IndexStats,
    memory_limit: u64,
    is_linking_due: bool,
    when: Occasion,
) -> Option<&'static str> {
    if stats.unsaved_work() < MIN_UNSAVED {
        return None;
    }
    if stats.heap_bytes > memory_limit / HEAP_SHARE {
        return Some("indexes take a quarter of the memory limit");
    }
    if is_linking_due {
        return None;
    }
    let edges = stats.unsaved_edges;
    let others = (stats.unsaved - edges).max(stats.newly_linked);
    let is_part = |unsaved, of| unsaved >= MIN_UNSAVED.max(of);
    let parts = match when {
        Occasion::Rested => 1,
        Occasion::Woken | Occasion::Inline => PARTS_OF_EDGES,
    };
    if is_part(others, stats.ordinals / UNSAVED_SHARE) {
        Some("a quarter of the file has changed")
    } else {
        is_part(edges, stats.edges / UNSAVED_SHARE * parts).then_some("many edges are new")
    }
}

impl Core {
    /// Have enough changes gathered that a file which is closed opens faster for it?
    pub(crate) fn is_checkpoint_due_at_close(&self) -> bool {
        let stats = self.committer.index_stats();
        let (unsaved, known) = (stats.unsaved_work(), stats.ordinals + stats.edges);
        unsaved >= MIN_UNSAVED_AT_CLOSE.max(known / UNSAVED_SHARE_AT_CLOSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_written_when_it_pays_and_the_reason_says_why() {
        const LIMIT: u64 = 1_000;
        let stats = |unsaved, ordinals, heap_bytes| IndexStats {
            unsaved,
            unsaved_edges: 0,
            newly_linked: 0,
            ordinals,
            edges: 0,
            heap_bytes,
            graph_delta_bytes: 0,
        };
        let part = Some("a quarter of the file has changed");
        let heavy = Some("indexes take a quarter of the memory limit");
        let at_work = |stats, is_linking_due| reason(stats, LIMIT, is_linking_due, Occasion::Woken);
        assert_eq!(at_work(stats(MIN_UNSAVED - 1, 0, LIMIT), false), None);
        assert_eq!(at_work(stats(MIN_UNSAVED, 4 * MIN_UNSAVED, 250), false), part);
        assert_eq!(at_work(stats(MIN_UNSAVED, 4 * MIN_UNSAVED, 250), true), None);
        assert_eq!(at_work(stats(MIN_UNSAVED, 4 * MIN_UNSAVED + 4, 250), false), None);
        assert_eq!(at_work(stats(MIN_UNSAVED, u64::MAX, 251), true), heavy);
        let linked = IndexStats { newly_linked: MIN_UNSAVED, ..stats(0, MIN_UNSAVED, 0) };
        assert_eq!(at_work(linked, false), part);
        let beside_edges = IndexStats { unsaved: 5, unsaved_edges: 5, edges: 100, ..linked };
        assert_eq!(at_work(beside_edges, false), part);
        let of_edges = |unsaved_edges, edges| IndexStats {
            unsaved_edges,
            edges,
            ..stats(unsaved_edges + MIN_UNSAVED - 1, 0, 0)
        };
        let new = Some("many edges are new");
        assert_eq!(at_work(of_edges(MIN_UNSAVED - 1, 0), false), None);
        assert_eq!(at_work(of_edges(3 * MIN_UNSAVED, 4 * MIN_UNSAVED + 4), false), None);
        assert_eq!(at_work(of_edges(3 * MIN_UNSAVED, 4 * MIN_UNSAVED), true), None);
        assert_eq!(at_work(of_edges(3 * MIN_UNSAVED, 4 * MIN_UNSAVED), false), new);
        let at_rest = |stats| reason(stats, LIMIT, false, Occasion::Rested);
        assert_eq!(at_rest(of_edges(MIN_UNSAVED, 4 * MIN_UNSAVED + 4)), None);
        assert_eq!(at_rest(of_edges(MIN_UNSAVED, 4 * MIN_UNSAVED)), new);
    }
}
