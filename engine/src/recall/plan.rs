//! Which memories a request is about: the namespace, what has not expired, and the filter.
//!
//! Each part of a filter is answered from the indexes by two bitmaps, a lower and an upper bound
//! of what matches. Where they differ the rows decide: a part without an index has the bounds
//! "none" and "all", and whatever the other parts say narrows what must be read.
//!
//! **Invariant:** the outcome is exactly what [`Filter::matches`] says of every row.

use super::bounds::{Bounds, Indexed, LEAST, bounds};
use crate::derived::{Versions, column, field};
use crate::filter::{Attribute, Filter, Op, Path, Predicate, Value};
use crate::memory::{RowSubject, access, require_row};
use crate::recall::clock::Deadline;
use crate::recall::looked_into::contents;
use crate::view::View;
use crate::{Result, recall::FilterReport};
use memlith_index::text::Language;
use roaring::RoaringBitmap;
use std::time::Instant;

/// What a request is about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scope<'a> {
    pub(crate) namespace: Option<&'a str>,
    pub(crate) filter: Option<&'a Filter>,
    pub(crate) include_superseded: bool,
    /// Only what was in force then, instead of now.
    pub(crate) as_of_ms: Option<i64>,
}

impl<'a> Scope<'a> {
    /// The namespaces that it is limited to, if it names them.
    fn namespaces(&self) -> Option<Vec<&'a str>> {
        self.namespace.map(|name| vec![name]).or_else(|| named_in(self.filter?))
    }
}

/// The namespaces of all that a filter can keep, if it names them.
fn named_in(filter: &Filter) -> Option<Vec<&str>> {
    match filter {
        Filter::And(terms) => terms.iter().find_map(named_in),
        Filter::Or(terms) => Some(terms.iter().map(named_in).collect::<Option<Vec<_>>>()?.concat()),
        Filter::Test(Predicate { path: Path::Attribute(Attribute::Namespace), op }) => {
            let values = match op {
                Op::Eq(value) => std::slice::from_ref(value),
                Op::In(values) => values,
                _ => return None,
            };
            let mut names = Vec::with_capacity(values.len());
            for value in values {
                let Value::Text(name) = value else { return None };
                names.push(name.as_str());
            }
            Some(names)
        }
        _ => None,
    }
}

/// What a filter keeps, and which rows had to be read to know.
pub(super) struct Kept {
    pub(super) ordinals: RoaringBitmap,
    scanned_rows: u64,
    scanned_filter: Option<String>,
}

impl View {
    /// The ordinals of all memories in scope, and how they were found.
    pub(crate) fn select(
        &self,
        scope: Scope<'_>,
        deadline: &Deadline,
    ) -> Result<(RoaringBitmap, FilterReport)> {
        let began = Instant::now();
        let base = self.in_force(scope, deadline)?;
        let Kept { ordinals, scanned_rows, scanned_filter } = match scope.filter {
            Some(filter) => self.keep(filter, scope, &base, deadline)?,
            None => Kept { ordinals: base, scanned_rows: 0, scanned_filter: None },
        };
        let (matching, micros) = (ordinals.len(), began.elapsed().as_micros() as u64);
        Ok((ordinals, FilterReport { matching, scanned_rows, scanned_filter, micros }))
    }

    /// The languages of what is in scope, as far as that is told without looking.
    pub(super) fn languages_of(&self, scope: Scope<'_>) -> Vec<Option<Language>> {
        self.versions().catalog.text().languages(scope.namespaces().as_deref())
    }

    /// Those of a namespace that are, or were, in force.
    fn in_force(&self, scope: Scope<'_>, deadline: &Deadline) -> Result<RoaringBitmap> {
        let attributes = &self.versions().attributes;
        let now_ms = self.now_ms();
        let at_ms = scope.as_of_ms.unwrap_or(now_ms);
        let mut base = match scope.namespace {
            Some(namespace) => attributes.label(field::NAMESPACE, namespace.as_bytes())?,
            None => attributes.live(),
        };
        let expiring = &base & attributes.label(field::FLAG, field::EXPIRES)?;
        if !expiring.is_empty() {
            // What has expired by now is gone, at whatever time one looks.
            base -= attributes.range(column::EXPIRES, LEAST..=at_ms.max(now_ms), &expiring)?;
        }
        if scope.as_of_ms.is_some() {
            base = attributes.range(column::CREATED, LEAST..=at_ms.max(LEAST), &base)?;
        }
        if !scope.include_superseded {
            let mut superseded = &base & attributes.label(field::FLAG, field::SUPERSEDED)?;
            if scope.as_of_ms.is_some() {
                self.drop_superseded_after(at_ms, &mut superseded, deadline)?;
            }
            base -= superseded;
        }
        Ok(base)
    }

    /// Leaves those that had been superseded by `at_ms`. Reads the row of each.
    fn drop_superseded_after(
        &self,
        at_ms: i64,
        superseded: &mut RoaringBitmap,
        deadline: &Deadline,
    ) -> Result<()> {
        let rows = self.rows()?;
        let mut later = RoaringBitmap::new();
        for ordinal in &*superseded {
            deadline.check("reading when memories were superseded")?;
            let bytes = require_row(&rows, self.id_of(ordinal)?)?;
            let succession = access(&bytes)?.succession.as_deref();
            let since = succession.and_then(|s| s.superseded_ms.as_ref()).map(|ms| ms.to_native());
            if since.is_some_and(|since| since > at_ms) {
                later.insert(ordinal);
            }
        }
        *superseded -= later;
        Ok(())
    }

