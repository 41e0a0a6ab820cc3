//! Fills the successor of a vector space with what its embedder makes of the contents, and lets it take
//! the place of the space once nothing is missing.
//!
//! What is missing is what the indexes say: live memories with a vector in the space and none in the
//! successor. So a run that was cut short, by a crash as well, goes on where it was.
//!
//! **Invariant:** the space answers as before until one transaction puts the successor in its place. No
//! embedder is called while a transaction is open, nor sooner after a failure than
//! [`FIRST_RETRY_MS`].

use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::catalog::Space;
use crate::commit::WriteOptions;
use crate::db::Core;
use crate::derived::field;
use crate::embed::Embedder;
use crate::embeddings::Made;
use crate::ids::{MemoryId, SpaceId};
use crate::memory::{access, admit_vector, require_row};
use crate::recall::{Deadline, Scope};
use crate::sync::Mutex;
use crate::transaction::WriteTx;
use crate::view::View;
use crate::{ErrorKind, Result};
use roaring::{RoaringBitmap, RoaringTreemap};
use std::sync::Arc;
use std::time::Duration;

/// Memories that one step embeds, …
const MAX_BATCH: usize = 32;
/// … bytes of content from which on it takes no more, …
const MAX_BATCH_BYTES: usize = 256 << 10;
/// … and memories that it looks at to find them.
const MAX_LOOKED_AT: usize = 4_096;
/// After a failure of the embedder it is not called again for so long, …
const FIRST_RETRY_MS: i64 = 1_000;
/// … doubling up to this.
const LAST_RETRY_MS: i64 = 300_000;
/// Longer than this a step does not wait for its turn among the writers.
const TURN_TIMEOUT: Duration = Duration::from_secs(1);

/// How far it has come with the successor that is being filled.
#[derive(Default)]
pub(crate) struct Reembedding(Mutex<Pass>);

/// One pass over what is missing.
#[derive(Default)]
struct Pass {
    /// Which successor it is about.
    successor: Option<SpaceId>,
    /// Memories without content: nothing can be made of them.
    bare: RoaringTreemap,
    /// Memories that the embedder has refused by themselves.
    refused: RoaringTreemap,
    /// Calls of the embedder that have failed since one succeeded.
    failures: u32,
    /// Until when it is left alone.
    retry_ms: i64,
}

impl Pass {
    /// Memories that a call is to be about: fewer behind failures, so that one that cannot be
    /// embedded is found and passed over.
    fn batch(&self) -> usize {
        (MAX_BATCH >> self.failures.min(MAX_BATCH.ilog2())).max(1)
    }

    fn fail(&mut self, tried: &[MemoryId], now_ms: i64) {
        if let [only] = tried {
            self.refused.insert(only.0);
        }
        let delay_ms = FIRST_RETRY_MS << self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        self.retry_ms = now_ms.saturating_add(delay_ms.min(LAST_RETRY_MS));
    }
}

/// A successor whose embedder is at hand.
struct Task<'a> {
    old: SpaceId,
    next: SpaceId,
    space: &'a Space,
    embedder: &'a Arc<dyn Embedder>,
}

/// What a step came to.
pub(crate) struct Step {
    pub(crate) done: u64,
    pub(crate) left: u64,
    /// Is there nothing that another step could do?
    pub(crate) is_over: bool,
}

const OVER: Step = Step { done: 0, left: 0, is_over: true };

pub(super) struct Reembed;

impl Job<Core> for Reembed {
    fn name(&self) -> &'static str {
        "reembed"
    }

    fn due(&self, core: &Core, _: Occasion) -> Result<Option<&'static str>> {
        let view = core.committer.current();
        let is_waiting = || core.reembedding.0.lock().retry_ms > view.now_ms();
        let is_due = task(&view, None).is_some() && !is_waiting();
        Ok(is_due.then_some("a vector space is changing its embedder"))
    }

    fn step(&self, core: &Core, context: &Context<'_>) -> Result<Progress> {
        let Step { done, left, is_over } = core.reembed_step(None)?;
        context.progress(done, left);
        // What was written is to be linked.
        core.background.wake();
        Ok(if is_over { Progress::Done } else { Progress::More })
    }
}

/// The successor to be filled: that of the space of this name, or of any.
fn task<'a>(view: &'a View, name: Option<&str>) -> Option<Task<'a>> {
    let catalog = &view.versions().catalog;
    let wanted = |space: &Space| name.is_none_or(|name| name == space.name);
    catalog.successors().filter(|(_, space)| wanted(space)).find_map(|(next, space)| {
        let embedder = view.shared().embedders.of(space)?;
        Some(Task { old: catalog.space(&space.name)?.0, next: *next, space, embedder })
    })
}

/// Live memories with a vector in one space and none in another.
fn missing(view: &View, old: SpaceId, next: SpaceId) -> Result<RoaringBitmap> {
    let scope = Scope { include_superseded: true, ..Scope::default() };
    let (live, _) = view.select(scope, &Deadline::NONE)?;
    let having = |id: SpaceId| view.versions().attributes.label(field::SPACE, &id.0.to_be_bytes());
    Ok((live & having(old)?) - having(next)?)
}

