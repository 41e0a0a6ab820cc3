//! Texts, and queries about them.

use crate::Failure;
use crate::args::Text;
use crate::data::generate::mix;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// What is indexed.
pub(crate) struct Corpus {
    pub(super) source: String,
    pub(crate) texts: Vec<String>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
}

/// Different words of generated passages.
const WORDS: f64 = 300_000.0;

/// The most terms of a query.
const MOST_TERMS: usize = 5;

/// A reproducible sequence.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        mix(self.0)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// A word whose rank r comes with probability about 1/r: the rank spelled in syllables.
    fn word(&mut self, into: &mut String) {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let mut rank = WORDS.powf(uniform) as u32;
        while rank > 0 {
            into.push(char::from(b"bcdfghjklmnprstvwz"[(rank % 18) as usize]));
            into.push(char::from(b"aeiou"[(rank / 18 % 5) as usize]));
            rank /= 90;
        }
    }
}

impl Corpus {
    pub(super) fn load(args: &Text) -> Result<Self, Failure> {
        if let Some(count) = args.generate {
            return Ok(Self::generate(count));
        }
        let folder = args.data.as_ref().ok_or("no data was named")?;
        let path = folder.join(&args.file);
        let lines = BufReader::new(MultiGzDecoder::new(File::open(&path)?)).lines();
        let mut texts = Vec::new();
        for line in lines.take(args.count.unwrap_or(usize::MAX)) {
            let line = line?;
            // JSON with a text, or the last of some fields.
            texts.push(match serde_json::from_str::<Line>(&line) {
                Ok(line) => line.text,
                Err(_) => line.rsplit('\t').next().unwrap_or_default().to_owned(),
            });
        }
        Ok(Self { source: args.file.display().to_string(), texts })
    }

    /// Passages of twenty to eighty words.
    pub(crate) fn generate(count: usize) -> Self {
        let mut sequence = Sequence(1);
        let passage = |_| {
            let words = 20 + sequence.below(60);
            let mut text = String::new();
            for _ in 0..words {
                sequence.word(&mut text);
                text.push(' ');
            }
            text
        };
        let texts = (0..count).map(passage).collect();
        Self { source: format!("{count} generated passages"), texts }
    }

    /// Queries of one to five words, each from one document, and of all words of a document up to
    /// twelve, as a question has.
    pub(crate) fn queries(&self, count: usize) -> Vec<(String, Vec<Vec<String>>)> {
        let mut sequence = Sequence(1 << 40);
        let mut queries = Vec::new();
        for terms in (1..=MOST_TERMS).chain([12]) {
            let mut of_length = Vec::new();
            for _ in 0..count * 100 {
                if of_length.len() == count {
                    break;
                }
                let mut words = words(&self.texts[sequence.below(self.texts.len())]);
                if words.len() < terms {
                    continue;
                }
                for at in 0..terms {
                    let other = at + sequence.below(words.len() - at);
                    words.swap(at, other);
                }
                words.truncate(terms);
                of_length.push(words);
            }
            queries.push((terms.to_string(), of_length));
        }
        queries
    }
}

/// The distinct words of a text that every tokenizer takes for one word.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text
        .split_whitespace()
        .filter(|word| word.bytes().all(|b| b.is_ascii_alphabetic()))
        .map(str::to_ascii_lowercase)
        .collect();
    words.sort();
    words.dedup();
    words
}
