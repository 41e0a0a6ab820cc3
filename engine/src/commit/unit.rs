//! What one transaction commits: the rows of one set or of several, to be written, and to be folded behind it.
//!
//! **Invariant:** of each key there is one row, that of the latest set which names it.

use super::ascending;
use super::row_key::RowKey;
use super::vectors::Written;
use super::write_set::{NewRow, WriteSet};
use crate::Result;
use crate::rows::{Pinned, RowBytes, Rows};
use crate::schema::Table;
use std::cell::RefCell;
use std::iter::Peekable;
use std::sync::Arc;

/// The rows of the sets that one transaction commits, the later set winning.
pub(super) enum Unit<'a> {
    /// In order as it is.
    One(&'a WriteSet),
    /// Of each table, in the order of keys, which redb likes.
    Many { rows: [Vec<Written<'a>>; Table::ALL.len()] },
}

impl<'a> Unit<'a> {
    pub(super) fn new(sets: &'a [Arc<WriteSet>]) -> Self {
        if let [set] = sets {
            return Unit::One(set);
        }
        let rows = Table::ALL.map(|table| {
            let newest_first = sets.iter().rev().flat_map(|set| set.rows(table));
            let mut rows: Vec<_> = newest_first.map(|(key, value)| (key.bytes(), value)).collect();
            // Equal keys stay in the order in which they are, and the first of them stays.
            rows.sort_by_key(|(key, _)| *key);
            rows.dedup_by_key(|(key, _)| *key);
            rows
        });
        Unit::Many { rows }
    }

    fn get(&self, table: Table, key: &[u8]) -> Option<&'a NewRow> {
        match self {
            Unit::One(set) => set.get(table, key),
            Unit::Many { rows } => {
                let rows = &rows[table as usize];
                let found = rows.binary_search_by_key(&key, |(key, _)| *key).ok()?;
                Some(rows[found].1)
            }
        }
    }
}

/// The rows behind the commit of a unit, for its fold: those that it wrote need not be looked for.
pub(super) struct JustWritten<'a> {
    unit: &'a Unit<'a>,
    rows: &'a Pinned,
    /// Edges of one set behind the one that was asked for last: they are folded in the order of their keys.
    edges: Option<RefCell<Peekable<ascending::Iter<'a, RowKey, NewRow>>>>,
    /// Has none of its vectors become part of a segment instead?
    are_vectors_rows: bool,
}

impl<'a> JustWritten<'a> {
    pub(super) fn new(unit: &'a Unit<'a>, rows: &'a Pinned, are_vectors_rows: bool) -> Self {
        let edges = match unit {
            Unit::One(set) => Some(RefCell::new(set.rows(Table::Edges).iter().peekable())),
            Unit::Many { .. } => None,
        };
        JustWritten { unit, rows, edges, are_vectors_rows }
    }

    fn row(&self, table: Table, key: &[u8]) -> Option<&NewRow> {
        if let Some(edges) = self.edges.as_ref().filter(|_| table == Table::Edges) {
            let mut edges = edges.borrow_mut();
            while edges.next_if(|(before, _)| before.bytes() < key).is_some() {}
            if let Some((_, row)) = edges.next_if(|(next, _)| next.bytes() == key) {
                return Some(row);
            }
        }
        self.unit.get(table, key)
    }
}

impl Rows for JustWritten<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<RowBytes>> {
        match self.row(table, key) {
            Some(row) if table != Table::Vectors || self.are_vectors_rows => {
                Ok(row.clone().map(RowBytes::Owned))
            }
            _ => self.rows.get(table, key),
        }
    }
}
