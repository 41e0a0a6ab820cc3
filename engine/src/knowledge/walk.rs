//! Walks over the graph of a View: who is next to whom, and how one gets there.
//!
//! **Invariant:** a walk reads the adjacency alone, and costs what it meets. Everything it answers is of
//! the namespace it began in.

use super::follow::{Follow, Followed, Walked, refuse_cut};
use super::kept::What;
use super::read::Graph;
use super::{Entity, EntityRef};
use crate::derived::of_node;
use crate::error::check_limit;
use crate::ids::EdgeId;
use crate::{Error, Result};
use memlith_graph::adjacency::Edge as RawEdge;
use memlith_graph::adjacency::Validity;
use memlith_graph::traverse::{self, Cost, FoundPath, Path as RawPath};
use std::sync::Arc;

/// The most nodes, edges or paths that one walk answers with.
pub const MAX_WALKED: usize = 1_000_000;
/// The most steps of a walk.
pub const MAX_DEPTH: u32 = 64;

/// An edge as a walk meets it: what the adjacency knows of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Link {
    /// Its number; [`Graph::edge`] has the rest.
    pub id: EdgeId,
    /// Where it begins.
    pub source: Entity,
    /// What sort of relation it is.
    pub kind: Arc<str>,
    /// Where it leads.
    pub target: Entity,
    /// Its weight.
    pub weight: f32,
    /// From when on it holds, in milliseconds since 1970; ever if `None`.
    pub from_ms: Option<i64>,
    /// From when on it no longer does; never if `None`.
    pub until_ms: Option<i64>,
}

/// What is next to something, and the edge between them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Adjacent {
    /// The node or memory at the other end.
    pub entity: Entity,
    /// The edge.
    pub link: Link,
}

/// What follows what, and the edges between.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GraphPath {
    /// From where it begins to where it ends; one more than edges.
    pub entities: Vec<Entity>,
    /// In the order in which they are walked, some perhaps against their direction.
    pub links: Vec<Link>,
}

/// A path, and what its edges cost together.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CheapestPath {
    /// The path.
    pub path: GraphPath,
    /// Sum of what its edges cost; each costs one if weights do not count.
    pub cost: f64,
}

/// What is related to something.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RelatedEntity {
    /// The node or memory.
    pub entity: Entity,
    /// That of its best path: the score of where that begins, times the decay for each step, times the
    /// weights of its edges if they count.
    pub score: f64,
    /// Steps of that path.
    pub hops: u32,
    /// That path, if it was asked for.
    pub path: Option<GraphPath>,
}

/// The part of a graph around something.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Subgraph {
    /// Nodes and memories, with the steps to each from the nearest start.
    pub entities: Vec<(Entity, u32)>,
    /// The edges among them that pass, whatever their direction.
    pub links: Vec<Link>,
    /// Why it may not be all.
    pub cut: Option<traverse::CutShort>,
}

/// What to look for around something.
///
/// ```
/// use memlith::{Follow, Related};
/// let near = Related::to(["ada"]).depth(3).limit(5).follow(Follow::new().kinds(["knows"]));
/// # assert_eq!(near.depth, 3);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Related {
    /// Where paths begin, and with which score.
    pub starts: Vec<(EntityRef, f64)>,
    /// Which edges they follow.
    pub follow: Follow,
    /// Steps of a path at most; 2 unless given.
    pub depth: u32,
    /// What a step leaves of a score, 0 to 1; 0.5 unless given.
    pub decay: f64,
    /// Do the weights of edges count? One above one counts as one.
    pub is_weighted: bool,
    /// Answers at most; 10 unless given.
    pub limit: usize,
    /// Is the path of each wanted?
    pub with_paths: bool,
}

impl Related {
    /// Ten within two steps of these, each of which halves the score.
    pub fn to(starts: impl IntoIterator<Item = impl Into<EntityRef>>) -> Self {
        Related {
            starts: starts.into_iter().map(|start| (start.into(), 1.0)).collect(),
            follow: Follow::new(),
            depth: 2,
            decay: 0.5,
            is_weighted: false,
            limit: 10,
            with_paths: false,
        }
    }

    /// Sets which edges are followed.
    #[must_use]
    pub fn follow(mut self, follow: Follow) -> Self {
        self.follow = follow;
        self
    }

    /// Sets the steps of a path at most.
    #[must_use]
    pub fn depth(mut self, depth: u32) -> Self {
        self.depth = depth;
        self
    }

    /// Sets what a step leaves of a score.
    #[must_use]
    pub fn decay(mut self, decay: f64) -> Self {
        self.decay = decay;
        self
    }

    /// Lets the weights of edges count.
    #[must_use]
    pub fn weighted(mut self) -> Self {
        self.is_weighted = true;
        self
    }

