//! The form of a filter that planners work on.
//!
//! **Invariant:** it keeps the same records at every present, and simplifying it again changes
//! nothing.
//!
//! For planners. The result need not keep to the limits of the language: the lists of several
//! tests are joined in it.

use super::{Filter, Op, Path, Predicate, Time, Value, check::bound_value};
use std::{cmp::Ordering, collections::HashMap, ops::Bound};

impl Filter {
    /// An equivalent filter in a form that is easier to plan, if the filter is
    /// [valid](Filter::validate).
    ///
    /// - `Not` stands before tests only.
    /// - No `And` lies directly in an `And`, nor `Or` in `Or`; each has two terms or more.
    /// - `All` and `None` occur only as the whole filter.
    /// - In an `Or`, the tests of one path for equality are one `In`; in an `And`, its ranges are
    ///   one, where that can be told without the present.
    /// - An `In` has two or more distinct values, in order; no range is empty, unbounded or a single value.
    ///
    /// ```
    /// use memlith::filter::Filter;
    ///
    /// let filter: Filter = "not (tag:a or importance < 0.5) and (kind:x or kind:y)".parse()?;
    /// assert_eq!(
    ///     filter.simplify().to_string(),
    ///     "tag != a and not importance < 0.5 and kind in (x, y)",
    /// );
    /// # Ok::<(), memlith::filter::FilterError>(())
    /// ```
    #[must_use]
    pub fn simplify(self) -> Filter {
        self.simplified(false)
    }

    fn simplified(self, is_negated: bool) -> Filter {
        let simplified =
            |terms: Vec<Filter>| terms.into_iter().map(move |term| term.simplified(is_negated));
        match (self, is_negated) {
            (Filter::All, false) | (Filter::None, true) => Filter::All,
            (Filter::None, false) | (Filter::All, true) => Filter::None,
            (Filter::Not(term), _) => term.simplified(!is_negated),
            (Filter::And(terms), false) | (Filter::Or(terms), true) => all_of(simplified(terms)),
            (Filter::Or(terms), false) | (Filter::And(terms), true) => any_of(simplified(terms)),
            (Filter::Test(predicate), false) => folded(predicate),
            (Filter::Test(predicate), true) => match folded(predicate) {
                Filter::All => Filter::None,
                Filter::None => Filter::All,
                test => !test,
            },
        }
    }
}

/// All of simplified filters.
fn all_of(terms: impl Iterator<Item = Filter>) -> Filter {
    let terms = match Filter::all_of(terms) {
        Filter::And(terms) => terms,
        single => return single,
    };
    let mut kept: Vec<Filter> = Vec::with_capacity(terms.len());
    let mut ranges: HashMap<Path, usize> = HashMap::new();
    for term in terms {
        let Filter::Test(Predicate { path, op: Op::Range { lo, hi } }) = term else {
            kept.push(term);
            continue;
        };
        let earlier = ranges.get(&path).and_then(|i| kept.get_mut(*i));
        if let Some(Filter::Test(Predicate { op: Op::Range { lo: a, hi: b }, .. })) = earlier
            && let Some(lo) = tighter(&path, a, &lo, Ordering::Greater)
            && let Some(hi) = tighter(&path, b, &hi, Ordering::Less)
        {
            (*a, *b) = (lo, hi);
        } else {
            ranges.entry(path.clone()).or_insert(kept.len());
            kept.push(Filter::Test(Predicate { path, op: Op::Range { lo, hi } }));
        }
    }
    let kept: Vec<Filter> = kept.into_iter().map(refolded).collect();
    if kept.contains(&Filter::None) { Filter::None } else { Filter::all_of(kept) }
}

