//! The image answers as the index did, depends on its content alone, and may be damaged.

mod vectors_model;

use std::sync::Arc;

use memlith_index::image::ImageError;
use memlith_index::vectors::{Metric, SearchLimits, VectorIndex};
use proptest::prelude::*;
use roaring::RoaringBitmap;
use vectors_model::{
    Kind, Random, Vectors, brute_force, kinds, metrics, search, vector as vector_of,
};

fn index_of(metric: Metric, dimension: usize, vectors: &Vectors) -> VectorIndex {
    let mut index = VectorIndex::new(dimension, metric);
    for (&ordinal, vector) in vectors {
        index.insert(ordinal, vector, 1).expect("the vector fits");
    }
    index
}

/// What a digest of an index is made of.
fn codes_of(index: &VectorIndex, seq: u64) -> Vec<(u32, Vec<u8>)> {
    let mut codes = Vec::new();
    let visit = |ordinal, code: &[u8]| codes.push((ordinal, code.to_vec()));
    index.view(seq).for_each_code(visit).expect("the image is whole");
    codes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_image_answers_as_its_view(
        (metric, kind, seed) in (metrics(), kinds(), any::<u64>()),
        (dimension, commits) in (1_usize..=150, 1_u64..6),
    ) {
        let mut random = Random(seed);
        let mut index = VectorIndex::new(dimension, metric);
        let mut now = Vectors::new();
        let mut states = Vec::new();
        for seq in 1..=commits {
            for _ in 0..random.below(60) {
                let ordinal = random.below(80) as u32;
                if random.below(4) == 0 {
                    index.remove(ordinal, seq).unwrap();
                    now.remove(&ordinal);
                } else {
                    let vector = vector_of(kind, dimension, &mut random);
                    index.insert(ordinal, &vector, seq).unwrap();
                    now.insert(ordinal, vector);
                }
            }
            states.push((seq, now.clone()));
        }
        let query = vector_of(kind, dimension, &mut random);
        let filter: RoaringBitmap = (0..100).filter(|_| random.below(2) == 0).collect();
        for (seq, vectors) in states {
            let image = index.write_image(seq).unwrap();
            // The same content without the history has the same bytes.
            let plain = index_of(metric, dimension, &vectors).write_image(1).unwrap();
            prop_assert!(image == plain);
            let opened = VectorIndex::from_image(Arc::new(image.clone())).unwrap();
            prop_assert_eq!((opened.dimension(), opened.metric()), (dimension, metric));
            prop_assert!(opened.write_image(0).unwrap() == image);
            prop_assert_eq!(codes_of(&opened, seq), codes_of(&index, seq));
            for filter in [None, Some(&filter)] {
                let (hits, _) = search(&opened.view(seq), &vectors, &query, 10, filter);
                prop_assert_eq!(hits, brute_force(metric, &vectors, &query, 10, filter));
            }
        }
    }

    #[test]
    fn a_damaged_image_is_refused_or_answers(
        (metric, seed, dimension) in (metrics(), any::<u64>(), 1_usize..=130),
        count in 0_u32..300,
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..20),
        is_header_hit in any::<bool>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut random = Random(seed);
        let vectors: Vectors = (0..count)
            .map(|ordinal| (2 * ordinal, vector_of(Kind::Clustered, dimension, &mut random)))
            .collect();
        let mut image = index_of(metric, dimension, &vectors).write_image(1).unwrap();
        let reach = if is_header_hit { 108 } else { image.len() };
        for (at, flip) in flips {
            image[at.index(reach)] ^= flip;
        }
        if let Some(cut) = cut {
            image.truncate(cut.index(image.len()));
        }
        let Ok(mut index) = VectorIndex::from_image(Arc::new(image)) else { return Ok(()) };
        let mut fetch = |ordinal: u32, vector: &mut [f32]| {
            let stored = vectors.get(&ordinal).filter(|stored| stored.len() == vector.len());
            let stored = stored.ok_or("no such vector")?;
            vector.copy_from_slice(stored);
            Ok::<(), &str>(())
        };
        let query = vec![0.5; index.dimension()];
        let some: RoaringBitmap = (0..40).collect();
        let all: RoaringBitmap = (0..600).collect();
        for round in 0..2 {
            let view = index.view(round);
            for filter in [None, Some(&some), Some(&all)] {
                for k in [1, 50] {
                    let limits = SearchLimits::none();
                    let _ = view.search(&query, k, filter, limits, &mut fetch);
                }
            }
            let _ = (view.contains(4), view.coverage(), index.write_image(round));
            let _ = (index.remove(2, 1), index.insert(4, &query, 1), index.insert(5, &query, 1));
        }
    }
}

#[test]
fn refusals_name_the_rule() {
    let vectors: Vectors = [(3, vec![1.0; 70]), (8, vec![2.0; 70])].into();
    let image = index_of(Metric::Dot, 70, &vectors).write_image(1).unwrap();
    let open = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut image = image.clone();
        change(&mut image);
        VectorIndex::from_image(Arc::new(image)).map(|index| index.live())
    };
    assert_eq!(open(&|_| {}), Ok(2));
    assert!(matches!(open(&|image| image[5] = b'?'), Err(ImageError::WrongFormat { .. })));
    assert!(matches!(open(&|image| image.truncate(10)), Err(ImageError::Truncated { .. })));
    let short = |image: &mut Vec<u8>| image.truncate(image.len() - 1);
    assert!(matches!(open(&short), Err(ImageError::Truncated { .. })));
    // Dimension, metric, linked entries, m, ef_construction, an upper layer, growth (8), starts, planes, the
    // first ordinal.
    let wrong: [(usize, u8); 11] = [
        (8, 0),
        (9, 0xFF),
        (12, 3),
        (20, 3),
        (24, 1),
        (28, 0),
        (32, 3),
        (99, 0x41),
        (100, 17),
        (104, 2),
        (128, 9),
    ];
    for (at, byte) in wrong {
        let answer = open(&|image| image[at] = byte);
        assert!(matches!(answer, Err(ImageError::Inconsistent { .. })), "byte {at}: {answer:?}");
    }
    assert!(matches!(open(&|image| image.push(0)), Err(ImageError::Inconsistent { .. })));
    let many = |image: &mut Vec<u8>| image[16..19].fill(0xFF);
    assert!(matches!(open(&many), Err(ImageError::Truncated { .. })));
}
