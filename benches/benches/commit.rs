//! Durable commits of one memory: beside a bare redb transaction of as many bytes, and by one
//! writer against sixteen.
//!
//! **Invariant:** every commit counted has been synced when its call returns.

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use memlith::Db;
use memlith_benches::{embedding, memory, sentence};
use redb::{Database, TableDefinition};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
const WRITERS: u64 = 16;

/// `commits` transactions of one memory each, by `writers` threads.
fn commit(db: &Db, next: &AtomicU64, commits: u64, writers: u64) -> Duration {
    let start = Instant::now();
    thread::scope(|scope| {
        for writer in 0..writers {
            scope.spawn(move || {
                for _ in (writer..commits).step_by(writers as usize) {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    db.upsert(memory(i)).expect("the memory is within every limit");
                }
            });
        }
    });
    start.elapsed()
}

fn bare(database: &Database, next: &AtomicU64, commits: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..commits {
        let i = next.fetch_add(1, Ordering::Relaxed);
        let mut row = sentence(i).into_bytes();
        row.extend(embedding(i).into_iter().flat_map(f32::to_le_bytes));
        let transaction = database.begin_write().expect("a transaction begins");
        {
            let mut table = transaction.open_table(ROWS).expect("the table opens");
            table.insert(i, row.as_slice()).expect("the row is written");
        }
        transaction.commit().expect("the transaction commits");
    }
    start.elapsed()
}

fn bench(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the files");
    let mut group = c.benchmark_group("commit");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::Elements(1));
    let next = AtomicU64::new(0);

    let database = Database::create(folder.path().join("bare.redb")).expect("a new file opens");
    group.bench_function("bare redb, 1 writer", |b| {
        b.iter_custom(|commits| bare(&database, &next, commits));
    });
    let db = Db::open(folder.path().join("commit.lith")).expect("a new file opens");
    group.bench_function("1 writer", |b| {
        b.iter_custom(|commits| commit(&db, &next, commits, 1));
    });
    group.bench_function("16 writers", |b| {
        // So that every writer has something to do, however few commits are asked for.
        b.iter_custom(|commits| commit(&db, &next, commits * WRITERS, WRITERS) / WRITERS as u32);
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
