//! A search gives what brute force gives, whatever the data, the filter and the processor.

mod vectors_model;

use std::convert::Infallible;
use std::sync::Arc;

use memlith_index::vectors::{
    Clip, GraphParams, Kernel, Metric, SearchError, SearchLimits, VectorError, VectorIndex,
};
use proptest::prelude::*;
use roaring::RoaringBitmap;
use vectors_model::{
    Kind, Random, Vectors, brute_force, kinds, metrics, score, search, vector as vector_of,
};

/// Filters from nothing to everything, and beyond: some of their ordinals have no vector.
fn filter(share: f64, ordinals: u32, random: &mut Random) -> RoaringBitmap {
    (0..ordinals + 50).filter(|_| f64::from(random.number()).abs() < share).collect()
}

/// Half of the vectors in an image, half in the tail, and some of the image's replaced.
fn half_sealed(
    metric: Metric,
    clip: Clip,
    dimension: usize,
    vectors: &Vectors,
    kind: Kind,
) -> VectorIndex {
    let mut index = VectorIndex::with_params(dimension, metric, GraphParams::default(), clip);
    let mut random = Random(7);
    for (&ordinal, vector) in vectors {
        let outdated = vector_of(kind, dimension, &mut random);
        match ordinal % 4 {
            0 | 1 => index.insert(ordinal, vector, 1).expect("the vector fits"),
            2 => index.insert(ordinal, &outdated, 1).expect("the vector fits"),
            _ => {}
        }
    }
    let image = index.write_image(1).expect("a tail alone reads no image");
    let mut index = VectorIndex::from_image(Arc::new(image)).expect("the image is whole");
    for (&ordinal, vector) in vectors.iter().rev() {
        if ordinal % 4 >= 2 {
            index.insert(ordinal, vector, 2).expect("the vector fits");
        }
    }
    index
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(800))]

    #[test]
    fn equals_brute_force(
        (metric, kind, query_kind) in (metrics(), kinds(), kinds()),
        (seed, dimension) in (any::<u64>(), 1_usize..=200),
        count in prop_oneof![3 => 1_u32..100, 1 => 100_u32..1_200],
        (k, share) in (prop_oneof![3 => 0_usize..20, 1 => 0_usize..2_000], 0.0_f64..1.1),
        is_filtered in any::<bool>(),
        is_query_stored in any::<bool>(),
        clip in prop_oneof![Just(1.0_f32), 0.5_f32..=1.0],
    ) {
        let mut random = Random(seed);
        // Leave gaps between the ordinals.
        let vectors: Vectors = (0..count)
            .filter(|ordinal| ordinal % 10 != 9)
            .map(|ordinal| (ordinal, vector_of(kind, dimension, &mut random)))
            .collect();
        let query = if is_query_stored {
            vectors[&0].clone()
        } else {
            vector_of(query_kind, dimension, &mut random)
        };
        // Squared, so that sparse filters are as common as dense ones.
        let filter = filter(share * share, count, &mut random);
        let filter = is_filtered.then_some(&filter);
        let mut index = half_sealed(metric, Clip::new(clip).unwrap(), dimension, &vectors, kind);
        let expected = brute_force(metric, &vectors, &query, k, filter);
        for kernel in Kernel::available() {
            index.use_kernel(kernel);
            let (hits, _) = search(&index.view(2), &vectors, &query, k, filter);
            prop_assert_eq!(&hits, &expected, "{}", kernel.name());
        }
    }
}

#[test]
fn codes_decide_nearly_all() {
    let mut random = Random(1);
    for (kind, metric, most) in [
        (Kind::Scattered, Metric::Cosine, 100),
        (Kind::Scattered, Metric::Dot, 100),
        (Kind::Scattered, Metric::L2, 100),
        // Of five clusters, each narrower than codes can tell apart, one.
        (Kind::Clustered, Metric::Cosine, 1_000),
    ] {
        let vectors: Vectors =
            (0..4_000).map(|ordinal| (ordinal, vector_of(kind, 128, &mut random))).collect();
        let mut index = VectorIndex::new(128, metric);
        for (&ordinal, vector) in &vectors {
            index.insert(ordinal, vector, 1).unwrap();
        }
        let query = vector_of(kind, 128, &mut random);
        let (hits, fetched) = search(&index.view(1), &vectors, &query, 10, None);
        assert_eq!(hits, brute_force(metric, &vectors, &query, 10, None));
        assert!(fetched <= most, "{kind:?} under {metric:?} fetched {fetched} of 4,000");
    }
}

