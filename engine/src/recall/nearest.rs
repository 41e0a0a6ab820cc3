//! Searching vectors alone: numbers and scores, without reading what they belong to.
//!
//! **Invariant:** as in a recall, all of it happens under one View and one scope, and every score is
//! exact.

use super::legs::{effort_of, narrowing, nearest};
use super::{Deadline, Scope};
use crate::error::check_limit;
use crate::filter::Filter;
use crate::graph_options::SearchEffort;
use crate::ids::MemoryId;
use crate::memory::{DEFAULT_SPACE, MAX_LIMIT, check_vector};
use crate::view::View;
use crate::{Error, Result};
use memlith_index::vectors::{Effort, Search, SearchLimits};
use std::time::Duration;

/// Vectors that one request may look for.
const MAX_VECTORS: usize = 10_000;
/// Vectors that a check of recall may search for.
const MAX_SAMPLES: usize = 10_000;

/// A request for the memories whose vectors are nearest to one vector, or to each of several.
///
/// ```
/// # let db = memlith::Options::new().in_memory()?;
/// # db.remember(memlith::NewMemory::new("tea").vector([1.0, 0.0]))?;
/// use memlith::{Nearest, SearchEffort};
/// let request = Nearest::to([0.9, 0.1]).limit(3).min_score(0.5).effort(SearchEffort::Exact);
/// let neighbours = db.read()?.nearest(&request)?;
/// assert!(neighbours[0][0].score > 0.9);
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Nearest {
    /// What to be near to; each vector is answered by itself.
    pub vectors: Vec<Vec<f32>>,
    /// The vector space; `default` unless given.
    pub space: Option<String>,
    /// Only memories of this namespace; all namespaces if `None`.
    pub namespace: Option<String>,
    /// Only memories that match.
    pub filter: Option<Filter>,
    /// At most so many for each vector; 10 unless given.
    pub limit: usize,
    /// Only those that score at least this: with a large limit, a search by range.
    pub min_score: Option<f32>,
    /// How hard to look; balanced unless given.
    pub effort: SearchEffort,
    /// Also memories that another one supersedes.
    pub include_superseded: bool,
    /// Give up after this long, with an error.
    pub deadline: Option<Duration>,
}

/// A memory whose vector is near.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Neighbour {
    /// The number of the memory.
    pub id: MemoryId,
    /// Its score under the metric of the space, higher is nearer.
    pub score: f32,
}

/// What a check of recall found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecallCheck {
    /// Vectors of the space that were searched for.
    pub samples: usize,
    /// Of their ten nearest, the share that a search of this effort finds.
    pub recall: f64,
}

impl Nearest {
    /// The nearest to one vector.
    pub fn to(vector: impl Into<Vec<f32>>) -> Self {
        Nearest::to_each(vec![vector.into()])
    }

    /// The nearest to each of several vectors: the scope is looked up once for all of them.
    pub fn to_each(vectors: Vec<Vec<f32>>) -> Self {
        Nearest {
            vectors,
            space: None,
            namespace: None,
            filter: None,
            limit: 10,
            min_score: None,
            effort: SearchEffort::default(),
            include_superseded: false,
            deadline: None,
        }
    }

    /// Looks in this vector space.
    #[must_use]
    pub fn space(mut self, space: impl Into<String>) -> Self {
        self.space = Some(space.into());
        self
    }

    /// Looks in this namespace only.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Looks among memories that match only.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Gives at most so many for each vector.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Gives only those that score at least this.
    #[must_use]
    pub fn min_score(mut self, min_score: f32) -> Self {
        self.min_score = Some(min_score);
        self
    }

    /// Sets how hard to look.
    #[must_use]
    pub fn effort(mut self, effort: SearchEffort) -> Self {
        self.effort = effort;
        self
    }

    /// Also finds memories that another one supersedes.
    #[must_use]
    pub fn include_superseded(mut self, include: bool) -> Self {
        self.include_superseded = include;
        self
    }

    /// Gives up after this long.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    fn check(&self) -> Result<()> {
        check_limit("limit of a search", self.limit, MAX_LIMIT)?;
        check_limit("number of vectors of a search", self.vectors.len(), MAX_VECTORS)?;
        self.effort.validate()?;
        if self.min_score.is_some_and(f32::is_nan) {
            return Err(Error::invalid("least score", "must be a number"));
        }
        Ok(())
    }
}

impl View {
    /// For each vector of the request the memories whose vectors are nearest to it, best first.
    /// Does not count as an access of them.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such space;
    /// [`DimensionMismatch`](crate::ErrorKind::DimensionMismatch) or
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a vector that it refuses;
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) if the time ran out.
    pub fn nearest(&self, request: &Nearest) -> Result<Vec<Vec<Neighbour>>> {
        request.check()?;
        let deadline = Deadline::after(request.deadline);
        let name = request.space.as_deref().unwrap_or(DEFAULT_SPACE);
        let (id, space) = self.versions().catalog.require_space(name)?;
        let missing = || Error::corruption("index", "an index for every space", name);
        let index = self.versions().vectors.get(id).ok_or_else(missing)?;
        let scope = Scope {
            namespace: request.namespace.as_deref(),
            filter: request.filter.as_ref(),
            include_superseded: request.include_superseded,
        };
        let (scope, _) = self.select(scope, &deadline)?;
        let (filter, effort) = (narrowing(self, &scope), effort_of(space, request.effort));
        let mut keep_going = || !deadline.has_passed();
        let mut answers = Vec::with_capacity(request.vectors.len());
        for query in &request.vectors {
            check_vector(space, query)?;
            let search = Search { query, k: request.limit, filter, effort };
            let limits = SearchLimits::keep_going(&mut keep_going);
            let found = nearest(self, *id, index, search, limits)?;
            let is_wanted = |score: f32| request.min_score.is_none_or(|least| score >= least);
            let near = found.hits.iter().take_while(|hit| is_wanted(hit.score));
            let neighbours =
                near.map(|hit| Ok(Neighbour { id: self.id_of(hit.ordinal)?, score: hit.score }));
            answers.push(neighbours.collect::<Result<_>>()?);
        }
        Ok(answers)
    }

    /// Searches a space for some of its own vectors, once with this effort and once exactly, and
    /// compares the ten nearest.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such space.
    pub fn check_recall(
        &self,
        space: &str,
        effort: SearchEffort,
        samples: usize,
    ) -> Result<RecallCheck> {
        const NEAREST: usize = 10;
        effort.validate()?;
        check_limit("number of samples", samples, MAX_SAMPLES)?;
        let (id, space) = self.versions().catalog.require_space(space)?;
        let missing = || Error::corruption("index", "an index for every space", &*space.name);
        let index = self.versions().vectors.get(id).ok_or_else(missing)?;
        let covered = index.coverage()?;
        let every = (covered.len() as usize / samples.max(1)).max(1);
        let (mut found, mut wanted, mut searched) = (0, 0, 0);
        for ordinal in covered.iter().step_by(every).take(samples) {
            let Some(query) = self.vector(self.id_of(ordinal)?, &space.name)? else { continue };
            let search = |effort: Effort| {
                let search = Search { query: &query, k: NEAREST, filter: None, effort };
                nearest(self, *id, index, search, SearchLimits::none())
            };
            let exact = search(Effort::Exact)?.hits;
            let hits = search(effort_of(space, effort))?.hits;
            found += hits.iter().filter(|hit| exact.contains(hit)).count();
            wanted += exact.len();
            searched += 1;
        }
        let recall = if wanted == 0 { 1.0 } else { found as f64 / wanted as f64 };
        Ok(RecallCheck { samples: searched, recall })
    }
}
