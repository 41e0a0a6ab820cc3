//! Which edges a walk follows, to which nodes, and how much it may do.
//!
//! **Invariant:** what an expired memory is joined to is as if it were gone: no walk goes to one.

use super::matching::MatchingEdges;
use super::read::Graph;
use crate::derived::{bitmap_of_nodes, column, field, of_memory};
use crate::error::Detail;
use crate::filter::Filter;
use crate::recall::{Deadline, FilterReport};
use crate::{Error, Result};
use memlith_graph::adjacency::{self, Direction, EdgeTest};
use memlith_graph::traverse::{CutShort, Work};
use roaring::RoaringBitmap;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Half edges that a walk looks at unless it is told otherwise.
const MAX_WORK: u64 = 100_000_000;

/// At which time edges must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum When {
    /// At the time of the call.
    #[default]
    Now,
    /// At this one, in milliseconds since 1970.
    At(i64),
    /// At any.
    Any,
}

/// Which edges a walk follows, to which nodes and memories, and how much it may do. By default all that
/// leave a node and hold now.
///
/// ```
/// use memlith::{Direction, Follow};
/// let colleagues = Follow::new().kinds(["works_with"]).direction(Direction::Both).min_weight(0.5);
/// # assert!(colleagues.filter.is_none());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Follow {
    /// Along edges, against them, or either.
    pub direction: Direction,
    /// Only edges of these kinds; all if there is none.
    pub kinds: Vec<String>,
    /// Only edges of at least this weight.
    pub min_weight: f32,
    /// Only to nodes and memories that match. Where a walk begins, and where it is told to go, need not.
    pub filter: Option<Filter>,
    /// Only edges that match, by their kind, their times (they expire when they no longer hold) and their
    /// properties (as metadata). Costs a read of each edge that is met and passes otherwise; where these are more
    /// than an eighth of all, one of every edge of the file, unless what matches is kept
    /// ([`Options::graph_cache_bytes`](crate::Options::graph_cache_bytes)).
    pub edge_filter: Option<Filter>,
    /// Only edges that hold then.
    pub when: When,
    /// Edges that it looks at, at most, once from each end.
    pub max_work: u64,
    /// It gives up after this time.
    pub deadline: Option<Duration>,
}

impl Default for Follow {
    fn default() -> Self {
        Follow {
            direction: Direction::Out,
            kinds: Vec::new(),
            min_weight: 0.0,
            filter: None,
            edge_filter: None,
            when: When::Now,
            max_work: MAX_WORK,
            deadline: None,
        }
    }
}

impl Follow {
    /// All edges that leave a node and hold now.
    pub fn new() -> Self {
        Follow::default()
    }

    /// Sets the direction.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Follows only edges of these kinds.
    #[must_use]
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.kinds.extend(kinds.into_iter().map(Into::into));
        self
    }

    /// Follows only edges of at least this weight.
    #[must_use]
    pub fn min_weight(mut self, weight: f32) -> Self {
        self.min_weight = weight;
        self
    }

    /// Goes only to nodes and memories that match.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Follows only edges that match.
    #[must_use]
    pub fn edge_filter(mut self, filter: Filter) -> Self {
        self.edge_filter = Some(filter);
        self
    }

    /// Follows only edges that hold then.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Looks at this many edges at most.
    #[must_use]
    pub fn max_work(mut self, edges: u64) -> Self {
        self.max_work = edges;
        self
    }

    /// Gives up after this time.
    #[must_use]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }
}

/// The same in the terms of an adjacency.
pub(super) struct Followed {
    direction: Direction,
    kinds: Option<Vec<u16>>,
    min_weight: f32,
    nodes: Option<RoaringBitmap>,
    edges: Option<MatchingEdges>,
    as_of: Option<i64>,
    max_work: u64,
    deadline: Deadline,
}

