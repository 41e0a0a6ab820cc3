//! Sixty-four rows: their ids, cells, and the labels each one has.
//!
//! **Invariant:** everything that is known of a row lies in one block, so that a commit which
//! changes a row copies one block for all its columns, however many there are. The labels of a row
//! ascend; masks name only rows that have a label. For [`Rows`](super::rows::Rows) only.

use super::cell::MISSING;
use super::entry::{ColumnId, FieldId};

/// Rows of one block: as many as a mask has bits.
pub(super) const ROWS: usize = u64::BITS as usize;

#[derive(Clone)]
pub(super) struct Block {
    ids: Vec<u64>,
    /// Column by column, each of [`ROWS`] cells.
    cells: Vec<i64>,
    /// By field, which rows have a label of it.
    masks: Vec<(FieldId, u64)>,
    /// Where each row's labels end in `labels`.
    ends: [u32; ROWS],
    labels: Vec<u32>,
}

impl Block {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            ids: Vec::new(),
            cells: vec![MISSING; columns * ROWS],
            masks: Vec::new(),
            ends: [0; ROWS],
            labels: Vec::new(),
        }
    }

    /// Allots the next row; the caller has seen to it that there is room.
    pub(super) fn push(&mut self, id: u64) {
        self.ids.push(id);
    }

    pub(super) fn id(&self, row: usize) -> u64 {
        self.ids[row]
    }

    pub(super) fn labels(&self, row: usize) -> &[u32] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.labels[start as usize..self.ends[row] as usize]
    }

    pub(super) fn set_labels(&mut self, row: usize, labels: &[u32]) {
        let old = self.labels(row).len();
        let end = self.ends[row] as usize;
        self.labels.splice(end - old..end, labels.iter().copied());
        for end in &mut self.ends[row..] {
            *end = *end - old as u32 + labels.len() as u32;
        }
    }

    /// Which rows have a label of `field`.
    pub(super) fn mask(&self, field: FieldId) -> u64 {
        self.masks.iter().find(|&&(known, _)| known == field).map_or(0, |&(_, mask)| mask)
    }

    pub(super) fn masks(&self) -> &[(FieldId, u64)] {
        &self.masks
    }

    /// Says that the rows of `mask` have a label of `field`.
    pub(super) fn mark(&mut self, field: FieldId, mask: u64) {
        if mask == 0 {
            return;
        }
        match self.masks.iter_mut().find(|(known, _)| *known == field) {
            Some((_, known)) => *known |= mask,
            None => self.masks.push((field, mask)),
        }
    }

    /// Says that the rows of `mask` have no label of the fields that `is_meant`.
    pub(super) fn unmark(&mut self, mask: u64, is_meant: impl Fn(FieldId) -> bool) {
        self.masks.retain_mut(|(field, known)| {
            if is_meant(*field) {
                *known &= !mask;
            }
            *known != 0
        });
    }

    pub(super) fn cells(&self, column: ColumnId) -> &[i64] {
        let start = usize::from(column.0) * ROWS;
        self.cells.get(start..start + ROWS).unwrap_or(&[])
    }

    /// Gives `row` exactly these cells.
    ///
    /// # Panics
    /// If a column is none of this index.
    pub(super) fn set_cells(&mut self, row: usize, cells: &[(ColumnId, i64)]) {
        self.cells.iter_mut().skip(row).step_by(ROWS).for_each(|cell| *cell = MISSING);
        for &(column, cell) in cells {
            self.cells[usize::from(column.0) * ROWS + row] = cell;
        }
    }

    /// Fills a column from the first row on.
    pub(super) fn fill(&mut self, column: ColumnId, cells: impl Iterator<Item = i64>) {
        let start = usize::from(column.0) * ROWS;
        for (to, cell) in self.cells[start..start + ROWS].iter_mut().zip(cells) {
            *to = cell;
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Self>()
            + self.ids.capacity() * size_of::<u64>()
            + self.cells.capacity() * size_of::<i64>()
            + self.masks.capacity() * size_of::<(FieldId, u64)>()
            + self.labels.capacity() * size_of::<u32>()
    }
}
