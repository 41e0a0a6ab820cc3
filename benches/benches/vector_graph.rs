//! One search by the graph over 47,000 vectors of 384 components, by effort; and under a filter that keeps
//! nothing, where there is nothing to be done.
//!
//! **Invariant:** as in a file that was closed and opened, the vectors are those of an image, and all of
//! them are linked.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use memlith_benches::{DIMENSION, embedding};
use memlith_index::vectors::{Effort, Metric, Search, SearchLimits, VectorIndex};
use roaring::RoaringBitmap;
use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;

const COUNT: u64 = 47_000;
const QUERIES: u64 = 500;
const NEAREST: usize = 10;

fn vector_graph(criterion: &mut Criterion) {
    let vectors: Vec<Vec<f32>> = (0..COUNT).map(embedding).collect();
    let queries: Vec<Vec<f32>> = (COUNT..COUNT + QUERIES).map(embedding).collect();
    let mut tail = VectorIndex::new(DIMENSION, Metric::Cosine);
    for (ordinal, vector) in (0..).zip(&vectors) {
        tail.insert(ordinal, vector, 1).expect("the vectors fit the index");
    }
    tail.view(1).link(usize::MAX, &mut || true).expect("a tail alone reads no image");
    let image = tail.write_image(1).expect("a tail alone reads no image");
    let sealed = VectorIndex::from_image(Arc::new(image)).expect("the image was just written");
    let view = sealed.view(1);

    let nothing = RoaringBitmap::new();
    let mut turn = queries.iter().cycle();
    let mut group = criterion.benchmark_group("vector_graph");
    for (name, ef, filter) in
        [("all", 30, None), ("all", 80, None), ("nothing", 80, Some(&nothing))]
    {
        group.bench_function(BenchmarkId::new(name, ef), |bencher| {
            bencher.iter(|| {
                let query = turn.next().expect("a cycle has no end");
                let mut fetch = |ordinal: u32, vector: &mut [f32]| {
                    vector.copy_from_slice(&vectors[ordinal as usize]);
                    Ok::<(), Infallible>(())
                };
                let effort = Effort::Ef(ef);
                let search = Search { query, k: NEAREST, filter, effort, scan_below: 0 };
                black_box(view.find(search, SearchLimits::none(), &mut fetch)).is_ok()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, vector_graph);
criterion_main!(benches);
