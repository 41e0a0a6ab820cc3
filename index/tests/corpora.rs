//! What the fuzzers have found stays found: their corpora, on the ordinary compiler.

#![expect(clippy::unwrap_used, reason = "an error where none belongs fails the test")]

#[path = "../../fuzz/bodies/attributes.rs"]
mod attributes_body;
#[path = "../../fuzz/bodies/text.rs"]
mod text_body;
#[path = "../../fuzz/bodies/vectors.rs"]
mod vectors_body;

use memlith_index::attributes::{Attributes, ColumnId, Entry, FieldId};
use memlith_index::text::{Analyzer, TextIndex};
use memlith_index::vectors::{Metric, VectorIndex};
use std::fs;
use std::path::{Path, PathBuf};

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

/// Runs every input of a target. Some must open, or the corpus no longer reaches anything: then
/// the format has changed, and `write_seeds` makes new ones.
fn replay(target: &str, run: fn(&[u8]) -> bool) {
    let mut opened = 0;
    for entry in fs::read_dir(folder(target)).unwrap() {
        opened += usize::from(run(&fs::read(entry.unwrap().path()).unwrap()));
    }
    assert!(opened >= 2, "only {opened} inputs of `{target}` open");
}

#[test]
fn attributes() {
    replay("attributes", attributes_body::open);
}

#[test]
fn text() {
    replay("text", text_body::open);
}

#[test]
fn vectors() {
    replay("vectors", vectors_body::open);
}

/// A sound image of each form that the formats have.
fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (name, rows) in [("empty", 0), ("few", 5), ("pages", 90)] {
        let mut attributes = Attributes::new(3);
        for id in 1..=rows {
            let ordinal = attributes.push(id).unwrap();
            let own = [id as u8];
            let labels = [(FieldId(1), b"all".as_slice()), (FieldId(2), &own)];
            let columns = [(ColumnId(0), id as i64), (ColumnId(2), -(id as i64))];
            attributes.set(ordinal, &Entry { id, labels: &labels, columns: &columns }).unwrap();
        }
        if rows > 0 {
            attributes.remove(2).unwrap();
        }
        seeds.push(("attributes", name, attributes.write_image().unwrap()));

        let mut text = TextIndex::new(Analyzer::default());
        for i in 0..rows as u32 {
            let words = format!("the word{} {}", i % 4, "again ".repeat(i as usize % 3));
            text.insert(i * 3, &words, 1).unwrap();
        }
        seeds.push(("text", name, text.write_image(1).unwrap()));
    }
    for (name, metric) in [("cosine", Metric::Cosine), ("dot", Metric::Dot), ("l2", Metric::L2)] {
        let mut vectors = VectorIndex::new(5, metric);
        for i in 0..7_u8 {
            vectors.insert(u32::from(i) * 2, &[f32::from(i), 1.0, -2.0, 0.5, 0.0], 1).unwrap();
        }
        seeds.push(("vectors", name, vectors.write_image(1).unwrap()));
    }
    seeds
}

#[test]
fn seeds_open() {
    for (target, name, image) in seeds() {
        let run = match target {
            "attributes" => attributes_body::open,
            "text" => text_body::open,
            _ => vectors_body::open,
        };
        assert!(run(&image), "{target}/{name}");
    }
}

#[test]
#[ignore = "writes into the source tree: run it when an image format has changed"]
fn write_seeds() {
    for (target, name, image) in seeds() {
        fs::create_dir_all(folder(target)).unwrap();
        fs::write(folder(target).join(name), image).unwrap();
    }
}
