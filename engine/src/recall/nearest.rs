//! Searching vectors alone: numbers and scores, without reading what they belong to.
//!
//! **Invariant:** as in a recall, all of it happens under one View and one scope, and every score is
//! exact.

use super::builders::{patience_builders, scope_builders, search_builders};
use super::fuse::{LegScores, best};
use super::legs::{Probe, Scored, Target, VectorProbe, check_distinct, effort_of};
use super::run::candidates_for;
use super::{Cancellation, Deadline, Fusion, Weights};
use crate::error::check_limit;
use crate::filter::Filter;
use crate::graph_options::SearchEffort;
use crate::ids::MemoryId;
use crate::memory::DEFAULT_SPACE;
use crate::view::View;
use crate::{Error, Result};
use memlith_index::vectors::{Effort, Search, SearchLimits};
use roaring::RoaringBitmap;
use std::borrow::Cow;
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
    /// Further vector spaces to look in at the same time, and as many vectors of each.
    pub also: Vec<(String, Vec<Vec<f32>>)>,
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
    /// Give up once this is cancelled, with an error.
    pub cancellation: Option<Cancellation>,
}

/// A memory whose vector is near.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Neighbour {
    /// The number of the memory.
    pub id: MemoryId,
    /// Higher is nearer: the score under the metric of the space, or, of a request that names
    /// several, from 0 to 1, as [`Nearest::also_in`] says.
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
            also: Vec::new(),
            namespace: None,
            filter: None,
            limit: 10,
            min_score: None,
            effort: SearchEffort::default(),
            include_superseded: false,
            deadline: None,
            cancellation: None,
        }
    }

    /// Looks in this vector space, instead of the default one.
    #[must_use]
    pub fn space(mut self, space: impl Into<String>) -> Self {
        self.space = Some(space.into());
        self
    }

    /// Also looks in another space, for what is near to this vector there: one for each of
    /// [`vectors`](Self::vectors), in turn.
    ///
    /// A memory that is found in several spaces is one neighbour. Scores of one space are put between
    /// 0 and 1, by their place between the least and the best among the candidates; that of a
    /// neighbour is their mean over the spaces, of which one that it has no vector in gives nothing.
    ///
    /// ```
    /// # let db = memlith::Options::new().in_memory()?;
    /// use memlith::{Metric, Nearest, NewMemory, Space};
    /// db.create_space(&Space::new("picture", 3).metric(Metric::L2))?;
    /// let cat = NewMemory::new("a cat").vector([1.0, 0.0]).vector_in("picture", [0.9, 0.1, 0.3]);
    /// let cat = db.remember(cat)?;
    /// db.remember(NewMemory::new("a kitten").vector([0.8, 0.6]))?;
    /// let like = Nearest::to([1.0, 0.1]).also_in("picture", [1.0, 0.0, 0.3]);
    /// let neighbours = &db.read()?.nearest(&like)?[0];
    /// assert_eq!((neighbours[0].id, neighbours[0].score), (cat, 1.0));
    /// # Ok::<(), memlith::Error>(())
    /// ```
    #[must_use]
    pub fn also_in(self, space: impl Into<String>, vector: impl Into<Vec<f32>>) -> Self {
        self.also_each_in(space, vec![vector.into()])
    }

    /// As [`also_in`](Self::also_in), for several vectors.
    #[must_use]
    pub fn also_each_in(mut self, space: impl Into<String>, vectors: Vec<Vec<f32>>) -> Self {
        self.also.push((space.into(), vectors));
        self
    }

    scope_builders!();
    patience_builders!();
    search_builders!();

    fn check(&self) -> Result<()> {
        self.check_search("limit of a search")?;
        check_limit("number of vectors of a search", self.vectors.len(), MAX_VECTORS)?;
        check_distinct(self.spaces().map(|(name, _)| name))?;
        if self.also.iter().any(|(_, vectors)| vectors.len() != self.vectors.len()) {
            return Err(Error::invalid("vectors", "must be as many in each space"));
        }
        Ok(())
    }

    fn spaces(&self) -> impl Iterator<Item = (&str, &[Vec<f32>])> {
        let first = (self.space.as_deref().unwrap_or(DEFAULT_SPACE), &self.vectors[..]);
        let also = self.also.iter().map(|(space, vectors)| (&**space, &vectors[..]));
        std::iter::once(first).chain(also)
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
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) if the time ran out, or
    /// [`Cancelled`](crate::ErrorKind::Cancelled).
    pub fn nearest(&self, request: &Nearest) -> Result<Vec<Vec<Neighbour>>> {
        request.check()?;
        let deadline = Deadline::after(request.deadline).or_at(request.cancellation.as_ref());
        deadline.explain(self.nearest_until(request, &deadline))
    }

    fn nearest_until(&self, request: &Nearest, deadline: &Deadline) -> Result<Vec<Vec<Neighbour>>> {
        let _admitted = self.shared().searches.enter(deadline)?;
        let spaces = request.spaces().map(|(name, vectors)| {
            Target::require(self, name).map(|target| (name, target, vectors))
        });
        let spaces = spaces.collect::<Result<Vec<_>>>()?;
        let (scope, _) = self.select(request.scope(), deadline)?;
        let answer = |at: usize| {
            let probes = spaces.iter().map(|(name, target, vectors)| {
                let query = Cow::Borrowed(vectors[at].as_slice());
                VectorProbe::new(name, *target, query, request.effort).map(Probe::Vector)
            });
            let probes = probes.collect::<Result<Vec<_>>>()?;
            let near = self.near(&probes, request, &scope, deadline)?;
            near.into_iter().map(|(o, score)| Ok(Neighbour { id: self.id_of(o)?, score })).collect()
        };
        (0..request.vectors.len()).map(answer).collect()
    }

    /// What is near to one vector in each of the spaces, best first.
    fn near(
        &self,
        probes: &[Probe<'_>],
        request: &Nearest,
        scope: &RoaringBitmap,
        deadline: &Deadline,
    ) -> Result<Vec<Scored>> {
        if let [only] = probes {
            let (mut best, _) = only.best(self, request.limit, scope, deadline)?;
            best.retain(|(_, score)| request.min_score.is_none_or(|least| *score >= least));
            return Ok(best);
        }
        let wanted = candidates_for(request.limit);
        let (legs, _) = self.run_legs(probes, &Weights::default(), wanted, scope, deadline)?;
        let candidates: RoaringBitmap = legs.iter().flat_map(LegScores::ordinals).collect();
        Ok(best(&legs, &candidates, Fusion::default(), request.min_score, request.limit))
    }

    /// Searches a space for some of the vectors that memories have there, once with this effort and once exactly,
    /// and compares the ten nearest.
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
        let target = Target::require(self, space)?;
        let (space, covered) = (target.space, target.index.coverage()?);
        let every = (covered.len() as usize / samples.max(1)).max(1);
        let (mut found, mut wanted, mut searched) = (0, 0, 0);
        for ordinal in covered.iter().step_by(every).take(samples) {
            let Some(query) = self.vector(self.id_of(ordinal)?, &space.name)? else { continue };
            let search = |effort: Effort| {
                let scan_below = space.graph.scan_below;
                let search = Search { query: &query, k: NEAREST, filter: None, effort, scan_below };
                target.nearest(self, search, SearchLimits::none())
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
