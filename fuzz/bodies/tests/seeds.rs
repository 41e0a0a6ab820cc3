//! Seeds of the targets that take the image of an index: written anew when its format changes.

#![expect(clippy::unwrap_used, reason = "an error where none belongs fails the test")]

use memlith_fuzz_bodies::target;
use memlith_index::attributes::{Attributes, ColumnId, Entry, FieldId};
use memlith_index::text::{Analyzer, TextIndex};
use memlith_index::vectors::{Clip, GraphParams, Metric, VectorIndex};
use std::fs;
use std::path::Path;

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
    for (name, linked, metric, clip) in [
        ("cosine", "cosine-linked", Metric::Cosine, 1.0),
        ("dot", "dot-linked", Metric::Dot, 0.7),
        ("l2", "l2-linked", Metric::L2, 1.0),
    ] {
        let params = GraphParams::new(2, 4).unwrap();
        let mut vectors = VectorIndex::with_params(5, metric, params, Clip::new(clip).unwrap());
        for i in 0..7_u8 {
            vectors.insert(u32::from(i) * 2, &[f32::from(i), 1.0, -2.0, 0.5, 0.0], 1).unwrap();
        }
        seeds.push(("vectors", name, vectors.write_image(1).unwrap()));
        // Three of the seven linked.
        vectors.view(1).link(3, &mut || true).unwrap();
        seeds.push(("vectors", linked, vectors.write_image(1).unwrap()));
    }
    seeds
}

#[test]
fn seeds_open() {
    for (of, name, image) in seeds() {
        assert!(target(of).run(&image), "{of}/{name}");
    }
}

#[test]
#[ignore = "writes into the source tree: run it when an image format has changed"]
fn write_seeds() {
    for (of, name, image) in seeds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(of);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), image).unwrap();
    }
}
