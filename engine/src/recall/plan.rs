//! Which memories a request is about: the namespace, what has not expired, and the filter.
//!
//! Each part of a filter is answered from the indexes by two bitmaps, a lower and an upper bound
//! of what matches. Where they differ the rows decide: a part without an index has the bounds
//! "none" and "all", and whatever the other parts say narrows what must be read.
//!
//! **Invariant:** the outcome is exactly what [`Filter::matches`] says of every row.

use crate::derived::{column, field};
use crate::filter::{Attribute, Filter, Number, Op, Path, Predicate, Value};
use crate::memory::{RowSubject, access, require_row};
use crate::recall::clock::Deadline;
use crate::recall::looked_into::{self, contents, looks_into};
use crate::recall::metadata::metadata_bounds;
use crate::view::View;
use crate::{Result, recall::FilterReport};
use memlith_index::attributes::{ColumnId, FieldId, cell};
use roaring::RoaringBitmap;
use std::ops::Bound;
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

/// What a filter keeps, and which rows had to be read to know.
pub(super) struct Kept {
    pub(super) ordinals: RoaringBitmap,
    scanned_rows: u64,
    scanned_filter: Option<String>,
}

/// Bounds of what a part of a filter keeps.
pub(super) struct Bounds {
    /// Surely kept.
    pub(super) lower: RoaringBitmap,
    /// Everything that may be kept.
    pub(super) upper: RoaringBitmap,
}

impl Bounds {
    pub(super) fn exact(kept: RoaringBitmap) -> Self {
        Bounds { lower: kept.clone(), upper: kept }
    }

    pub(super) fn at_most(upper: RoaringBitmap) -> Self {
        Bounds { lower: RoaringBitmap::new(), upper }
    }

    pub(super) fn nothing() -> Self {
        Bounds::exact(RoaringBitmap::new())
    }
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
        let mut planner =
            Planner { view: self, scope, base, now_ms, deadline, undecided: Vec::new() };
        let Bounds { lower: mut ordinals, upper } = planner.bounds(filter)?;
        let undecided = &upper - &ordinals;
        let mut scanned_filter = None;
        if !undecided.is_empty() {
            scanned_filter = Some(Filter::And(planner.undecided).simplify().to_string());
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
    /// Tests that no index answers, or not wholly.
    undecided: Vec<Filter>,
}

impl Planner<'_> {
    fn bounds(&mut self, filter: &Filter) -> Result<Bounds> {
        Ok(match filter {
            Filter::All => Bounds::exact(self.base.clone()),
            Filter::None => Bounds::nothing(),
            Filter::And(terms) => {
                let mut all = Bounds::exact(self.base.clone());
                for term in terms {
                    let one = self.bounds(term)?;
                    all.lower &= one.lower;
                    all.upper &= one.upper;
                }
                all
            }
            Filter::Or(terms) => {
                let mut any = Bounds::nothing();
                for term in terms {
                    let one = self.bounds(term)?;
                    any.lower |= one.lower;
                    any.upper |= one.upper;
                }
                any
            }
            Filter::Not(term) => {
                let one = self.bounds(term)?;
                Bounds { lower: self.base - one.upper, upper: self.base - one.lower }
            }
            Filter::Test(predicate) => {
                let answered = self.predicate(predicate)?;
                let mut one = answered.unwrap_or_else(|| Bounds::at_most(self.base.clone()));
                one.lower &= self.base;
                one.upper &= self.base;
                if one.lower != one.upper {
                    self.undecided.push(filter.clone());
                }
                one
            }
        })
    }

