//! The graph finds what brute force finds, nearly always: under filters, after changes, in images, and
//! whoever links at the same time.

mod vectors_model;

use std::convert::Infallible;
use std::sync::Arc;

use memlith_index::vectors::{
    Clip, Effort, Found, GraphParams, Metric, Search, SearchLimits, Strategy, VectorIndex,
    VectorView,
};
use proptest::prelude::*;
use roaring::RoaringBitmap;
use vectors_model::{
    Kind, Random, Vectors, brute_force, kinds, metrics, search, vector as vector_of,
};

const DIMENSION: usize = 48;
const EF: usize = 40;

/// Vectors around many centres, as embeddings lie.
fn clustered(random: &mut Random) -> Vec<f32> {
    let mut centre = Random(1_000_000 + random.below(60) as u64);
    (0..DIMENSION).map(|_| centre.number() + 0.7 * random.number()).collect()
}

fn find(
    view: &VectorView,
    vectors: &Vectors,
    query: &[f32],
    k: usize,
    filter: Option<&RoaringBitmap>,
    ef: usize,
) -> Found {
    let mut fetch = |ordinal: u32, vector: &mut [f32]| {
        vector.copy_from_slice(&vectors[&ordinal]);
        Ok::<(), Infallible>(())
    };
    let search = Search { query, k, filter, effort: Effort::Ef(ef), scan_below: 0 };
    view.find(search, SearchLimits::none(), &mut fetch).expect("every vector can be fetched")
}

fn link_all(index: &VectorIndex, seq: u64) {
    let view = index.view(seq);
    let unlinked = view.unlinked();
    assert_eq!(view.link(usize::MAX, &mut || true), Ok(unlinked));
    assert_eq!(index.unlinked(), 0);
}

/// The share of the true ten that forty searches find. Each must give as many as there are.
fn recall(
    view: &VectorView,
    metric: Metric,
    vectors: &Vectors,
    filter: Option<&RoaringBitmap>,
    random: &mut Random,
) -> f64 {
    let (mut found, mut wanted) = (0, 0);
    for _ in 0..40 {
        let query = clustered(random);
        let expected = brute_force(metric, vectors, &query, 10, filter);
        let hits = find(view, vectors, &query, 10, filter, EF).hits;
        assert_eq!(hits.len(), expected.len());
        wanted += expected.len();
        found += hits.iter().filter(|hit| expected.contains(hit)).count();
    }
    found as f64 / wanted as f64
}

fn filled(metric: Metric, count: u32, random: &mut Random) -> (VectorIndex, Vectors) {
    let mut index = VectorIndex::new(DIMENSION, metric);
    let vectors: Vectors = (0..count).map(|ordinal| (ordinal, clustered(random))).collect();
    for (&ordinal, vector) in &vectors {
        index.insert(ordinal, vector, 1).expect("the vector fits");
    }
    (index, vectors)
}

#[test]
fn an_image_says_how_far_walks_go() {
    let mut random = Random(23);
    let (index, vectors) = filled(Metric::Cosine, 4_000, &mut random);
    link_all(&index, 1);
    let image = index.write_image(1).unwrap();
    let all: RoaringBitmap = (0..4_000).collect();
    let queries: Vec<Vec<f32>> = (0..20).map(|_| clustered(&mut random)).collect();
    let walked = |exponent: Option<f32>| {
        let mut image = image.clone();
        if let Some(exponent) = exponent {
            image[96..100].copy_from_slice(&exponent.to_le_bytes());
        }
        let view = VectorIndex::from_image(Arc::new(image)).unwrap().view(1);
        let walked = queries.iter().map(|query| {
            let Found { plan, hits, .. } = find(&view, &vectors, query, 10, Some(&all), 20);
            assert_eq!((plan.strategy, hits.len()), (Strategy::Walk, 10));
            plan.walked
        });
        walked.sum::<usize>()
    };
    // Distances that hardly grow with the rank are soon too far; those that grow much never are.
    let [near, far] = [0.01, 4.0].map(|exponent| walked(Some(exponent)));
    assert!(near < walked(None) && walked(None) < far, "{near}, {}, {far}", walked(None));
}

/// Where an image says which planes walks go by.
const SIGHT: usize = 104;

/// A view of an image whose walks go by upper planes alone, and one whose walks go by both.
fn by_each_sight(image: &[u8]) -> [VectorView; 2] {
    [0, 1].map(|sight| {
        let mut image = image.to_vec();
        image[SIGHT] = sight;
        VectorIndex::from_image(Arc::new(image)).expect("the image is whole").view(1)
    })
}

