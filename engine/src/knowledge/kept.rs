//! Subgraphs, projections, analyses and edges that match a filter, kept so that a request which comes again
//! is not carried out again.
//!
//! **Invariant:** what is kept is what the request would get: of the same request, of a state with the same graph
//! (and the same memories, where these matter), and of a time at which no edge has begun or ended and no memory has
//! expired since. What was cut short, and what is filtered by the moment or by how often memories were read,
//! is not kept. All of it takes no more than it may, in bytes.

use super::analyse::Projected;
use super::read::Graph;
use super::{Entity, EntityRef, Follow, Subgraph, When};
use crate::derived::{Versions, field};
use crate::ids::Seq;
use crate::recall::{AnswerStats, is_lasting_filter};
use crate::recently::RecentlyUsed;
use crate::sync::Mutex;
use crate::{Error, Result};
use memlith_graph::analytics::{EdgeWeight, Orientation};
use roaring::RoaringBitmap;
use serde_json::Value as Json;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// What an answer takes beside what it holds, at least, in bytes; so it bounds their number too.
const BASE_BYTES: usize = 512;

/// What is asked for, with all that its answer follows from but the state.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    namespace: String,
    follow: Follow,
    what: What,
}

/// See [`Request`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// [`Graph::subgraph`].
    Subgraph { starts: Vec<EntityRef>, depth: u32, limit: usize },
    /// [`Graph::project`].
    Projection { orientation: Orientation, weight: EdgeWeight },
    /// [`Graph::analysed`].
    Analysis { orientation: Orientation, weight: EdgeWeight, name: String },
    /// The edges of the file that match a filter.
    Edges,
}

/// The answer to a [`Request`].
#[derive(Clone)]
pub(super) enum Answer {
    Subgraph(Subgraph),
    Projection(Projected),
    Analysis(Arc<Json>),
    Edges(Arc<RoaringBitmap>),
}

/// What can be kept.
pub(super) trait Keep: Clone {
    fn into_answer(self) -> Answer;

    /// `None` if it is the answer to something else.
    fn of_answer(answer: Answer) -> Option<Self>;
}

macro_rules! keep {
    ($($answer:ty => $kind:ident),*) => {$(
        impl Keep for $answer {
            fn into_answer(self) -> Answer {
                Answer::$kind(self)
            }

            fn of_answer(answer: Answer) -> Option<Self> {
                if let Answer::$kind(answer) = answer { Some(answer) } else { None }
            }
        }
    )*};
}

keep!(
    Subgraph => Subgraph,
    Projected => Projection,
    Arc<Json> => Analysis,
    Arc<RoaringBitmap> => Edges
);

/// What an answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Basis {
    /// The last commit that changed nodes or edges.
    graph: Seq,
    /// The last commit that changed memories, where more of them matters than their edges.
    memories: Option<Seq>,
}

struct Kept {
    request: Request,
    basis: Basis,
    /// When it was made.
    from_ms: i64,
    /// When it may be another.
    until_ms: i64,
    answer: Answer,
}

/// What is kept of the graphs of a handle, by the hashes of requests.
pub(crate) struct GraphAnswers(Mutex<RecentlyUsed<u64, Kept>>);

impl GraphAnswers {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        GraphAnswers(Mutex::new(RecentlyUsed::new(limit_bytes as u64)))
    }

    pub(crate) fn stats(&self) -> AnswerStats {
        AnswerStats::of(&self.0.lock())
    }

    fn find(&self, request: &Request, basis: Basis, now_ms: i64) -> Option<Answer> {
        let mut kept = self.0.lock();
        let found = kept.find(&request.key(), |kept| {
            kept.basis == basis
                && (kept.from_ms..kept.until_ms).contains(&now_ms)
                && kept.request == *request
        });
        found.map(|found| found.answer.clone())
    }
}

impl Request {
    fn key(&self) -> u64 {
        xxh3_64(format!("{self:?}").as_bytes())
    }

    fn heap_bytes(&self) -> usize {
        // About: a filter takes a few times what it takes to say it.
        format!("{self:?}").len() * 4
    }

    /// Do memories matter beyond the edges that join them?
    fn is_of_memories(&self) -> bool {
        let is_memory = |start: &EntityRef| matches!(start, EntityRef::Number(Entity::Memory(_)));
        self.follow.filter.is_some()
            || matches!(&self.what, What::Subgraph { starts, .. } if starts.iter().any(is_memory))
    }
}

impl Answer {
    fn is_whole(&self) -> bool {
        !matches!(self, Answer::Subgraph(Subgraph { cut: Some(_), .. }))
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Answer::Subgraph(Subgraph { entities, links, .. }) => {
                size_of_val(&entities[..]) + size_of_val(&links[..])
            }
            Answer::Projection(projected) => projected.heap_bytes(),
            Answer::Analysis(results) => json_bytes(results),
            Answer::Edges(edges) => edges.serialized_size(),
        }
    }
}

fn json_bytes(value: &Json) -> usize {
    let of_parts = match value {
        Json::Array(values) => values.iter().map(json_bytes).sum(),
        Json::Object(map) => map.iter().map(|(key, value)| key.len() + json_bytes(value)).sum(),
        Json::String(text) => text.len(),
        _ => 0,
    };
    size_of::<Json>() + of_parts
}