    /// What the indexes say of one test; `None` if there is no index for it.
    fn predicate(&self, predicate: &Predicate) -> Result<Option<Bounds>> {
        let attributes = &self.view.versions().attributes;
        let attribute = match &predicate.path {
            Path::Attribute(attribute) => *attribute,
            Path::Meta(keys) => {
                return metadata_bounds(self.view.versions(), keys, &predicate.op, self.deadline);
            }
        };
        let op = &predicate.op;
        match attribute {
            Attribute::Tag => self.labels(field::TAG, op),
            Attribute::Kind => self.labels(field::KIND, op),
            Attribute::Agent => self.labels(field::AGENT, op),
            Attribute::Session => self.labels(field::SESSION, op),
            Attribute::Project => self.labels(field::PROJECT, op),
            Attribute::Channel => self.labels(field::CHANNEL, op),
            Attribute::Source => self.labels(field::SOURCE, op),
            Attribute::Namespace => self.labels(field::NAMESPACE, op),
            Attribute::Space => self.spaces(op),
            Attribute::Id => self.external_ids(op),
            Attribute::Content => {
                contents(self.view.versions(), op, self.base, self.deadline).map(Some)
            }
            Attribute::Superseded => {
                let superseded = attributes.label(field::FLAG, field::SUPERSEDED)?;
                Ok(match op {
                    Op::Eq(Value::Bool(true)) => Some(Bounds::exact(superseded)),
                    Op::Eq(Value::Bool(false)) => Some(Bounds::exact(self.base - superseded)),
                    Op::Exists => Some(Bounds::exact(self.base.clone())),
                    _ => None,
                })
            }
            Attribute::Importance => self.cells(column::IMPORTANCE, op, &single_precision),
            Attribute::Valence => self.cells(column::VALENCE, op, &single_precision),
            Attribute::Priority => self.cells(column::PRIORITY, op, &integer),
            Attribute::Created => self.times(column::CREATED, op),
            Attribute::Updated => self.times(column::UPDATED, op),
            Attribute::Expires => self.times(column::EXPIRES, op),
            _ => Ok(None),
        }
    }

    fn labels(&self, field: FieldId, op: &Op) -> Result<Option<Bounds>> {
        let attributes = &self.view.versions().attributes;
        let one = |value: &Value| match value {
            Value::Text(text) => attributes.label(field, text.as_bytes()),
            _ => Ok(RoaringBitmap::new()),
        };
        let text = |bound: &Bound<Value>| -> Option<Bound<Vec<u8>>> {
            let bytes = |value: &Value| match value {
                Value::Text(text) => Some(text.as_bytes().to_vec()),
                _ => None,
            };
            Some(match bound {
                Bound::Unbounded => Bound::Unbounded,
                Bound::Included(value) => Bound::Included(bytes(value)?),
                Bound::Excluded(value) => Bound::Excluded(bytes(value)?),
            })
        };
        Ok(Some(Bounds::exact(match op {
            Op::Eq(value) => one(value)?,
            Op::In(values) => union(values.iter().map(one))?,
            Op::Exists => attributes.any(field)?,
            op if looks_into(op) => looked_into::labels(attributes, field, op, self.deadline)?,
            Op::Range { lo, hi } => {
                let (Some(lo), Some(hi)) = (text(lo), text(hi)) else { return Ok(None) };
                attributes.label_range(
                    field,
                    lo.as_ref().map(Vec::as_slice),
                    hi.as_ref().map(Vec::as_slice),
                )?
            }
            _ => return Ok(None),
        })))
    }

