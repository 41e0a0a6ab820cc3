//! Which records a filter keeps: against a naive evaluator, and by name for what users rely on.

use super::arbitrary::{NOW_MS, Record, filter, record};
use memlith::filter::{Attribute, Filter, Number, Op, Path, Predicate, Time, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, ops::Bound};

/// A value of a record or of a filter with nothing left to resolve.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Plain {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Ms(i64),
    List(Vec<Plain>),
    Object,
}

fn plain_json(json: &Json) -> Plain {
    match json {
        Json::Null => Plain::Null,
        Json::Bool(b) => Plain::Bool(*b),
        Json::Number(n) => Plain::Number(Number::from_json(n).expect("a JSON number")),
        Json::String(s) => Plain::Text(s.clone()),
        Json::Array(list) => Plain::List(list.iter().map(plain_json).collect()),
        Json::Object(_) => Plain::Object,
    }
}

/// All values at a path: none where it is missing.
fn values_at(record: &Record, path: &Path) -> Vec<Plain> {
    match path {
        Path::Meta(keys) => {
            let mut at = record.metadata.as_ref();
            for key in keys {
                at = at.and_then(|json| json.get(key));
            }
            at.map(plain_json).into_iter().collect()
        }
        Path::Attribute(attribute) => {
            let labels = record.labels.get(attribute).cloned().unwrap_or_default();
            let number = record.numbers.get(attribute).copied();
            let ms = record.times_ms.get(attribute).copied();
            let flag = record.superseded.filter(|_| *attribute == Attribute::Superseded);
            let mut values: Vec<Plain> = labels.into_iter().map(Plain::Text).collect();
            values.extend(number.map(Plain::Number));
            values.extend(ms.map(Plain::Ms));
            values.extend(flag.map(Plain::Bool));
            values
        }
        _ => unreachable!("a path of a kind that no filter here has"),
    }
}

fn plain(path: &Path, value: &Value) -> Plain {
    match value {
        Value::Null => Plain::Null,
        Value::Bool(b) => Plain::Bool(*b),
        Value::Number(n) if path.is_single_precision() => {
            Plain::Number(f64::from(n.to_f64() as f32).into())
        }
        Value::Number(n) => Plain::Number(*n),
        Value::Text(text) => Plain::Text(text.clone()),
        Value::Time(Time::At(ms)) => Plain::Ms(*ms),
        Value::Time(Time::FromNow(ms)) => Plain::Ms(NOW_MS.saturating_add(*ms)),
        _ => unreachable!("a value of a kind that no filter here has"),
    }
}

fn naive_test(record: &Record, Predicate { path, op }: &Predicate) -> bool {
    let values = values_at(record, path);
    let is_same_type =
        |a: &Plain, b: &Plain| std::mem::discriminant(a) == std::mem::discriminant(b);
    match op {
        Op::Eq(value) => values.contains(&plain(path, value)),
        Op::In(list) => list.iter().any(|value| values.contains(&plain(path, value))),
        Op::Contains(value) => values.iter().any(|list| match list {
            Plain::List(items) => items.contains(&plain(path, value)),
            Plain::Text(text) => match value {
                Value::Text(part) => text.match_indices(part.as_str()).next().is_some(),
                _ => false,
            },
            _ => false,
        }),
        Op::Matches(regex) => values.iter().any(|at| match at {
            Plain::Text(text) => regex.is_match(text),
            _ => false,
        }),
        Op::Exists => !values.is_empty(),
        Op::Range { lo, hi } => values.iter().any(|at| {
            let lo_holds = match lo {
                Bound::Unbounded => true,
                Bound::Included(lo) => {
                    let lo = plain(path, lo);
                    is_same_type(at, &lo) && *at >= lo
                }
                Bound::Excluded(lo) => {
                    let lo = plain(path, lo);
                    is_same_type(at, &lo) && *at > lo
                }
            };
            let hi_holds = match hi {
                Bound::Unbounded => true,
                Bound::Included(hi) => {
                    let hi = plain(path, hi);
                    is_same_type(at, &hi) && *at <= hi
                }
                Bound::Excluded(hi) => {
                    let hi = plain(path, hi);
                    is_same_type(at, &hi) && *at < hi
                }
            };
            lo_holds && hi_holds
        }),
        _ => unreachable!("a test of a kind that no filter here has"),
    }
}

fn naive(record: &Record, filter: &Filter) -> bool {
    match filter {
        Filter::All => true,
        Filter::None => false,
        Filter::And(terms) => !terms.iter().any(|term| !naive(record, term)),
        Filter::Or(terms) => terms.iter().filter(|term| naive(record, term)).count() > 0,
        Filter::Not(term) => !naive(record, term),
        Filter::Test(predicate) => naive_test(record, predicate),
        _ => unreachable!("a filter of a kind that no test here makes"),
    }
}

