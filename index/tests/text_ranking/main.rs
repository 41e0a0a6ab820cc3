//! Ranking equals a naive BM25 over the documents that live in the view, whatever was overwritten,
//! deleted, sealed or merged, and goes on doing so while the writer writes.

#![expect(clippy::unwrap_used, reason = "an error where none should be fails the test")]

mod naive;

use memlith_index::text::{
    Analyzer, Bm25, Clause, Compaction, Occur, Pattern, Query, TextHit, TextIndex, TextView,
};
use naive::{About, Model, groups, ranked};
use proptest::prelude::*;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn search(view: &TextView, query: &str, k: usize, filter: Option<&RoaringBitmap>) -> Vec<TextHit> {
    view.search(&Query::words(query), k, filter, &mut || true).unwrap()
}

fn reseal(index: &TextIndex, seq: u64) -> TextIndex {
    let image = index.write_image(seq).unwrap();
    TextIndex::from_image(Arc::new(image), Analyzer::default()).unwrap()
}

/// Gives the index what a compaction makes, in steps.
fn compact(index: &mut TextIndex, mut compaction: Compaction) {
    while !compaction.step(3).unwrap() {}
    let compacted = compaction.finish().unwrap();
    index.adopt(&compacted.receipt, 7, Arc::new(compacted.image)).unwrap();
}

fn seal(index: &mut TextIndex) {
    if let Some(compaction) = index.seal() {
        compact(index, compaction);
    }
}

/// What terms score by themselves adds up to the scores of documents, and documents without one are out.
fn assert_terms_add_up(view: &TextView, query: &Query, of: &RoaringBitmap, hits: &[TextHit]) {
    let mut sums = BTreeMap::<u32, f32>::new();
    for (ordinal, score) in view.scores_by_term(query, of, &mut || true).unwrap().concat() {
        *sums.entry(ordinal).or_default() += score;
    }
    for hit in hits {
        let sum = sums.get(&hit.ordinal).copied().unwrap_or_default();
        assert!((sum - hit.score).abs() <= hit.score * 1e-5, "{sum} {hit:?}");
    }
    let admitted = view.admitted(query, of.clone(), &mut || true).unwrap();
    assert!(hits.iter().all(|hit| admitted.contains(hit.ordinal)));
    let others: RoaringBitmap = hits.iter().map(|hit| hit.ordinal).collect();
    let unscored = &admitted - others;
    assert!(unscored.iter().all(|ordinal| !sums.contains_key(&ordinal)));
}

