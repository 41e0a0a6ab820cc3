//! One exact search over 47,000 vectors of 384 components, by kernel and by share of the filter.
//!
//! **Invariant:** the vectors are the same on every machine: noise around topics, as embeddings
//! lie. What is measured holds the scan and the exact scores of the few that it leaves.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use memlith_index::vectors::{Kernel, Metric, SearchLimits, VectorIndex, VectorView};
use roaring::RoaringBitmap;

const COUNT: u32 = 47_000;
const DIMENSION: usize = 384;
const QUERIES: u32 = 10;
const NEAREST: usize = 10;

fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// From −1 to 1, the same for the same place.
fn noise(row: u64, component: usize) -> f32 {
    let bits = mix(row.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ mix(component as u64 + 1));
    (bits >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// The vector of `row`: half its topic, one of 500, and half its own.
fn vector(row: u32) -> Vec<f32> {
    let row = u64::from(row);
    let topic = mix(row) % 500 + (1 << 40);
    (0..DIMENSION).map(|component| noise(topic, component) + noise(row, component)).collect()
}

/// About one ordinal in `one_in`, scattered.
fn filter(one_in: u64) -> RoaringBitmap {
    (0..COUNT)
        .filter(|&ordinal| mix(u64::from(ordinal) + (1 << 50)).is_multiple_of(one_in))
        .collect()
}

fn search_all(
    view: &VectorView,
    vectors: &[Vec<f32>],
    queries: &[Vec<f32>],
    filter: Option<&RoaringBitmap>,
) {
    for query in queries {
        let mut fetch = |ordinal: u32, vector: &mut [f32]| {
            vector.copy_from_slice(&vectors[ordinal as usize]);
            Ok::<(), Infallible>(())
        };
        let limits = SearchLimits::none();
        let hits = view.search(query, NEAREST, filter, limits, &mut fetch);
        black_box(hits.expect("the queries fit the index"));
    }
}

fn vector_scan(criterion: &mut Criterion) {
    let vectors: Vec<Vec<f32>> = (0..COUNT).map(vector).collect();
    let queries: Vec<Vec<f32>> = (COUNT..COUNT + QUERIES).map(vector).collect();
    let mut tail = VectorIndex::new(DIMENSION, Metric::Cosine);
    for (ordinal, vector) in (0..).zip(&vectors) {
        tail.insert(ordinal, vector, 1).expect("the vectors fit the index");
    }
    let image = tail.write_image(1).expect("a tail alone reads no image");
    let mut sealed = VectorIndex::from_image(Arc::new(image)).expect("the image was just written");
    let filters = [("all", None), ("10%", Some(filter(10))), ("1%", Some(filter(100)))];

    let mut group = criterion.benchmark_group("vector_scan");
    group.throughput(Throughput::Elements(u64::from(QUERIES)));
    group.sample_size(20);
    for kernel in Kernel::available() {
        sealed.use_kernel(kernel);
        for (share, filter) in &filters {
            group.bench_function(BenchmarkId::new(kernel.name(), share), |bencher| {
                let view = sealed.view(1);
                bencher.iter(|| search_all(&view, &vectors, &queries, filter.as_ref()));
            });
        }
    }
    group.bench_function(BenchmarkId::new("tail", "all"), |bencher| {
        let view = tail.view(1);
        bencher.iter(|| search_all(&view, &vectors, &queries, None));
    });
    group.finish();
}

criterion_group!(benches, vector_scan);
criterion_main!(benches);
