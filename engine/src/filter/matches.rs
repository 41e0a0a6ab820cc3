//! Evaluation on one record.
//!
//! **Invariant:** a test of something that is not there is false, and so is a comparison of
//! different types; no record makes it fail. This is the definition of what a filter means: what
//! a planner answers from indexes must be the same.
//!
//! Called by the scan path and by the tests of planners.

use super::{Attribute, AttributeType, Filter, Number, Op, Path, Predicate, Value};
use serde_json::Value as Json;
use std::{cmp::Ordering, ops::Bound};

/// A record that filters are evaluated on. An attribute that it does not know is missing.
///
/// Each attribute is asked for through the one function of its
/// [type](Attribute::value_type).
pub trait Subject {
    /// Whether `test` is true of a label of the attribute, or of its text; it is called until it is.
    fn any_label(&self, attribute: Attribute, test: &mut dyn FnMut(&str) -> bool) -> bool;

    /// The number of the attribute. One stored as `f32` is widened by `f64::from`.
    fn number(&self, attribute: Attribute) -> Option<Number>;

    /// The time of the attribute, in milliseconds since 1970-01-01T00:00:00Z.
    fn time_ms(&self, attribute: Attribute) -> Option<i64>;

    /// The flag of the attribute.
    fn flag(&self, attribute: Attribute) -> Option<bool>;

    /// The metadata.
    fn metadata(&self) -> Option<&Json>;
}

impl Filter {
    /// Whether the filter keeps the record, at a present of `now_ms`.
    pub fn matches(&self, subject: &dyn Subject, now_ms: i64) -> bool {
        match self {
            Filter::All => true,
            Filter::None => false,
            Filter::And(terms) => terms.iter().all(|term| term.matches(subject, now_ms)),
            Filter::Or(terms) => terms.iter().any(|term| term.matches(subject, now_ms)),
            Filter::Not(term) => !term.matches(subject, now_ms),
            Filter::Test(predicate) => predicate.matches(subject, now_ms),
        }
    }
}

impl Predicate {
    /// Whether it is true of the record, at a present of `now_ms`.
    pub fn matches(&self, subject: &dyn Subject, now_ms: i64) -> bool {
        let Predicate { path, op } = self;
        let attribute = match path {
            Path::Attribute(attribute) => *attribute,
            Path::Meta(keys) => {
                return subject
                    .metadata()
                    .and_then(|metadata| at_keys(metadata, keys))
                    .is_some_and(|json| Found::Json(json).satisfies(op));
            }
        };
        match attribute.value_type() {
            AttributeType::Label | AttributeType::Labels | AttributeType::Text => {
                subject.any_label(attribute, &mut |label| Found::Label(label).satisfies(op))
            }
            AttributeType::Number => subject.number(attribute).is_some_and(|number| {
                let is_single_precision = path.is_single_precision();
                Found::Number { number, is_single_precision }.satisfies(op)
            }),
            AttributeType::Time => subject
                .time_ms(attribute)
                .is_some_and(|time_ms| Found::Time { time_ms, now_ms }.satisfies(op)),
            AttributeType::Flag => {
                subject.flag(attribute).is_some_and(|flag| Found::Flag(flag).satisfies(op))
            }
        }
    }
}

/// The value under the keys. Only objects have keys; a list is not looked into.
fn at_keys<'a>(metadata: &'a Json, keys: &[String]) -> Option<&'a Json> {
    keys.iter().try_fold(metadata, |json, key| json.as_object()?.get(key))
}

/// What a record holds at a path.
#[derive(Clone, Copy)]
enum Found<'a> {
    Label(&'a str),
    Number { number: Number, is_single_precision: bool },
    Time { time_ms: i64, now_ms: i64 },
    Flag(bool),
    Json(&'a Json),
}

impl Found<'_> {
    fn satisfies(self, op: &Op) -> bool {
        match op {
            Op::Eq(value) => self.equals(value),
            Op::In(values) => values.iter().any(|value| self.equals(value)),
            Op::Range { lo, hi } => {
                let is_above = match lo {
                    Bound::Unbounded => true,
                    Bound::Included(value) => self.compare(value).is_some_and(Ordering::is_ge),
                    Bound::Excluded(value) => self.compare(value).is_some_and(Ordering::is_gt),
                };
                is_above
                    && match hi {
                        Bound::Unbounded => true,
                        Bound::Included(value) => self.compare(value).is_some_and(Ordering::is_le),
                        Bound::Excluded(value) => self.compare(value).is_some_and(Ordering::is_lt),
                    }
            }
            Op::Contains(value) => match (self, value) {
                (Found::Json(Json::Array(list)), value) => {
                    list.iter().any(|item| Found::Json(item).equals(value))
                }
                (found, Value::Text(part)) => found.text().is_some_and(|text| text.contains(part)),
                _ => false,
            },
            Op::Matches(regex) => self.text().is_some_and(|text| regex.is_match(text)),
            Op::Exists => true,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Found::Label(text) => Some(text),
            Found::Json(json) => json.as_str(),
            Found::Number { .. } | Found::Time { .. } | Found::Flag(_) => None,
        }
    }

    fn equals(self, value: &Value) -> bool {
        self.compare(value).is_some_and(Ordering::is_eq)
    }

    /// How it is ordered to the constant; `None` for different types.
    fn compare(self, value: &Value) -> Option<Ordering> {
        match (self, value) {
            (Found::Label(label), Value::Text(text)) => Some(label.cmp(text)),
            (Found::Number { number, is_single_precision: true }, Value::Number(n)) => {
                number.partial_cmp(&n.round_to_f32())
            }
            (Found::Number { number, .. }, Value::Number(n)) => number.partial_cmp(n),
            (Found::Time { time_ms, now_ms }, Value::Time(time)) => {
                Some(time_ms.cmp(&time.resolve(now_ms)))
            }
            (Found::Flag(flag), Value::Bool(b)) => Some(flag.cmp(b)),
            (Found::Json(json), value) => compare_json(json, value),
            _ => None,
        }
    }
}

fn compare_json(json: &Json, value: &Value) -> Option<Ordering> {
    match (json, value) {
        (Json::Null, Value::Null) => Some(Ordering::Equal),
        (Json::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Json::Number(a), Value::Number(b)) => Number::from_json(a)?.partial_cmp(b),
        (Json::String(a), Value::Text(b)) => Some(a.as_str().cmp(b)),
        _ => None,
    }
}
