//! Ranking equals a naive BM25 over the documents that live in the view, whatever was overwritten,
//! deleted or moved into an image, and goes on doing so while the writer writes.

#![expect(clippy::unwrap_used, reason = "an error where none should be fails the test")]

use memlith_index::text::{Analyzer, Bm25, TextHit, TextIndex, TextView};
use proptest::prelude::*;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The documents that should live, as their terms.
#[derive(Clone, Default)]
struct Model(BTreeMap<u32, Vec<String>>);

impl Model {
    fn insert(&mut self, ordinal: u32, text: &str) {
        self.0.insert(ordinal, analyze(text));
    }

    fn scores(&self, query: &str, Bm25 { k1, b }: Bm25) -> Vec<TextHit> {
        let mut said = BTreeMap::<String, f64>::new();
        for term in analyze(query) {
            *said.entry(term).or_default() += 1.0;
        }
        let tf =
            |document: &[String], term: &str| document.iter().filter(|t| *t == term).count() as f64;
        let n = self.0.len() as f64;
        let average = self.0.values().map(Vec::len).sum::<usize>().max(1) as f64 / n.max(1.0);
        let mut sums = BTreeMap::<u32, f64>::new();
        for (term, said) in said {
            let df = self.0.values().filter(|document| tf(document, &term) > 0.0).count() as f64;
            let weight = said * ((1.0 + (n - df + 0.5) / (df + 0.5)).ln() * (k1 + 1.0));
            for (&ordinal, document) in &self.0 {
                let norm = k1 * (1.0 - b) + k1 * b / average * document.len() as f64;
                let tf = tf(document, &term);
                if tf > 0.0 {
                    *sums.entry(ordinal).or_default() += weight * tf / (tf + norm);
                }
            }
        }
        sums.into_iter().map(|(ordinal, score)| TextHit { ordinal, score: score as f32 }).collect()
    }

    fn search(
        &self,
        query: &str,
        k: usize,
        filter: Option<&RoaringBitmap>,
        p: Bm25,
    ) -> Vec<TextHit> {
        let mut hits = self.scores(query, p);
        hits.retain(|hit| filter.is_none_or(|filter| filter.contains(hit.ordinal)));
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.ordinal.cmp(&b.ordinal)));
        hits.truncate(k);
        hits
    }
}

fn analyze(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    Analyzer::default().analyze(text, |term| terms.push(term.to_owned()));
    terms
}

fn search(view: &TextView, query: &str, k: usize, filter: Option<&RoaringBitmap>) -> Vec<TextHit> {
    view.search(query, k, filter, &mut || true).unwrap()
}

fn reseal(index: &TextIndex, seq: u64) -> TextIndex {
    let image = index.write_image(seq).unwrap();
    TextIndex::from_image(Arc::new(image), Analyzer::default()).unwrap()
}

/// Everything a view answers, against the model. Scores must be equal to the last bit.
fn assert_view(view: &TextView, model: &Model, query: &str, k: usize, filter: &RoaringBitmap) {
    assert_eq!(search(view, query, k, None), model.search(query, k, None, Bm25::default()));
    let filtered = model.search(query, k, Some(filter), Bm25::default());
    assert_eq!(search(view, query, k, Some(filter)), filtered);

    let flat = Bm25 { k1: 0.6, b: 0.0 };
    let reranked = view.clone().with_parameters(flat);
    assert_eq!(search(&reranked, query, k, None), model.search(query, k, None, flat));

    let mut expected = model.scores(query, Bm25::default());
    expected.retain(|hit| filter.contains(hit.ordinal));
    let scores = view.scores(query, filter, &mut || true).unwrap();
    assert!(scores.iter().copied().eq(expected.iter().map(|hit| (hit.ordinal, hit.score))));

    assert_eq!(view.live(), model.0.len() as u64);
    let mut lengths = Vec::new();
    view.for_each_live(|ordinal, length| lengths.push((ordinal, length))).unwrap();
    assert!(lengths.into_iter().eq(model.0.iter().map(|(&o, terms)| (o, terms.len() as u32))));

    let mut postings = BTreeMap::<(String, u32), u32>::new();
    for (&ordinal, terms) in &model.0 {
        for term in terms {
            *postings.entry((term.clone(), ordinal)).or_default() += 1;
        }
    }
    let mut found = Vec::new();
    view.for_each_posting(|term, ordinal, tf| found.push(((term.to_owned(), ordinal), tf)))
        .unwrap();
    assert!(found.into_iter().eq(postings));
    view.validate().unwrap();

    let asked = analyze(query).into_iter().collect::<BTreeSet<_>>();
    for ordinal in 0..ORDINALS {
        let document = model.0.get(&ordinal);
        assert_eq!(view.contains(ordinal).unwrap(), document.is_some());
        let matched = asked.iter().filter(|term| document.is_some_and(|d| d.contains(term)));
        assert!(view.matched_terms(query, ordinal).unwrap().iter().eq(matched));
    }
}

