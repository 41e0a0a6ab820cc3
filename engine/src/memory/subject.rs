//! A memory as the filter language looks at it.
//!
//! **Invariant:** answers are those of the row, and so what the indexes must agree with.

use super::read::metadata_value;
use super::row::ArchivedMemoryRow;
use crate::access::Access;
use crate::catalog::Catalog;
use crate::filter::{Attribute, Number, Subject};
use crate::owner::space_names;
use serde_json::Value;
use std::cell::OnceCell;

/// A row, with what a filter may ask beyond it.
pub(crate) struct RowSubject<'a> {
    row: &'a ArchivedMemoryRow,
    catalog: &'a Catalog,
    access: &'a dyn Fn() -> Access,
    metadata: OnceCell<Option<Value>>,
}

impl<'a> RowSubject<'a> {
    pub(crate) fn new(
        row: &'a ArchivedMemoryRow,
        catalog: &'a Catalog,
        access: &'a dyn Fn() -> Access,
    ) -> Self {
        RowSubject { row, catalog, access, metadata: OnceCell::new() }
    }
}

impl Subject for RowSubject<'_> {
    fn any_label(&self, attribute: Attribute, test: &mut dyn FnMut(&str) -> bool) -> bool {
        let row = self.row;
        match attribute {
            Attribute::Tag => row.tags.iter().any(|tag| test(tag.as_str())),
            Attribute::Kind => row.label(|l| &l.kind).is_some_and(test),
            Attribute::Agent => row.label(|l| &l.agent).is_some_and(test),
            Attribute::Session => row.label(|l| &l.session).is_some_and(test),
            Attribute::Project => row.label(|l| &l.project).is_some_and(test),
            Attribute::Channel => row.label(|l| &l.channel).is_some_and(test),
            Attribute::Source => row.label(|l| &l.source).is_some_and(test),
            Attribute::Id => row.external_id.as_ref().is_some_and(|id| test(id.as_str())),
            Attribute::Namespace => test(row.namespace.as_str()),
            Attribute::Content => test(row.content.as_str()),
            Attribute::Space => {
                let named = row.vectors.iter().map(|v| v.space.to_native());
                space_names(self.catalog, named).any(test)
            }
            _ => false,
        }
    }

    fn number(&self, attribute: Attribute) -> Option<Number> {
        match attribute {
            Attribute::Importance => Some(f64::from(self.row.importance.to_native()).into()),
            Attribute::Valence => Some(f64::from(self.row.valence.to_native()).into()),
            Attribute::Priority => Some(self.row.priority.to_native().into()),
            Attribute::Accesses => Some((self.access)().count.into()),
            _ => None,
        }
    }

    fn time_ms(&self, attribute: Attribute) -> Option<i64> {
        match attribute {
            Attribute::Created => Some(self.row.created_ms.to_native()),
            Attribute::Updated => Some(self.row.updated_ms.to_native()),
            Attribute::Expires => self.row.expires_ms.as_ref().map(|at| at.to_native()),
            Attribute::Accessed => (self.access)().last_ms,
            _ => None,
        }
    }

    fn flag(&self, attribute: Attribute) -> Option<bool> {
        (attribute == Attribute::Superseded).then(|| self.row.is_superseded())
    }

    fn metadata(&self) -> Option<&Value> {
        let parse = || metadata_value(&self.row.metadata).ok();
        self.metadata.get_or_init(parse).as_ref()
    }
}
