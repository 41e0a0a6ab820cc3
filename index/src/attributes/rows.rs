//! The rows by ordinal: blocks of the image, and in front of them the blocks that changed since.
//!
//! **Invariant:** a block that is in memory hides the image's whole. Ids ascend with ordinals, and
//! ordinals are never given twice. For [`Attributes`](super::Attributes) only.

use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

use super::block::{Block, ROWS};
use super::cell::{self, MISSING};
use super::entry::{ColumnId, FieldId};
use super::image::Image;
use super::packed::Run;
use super::trie::Trie;
use crate::image::ImageError;

#[derive(Clone)]
pub(super) struct Rows {
    base: Arc<Image>,
    blocks: Trie<Arc<Block>>,
    next: u32,
    /// Once it has been asked for.
    first_id: OnceLock<u64>,
    last_id: Option<u64>,
    /// What the blocks take.
    bytes: usize,
    is_changed: bool,
}

/// The cells of one column and block; reading beyond them gives [`MISSING`].
#[derive(Clone, Copy)]
pub(super) enum Cells<'a> {
    Heap(&'a [i64]),
    Image(Run<'a>),
}

impl Cells<'_> {
    pub(super) fn get(self, row: usize) -> i64 {
        match self {
            Self::Heap(cells) => cells.get(row).copied().unwrap_or(MISSING),
            Self::Image(cells) => cells.get(row),
        }
    }

    /// Which rows have a cell from `low` to `high`; `low` is above [`MISSING`].
    pub(super) fn mask(self, low: i64, high: i64) -> u64 {
        let fold = |mask: u64, (row, cell): (usize, i64)| {
            mask | u64::from(low <= cell && cell <= high) << row
        };
        match self {
            Self::Heap(cells) => cells.iter().copied().enumerate().fold(0, fold),
            Self::Image(cells) => cells.mask(low, high),
        }
    }
}

impl Rows {
    pub(super) fn new(base: Arc<Image>) -> Self {
        let (next, last_id) = (base.rows(), base.last_id());
        Self {
            base,
            blocks: Trie::new(),
            next,
            first_id: OnceLock::new(),
            last_id,
            bytes: 0,
            is_changed: false,
        }
    }

    pub(super) const fn next(&self) -> u32 {
        self.next
    }

    pub(super) const fn last_id(&self) -> Option<u64> {
        self.last_id
    }

    /// Are they those of an image, as it has them?
    pub(super) fn are_of_image(&self) -> bool {
        self.base.rows() > 0 && !self.is_changed
    }

    pub(super) fn columns(&self) -> usize {
        self.base.columns()
    }

    /// Blocks that any row lies in.
    pub(super) const fn blocks(&self) -> u32 {
        self.next.div_ceil(ROWS as u32)
    }

    /// # Errors
    /// If `id` does not come after the last one.
    ///
    /// # Panics
    /// If every ordinal was given.
    pub(super) fn push(&mut self, id: u64) -> Result<u32, ImageError> {
        if self.last_id.is_some_and(|last| last >= id) {
            return Err(ImageError::Inconsistent { what: "ids ascend with ordinals" });
        }
        let ordinal = self.next;
        self.next = ordinal.checked_add(1).expect("an index has fewer than 2^32 rows");
        self.last_id = Some(id);
        self.change(ordinal, |block, _| block.push(id))?;
        Ok(ordinal)
    }

    pub(super) fn id(&self, ordinal: u32) -> Result<u64, ImageError> {
        let (block, row) = place(ordinal);
        match self.blocks.get(block) {
            Some(block) => Ok(block.id(row)),
            None => self.base.id(ordinal),
        }
    }

    /// The id of the first row; there must be one.
    fn first_id(&self) -> Result<u64, ImageError> {
        if let Some(first) = self.first_id.get() {
            return Ok(*first);
        }
        let first = self.id(0)?;
        Ok(*self.first_id.get_or_init(|| first))
    }

    /// The first ordinal whose id is `id` or more; the next ordinal if none is.
    pub(super) fn first_from(&self, id: u64) -> Result<u32, ImageError> {
        Ok(self.search(id)?.0)
    }

    /// The ordinal that was given to `id`.
    pub(super) fn ordinal_of(&self, id: u64) -> Result<Option<u32>, ImageError> {
        let (ordinal, is_it) = self.search(id)?;
        Ok(is_it.then_some(ordinal))
    }

    /// The first ordinal whose id is `id` or more, the next one if none is, and whether that is its id. Where
    /// ids follow each other without gaps none but the first is read.
    fn search(&self, id: u64) -> Result<(u32, bool), ImageError> {
        let Some(last) = self.last_id.filter(|&last| last >= id) else {
            return Ok((self.next, false));
        };
        let first = self.first_id()?;
        if first >= id {
            return Ok((0, first == id));
        }
        if last - first == u64::from(self.next - 1) {
            return Ok(((id - first) as u32, true));
        }
        // The id of `low` is below, that of `high` is not.
        let (mut low, mut below) = (0, first);
        let (mut high, mut above) = (self.next - 1, last);
        let mut halves = false;
        while high - low > 1 {
            // Every other step halves, so that no spread of ids costs more than twice what halving does.
            let guess = if halves {
                low.midpoint(high)
            } else {
                let share = (id - below) as f64 / (above - below) as f64;
                low.saturating_add((share * f64::from(high - low)).round() as u32)
            };
            halves = !halves;
            let middle = guess.clamp(low + 1, high - 1);
            let found = self.id(middle)?;
            match found.cmp(&id) {
                Ordering::Equal => return Ok((middle, true)),
                Ordering::Less => (low, below) = (middle, found),
                Ordering::Greater => (high, above) = (middle, found),
            }
        }
        Ok((high, above == id))
    }

