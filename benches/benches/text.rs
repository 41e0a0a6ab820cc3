//! The text index: bulk indexing, opening, and queries against tail and image.
//!
//! **Invariant:** documents are drawn from a fixed sequence, words by a power law as in prose.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use memlith_index::text::{Analyzer, Query, TextIndex, TextView};
use std::hint::black_box;
use std::sync::Arc;

const DOCUMENTS: u32 = 20_000;
const WORDS: f64 = 20_000.0;

/// A reproducible sequence (splitmix64).
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A word whose rank r comes with probability about 1/r: the rank spelled in letters.
    fn word(&mut self) -> String {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let mut rank = WORDS.powf(uniform) as u32;
        let mut word = String::new();
        while rank > 0 {
            word.push(char::from(b'a' + (rank % 26) as u8));
            rank /= 26;
        }
        word
    }

    fn text(&mut self, words: u64) -> String {
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

fn documents() -> Vec<String> {
    let mut sequence = Sequence(1);
    (0..DOCUMENTS)
        .map(|_| {
            let words = 6 + sequence.next() % 12;
            sequence.text(words)
        })
        .collect()
}

fn indexed(documents: &[String]) -> TextIndex {
    let mut index = TextIndex::new(Analyzer::default());
    for (ordinal, text) in (0..).zip(documents) {
        index.insert(ordinal, text, 1).expect("an index without an image reads none");
    }
    index
}

fn bench(c: &mut Criterion) {
    let documents = documents();
    let index = indexed(&documents);
    let image = Arc::new(index.write_image(1).expect("an index without an image reads none"));
    let open = || TextIndex::from_image(image.clone(), Analyzer::default()).expect("a whole image");

    let mut group = c.benchmark_group("text");
    group.throughput(Throughput::Elements(u64::from(DOCUMENTS)));
    group.sample_size(20);
    group.bench_function("index 20k documents", |b| b.iter(|| indexed(&documents)));
    group.bench_function("write an image of 20k", |b| b.iter(|| index.write_image(1)));
    group.finish();

    let mut group = c.benchmark_group("text");
    group.bench_function("open an image of 20k", |b| b.iter(open));
    query(&mut group, "3 words, 20k in the tail", &index.view(1));
    query(&mut group, "3 words, 20k in the image", &open().view(1));
    group.finish();
}

fn query(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    name: &str,
    view: &TextView,
) {
    let mut sequence = Sequence(2);
    group.bench_function(name, |b| {
        b.iter_batched(
            || sequence.text(3),
            |query| black_box(view.search(&Query::words(&query), 10, None, &mut || true)),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
