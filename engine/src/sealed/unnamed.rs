//! A segment that is durable, and that no row names yet.
//!
//! **Invariant:** its space is free again once this is dropped, unless a row was about to name it:
//! then whoever opens the file next sees whether one does.

use super::row::SealedRow;
use super::segment::SealedSegment;
use crate::Result;
use crate::file::{Container, SegmentRef};
use crate::ids::SpaceId;
use std::sync::Arc;

/// A segment that was written and got no number yet.
pub(crate) struct Unnamed {
    container: Container,
    row: SealedRow,
    is_named: bool,
}

impl Unnamed {
    pub(super) fn new(container: &Container, row: SealedRow) -> Self {
        Unnamed { container: container.clone(), row, is_named: false }
    }

    /// A copy of the segment of a row, somewhere else in the file.
    pub(crate) fn copy_of(container: &Container, row: &SealedRow, copy: SegmentRef) -> Self {
        Self::new(container, SealedRow { segment: copy, ..*row })
    }

    /// The segment under its number. Nothing is in force before its row is committed.
    pub(crate) fn open(&self, number: u32) -> Result<Arc<SealedSegment>> {
        let row = SealedRow { number, ..self.row };
        SealedSegment::new(&self.container, row).map(Arc::new)
    }

    /// The row of a vector that it has, if it is of that space.
    pub(crate) fn vector(&self, space: SpaceId, owner: u64) -> Result<Option<Vec<u8>>> {
        if self.row.space != space {
            return Ok(None);
        }
        let segment = self.open(self.row.number)?;
        let Some(index) = segment.find(owner)? else { return Ok(None) };
        Ok(Some(segment.vector(index)?.into_owned()))
    }

    /// The commit of its row begins: it may happen from now on.
    pub(crate) fn keep(mut self) {
        self.is_named = true;
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        if !self.is_named {
            self.container.release(&self.row.segment);
        }
    }
}
