//! Filters and records as proptest makes them.
//!
//! **Invariant:** every filter is valid, and filters and records draw from the same few labels,
//! numbers, times and keys, so that tests are true about as often as false.
use memlith::filter::{
    Attribute, AttributeType, Filter, Number, Op, Path, Predicate, Regex, Subject, Time, Value,
};
use proptest::{prelude::*, sample::select};
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, ops::Bound, sync::LazyLock};

/// The present of the evaluation tests.
pub(crate) const NOW_MS: i64 = 1_750_000_000_000;

const LABELS: [&str; 9] = ["a", "b", "noun.animal", "and", "12", "", ":x", "s \"1\"\n", "ü/é"];
const NUMBERS: [f64; 8] = [-1.0, 0.0, 0.1, 0.5, 0.7, 5.0, 1e300, 9_007_199_254_740_994.0];
const TIMES_MS: [i64; 6] = [0, 86_400_000, 1_000, NOW_MS, NOW_MS - 7 * 86_400_000, NOW_MS - 1_500];

fn label() -> impl Strategy<Value = String> {
    prop_oneof![6 => select(&LABELS[..]).prop_map(str::to_owned), 1 => any::<String>()]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        6 => select(&NUMBERS[..]).prop_map(Number::from),
        1 => any::<i64>().prop_map(Number::from),
        1 => any::<u64>().prop_map(Number::from),
        1 => any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Number::from),
    ]
}

fn time() -> impl Strategy<Value = Time> {
    prop_oneof![
        4 => select(&TIMES_MS[..]).prop_map(Time::At),
        3 => select(&TIMES_MS[..]).prop_map(|ms| Time::FromNow(ms - NOW_MS)),
        1 => (-377_000_000_000_000..253_000_000_000_000_i64).prop_map(Time::At),
        1 => any::<i64>().prop_map(Time::FromNow),
    ]
}

fn meta_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        3 => number().prop_map(Value::Number),
        3 => label().prop_map(Value::Text),
    ]
}

fn bound(value: BoxedStrategy<Value>) -> impl Strategy<Value = Bound<Value>> {
    prop_oneof![value.clone().prop_map(Bound::Included), value.prop_map(Bound::Excluded)]
}

fn range(value: BoxedStrategy<Value>) -> BoxedStrategy<Op> {
    let lo = bound(value.clone());
    let hi = bound(value);
    prop_oneof![
        lo.prop_map(|lo| Op::Range { lo, hi: Bound::Unbounded }),
        hi.prop_map(|hi| Op::Range { lo: Bound::Unbounded, hi }),
    ]
    .boxed()
}

fn two_sided(value: BoxedStrategy<Value>) -> BoxedStrategy<Op> {
    (bound(value.clone()), bound(value)).prop_map(|(lo, hi)| Op::Range { lo, hi }).boxed()
}

fn ordered_op(value: BoxedStrategy<Value>) -> BoxedStrategy<Op> {
    prop_oneof![unordered_op(value.clone()), range(value.clone()), two_sided(value)].boxed()
}

fn unordered_op(value: BoxedStrategy<Value>) -> BoxedStrategy<Op> {
    let several = prop::collection::vec(value.clone(), 0..4);
    prop_oneof![value.prop_map(Op::Eq), several.prop_map(Op::In), Just(Op::Exists)].boxed()
}

/// Compiled once: it takes longer than most tests of a filter.
static REGEXES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = ["", "a|/", r"\/\\/", r"^\W", "(?i)NOUN\\.", "^.{3,}$", r#""\d"#, "(?x) é # \n"];
    patterns.map(|pattern| Regex::new(pattern).expect("a pattern")).to_vec()
});