const ORDINALS: u32 = 16;

#[derive(Clone, Debug)]
enum Step {
    Insert(u32, String),
    Remove(u32),
    /// Keep a view, and what it should answer for ever.
    View,
    /// Move everything that lives into an image.
    Reseal,
    /// The next operations belong to a later commit.
    Commit,
}

fn text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "the",
        "the",
        "the",
        "a",
        "cat",
        "Cat",
        "dog's",
        "café",
        "cafe",
        "foo_bar",
        "foo",
        "E1234",
        "1234",
        "src/main.rs",
        "main",
        "東京",
        "🎉",
        "--",
        "\"",
        "zebra",
    ]);
    prop::collection::vec(word, 0..10).prop_map(|words| words.join(" "))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..ORDINALS, text()).prop_map(|(ordinal, text)| Step::Insert(ordinal, text)),
        3 => (0..ORDINALS).prop_map(Step::Remove),
        2 => Just(Step::View),
        1 => Just(Step::Reseal),
        4 => Just(Step::Commit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_view_ranks_as_the_naive_formula_does(
        steps in prop::collection::vec(step(), 1..60),
        query in text(),
        k in 0..12_usize,
        filter in prop::collection::vec(0..ORDINALS, 0..10),
    ) {
        let filter = RoaringBitmap::from_iter(filter);
        let mut index = TextIndex::new(Analyzer::default());
        let mut model = Model::default();
        let mut seq = 1;
        let mut views = Vec::new();
        for step in steps {
            match step {
                Step::Insert(ordinal, text) => {
                    index.insert(ordinal, &text, seq).unwrap();
                    model.insert(ordinal, &text);
                }
                Step::Remove(ordinal) => {
                    let was_there = model.0.remove(&ordinal).is_some();
                    prop_assert_eq!(index.remove(ordinal, seq).unwrap(), was_there);
                }
                Step::View => {
                    views.push((index.view(seq), model.clone()));
                    seq += 1;
                }
                Step::Reseal => {
                    let digest = index.view(seq).digest().unwrap();
                    index = reseal(&index, seq);
                    prop_assert_eq!(index.dead(), 0);
                    prop_assert_eq!(index.view(seq).digest().unwrap(), digest);
                }
                Step::Commit => seq += 1,
            }
            prop_assert_eq!(index.live(), model.0.len() as u64);
        }
        views.push((index.view(seq), model));
        for (view, model) in &views {
            assert_view(view, model, &query, k, &filter);
        }
    }

    #[test]
    fn a_rebuild_gives_the_same_image(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut index = TextIndex::new(Analyzer::default());
        let mut texts = BTreeMap::new();
        for (seq, step) in (1..).zip(steps) {
            match step {
                Step::Insert(ordinal, text) => {
                    index.insert(ordinal, &text, seq).unwrap();
                    texts.insert(ordinal, text);
                }
                Step::Remove(ordinal) => {
                    index.remove(ordinal, seq).unwrap();
                    texts.remove(&ordinal);
                }
                Step::Reseal => index = reseal(&index, seq),
                Step::View | Step::Commit => {}
            }
        }
        let mut rebuilt = TextIndex::new(Analyzer::default());
        for (&ordinal, text) in texts.iter().rev() {
            rebuilt.insert(ordinal, text, 1).unwrap();
        }
        prop_assert_eq!(index.write_image(99).unwrap(), rebuilt.write_image(1).unwrap());
        prop_assert_eq!(index.view(99).digest().unwrap(), rebuilt.view(1).digest().unwrap());
    }
}

/// Enough documents for several windows and posting blocks, with holes in all of them.
#[test]
fn ranking_holds_across_windows_and_blocks() {
    let text = |i: u32| {
        format!("common word{} pair{} {}", i % 7, i % 1000, "filler ".repeat(i as usize % 5))
    };
    let mut index = TextIndex::new(Analyzer::default());
    let mut model = Model::default();
    for i in 0..9000 {
        index.insert(i, &text(i), 1).unwrap();
        model.insert(i, &text(i));
    }
    let whole = model.clone();
    let before = index.view(1);
    let mut index = reseal(&index, 1);
    for i in (0..9000).step_by(3) {
        index.remove(i, 2).unwrap();
        model.0.remove(&i);
    }
    for i in (0..14_000).step_by(5) {
        index.insert(i, &text(i + 1), 3).unwrap();
        model.insert(i, &text(i + 1));
    }
    let mixed = index.view(3);
    let sealed = reseal(&index, 3).view(3);
    let filter = (100..5000).step_by(7).collect::<RoaringBitmap>();
    for query in ["common", "word3 pair17", "common filler pair999", "nothing"] {
        let expected = model.search(query, 20, None, Bm25::default());
        assert_eq!(search(&mixed, query, 20, None), expected, "{query}");
        assert_eq!(search(&sealed, query, 20, None), expected, "{query}");
        assert_eq!(
            search(&before, query, 20, None),
            whole.search(query, 20, None, Bm25::default())
        );
        let expected = model.search(query, 20, Some(&filter), Bm25::default());
        assert_eq!(search(&mixed, query, 20, Some(&filter)), expected, "{query}");
    }
    assert_eq!(search(&mixed, "common", usize::MAX, None).len(), model.0.len());
}