#[test]
fn lower_planes_are_looked_at_where_upper_ones_tell_too_little_apart() {
    let mut random = Random(31);
    let (plain, _) = filled(Metric::L2, 4_000, &mut random);
    link_all(&plain, 1);
    assert_eq!(plain.write_image(1).unwrap()[SIGHT], 0);

    // So near to one another that upper planes take one for the other.
    let mut tight = || {
        let mut centre = Random(2_000_000 + random.below(40) as u64);
        let vector = (0..DIMENSION).map(|_| centre.number() + 0.05 * random.number());
        vector.collect::<Vec<f32>>()
    };
    let mut index = VectorIndex::new(DIMENSION, Metric::L2);
    let vectors: Vectors = (0..6_000).map(|ordinal| (ordinal, tight())).collect();
    for (&ordinal, vector) in &vectors {
        index.insert(ordinal, vector, 1).unwrap();
    }
    link_all(&index, 1);
    let image = index.write_image(1).unwrap();
    assert_eq!(image[SIGHT], 1);
    let mut found = [0; 2];
    let views = by_each_sight(&image);
    for query in (0..100).map(|_| tight()) {
        let expected = brute_force(Metric::L2, &vectors, &query, 10, None);
        for (view, found) in views.iter().zip(&mut found) {
            let hits = find(view, &vectors, &query, 10, None, 20).hits;
            *found += hits.iter().filter(|hit| expected.contains(hit)).count();
        }
    }
    let [upper, both] = found;
    assert!(upper + 50 < both, "{upper} of a thousand by upper planes, {both} by both");
}

#[test]
fn it_finds_nearly_what_brute_force_finds_under_every_metric_and_filter() {
    for metric in Metric::ALL {
        let mut random = Random(5);
        let (index, vectors) = filled(metric, 8_000, &mut random);
        link_all(&index, 1);
        let view = index.view(1);
        let query = clustered(&mut random);
        assert_eq!(find(&view, &vectors, &query, 10, None, EF).plan.strategy, Strategy::Walk);
        let (exact, _) = search(&view, &vectors, &query, 10, None);
        assert_eq!(exact, brute_force(metric, &vectors, &query, 10, None));
        for share in [2, 3, 10, 100] {
            let filter: RoaringBitmap = (0..8_000).filter(|_| random.below(share) == 0).collect();
            let recall = recall(&view, metric, &vectors, Some(&filter), &mut random);
            assert!(recall >= 0.98, "{metric:?} with one in {share}: {recall}");
        }
        let views = by_each_sight(&index.write_image(1).unwrap());
        for view in [view].iter().chain(&views) {
            let recall = recall(view, metric, &vectors, None, &mut random);
            assert!(recall >= 0.97, "{metric:?}: {recall}");
        }
    }
}

/// The share of the true ten, or of what is as near, that searches near some phrases and elsewhere find.
fn recall_near(
    view: &VectorView,
    vectors: &Vectors,
    said: &[Vec<f32>],
    random: &mut Random,
) -> f64 {
    let (mut found, mut wanted) = (0, 0);
    for at in 0..200 {
        let query: Vec<f32> = match said.get(at) {
            Some(phrase) => phrase.iter().map(|x| x + 0.3 * random.number()).collect(),
            None => clustered(random),
        };
        let last = brute_force(Metric::Cosine, vectors, &query, 10, None)[9].score;
        let hits = find(view, vectors, &query, 10, None, EF).hits;
        wanted += 10;
        found += hits.iter().filter(|hit| hit.score >= last).count();
    }
    f64::from(found as u32) / f64::from(wanted)
}

