//! Figures for the decision notes, on a real file. Not a test: it asserts nothing.
//!
//! `cargo test -p memlith --release --lib file::tests::measure -- --ignored --nocapture`
//! measures in the folder named by `TMPDIR`.
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use super::super::crash::Rng;
use super::super::pages::Mode;
use super::super::{Access, Container, Settings};
use super::{ROWS, first_row};
use redb::{Database, ReadableDatabase};
use std::path::Path;
use std::time::Instant;

const LOADED: u64 = 200_000;
const ROW_LEN: usize = 300;

fn open(path: &Path, mode: Mode) -> (Container, Database) {
    let container = Container::open(path, &Settings::default(), Access::ReadWrite).unwrap();
    container.register(&[]).unwrap();
    container.0.pages.iter().for_each(|pages| pages.set_mode(mode));
    let cache = 64 << 20;
    let backend = container.backend();
    let tables = Database::builder().set_cache_size(cache).create_with_backend(backend).unwrap();
    container.0.pages.iter().for_each(|pages| pages.set_mode(mode));
    (container, tables)
}

fn commit(tables: &Database, keys: impl Iterator<Item = u64>, quick_repair: bool) {
    let mut tx = tables.begin_write().unwrap();
    tx.set_quick_repair(quick_repair);
    {
        let mut rows = tx.open_table(ROWS).unwrap();
        for key in keys {
            let row = Rng::new(key).bytes(ROW_LEN);
            rows.insert(key, &row[..]).unwrap();
        }
    }
    tx.commit().unwrap();
}

/// A file of many rows; the seconds it took to load.
fn load(path: &Path, mode: Mode) -> f64 {
    Container::create(path, &Settings::default(), first_row).unwrap();
    let (_container, tables) = open(path, mode);
    let begin = Instant::now();
    for batch in 0..LOADED / 10_000 {
        commit(&tables, (batch * 10_000..).take(10_000), false);
    }
    begin.elapsed().as_secs_f64()
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Median microseconds of a durable commit of one row somewhere.
fn one_row_commits(tables: &Database, count: u64, rng: &mut Rng, quick_repair: bool) -> f64 {
    let sample = |_| {
        let key = rng.below(10 * LOADED);
        let begin = Instant::now();
        commit(tables, std::iter::once(key), quick_repair);
        begin.elapsed().as_secs_f64() * 1e6
    };
    median((0..count).map(sample).collect())
}

#[test]
#[ignore = "measures for minutes"]
fn page_checksums() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [("off", Mode::Off), ("on", Mode::Verifying)];
    for (name, mode) in kinds {
        let loads = (0..3).map(|i| load(&folder.path().join(format!("{name}{i}")), mode));
        println!("load of {LOADED} rows, checksums {name}: {:.2} s", median(loads.collect()));
    }
    let paths = kinds.map(|(name, _)| folder.path().join(format!("{name}0")));
    for round in 0..6 {
        let open = [0, 1].map(|i| open(&paths[i], kinds[i].1));
        let mut samples = [Vec::new(), Vec::new()];
        let mut rng = Rng::new(round);
        for turn in 0..800 {
            let key = rng.below(10 * LOADED);
            // In turn, so that both meet the same load on the machine.
            for i in if turn % 2 == 0 { [0, 1] } else { [1, 0] } {
                let begin = Instant::now();
                commit(&open[i].1, std::iter::once(key), false);
                samples[i].push(begin.elapsed().as_secs_f64() * 1e6);
            }
        }
        let ratios = samples[0].iter().zip(&samples[1]).map(|(off, on)| on / off).collect();
        let [off, on] = samples.map(median);
        let ratio = median(ratios);
        println!(
            "round {round}: one-row durable commit {off:.0} us without, {on:.0} us with checksums; median ratio of pairs {ratio:.3}"
        );
    }
    for i in [0, 1, 0, 1] {
        let (_container, tables) = open(&paths[i], kinds[i].1);
        let rows = tables.begin_read().unwrap().open_table(ROWS).unwrap();
        let mut rng = Rng::new(7);
        let begin = Instant::now();
        for _ in 0..50_000 {
            std::hint::black_box(rows.get(rng.below(LOADED)).unwrap());
        }
        let ns = begin.elapsed().as_secs_f64() * 1e9 / 50_000.0;
        println!("point read from an empty redb cache, checksums {}: {ns:.0} ns", kinds[i].0);
    }
}

#[test]
#[ignore = "measures for minutes"]
fn quick_repair() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    load(&path, Mode::Verifying);
    let mut rng = Rng::new(1);
    for round in 0..4 {
        for quick_repair in [false, true] {
            let (container, tables) = open(&path, Mode::Verifying);
            let us = one_row_commits(&tables, 400, &mut rng, quick_repair);
            // The bytes of an open file are what a killed process leaves.
            let killed = folder.path().join("killed");
            std::fs::copy(&path, &killed).unwrap();
            let begin = Instant::now();
            let opened = open(&killed, Mode::Verifying);
            let ms = begin.elapsed().as_secs_f64() * 1e3;
            let stats = container.stats().unwrap();
            println!(
                "round {round}: quick-repair {quick_repair}: one-row durable commit {us:.0} us, \
                 open after a kill {ms:.1} ms, file {} MiB",
                stats.file_len >> 20
            );
            drop((opened, tables));
        }
    }
}
