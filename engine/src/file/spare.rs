//! The second table space: where a rewrite of the tables goes while the first one serves.
//!
//! **Invariant:** at any instant one of the two is active, and one header write decides which. A
//! space that a database is open on is never emptied. For whoever rewrites the file: compaction,
//! purge, format upgrade.
#![cfg_attr(
    not(any(test, feature = "torture")),
    expect(dead_code, reason = "no rewrite calls it yet; the file's torture keeps it sound")
)]

use super::backend::TableSpace;
use super::container::Container;
use super::{error_from, seal};
use crate::Result;
use std::sync::atomic::Ordering;

impl Container {
    /// The other table space, emptied: where a rewrite of the tables goes.
    ///
    /// # Panics
    /// If a database is still open on it.
    pub(crate) fn spare_backend(&self) -> TableSpace {
        let mut state = self.0.state.write();
        let spare = 1 - state.active;
        assert!(!self.is_in_use(spare), "the spare table space is in use");
        state.drop_space(spare);
        self.0.pages[spare].forget(0);
        TableSpace::new(self.clone(), spare)
    }

    /// Makes the spare table space the active one, with one header write. A database that is
    /// still open on the other may go on reading it until it closes and
    /// [`drop_spare`](Self::drop_spare) is called.
    pub(crate) fn switch_spaces(&self) -> Result<()> {
        {
            let mut state = self.0.state.write();
            state.active = 1 - state.active;
            // It was of the other space's header.
            state.seal = seal::NONE;
            state.dirty = true;
        }
        self.sync().map_err(|e| error_from("switching table spaces", e))
    }

    /// Gives back the chunks of the table space that is not active.
    ///
    /// # Panics
    /// If a database is still open on it.
    pub(crate) fn drop_spare(&self) -> Result<()> {
        {
            let mut state = self.0.state.write();
            let spare = 1 - state.active;
            assert!(!self.is_in_use(spare), "the spare table space is in use");
            state.drop_space(spare);
            self.0.pages[spare].forget(0);
        }
        self.sync().map_err(|e| error_from("dropping a table space", e))
    }

    fn is_in_use(&self, space: usize) -> bool {
        self.0.in_use[space].load(Ordering::Acquire)
    }
}