#[test]
fn equal_scores_are_ranked_by_ordinal() {
    let mut index = VectorIndex::new(3, Metric::L2);
    let vectors: Vectors = [9, 3, 7, 1].map(|ordinal| (ordinal, vec![1.0, 2.0, 3.0])).into();
    for (&ordinal, vector) in vectors.iter().rev() {
        index.insert(ordinal, vector, 1).unwrap();
    }
    let (hits, _) = search(&index.view(1), &vectors, &[1.0, 2.0, 3.0], 3, None);
    let ranked: Vec<(u32, u32)> =
        hits.iter().map(|hit| (hit.ordinal, hit.score.to_bits())).collect();
    assert_eq!(ranked, [(1, 0), (3, 0), (7, 0)], "a distance of zero scores zero");
}

#[test]
fn a_short_list_is_scored_in_its_order() {
    let mut random = Random(3);
    let vectors: Vectors =
        (0..50).map(|ordinal| (ordinal, vector_of(Kind::Scattered, 20, &mut random))).collect();
    let index = half_sealed(Metric::Cosine, Clip::default(), 20, &vectors, Kind::Scattered);
    let query = vector_of(Kind::Scattered, 20, &mut random);
    let mut fetch = |ordinal: u32, vector: &mut [f32]| {
        vector.copy_from_slice(&vectors[&ordinal]);
        Ok::<(), Infallible>(())
    };
    let hits = index.view(2).score_of(&[41, 3, 1_000, 12, 3], &query, &mut fetch).unwrap();
    let ordinals: Vec<u32> = hits.iter().map(|hit| hit.ordinal).collect();
    assert_eq!(ordinals, [41, 3, 12, 3]);
    for hit in hits {
        let expected = score(Metric::Cosine, &query, &vectors[&hit.ordinal]) as f32;
        assert_eq!(hit.score.to_bits(), expected.to_bits());
    }
}

#[test]
fn limits_stop_a_search_within_their_interval() {
    let mut index = VectorIndex::new(2, Metric::Dot);
    for ordinal in 0..20_000_u16 {
        index.insert(u32::from(ordinal), &[f32::from(ordinal), 1.0], 1).unwrap();
    }
    let view = index.view(1);
    let everything: RoaringBitmap = (0..20_000).collect();
    let few: RoaringBitmap = (0..5_000).collect();
    for filter in [None, Some(&everything), Some(&few)] {
        let codes = filter.map_or(20_000, RoaringBitmap::len);
        for patience in [0, 1, usize::MAX] {
            let mut questions = 0;
            let mut keep_going = || {
                questions += 1;
                questions <= patience
            };
            let limits = SearchLimits::keep_going(&mut keep_going);
            let mut fetch = |ordinal: u32, vector: &mut [f32]| {
                vector.copy_from_slice(&[ordinal as f32, 1.0]);
                Ok::<(), Infallible>(())
            };
            let answer = view.search(&[1.0, 0.0], 1, filter, limits, &mut fetch);
            if patience == usize::MAX {
                assert_eq!(answer.unwrap()[0].ordinal, codes as u32 - 1);
                assert!(questions as u64 >= codes / 4_096, "asked {questions} times for {codes}");
            } else {
                assert!(matches!(answer, Err(SearchError::Stopped)));
                assert_eq!(questions, patience + 1);
            }
        }
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let mut index = VectorIndex::new(2, Metric::Cosine);
    assert_eq!(index.insert(1, &[0.0, 0.0], 1), Err(VectorError::ZeroNorm { dimension: 2 }));
    let nan = index.insert(1, &[1.0, f32::NAN], 1);
    assert_eq!(nan, Err(VectorError::NotFinite { component: 1 }));
    assert_eq!((index.live(), index.dead()), (0, 0), "a refused vector leaves nothing behind");
    index.insert(1, &[1.0, 1.0], 1).unwrap();
    let view = index.view(1);

    let mut fetch = |_: u32, vector: &mut [f32]| {
        vector.fill(0.0);
        Ok::<(), Infallible>(())
    };
    let long = view.search(&[1.0; 3], 1, None, SearchLimits::none(), &mut fetch);
    let wrong = VectorError::WrongLength { expected: 2, found: 3 };
    assert!(matches!(long, Err(SearchError::Query(error)) if error == wrong));
    let stored = view.search(&[1.0; 2], 1, None, SearchLimits::none(), &mut fetch);
    let zero = VectorError::ZeroNorm { dimension: 2 };
    assert!(
        matches!(stored, Err(SearchError::Stored { ordinal: 1, source }) if source == zero),
        "a vector that lost its value is not ranked"
    );
    let mut lost = |_: u32, _: &mut [f32]| Err("gone");
    let lost = view.search(&[1.0; 2], 1, None, SearchLimits::none(), &mut lost);
    assert!(matches!(lost, Err(SearchError::Fetch { ordinal: 1, source: "gone" })));
}
