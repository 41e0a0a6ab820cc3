//! The graph as a whole: what analyses are made of, and where their results go.
//!
//! **Invariant:** a projection is of one instant, and so is everything computed from it; results are
//! written back as the properties of nodes, in a transaction like any other.

use super::follow::{Follow, refuse_cut};
use super::kept::What;
use super::read::Graph;
use super::write_nodes::GraphTx;
use super::{Entity, NodePatch};
use crate::derived::is_memory;
use crate::error::Detail;
use crate::filter::Filter;
use crate::ids::NodeId;
use crate::{Error, Result};
use memlith_graph::adjacency::{Direction, Filter as Passes};
use memlith_graph::analytics::{EdgeWeight, Orientation, Project, Projection, ProjectionError};
use memlith_graph::traverse::{Work, neighbours};
use roaring::RoaringBitmap;
use serde_json::{Map, Value};
use std::sync::Arc;

/// What is analysed: the nodes, memories and edges in question, flat in memory.
///
/// ```
/// use memlith::analytics::{EdgeWeight, Orientation, PageRank, Run, page_rank};
/// use memlith::{Follow, NewEdge, NewNode};
/// # let db = memlith::Options::new().in_memory()?;
/// let graph = db.graph("default");
/// graph.upsert_nodes(["a", "b", "c"].map(NewNode::new).to_vec())?;
/// graph.upsert_edges(vec![NewEdge::new("a", "cites", "c"), NewEdge::new("b", "cites", "c")])?;
/// let all = graph.read()?.project(&Follow::new(), Orientation::Directed, EdgeWeight::One)?;
/// let mut progress = |_| true;
/// let ranks = page_rank(all.projection(), &PageRank::default(), &mut Run::new(1, &mut progress));
/// let ranks = ranks.expect("nobody stops it").ranks;
/// assert!(ranks[2] > ranks[0]);
/// // For filters and for people to see:
/// let results = all.of_nodes(ranks).map(|(node, rank)| (node, serde_json::json!(rank)));
/// db.write(|tx| tx.graph("default").write_property("rank", results))?;
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Projected {
    projection: Arc<Projection>,
    entities: Arc<[Entity]>,
}

impl Projected {
    /// What the functions of [`analytics`](crate::analytics) work on.
    pub fn projection(&self) -> &Projection {
        &self.projection
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.projection.heap_bytes() + size_of_val(&self.entities[..])
    }

    /// Whom the places of the projection are.
    pub fn entities(&self) -> &[Entity] {
        &self.entities
    }

    /// What an analysis found for each node, by the results in the order of the places; those of
    /// memories are left out.
    pub fn of_nodes<'a, T>(
        &'a self,
        results: impl IntoIterator<Item = T> + 'a,
    ) -> impl Iterator<Item = (NodeId, T)> + 'a {
        self.entities.iter().zip(results).filter_map(|(entity, result)| match entity {
            Entity::Node(id) => Some((*id, result)),
            Entity::Memory(_) => None,
        })
    }
}

impl Graph {
    /// The nodes of the namespace and the memories that they, or each other, are joined to, with the
    /// edges among them that pass. Nodes and memories that the filter leaves out are not there.
    ///
    /// # Errors
    /// [`LimitExceeded`](crate::ErrorKind::LimitExceeded) or
    /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded) if it does not keep to the bounds of
    /// `follow`.
    pub fn project(
        &self,
        follow: &Follow,
        orientation: Orientation,
        weight: EdgeWeight,
    ) -> Result<Projected> {
        let what = || What::Projection { orientation, weight };
        self.kept_or(follow, what, || self.project_now(follow, orientation, weight))
    }

    fn project_now(
        &self,
        follow: &Follow,
        orientation: Orientation,
        weight: EdgeWeight,
    ) -> Result<Projected> {
        let followed = self.follow(follow)?;
        let all = follow.filter.as_ref().unwrap_or(&Filter::All);
        let mut within = self.select(all, &self.deadline(follow.deadline))?.0;
        if let Some(nodes) = followed.filter().nodes {
            within &= nodes;
        }
        within -= self.unjoined(&within)?;
        let project = Project {
            filter: Passes { nodes: Some(&within), ..followed.filter() },
            orientation,
            weight,
            max_bytes: None,
        };
        let view = &self.view.adjacency()?;
        let projected =
            followed.within(|work| Ok::<_, Error>(Projection::new(view, &project, work)))?;
        let projection = match projected {
            Ok(projection) => projection,
            Err(ProjectionError::Image(e)) => return Err(e.into()),
            Err(ProjectionError::Cut(cut)) => {
                refuse_cut(Some(cut), follow)?;
                return Err(Detail::Deadline { doing: "projecting the graph" }.into());
            }
            Err(other) => {
                return Err(Error::corruption("graph", "one that fits", other.to_string()));
            }
        };
        let entities = projection.nodes().iter().map(|node| self.entity(*node));
        let entities = entities.collect::<Result<_>>()?;
        Ok(Projected { projection: Arc::new(projection), entities })
    }
}

impl Graph {
    /// Memories among these that were joined to something once and no longer are: whether the adjacency
    /// still has them depends on when it was written.
    fn unjoined(&self, within: &RoaringBitmap) -> Result<RoaringBitmap> {
        let view = &self.view.adjacency()?;
        let (both, mut unjoined) =
            (Passes { direction: Direction::Both, ..Passes::default() }, RoaringBitmap::new());
        let mut always = || true;
        for place in within.iter().filter(|place| is_memory(*place)) {
            let work = &mut Work::new(u64::MAX, &mut always);
            if view.contains_node(place)?
                && neighbours(view, place, &both, 1, work)?.found.is_empty()
            {
                unjoined.insert(place);
            }
        }
        Ok(unjoined)
    }
}

impl GraphTx<'_, '_> {
    /// Sets a property of many nodes, such as what an analysis made of them; null takes it away. Those
    /// that are not there any more are passed over. Returns how many were.
    ///
    /// # Errors
    /// As [`upsert_node`](Self::upsert_node).
    pub fn write_property(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = (NodeId, Value)>,
    ) -> Result<u64> {
        let mut written = 0;
        for (node, value) in values {
            let patch = Value::Object(Map::from_iter([(name.to_owned(), value)]));
            written += u64::from(self.update_node(node, &NodePatch::new().properties(patch))?);
        }
        Ok(written)
    }
}
