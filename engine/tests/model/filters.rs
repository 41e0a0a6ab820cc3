//! Filters as proptest makes them, about the same values as the memories.
//!
//! **Invariant:** every filter is valid.

use super::values::{EXTERNAL, LABELS, NAMESPACES, PATHS, START_MS, content, integer, long_text};
use memlith::Filter;
use memlith::filter::{Attribute, AttributeType, Number, Op, Path, Predicate, Regex, Time, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::ops::Bound;
use std::sync::LazyLock;

fn number() -> impl Strategy<Value = Value> {
    let fractions = vec![-1e300, -1.5, -0.0, 0.1, 0.1 + 0.2, 0.5, 0.7, 2.5, 9.3e18, 1e300];
    let number = prop_oneof![
        4 => integer().prop_map(Number::from),
        3 => select(fractions).prop_map(Number::from),
        1 => select(vec![u64::MAX, 1 << 63, (1 << 53) - 1]).prop_map(Number::from),
    ];
    number.prop_map(Value::from)
}

fn time() -> impl Strategy<Value = Value> {
    let near = -5..10_i64;
    prop_oneof![
        near.clone().prop_map(|steps| Time::At(START_MS + 500 * steps)),
        near.prop_map(|steps| Time::FromNow(500 * steps)),
        select(vec![i64::MIN, i64::MAX]).prop_map(Time::FromNow),
    ]
    .prop_map(Value::from)
}

fn text(texts: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop_oneof![9 => select(texts), 1 => Just("")].prop_map(Value::from).boxed()
}

fn meta_text() -> impl Strategy<Value = Value> {
    prop_oneof![1 => text(&["en", "de", "1"]), 1 => long_text().prop_map(Value::from)]
}

fn bound(value: BoxedStrategy<Value>) -> impl Strategy<Value = Bound<Value>> {
    prop_oneof![value.clone().prop_map(Bound::Included), value.prop_map(Bound::Excluded)]
}

fn unordered(value: BoxedStrategy<Value>) -> BoxedStrategy<Op> {
    prop_oneof![
        3 => value.clone().prop_map(Op::Eq),
        2 => vec(value, 0..4).prop_map(Op::In),
        1 => Just(Op::Exists),
    ]
    .boxed()
}

fn ordered(value: BoxedStrategy<Value>) -> BoxedStrategy<Op> {
    let low = bound(value.clone()).prop_map(|lo| Op::Range { lo, hi: Bound::Unbounded });
    let high = bound(value.clone()).prop_map(|hi| Op::Range { lo: Bound::Unbounded, hi });
    let both = (bound(value.clone()), bound(value.clone()));
    prop_oneof![unordered(value), low, high, both.prop_map(|(lo, hi)| Op::Range { lo, hi })].boxed()
}

/// Compiled once: it takes longer than most tests of a filter.
static REGEXES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns =
        ["", "^$", "^[a-l]", "e", "(?i)EN$", "oak (elm|fir) ", r"\bash\b.*box", r"x{200}"];
    patterns.map(|pattern| Regex::new(pattern).expect("a pattern")).to_vec()
});

fn regex() -> impl Strategy<Value = Op> {
    select(&REGEXES[..]).prop_map(Op::Matches)
}

/// Pieces of contents, which may begin and end within words.
fn looked_into() -> BoxedStrategy<Op> {
    let part = (content(), 0..3_usize, 0..3_usize).prop_map(|(text, before, behind)| {
        let end = text.len().saturating_sub(behind);
        text.get(before..end).unwrap_or_default().to_owned()
    });
    let part = part.prop_map(|part| Op::Contains(Value::Text(part)));
    prop_oneof![4 => part, 4 => regex(), 1 => Just(Op::Exists)].boxed()
}

fn of_attribute(attribute: Attribute) -> BoxedStrategy<Op> {
    match (attribute, attribute.value_type()) {
        (Attribute::Namespace, _) => unordered(text(&NAMESPACES)),
        (Attribute::Id, _) => unordered(text(&EXTERNAL)),
        (Attribute::Space, _) => unordered(text(&["default", "dot", "far"])),
        (_, AttributeType::Number) => ordered(number().boxed()),
        (_, AttributeType::Time) => ordered(time().boxed()),
        (_, AttributeType::Flag) => unordered(any::<bool>().prop_map(Value::from).boxed()),
        (_, AttributeType::Text) => looked_into(),
        _ => prop_oneof![6 => unordered(text(&LABELS)), 1 => regex()].boxed(),
    }
}

fn of_metadata() -> BoxedStrategy<Op> {
    let value = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        4 => number(),
        4 => meta_text(),
    ]
    .boxed();
    let comparable = prop_oneof![number(), meta_text()].boxed();
    prop_oneof![
        2 => unordered(value.clone()),
        2 => ordered(comparable),
        1 => value.prop_map(Op::Contains),
        1 => regex(),
    ]
    .boxed()
}

fn path() -> impl Strategy<Value = Path> {
    let declared = select(&PATHS[..PATHS.len() - 1]).prop_map(Path::meta);
    let with_a_dot = Just(Path::Meta(vec!["a.b".into()]));
    prop_oneof![8 => declared, 1 => with_a_dot, 1 => Just(Path::meta("none"))]
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let attribute = select(&Attribute::ALL[..]).prop_flat_map(|attribute| {
        of_attribute(attribute).prop_map(move |op| Predicate { path: attribute.into(), op })
    });
    let metadata = (path(), of_metadata()).prop_map(|(path, op)| Predicate { path, op });
    prop_oneof![attribute, metadata]
}

pub(crate) fn filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        1 => Just(Filter::All),
        1 => Just(Filter::None),
        20 => predicate().prop_map(Filter::Test),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        let terms = vec(inner.clone(), 0..4);
        prop_oneof![
            terms.clone().prop_map(Filter::And),
            terms.prop_map(Filter::Or),
            inner.prop_map(|term| !term),
        ]
    })
}
