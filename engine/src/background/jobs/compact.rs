//! Gives free space back to the file system: moves what lies high in the file into holes below, and
//! cuts the file behind the last of it.

use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::commit::Compacting;
use crate::db::Core;
use crate::file::Room;
use crate::sync::Instant;
use crate::{Compacted, Result};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// An idle handle gives space back if this part of the file is free …
const FREE_SHARE: u64 = 8;
/// … and this many bytes.
const MIN_FREE: u64 = 1 << 20;
/// The same while there are commits: a file that grows soon fills its holes by itself.
const FREE_SHARE_AT_WORK: u64 = 2;
const MIN_FREE_AT_WORK: u64 = 16 << 20;
/// Where the last attempt could give nothing back, there must be this many times as much free before
/// the next.
const STUCK_TIMES: u64 = 2;
/// How often whoever asks for it has images written anew, because writers outrun them.
const MAX_REWRITES: usize = 3;
/// How many steps of merging sealed vectors it waits for: enough for 32 GiB of them.
const MAX_MERGES: usize = 1 << 10;
/// It ends when so many times the bytes of the file were moved, whoever undoes it meanwhile.
const MAX_MOVES: u64 = 4;
/// Attempts to move the pages of the tables, of which any commit or read may thwart one …
const ATTEMPTS: usize = 50;
/// … and what lies between two.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(2);
/// They are moved again while that takes this part off their space.
const LEAST_GAIN: u64 = 64;

pub(super) struct Compact;

impl Job<Core> for Compact {
    fn name(&self) -> &'static str {
        "compact"
    }

    fn due(&self, core: &Core, when: Occasion) -> Result<Option<&'static str>> {
        let stuck = core.committer.stuck.load(Ordering::Relaxed);
        Ok(reason(core.committer.room(), stuck, when))
    }

    fn step(&self, core: &Core, context: &Context<'_>) -> Result<Progress> {
        let mut goes_on = || !context.should_stop();
        let mut done = core.committer.compact_step(true, &mut goes_on)?;
        if let Compacting::Rewritten(bytes) = done {
            context.account(bytes);
            // Before there are more changes than can be done without.
            done = core.committer.compact_step(true, &mut goes_on)?;
        }
        match done {
            Compacting::Moved(bytes) => {
                context.account(2 * bytes);
                context.progress(bytes, core.committer.container().displaced());
                Ok(Progress::More)
            }
            Compacting::Done if context.should_stop() => Ok(Progress::More),
            // Once more written anew: writers outrun it, and fill the holes.
            Compacting::Rewritten(_) | Compacting::Done => {
                core.end_compaction()?;
                Ok(Progress::Done)
            }
        }
    }
}

fn reason(room: Room, stuck: u64, when: Occasion) -> Option<&'static str> {
    let (share, least) = match when {
        Occasion::Rested => (FREE_SHARE, MIN_FREE),
        Occasion::Woken | Occasion::Inline => (FREE_SHARE_AT_WORK, MIN_FREE_AT_WORK),
    };
    let least = least.max(room.file / share).max(stuck.saturating_mul(STUCK_TIMES));
    (room.free > least).then_some(match when {
        Occasion::Rested => "the handle is idle, and an eighth of the file is free",
        Occasion::Woken | Occasion::Inline => "half of the file is free",
    })
}

impl Core {
    /// Cuts the file, and takes note of what could not be given back.
    fn end_compaction(&self) -> Result<()> {
        self.committer.container().trim()?;
        self.committer.stuck.store(self.committer.room().free, Ordering::Relaxed);
        Ok(())
    }

    /// Gives space back as an idle handle does, until `deadline` at most.
    pub(crate) fn compact_at_close(&self, deadline: Instant) -> Result<()> {
        let mut goes_on = || Instant::now() < deadline;
        if self.are_many_deleted() && goes_on() {
            self.compact_tables_if_worth()?;
        }
        if reason(self.committer.room(), 0, Occasion::Rested).is_none() {
            return Ok(());
        }
        let mut rewrites = 0;
        while goes_on() && rewrites < MAX_REWRITES {
            match self.committer.compact_step(false, &mut goes_on)? {
                Compacting::Moved(_) => {}
                Compacting::Rewritten(_) => rewrites += 1,
                Compacting::Done => break,
            }
        }
        Ok(())
    }

    /// Gives back all that can be.
    pub(crate) fn compact(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Compacted> {
        let pause = self.background.pause();
        // Whatever has not ended by then may thwart the tables, and nothing else.
        let _ = pause.settle(self.settings.busy_timeout);
        let before_bytes = self.committer.container().stats()?.file_len;
        self.committer.sync()?;
        self.committer.seal_at_rest()?;
        for _ in 0..MAX_MERGES {
            if self.committer.merge_step()?.is_none() {
                break;
            }
        }
        if self.committer.index_stats().unsaved_work() > 0 {
            self.committer.checkpoint(&mut || true)?;
        }
        self.committer.pack_tables()?;
        let are_tables_compact = self.compact_tables_patiently()?;
        let (mut moved, mut rewrites) = (0, 0);
        let most = before_bytes.saturating_mul(MAX_MOVES);
        while rewrites < MAX_REWRITES && moved <= most {
            progress(moved, moved + self.committer.container().displaced());
            match self.committer.compact_step(true, &mut || true)? {
                Compacting::Moved(bytes) => moved += bytes,
                Compacting::Rewritten(_) => rewrites += 1,
                Compacting::Done => break,
            }
        }
        self.end_compaction()?;
        progress(moved, moved);
        let after_bytes = self.committer.container().stats()?.file_len;
        Ok(Compacted { before_bytes, after_bytes, are_tables_compact })
    }

    /// Moves the pages of the tables, for as long as that makes their space shorter: redb's own trees
    /// move with them, and leave room for more.
    fn compact_tables_patiently(&self) -> Result<bool> {
        let mut is_done = false;
        let mut len = u64::MAX;
        for _ in 0..ATTEMPTS {
            if self.committer.views.held() > 0 {
                break;
            }
            if self.committer.compact_tables()? {
                is_done = true;
                let before =
                    std::mem::replace(&mut len, self.committer.container().stats()?.table_len);
                if len >= before - before / LEAST_GAIN {
                    break;
                }
            } else {
                thread::sleep(ATTEMPT_PAUSE);
            }
        }
        Ok(is_done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_given_back_where_much_is_free_and_more_than_could_not_be() {
        const MIB: u64 = 1 << 20;
        let is_due = |file, free, stuck, when| {
            let room = Room { file: file * MIB, free: free * MIB };
            reason(room, stuck * MIB, when).is_some()
        };
        assert!(is_due(80, 11, 0, Occasion::Rested));
        assert!(!is_due(80, 10, 0, Occasion::Rested));
        assert!(!is_due(1, 1, 0, Occasion::Rested), "too little to be worth it");
        assert!(!is_due(80, 12, 6, Occasion::Rested));
        assert!(is_due(80, 13, 6, Occasion::Rested));
        assert!(!is_due(80, 39, 0, Occasion::Woken));
        assert!(is_due(80, 41, 0, Occasion::Woken));
        assert!(is_due(80, 41, 0, Occasion::Inline));
        assert!(!is_due(20, 15, 0, Occasion::Woken));
        assert!(!is_due(u64::MAX >> 20, 1 << 40, u64::MAX >> 20, Occasion::Rested));
    }
}