    /// Those of `base` that a filter keeps.
    pub(super) fn keep(
        &self,
        filter: &Filter,
        scope: Scope<'_>,
        base: &RoaringBitmap,
        deadline: &Deadline,
    ) -> Result<Kept> {
        filter.validate()?;
        let now_ms = self.now_ms();
        let planner = Planner { view: self, scope, base, now_ms, deadline };
        let mut tests = Vec::new();
        let test = |predicate: &Predicate| planner.predicate(predicate);
        let Bounds { lower: mut ordinals, upper } = bounds(filter, base, &test, &mut tests)?;
        let undecided = &upper - &ordinals;
        let mut scanned_filter = None;
        if !undecided.is_empty() {
            scanned_filter = Some(Filter::And(tests).simplify().to_string());
            self.scan(filter, &undecided, now_ms, deadline, &mut ordinals)?;
        }
        Ok(Kept { ordinals, scanned_rows: undecided.len(), scanned_filter })
    }

    /// Adds those of `undecided` whose row the filter keeps.
    fn scan(
        &self,
        filter: &Filter,
        undecided: &RoaringBitmap,
        now_ms: i64,
        deadline: &Deadline,
        kept: &mut RoaringBitmap,
    ) -> Result<()> {
        let rows = self.rows()?;
        let catalog = &self.versions().catalog;
        for ordinal in undecided {
            deadline.check("reading rows for the filter")?;
            let id = self.id_of(ordinal)?;
            let bytes = require_row(&rows, id)?;
            let accesses = || self.shared().accesses.of(id, &rows).unwrap_or_default();
            let subject = RowSubject::new(access(&bytes)?, catalog, &accesses);
            if filter.matches(&subject, now_ms) {
                kept.insert(ordinal);
            }
        }
        Ok(())
    }
}

struct Planner<'a> {
    view: &'a View,
    scope: Scope<'a>,
    base: &'a RoaringBitmap,
    now_ms: i64,
    deadline: &'a Deadline,
}

impl Planner<'_> {
    /// What the indexes say of one test; `None` if there is no index for it.
    fn predicate(&self, predicate: &Predicate) -> Result<Option<Bounds>> {
        let Versions { attributes, catalog, .. } = self.view.versions();
        let Planner { base, now_ms, deadline, .. } = *self;
        let indexed = Indexed { attributes, catalog, base, now_ms, deadline };
        let op = &predicate.op;
        let attribute = match &predicate.path {
            Path::Attribute(attribute) => *attribute,
            Path::Meta(keys) => return indexed.metadata(keys, op),
        };
        match attribute {
            Attribute::Tag => indexed.labels(field::TAG, op),
            Attribute::Kind => indexed.labels(field::KIND, op),
            Attribute::Agent => indexed.labels(field::AGENT, op),
            Attribute::Session => indexed.labels(field::SESSION, op),
            Attribute::Project => indexed.labels(field::PROJECT, op),
            Attribute::Channel => indexed.labels(field::CHANNEL, op),
            Attribute::Source => indexed.labels(field::SOURCE, op),
            Attribute::Namespace => indexed.labels(field::NAMESPACE, op),
            Attribute::Space => indexed.spaces(op),
            Attribute::Id => self.external_ids(op),
            Attribute::Content => {
                // Of all that `base` has, whatever is left of it in the end.
                let scope = Scope { filter: None, ..self.scope };
                let languages = self.view.languages_of(scope);
                contents(self.view.versions(), op, languages, self.base, self.deadline).map(Some)
            }
            Attribute::Superseded => {
                let superseded = attributes.label(field::FLAG, field::SUPERSEDED)?;
                Ok(match op {
                    Op::Eq(Value::Bool(true)) => Some(Bounds::exact(superseded)),
                    Op::Eq(Value::Bool(false)) => Some(Bounds::exact(base - superseded)),
                    Op::Exists => Some(Bounds::exact(base.clone())),
                    _ => None,
                })
            }
            Attribute::Importance => indexed.reals(column::IMPORTANCE, op),
            Attribute::Valence => indexed.reals(column::VALENCE, op),
            Attribute::Priority => indexed.integers(column::PRIORITY, op),
            Attribute::Created => indexed.times(column::CREATED, op),
            Attribute::Updated => indexed.times(column::UPDATED, op),
            Attribute::Expires => indexed.times(column::EXPIRES, op),
            _ => Ok(None),
        }
    }

    /// External ids are found through their table, which needs to know the namespace.
    fn external_ids(&self, op: &Op) -> Result<Option<Bounds>> {
        let Some(namespace) = self.scope.namespace else { return Ok(None) };
        let values = match op {
            Op::Eq(value) => std::slice::from_ref(value),
            Op::In(values) => values,
            _ => return Ok(None),
        };
        let mut found = RoaringBitmap::new();
        for value in values {
            if let Value::Text(external) = value
                && let Some(id) = self.view.find_external(namespace, external)?
            {
                found.extend(self.view.versions().attributes.ordinal_of(id.0)?);
            }
        }
        Ok(Some(Bounds::exact(found)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_the_namespaces_that_it_can_keep() {
        let named = |filter: &str| {
            let filter: Filter = filter.parse().unwrap();
            named_in(&filter).map(|names| names.join(" "))
        };
        assert_eq!(named("namespace:a").as_deref(), Some("a"));
        assert_eq!(named("namespace in (a, b) and kind:note").as_deref(), Some("a b"));
        assert_eq!(named("namespace:a or (namespace:b and tag:x)").as_deref(), Some("a b"));
        for open in ["kind:note", "not namespace:a", "namespace:a or kind:note", "exists namespace"]
        {
            assert_eq!(named(open), None, "{open}");
        }
    }
}