#[test]
fn what_is_said_over_and_over_hides_nothing() {
    const ENTRIES: u32 = 6_000;
    for (copies, phrases) in [(15, 200), (50, 60), (300, 10), (2_000, 1)] {
        let mut random = Random(11);
        let said: Vec<Vec<f32>> = (0..phrases).map(|_| clustered(&mut random)).collect();
        let mut index = VectorIndex::new(DIMENSION, Metric::Cosine);
        let mut vectors = Vectors::new();
        for ordinal in 0..ENTRIES {
            let is_said = random.below(ENTRIES as usize) < copies * phrases;
            let vector =
                if is_said { said[random.below(phrases)].clone() } else { clustered(&mut random) };
            index.insert(ordinal, &vector, 1).unwrap();
            vectors.insert(ordinal, vector);
        }
        link_all(&index, 1);
        let all = recall_near(&index.view(1), &vectors, &said, &mut random);
        assert!(all >= 0.97, "{copies} copies of {phrases}: {all}");
        // Whoever came first goes, and with it what the others hang on.
        for ordinal in 0..ENTRIES / 3 {
            index.remove(ordinal, 2).unwrap();
            vectors.remove(&ordinal);
        }
        let image = index.write_image(2).unwrap();
        index = VectorIndex::from_image(Arc::new(image)).unwrap();
        assert_eq!(index.view(2).validate(), Ok(()));
        let stored = recall_near(&index.view(2), &vectors, &said, &mut random);
        assert!(stored >= 0.97, "{copies} copies of {phrases}, in an image: {stored}");
        // Each that is left of one phrase is found among all the others.
        let wanted: Vec<u32> =
            vectors.iter().filter(|(_, v)| **v == said[0]).map(|(ordinal, _)| *ordinal).collect();
        let hits = find(&index.view(2), &vectors, &said[0], wanted.len(), None, EF).hits;
        let found = wanted.iter().filter(|w| hits.iter().any(|hit| hit.ordinal == **w)).count();
        assert_eq!(found, wanted.len(), "{copies} copies of {phrases}");
    }
}

#[test]
fn whoever_says_the_same_stands_for_what_is_dead() {
    const PHRASES: u32 = 100;
    const COPIES: u32 = 6;
    let mut random = Random(12);
    let (mut index, mut vectors) = filled(Metric::Cosine, 3_000, &mut random);
    let said: Vec<Vec<f32>> = (0..PHRASES).map(|_| clustered(&mut random)).collect();
    for ordinal in 3_000..3_000 + COPIES * PHRASES {
        let vector = &said[(ordinal % PHRASES) as usize];
        index.insert(ordinal, vector, 1).unwrap();
        vectors.insert(ordinal, vector.clone());
    }
    link_all(&index, 1);
    // The first of each, on which the others hang, and the last, which hangs before them.
    for ordinal in 3_000..3_000 + COPIES * PHRASES {
        if [0, COPIES - 1].contains(&((ordinal - 3_000) / PHRASES)) {
            index.remove(ordinal, 2).unwrap();
            vectors.remove(&ordinal);
        }
    }
    index = VectorIndex::from_image(Arc::new(index.write_image(2).unwrap())).unwrap();
    let view = index.view(2);
    assert_eq!(view.validate(), Ok(()));
    assert!(index.unlinked() < 50, "{} are linked anew", index.unlinked());
    let left = COPIES as usize - 2;
    for phrase in &said {
        let hits = find(&view, &vectors, phrase, left, None, EF).hits;
        assert!(hits.iter().all(|hit| vectors[&hit.ordinal] == *phrase), "some are out of reach");
    }
}

#[test]
fn what_is_not_linked_is_found_all_the_same() {
    let mut random = Random(9);
    let (mut index, mut vectors) = filled(Metric::Cosine, 4_000, &mut random);
    link_all(&index, 1);
    for ordinal in 4_000..4_200 {
        let vector = clustered(&mut random);
        index.insert(ordinal, &vector, 2).unwrap();
        vectors.insert(ordinal, vector);
    }
    let view = index.view(2);
    assert_eq!(view.unlinked(), 200);
    for ordinal in 4_000..4_200 {
        let query = vectors[&ordinal].clone();
        let found = find(&view, &vectors, &query, 1, None, 10);
        assert_eq!(found.hits[0].ordinal, ordinal);
        assert_eq!(found.plan.strategy, Strategy::Walk);
    }
    // A view of before sees none of them, linked or not.
    link_all(&index, 2);
    let before = index.view(1);
    for ordinal in (4_000..4_200).step_by(20) {
        let hits = find(&before, &vectors, &vectors[&ordinal].clone(), 10, None, EF).hits;
        assert!(hits.len() == 10 && hits.iter().all(|hit| hit.ordinal < 4_000));
    }
}

