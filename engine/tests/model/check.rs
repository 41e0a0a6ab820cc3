//! Comparing what a View shows with what the model says.
//!
//! **Invariant:** reads only through calls that do not count as accesses, or counts them in the
//! model too.

use super::naive::Naive;
use super::record::{Record, nearness};
use super::values::{Look, NAMESPACES};
use memlith::{List, Memory, Order, Recall, View};
use std::collections::{BTreeMap, BTreeSet};

/// Nearness is compared up to the rounding of its `f32`.
const TOLERANCE: f64 = 1e-5;

/// Everything that there is.
pub(crate) fn check_everything(view: &View, model: &Naive) {
    let now_ms = model.now_ms();
    let shown = all(view, &List::new().order(Order::Oldest).limit(7));
    let mut shown: Vec<Record> =
        shown.iter().map(|m| Record::read(view, m).expect("its vectors are there")).collect();
    shown.sort_by_key(|r| r.id);
    let known: Vec<Record> =
        model.records.values().filter(|r| r.is_live(now_ms)).cloned().collect();
    assert_eq!(shown, known);

    let spaces: BTreeMap<_, _> =
        view.spaces().into_iter().map(|s| (s.name, (s.dimension, s.metric))).collect();
    assert_eq!(spaces, model.spaces);
    let indexes: BTreeSet<String> = view.metadata_indexes().into_iter().collect();
    assert_eq!(indexes, model.indexes);
    check_namespaces(view, model);
}

fn check_namespaces(view: &View, model: &Naive) {
    // What has expired and is not deleted yet still counts here.
    let known: BTreeSet<&str> = model.records.values().map(|r| r.namespace.as_str()).collect();
    let mut names: Vec<String> = Vec::new();
    loop {
        let after = names.last().map(String::as_str);
        let more = view.namespaces(after, 2).expect("they can be listed");
        if more.is_empty() {
            break;
        }
        names.extend(more);
    }
    assert!(names.iter().eq(known.iter()), "{names:?} must be {known:?}");
    for namespace in NAMESPACES {
        let stats = view.namespace_stats(namespace).expect("it can be counted");
        let all: Vec<&Record> = model.matching(Some(namespace), None).collect();
        let count = |is: &dyn Fn(&Record) -> bool| all.iter().filter(|r| is(r)).count() as u64;
        assert_eq!(stats.memories, all.len() as u64);
        assert_eq!(stats.superseded, count(&|r| r.superseded_by.is_some()));
        let sessions: BTreeSet<_> = all.iter().filter_map(|r| r.session.as_ref()).collect();
        assert_eq!(stats.sessions, sessions.len() as u64);
        assert_eq!(stats.kinds, most_frequent(all.iter().filter_map(|r| r.kind.clone())));
        assert_eq!(stats.agents, most_frequent(all.iter().filter_map(|r| r.agent.clone())));
        assert_eq!(stats.tags, most_frequent(all.iter().flat_map(|r| r.tags.clone())));
        for (space, found) in stats.spaces {
            assert_eq!(found, count(&|r| r.vectors.contains_key(&space)), "space {space}");
        }
    }
}

