//! Which edges match a filter, found as walks meet them.
//!
//! **Invariant:** what is said of an edge is what [`Filter::matches`] says of its row. No row is read twice one by
//! one, and once a part of all edges has been read so, the whole table is read, which takes less for each.

use super::follow::{Follow, When};
use super::kept::What;
use super::read::Graph;
use super::row::access_edge;
use super::select::EdgeSubject;
use super::stored::elsewhere;
use crate::Result;
use crate::filter::Filter;
use crate::recall::Deadline;
use crate::rows::Rows;
use crate::schema::Table;
use crate::sync::Mutex;
use memlith_graph::adjacency::EdgeTest;
use memlith_graph::image::ImageError;
use roaring::RoaringBitmap;
use std::fmt;
use std::sync::Arc;

/// Edges that are read one by one at least …
const MIN_READ: u64 = 256;
/// … and this part of all there are, before the whole table is.
const READ_SHARE: u64 = 8;

/// See the module.
pub(super) struct MatchingEdges {
    graph: Graph,
    filter: Filter,
    deadline: Deadline,
    /// So many are read one by one at most.
    max_read: u64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    read: RoaringBitmap,
    /// Those that match among what was read.
    matching: RoaringBitmap,
    /// All that match, once the whole table has been read.
    all: Option<Arc<RoaringBitmap>>,
}

impl MatchingEdges {
    /// Of the edges of a graph, as its View has them.
    pub(super) fn new(graph: &Graph, filter: &Filter, deadline: &Deadline) -> Result<Self> {
        filter.validate()?;
        let edges = u64::from(graph.view.adjacency()?.edge_count());
        let matching = MatchingEdges {
            graph: graph.clone(),
            filter: filter.clone(),
            deadline: deadline.clone(),
            max_read: MIN_READ.max(edges / READ_SHARE),
            known: Mutex::default(),
        };
        matching.known.lock().all = graph.find_kept(&matching.alike(), || What::Edges)?;
        Ok(matching)
    }

    /// What all walks with this filter have alike.
    fn alike(&self) -> Follow {
        Follow::new().when(When::Any).edge_filter(self.filter.clone())
    }

    fn knows(&self, edge: u32) -> Result<bool> {
        let Known { read, matching, all } = &mut *self.known.lock();
        if let Some(all) = all {
            return Ok(all.contains(edge));
        }
        if read.contains(edge) {
            return Ok(matching.contains(edge));
        }
        if read.len() >= self.max_read {
            let make = || self.graph.matching_edges(&self.filter, &self.deadline).map(Arc::new);
            let fresh = self.graph.kept_or(&self.alike(), || What::Edges, make)?;
            return Ok(all.insert(fresh).contains(edge));
        }
        let is_match = self.is_match(edge)?;
        read.insert(edge);
        if is_match {
            matching.insert(edge);
        }
        Ok(is_match)
    }

    /// What the row of an edge says.
    fn is_match(&self, edge: u32) -> Result<bool> {
        let view = &self.graph.view;
        let row = view.rows()?.get(Table::Edges, &u64::from(edge).to_be_bytes())?;
        let Some(row) = row else { return Ok(false) };
        let row = access_edge(&row)?;
        let subject = EdgeSubject::new(row, &view.versions().catalog);
        Ok(self.filter.matches(&subject, view.now_ms()))
    }
}

impl EdgeTest for MatchingEdges {
    fn admits(&self, edge: u32) -> Result<bool, ImageError> {
        self.knows(edge).map_err(elsewhere)
    }
}

impl fmt::Debug for MatchingEdges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MatchingEdges").field("filter", &self.filter).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewEdge, NewNode, Options};
    use serde_json::json;

    #[test]
    fn edges_are_read_as_they_are_asked_for_and_all_once_they_are_many() -> Result<()> {
        let db = Options::new().threads(false).in_memory()?;
        db.graph("n").upsert_nodes(vec![NewNode::new("a")])?;
        let edges = db.write(|tx| {
            let mut graph = tx.graph("n");
            let new = |at: u64| NewEdge::new("a", "is", "a").properties(json!({ "third": at % 3 }));
            (0..2 * MIN_READ).map(|at| graph.add_edge(new(at))).collect::<Result<Vec<_>>>()
        })?;
        let (graph, filter) = (db.graph("n").read()?, "meta.third:1".parse()?);
        let matching = MatchingEdges::new(&graph, &filter, &Deadline::NONE)?;
        let read = || {
            let known = matching.known.lock();
            (known.read.len(), known.all.is_some())
        };
        for (at, edge) in (0..).zip(&edges) {
            for _ in 0..2 {
                assert_eq!(matching.knows(edge.0 as u32)?, at % 3 == 1, "{at}");
            }
            assert_eq!(read(), (MIN_READ.min(at + 1), at >= MIN_READ));
        }
        assert!(!matching.knows(u32::MAX)?, "there is none");
        Ok(())
    }
}