#[test]
fn a_filter_against_the_query_is_given_up_for_a_scan() {
    let mut random = Random(3);
    let (index, vectors) = filled(Metric::Cosine, 8_000, &mut random);
    link_all(&index, 1);
    let view = index.view(1);
    let mut strategies = Vec::new();
    for _ in 0..20 {
        let query = clustered(&mut random);
        // The half that is farthest from the query.
        let all = brute_force(Metric::Cosine, &vectors, &query, 8_000, None);
        let filter: RoaringBitmap = all[4_000..].iter().map(|hit| hit.ordinal).collect();
        let found = find(&view, &vectors, &query, 10, Some(&filter), EF);
        let expected = brute_force(Metric::Cosine, &vectors, &query, 10, Some(&filter));
        let right = found.hits.iter().filter(|hit| expected.contains(hit)).count();
        assert!(right >= 9, "{right} of {:?}", found.plan);
        strategies.push(found.plan.strategy);
    }
    assert!(strategies.contains(&Strategy::WalkThenScan), "{strategies:?}");
}

#[test]
fn a_filter_for_the_query_is_walked_and_one_that_is_not_given_up_at_once() {
    let mut random = Random(19);
    let (index, vectors) = filled(Metric::Cosine, 8_000, &mut random);
    link_all(&index, 1);
    let view = index.view(1);
    let (mut right, mut given_up) = (0, 0);
    for _ in 0..20 {
        let query = clustered(&mut random);
        // A fifth of all, for which a scan is cheaper unless they are what a walk meets.
        let all = brute_force(Metric::Cosine, &vectors, &query, 8_000, None);
        let near: RoaringBitmap = all[..1_600].iter().map(|hit| hit.ordinal).collect();
        let found = find(&view, &vectors, &query, 10, Some(&near), 20);
        assert_eq!(found.plan.strategy, Strategy::Walk, "{:?}", found.plan);
        right += found.hits.iter().filter(|hit| all[..10].contains(hit)).count();
        let any: RoaringBitmap = (0..8_000).filter(|_| random.below(5) == 0).collect();
        let found = find(&view, &vectors, &query, 10, Some(&any), 20);
        if found.plan.strategy == Strategy::WalkThenScan {
            given_up += 1;
            assert!(found.plan.walked < 80, "{:?}", found.plan);
            let expected = brute_force(Metric::Cosine, &vectors, &query, 10, Some(&any));
            assert_eq!(found.hits, expected);
        }
    }
    assert!(right >= 190, "{right} of 200");
    assert!(given_up >= 10, "{given_up} of 20");
}

#[test]
fn images_keep_the_graph_and_survive_churn() {
    let mut random = Random(11);
    let (mut index, mut vectors) = filled(Metric::Cosine, 4_000, &mut random);
    link_all(&index, 1);
    for round in 2..8_u64 {
        // Half goes, a quarter is replaced, as many come.
        let ordinals: Vec<u32> = vectors.keys().copied().collect();
        for ordinal in ordinals {
            match random.below(4) {
                0 | 1 => {
                    assert_eq!(index.remove(ordinal, round), Ok(true));
                    vectors.remove(&ordinal);
                }
                2 => {
                    let vector = clustered(&mut random);
                    index.insert(ordinal, &vector, round).unwrap();
                    vectors.insert(ordinal, vector);
                }
                _ => {}
            }
        }
        for ordinal in 0..4_000 {
            let ordinal = ordinal + 4_000 * (round as u32 % 2);
            if vectors.len() < 4_000 && !vectors.contains_key(&ordinal) {
                let vector = clustered(&mut random);
                index.insert(ordinal, &vector, round).unwrap();
                vectors.insert(ordinal, vector);
            }
        }
        let tail = recall(&index.view(round), Metric::Cosine, &vectors, None, &mut random);
        assert!(tail >= 0.97, "round {round}, not linked: {tail}");
        link_all(&index, round);
        let linked = recall(&index.view(round), Metric::Cosine, &vectors, None, &mut random);
        assert!(linked >= 0.97, "round {round}, linked: {linked}");
        let image = index.write_image(round).unwrap();
        index = VectorIndex::from_image(Arc::new(image)).unwrap();
        assert_eq!((index.live(), index.dead()), (vectors.len(), 0));
        // Few have lost nearly all of their neighbours, and are to be linked anew.
        assert!(index.unlinked() < vectors.len() / 10, "{}", index.unlinked());
        let stored = recall(&index.view(round), Metric::Cosine, &vectors, None, &mut random);
        assert!(stored >= 0.97, "round {round}, image: {stored}");
    }
}