impl Followed {
    pub(super) fn filter(&self) -> adjacency::Filter<'_> {
        adjacency::Filter {
            direction: self.direction,
            types: self.kinds.as_deref(),
            min_weight: self.min_weight,
            nodes: self.nodes.as_ref(),
            edges: self.edges.as_ref().map(|edges| edges as &dyn EdgeTest),
            as_of: self.as_of,
        }
    }

    /// Runs a walk within its bounds.
    ///
    /// # Errors
    /// [`Cancelled`](crate::ErrorKind::Cancelled), since nobody wants a part of it then; and what the walk returns.
    pub(super) fn within<T, E>(&self, walk: impl FnOnce(&mut Work<'_>) -> Result<T, E>) -> Result<T>
    where
        Error: From<E>,
    {
        let mut keep_going = || !self.deadline.has_passed();
        let found = walk(&mut Work::new(self.max_work, &mut keep_going))?;
        self.deadline.refuse_cancelled()?;
        Ok(found)
    }
}

impl Graph {
    /// What `follow` means here.
    pub(super) fn follow(&self, follow: &Follow) -> Result<Followed> {
        if !(0.0..f32::INFINITY).contains(&follow.min_weight) {
            return Err(Error::invalid("least weight", "must be a finite number from 0 on"));
        }
        let deadline = self.deadline(follow.deadline);
        let catalog = &self.view.versions().catalog;
        let kinds = (!follow.kinds.is_empty())
            .then(|| follow.kinds.iter().filter_map(|kind| catalog.edge_kind(kind)).collect());
        let as_of = match follow.when {
            When::Now => Some(self.view.now_ms()),
            When::At(at) => Some(at),
            When::Any => None,
        };
        let mut nodes = match &follow.filter {
            Some(filter) => Some(self.select(filter, &deadline)?.0),
            None => None,
        };
        if let Some(expired) = self.expired_memories()? {
            let versions = self.view.versions();
            let bound = versions.knowledge.bound(&versions.attributes);
            *nodes.get_or_insert_with(|| (0..bound).collect()) -= expired;
        }
        let edges = match &follow.edge_filter {
            Some(filter) => Some(MatchingEdges::new(self, filter, &deadline)?),
            None => None,
        };
        Ok(Followed {
            direction: follow.direction,
            kinds,
            min_weight: follow.min_weight,
            nodes,
            edges,
            as_of,
            max_work: follow.max_work,
            deadline,
        })
    }

    /// Nodes and memories that match, as the adjacency numbers them, and how they were found.
    pub(super) fn select(
        &self,
        filter: &Filter,
        deadline: &Deadline,
    ) -> Result<(RoaringBitmap, FilterReport)> {
        filter.validate()?;
        let (nodes, of_nodes) = self.matching_nodes(filter, deadline)?;
        let (memories, of_memories) = self.matching_memories(filter, deadline)?;
        let report = FilterReport {
            matching: of_nodes.matching + of_memories.matching,
            scanned_rows: of_nodes.scanned_rows + of_memories.scanned_rows,
            scanned_filter: of_nodes.scanned_filter.or(of_memories.scanned_filter),
            micros: of_nodes.micros + of_memories.micros,
        };
        Ok((bitmap_of_nodes(&nodes) | memories, report))
    }

    /// Memories that have expired and are not deleted yet; mostly none.
    fn expired_memories(&self) -> Result<Option<RoaringBitmap>> {
        let attributes = &self.view.versions().attributes;
        if attributes.label_len(field::FLAG, field::EXPIRES)? == 0 {
            return Ok(None);
        }
        let past: RangeInclusive<i64> = i64::MIN..=self.view.now_ms();
        let expired = attributes.range(column::EXPIRES, past, &attributes.live())?;
        let bitmap: RoaringBitmap = expired.iter().filter_map(of_memory).collect();
        Ok((!bitmap.is_empty()).then_some(bitmap))
    }
}

/// An answer that may not be all there is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Walked<T> {
    /// What was found.
    pub found: Vec<T>,
    /// Why there may be more.
    pub cut: Option<CutShort>,
}

/// Refuses an answer that must be whole.
pub(super) fn refuse_cut(cut: Option<CutShort>, follow: &Follow) -> Result<()> {
    match cut {
        None | Some(CutShort::Results) => Ok(()),
        Some(CutShort::Work) => {
            let (found, limit) = (follow.max_work.saturating_add(1), follow.max_work);
            Err(Detail::Limit { what: "number of edges to look at", found, limit }.into())
        }
        Some(_) => Err(Detail::Deadline { doing: "walking the graph" }.into()),
    }
}
