//! Nodes by their embeddings.
//!
//! **Invariant:** what a transaction wrote is found by the next read, and every score is exact, as of memories.

use super::Node;
use super::read::Graph;
use super::walk::MAX_WALKED;
use crate::error::check_limit;
use crate::filter::Filter;
use crate::graph_options::SearchEffort;
use crate::ids::NodeId;
use crate::memory::DEFAULT_SPACE;
use crate::recall::{Target, VectorProbe, embedded};
use crate::{Error, Result};
use std::borrow::Cow;
use std::time::Duration;

/// Which nodes to look for: ten of any, by their nearness to something, unless it says more.
///
/// ```
/// # let db = memlith::Options::new().in_memory()?;
/// use memlith::{NearestNodes, NewNode};
/// let graph = db.graph("default");
/// graph.upsert_node(NewNode::new("ada").kind("person").vector([0.9, 0.1]))?;
/// graph.upsert_node(NewNode::new("london").kind("city").vector([0.8, 0.2]))?;
/// let people = NearestNodes::to([1.0, 0.0]).filter("kind:person".parse()?);
/// let found = graph.read()?.nearest(&people)?;
/// assert_eq!((found.len(), &*found[0].node.external_id), (1, "ada"));
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NearestNodes {
    /// What to be near to.
    pub to: NearTo,
    /// The vector space; `default` unless given.
    pub space: Option<String>,
    /// Only nodes that match.
    pub filter: Option<Filter>,
    /// Answers at most; 10 unless given.
    pub limit: usize,
    /// Only those that score at least this.
    pub min_score: Option<f32>,
    /// How hard to look; balanced unless given.
    pub effort: SearchEffort,
    /// Give up after this time, with an error.
    pub deadline: Option<Duration>,
}

/// What nodes are to be near to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NearTo {
    /// A vector of the space.
    Vector(Vec<f32>),
    /// What the embedder of the space makes of a text.
    Text(String),
}

impl NearestNodes {
    /// Ten nodes whose embeddings are the nearest to this vector.
    pub fn to(vector: impl Into<Vec<f32>>) -> Self {
        Self::to_what(NearTo::Vector(vector.into()))
    }

    /// Ten nodes whose embeddings are the nearest to that of a text, which the embedder of the space makes.
    pub fn to_text(text: impl Into<String>) -> Self {
        Self::to_what(NearTo::Text(text.into()))
    }

    fn to_what(to: NearTo) -> Self {
        NearestNodes {
            to,
            space: None,
            filter: None,
            limit: 10,
            min_score: None,
            effort: SearchEffort::default(),
            deadline: None,
        }
    }

    /// Looks in this vector space, instead of the default one.
    #[must_use]
    pub fn space(mut self, space: impl Into<String>) -> Self {
        self.space = Some(space.into());
        self
    }

    /// Finds only nodes that match.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Sets how many answers there are at most.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Finds only those that score at least this.
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

    /// Gives up after this time.
    #[must_use]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    fn check(&self) -> Result<()> {
        check_limit("limit of a search", self.limit, MAX_WALKED)?;
        self.effort.validate()?;
        if self.min_score.is_some_and(f32::is_nan) {
            return Err(Error::invalid("least score", "must be a number"));
        }
        if let Some(filter) = &self.filter {
            filter.validate()?;
        }
        Ok(())
    }
}

/// A node whose embedding is near.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NearNode {
    /// The node.
    pub node: Node,
    /// The score under the metric of the space; higher is nearer.
    pub score: f32,
}

impl Graph {
    /// The nodes of the namespace whose embeddings are the nearest, best first.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such space;
    /// [`DimensionMismatch`](crate::ErrorKind::DimensionMismatch) or
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a vector that it refuses, or for a text if the space
    /// has no embedder at hand; [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) if the time ran out.
    pub fn nearest(&self, request: &NearestNodes) -> Result<Vec<NearNode>> {
        request.check()?;
        let deadline = self.deadline(request.deadline);
        deadline.check("searching the graph")?;
        let view = &self.view;
        let _admitted = view.shared().searches.enter(&deadline)?;
        let name = request.space.as_deref().unwrap_or(DEFAULT_SPACE);
        let target = Target::require_of_nodes(view, name)?;
        let query = match &request.to {
            NearTo::Vector(vector) => Cow::Borrowed(vector.as_slice()),
            NearTo::Text(text) => {
                let made = embedded(view, name, text)?;
                Cow::Owned(made.map_err(|_| no_embedder())?)
            }
        };
        let scope = match &request.filter {
            Some(filter) => self.matching_nodes(filter, &deadline)?.0,
            None => self.all_nodes()?,
        };
        let probe = VectorProbe::new(name, target, query, request.effort)?;
        let nodes = &view.versions().knowledge.nodes;
        let narrowing = (scope.len() < nodes.live_len()).then_some(&scope);
        let near = deadline.explain(probe.best(view, request.limit, narrowing, &deadline))?;
        let mut found = Vec::with_capacity(near.hits.len());
        for hit in near.hits {
            if request.min_score.is_some_and(|least| hit.score < least) {
                continue;
            }
            let missing = || Error::corruption("vector index", "nodes that there are", "another");
            let id = nodes.id_of(hit.ordinal)?.ok_or_else(missing)?;
            let node = self.node(NodeId(id))?.ok_or_else(missing)?;
            found.push(NearNode { node, score: hit.score });
        }
        Ok(found)
    }
}

fn no_embedder() -> Error {
    Error::invalid("text to be near to", "needs an embedder of the space; give a vector instead")
}
