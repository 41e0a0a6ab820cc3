//! What a declared metadata index says of a test.
//!
//! **Invariant:** where a label does not carry the whole value (very long text, integers beyond
//! 2^53) the bounds stay apart, and the rows decide.

use super::Deadline;
use super::bounds::{Bounds, union};
use super::looked_into::{looks_into, metadata_texts};
use crate::Result;
use crate::catalog::Catalog;
use crate::derived::{Label, MAX_METADATA_TEXT, field};
use crate::filter::{Op, Value};
use memlith_index::attributes::{Attributes, FieldId};
use roaring::RoaringBitmap;
use std::ops::Bound;

/// Up to here every integer is an `f64`.
const EXACT_IN_FLOAT: f64 = 9_007_199_254_740_992.0;

/// The bounds of a test of metadata; `None` if no index is declared for the path.
pub(super) fn metadata_bounds(
    catalog: &Catalog,
    attributes: &Attributes,
    keys: &[String],
    op: &Op,
    deadline: &Deadline,
) -> Result<Option<Bounds>> {
    // Paths are declared joined by dots: a key that holds one could be taken for two.
    if keys.iter().any(|key| key.contains('.')) {
        return Ok(None);
    }
    let Some(index) = catalog.index(&keys.join(".")) else { return Ok(None) };
    let field = field::metadata(index.field);
    let texts = || {
        let kind = Label::Text("").encode(false)[0];
        metadata_texts(attributes, field, kind, op, deadline)
    };
    Ok(match op {
        Op::Exists => Some(Bounds::exact(attributes.any(field)?)),
        Op::Eq(value) => Some(equal(attributes, field, std::slice::from_ref(value), false)?),
        Op::In(values) => Some(equal(attributes, field, values, false)?),
        Op::Contains(value) => {
            let mut bounds = equal(attributes, field, std::slice::from_ref(value), true)?;
            if looks_into(op) {
                let texts = texts()?;
                bounds.lower |= texts.lower;
                bounds.upper |= texts.upper;
            }
            Some(bounds)
        }
        Op::Matches(_) => Some(texts()?),
        Op::Range { lo, hi } => Some(range(attributes, field, lo, hi)?),
    })
}

fn equal(
    attributes: &Attributes,
    field: FieldId,
    values: &[Value],
    in_list: bool,
) -> Result<Bounds> {
    let labels: Vec<_> = values.iter().filter_map(|v| label_of(v, in_list)).collect();
    let found = union(labels.iter().map(|l| attributes.label(field, l)))?;
    if values.iter().all(is_whole) { Ok(Bounds::exact(found)) } else { Ok(Bounds::at_most(found)) }
}

/// Scalars within bounds; values of another type than the bounds are not.
fn range(
    attributes: &Attributes,
    field: FieldId,
    lo: &Bound<Value>,
    hi: &Bound<Value>,
) -> Result<Bounds> {
    let values = [lo, hi].map(|bound| match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(value),
        Bound::Unbounded => None,
    });
    let labels = values.map(|value| value.map(|v| label_of(v, false)));
    let mut types = labels.iter().flatten().map(|label| label.as_ref().map(|l| l[0]));
    let Some(Some(kind)) = types.next() else { return Ok(Bounds::nothing()) };
    if types.any(|other| other != Some(kind)) {
        return Ok(Bounds::nothing());
    }
    let [lo_label, hi_label] = labels.map(Option::flatten);
    let within = |open: bool| -> Result<RoaringBitmap> {
        let side = |bound: &Bound<Value>, label: &Option<Vec<u8>>, end: Vec<u8>, first: bool| match (
            bound, label,
        ) {
            (Bound::Included(_), Some(l)) if !open => Bound::Included(l.clone()),
            (Bound::Included(v), Some(l)) if is_whole(v) => Bound::Included(l.clone()),
            (Bound::Excluded(v), Some(l)) if !open && !is_whole(v) => Bound::Included(l.clone()),
            (_, Some(l)) => Bound::Excluded(l.clone()),
            (_, None) if first => Bound::Included(end),
            (_, None) => Bound::Excluded(end),
        };
        let lo = side(lo, &lo_label, vec![kind], true);
        let hi = side(hi, &hi_label, vec![kind + 1], false);
        Ok(attributes.label_range(
            field,
            lo.as_ref().map(Vec::as_slice),
            hi.as_ref().map(Vec::as_slice),
        )?)
    };
    Ok(Bounds { lower: within(true)?, upper: within(false)? })
}

/// Does the label of a constant tell all of it?
fn is_whole(value: &Value) -> bool {
    match value {
        Value::Number(n) => n.to_f64().abs() < EXACT_IN_FLOAT,
        Value::Text(text) => text.len() < MAX_METADATA_TEXT,
        _ => true,
    }
}

fn label_of(value: &Value, in_list: bool) -> Option<Vec<u8>> {
    let label = match value {
        Value::Null => Label::Null,
        Value::Bool(b) => Label::Bool(*b),
        Value::Number(n) => Label::Number(n.to_f64()),
        Value::Text(text) => Label::Text(text),
        _ => return None,
    };
    Some(label.encode(in_list))
}