    /// The labels of a row, ascending.
    pub(super) fn labels(&self, ordinal: u32) -> Result<Vec<u32>, ImageError> {
        let (block, row) = place(ordinal);
        match self.blocks.get(block) {
            Some(block) => Ok(block.labels(row).to_vec()),
            None => self.base.row_labels(ordinal),
        }
    }

    pub(super) fn cells(&self, column: ColumnId, block: u32) -> Result<Cells<'_>, ImageError> {
        match self.blocks.get(block) {
            Some(block) => Ok(Cells::Heap(block.cells(column))),
            None => self.base.cells(column, block).map(Cells::Image),
        }
    }

    pub(super) fn cell(&self, column: ColumnId, ordinal: u32) -> Result<Option<i64>, ImageError> {
        let (block, row) = place(ordinal);
        Ok(cell::present(self.cells(column, block)?.get(row)))
    }

    /// Which rows of `block` have a label of `field`.
    pub(super) fn mask(&self, field: FieldId, block: u32) -> Result<u64, ImageError> {
        match self.blocks.get(block) {
            Some(block) => Ok(block.mask(field)),
            None => self.base.mask(field, block),
        }
    }

    /// Changes one row of a block, which is first made our own.
    pub(super) fn change(
        &mut self,
        ordinal: u32,
        change: impl FnOnce(&mut Block, usize),
    ) -> Result<(), ImageError> {
        self.is_changed = true;
        let (number, row) = place(ordinal);
        let slot = self.blocks.slot(number);
        let (block, before) = match slot {
            Some(block) => {
                let before = block.heap_bytes();
                (block, before)
            }
            None => (slot.insert(Arc::new(load(&self.base, number)?)), 0),
        };
        let block = Arc::make_mut(block);
        change(block, row);
        self.bytes = self.bytes + block.heap_bytes() - before;
        Ok(())
    }

    /// The fields that a block in memory or the image names: every one that a row has a label of.
    pub(super) fn fields(&self) -> Vec<FieldId> {
        let mut fields = self.base.fields().to_vec();
        for number in 0..self.blocks() {
            let Some(block) = self.blocks.get(number) else { continue };
            let new = block.masks().iter().map(|&(field, _)| field);
            fields.extend(new.filter(|field| !fields.contains(field)).collect::<Vec<_>>());
        }
        fields.sort_unstable();
        fields
    }

    pub(super) const fn heap_bytes(&self) -> usize {
        self.bytes + self.blocks.heap_bytes()
    }
}

/// The block of an ordinal, and its row there.
pub(super) const fn place(ordinal: u32) -> (u32, usize) {
    (ordinal / ROWS as u32, ordinal as usize % ROWS)
}

fn load(base: &Image, number: u32) -> Result<Block, ImageError> {
    let mut block = Block::new(base.columns());
    let first = number * ROWS as u32;
    for (row, ordinal) in (first..base.rows()).take(ROWS).enumerate() {
        block.push(base.id(ordinal)?);
        block.set_labels(row, &base.row_labels(ordinal)?);
    }
    for column in (0..base.columns()).map(|column| ColumnId(column as u8)) {
        let cells = Cells::Image(base.cells(column, number)?);
        block.fill(column, (0..ROWS).map(|row| cells.get(row)));
    }
    for &field in base.fields() {
        block.mark(field, base.mask(field, number)?);
    }
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_is_found_however_ids_are_spread(
            runs in proptest::collection::vec((0..40_u32, 1..30_u64), 1..12),
            misses in proptest::collection::vec(any::<u64>(), 0..20),
        ) {
            // Runs without gaps, and gaps that double: what interpolation likes, and what it does not.
            let (mut ids, mut next) = (Vec::new(), 1_u64);
            for (gap, len) in runs {
                next += 1_u64 << gap;
                ids.extend(next..next + len);
                next += len;
            }
            let mut rows = Rows::new(Arc::new(Image::empty(0)));
            prop_assert_eq!(rows.first_from(7).unwrap(), 0);
            for &id in &ids {
                rows.push(id).unwrap();
            }
            let near = ids.iter().flat_map(|&id| [id - 1, id, id + 1]).chain([0, u64::MAX]);
            for id in near.chain(misses) {
                let expected = ids.partition_point(|&other| other < id) as u32;
                prop_assert_eq!(rows.first_from(id).unwrap(), expected, "{}", id);
                let of = ids.binary_search(&id).ok().map(|ordinal| ordinal as u32);
                prop_assert_eq!(rows.ordinal_of(id).unwrap(), of, "{}", id);
            }
        }
    }
}
