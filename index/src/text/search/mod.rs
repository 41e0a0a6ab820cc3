//! Finds the documents that a query is about, in one part after the other.
//!
//! **Invariant:** what is found, and its scores, do not depend on how documents lie in parts, nor on
//! which way a part was searched.

mod all;
mod any;
mod batch;
mod cursor;
mod expand;
mod meter;
mod phrase;
mod top;

pub(super) use cursor::{Cursor, List, MemoryList};
pub(super) use expand::{near, with_prefix};
pub(super) use meter::Meter;
pub(super) use phrase::{PhraseTerm, phrase};
pub use top::TextHit;
pub(super) use top::{Collector, Everything, Top};

use super::bm25::Scorer;
use super::part::PartAt;
use super::view::TextError;
use all::Lead;
use roaring::RoaringBitmap;

/// A filter that keeps so many times fewer documents than there are postings is walked itself.
const NARROW: u64 = 16;

/// Terms of which a document must have one.
pub(super) struct Group<'a> {
    pub(super) cursors: Vec<Cursor<'a>>,
    /// What it adds at most to the score of a document that is looked at now.
    bound: f64,
}

impl<'a> Group<'a> {
    pub(super) fn new(cursors: Vec<Cursor<'a>>) -> Self {
        let bound = cursors.iter().map(|cursor| cursor.bound).sum();
        Self { cursors, bound }
    }

    fn len(&self) -> u64 {
        self.cursors.iter().map(|cursor| cursor.len() as u64).sum()
    }
}

/// What a query asks of one part.
pub(super) struct Clauses<'a> {
    /// A document must have a term of each.
    pub(super) required: Vec<Group<'a>>,
    pub(super) optional: Vec<Cursor<'a>>,
    pub(super) excluded: Vec<Cursor<'a>>,
}

/// A search of one part.
pub(super) struct Search<'a, 's, 'm> {
    pub(super) part: PartAt<'a>,
    pub(super) scorer: &'s Scorer,
    pub(super) filter: Option<&'s RoaringBitmap>,
    pub(super) meter: &'s mut Meter<'m>,
}

impl<'a> Search<'a, '_, '_> {
    /// Hands every document that the clauses find and the collector wants to the collector.
    pub(super) fn run(
        &mut self,
        mut clauses: Clauses<'a>,
        collector: &mut impl Collector,
    ) -> Result<(), TextError> {
        let Clauses { required, optional, excluded } = &mut clauses;
        if required.iter().any(|group| group.cursors.is_empty()) {
            return Ok(());
        }
        let postings = required.iter().map(Group::len).min();
        let postings = postings.unwrap_or_else(|| optional.iter().map(|c| c.len() as u64).sum());
        let narrow = self.filter.filter(|filter| filter.len() * NARROW < postings);
        if required.is_empty() && (narrow.is_some() || optional.len() == 1) {
            required.push(Group::new(std::mem::take(optional)));
        }
        if required.is_empty() {
            return self.any(optional, excluded, collector);
        }
        let lead = match narrow {
            Some(filter) => Lead::Entries(self.part.entries_of(filter)?),
            None => self.lead(required)?,
        };
        self.all(lead, required, optional, excluded, collector)
    }

    /// Makes the rarest group the lead, and has the rest follow by rarity: what is met early need not be
    /// looked up in the longer lists.
    fn lead(&mut self, groups: &mut Vec<Group<'a>>) -> Result<Lead<'a>, TextError> {
        groups.sort_by_key(Group::len);
        if groups[0].cursors.len() == 1
            && let Some(cursor) = groups.remove(0).cursors.pop()
        {
            return Ok(Lead::Cursor(Box::new(cursor)));
        }
        let lists = groups[0].cursors.iter().map(Cursor::list);
        Ok(Lead::Entries(MemoryList::of_any(lists, |_| true, self.meter)?.entries))
    }
}
