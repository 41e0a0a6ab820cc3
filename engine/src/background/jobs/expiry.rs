//! Deletes memories that have expired. Readers have not seen them since they did.

use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::commit::WriteOptions;
use crate::db::Core;
use crate::derived::{column, field};
use crate::ids::MemoryId;
use crate::transaction::WriteTx;
use crate::view::View;
use crate::{ErrorKind, Result};
use std::time::Duration;

/// Memories that one step forgets.
const MAX_EXPIRED: usize = 1_000;
/// Longer than this it does not wait for its turn among the writers; whoever has the turn will
/// commit, and then it is asked again.
const TURN_TIMEOUT: Duration = Duration::from_millis(100);

pub(super) struct Expiry;

impl Job<Core> for Expiry {
    fn name(&self) -> &'static str {
        "expiry"
    }

    fn due(&self, core: &Core, _: Occasion) -> Result<Option<&'static str>> {
        let (_, count) = expired(&core.committer.current(), 0)?;
        Ok((count > 0).then_some("memories have expired"))
    }

    fn step(&self, core: &Core, context: &Context<'_>) -> Result<Progress> {
        let (ids, count) = expired(&core.committer.current(), MAX_EXPIRED)?;
        let options = WriteOptions::new().actor("memlith").reason("expired");
        let mut tx = match WriteTx::begin_in_background(core, options, TURN_TIMEOUT) {
            Err(e) if e.kind() == ErrorKind::Busy => return Ok(Progress::Done),
            begun => begun?,
        };
        for id in &ids {
            tx.forget_expired(*id)?;
        }
        tx.commit(())?;
        let done = ids.len() as u64;
        context.progress(done, count - done);
        Ok(if done < count { Progress::More } else { Progress::Done })
    }
}

/// Memories that have expired: so many of them at most, and how many there are.
fn expired(view: &View, limit: usize) -> Result<(Vec<MemoryId>, u64)> {
    let attributes = &view.versions().attributes;
    let expiring = attributes.label(field::FLAG, field::EXPIRES)?;
    if expiring.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let until_now = i64::MIN + 1..=view.now_ms();
    let expired = attributes.range(column::EXPIRES, until_now, &expiring)?;
    let ids = expired.iter().take(limit).map(|ordinal| view.id_of(ordinal));
    Ok((ids.collect::<Result<_>>()?, expired.len()))
}
