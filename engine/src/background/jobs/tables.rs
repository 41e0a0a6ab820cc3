//! Moves the pages of the tables together, once most of them may be free and nobody is at work.

use crate::Result;
use crate::background::scheduler::{Context, Job, Occasion, Progress};
use crate::db::Core;

/// So many memories must have been deleted …
const MIN_DELETED: u64 = 1_024;
/// … and this part of those that are left, before it is asked what the tables have free, for that
/// reads all of them.
const DELETED_SHARE: u64 = 2;
/// It pays if the tables use no more than this part of their space …
const USED_SHARE: (u64, u64) = (2, 3);
/// … and they are no larger than this: readers of rows wait until it is done.
const MAX_USED_BYTES: u64 = 64 << 20;

pub(super) struct Tables;

impl Job<Core> for Tables {
    fn name(&self) -> &'static str {
        "tables"
    }

    fn due(&self, core: &Core, when: Occasion) -> Result<Option<&'static str>> {
        let is_due = when == Occasion::Rested && core.are_many_deleted();
        Ok(is_due.then_some("the handle is idle, and many memories were deleted"))
    }

    fn step(&self, core: &Core, context: &Context<'_>) -> Result<Progress> {
        context.account(core.compact_tables_if_worth()?);
        Ok(Progress::Done)
    }
}

impl Core {
    pub(crate) fn are_many_deleted(&self) -> bool {
        let left = self.committer.current().versions().attributes.live_len();
        self.committer.deleted() >= MIN_DELETED.max(left / DELETED_SHARE)
    }

    /// Moves the pages of the tables together if that gives much back and takes little time. Returns
    /// the bytes of the pages.
    pub(crate) fn compact_tables_if_worth(&self) -> Result<u64> {
        if self.committer.views.held() > 0 {
            return Ok(0);
        }
        let (used, len) = self.committer.table_use()?;
        if !is_worth(used, len) || self.committer.compact_tables()? {
            self.committer.forget_deleted();
        }
        Ok(used)
    }
}

fn is_worth(used: u64, len: u64) -> bool {
    let (share, of) = USED_SHARE;
    used <= MAX_USED_BYTES && used < len / of * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_moved_where_many_are_free_and_not_too_many_are_used() {
        assert!(is_worth(20 << 20, 40 << 20));
        assert!(!is_worth(30 << 20, 40 << 20));
        assert!(is_worth(0, 1 << 40));
        assert!(!is_worth(MAX_USED_BYTES + 1, 1 << 40));
    }
}