#[test]
fn readers_see_their_instant_while_the_writer_writes() {
    let mut index = TextIndex::new(Analyzer::default());
    for i in 0..500 {
        index.insert(i, &format!("stable term{}", i % 10), 1).unwrap();
    }
    let view = index.view(1);
    let expected = search(&view, "stable term3", 50, None);
    let digest = view.digest().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(search(&view, "stable term3", 50, None), expected);
                    assert_eq!(view.digest().unwrap(), digest);
                }
            });
        }
        for i in 0..6000 {
            index
                .insert(i % 700, &format!("stable term{} fresh{i}", i % 9), 2 + u64::from(i))
                .unwrap();
        }
    });
    assert_eq!(index.live(), 700);
    assert_eq!(search(&index.view(9000), "fresh5999", 5, None)[0].ordinal, 5999 % 700);
}

#[test]
fn a_view_of_the_latest_sequence_sees_what_lives() {
    let mut index = TextIndex::new(Analyzer::default());
    index.insert(u32::MAX, "old", 1).unwrap();
    index.insert(u32::MAX, "new", 2).unwrap();
    for seq in [0, 2, u64::MAX] {
        let view = index.view(seq);
        assert_eq!(search(&view, "new old", 9, None).len(), 1, "{seq}");
        assert_eq!(view.matched_terms("new old", u32::MAX).unwrap(), ["new"]);
    }
    assert!(index.remove(u32::MAX, 3).unwrap());
    assert!(!index.remove(u32::MAX, 3).unwrap());
    assert!(!index.view(u64::MAX).contains(u32::MAX).unwrap());
    assert_eq!(index.dead(), 2);
}

const _: () = {
    const fn is_send<T: Send>() {}
    const fn is_shared<T: Clone + Send + Sync>() {}
    is_send::<TextIndex>();
    is_shared::<TextView>();
};

#[test]
fn odd_queries_find_nothing_and_break_nothing() {
    let mut index = TextIndex::new(Analyzer::default());
    index.insert(7, "a \"quoted\" (phrase) AND not* field:value", 1).unwrap();
    index.insert(9, "", 1).unwrap();
    let view = index.view(1);
    for query in ["", "   ", "\"", "(", "*", "AND OR NOT)(", "~^", "\0", "\u{202e}", "𝒳"] {
        let hits = search(&view, query, 10, None);
        assert_eq!(hits.is_empty(), !query.contains("AND"), "{query:?}");
    }
    let huge = "quoted ".repeat(100_000);
    assert_eq!(search(&view, &huge, 10, None).len(), 1);
    let scattered = (0..50_000).map(|i| format!("w{i}")).collect::<Vec<_>>().join(" ");
    assert!(search(&view, &scattered, 10, None).is_empty());
    assert!(search(&view, "quoted", 0, None).is_empty());
    assert_eq!(search(&view, "QUOTED field", 3, None), search(&view, "field quoted", 3, None));
}

#[test]
fn a_query_stops_when_told_to() {
    let mut index = TextIndex::new(Analyzer::default());
    for i in 0..30_000 {
        index.insert(i, "same", 1).unwrap();
    }
    let view = index.view(1);
    let mut polls = 0;
    let stopped = view.search("same", 1, None, &mut || {
        polls += 1;
        polls < 2
    });
    assert_eq!(stopped, Err(memlith_index::text::TextError::Stopped));
    assert_eq!(polls, 2);
}

#[test]
fn memory_use_is_reported() {
    let mut index = TextIndex::new(Analyzer::default());
    let empty = index.heap_bytes();
    for i in 0..5000 {
        index.insert(i, &format!("shared own{i}"), 1).unwrap();
    }
    let full = index.heap_bytes();
    // At least a slot, two postings and a name each, and no more than that many times over.
    assert!(full - empty > 5000 * (24 + 2 * 8 + 7), "{full}");
    assert!(full < 5000 * 600, "{full}");
    assert!(reseal(&index, 1).heap_bytes() < full / 100);
}
