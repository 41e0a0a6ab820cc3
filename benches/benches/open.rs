//! Opening a file: after it was closed, and with everything in the log that no image has taken in.
//!
//! **Invariant:** the files are those that the engine leaves behind; each opening is a new handle
//! over a file that the system has in its cache.

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use memlith::{Db, Options, Recall};
use memlith_benches::{BATCH, filled, memory};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

/// Opens, asks something, and lets go again; only the first two are counted.
fn open(path: &Path, times: u64) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..times {
        let start = Instant::now();
        let db = Db::open(path).expect("the file opens");
        black_box(db.recall(&Recall::new().text("kettle")).expect("the file answers"));
        spent += start.elapsed();
    }
    spent
}

/// A file whose last thousand memories are in no image, as a killed process leaves it: the copy is
/// made while nothing is being written and after all of it was synced.
fn without_last_checkpoint(path: &Path, count: u64) -> std::path::PathBuf {
    let db = Options::new().threads(false).open(path).expect("the file opens");
    let last: Vec<_> = (count..count + BATCH).map(memory).collect();
    db.upsert_batch(last).expect("the memories are within every limit");
    let copy = path.with_extension("killed.lith");
    std::fs::copy(path, &copy).expect("the file can be read");
    copy
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("open");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    let folder = tempfile::tempdir().expect("a folder for the files");
    for count in [10_000, 47_000] {
        let path = folder.path().join(format!("{count}.lith"));
        filled(&path, count).close().expect("the file closes");
        let name = BenchmarkId::new("closed", count);
        group.bench_function(name, |b| b.iter_custom(|times| open(&path, times)));

        let killed = without_last_checkpoint(&path, count);
        let name = BenchmarkId::new("killed, 1,000 memories behind", count);
        group.bench_function(name, |b| {
            b.iter_custom(|times| {
                (0..times)
                    .map(|_| {
                        // Opening repairs the file, and closing may write images: a new copy each.
                        let fresh = folder.path().join("fresh.lith");
                        std::fs::copy(&killed, &fresh).expect("the file can be copied");
                        open(&fresh, 1)
                    })
                    .sum()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
