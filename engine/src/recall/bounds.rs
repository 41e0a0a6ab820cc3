//! What the indexes say of a filter: a lower and an upper bound of what it keeps.
//!
//! The same for memories and for nodes, whose attributes are of one form. Which attribute has which index
//! the caller knows.
//!
//! **Invariant:** what is certain lies in the lower bound, and all that may be in the upper one. Where they
//! differ the rows decide.

use super::Deadline;
use super::looked_into::{self, looks_into};
use super::metadata::metadata_bounds;
use crate::Result;
use crate::catalog::Catalog;
use crate::derived::field;
use crate::filter::{Filter, Number, Op, Predicate, Value};
use crate::ids::SpaceId;
use memlith_index::attributes::{Attributes, ColumnId, FieldId, cell};
use memlith_index::image::ImageError;
use roaring::RoaringBitmap;
use std::ops::Bound;

/// Bounds of what a part of a filter keeps.
pub(crate) struct Bounds {
    /// Surely kept.
    pub(crate) lower: RoaringBitmap,
    /// Everything that may be kept.
    pub(crate) upper: RoaringBitmap,
}

impl Bounds {
    pub(crate) fn exact(kept: RoaringBitmap) -> Self {
        Bounds { lower: kept.clone(), upper: kept }
    }

    pub(crate) fn at_most(upper: RoaringBitmap) -> Self {
        Bounds { lower: RoaringBitmap::new(), upper }
    }

    pub(crate) fn nothing() -> Self {
        Bounds::exact(RoaringBitmap::new())
    }
}

/// The bounds of a filter within `base`. `test` answers a single test, or says that it has no index; those
/// that are not wholly answered are added to `undecided`.
pub(crate) fn bounds(
    filter: &Filter,
    base: &RoaringBitmap,
    test: &dyn Fn(&Predicate) -> Result<Option<Bounds>>,
    undecided: &mut Vec<Filter>,
) -> Result<Bounds> {
    Ok(match filter {
        Filter::All => Bounds::exact(base.clone()),
        Filter::None => Bounds::nothing(),
        Filter::And(terms) => {
            let mut all = Bounds::exact(base.clone());
            for term in terms {
                let one = bounds(term, base, test, undecided)?;
                all.lower &= one.lower;
                all.upper &= one.upper;
            }
            all
        }
        Filter::Or(terms) => {
            let mut any = Bounds::nothing();
            for term in terms {
                let one = bounds(term, base, test, undecided)?;
                any.lower |= one.lower;
                any.upper |= one.upper;
            }
            any
        }
        Filter::Not(term) => {
            let one = bounds(term, base, test, undecided)?;
            Bounds { lower: base - one.upper, upper: base - one.lower }
        }
        Filter::Test(predicate) => {
            let answered = test(predicate)?;
            let mut one = answered.unwrap_or_else(|| Bounds::at_most(base.clone()));
            one.lower &= base;
            one.upper &= base;
            if one.lower != one.upper {
                undecided.push(filter.clone());
            }
            one
        }
    })
}

/// Attributes of memories or of nodes, and which of them are asked about.
pub(crate) struct Indexed<'a> {
    pub(crate) attributes: &'a Attributes,
    pub(crate) catalog: &'a Catalog,
    pub(crate) base: &'a RoaringBitmap,
    pub(crate) now_ms: i64,
    pub(crate) deadline: &'a Deadline,
}

impl Indexed<'_> {
    /// A test of metadata, or of properties; `None` if no index is declared for the path.
    pub(crate) fn metadata(&self, keys: &[String], op: &Op) -> Result<Option<Bounds>> {
        metadata_bounds(self.catalog, self.attributes, keys, op, self.deadline)
    }

    /// A test of a column of reals in single precision.
    pub(crate) fn reals(&self, column: ColumnId, op: &Op) -> Result<Option<Bounds>> {
        self.cells(column, op, &single_precision)
    }

    /// A test of a column of integers.
    pub(crate) fn integers(&self, column: ColumnId, op: &Op) -> Result<Option<Bounds>> {
        self.cells(column, op, &integer)
    }

    /// A test of the names of the spaces that something has a vector in.
    pub(crate) fn spaces(&self, op: &Op) -> Result<Option<Bounds>> {
        let having = |id: &SpaceId| self.attributes.label(field::SPACE, &id.0.to_be_bytes());
        let one = |value: &Value| match value {
            Value::Text(name) => match self.catalog.space(name) {
                Some((id, _)) => having(id),
                None => Ok(RoaringBitmap::new()),
            },
            _ => Ok(RoaringBitmap::new()),
        };
        Ok(match op {
            Op::Eq(value) => Some(Bounds::exact(one(value)?)),
            Op::In(values) => Some(Bounds::exact(union(values.iter().map(one))?)),
            // Not those of successors, which have no name yet.
            Op::Exists => {
                let spaces = self.catalog.spaces();
                Some(Bounds::exact(union(spaces.map(|(id, _)| having(id)))?))
            }
            _ => None,
        })
    }

    /// A test of labels.
    pub(crate) fn labels(&self, field: FieldId, op: &Op) -> Result<Option<Bounds>> {
        let attributes = self.attributes;
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

    /// A test of a column of times.
    pub(crate) fn times(&self, column: ColumnId, op: &Op) -> Result<Option<Bounds>> {
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
        let attributes = self.attributes;
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
pub(super) const LEAST: i64 = i64::MIN + 1;

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
    sets: impl Iterator<Item = Result<RoaringBitmap, ImageError>>,
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
