//! Memories, patches and queries as proptest makes them.
//!
//! **Invariant:** everything is drawn from few values, so that memories meet: in external ids, in
//! labels, in times of expiry. About one value in forty breaks a rule.

use super::filters::filter;
use memlith::{Filter, List, Metric, NewMemory, Order, Patch};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// When every sequence begins.
pub(crate) const START_MS: i64 = 1_750_000_000_000;

pub(crate) const NAMESPACES: [&str; 3] = ["default", "alpha", "β"];
pub(crate) const EXTERNAL: [&str; 4] = ["x0", "x1", "x2", "x 3"];
pub(crate) const LABELS: [&str; 3] = ["a", "b", "c.d"];
pub(crate) const WORDS: [&str; 6] = ["oak", "elm", "fir", "yew", "ash", "box"];
/// Metadata paths to declare an index over; the last cannot be.
pub(crate) const PATHS: [&str; 7] = ["lang", "n", "list", "deep.x", "deep", "a.b", ""];

/// The spaces that a sequence may create: dimension and metric beside the name.
pub(crate) const SPACES: [(&str, usize, Metric); 4] = [
    ("default", 3, Metric::Cosine),
    ("default", 4, Metric::L2),
    ("dot", 2, Metric::Dot),
    ("far", 5, Metric::L2),
];

pub(crate) fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(words).prop_map(str::to_owned)
}

pub(crate) fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![8 => Just("default".to_owned()), 8 => word(&NAMESPACES), 1 => Just(String::new())]
}

pub(crate) fn label() -> impl Strategy<Value = String> {
    prop_oneof![
        40 => word(&LABELS),
        2 => Just("l".repeat(512)),
        1 => Just("l".repeat(513)),
        1 => Just(String::new()),
    ]
}

pub(crate) fn content() -> impl Strategy<Value = String> {
    vec(select(&WORDS[..]), 0..5).prop_map(|words| words.join(" "))
}

/// Times near the beginning, and the ends of time.
pub(crate) fn time_ms() -> impl Strategy<Value = i64> {
    let near = (-5..10_i64).prop_map(|steps| START_MS + 500 * steps);
    prop_oneof![20 => near, 1 => select(vec![i64::MIN, i64::MIN + 1, -1, 0, i64::MAX])]
}

pub(crate) fn integer() -> impl Strategy<Value = i64> {
    let edges = vec![i64::MIN, i64::MIN + 1, -(1 << 53) - 1, 1 << 53, (1 << 53) + 1, i64::MAX];
    prop_oneof![6 => -2..8_i64, 1 => select(edges)]
}

fn importance() -> impl Strategy<Value = f32> {
    let odd = select(vec![-0.0, 1.5, f32::NAN, f32::MIN_POSITIVE]);
    prop_oneof![20 => select(vec![0.0, 0.1, 0.5, 0.7, 1.0]), 1 => odd]
}

fn valence() -> impl Strategy<Value = f32> {
    let odd = select(vec![-0.0, -1.5, f32::INFINITY]);
    prop_oneof![20 => select(vec![-1.0, -0.3, 0.0, 0.6]), 1 => odd]
}

/// Texts around the length at which an index keeps only a part.
pub(crate) fn long_text() -> impl Strategy<Value = String> {
    let plain = [255, 256, 257, 300].map(|n| "a".repeat(n));
    let wide = [127, 128, 129].map(|n| format!("a{}", "é".repeat(n)));
    let other = ["b", "c"].map(|end| "a".repeat(256) + end);
    select([plain.to_vec(), wide.to_vec(), other.to_vec()].concat())
}