    /// Sets how many answers there are at most.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Asks for the path of each.
    #[must_use]
    pub fn with_paths(mut self) -> Self {
        self.with_paths = true;
        self
    }
}

impl Graph {
    /// Up to `limit` edges of a node or memory that pass, and what is at their other ends: first those
    /// that leave it, then those that enter it.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if it is not in this namespace; a memory that nothing is
    /// joined to has no edges.
    pub fn neighbours(
        &self,
        of: impl Into<EntityRef>,
        follow: &Follow,
        limit: usize,
    ) -> Result<Walked<Adjacent>> {
        check_limit("limit of a walk", limit, MAX_WALKED)?;
        let Some(node) = self.place_of(&of.into())? else {
            return Ok(Walked { found: Vec::new(), cut: None });
        };
        let followed = self.follow(follow)?;
        let view = &self.view.adjacency()?;
        let around = followed
            .within(|work| traverse::neighbours(view, node, &followed.filter(), limit, work))?;
        let adjacent = |next: &traverse::Neighbour| {
            Ok(Adjacent { entity: self.entity(next.node)?, link: self.link(&next.edge)? })
        };
        let found = around.found.iter().map(adjacent).collect::<Result<_>>()?;
        Ok(Walked { found, cut: around.cut })
    }

    /// What is related to some nodes or memories, the best first; none of those is among it.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if one of them is not in this namespace.
    pub fn related(&self, request: &Related) -> Result<Walked<RelatedEntity>> {
        check_limit("limit of a walk", request.limit, MAX_WALKED)?;
        check_depth(request.depth)?;
        if !(0.0..=1.0).contains(&request.decay) {
            return Err(Error::invalid("decay", "must be a number from 0 to 1"));
        }
        let mut starts = Vec::with_capacity(request.starts.len());
        for (start, score) in &request.starts {
            if !(0.0..f64::INFINITY).contains(score) {
                return Err(Error::invalid(
                    "score of a start",
                    "must be a finite number from 0 on",
                ));
            }
            starts.extend(self.place_of(start)?.map(|node| (node, *score)));
        }
        let followed = self.follow(&request.follow)?;
        let query = traverse::Related {
            starts: &starts,
            filter: followed.filter(),
            depth: request.depth,
            decay: request.decay,
            is_weighted: request.is_weighted,
            limit: request.limit,
            with_paths: request.with_paths,
        };
        let view = &self.view.adjacency()?;
        let answer = followed.within(|work| traverse::related(view, &query, work))?;
        let mut found = Vec::with_capacity(answer.found.len());
        for traverse::RelatedNode { node, score, hops, path } in answer.found {
            let path = path.map(|path| self.path(&path)).transpose()?;
            found.push(RelatedEntity { entity: self.entity(node)?, score, hops, path });
        }
        Ok(Walked { found, cut: answer.cut })
    }

    /// Of the nodes and memories within `depth` steps of some the nearest `limit`, by their numbers, and the
    /// edges among them.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if one of them is not in this namespace.
    pub fn subgraph(
        &self,
        starts: &[EntityRef],
        depth: u32,
        follow: &Follow,
        limit: usize,
    ) -> Result<Subgraph> {
        check_limit("limit of a walk", limit, MAX_WALKED)?;
        check_depth(depth)?;
        let what = || What::Subgraph { starts: starts.to_vec(), depth, limit };
        self.kept_or(follow, what, || self.walk_around(starts, depth, follow, limit))
    }

    fn walk_around(
        &self,
        starts: &[EntityRef],
        depth: u32,
        follow: &Follow,
        limit: usize,
    ) -> Result<Subgraph> {
        let places = starts.iter().map(|start| self.place_of(start));
        let places: Vec<u32> = places.filter_map(Result::transpose).collect::<Result<_>>()?;
        let followed = self.follow(follow)?;
        let view = &self.view.adjacency()?;
        let around = followed.within(|work| {
            traverse::subgraph(view, &places, depth, &followed.filter(), limit, work)
        })?;
        let entities = around.nodes.iter().map(|(node, hops)| Ok((self.entity(*node)?, *hops)));
        let entities = entities.collect::<Result<_>>()?;
        let links = around.edges.iter().map(|edge| self.link(edge)).collect::<Result<_>>()?;
        Ok(Subgraph { entities, links, cut: around.cut })
    }

