//! Listing memories in order, a page at a time.
//!
//! **Invariant:** a listing that follows its cursors to the end gives each memory that is in scope
//! throughout exactly once, whatever is written meanwhile: the cursor names a place in the order,
//! not a count.

use super::{MAX_LIMIT, Memory};
use crate::derived::column;
use crate::error::check_limit;
use crate::filter::Filter;
use crate::ids::MemoryId;
use crate::recall::{Cancellation, Deadline, Scope, patience_builders, scope_builders};
use crate::view::View;
use crate::{Error, Result};
use memlith_index::attributes::{ColumnId, Order as Direction};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// In which order a listing comes. Ties are broken by the number of the memory, in the same
/// direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// What happened last comes first.
    #[default]
    Newest,
    /// What happened first comes first.
    Oldest,
    /// What was written last comes first.
    Updated,
    /// The most important comes first.
    Importance,
    /// The highest priority comes first.
    Priority,
}

impl Order {
    fn column(self) -> ColumnId {
        match self {
            Order::Newest | Order::Oldest => column::CREATED,
            Order::Updated => column::UPDATED,
            Order::Importance => column::IMPORTANCE,
            Order::Priority => column::PRIORITY,
        }
    }

    fn direction(self) -> Direction {
        match self {
            Order::Oldest => Direction::Ascending,
            _ => Direction::Descending,
        }
    }
}

/// What to list.
///
/// ```
/// # let db = memlith::Options::new().in_memory()?;
/// # for n in 0..5 { db.remember(memlith::NewMemory::new(n.to_string()))?; }
/// use memlith::{List, Order};
/// let view = db.read()?;
/// let mut list = List::new().order(Order::Oldest).limit(2);
/// let mut all = Vec::new();
/// loop {
///     let page = view.list(&list)?;
///     all.extend(page.memories);
///     match page.next {
///         Some(cursor) => list = list.after(cursor),
///         None => break,
///     }
/// }
/// assert_eq!(all.len(), 5);
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct List {
    /// Only this namespace; all if `None`.
    pub namespace: Option<String>,
    /// Only memories that match.
    pub filter: Option<Filter>,
    /// In which order.
    pub order: Order,
    /// At most so many in a page; 100 unless given.
    pub limit: usize,
    /// From behind this place on.
    pub after: Option<Cursor>,
    /// Give up after this long for a page, with an error.
    pub deadline: Option<Duration>,
    /// Give up once this is cancelled, with an error.
    pub cancellation: Option<Cancellation>,
}

impl Default for List {
    fn default() -> Self {
        List {
            namespace: None,
            filter: None,
            order: Order::default(),
            limit: 100,
            after: None,
            deadline: None,
            cancellation: None,
        }
    }
}

impl List {
    /// Everything, newest first, a hundred a page.
    pub fn new() -> Self {
        List::default()
    }

    scope_builders!();
    patience_builders!();

    /// Sets the order.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Goes on behind this place.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }
}

/// A place in a listing. Its text can be handed out and taken back, also after reopening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    cell: Option<i64>,
    id: MemoryId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cell {
            Some(cell) => write!(f, "{cell:x}.{:x}", self.id.0),
            None => write!(f, ".{:x}", self.id.0),
        }
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::invalid("cursor", "must be one that a listing gave");
        let (cell, id) = text.split_once('.').ok_or_else(bad)?;
        let hex = |text: &str| u64::from_str_radix(text, 16).map_err(|_| bad());
        let cell = if cell.is_empty() { None } else { Some(hex(cell)? as i64) };
        Ok(Cursor { cell, id: MemoryId(hex(id)?) })
    }
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// In the order asked for.
    pub memories: Vec<Memory>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

impl View {
    /// A page of memories. Costs a step per memory in scope, and a read per memory given; a filter that
    /// looks into texts reads those that it cannot tell by their index.
    ///
    /// # Errors
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) if the time ran out, or
    /// [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn list(&self, list: &List) -> Result<Page> {
        check_limit("limit of a listing", list.limit, MAX_LIMIT)?;
        let scope = Scope {
            namespace: list.namespace.as_deref(),
            filter: list.filter.as_ref(),
            include_superseded: true,
            ..Scope::default()
        };
        let deadline = Deadline::after(list.deadline).or_at(list.cancellation.as_ref());
        let within = deadline.check("listing").and_then(|()| self.select(scope, &deadline));
        let (within, _) = deadline.explain(within)?;
        let attributes = &self.versions().attributes;
        let column = list.order.column();
        let after = list.after.map(|cursor| (cursor.cell, cursor.id.0));
        // One more than asked for tells whether there is another page.
        let found =
            attributes.top(column, &within, list.limit + 1, list.order.direction(), after)?;
        let mut next = None;
        if found.len() > list.limit {
            next = match list.limit.checked_sub(1).and_then(|last| found.get(last)) {
                Some(&ordinal) => {
                    let cell = attributes.cell(column, ordinal)?;
                    Some(Cursor { cell, id: self.id_of(ordinal)? })
                }
                None => list.after,
            };
        }
        let shown = found.iter().take(list.limit);
        let ids = shown.map(|o| self.id_of(*o)).collect::<Result<Vec<_>>>()?;
        let memories = self.peek_many(&ids)?.into_iter().flatten().collect();
        Ok(Page { memories, next })
    }

    /// How many memories there are, in one namespace or in all, that match.
    pub fn count(&self, namespace: Option<&str>, filter: Option<&Filter>) -> Result<u64> {
        let scope = Scope { namespace, filter, include_superseded: true, ..Scope::default() };
        Ok(self.select(scope, &Deadline::NONE)?.0.len())
    }

    /// The number of the memory that has an ordinal.
    pub(crate) fn id_of(&self, ordinal: u32) -> Result<MemoryId> {
        let unknown =
            || Error::corruption("index", "an ordinal that was given", ordinal.to_string());
        self.versions().attributes.id_of(ordinal)?.map(MemoryId).ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        for cell in [None, Some(0), Some(-1), Some(i64::MIN), Some(i64::MAX)] {
            let cursor = Cursor { cell, id: MemoryId(u64::MAX) };
            assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }
        for bad in ["", "x", "1", "1.", "z.1", "1.1.1"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }
}