fn scalar() -> impl Strategy<Value = Value> {
    let numbers = vec![
        json!(0),
        json!(-0.0),
        json!(1),
        json!(1.0),
        json!(0.1),
        json!(0.1 + 0.2),
        json!(-1.5),
        json!((1_i64 << 53) - 1),
        json!(1_i64 << 53),
        json!((1_i64 << 53) + 1),
        json!(-(1_i64 << 53) - 1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
    ];
    let any_float = any::<f64>().prop_filter("finite", |x| x.is_finite());
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        6 => select(numbers),
        1 => any_float.prop_map(Value::from),
        4 => select(vec!["", "en", "de", "1"]).prop_map(Value::from),
        4 => long_text().prop_map(Value::from),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 4, |inner| {
        let keys = select(vec!["x", "y", "a.b"]).prop_map(str::to_owned);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((keys, inner), 0..3).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn metadata() -> impl Strategy<Value = Value> {
    let keys = select(vec!["lang", "n", "list", "deep", "a", "a.b"]).prop_map(str::to_owned);
    let members = vec((keys, json()), 0..5).prop_map(|m| Value::Object(Map::from_iter(m)));
    prop_oneof![2 => Just(Value::Null), 20 => members, 1 => json()]
}

fn component() -> impl Strategy<Value = f32> {
    prop_oneof![30 => (-3..=3_i8).prop_map(f32::from), 8 => -1.0..1.0_f32, 1 => Just(f32::NAN)]
}

pub(crate) fn vector() -> impl Strategy<Value = (String, Vec<f32>)> {
    let space = prop_oneof![
        8 => Just(("default", 3)),
        1 => Just(("default", 4)),
        4 => Just(("dot", 2)),
        3 => Just(("far", 5)),
        1 => Just(("nowhere", 2)),
    ];
    space.prop_flat_map(|(name, dimension)| {
        vec(component(), dimension).prop_map(move |vector| (name.to_owned(), vector))
    })
}

type Labels = (Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

fn labels() -> impl Strategy<Value = Labels> {
    let one = || weighted(0.4, label());
    (one(), one(), one(), one(), one())
}

prop_compose! {
    pub(crate) fn new_memory()(
        namespace in namespace(),
        external_id in weighted(0.4, word(&EXTERNAL)),
        content in content(),
        numbers in (importance(), valence(), integer()),
        metadata in metadata(),
        tags in vec(label(), 0..3),
        (kind, agent, session, channel, source) in labels(),
        project in weighted(0.2, label()),
        created_ms in weighted(0.5, time_ms()),
        expires_ms in weighted(0.25, time_ms()),
        vectors in vec(vector(), 0..3),
    ) -> NewMemory {
        let mut new = NewMemory::new(content).namespace(namespace).metadata(metadata).tags(tags);
        new.external_id = external_id;
        (new.importance, new.valence, new.priority) = numbers;
        (new.kind, new.agent, new.session) = (kind, agent, session);
        (new.channel, new.source, new.project) = (channel, source, project);
        (new.created_ms, new.expires_ms, new.vectors) = (created_ms, expires_ms, vectors);
        new
    }
}

prop_compose! {
    pub(crate) fn patch()(
        content in weighted(0.3, content()),
        importance in weighted(0.2, importance()),
        valence in weighted(0.2, valence()),
        priority in weighted(0.2, integer()),
        metadata in weighted(0.3, metadata()),
        tags in weighted(0.2, vec(label(), 0..3)),
        (add_tags, remove_tags) in (vec(label(), 0..2), vec(label(), 0..2)),
        kind in weighted(0.2, weighted(0.7, label())),
        agent in weighted(0.2, weighted(0.7, label())),
        others in (labels(), any::<[bool; 3]>()),
        times in (weighted(0.2, time_ms()), weighted(0.2, weighted(0.6, time_ms()))),
        vectors in vec((vector(), any::<bool>()), 0..3),
    ) -> Patch {
        let mut patch = Patch::new();
        (patch.content, patch.importance, patch.valence) = (content, importance, valence);
        (patch.priority, patch.metadata) = (priority, metadata);
        (patch.tags, patch.add_tags, patch.remove_tags) = (tags, add_tags, remove_tags);
        (patch.kind, patch.agent) = (kind, agent);
        let ((session, project, channel, source, _), [has_session, has_project, has_channel]) =
            others;
        patch.session = has_session.then_some(session);
        patch.project = has_project.then_some(project);
        patch.channel = has_channel.then_some(channel);
        patch.source = has_channel.then_some(source);
        (patch.created_ms, patch.expires_ms) = times;
        patch.vectors = vectors
            .into_iter()
            .map(|((space, vector), is_kept)| (space, is_kept.then_some(vector)))
            .collect();
        patch
    }
}

/// A question to both, in every form that takes a filter.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) list: List,
    pub(crate) with_superseded: bool,
    pub(crate) vector: (String, Vec<f32>),
    pub(crate) words: Vec<&'static str>,
}

prop_compose! {
    pub(crate) fn look()(
        namespace in weighted(0.4, word(&NAMESPACES)),
        filter in weighted(0.9, filter()),
        order in select(vec![
            Order::Newest, Order::Oldest, Order::Updated, Order::Importance, Order::Priority,
        ]),
        limit in 1..9_usize,
        with_superseded in any::<bool>(),
        vector in vector(),
        words in vec(select(&WORDS[..]), 1..3),
    ) -> Look {
        let mut list = List::new().order(order).limit(limit);
        list.namespace = namespace;
        list.filter = filter;
        Look { list, with_superseded, vector, words }
    }
}

pub(crate) fn scope() -> impl Strategy<Value = (Option<String>, Filter)> {
    (weighted(0.5, word(&NAMESPACES)), filter())
}
