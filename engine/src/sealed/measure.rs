//! Figures for the decision note, on a real file. Not a test: it asserts nothing.
//!
//! `cargo test -p memlith --lib sealed::measure -- --ignored --nocapture` measures in the folder
//! named by `TMPDIR`.
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use crate::file::crash::Rng;
use crate::schema::{self, Table};
use crate::{Db, NewMemory, Options};
use redb::{ReadableTableMetadata, WriteTransaction};
use std::time::Instant;

const VECTORS: u64 = 47_000;
const DIMENSION: usize = 384;
const MIB: f64 = (1 << 20) as f64;

fn memory(rng: &mut Rng, n: u64) -> NewMemory {
    let vector: Vec<f32> =
        (0..DIMENSION).map(|_| rng.below(2_001) as f32 / 1_000.0 - 1.0).collect();
    NewMemory::new(format!("n{n}")).external_id(format!("{n}")).vector(vector)
}

fn tables(transaction: &WriteTransaction) -> Vec<(&'static str, f64, f64)> {
    let mut all = vec![
        ("log", schema::LOG),
        ("sealed", schema::SEALED),
        ("images", schema::IMAGES),
        ("accesses", schema::ACCESSES),
        ("embeddings", schema::EMBEDDINGS),
        ("outcomes", schema::OUTCOMES),
    ];
    let names = ["memories", "vectors", "external", "catalog"];
    all.extend(names.into_iter().zip(Table::ALL.map(Table::definition)));
    let one = |(name, definition)| {
        let stats = transaction.open_table(definition).unwrap().stats().unwrap();
        let stored = stats.stored_bytes() as f64;
        let pages = stats.metadata_bytes() + stats.fragmented_bytes();
        (name, stored / MIB, (stored + pages as f64) / MIB)
    };
    all.into_iter().map(one).collect()
}

fn report(db: &Db, when: &str) {
    let stats = db.stats().unwrap();
    let raw = (VECTORS * DIMENSION as u64 * 4) as f64;
    let transaction = db.core.committer.begin_write().unwrap();
    let redb = transaction.stats().unwrap();
    let used = (redb.stored_bytes() + redb.metadata_bytes() + redb.fragmented_bytes()) as f64;
    let sealed: u64 = stats.spaces.iter().map(|s| s.sealed_bytes).sum();
    println!(
        "{when}: file {:.1} MiB = {:.2} of raw | tables {:.1} MiB, of which pages in use {:.1} | sealed \
         {:.1} in {} segments, all segments {:.1} | free {:.1} | {} vectors are rows",
        stats.file_bytes as f64 / MIB,
        stats.file_bytes as f64 / raw,
        stats.table_bytes as f64 / MIB,
        used / MIB,
        sealed as f64 / MIB,
        stats.spaces.iter().map(|s| s.sealed_segments).sum::<u64>(),
        stats.segment_bytes as f64 / MIB,
        stats.free_bytes as f64 / MIB,
        stats.unsealed_vectors,
    );
    println!("    allocated: {:.1} MiB of pages", redb.allocated_pages() as f64 * 4096.0 / MIB);
    for (name, stored, pages) in tables(&transaction).into_iter().filter(|table| table.2 > 0.1) {
        println!("    {name}: {stored:.2} MiB of rows in {pages:.2} of pages");
    }
    let rows = db.read().unwrap();
    for (name, image) in crate::derived::ImageRow::load_all(&rows.rows().unwrap()).unwrap() {
        println!("    image {name}: {:.2} MiB", image.place.len_bytes() as f64 / MIB);
    }
    transaction.abort().unwrap();
}

fn fill(db: &Db, batch: usize, durability: crate::Durability) {
    let graph = crate::GraphOptions::new().link_from(1 << 20);
    db.create_space(&crate::Space::new("default", DIMENSION).graph(graph)).unwrap();
    let mut rng = Rng::new(1);
    let begin = Instant::now();
    let mut most = 0;
    for first in (0..VECTORS).step_by(batch) {
        let numbers = first..VECTORS.min(first + batch as u64);
        let new: Vec<_> = numbers.map(|n| memory(&mut rng, n)).collect();
        let options = crate::WriteOptions::new().durability(durability);
        db.transact(options, |tx| {
            new.into_iter().map(|m| tx.upsert(m)).collect::<crate::Result<Vec<_>>>()
        })
        .unwrap();
        if first / 500 != (first + batch as u64) / 500 && batch == 1 {
            let stats = db.stats().unwrap();
            if stats.table_bytes > most {
                most = stats.table_bytes;
                println!(
                    "  at {first}: tables {:.1} MiB, {} rows, held views {}",
                    most as f64 / MIB,
                    stats.unsealed_vectors,
                    stats.held_views
                );
            }
        }
    }
    println!("batches of {batch}, {durability:?}: {:.1} s", begin.elapsed().as_secs_f64());
}

#[test]
#[ignore = "measures for minutes"]
fn the_size_of_a_file() {
    use crate::Durability::{Durable, Relaxed};
    for (batch, durability) in [(4_000, Relaxed), (1, Relaxed), (1, Durable)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let db = Options::new().open(&path).unwrap();
        fill(&db, batch, durability);
        report(&db, "filled");
        db.close().unwrap();
        report(&Options::new().open(&path).unwrap(), "closed");
    }
}
