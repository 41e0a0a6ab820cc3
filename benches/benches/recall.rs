//! Recalling ten memories by text, by vector and by both, unfiltered and filtered.
//!
//! **Invariant:** questions are about memories of the same topics as those in the file, and none of
//! them repeats within a sample.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use memlith::{Filter, Recall, View};
use memlith_benches::{filled, question};
use std::hint::black_box;
use std::time::Duration;

fn requests(filter: &str) -> Vec<(&'static str, Vec<Recall>)> {
    let filter: Option<Filter> = (!filter.is_empty()).then(|| filter.parse().expect("a filter"));
    let shaped = |text: bool, vector: bool| -> Vec<Recall> {
        let shape = |i: u64| {
            let mut request = question(1_000_000 + i);
            request.text = request.text.filter(|_| text);
            request.vector = request.vector.filter(|_| vector);
            request.filter.clone_from(&filter);
            request
        };
        (0..200).map(shape).collect()
    };
    vec![
        ("text", shaped(true, false)),
        ("vector", shaped(false, true)),
        ("hybrid", shaped(true, true)),
    ]
}

fn ask(view: &View, requests: &[Recall], next: &mut usize) {
    let request = &requests[*next % requests.len()];
    *next += 1;
    black_box(view.recall(request).expect("the view answers"));
}

fn bench(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the files");
    for count in [10_000, 100_000] {
        let db = filled(&folder.path().join(format!("{count}.lith")), count);
        let view = db.read().expect("the file is open");
        let mut group = c.benchmark_group(format!("recall/{count}"));
        group.sample_size(20);
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
        for (scope, filter) in [
            ("all", ""),
            ("a tenth", "tag:decile3"),
            ("a hundredth", "tag:decile3 and importance >= 0.9"),
        ] {
            for (name, requests) in requests(filter) {
                let mut next = 0;
                group.bench_function(BenchmarkId::new(name, scope), |b| {
                    b.iter(|| ask(&view, &requests, &mut next));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
