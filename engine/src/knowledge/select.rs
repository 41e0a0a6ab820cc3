//! Which nodes a filter is about.
//!
//! **Invariant:** the answer is what [`Filter::matches`] says of each row; the attributes only make it
//! fast.

use super::read::Graph;
use super::row::{ArchivedEdgeRow, ArchivedNodeRow, access_edge, access_node};
use crate::Result;
use crate::derived::{field, of_memory};
use crate::filter::{Attribute, Filter, Number, Op, Path, Predicate, Subject, Value};
use crate::memory::metadata_value;
use crate::recall::{Deadline, Scope};
use crate::rows::Rows;
use crate::schema::{Table, read_u64};
use memlith_index::attributes::FieldId;
use roaring::RoaringBitmap;
use serde_json::Value as Json;
use std::cell::OnceCell;
use std::ops::Bound;

/// Rows that are read between two looks at the deadline.
const POLL: usize = 256;

/// A node as the filter language looks at it: its properties are the metadata.
pub(crate) struct NodeSubject<'a> {
    row: &'a ArchivedNodeRow,
    properties: OnceCell<Option<Json>>,
}

impl<'a> NodeSubject<'a> {
    pub(crate) fn new(row: &'a ArchivedNodeRow) -> Self {
        NodeSubject { row, properties: OnceCell::new() }
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
    pub(crate) fn new(row: &'a ArchivedEdgeRow, kind: &'a str) -> Self {
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

/// What is certain to match, and what may.
struct Bounds {
    lower: RoaringBitmap,
    upper: RoaringBitmap,
}

impl Bounds {
    fn exact(all: RoaringBitmap) -> Self {
        Bounds { lower: all.clone(), upper: all }
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

    /// Ordinals of those among them that match.
    pub(super) fn matching_nodes(
        &self,
        filter: &Filter,
        deadline: &Deadline,
    ) -> Result<RoaringBitmap> {
        let base = self.all_nodes()?;
        let Bounds { lower, upper } = self.bounds(filter, &base)?;
        let mut matching = &base & &lower;
        let rows = self.view.rows()?;
        let now_ms = self.view.now_ms();
        for (read, ordinal) in ((base & upper) - lower).iter().enumerate() {
            if read % POLL == 0 {
                deadline.check("choosing nodes")?;
            }
            let Some(id) = self.view.versions().knowledge.nodes.id_of(ordinal)? else { continue };
            let Some(row) = rows.get(Table::Nodes, &id.to_be_bytes())? else { continue };
            if filter.matches(&NodeSubject::new(access_node(&row)?), now_ms) {
                matching.insert(ordinal);
            }
        }
        Ok(matching)
    }

    /// Memories of this namespace that match, as the adjacency numbers them.
    pub(super) fn matching_memories(
        &self,
        filter: &Filter,
        deadline: &Deadline,
    ) -> Result<RoaringBitmap> {
        let namespace = Some(self.namespace.as_str());
        let scope = Scope { namespace, filter: Some(filter), include_superseded: true };
        let (memories, _) = self.view.select(scope, deadline)?;
        Ok(memories.iter().filter_map(of_memory).collect())
    }

    /// Edges of the file that match, as the adjacency numbers them.
    pub(super) fn matching_edges(
        &self,
        filter: &Filter,
        deadline: &Deadline,
    ) -> Result<RoaringBitmap> {
        filter.validate()?;
        let (mut matching, mut read) = (RoaringBitmap::new(), 0_usize);
        let now_ms = self.view.now_ms();
        let catalog = &self.view.versions().catalog;
        self.view.rows()?.scan(Table::Edges, Bound::Unbounded, |key, row| {
            if read.is_multiple_of(POLL) {
                deadline.check("choosing edges")?;
            }
            read += 1;
            let row = access_edge(row)?;
            let kind = catalog.edge_name(row.kind.to_native()).map_or("", AsRef::as_ref);
            let ordinal = read_u64(key).and_then(|id| u32::try_from(id).ok());
            if filter.matches(&EdgeSubject::new(row, kind), now_ms) {
                matching.extend(ordinal);
            }
            Ok(true)
        })?;
        Ok(matching)
    }

    fn bounds(&self, filter: &Filter, base: &RoaringBitmap) -> Result<Bounds> {
        let unknown = || Bounds { lower: RoaringBitmap::new(), upper: base.clone() };
        Ok(match filter {
            Filter::All => Bounds::exact(base.clone()),
            Filter::None => Bounds::exact(RoaringBitmap::new()),
            Filter::And(terms) => {
                let mut all = Bounds::exact(base.clone());
                for term in terms {
                    let one = self.bounds(term, base)?;
                    all.lower &= one.lower;
                    all.upper &= one.upper;
                }
                all
            }
            Filter::Or(terms) => {
                let mut any = Bounds::exact(RoaringBitmap::new());
                for term in terms {
                    let one = self.bounds(term, base)?;
                    any.lower |= one.lower;
                    any.upper |= one.upper;
                }
                any
            }
            Filter::Not(term) => {
                let one = self.bounds(term, base)?;
                Bounds { lower: base - one.upper, upper: base - one.lower }
            }
            Filter::Test(Predicate { path: Path::Attribute(attribute), op }) => {
                let field = match attribute {
                    Attribute::Kind => field::KIND,
                    Attribute::Tag => field::TAG,
                    Attribute::Namespace => field::NAMESPACE,
                    _ => return Ok(unknown()),
                };
                self.labels(field, op)?.map_or_else(unknown, |all| Bounds::exact(all & base))
            }
            Filter::Test(_) => unknown(),
        })
    }

    /// The nodes with a label; `None` where that is not asked for.
    fn labels(&self, field: FieldId, op: &Op) -> Result<Option<RoaringBitmap>> {
        let nodes = &self.view.versions().knowledge.nodes;
        let one = |value: &Value| -> Result<RoaringBitmap> {
            match value {
                Value::Text(text) => Ok(nodes.label(field, text.as_bytes())?),
                _ => Ok(RoaringBitmap::new()),
            }
        };
        Ok(match op {
            Op::Eq(value) => Some(one(value)?),
            Op::In(values) => {
                let mut any = RoaringBitmap::new();
                for value in values {
                    any |= one(value)?;
                }
                Some(any)
            }
            Op::Exists => Some(nodes.any(field)?),
            _ => None,
        })
    }
}