/// Any of simplified filters.
fn any_of(terms: impl Iterator<Item = Filter>) -> Filter {
    let terms = match Filter::any_of(terms) {
        Filter::Or(terms) => terms,
        single => return single,
    };
    if terms.contains(&Filter::All) {
        return Filter::All;
    }
    let mut kept: Vec<Filter> = Vec::with_capacity(terms.len());
    let mut lists: HashMap<Path, usize> = HashMap::new();
    for term in terms {
        let (path, values) = match term {
            Filter::Test(Predicate { path, op: Op::Eq(value) }) => (path, vec![value]),
            Filter::Test(Predicate { path, op: Op::In(values) }) => (path, values),
            other => {
                kept.push(other);
                continue;
            }
        };
        let earlier = lists.get(&path).and_then(|i| kept.get_mut(*i));
        if let Some(Filter::Test(Predicate { op: Op::In(list), .. })) = earlier {
            list.extend(values);
        } else {
            lists.insert(path.clone(), kept.len());
            kept.push(Filter::Test(Predicate { path, op: Op::In(values) }));
        }
    }
    Filter::any_of(kept.into_iter().map(refolded))
}

/// Joining tests can leave a range that is empty, or a list of one value.
fn refolded(term: Filter) -> Filter {
    match term {
        Filter::Test(predicate) => folded(predicate),
        other => other,
    }
}

/// The simplest filter that says the same as the predicate.
fn folded(Predicate { path, op }: Predicate) -> Filter {
    let op = match op {
        Op::In(mut values) => {
            sort(&path, &mut values);
            match values.len() {
                0 => return Filter::None,
                1 => Op::Eq(values.remove(0)),
                _ => Op::In(values),
            }
        }
        Op::Range { lo: Bound::Unbounded, hi: Bound::Unbounded } => Op::Exists,
        Op::Range { lo, hi } => {
            let order = match (bound_value(&lo), bound_value(&hi)) {
                (Some(lo), Some(hi)) => compare(&path, lo, hi),
                _ => None,
            };
            match (order, lo, hi) {
                (Some(Ordering::Equal), Bound::Included(value), Bound::Included(_)) => {
                    Op::Eq(value)
                }
                (Some(Ordering::Equal | Ordering::Greater), ..) => return Filter::None,
                (_, lo, hi) => Op::Range { lo, hi },
            }
        }
        op @ (Op::Eq(_) | Op::Contains(_) | Op::Matches(_) | Op::Exists) => op,
    };
    Filter::Test(Predicate { path, op })
}

/// Sorts the values and leaves one of each.
fn sort(path: &Path, values: &mut Vec<Value>) {
    // A NaN equals nothing and would break the order.
    values.retain(|value| value.compare(value).is_some());
    values.sort_by(|a, b| {
        let by_type = type_rank(a).cmp(&type_rank(b));
        by_type.then_with(|| compare(path, a, b).unwrap_or(Ordering::Equal))
    });
    values.dedup_by(|a, b| compare(path, a, b) == Some(Ordering::Equal));
}

/// Values of one rank are ordered among themselves.
fn type_rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::Text(_) => 3,
        Value::Time(Time::At(_)) => 4,
        Value::Time(Time::FromNow(_)) => 5,
    }
}

/// Of two bounds on the same side the one that lets less pass, where that can be told: the one
/// whose value `wins`.
fn tighter(
    path: &Path,
    a: &Bound<Value>,
    b: &Bound<Value>,
    wins: Ordering,
) -> Option<Bound<Value>> {
    let (x, y) = match (bound_value(a), bound_value(b)) {
        (None, _) => return Some(b.clone()),
        (_, None) => return Some(a.clone()),
        (Some(x), Some(y)) => (x, y),
    };
    let order = compare(path, x, y)?;
    let a_is_tighter = match order {
        Ordering::Equal => matches!(a, Bound::Excluded(_)),
        _ => order == wins,
    };
    Some(if a_is_tighter { a.clone() } else { b.clone() })
}

/// How two constants are ordered as values at `path` see them.
fn compare(path: &Path, a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if path.is_single_precision() => {
            a.round_to_f32().partial_cmp(&b.round_to_f32())
        }
        _ => a.compare(b),
    }
}
