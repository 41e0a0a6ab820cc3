//! Patterns: nodes and edges that look like a small graph.

use super::follow::{Follow, Followed, refuse_cut};
use super::read::Graph;
use super::walk::{Link, MAX_WALKED};
use super::{Entity, EntityRef};
use crate::error::{Detail, check_limit};
use crate::filter::Filter;
use crate::recall::{Deadline, FilterReport};
use crate::{Error, Result};
use memlith_graph::traverse::{self, CutShort, ExplainedStep, PatternError};
use roaring::RoaringBitmap;
use std::time::Duration;

/// What can stand for a node of a pattern.
#[derive(Clone, Debug, PartialEq)]
enum Candidates {
    Any,
    One(EntityRef),
    Matching(Filter),
}

/// A node of a [`GraphPattern`], by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PatternNode(usize);

/// A small graph to look for: [`Graph::find`] answers with the places that look like it.
///
/// ```
/// use memlith::{Follow, GraphPattern, NewEdge, NewNode};
/// # let db = memlith::Options::new().in_memory()?;
/// let graph = db.graph("default");
/// graph.upsert_nodes(["me", "you", "firm", "town"].map(NewNode::new).to_vec())?;
/// graph.upsert_edges(vec![
///     NewEdge::new("me", "works_at", "firm"),
///     NewEdge::new("you", "works_at", "firm"),
///     NewEdge::new("you", "lives_in", "town"),
/// ])?;
/// // Where do my colleagues live?
/// let mut pattern = GraphPattern::new();
/// let (me, firm) = (pattern.one("me"), pattern.any());
/// let (colleague, town) = (pattern.any(), pattern.any());
/// pattern.edge(me, firm, Follow::new().kinds(["works_at"]));
/// pattern.edge(colleague, firm, Follow::new().kinds(["works_at"]));
/// pattern.edge(colleague, town, Follow::new().kinds(["lives_in"]));
/// let graph = graph.read()?;
/// let found = graph.find(&pattern, 10)?;
/// assert_eq!(found.rows[0].entities[3], graph.node("town")?.unwrap().id.into());
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GraphPattern {
    nodes: Vec<Candidates>,
    edges: Vec<(usize, usize, Follow)>,
    max_work: u64,
    deadline: Option<Duration>,
}

impl Default for GraphPattern {
    fn default() -> Self {
        let Follow { max_work, deadline, .. } = Follow::default();
        GraphPattern { nodes: Vec::new(), edges: Vec::new(), max_work, deadline }
    }
}

impl GraphPattern {
    /// A pattern of nothing.
    pub fn new() -> Self {
        GraphPattern::default()
    }

    /// Adds a node for which anything can stand.
    pub fn any(&mut self) -> PatternNode {
        self.node(Candidates::Any)
    }

    /// Adds a node for which only this can stand.
    pub fn one(&mut self, entity: impl Into<EntityRef>) -> PatternNode {
        self.node(Candidates::One(entity.into()))
    }

    /// Adds a node for which nodes and memories can stand that match.
    pub fn matching(&mut self, filter: Filter) -> PatternNode {
        self.node(Candidates::Matching(filter))
    }

    fn node(&mut self, candidates: Candidates) -> PatternNode {
        self.nodes.push(candidates);
        PatternNode(self.nodes.len() - 1)
    }

    /// Adds an edge for which one can stand that `follow` follows from `from`. Its filter and its bounds
    /// do not count: those of nodes, and of the pattern, do.
    pub fn edge(&mut self, from: PatternNode, to: PatternNode, follow: Follow) {
        self.edges.push((from.0, to.0, Follow { filter: None, ..follow }));
    }

    /// Looks at this many edges at most.
    pub fn max_work(&mut self, edges: u64) {
        self.max_work = edges;
    }

    /// Gives up after this time.
    pub fn deadline(&mut self, limit: Duration) {
        self.deadline = Some(limit);
    }
}

/// A place that looks like a pattern.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PatternRow {
    /// By the nodes of the pattern.
    pub entities: Vec<Entity>,
    /// By its edges.
    pub links: Vec<Link>,
}