impl Graph {
    /// What `analyse` makes of a [projection](Self::project), or what it made of the same one before, if that was
    /// kept ([`Options::graph_cache_bytes`](crate::Options::graph_cache_bytes)). `name` says what it does, with all
    /// that its results follow from but the projection.
    ///
    /// ```
    /// use memlith::analytics::{EdgeWeight, Orientation, Run, weak_components};
    /// use memlith::{Error, Follow, NewEdge, NewNode, Options, Projected};
    /// use std::{cell::Cell, collections::HashSet};
    /// let db = Options::new().graph_cache_bytes(1 << 20).in_memory()?;
    /// let graph = db.graph("default");
    /// graph.upsert_nodes(["a", "b", "c"].map(NewNode::new).to_vec())?;
    /// let times = Cell::new(0);
    /// let parts = || {
    ///     let count = |all: &Projected| {
    ///         times.set(times.get() + 1);
    ///         let mut progress = |_| true;
    ///         let parts = weak_components(all.projection(), &mut Run::new(1, &mut progress));
    ///         let parts: HashSet<u32> = parts.expect("nobody stops it").into_iter().collect();
    ///         Ok::<_, Error>(parts.len().into())
    ///     };
    ///     let (follow, one) = (Follow::new(), EdgeWeight::One);
    ///     graph.read()?.analysed(&follow, Orientation::Undirected, one, "parts", count)
    /// };
    /// assert_eq!((*parts()?).clone(), 3);
    /// assert_eq!((*parts()?).clone(), 3);
    /// assert_eq!(times.get(), 1, "the second time it was kept");
    /// graph.upsert_edges(vec![NewEdge::new("a", "knows", "b")])?;
    /// assert_eq!((*parts()?).clone(), 2);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`project`](Self::project), and what `analyse` returns.
    pub fn analysed<E: From<Error>>(
        &self,
        follow: &Follow,
        orientation: Orientation,
        weight: EdgeWeight,
        name: impl Into<String>,
        analyse: impl FnOnce(&Projected) -> Result<Json, E>,
    ) -> Result<Arc<Json>, E> {
        let what = || What::Analysis { orientation, weight, name: name.into() };
        let make = || analyse(&self.project(follow, orientation, weight)?).map(Arc::new);
        self.kept_or(follow, what, make)
    }

    /// An answer that was kept, or else the one that `make` makes, which may be kept.
    pub(super) fn kept_or<T: Keep, E: From<Error>>(
        &self,
        follow: &Follow,
        what: impl FnOnce() -> What,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let Some((request, basis)) = self.lasting(follow, what)? else { return make() };
        let now_ms = self.view.now_ms();
        let answers = &self.view.shared().graph_answers;
        if let Some(found) = answers.find(&request, basis, now_ms).and_then(T::of_answer) {
            return Ok(found);
        }
        let fresh = make()?;
        let answer = fresh.clone().into_answer();
        if answer.is_whole() {
            let until_ms = self.holds_until(request.follow.when, now_ms)?;
            let bytes = BASE_BYTES + request.heap_bytes() + answer.heap_bytes();
            let key = request.key();
            let kept = Kept { request, basis, from_ms: now_ms, until_ms, answer };
            answers.0.lock().put(key, kept, bytes);
        }
        Ok(fresh)
    }

    /// An answer that was kept.
    pub(super) fn find_kept<T: Keep>(
        &self,
        follow: &Follow,
        what: impl FnOnce() -> What,
    ) -> Result<Option<T>> {
        let Some((request, basis)) = self.lasting(follow, what)? else { return Ok(None) };
        let found = self.view.shared().graph_answers.find(&request, basis, self.view.now_ms());
        Ok(found.and_then(T::of_answer))
    }

    /// A request, and what its answer depends on; `None` if none of its answers is kept.
    fn lasting(
        &self,
        follow: &Follow,
        what: impl FnOnce() -> What,
    ) -> Result<Option<(Request, Basis)>> {
        let answers = &self.view.shared().graph_answers;
        let mut filters = follow.filter.iter().chain(&follow.edge_filter);
        if answers.0.lock().limit_bytes() == 0 || !filters.all(is_lasting_filter) {
            return Ok(None);
        }
        // A View that has expired answers nothing.
        drop(self.view.rows()?);
        let follow = Follow { deadline: None, ..follow.clone() };
        let request = Request { namespace: self.namespace.clone(), follow, what: what() };
        let basis = self.basis(&request)?;
        Ok(Some((request, basis)))
    }

    fn basis(&self, request: &Request) -> Result<Basis> {
        let Versions { graph, memories, .. } = self.view.versions();
        let matter = request.is_of_memories() || self.can_expire()?;
        Ok(Basis { graph: *graph, memories: matter.then_some(*memories) })
    }

    /// Is there a memory that will expire?
    fn can_expire(&self) -> Result<bool> {
        let attributes = &self.view.versions().attributes;
        Ok(attributes.label_len(field::FLAG, field::EXPIRES)? > 0)
    }

    /// Until when what was found at `now_ms` is the same if nothing is written.
    fn holds_until(&self, when: When, now_ms: i64) -> Result<i64> {
        let expiry = if self.can_expire()? { self.view.first_expiry(now_ms)? } else { i64::MAX };
        let change = match when {
            When::Now => self.view.adjacency()?.next_change(now_ms)?,
            When::At(_) | When::Any => None,
        };
        Ok(expiry.min(change.unwrap_or(i64::MAX)))
    }
}
