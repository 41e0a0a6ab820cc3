//! Which nodes a filter is about.
//!
//! **Invariant:** the answer is what [`Filter::matches`] says of each row; the attributes only make it
//! fast.

use super::read::Graph;
use super::row::{ArchivedEdgeRow, ArchivedNodeRow, access_edge, access_node};
use crate::Result;
use crate::catalog::Catalog;
use crate::derived::{Versions, field, node_column, of_memory};
use crate::filter::{Attribute, Filter, Number, Path, Predicate, Subject};
use crate::memory::metadata_value;
use crate::owner::space_names;
use crate::recall::{Bounds, Deadline, FilterReport, Indexed, Scope, bounds};
use crate::rows::Rows;
use crate::schema::{Table, read_u64};
use roaring::RoaringBitmap;
use serde_json::Value as Json;
use std::cell::OnceCell;
use std::ops::Bound;
use std::time::Instant;

/// Rows that are read between two looks at the deadline.
const POLL: usize = 256;

/// A node as the filter language looks at it: its properties are the metadata.
pub(crate) struct NodeSubject<'a> {
    row: &'a ArchivedNodeRow,
    catalog: &'a Catalog,
    properties: OnceCell<Option<Json>>,
}

impl<'a> NodeSubject<'a> {
    pub(crate) fn new(row: &'a ArchivedNodeRow, catalog: &'a Catalog) -> Self {
        NodeSubject { row, catalog, properties: OnceCell::new() }
    }
}

impl Subject for NodeSubject<'_> {
    fn any_label(&self, attribute: Attribute, test: &mut dyn FnMut(&str) -> bool) -> bool {
        let row = self.row;
        match attribute {
            Attribute::Tag => row.tags.iter().any(|tag| test(tag.as_str())),
            Attribute::Kind => row.kind.as_ref().is_some_and(|kind| test(kind.as_str())),
            Attribute::Id => test(row.external_id.as_str()),
            Attribute::Namespace => test(row.namespace.as_str()),
            Attribute::Space => {
                let named = row.vectors.iter().map(|v| v.space.to_native());
                space_names(self.catalog, named).any(test)
            }
            _ => false,
        }
    }

    fn number(&self, attribute: Attribute) -> Option<Number> {
        (attribute == Attribute::Importance)
            .then(|| f64::from(self.row.importance.to_native()).into())
    }

    fn time_ms(&self, attribute: Attribute) -> Option<i64> {
        match attribute {
            Attribute::Created => Some(self.row.created_ms.to_native()),
            Attribute::Updated => Some(self.row.updated_ms.to_native()),
            _ => None,
        }
    }

    fn flag(&self, _: Attribute) -> Option<bool> {
        None
    }

    fn metadata(&self) -> Option<&Json> {
        self.properties.get_or_init(|| metadata_value(&self.row.properties).ok()).as_ref()
    }
}

/// An edge likewise: its kind, its times and its properties.
pub(crate) struct EdgeSubject<'a> {
    row: &'a ArchivedEdgeRow,
    kind: &'a str,
    properties: OnceCell<Option<Json>>,
}

impl<'a> EdgeSubject<'a> {
    pub(crate) fn new(row: &'a ArchivedEdgeRow, catalog: &'a Catalog) -> Self {
        let kind = catalog.edge_name(row.kind.to_native()).map_or("", AsRef::as_ref);
        EdgeSubject { row, kind, properties: OnceCell::new() }
    }
}

impl Subject for EdgeSubject<'_> {
    fn any_label(&self, attribute: Attribute, test: &mut dyn FnMut(&str) -> bool) -> bool {
        attribute == Attribute::Kind && test(self.kind)
    }

    fn number(&self, _: Attribute) -> Option<Number> {
        None
    }

    fn time_ms(&self, attribute: Attribute) -> Option<i64> {
        match attribute {
            Attribute::Created => Some(self.row.created_ms.to_native()),
            Attribute::Updated => Some(self.row.updated_ms.to_native()),
            Attribute::Expires => self.row.validity().1,
            _ => None,
        }
    }

    fn flag(&self, _: Attribute) -> Option<bool> {
        None
    }

    fn metadata(&self) -> Option<&Json> {
        self.properties.get_or_init(|| metadata_value(&self.row.properties).ok()).as_ref()
    }
}

impl Graph {
    /// Ordinals of the nodes of this namespace.
    pub(super) fn all_nodes(&self) -> Result<RoaringBitmap> {
        let nodes = &self.view.versions().knowledge.nodes;
        Ok(nodes.label(field::NAMESPACE, self.namespace.as_bytes())?)
    }

