//! Importing memories with text, tags and an embedding: what one costs, in a small file and in one
//! that has 200,000 already.
//!
//! **Invariant:** each sample adds memories that are not in the file yet; none is an update.

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use memlith::{Db, Options};
use memlith_benches::{BATCH, fill, memory};
use std::time::{Duration, Instant};

/// Imports of [`BATCH`] memories into a file that has `present`; time for making them apart.
fn import(db: &Db, next: &mut u64, batches: u64) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..batches {
        let batch: Vec<_> = (*next..*next + BATCH).map(memory).collect();
        *next += BATCH;
        let start = Instant::now();
        db.upsert_batch(batch).expect("the memories are within every limit");
        spent += start.elapsed();
    }
    spent
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("import");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Elements(BATCH));
    let folder = tempfile::tempdir().expect("a folder for the file");
    let db = Options::new().open(folder.path().join("import.lith")).expect("a new file opens");
    let mut next = 0;
    for present in [10_000, 200_000] {
        fill(&db, next, present);
        next = next.max(present);
        let name = BenchmarkId::new("1,000 memories into a file of", present);
        group.bench_function(name, |b| b.iter_custom(|batches| import(&db, &mut next, batches)));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
