//! Which rows have a cell in a range, and which come first in a column's order.
//!
//! **Invariant:** a missing cell lies in no range and orders behind all others, ascending or
//! descending; equal cells order by id, in the direction of the cells.

use std::collections::BinaryHeap;
use std::ops::RangeInclusive;

use roaring::RoaringBitmap;

use super::block::ROWS;
use super::cell::{self, MISSING};
use super::rows::{Cells, Rows, place};
use super::{Attributes, ColumnId};
use crate::image::ImageError;

/// A direction of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest cell first, then smallest id.
    Ascending,
    /// Largest cell first, then largest id.
    Descending,
}

/// Rows that are tested together when a range is scanned: a page of a bitmap.
const SCAN_ROWS: u32 = 65_536;

impl Attributes {
    /// The cell of a row in `column`.
    pub fn cell(&self, column: ColumnId, ordinal: u32) -> Result<Option<i64>, ImageError> {
        if ordinal >= self.next_ordinal() {
            return Ok(None);
        }
        self.rows.cell(column, ordinal)
    }

    /// The rows of `within` whose cell lies in `range`. Costs a step per row of `within`, or a
    /// cheaper one per row of those pages of 65,536 that hold much of it.
    pub fn range(
        &self,
        column: ColumnId,
        range: RangeInclusive<i64>,
        within: &RoaringBitmap,
    ) -> Result<RoaringBitmap, ImageError> {
        let (low, high) = (*range.start().max(&(MISSING + 1)), *range.end());
        let mut found = RoaringBitmap::new();
        let mut rows = within.iter();
        while let Some(first) = rows.next().filter(|&row| row < self.next_ordinal()) {
            let page = first - first % SCAN_ROWS..=first | (SCAN_ROWS - 1);
            let next_page = page.end().checked_add(1);
            let candidates = within.range_cardinality(page.clone());
            found |= if candidates < u64::from(SCAN_ROWS) / 16 {
                self.pick(column, low..=high, within.range(page))?
            } else {
                self.scan(column, low..=high, *page.start())? & within
            };
            match next_page {
                Some(next) => rows.advance_to(next),
                None => break,
            }
        }
        Ok(found)
    }

    /// Tests the cells of single rows.
    fn pick(
        &self,
        column: ColumnId,
        range: RangeInclusive<i64>,
        rows: impl Iterator<Item = u32>,
    ) -> Result<RoaringBitmap, ImageError> {
        let mut reader = Reader::new(&self.rows, column);
        let mut found = RoaringBitmap::new();
        for ordinal in rows.take_while(|&ordinal| ordinal < self.next_ordinal()) {
            if range.contains(&reader.get(ordinal)?) {
                found.insert(ordinal);
            }
        }
        Ok(found)
    }

    /// Tests every cell of a page.
    fn scan(
        &self,
        column: ColumnId,
        range: RangeInclusive<i64>,
        first: u32,
    ) -> Result<RoaringBitmap, ImageError> {
        let mut bits = Vec::with_capacity(SCAN_ROWS as usize / 8);
        let (block, _) = place(first);
        let end = block.saturating_add(SCAN_ROWS / ROWS as u32).min(self.rows.blocks());
        for block in block..end {
            let mask = self.rows.cells(column, block)?.mask(*range.start(), *range.end());
            bits.extend(mask.to_le_bytes());
        }
        Ok(RoaringBitmap::from_lsb0_bytes(first, &bits))
    }

    /// The first `k` rows of `within`, which holds live rows only, ordered by cell and then by id;
    /// those with no cell come last. `after` takes up a listing behind the row with that cell and
    /// id, be it still there or not. Costs a step per row of `within` and memory for `k`.
    pub fn top(
        &self,
        column: ColumnId,
        within: &RoaringBitmap,
        k: usize,
        order: Order,
        after: Option<(Option<i64>, u64)>,
    ) -> Result<Vec<u32>, ImageError> {
        let after = after.map(|(cell, id)| self.rank_behind(order, cell, id)).transpose()?;
        let mut reader = Reader::new(&self.rows, column);
        // In the direction of the order: times mostly rise with ordinals, and then the first `k`
        // rows that are met are those that stay.
        let rows: Box<dyn Iterator<Item = u32>> = match order {
            Order::Ascending => Box::new(within.iter()),
            Order::Descending => Box::new(within.iter().rev()),
        };
        let mut first = BinaryHeap::new();
        for ordinal in rows.filter(|&ordinal| ordinal < self.next_ordinal()) {
            let rank = Rank::new(order, cell::present(reader.get(ordinal)?), ordinal.into());
            if after.is_some_and(|after| rank <= after) {
                continue;
            }
            if first.len() < k {
                first.push(rank);
            } else if let Some(mut last) = first.peek_mut().filter(|last| rank < **last) {
                *last = rank;
            }
        }
        let ordinal = |rank: Rank| rank.place.unsigned_abs() as u32;
        Ok(first.into_sorted_vec().into_iter().map(ordinal).collect())
    }

    /// A rank that every row up to `(cell, id)` has at most and every row behind it exceeds.
    fn rank_behind(&self, order: Order, cell: Option<i64>, id: u64) -> Result<Rank, ImageError> {
        let ordinal = match order {
            Order::Ascending => {
                let behind =
                    id.checked_add(1).map(|next| self.rows.first_from(next)).transpose()?;
                i64::from(behind.unwrap_or(self.next_ordinal())) - 1
            }
            Order::Descending => self.rows.first_from(id)?.into(),
        };
        Ok(Rank::new(order, cell.and_then(cell::present), ordinal))
    }
}

/// Where a row stands in an order. Ids ascend with ordinals, so an ordinal stands for its id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_missing: bool,
    /// The cell, turned where the order descends: `!` reverses an `i64` and cannot overflow.
    cell: i64,
    /// The ordinal, negative where the order descends.
    place: i64,
}

impl Rank {
    fn new(order: Order, cell: Option<i64>, ordinal: i64) -> Self {
        let value = cell.unwrap_or(MISSING);
        let (cell_rank, place) = match order {
            Order::Ascending => (value, ordinal),
            Order::Descending => (!value, -ordinal),
        };
        Self { is_missing: cell.is_none(), cell: cell_rank, place }
    }
}

/// Reads cells of one column row after row, finding each block once.
struct Reader<'a> {
    rows: &'a Rows,
    column: ColumnId,
    block: Option<(u32, Cells<'a>)>,
}

impl<'a> Reader<'a> {
    const fn new(rows: &'a Rows, column: ColumnId) -> Self {
        Self { rows, column, block: None }
    }

    fn get(&mut self, ordinal: u32) -> Result<i64, ImageError> {
        let (block, row) = place(ordinal);
        let cells = match self.block {
            Some((number, cells)) if number == block => cells,
            _ => {
                let cells = self.rows.cells(self.column, block)?;
                self.block = Some((block, cells));
                cells
            }
        };
        Ok(cells.get(row))
    }
}