    /// The same, read once for all walks.
    pub(super) fn own_nodes(&self) -> Result<&RoaringBitmap> {
        if let Some(nodes) = self.nodes.get() {
            return Ok(nodes);
        }
        let nodes = self.all_nodes()?;
        Ok(self.nodes.get_or_init(|| nodes))
    }

    /// Ordinals of those among them that match, and how they were found.
    pub(super) fn matching_nodes(
        &self,
        filter: &Filter,
        deadline: &Deadline,
    ) -> Result<(RoaringBitmap, FilterReport)> {
        let began = Instant::now();
        let base = self.all_nodes()?;
        let now_ms = self.view.now_ms();
        let mut tests = Vec::new();
        let test = |predicate: &Predicate| self.indexed(predicate, &base, now_ms, deadline);
        let Bounds { lower, upper } = bounds(filter, &base, &test, &mut tests)?;
        let undecided = upper - &lower;
        let mut matching = lower;
        let (rows, catalog) = (self.view.rows()?, &self.view.versions().catalog);
        for (read, ordinal) in undecided.iter().enumerate() {
            if read % POLL == 0 {
                deadline.check("choosing nodes")?;
            }
            let Some(id) = self.view.versions().knowledge.nodes.id_of(ordinal)? else { continue };
            let Some(row) = rows.get(Table::Nodes, &id.to_be_bytes())? else { continue };
            if filter.matches(&NodeSubject::new(access_node(&row)?, catalog), now_ms) {
                matching.insert(ordinal);
            }
        }
        let mut report = FilterReport { matching: matching.len(), ..FilterReport::default() };
        if !undecided.is_empty() {
            report.scanned_rows = undecided.len();
            report.scanned_filter = Some(Filter::And(tests).simplify().to_string());
        }
        report.micros = began.elapsed().as_micros() as u64;
        Ok((matching, report))
    }

    /// What the indexes say of one test; `None` if there is no index for it.
    fn indexed(
        &self,
        predicate: &Predicate,
        base: &RoaringBitmap,
        now_ms: i64,
        deadline: &Deadline,
    ) -> Result<Option<Bounds>> {
        let Versions { knowledge, catalog, .. } = self.view.versions();
        let indexed = Indexed { attributes: &knowledge.nodes, catalog, base, now_ms, deadline };
        let op = &predicate.op;
        match &predicate.path {
            Path::Meta(keys) => indexed.metadata(keys, op),
            Path::Attribute(attribute) => match attribute {
                Attribute::Kind => indexed.labels(field::KIND, op),
                Attribute::Tag => indexed.labels(field::TAG, op),
                Attribute::Namespace => indexed.labels(field::NAMESPACE, op),
                Attribute::Space => indexed.spaces(op),
                Attribute::Importance => indexed.reals(node_column::IMPORTANCE, op),
                Attribute::Created => indexed.times(node_column::CREATED, op),
                Attribute::Updated => indexed.times(node_column::UPDATED, op),
                Attribute::Id => Ok(None),
                // No node has any of the others, and then every test is false.
                _ => Ok(Some(Bounds::nothing())),
            },
        }
    }

    /// Memories of this namespace that match, as the adjacency numbers them, and how they were found.
    pub(super) fn matching_memories(
        &self,
        filter: &Filter,
        deadline: &Deadline,
    ) -> Result<(RoaringBitmap, FilterReport)> {
        let namespace = Some(self.namespace.as_str());
        let filter = Some(filter);
        let scope = Scope { namespace, filter, include_superseded: true, ..Scope::default() };
        let (memories, report) = self.view.select(scope, deadline)?;
        Ok((memories.iter().filter_map(of_memory).collect(), report))
    }

    /// Edges of the file that match, as the adjacency numbers them.
    pub(super) fn matching_edges(
        &self,
        filter: &Filter,
        deadline: &Deadline,
    ) -> Result<RoaringBitmap> {
        let (mut matching, mut read) = (RoaringBitmap::new(), 0_usize);
        let now_ms = self.view.now_ms();
        let catalog = &self.view.versions().catalog;
        self.view.rows()?.scan(Table::Edges, Bound::Unbounded, |key, row| {
            if read.is_multiple_of(POLL) {
                deadline.check("choosing edges")?;
            }
            read += 1;
            let row = access_edge(row)?;
            let ordinal = read_u64(key).and_then(|id| u32::try_from(id).ok());
            if filter.matches(&EdgeSubject::new(row, catalog), now_ms) {
                matching.extend(ordinal);
            }
            Ok(true)
        })?;
        Ok(matching)
    }
}