fn most_frequent(labels: impl Iterator<Item = String>) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    labels.for_each(|label| *counts.entry(label).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

/// All pages of a listing. Cursors go through their text.
fn all(view: &View, list: &List) -> Vec<Memory> {
    let mut found = Vec::new();
    let mut list = list.clone();
    loop {
        let page = view.list(&list).expect("it can be listed");
        assert!(page.memories.len() <= list.limit);
        assert!(page.memories.len() == list.limit || page.next.is_none());
        found.extend(page.memories);
        match page.next {
            Some(cursor) => {
                let text = cursor.to_string();
                list = list.after(text.parse().expect("a cursor reads back"));
            }
            None => return found,
        }
    }
}

/// One question, in every form that takes a filter.
pub(crate) fn check_look(view: &View, model: &mut Naive, look: &Look) {
    let List { namespace, filter, order, limit, .. } = &look.list;
    let (namespace, filter) = (namespace.as_deref(), filter.as_ref());
    let mut known: Vec<Record> = model.matching(namespace, filter).cloned().collect();
    let count = view.count(namespace, filter).expect("it can be counted");
    assert_eq!(count, known.len() as u64, "{look:?}\nof {:#?}", model.records);

    sort(&mut known, *order);
    let listed = ids(all(view, &look.list).iter());
    assert_eq!(listed, known.iter().map(|r| r.id).collect::<Vec<_>>(), "{look:?}");

    known.retain(|r| look.with_superseded || r.superseded_by.is_none());
    // What neighbours in a session lend is tested by itself.
    let mut request =
        Recall::new().context(0.0).limit(*limit).include_superseded(look.with_superseded);
    request.namespace = namespace.map(Into::into);
    request.filter = filter.cloned();
    let is_moving = filter.is_some_and(|f| f.to_string().contains("access"));

    sort(&mut known, Order::Newest);
    let newest: Vec<u64> = known.iter().take(*limit).map(|r| r.id).collect();
    let hits = view.recall(&request).expect("it can be recalled").hits;
    assert_eq!(ids(hits.iter().map(|h| &h.memory)), newest, "{request:?}");
    model.touch(newest);
    if is_moving {
        // To recall has changed what the filter is about.
        return;
    }
    check_words(view, model, look, &known, request.clone());
    check_vector(view, model, look, &known, request);
}

fn check_words(view: &View, model: &mut Naive, look: &Look, known: &[Record], request: Recall) {
    let request = request.text(look.words.join(" ")).limit(1_000).explain(true);
    let hits = view.recall(&request).expect("it can be recalled").hits;
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    let mut found = ids(hits.iter().map(|h| &h.memory));
    found.sort_unstable();
    let has_word = |r: &&Record| r.content.split(' ').any(|word| look.words.contains(&word));
    let mut expected: Vec<u64> = known.iter().filter(has_word).map(|r| r.id).collect();
    expected.sort_unstable();
    assert_eq!(found, expected, "{request:?}");
    for hit in &hits {
        let words: BTreeSet<&str> = hit.memory.content.split(' ').collect();
        let matched: BTreeSet<&str> =
            look.words.iter().copied().filter(|word| words.contains(word)).collect();
        let explanation = hit.explanation.as_ref().expect("it was asked for");
        let explained: BTreeSet<&str> =
            explanation.matched_terms.iter().map(String::as_str).collect();
        assert_eq!(explained, matched);
    }
    model.touch(found);
}

fn check_vector(view: &View, model: &mut Naive, look: &Look, known: &[Record], request: Recall) {
    let (name, query) = &look.vector;
    let limit = request.limit;
    let request = request.space(name.as_str()).vector(query.clone()).explain(true);
    let Some((dimension, metric)) = model.spaces.get(name).copied() else {
        assert!(view.recall(&request).is_err(), "there is no space {name}");
        return;
    };
    let is_zero = query.iter().all(|x| *x == 0.0) && metric == memlith::Metric::Cosine;
    if query.len() != dimension || is_zero || query.iter().any(|x| x.is_nan()) {
        assert!(view.recall(&request).is_err(), "space {name} refuses {query:?}");
        return;
    }
    let score = |r: &Record| r.vectors.get(name).map(|v| nearness(metric, query, v));
    let mut scores: Vec<f64> = known.iter().filter_map(score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.truncate(limit);

    let hits = view.recall(&request).expect("it can be recalled").hits;
    assert_eq!(hits.len(), scores.len(), "{request:?}");
    for (hit, expected) in hits.iter().zip(&scores) {
        let record = known.iter().find(|r| r.id == hit.id().0).expect("a hit is in scope");
        let own = score(record).expect("a hit has a vector");
        let legs = &hit.explanation.as_ref().expect("it was asked for").legs;
        assert!((own - expected).abs() < TOLERANCE, "{own} is not {expected} in {request:?}");
        assert!((f64::from(legs[0].raw) - own).abs() < TOLERANCE, "{legs:?} is not {own}");
    }
    model.touch(ids(hits.iter().map(|h| &h.memory)));
}

fn sort(records: &mut [Record], order: Order) {
    records.sort_by(|a, b| {
        let by = |of: fn(&Record) -> i64| of(b).cmp(&of(a)).then(b.id.cmp(&a.id));
        match order {
            Order::Newest => by(|r| r.created_ms),
            Order::Oldest => by(|r| r.created_ms).reverse(),
            Order::Updated => by(|r| r.updated_ms),
            Order::Importance => {
                let importance = |r: &Record| r.importance + 0.0;
                importance(b).total_cmp(&importance(a)).then(b.id.cmp(&a.id))
            }
            Order::Priority => by(|r| r.priority),
            _ => unreachable!("an order that no look asks for"),
        }
    });
}

fn ids<'a>(memories: impl Iterator<Item = &'a Memory>) -> Vec<u64> {
    memories.map(|m| m.id.0).collect()
}