#[test]
fn an_image_of_a_graph_with_a_tail_has_both() {
    let mut random = Random(21);
    let (mut index, mut vectors) = filled(Metric::L2, 3_000, &mut random);
    link_all(&index, 1);
    for ordinal in (0..6_000).step_by(17) {
        let vector = clustered(&mut random);
        index.insert(ordinal, &vector, 2).unwrap();
        vectors.insert(ordinal, vector);
    }
    let unlinked = index.unlinked();
    let index = VectorIndex::from_image(Arc::new(index.write_image(2).unwrap())).unwrap();
    assert_eq!((index.unlinked(), index.live()), (unlinked, vectors.len()));
    for (&ordinal, vector) in &vectors {
        assert_eq!(index.view(2).matches(ordinal, vector), Ok(true));
    }
    link_all(&index, 2);
    let recall = recall(&index.view(2), Metric::L2, &vectors, None, &mut random);
    assert!(recall >= 0.97, "{recall}");
}

#[test]
fn threads_link_what_readers_search() {
    let mut random = Random(2);
    let (index, vectors) = filled(Metric::Cosine, 5_000, &mut random);
    let view = index.view(1);
    let linked: usize = std::thread::scope(|scope| {
        let linkers: Vec<_> = (0..3)
            .map(|_| {
                let view = view.clone();
                scope.spawn(move || {
                    let mut linked = 0;
                    while let Ok(more @ 1..) = view.link(64, &mut || true) {
                        linked += more;
                    }
                    linked
                })
            })
            .collect();
        while view.unlinked() > 0 {
            let query = clustered(&mut random);
            let expected = brute_force(Metric::Cosine, &vectors, &query, 10, None);
            let hits = find(&view, &vectors, &query, 10, None, EF).hits;
            assert!(hits.iter().filter(|hit| expected.contains(hit)).count() >= 6);
        }
        linkers.into_iter().map(|linker| linker.join().unwrap()).sum()
    });
    assert_eq!(linked, 5_000);
    let recall = recall(&view, Metric::Cosine, &vectors, None, &mut random);
    assert!(recall >= 0.97, "{recall}");
}

#[test]
fn linking_stops_when_it_is_told_and_goes_on() {
    let mut random = Random(8);
    let (index, _) = filled(Metric::Cosine, 300, &mut random);
    let view = index.view(1);
    let mut left = 50;
    let mut patience = || {
        left -= 1;
        left >= 0
    };
    assert_eq!(view.link(usize::MAX, &mut patience), Ok(50));
    assert_eq!(view.link(100, &mut || true), Ok(100));
    assert_eq!((view.unlinked(), index.unlinked()), (150, 150));
    link_all(&index, 1);
}