/// What looks like a pattern, and how it was found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PatternMatches {
    /// The places.
    pub rows: Vec<PatternRow>,
    /// In which order nodes were bound and edges followed, with what that took.
    pub steps: Vec<ExplainedStep>,
    /// By the nodes of the pattern: how what can stand for it was found, where a filter says that.
    pub filters: Vec<Option<FilterReport>>,
    /// Why there may be more.
    pub cut: Option<CutShort>,
}

impl Graph {
    /// Up to `limit` places that look like a pattern.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the pattern is empty, falls apart, or has a
    /// node of another; [`LimitExceeded`](crate::ErrorKind::LimitExceeded) if it has more than 16 nodes
    /// or edges; [`NotFound`](crate::ErrorKind::NotFound) if something that it names is not there.
    pub fn find(&self, pattern: &GraphPattern, limit: usize) -> Result<PatternMatches> {
        check_limit("limit of a walk", limit, MAX_WALKED)?;
        check_limit("nodes of a pattern", pattern.nodes.len(), traverse::MAX_PATTERN)?;
        check_limit("edges of a pattern", pattern.edges.len(), traverse::MAX_PATTERN)?;
        let GraphPattern { max_work, deadline, .. } = *pattern;
        let mut bounds = Follow::new().max_work(max_work);
        bounds.deadline = deadline;
        let run = self.follow(&bounds)?;
        let until = self.deadline(deadline);
        let candidates = pattern.nodes.iter().map(|node| self.candidates(node, &until));
        let (candidates, filters): (Vec<_>, Vec<_>) =
            candidates.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let followed = pattern.edges.iter().map(|(.., follow)| self.follow(follow));
        let followed: Vec<Followed> = followed.collect::<Result<_>>()?;

        let mut raw = traverse::Pattern::new();
        let nodes: Vec<_> = candidates.iter().map(|bitmap| raw.node(Some(bitmap))).collect();
        for ((from, to, _), followed) in pattern.edges.iter().zip(&followed) {
            let ends = nodes.get(*from).zip(nodes.get(*to));
            let (from, to) = ends.ok_or(PatternError::NoSuchNode)?;
            raw.edge(*from, *to, followed.filter());
        }
        let view = &self.view.adjacency()?;
        let matches = run.within(|work| raw.find(view, limit, work))?;
        let row = |row: &traverse::PatternMatch| {
            let entities =
                row.nodes.iter().map(|node| self.entity(*node)).collect::<Result<_>>()?;
            let links = row.edges.iter().map(|edge| self.link(edge)).collect::<Result<_>>()?;
            Ok(PatternRow { entities, links })
        };
        let rows = matches.rows.iter().map(row).collect::<Result<Vec<_>>>()?;
        if rows.is_empty() {
            refuse_cut(matches.cut, &bounds)?;
        }
        Ok(PatternMatches { rows, steps: matches.steps, filters, cut: matches.cut })
    }

    fn candidates(
        &self,
        node: &Candidates,
        deadline: &Deadline,
    ) -> Result<(RoaringBitmap, Option<FilterReport>)> {
        Ok(match node {
            Candidates::Any => (self.select(&Filter::All, deadline)?.0, None),
            Candidates::One(reference) => (self.place_of(reference)?.into_iter().collect(), None),
            Candidates::Matching(filter) => {
                let (found, report) = self.select(filter, deadline)?;
                (found, Some(report))
            }
        })
    }
}

impl From<PatternError> for Error {
    fn from(e: PatternError) -> Self {
        match e {
            PatternError::Image(e) => e.into(),
            PatternError::Empty => Error::invalid("pattern", "must have a node"),
            PatternError::Apart { .. } => {
                Error::invalid("pattern", "must hang together: each node reached over its edges")
            }
            PatternError::NoSuchNode => {
                Error::invalid("pattern", "must have the nodes that its edges join")
            }
            _ => Detail::Limit { what: "nodes or edges of a pattern", found: 17, limit: 16 }.into(),
        }
    }
}
