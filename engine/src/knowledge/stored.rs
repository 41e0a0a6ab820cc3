//! Who is joined to whom, from whatever has it: the adjacency that is held, or, of a graph that is too large for
//! memory, links and the rows of edges.
//!
//! **Invariant:** what rows say is what an adjacency in memory would say of the same View; it only costs a
//! look into the tables for each edge.

use super::link::{Side, parallel_prefix, read_link};
use super::row::access_edge;
use super::{Ends, Entity};
use crate::ids::EdgeId;
use crate::rows::{Pinned, Rows};
use crate::schema::Table;
use crate::view::View;
use crate::{Error, Result};
use memlith_graph::adjacency::{Edge, EdgeKey, EdgeStore, GraphView, Validity};
use memlith_graph::image::{Elsewhere, ImageError};
use std::collections::{BTreeMap, BTreeSet};
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

    /// The edges at an end, by their numbers.
    pub(super) fn edges_at(&self, end: Entity) -> Result<BTreeMap<EdgeId, Ends>> {
        let mut found = BTreeMap::new();
        let versions = self.versions();
        let Some(adjacency) = &versions.knowledge.adjacency else {
            each_link(&*self.rows()?, &end.code().to_be_bytes(), |id, ends| {
                found.insert(id, ends);
                Ok(ControlFlow::Continue(()))
            })?;
            return Ok(found);
        };
        let Some(place) = self.place_of(end)? else { return Ok(found) };
        let mut keys = Vec::new();
        adjacency.edges_at(place, |key| keys.push(key))?;
        for key in keys {
            let code = |ordinal| {
                let entity = versions.knowledge.entity_of(&versions.attributes, ordinal);
                entity.map(Entity::code)
            };
            let (source, target) = (code(key.source)?, code(key.target)?);
            let ends = Ends { source, kind: key.edge_type, target };
            found.insert(EdgeId(key.ordinal.into()), ends);
        }
        Ok(found)
    }

    /// The edges of a kind from one end to another, by their numbers.
    pub(super) fn edges_between(&self, ends: Ends) -> Result<BTreeSet<EdgeId>> {
        let mut found = BTreeSet::new();
        let Some(adjacency) = &self.versions().knowledge.adjacency else {
            each_link(&*self.rows()?, &parallel_prefix(ends), |id, _| {
                found.insert(id);
                Ok(ControlFlow::Continue(()))
            })?;
            return Ok(found);
        };
        let place = |code| self.place_of(Entity::of_code(code));
        if let (Some(source), Some(target)) = (place(ends.source)?, place(ends.target)?) {
            let ordinals = adjacency.edges_between(source, ends.kind, target)?;
            found.extend(ordinals.into_iter().map(|ordinal| EdgeId(ordinal.into())));
        }
        Ok(found)
    }

    fn place_of(&self, end: Entity) -> Result<Option<u32>> {
        let versions = self.versions();
        versions.knowledge.ordinal_of(&versions.attributes, end)
    }
}

/// The links that begin with `prefix`, in key order, until `each` breaks.
fn each_link(
    rows: &Pinned,
    prefix: &[u8],
    mut each: impl FnMut(EdgeId, Ends) -> Result<ControlFlow<()>>,
) -> Result<()> {
    rows.scan(Table::Links, Bound::Included(prefix), |key, _| {
        if !key.starts_with(prefix) {
            return Ok(false);
        }
        let bad = || Error::corruption("link", "an edge at an end", "other bytes");
        let (_, ends, id) = read_link(key).ok_or_else(bad)?;
        Ok(each(id, ends)?.is_continue())
    })
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
        each_link(&rows, &prefix, |id, _| {
            let bad = || Error::corruption("link", "an edge at an end", id.to_string());
            flow = found(self.edge_of(u32::try_from(id.0).map_err(|_| bad())?)?);
            Ok(flow)
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

/// An error of the engine, on its way through the graph.
pub(super) fn elsewhere(e: Error) -> ImageError {
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