fn regex() -> impl Strategy<Value = Op> {
    select(&REGEXES[..]).prop_map(Op::Matches)
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let attribute = select(&Attribute::ALL[..]).prop_flat_map(|attribute| {
        let op = match attribute.value_type() {
            AttributeType::Number => ordered_op(number().prop_map(Value::Number).boxed()),
            AttributeType::Time => ordered_op(time().prop_map(Value::Time).boxed()),
            AttributeType::Flag => unordered_op(any::<bool>().prop_map(Value::Bool).boxed()),
            AttributeType::Text => {
                let part = label().prop_map(|part| Op::Contains(Value::Text(part)));
                prop_oneof![part, regex(), Just(Op::Exists)].boxed()
            }
            _ => {
                let compared = unordered_op(label().prop_map(Value::Text).boxed());
                prop_oneof![5 => compared, 1 => regex()].boxed()
            }
        };
        op.prop_map(move |op| Predicate { path: attribute.into(), op })
    });
    let value = meta_value().boxed();
    let ordered =
        prop_oneof![number().prop_map(Value::Number), label().prop_map(Value::Text)].boxed();
    let meta_op = prop_oneof![2 => unordered_op(value.clone()), 2 => ordered_op(ordered), 1 => value.prop_map(Op::Contains), 1 => regex()];
    let meta = (prop::collection::vec(label(), 1..3), meta_op)
        .prop_map(|(keys, op)| Predicate { path: Path::Meta(keys), op });
    prop_oneof![attribute, meta]
}

/// Any valid filter whose groups have at least `min_terms` terms.
pub(crate) fn filter(min_terms: usize) -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        1 => Just(Filter::All),
        1 => Just(Filter::None),
        12 => predicate().prop_map(Filter::Test),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let terms = prop::collection::vec(inner.clone(), min_terms..5);
        prop_oneof![
            terms.clone().prop_map(Filter::And),
            terms.prop_map(Filter::Or),
            inner.prop_map(|term| !term),
        ]
    })
}

/// A record of which any part may be missing.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) labels: BTreeMap<Attribute, Vec<String>>,
    pub(crate) numbers: BTreeMap<Attribute, Number>,
    pub(crate) times_ms: BTreeMap<Attribute, i64>,
    pub(crate) superseded: Option<bool>,
    pub(crate) metadata: Option<Json>,
}

impl Subject for Record {
    fn any_label(&self, attribute: Attribute, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.labels.get(&attribute).is_some_and(|labels| labels.iter().any(|label| test(label)))
    }

    fn number(&self, attribute: Attribute) -> Option<Number> {
        self.numbers.get(&attribute).copied()
    }

    fn time_ms(&self, attribute: Attribute) -> Option<i64> {
        self.times_ms.get(&attribute).copied()
    }

    fn flag(&self, attribute: Attribute) -> Option<bool> {
        self.superseded.filter(|_| attribute == Attribute::Superseded)
    }

    fn metadata(&self) -> Option<&Json> {
        self.metadata.as_ref()
    }
}

fn of_type(types: &[AttributeType]) -> Vec<Attribute> {
    Attribute::ALL.into_iter().filter(|a| types.contains(&a.value_type())).collect()
}

fn json() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        select(&NUMBERS[..]).prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        label().prop_map(Json::from),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((label(), inner), 0..4)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

/// Any record.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    let labels = (
        select(of_type(&[AttributeType::Label, AttributeType::Text])),
        label().prop_map(|label| vec![label]),
    );
    let many = (select(of_type(&[AttributeType::Labels])), prop::collection::vec(label(), 0..4));
    let number = (select(of_type(&[AttributeType::Number])), number());
    let time = (select(of_type(&[AttributeType::Time])), select(&TIMES_MS[..]));
    let metadata = prop::collection::vec((label(), json()), 0..6)
        .prop_map(|entries| Json::Object(entries.into_iter().collect()));
    (
        prop::collection::vec(prop_oneof![labels, many], 0..10),
        prop::collection::vec(number, 0..6),
        prop::collection::vec(time, 0..6),
        any::<Option<bool>>(),
        prop::option::weighted(0.8, prop_oneof![6 => metadata, 1 => json(), 1 => Just(json!({}))]),
    )
        .prop_map(|(labels, numbers, times_ms, superseded, metadata)| Record {
            labels: labels.into_iter().collect(),
            numbers: numbers.into_iter().map(|(a, n)| (a, as_stored(a, n))).collect(),
            times_ms: times_ms.into_iter().collect(),
            superseded,
            metadata,
        })
}

/// What is left of a number in a record.
fn as_stored(attribute: Attribute, number: Number) -> Number {
    if Path::from(attribute).is_single_precision() { number.round_to_f32() } else { number }
}