#[test]
fn parameters_are_kept_and_checked() {
    assert!(GraphParams::new(1, 100).is_none() && GraphParams::new(65, 100).is_none());
    assert!(GraphParams::new(16, 0).is_none() && GraphParams::new(16, 4_097).is_none());
    let params = GraphParams::new(5, 33).unwrap();
    let mut index = VectorIndex::with_params(2, Metric::L2, params, Clip::default());
    for ordinal in 0..100_u16 {
        index.insert(ordinal.into(), &[f32::from(ordinal), 1.0], 1).unwrap();
    }
    link_all(&index, 1);
    let image = index.write_image(1).unwrap();
    assert_eq!(VectorIndex::from_image(Arc::new(image)).unwrap().params(), params);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Of whatever data: never fewer than there are, never one that is not there, scores exact.
    #[test]
    fn hits_are_real_and_as_many_as_asked_for(
        (metric, kind, seed) in (metrics(), kinds(), any::<u64>()),
        (dimension, count, m) in (1_usize..=90, 1_u32..400, 2_usize..20),
        (k, share) in (1_usize..30, 1_usize..5),
    ) {
        let mut random = Random(seed);
        let params = GraphParams::new(m, 20).unwrap();
        let mut index = VectorIndex::with_params(dimension, metric, params, Clip::default());
        let mut vectors = Vectors::new();
        for ordinal in 0..count {
            let vector = vector_of(kind, dimension, &mut random);
            index.insert(ordinal, &vector, 1).unwrap();
            vectors.insert(ordinal, vector);
        }
        index.view(1).link(random.below(2 * count as usize), &mut || true).unwrap();
        for ordinal in 0..count {
            if random.below(4) == 0 {
                index.remove(ordinal, 2).unwrap();
                vectors.remove(&ordinal);
            }
        }
        let image = index.write_image(2).unwrap();
        let images = by_each_sight(&image);
        let views: Vec<VectorView> = images.into_iter().chain([index.view(2)]).collect();
        let filter: RoaringBitmap = (0..count).filter(|_| random.below(share) == 0).collect();
        let query = vector_of(kind, dimension, &mut random);
        for view in &views {
            for filter in [None, Some(&filter)] {
                let all = brute_force(metric, &vectors, &query, usize::MAX, filter);
                let found = find(view, &vectors, &query, k, filter, 10);
                prop_assert_eq!(found.hits.len(), k.min(all.len()), "{:?}", found.plan);
                prop_assert!(found.hits.iter().all(|hit| all.contains(hit)));
                prop_assert!(found.hits.is_sorted_by(|a, b| a.score >= b.score));
            }
        }
    }

    #[test]
    fn a_damaged_graph_is_refused_or_answers(
        (seed, count) in (any::<u64>(), 1_u32..200),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..60),
    ) {
        let mut random = Random(seed);
        let (index, vectors) = filled(Metric::Cosine, count, &mut random);
        index.view(1).link(usize::MAX, &mut || true).unwrap();
        let mut image = index.write_image(1).unwrap();
        image[SIGHT] = (seed & 1) as u8;
        // Lists and layers lie behind the codes.
        let codes = image.len() - count as usize * 128;
        for (at, flip) in flips {
            let at = codes + at.index(image.len() - codes);
            image[at] ^= flip;
        }
        let Ok(mut index) = VectorIndex::from_image(Arc::new(image)) else { return Ok(()) };
        for round in 2..4 {
            let view = index.view(round);
            let query = clustered(&mut random);
            let hits = find(&view, &vectors, &query, 5, None, 20).hits;
            prop_assert_eq!(hits.len(), 5.min(view.live()));
            index.remove(0, round).unwrap();
            index.insert(count, &clustered(&mut random), round).unwrap();
            index.remove(count, round).unwrap();
            let _ = index.view(round).link(usize::MAX, &mut || true);
            let _ = index.write_image(round);
        }
    }
}

#[test]
fn equal_vectors_are_all_found() {
    let mut index = VectorIndex::new(DIMENSION, Metric::Cosine);
    let mut vectors = Vectors::new();
    let mut random = Random(4);
    for ordinal in 0..2_000 {
        let vector = vector_of(Kind::Duplicated, DIMENSION, &mut random);
        index.insert(ordinal, &vector, 1).unwrap();
        vectors.insert(ordinal, vector);
    }
    link_all(&index, 1);
    let query = vectors[&0].clone();
    let hits = find(&index.view(1), &vectors, &query, 50, None, EF).hits;
    assert!(hits.len() == 50 && hits.iter().all(|hit| hit.score > 0.999));
}

/// What was linked among the dead finds its neighbours once these are gone.
#[test]
fn all_are_found_after_all_were_removed_and_came_again() {
    const COUNT: u32 = 6_000;
    const BATCH: u32 = 500;
    let mut random = Random(11);
    let (mut index, mut vectors) = filled(Metric::Cosine, COUNT, &mut random);
    link_all(&index, 1);
    for round in 1..4_u32 {
        let seq = u64::from(2 * round);
        for ordinal in (round - 1) * COUNT..round * COUNT {
            assert_eq!(index.remove(ordinal, seq), Ok(true));
        }
        let again: Vec<Vec<f32>> = vectors.into_values().collect();
        vectors = (round * COUNT..).zip(again).collect();
        for (&ordinal, vector) in &vectors {
            index.insert(ordinal, vector, seq + 1).unwrap();
            if ordinal % BATCH == 0 {
                link_all(&index, seq + 1);
            }
        }
        link_all(&index, seq + 1);
        let found = recall(&index.view(seq + 1), Metric::Cosine, &vectors, None, &mut random);
        assert!(found > 0.95, "round {round}, beside the dead: {found}");
        let image = index.write_image(seq + 1).unwrap();
        index = VectorIndex::from_image(Arc::new(image)).unwrap();
        link_all(&index, seq + 1);
        assert_eq!(index.view(seq + 1).validate(), Ok(()));
        let found = recall(&index.view(seq + 1), Metric::Cosine, &vectors, None, &mut random);
        assert!(found > 0.95, "round {round}, without them: {found}");
    }
}