    /// A path with the fewest edges that pass; `None` if there is none.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if one of its ends is not in this namespace;
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) or
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) if that could not be found out within
    /// the bounds of `follow`.
    pub fn shortest_path(
        &self,
        from: impl Into<EntityRef>,
        to: impl Into<EntityRef>,
        follow: &Follow,
    ) -> Result<Option<GraphPath>> {
        let view = &self.view.adjacency()?;
        let found = self.one_path(&from.into(), &to.into(), follow, |start, goal, followed| {
            followed
                .within(|work| traverse::shortest_path(view, start, goal, &followed.filter(), work))
        })?;
        Ok(found.map(|found| found.path))
    }

    /// A path whose edges pass and cost least together; `None` if there is none.
    ///
    /// # Errors
    /// As [`shortest_path`](Self::shortest_path).
    pub fn cheapest_path(
        &self,
        from: impl Into<EntityRef>,
        to: impl Into<EntityRef>,
        follow: &Follow,
        cost: Cost,
    ) -> Result<Option<CheapestPath>> {
        let view = &self.view.adjacency()?;
        self.one_path(&from.into(), &to.into(), follow, |start, goal, followed| {
            followed.within(|work| {
                traverse::cheapest_path(view, start, goal, &followed.filter(), cost, work)
            })
        })
    }

    fn one_path(
        &self,
        from: &EntityRef,
        to: &EntityRef,
        follow: &Follow,
        walk: impl FnOnce(u32, u32, &Followed) -> Result<FoundPath>,
    ) -> Result<Option<CheapestPath>> {
        let Some((start, goal)) = self.place_of(from)?.zip(self.place_of(to)?) else {
            return Ok(None);
        };
        let FoundPath { path, cost, cut } = walk(start, goal, &self.follow(follow)?)?;
        let Some(path) = path else { return refuse_cut(cut, follow).map(|()| None) };
        Ok(Some(CheapestPath { path: self.path(&path)?, cost }))
    }

    /// Up to `limit` paths of up to `max_length` edges (64 at most) that pass and visit nothing twice,
    /// the shortest first.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if one of the ends is not in this namespace.
    pub fn all_paths(
        &self,
        from: impl Into<EntityRef>,
        to: impl Into<EntityRef>,
        max_length: u32,
        follow: &Follow,
        limit: usize,
    ) -> Result<Walked<GraphPath>> {
        check_limit("limit of a walk", limit, MAX_WALKED)?;
        check_depth(max_length)?;
        let Some((start, goal)) = self.place_of(&from.into())?.zip(self.place_of(&to.into())?)
        else {
            return Ok(Walked { found: Vec::new(), cut: None });
        };
        let followed = self.follow(follow)?;
        let view = &self.view.adjacency()?;
        let paths = followed.within(|work| {
            traverse::all_paths(view, start, goal, max_length, &followed.filter(), limit, work)
        })?;
        let found = paths.found.iter().map(|path| self.path(path)).collect::<Result<_>>()?;
        Ok(Walked { found, cut: paths.cut })
    }

    /// Where what a reference means is in the adjacency; `None` if nothing was ever joined to it.
    ///
    /// # Errors
    /// `NotFound` if it is not in this namespace.
    pub(super) fn place_of(&self, reference: &EntityRef) -> Result<Option<u32>> {
        let versions = self.view.versions();
        // A View that has expired answers nothing.
        let _rows = self.view.rows()?;
        // A node by its number is in the index, which costs less than its row.
        if let EntityRef::Number(Entity::Node(id)) = reference
            && let Some(ordinal) = versions.knowledge.nodes.ordinal_of(id.0)?
            && self.own_nodes()?.contains(ordinal)
        {
            return Ok(Some(of_node(ordinal)));
        }
        let entity = self.require(reference)?;
        versions.knowledge.ordinal_of(&versions.attributes, entity)
    }

    pub(super) fn entity(&self, place: u32) -> Result<Entity> {
        let versions = self.view.versions();
        versions.knowledge.entity_of(&versions.attributes, place)
    }

    pub(super) fn link(&self, edge: &RawEdge) -> Result<Link> {
        let RawEdge { key, weight, valid } = *edge;
        let unknown = || {
            Error::corruption(
                "adjacency",
                "kinds of edges that there are",
                key.edge_type.to_string(),
            )
        };
        let kind = self.view.versions().catalog.edge_name(key.edge_type).ok_or_else(unknown)?;
        Ok(Link {
            id: EdgeId(key.ordinal.into()),
            source: self.entity(key.source)?,
            kind: Arc::clone(kind),
            target: self.entity(key.target)?,
            weight,
            from_ms: (valid.from != Validity::ALWAYS.from).then_some(valid.from),
            until_ms: (valid.until != Validity::ALWAYS.until).then_some(valid.until),
        })
    }

    pub(crate) fn path(&self, path: &RawPath) -> Result<GraphPath> {
        let entities = path.nodes.iter().map(|node| self.entity(*node)).collect::<Result<_>>()?;
        let links = path.edges.iter().map(|edge| self.link(edge)).collect::<Result<_>>()?;
        Ok(GraphPath { entities, links })
    }
}

fn check_depth(depth: u32) -> Result<()> {
    check_limit("steps of a walk", depth as usize, MAX_DEPTH as usize)
}
