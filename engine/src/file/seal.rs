//! The seal: a checksum of redb's header, for as long as nobody may change it.
//!
//! redb rewrites its header in place and checks its commits by checksums in it, but not all of the
//! header: which of the two commits is in force, or how large a region is, is one bit's word. Page
//! checksums leave the header out, since a crash may leave it newer than its checksum. So the
//! slots that closing writes carry one over it, and opening for writing takes it away first.
//!
//! **Invariant:** rule 9: while the newest slot has a seal, redb's header in the active space is
//! the one that was sealed, whatever instant the power fails at. Of a file that has but one sound slot
//! a seal counts for an opening with verification alone. Used by the table space.

use super::container::Container;
use super::fault::Fault;
use super::pages::{PAGE_LEN, is_closed};
use std::io;
use std::sync::atomic::Ordering;
use xxhash_rust::xxh3::xxh3_64;

/// What stands in a slot whose header may change.
pub(super) const NONE: u64 = 0;

fn seal_of(header: &[u8]) -> u64 {
    let sum = xxh3_64(header);
    if sum == NONE { 1 } else { sum }
}

impl Container {
    /// The seal that the active space can have now: none while a database is open on it, or if the
    /// last one was not closed in good order.
    pub(super) fn find_seal(&self) -> io::Result<u64> {
        let active = self.0.state.read().active;
        if self.0.in_use[active].load(Ordering::Acquire) {
            return Ok(NONE);
        }
        let header = self.read_redb_header(active)?;
        Ok(header.filter(|header| is_closed(header)).map_or(NONE, |header| seal_of(&header)))
    }

    /// Refuses a header that is not the one that was sealed.
    pub(super) fn check_seal(&self, space: usize) -> io::Result<()> {
        let (seal, active) = {
            let state = self.0.state.read();
            (state.seal, state.active)
        };
        // Where the other slot is damaged it may have been the newer one, without a seal.
        let counts = !self.found_one_slot() || self.trusts_lone_seal();
        if seal == NONE || space != active || !counts {
            return Ok(());
        }
        let found = self.read_redb_header(space)?.map(|header| seal_of(&header));
        if found == Some(seal) { Ok(()) } else { Err(Fault::DamagedPage { offset: 0 }.into()) }
    }

    /// Before redb's header changes, a slot that seals it, or would if it came to hold again, gives way
    /// to one that does not.
    pub(super) fn break_seal(&self) -> io::Result<()> {
        let is_stale = &self.0.is_slot_stale;
        if self.0.state.read().seal == NONE && !is_stale.load(Ordering::Relaxed) {
            return Ok(());
        }
        {
            let mut state = self.0.state.write();
            state.seal = NONE;
            state.dirty = true;
        }
        self.sync()?;
        is_stale.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn read_redb_header(&self, space: usize) -> io::Result<Option<[u8; PAGE_LEN]>> {
        let mut header = [0; PAGE_LEN];
        if self.table_len(space) < PAGE_LEN as u64 {
            return Ok(None);
        }
        self.read_table(space, 0, &mut header)?;
        Ok(Some(header))
    }
}