/// Everything a view answers, against the model. Scores must be equal to the last bit.
fn assert_view(view: &TextView, model: &Model, query: &Query, k: usize, filter: &RoaringBitmap) {
    let search = |view: &TextView, filter| view.search(query, k, filter, &mut || true).unwrap();
    assert_eq!(search(view, None), model.search(query, k, None, Bm25::default()));
    let filtered = model.search(query, k, Some(filter), Bm25::default());
    assert_eq!(search(view, Some(filter)), filtered);

    let flat = Bm25 { k1: 0.6, b: 0.0, rarity: 1.5 };
    let reranked = view.clone().with_parameters(flat);
    assert_eq!(search(&reranked, None), model.search(query, k, None, flat));

    let mut expected = model.scores(query, Bm25::default());
    expected.retain(|hit| filter.contains(hit.ordinal));
    let scores = view.scores(query, filter, &mut || true).unwrap();
    assert!(scores.iter().copied().eq(expected.iter().map(|hit| (hit.ordinal, hit.score))));

    assert_terms_add_up(view, query, filter, &expected);

    assert_eq!(view.live(), model.0.len() as u64);
    let mut lengths = Vec::new();
    view.for_each_live(|ordinal, length| lengths.push((ordinal, length))).unwrap();
    assert!(lengths.into_iter().eq(model.0.iter().map(|(&o, terms)| (o, terms.len() as u32))));

    let mut postings = BTreeMap::<(String, u32), u32>::new();
    for (&ordinal, terms) in &model.0 {
        for (term, _) in terms {
            *postings.entry((term.clone(), ordinal)).or_default() += 1;
        }
    }
    let mut found = Vec::new();
    view.for_each_posting(|term, ordinal, tf| found.push(((term.to_owned(), ordinal), tf)))
        .unwrap();
    assert!(found.into_iter().eq(postings));
    view.validate().unwrap();

    let asked = [Occur::Should, Occur::Must].map(|occur| groups(query, occur));
    let asked: Vec<About> = asked.into_iter().flatten().flatten().map(|(about, _)| about).collect();
    for ordinal in 0..ORDINALS {
        let document = model.0.get(&ordinal);
        assert_eq!(view.contains(ordinal).unwrap(), document.is_some());
        let matched: BTreeSet<&String> = document
            .into_iter()
            .flatten()
            .map(|(term, _)| term)
            .filter(|term| asked.iter().any(|about| about.has_term(term)))
            .collect();
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
    /// Move what is in memory into a segment.
    Seal,
    /// Begin to move it, and go on writing.
    BeginSeal,
    /// Make one segment of several, if there are too many.
    Merge,
    /// Close and open.
    Reopen,
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

/// The first words of a text.
fn few(text: &str) -> String {
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn query() -> impl Strategy<Value = Query> {
    let occur = prop::sample::select(vec![
        Occur::Should,
        Occur::Should,
        Occur::Should,
        Occur::Must,
        Occur::Must,
        Occur::MustNot,
    ]);
    let beginning = prop::sample::select(vec!["c", "ca", "Cat", "foo", "foo_", "1", "zz"]);
    let word = prop::sample::select(vec!["cat", "teh", "foo", "Zebar", "1243", "x", "mian"]);
    let pattern = prop_oneof![
        2 => text().prop_map(|text| Pattern::Words(few(&text))),
        2 => text().prop_map(|text| Pattern::Phrase(few(&text))),
        1 => beginning.prop_map(|text| Pattern::Prefix(text.to_owned())),
        1 => (word, 0..=2_u8).prop_map(|(word, typos)| Pattern::Fuzzy { word: word.to_owned(), typos }),
    ];
    let clause = (occur, pattern).prop_map(|(occur, pattern)| Clause { occur, pattern });
    let words = text().prop_map(|text| Query::words(&text));
    let clauses = prop::collection::vec(clause, 1..4).prop_map(|clauses| {
        let mut query = Query::default();
        for clause in clauses {
            query.push(clause);
        }
        query
    });
    prop_oneof![words, clauses]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..ORDINALS, text()).prop_map(|(ordinal, text)| Step::Insert(ordinal, text)),
        3 => (0..ORDINALS).prop_map(Step::Remove),
        2 => Just(Step::View),
        1 => Just(Step::Reseal),
        2 => Just(Step::Seal),
        1 => Just(Step::BeginSeal),
        2 => Just(Step::Merge),
        1 => Just(Step::Reopen),
        4 => Just(Step::Commit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_view_ranks_as_the_naive_formula_does(
        steps in prop::collection::vec(step(), 1..80),
        query in query(),
        k in 0..12_usize,
        filter in prop::collection::vec(0..ORDINALS, 0..10),
    ) {
        let filter = RoaringBitmap::from_iter(filter);
        let mut index = TextIndex::new(Analyzer::default());
        let mut model = Model::default();
        let mut seq = 1;
        let mut views = Vec::new();
        let mut begun = None;
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
                    begun = None;
                    prop_assert_eq!(index.dead(), 0);
                    prop_assert_eq!(index.view(seq).digest().unwrap(), digest);
                }
                Step::Commit => seq += 1,
                Step::Seal => {
                    if let Some(compaction) = begun.take() {
                        compact(&mut index, compaction);
                    }
                    seal(&mut index);
                    seq += 1;
                    prop_assert_eq!(index.unsealed(), 0);
                }
                Step::BeginSeal => {
                    if let Some(compaction) = begun.take() {
                        compact(&mut index, compaction);
                    }
                    begun = index.seal();
                    seq += 1;
                }
                Step::Merge => {
                    if let Some(compaction) = index.merge() {
                        compact(&mut index, compaction);
                    }
                    seq += 1;
                }
                Step::Reopen => {
                    seal(&mut index);
                    begun = None;
                    let view = index.view(seq);
                    let segments: Vec<_> = view.segments().collect();
                    index = TextIndex::from_segments(segments, Analyzer::default()).unwrap();
                    prop_assert_eq!(index.view(seq).digest().unwrap(), view.digest().unwrap());
                    seq += 1;
                }
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
                Step::Seal => seal(&mut index),
                Step::Merge => {
                    if let Some(compaction) = index.merge() {
                        compact(&mut index, compaction);
                    }
                }
                _ => {}
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

/// Enough documents for several windows, blocks and segments, with holes in all of them.
#[test]
fn ranking_holds_across_windows_blocks_and_segments() {
    let text = |i: u32| {
        let often = "filler ".repeat((i as usize * 7) % 5);
        format!(
            "common word{} pair{} {often}{}",
            i % 7,
            i % 1000,
            "tail words ".repeat(i as usize % 3)
        )
    };
    let mut index = TextIndex::new(Analyzer::default());
    let mut segmented = TextIndex::new(Analyzer::default());
    let mut model = Model::default();
    for i in 0..9000 {
        index.insert(i, &text(i), 1).unwrap();
        segmented.insert(i, &text(i), 1).unwrap();
        model.insert(i, &text(i));
        if i % 1500 == 1499 {
            seal(&mut segmented);
        }
    }
    let whole = model.clone();
    let before = [index.view(1), segmented.view(1)];
    let mut index = reseal(&index, 1);
    for i in (0..9000).step_by(3) {
        index.remove(i, 2).unwrap();
        segmented.remove(i, 2).unwrap();
        model.0.remove(&i);
    }
    let between = (segmented.view(2), model.clone());
    for i in (0..14_000).step_by(5) {
        index.insert(i, &text(i + 1), 3).unwrap();
        segmented.insert(i, &text(i + 1), 3).unwrap();
        model.insert(i, &text(i + 1));
        if i == 7000 {
            seal(&mut segmented);
        }
    }
    let cut = segmented.view(3);
    if let Some(compaction) = segmented.merge() {
        compact(&mut segmented, compaction);
    }
    let views = [index.view(3), reseal(&index, 3).view(3), cut, segmented.view(3)];
    let wide = (100..9000).step_by(7).collect::<RoaringBitmap>();
    let narrow = RoaringBitmap::from_iter([5, 10, 11, 4444, 8000, 13_995]);
    let required = |words: &str| Query::all_words(words);
    let queries = [
        Query::words("common"),
        Query::words("word3 pair17"),
        Query::words("common filler pair999"),
        Query::words("common filler word1 word2 tail words pair5"),
        Query::words("nothing"),
        required("common word3"),
        required("filler pair44"),
        required("tail common words"),
        required("filler").with(Occur::Should, Pattern::Words("pair7 word1".into())),
        Query::words("filler word2").with(Occur::MustNot, Pattern::Words("tail".into())),
        Query::parse("\"filler tail words\" word5"),
        Query::parse("+\"words tail\" pair1* -word6"),
        Query::parse("+wrod1~ filler"),
    ];
    for query in &queries {
        let [now, then, between_them] =
            [&model, &whole, &between.1].map(|model| model.scores(query, Bm25::default()));
        for (filter, k) in [(None, 20), (Some(&wide), 20), (Some(&narrow), 3), (None, 1)] {
            let find = |view: &TextView| view.search(query, k, filter, &mut || true).unwrap();
            let expected = ranked(&now, k, filter);
            for (at, view) in views.iter().enumerate() {
                assert_eq!(find(view), expected, "{query:?} in view {at}");
            }
            let expected = ranked(&then, k, filter);
            for view in &before {
                assert_eq!(find(view), expected, "{query:?} before");
            }
            let expected = ranked(&between_them, k, filter);
            assert_eq!(find(&between.0), expected, "{query:?} between");
        }
    }
    assert_eq!(search(&views[0], "common", usize::MAX, None).len(), model.0.len());
    assert!(views[3].segments().count() < 6);
}

#[test]
fn a_segment_takes_the_place_of_what_it_was_made_from_once() {
    let mut index = TextIndex::new(Analyzer::default());
    for i in 0..10 {
        index.insert(i, "old words", 1).unwrap();
    }
    let compacted = index.seal().unwrap().finish().unwrap();
    index.insert(3, "new words", 2).unwrap();
    index.remove(4, 2).unwrap();
    let image: Arc<Vec<u8>> = Arc::new(compacted.image);
    index.adopt(&compacted.receipt, 5, image.clone()).unwrap();
    assert_eq!((index.live(), index.dead(), index.unsealed()), (9, 2, 1));
    assert_eq!(search(&index.view(2), "old", 99, None).len(), 8);
    assert!(index.adopt(&compacted.receipt, 6, image).is_err());
    let segments: Vec<_> = index.view(2).segments().collect();
    assert_eq!((segments.len(), segments[0].tag), (1, 5));
    assert!(segments[0].dead.iter().eq([3, 4]));
    for i in 0..10 {
        index.remove(i, 3).unwrap();
    }
    let nothing = index.seal().unwrap().finish().unwrap();
    index.adopt(&nothing.receipt, 7, Arc::new(nothing.image)).unwrap();
    let merged = index.merge().unwrap().finish().unwrap();
    index.adopt(&merged.receipt, 8, Arc::new(merged.image)).unwrap();
    assert_eq!((index.dead(), index.view(3).segments().count()), (0, 0));
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
        assert_eq!(view.matched_terms(&Query::words("new old"), u32::MAX).unwrap(), ["new"]);
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
    let stopped = view.search(&Query::words("same"), 1, None, &mut || {
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

#[test]
fn a_field_counts_as_often_as_it_is_said_to() {
    let fields = [("the red house", 1), ("house boat", 3), ("", 8), ("red", 2)];
    let mut model = Model::default();
    let mut index = TextIndex::new(Analyzer::default());
    let others = ["red boat", "a house on a hill", "nothing of it"];
    for (ordinal, text) in (1..).zip(others) {
        index.insert(ordinal, text, 1).unwrap();
        model.insert(ordinal, text);
    }
    index.insert_fields(0, &fields, None, 1).unwrap();
    model.insert(0, "the red house house boat house boat house boat red red");
    for sealed in [false, true] {
        if sealed {
            seal(&mut index);
        }
        let view = index.view(1);
        for query in ["house", "red boat", "the hill house"] {
            let query = Query::words(query);
            let expected = model.search(&query, 10, None, Bm25::default());
            assert_eq!(view.search(&query, 10, None, &mut || true).unwrap(), expected);
        }
        let found = |query| {
            let hits = view.search(&Query::parse(query), 10, None, &mut || true).unwrap();
            hits.iter().map(|hit| hit.ordinal).collect::<Vec<_>>()
        };
        assert_eq!(found("\"house boat\""), [0]);
        // Not across fields, nor from one time to the next.
        assert!(found("\"house house\"").is_empty() && found("\"boat house\"").is_empty());
        assert!(found("\"boat red\"").is_empty() && found("\"red red\"").is_empty());
    }
}
