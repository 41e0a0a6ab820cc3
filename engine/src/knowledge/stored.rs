//! The adjacency of a graph that is too large for memory: read from rows, edge by edge.
//!
//! **Invariant:** what it says is what an adjacency in memory would say of the same View; it only costs a
//! look into the tables for each edge.

use super::link::{Side, read_link};
use super::row::access_edge;
use super::{Ends, Entity};
use crate::rows::Rows;
use crate::schema::Table;
use crate::view::View;
use crate::{Error, Result};
use memlith_graph::adjacency::{Edge, EdgeKey, EdgeStore, GraphView, Validity};
use memlith_graph::image::{Elsewhere, ImageError};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

impl View {
    /// Who is joined to whom: as it is held in memory, or else from rows.
    pub(crate) fn adjacency(&self) -> Result<GraphView> {
        let versions = self.versions();
        if let Some(adjacency) = &versions.knowledge.adjacency {
            return Ok(adjacency.clone());
        }
        let edges = self.rows()?.len(Table::Edges)?;
        let edges = u32::try_from(edges).unwrap_or(u32::MAX);
        let bound = versions.knowledge.bound(&versions.attributes);
        let nodes = versions.knowledge.nodes.live_len() as u32;
        Ok(GraphView::over(Arc::new(RowEdges(self.clone())), bound, nodes, edges))
    }
}

struct RowEdges(View);

impl RowEdges {
    fn entity(&self, ordinal: u32) -> Result<Entity> {
        let versions = self.0.versions();
        versions.knowledge.entity_of(&versions.attributes, ordinal)
    }

    fn is_there(&self, ordinal: u32) -> Result<bool> {
        let rows = self.0.rows()?;
        let (table, number) = match self.entity(ordinal)? {
            Entity::Node(id) => (Table::Nodes, id.0),
            Entity::Memory(id) => (Table::Memories, id.0),
        };
        Ok(rows.get(table, &number.to_be_bytes())?.is_some())
    }

    fn each_at(
        &self,
        node: u32,
        side: Side,
        kind: Option<u16>,
        found: &mut dyn FnMut(Edge) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        let mut prefix = self.entity(node)?.code().to_be_bytes().to_vec();
        prefix.push(side as u8);
        prefix.extend(kind.into_iter().flat_map(u16::to_be_bytes));
        let rows = self.0.rows()?;
        let mut flow = ControlFlow::Continue(());
        rows.scan(Table::Links, Bound::Included(&prefix), |key, _| {
            if !key.starts_with(&prefix) {
                return Ok(false);
            }
            let bad = || Error::corruption("link", "an edge at an end", "other bytes");
            let (_, _, id) = read_link(key).ok_or_else(bad)?;
            flow = found(self.edge_of(u32::try_from(id.0).map_err(|_| bad())?)?);
            Ok(flow.is_continue())
        })?;
        Ok(flow)
    }

    fn edge_of(&self, ordinal: u32) -> Result<Edge> {
        let missing = || Error::corruption("link", "an edge that is there", ordinal.to_string());
        let row = self.0.rows()?.get(Table::Edges, &u64::from(ordinal).to_be_bytes())?;
        let row = row.ok_or_else(missing)?;
        let row = access_edge(&row)?;
        let Ends { source, kind, target } = row.ends();
        let versions = self.0.versions();
        let place = |code| {
            let entity = Entity::of_code(code);
            versions.knowledge.ordinal_of(&versions.attributes, entity)?.ok_or_else(missing)
        };
        let key =
            EdgeKey { source: place(source)?, edge_type: kind, target: place(target)?, ordinal };
        let (from, until) = row.validity();
        let valid = Validity {
            from: from.unwrap_or(Validity::ALWAYS.from),
            until: until.unwrap_or(Validity::ALWAYS.until),
        };
        Ok(Edge { key, weight: row.weight.to_native(), valid })
    }
}

fn elsewhere(e: Error) -> ImageError {
    ImageError::Elsewhere(Elsewhere(Arc::new(e)))
}

impl EdgeStore for RowEdges {
    fn contains_node(&self, node: u32) -> Result<bool, ImageError> {
        self.is_there(node).map_err(elsewhere)
    }

    fn edges_at(
        &self,
        node: u32,
        enters: bool,
        types: Option<&[u16]>,
        found: &mut dyn FnMut(Edge) -> ControlFlow<()>,
    ) -> Result<(), ImageError> {
        let side = if enters { Side::In } else { Side::Out };
        let mut each = |kind| self.each_at(node, side, kind, found).map_err(elsewhere);
        let Some(types) = types else { return each(None).map(drop) };
        let mut types = types.to_vec();
        types.sort_unstable();
        types.dedup();
        for kind in types {
            if each(Some(kind))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn edge(&self, ordinal: u32) -> Result<Edge, ImageError> {
        self.edge_of(ordinal).map_err(elsewhere)
    }
}
