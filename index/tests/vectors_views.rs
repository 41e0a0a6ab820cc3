//! A view keeps its answers while the writer inserts, replaces, removes and seals.

mod vectors_model;

use std::sync::Arc;

use memlith_index::vectors::{Metric, VectorError, VectorIndex, VectorView};
use proptest::prelude::*;
use roaring::RoaringBitmap;
use vectors_model::{
    Kind, Random, Vectors, brute_force, kinds, metrics, search, vector as vector_of,
};

#[derive(Clone, Debug)]
enum Step {
    Insert(u32),
    Remove(u32),
    /// The next steps have a higher sequence number.
    Commit,
    View,
    /// Write the image and go on from it.
    Seal,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few ordinals, so that most are replaced; some far away.
    let ordinal = || prop_oneof![8 => 0_u32..30, 1 => 70_000_u32..70_010, 1 => Just(u32::MAX)];
    let step = prop_oneof![
        10 => ordinal().prop_map(Step::Insert),
        4 => ordinal().prop_map(Step::Remove),
        3 => Just(Step::Commit),
        2 => Just(Step::View),
        1 => Just(Step::Seal),
    ];
    proptest::collection::vec(step, 1..150)
}

fn assert_sees(view: &VectorView, vectors: &Vectors, metric: Metric, query: &[f32]) {
    assert_eq!(view.live(), vectors.len());
    let ordinals: RoaringBitmap = vectors.keys().copied().collect();
    assert_eq!(view.coverage(), Ok(ordinals));
    for ordinal in (0..35).chain([70_003, u32::MAX]) {
        assert_eq!(view.contains(ordinal), Ok(vectors.contains_key(&ordinal)));
    }
    for (&ordinal, vector) in vectors {
        assert_eq!(view.matches(ordinal, vector), Ok(true));
    }
    let few: RoaringBitmap = [2, 3, 5, 7, u32::MAX].into_iter().collect();
    for filter in [None, Some(&few)] {
        let (hits, _) = search(view, vectors, query, 5, filter);
        assert_eq!(hits, brute_force(metric, vectors, query, 5, filter));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn views_stand_still(
        (metric, kind, seed) in (metrics(), kinds(), any::<u64>()),
        (dimension, steps) in (1_usize..70, steps()),
    ) {
        let mut random = Random(seed);
        let query = vector_of(kind, dimension, &mut random);
        let mut index = VectorIndex::new(dimension, metric);
        let mut now = Vectors::new();
        let mut seq = 1;
        let mut views = Vec::new();
        // States at the sequence numbers that the index can go back to.
        let mut past: Vec<(u64, Vectors)> = Vec::new();
        for step in steps {
            match step {
                Step::Insert(ordinal) => {
                    let vector = vector_of(kind, dimension, &mut random);
                    index.insert(ordinal, &vector, seq).unwrap();
                    now.insert(ordinal, vector);
                }
                Step::Remove(ordinal) => {
                    let was_there = index.remove(ordinal, seq).unwrap();
                    prop_assert_eq!(was_there, now.remove(&ordinal).is_some());
                }
                Step::Commit => {
                    past.push((seq, now.clone()));
                    seq += 1;
                }
                Step::View => views.push((index.view(seq), now.clone())),
                Step::Seal => {
                    let image = index.write_image(seq).unwrap();
                    index = VectorIndex::from_image(Arc::new(image)).unwrap();
                    prop_assert_eq!(index.dead(), 0);
                    prop_assert!(index.view(seq).is_image());
                    past.clear();
                }
            }
            // Within a commit a view may be taken between two steps only at its end.
            if matches!(step, Step::View) {
                past.push((seq, now.clone()));
                seq += 1;
            }
            prop_assert_eq!(index.live(), now.len());
        }
        for (view, vectors) in &views {
            assert_sees(view, vectors, metric, &query);
        }
        for (seq, vectors) in &past {
            assert_sees(&index.view(*seq), vectors, metric, &query);
        }
        assert_sees(&index.view(seq), &now, metric, &query);
    }
}

#[test]
fn an_image_is_what_its_view_shows_until_something_changes() {
    let filled = || {
        let mut index = VectorIndex::new(2, Metric::L2);
        for ordinal in 0_u16..9 {
            index.insert(ordinal.into(), &[f32::from(ordinal), 1.0], 1).unwrap();
        }
        index
    };
    let index = filled();
    assert!(!index.view(1).is_image(), "there is none");
    let image: Arc<Vec<u8>> = Arc::new(index.write_image(1).unwrap());
    let open = || VectorIndex::from_image(image.clone()).unwrap();
    assert!(open().view(1).is_image());
    let change = |change: &dyn Fn(&mut VectorIndex)| {
        let mut index = open();
        change(&mut index);
        index.view(2).is_image()
    };
    assert!(!change(&|index| assert!(index.remove(3, 2).unwrap())));
    assert!(!change(&|index| index.insert(3, &[0.0, 1.0], 2).unwrap()), "replaced");
    assert!(!change(&|index| index.insert(70, &[0.0, 1.0], 2).unwrap()));
    assert!(!change(&|index| assert_eq!(index.view(1).link(4, &mut || true), Ok(4))), "linked");
    assert!(change(&|index| assert!(!index.remove(70, 2).unwrap())), "it was not there");
}

#[test]
fn a_view_can_be_checked_against_the_rows() {
    let mut index = VectorIndex::new(2, Metric::L2);
    index.insert(1, &[1.0, 2.0], 1).unwrap();
    let view = index.view(1);
    assert_eq!(view.matches(1, &[1.0, 2.0]), Ok(true));
    assert_eq!(view.matches(1, &[2.0, 1.0]), Ok(false), "another vector");
    assert_eq!(view.matches(2, &[1.0, 2.0]), Ok(false), "no vector");
    index.insert(1, &[2.0, 1.0], 2).unwrap();
    assert_eq!(index.view(2).matches(1, &[1.0, 2.0]), Ok(false), "replaced");
    assert_eq!(view.matches(1, &[1.0, 2.0]), Ok(true));
    let long = VectorError::WrongLength { expected: 2, found: 3 };
    assert_eq!(view.matches(1, &[1.0; 3]), Err(long));
}

#[test]
fn readers_agree_with_their_moment_while_the_writer_goes_on() {
    type Moment = (VectorView, Arc<Vectors>);
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (send, receive) = std::sync::mpsc::sync_channel::<Moment>(2);
            let reader = std::thread::spawn(move || {
                let mut random = Random(5);
                let mut checked = 0;
                for (view, vectors) in receive {
                    let query = vector_of(Kind::Scattered, 24, &mut random);
                    assert_sees(&view, &vectors, Metric::Cosine, &query);
                    checked += 1;
                }
                checked
            });
            (send, reader)
        })
        .collect();
    let mut random = Random(11);
    let mut index = VectorIndex::new(24, Metric::Cosine);
    let mut now = Vectors::new();
    for seq in 1..=600 {
        for _ in 0..5 {
            let ordinal = random.below(400) as u32;
            if random.below(3) == 0 {
                index.remove(ordinal, seq).unwrap();
                now.remove(&ordinal);
            } else {
                let vector = vector_of(Kind::Scattered, 24, &mut random);
                index.insert(ordinal, &vector, seq).unwrap();
                now.insert(ordinal, vector);
            }
        }
        if seq % 3 == 0 {
            let moment = Arc::new(now.clone());
            for (send, _) in &readers {
                send.send((index.view(seq), Arc::clone(&moment))).unwrap();
            }
        }
    }
    for (send, reader) in readers {
        drop(send);
        assert_eq!(reader.join().unwrap(), 200);
    }
}
