//! Links new vectors into the graphs of their spaces; until then every search scans them.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::db::Core;
use crate::view::View;
use memlith_index::vectors::VectorView;
use std::time::Duration;

/// Vectors that one step links: some milliseconds.
const STEP: usize = 128;
/// So few do not slow a search: they wait for more.
const MIN_UNLINKED: usize = 256;
/// Threads that link at once; they take different vectors.
const MAX_THREADS: usize = 8;
/// Beyond so many unlinked vectors of a space a writer is held back …
const BACKLOG: usize = 20_000;
/// … by a millisecond for each so many more.
const BACKLOG_PER_MS: usize = 1_000;

pub(super) struct Link;

impl Job<Core> for Link {
    fn name(&self) -> &'static str {
        "link"
    }

    fn due(&self, core: &Core, _: Occasion) -> Result<Option<&'static str>> {
        Ok(core.is_linking_due().then_some("vectors are not in the graph of their space yet"))
    }

    fn step(&self, core: &Core, context: &Context<'_>) -> Result<Progress> {
        let view = core.committer.current();
        let mut linked = 0;
        for (index, from) in unlinked(&view) {
            if linked < STEP && is_due(index, from) {
                linked += index.link(STEP - linked, &mut || !context.should_stop())?;
            }
        }
        let left: usize = unlinked(&view).map(|(index, _)| index.unlinked()).sum();
        context.progress(linked as u64, left as u64);
        Ok(if linked > 0 { Progress::More } else { Progress::Done })
    }

    fn max_threads(&self) -> usize {
        MAX_THREADS
    }

    fn backlog_delay(&self, core: &Core) -> Duration {
        let view = core.committer.current();
        let most = unlinked(&view).map(|(index, _)| index.unlinked()).max().unwrap_or_default();
        Duration::from_millis((most.saturating_sub(BACKLOG) / BACKLOG_PER_MS) as u64)
    }
}

/// The vectors of memories or of nodes in a space that are enough to have a graph, with the number from which
/// they have one.
fn unlinked(view: &View) -> impl Iterator<Item = (&VectorView, usize)> {
    let versions = view.versions();
    versions.catalog.indexed().flat_map(|(id, space)| {
        let from = space.graph.link_from;
        let large = versions.in_space(*id).filter(move |index| index.live() >= from);
        large.map(move |index| (index, from))
    })
}

fn is_due(index: &VectorView, from: usize) -> bool {
    index.unlinked() >= MIN_UNLINKED.min(from.max(1))
}

impl Core {
    /// Are there vectors to be linked?
    pub(super) fn is_linking_due(&self) -> bool {
        unlinked(&self.committer.current()).any(|(index, from)| is_due(index, from))
    }

    /// Links all vectors of spaces that are large enough. `progress` gets the number done, and of
    /// all that there were.
    pub(crate) fn link_all(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        // Images that were begun before the last of them would take over without it.
        self.committer.while_they_stay(|| self.link_each(progress))
    }

    fn link_each(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let view = self.committer.current();
        let total: usize = unlinked(&view).map(|(index, _)| index.unlinked()).sum();
        for (index, _) in unlinked(&view) {
            while index.unlinked() > 0 {
                // Others may be at the last ones: they need no help.
                if index.link(STEP, &mut || true)? == 0 {
                    std::thread::yield_now();
                }
                let left: usize = unlinked(&view).map(|(index, _)| index.unlinked()).sum();
                progress((total - left.min(total)) as u64, total as u64);
            }
        }
        Ok(())
    }
}