    fn spaces(&self, op: &Op) -> Result<Option<Bounds>> {
        let versions = self.view.versions();
        let one = |value: &Value| match value {
            Value::Text(name) => match versions.catalog.space(name) {
                Some((id, _)) => versions.attributes.label(field::SPACE, &id.0.to_be_bytes()),
                None => Ok(RoaringBitmap::new()),
            },
            _ => Ok(RoaringBitmap::new()),
        };
        Ok(match op {
            Op::Eq(value) => Some(Bounds::exact(one(value)?)),
            Op::In(values) => Some(Bounds::exact(union(values.iter().map(one))?)),
            Op::Exists => {
                // Not those of successors, which have no name yet.
                let spaces = versions.catalog.spaces();
                let having = spaces
                    .map(|(id, _)| versions.attributes.label(field::SPACE, &id.0.to_be_bytes()));
                Some(Bounds::exact(union(having)?))
            }
            _ => None,
        })
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

    fn times(&self, column: ColumnId, op: &Op) -> Result<Option<Bounds>> {
        let exactly = |value: &Value| match value {
            Value::Time(time) => Some(Place::At(time.resolve(self.now_ms))),
            _ => None,
        };
        self.cells(column, op, &exactly)
    }

    /// Tests of a column; `place` says where a constant lies among its cells.
    fn cells(
        &self,
        column: ColumnId,
        op: &Op,
        place: &dyn Fn(&Value) -> Option<Place>,
    ) -> Result<Option<Bounds>> {
        let attributes = &self.view.versions().attributes;
        let range = |lo: Option<i64>, hi: Option<i64>| match (lo, hi) {
            (Some(lo), Some(hi)) if lo <= hi => {
                attributes.range(column, lo.max(LEAST)..=hi, self.base)
            }
            _ => Ok(RoaringBitmap::new()),
        };
        let one = |value: &Value| match place(value) {
            Some(Place::At(cell)) => range(Some(cell), Some(cell)),
            _ => Ok(RoaringBitmap::new()),
        };
        let kept = match op {
            Op::Eq(value) => one(value)?,
            Op::In(values) => union(values.iter().map(one))?,
            Op::Exists => range(Some(LEAST), Some(i64::MAX))?,
            Op::Range { lo, hi } => {
                let lo = match lo {
                    Bound::Unbounded => Some(LEAST),
                    Bound::Included(v) => place(v).and_then(Place::first_not_below),
                    Bound::Excluded(v) => place(v).and_then(Place::first_above),
                };
                let hi = match hi {
                    Bound::Unbounded => Some(i64::MAX),
                    Bound::Included(v) => place(v).and_then(Place::last_not_above),
                    Bound::Excluded(v) => place(v).and_then(Place::last_below),
                };
                range(lo, hi)?
            }
            _ => return Ok(None),
        };
        Ok(Some(Bounds::exact(kept)))
    }
}

/// The least cell that is a number.
const LEAST: i64 = i64::MIN + 1;

/// Where a constant lies among the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// On this cell.
    At(i64),
    /// Between this cell and the next.
    After(i64),
    /// Below every cell.
    Below,
    /// Above every cell.
    Above,
}

impl Place {
    fn first_not_below(self) -> Option<i64> {
        match self {
            Place::At(cell) => Some(cell),
            other => other.first_above(),
        }
    }

    fn first_above(self) -> Option<i64> {
        match self {
            Place::At(cell) | Place::After(cell) => cell.checked_add(1),
            Place::Below => Some(LEAST),
            Place::Above => None,
        }
    }

    fn last_not_above(self) -> Option<i64> {
        match self {
            Place::At(cell) | Place::After(cell) => Some(cell),
            Place::Below => None,
            Place::Above => Some(i64::MAX),
        }
    }

    fn last_below(self) -> Option<i64> {
        match self {
            Place::At(cell) => cell.checked_sub(1),
            other => other.last_not_above(),
        }
    }
}

/// In a column of `f32` in its order-preserving form.
fn single_precision(value: &Value) -> Option<Place> {
    match value {
        Value::Number(n) => Some(Place::At(cell::from_f64(n.round_to_f32().to_f64()))),
        _ => None,
    }
}

/// In a column of integers.
fn integer(value: &Value) -> Option<Place> {
    let Value::Number(n) = value else { return None };
    Some(integer_place(*n))
}

fn integer_place(n: Number) -> Place {
    if let Some(exact) = n.to_i64() {
        return Place::At(exact);
    }
    // Not an i64: it has a fraction, or it lies beyond them all.
    let wide = n.to_f64();
    if wide >= i64::MAX as f64 {
        Place::Above
    } else if wide < i64::MIN as f64 {
        Place::Below
    } else {
        Place::After(wide.floor() as i64)
    }
}

pub(super) fn union(
    sets: impl Iterator<Item = Result<RoaringBitmap, memlith_index::image::ImageError>>,
) -> Result<RoaringBitmap> {
    let mut all = RoaringBitmap::new();
    for set in sets {
        all |= set?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_lie_between_integers() {
        let place = |n: f64| integer_place(n.into());
        assert_eq!(place(2.5), Place::After(2));
        assert_eq!(place(-2.5), Place::After(-3));
        assert_eq!(place(3.0), Place::At(3));
        assert_eq!(place(1e30), Place::Above);
        assert_eq!(place(-1e30), Place::Below);
        assert_eq!(integer_place(u64::MAX.into()), Place::Above);
        assert_eq!(Place::After(2).first_not_below(), Some(3));
        assert_eq!(Place::After(2).last_below(), Some(2));
        assert_eq!(Place::At(i64::MAX).first_above(), None);
    }
}