impl Core {
    /// Embeds some of what a successor misses, or puts it in its place.
    pub(crate) fn reembed_step(&self, name: Option<&str>) -> Result<Step> {
        let view = self.committer.current();
        let Some(task) = task(&view, name) else { return Ok(OVER) };
        let missing = missing(&view, task.old, task.next)?;
        let mut pass = self.reembedding.0.lock();
        if pass.successor != Some(task.next) {
            *pass = Pass { successor: Some(task.next), ..Pass::default() };
        }
        let Batch { ids, contents, is_last } = batch(&view, &missing, &mut pass)?;
        if ids.is_empty() && is_last && !pass.refused.is_empty() {
            // They have had their turn; the embedder may be of another mind by now.
            pass.refused.clear();
            return Ok(Step { done: 0, left: missing.len(), is_over: true });
        }
        // Nobody who asks whether there is something to do waits for an embedder.
        drop(pass);
        let texts: Vec<&str> = contents.iter().map(String::as_str).collect();
        let made = view.shared().embeddings.embed(&**task.embedder, &texts, &view);
        let admitted = |made: Vec<Made>| {
            let mut vectors: Vec<Vec<f32>> = made.into_iter().map(|made| made.vector).collect();
            vectors.iter_mut().try_for_each(|v| admit_vector(task.space, v)).map(|()| vectors)
        };
        let vectors = made.and_then(admitted);
        let mut pass = self.reembedding.0.lock();
        let vectors = vectors.inspect_err(|_| pass.fail(&ids, view.now_ms()))?;
        (pass.failures, pass.retry_ms) = (0, i64::MIN);
        let bare = (is_last && pass.refused.is_empty()).then(|| pass.bare.clone());
        drop(pass);

        let options = WriteOptions::new().actor("memlith").reason("embedded anew");
        let mut tx = match WriteTx::begin_in_background(self, options, TURN_TIMEOUT) {
            // Whoever has the turn will commit, and then it is asked again.
            Err(e) if e.kind() == ErrorKind::Busy => return Ok(OVER),
            begun => begun?,
        };
        let mut done = RoaringTreemap::new();
        for ((id, content), vector) in ids.iter().zip(&contents).zip(&vectors) {
            if tx.put_successor(*id, task.old, task.next, content, vector)? {
                done.insert(id.0);
            }
        }
        let is_whole = match &bare {
            Some(bare) => is_whole(&mut tx, &task, &(bare | &done))?,
            None => false,
        };
        if is_whole {
            tx.set.options.reason = reason(&task, bare.map_or(0, |bare| bare.len()));
            tx.succeed(&task.space.name)?;
        }
        tx.commit(())?;
        let left = missing.len().saturating_sub(done.len());
        Ok(Step { done: done.len(), left, is_over: is_whole })
    }
}

/// Is nothing missing any more but `settled`, now that nobody else writes?
fn is_whole(tx: &mut WriteTx<'_>, task: &Task<'_>, settled: &RoaringTreemap) -> Result<bool> {
    let before = tx.settled_base()?;
    let successor = tx.catalog().successor(&task.space.name);
    if successor.is_none_or(|(id, _)| *id != task.next) {
        return Ok(false);
    }
    for ordinal in missing(&before, task.old, task.next)? {
        if !settled.contains(before.id_of(ordinal)?.0) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What the log says of the transaction that puts the successor in its place.
fn reason(task: &Task<'_>, without_content: u64) -> String {
    format!(
        "vector space {:?} is of embedder {:?} now; memories without content that lost their \
         vector: {without_content}",
        truncated(&task.space.name),
        truncated(task.embedder.identity()),
    )
}

/// A part of a text that an annotation has room for.
fn truncated(text: &str) -> &str {
    &text[..text.floor_char_boundary(128)]
}

/// Memories to be embedded next.
struct Batch {
    ids: Vec<MemoryId>,
    contents: Vec<String>,
    /// Is nothing missing beside them, and beside what has been passed over?
    is_last: bool,
}

fn batch(view: &View, missing: &RoaringBitmap, pass: &mut Pass) -> Result<Batch> {
    let rows = view.rows()?;
    let mut batch = Batch { ids: Vec::new(), contents: Vec::new(), is_last: true };
    let (mut bytes, mut looked_at) = (0, 0);
    for ordinal in missing {
        let id = view.id_of(ordinal)?;
        if pass.bare.contains(id.0) || pass.refused.contains(id.0) {
            continue;
        }
        let is_full = batch.ids.len() >= pass.batch() || bytes >= MAX_BATCH_BYTES;
        if is_full || looked_at >= MAX_LOOKED_AT {
            batch.is_last = false;
            break;
        }
        looked_at += 1;
        let row = require_row(&rows, id)?;
        let content = access(&row)?.content.as_str();
        if content.is_empty() {
            pass.bare.insert(id.0);
            continue;
        }
        bytes += content.len();
        batch.ids.push(id);
        batch.contents.push(content.to_owned());
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_failures_it_asks_less_and_less_often_and_passes_over_what_is_refused_alone() {
        let mut pass = Pass::default();
        let ids: Vec<MemoryId> = (1..=40).map(MemoryId).collect();
        let (mut batches, mut delays) = (Vec::new(), Vec::new());
        for _ in 0..12 {
            batches.push(pass.batch());
            pass.fail(&ids[..pass.batch()], 5);
            delays.push((pass.retry_ms - 5) / 1_000);
        }
        assert_eq!(batches, [32, 16, 8, 4, 2, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(pass.refused.iter().collect::<Vec<_>>(), [1]);
        pass.failures = u32::MAX;
        pass.fail(&ids, i64::MAX);
        assert_eq!((pass.retry_ms, pass.batch()), (i64::MAX, 1));
    }
}