/// Whether the filter has the form that `simplify` promises.
fn is_simple(filter: &Filter, is_whole: bool) -> bool {
    match filter {
        Filter::All | Filter::None => is_whole,
        Filter::Not(term) => matches!(**term, Filter::Test(_)) && is_simple(term, false),
        Filter::And(terms) => {
            terms.len() >= 2
                && terms.iter().all(|t| !matches!(t, Filter::And(_)) && is_simple(t, false))
        }
        Filter::Or(terms) => {
            terms.len() >= 2
                && terms.iter().all(|t| !matches!(t, Filter::Or(_)) && is_simple(t, false))
        }
        Filter::Test(Predicate { op, .. }) => match op {
            Op::In(values) => values.len() >= 2,
            Op::Range { lo, hi } => (lo, hi) != (&Bound::Unbounded, &Bound::Unbounded),
            _ => true,
        },
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, ..ProptestConfig::default() })]

    #[test]
    fn evaluation_agrees_with_the_naive_one(filter in filter(0), record in record()) {
        prop_assert_eq!(filter.matches(&record, NOW_MS), naive(&record, &filter), "{}", filter);
    }

    #[test]
    fn simplifying_keeps_the_same_records(filter in filter(0), record in record()) {
        let simple = filter.clone().simplify();
        prop_assert!(is_simple(&simple, true), "{} became {}", filter, simple);
        prop_assert_eq!(&simple.clone().simplify(), &simple, "of {}", filter);
        prop_assert_eq!(
            simple.matches(&record, NOW_MS),
            filter.matches(&record, NOW_MS),
            "{} became {}", filter, simple
        );
    }
}

fn fox() -> Record {
    Record {
        labels: BTreeMap::from([
            (Attribute::Tag, vec!["noun.animal".into(), "red".into()]),
            (Attribute::Kind, vec!["fact".into()]),
            (Attribute::Space, vec!["default".into()]),
            (Attribute::Content, vec!["The quick fox (E1234) jumps".into()]),
        ]),
        numbers: BTreeMap::from([
            (Attribute::Importance, f64::from(0.7_f32).into()),
            (Attribute::Priority, 5.into()),
        ]),
        times_ms: BTreeMap::from([(Attribute::Created, NOW_MS - 86_400_000)]),
        superseded: Some(false),
        metadata: Some(json!({
            "lang": "en", "n": 3, "big": 9_007_199_254_740_993_u64, "nothing": null,
            "tags": ["x", 1, [2]], "a": {"b": true, "c.d": 1}, "date": "2025-03-01"
        })),
    }
}

fn keeps(text: &str) -> bool {
    let filter: Filter = text.parse().unwrap_or_else(|e| panic!("{text}\n{e}"));
    filter.matches(&fox(), NOW_MS)
}

#[test]
fn true_of_the_fox() {
    for text in [
        "tag:red and tag:noun.animal and tag in (blue, red) and not tag:blue",
        "space:default and kind != verb and kind in (fact, verb)",
        "importance >= 0.7 and importance <= 0.7 and importance = 0.7",
        "not importance > 0.7 and not importance < 0.7 and importance between 0.6 and 0.8",
        "created >= now-1d and created < now and created >= 2025-01-01 and created >= -24h",
        "not superseded and exists superseded and superseded = false",
        "meta.lang = en and meta.lang >= \"ea\" and meta.n between 2.5 and 3",
        "meta.big = 9007199254740993 and meta.big > 9007199254740992",
        "meta.tags contains x and meta.tags contains 1.0 and not meta.tags contains 2",
        "meta.a.b = true and meta.a.\"c.d\" = 1 and exists meta.a",
        "meta.nothing = null and exists meta.nothing",
        "meta.date >= 2025-01-01 and meta.date < 2026-01-01",
        "content contains 'ick fox' and content contains '' and not content contains quick_",
        r"content matches /\(E\d{4}\)/ and content matches /^The/ and not content matches /^quick/",
        r"content matches /(?i)QUICK FOX/ and tag matches /^noun\./ and kind matches /^f..t$/",
        r"meta.date contains 03 or meta.date contains '-03-' and meta.lang matches /^e/",
        "exists content",
        // What is missing or of another type is not equal.
        "agent != bob and missing agent and meta.none != 1 and meta.lang != 1",
        "not accesses > 0 and not accesses <= 0 and missing accesses",
        "all and not none and tag not in ()",
    ] {
        assert!(keeps(text), "{text}");
    }
}

#[test]
fn false_of_the_fox() {
    for text in [
        "tag:Red or tag:noun or tag:\"\"",
        "importance > 0.7 or importance < 0.7 or accesses = 0 or accesses != 0 and exists accesses",
        "created < now-1d or created > now or expires > 1970-01-01 or expires <= now",
        "superseded",
        "meta.n = \"3\" or meta.n > \"2\" or meta.lang > 1 or meta.a.b = 1 or meta.a = true",
        "meta.big = 9007199254740992 or meta.big = 9007199254740994",
        "meta.tags = x or meta.n contains 3 or meta.lang contains E or meta.tags.x = 1 or meta.tags > 0",
        "meta.none = null or exists meta.none or exists meta.a.b.c or exists meta.lang.x",
        "meta.c = 1 or meta.a.c.d = 1",
        "none or tag in ()",
        "content contains Quick or content contains 'fox  ' or content matches /fox$/",
        "meta.n matches /3/ or meta.tags matches /x/ or agent matches /^/ or meta.none contains ''",
    ] {
        assert!(!keeps(text), "{text}");
    }
}

#[test]
fn relative_times_move_with_the_present() {
    let filter: Filter = "created >= now-1d".parse().unwrap();
    assert!(filter.matches(&fox(), NOW_MS));
    assert!(!filter.matches(&fox(), NOW_MS + 1));
    assert!(filter.matches(&fox(), i64::MIN));
}
