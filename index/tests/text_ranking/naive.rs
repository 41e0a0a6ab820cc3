//! Ranking as it is defined, at any price: every document is looked at for everything.
//!
//! **Invariant:** nothing here knows how the index goes about it, but for the grid that it rounds
//! contributions to, which is part of the definition.

use memlith_index::text::{Analyzer, Bm25, Occur, Pattern, Query, TextHit};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// The documents that should live, as their terms and positions.
#[derive(Clone, Default)]
pub(crate) struct Model(pub(crate) BTreeMap<u32, Vec<(String, u32)>>);

/// Words in a row.
pub(crate) type Words = Vec<(String, u32)>;

/// How often a document has the words in a row.
fn occurrences(document: &[(String, u32)], words: &Words) -> f64 {
    let last = document.iter().map(|&(_, position)| position).max().unwrap_or(0);
    let is_at = |start: u32| {
        words.iter().all(|(term, offset)| {
            document.iter().any(|(t, position)| t == term && *position == start + offset)
        })
    };
    (0..=last).filter(|&start| is_at(start)).count() as f64
}

/// Something that a query is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    Word(String),
    Phrase(Words),
    Prefix(String),
    /// Words that differ by exactly so many letters.
    Near(String, u8),
}

impl About {
    pub(crate) fn has_term(&self, term: &str) -> bool {
        match self {
            About::Word(word) => term == word,
            About::Phrase(words) => words.iter().any(|(word, _)| word == term),
            About::Prefix(prefix) => term.starts_with(prefix),
            About::Near(word, typos) => distance(word, term) == usize::from(*typos),
        }
    }

    /// How often a document has it.
    pub(crate) fn tf(&self, document: &Words) -> f64 {
        match self {
            About::Phrase(words) => occurrences(document, words),
            _ => document.iter().filter(|(term, _)| self.has_term(term)).count() as f64,
        }
    }
}

/// Letters too many, too few, others, or neighbours that changed places.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let mut least = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            least = least.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// What a query is about, as often as it says it: groups of which a document needs one, if it needs them
/// at all.
pub(crate) fn groups(query: &Query, occur: Occur) -> Vec<Vec<(About, f64)>> {
    let mut said = BTreeMap::<(About, u8), f64>::new();
    for clause in query.clauses().iter().filter(|clause| clause.occur == occur) {
        let mut say = |about, typos| *said.entry((about, typos)).or_default() += 1.0;
        match &clause.pattern {
            Pattern::Words(text) => {
                for (term, _) in analyze(text) {
                    say(About::Word(term), 0);
                }
            }
            Pattern::Phrase(text) => {
                let mut words = analyze(text);
                match words.len() {
                    0 => {}
                    1 => say(About::Word(words.remove(0).0), 0),
                    _ => say(About::Phrase(words), 0),
                }
            }
            Pattern::Prefix(text) => say(About::Prefix(text.to_lowercase()), 0),
            Pattern::Fuzzy { word, typos } => say(About::Near(word.to_lowercase(), 0), *typos),
            other => unreachable!("{other:?}"),
        }
    }
    said.into_iter()
        .map(|((about, typos), said)| match about {
            About::Near(word, _) => (0..=typos)
                .map(|far| (About::Near(word.clone(), far), said * 0.5_f64.powi(far.into())))
                .collect(),
            about => vec![(about, said)],
        })
        .collect()
}

impl Model {
    pub(crate) fn insert(&mut self, ordinal: u32, text: &str) {
        self.0.insert(ordinal, analyze(text));
    }

    pub(crate) fn scores(&self, query: &Query, Bm25 { k1, b, rarity }: Bm25) -> Vec<TextHit> {
        let [should, must, must_not] =
            [Occur::Should, Occur::Must, Occur::MustNot].map(|occur| groups(query, occur));
        let n = self.0.len() as f64;
        let average = self.0.values().map(Vec::len).sum::<usize>().max(1) as f64 / n.max(1.0);
        let counted: Vec<(&About, f64)> = should
            .iter()
            .chain(&must)
            .flatten()
            .map(|(about, said)| {
                let df = self.0.values().filter(|d| about.tf(d) > 0.0).count() as f64;
                (about, df, said)
            })
            .filter(|&(_, df, _)| df > 0.0)
            .map(|(about, df, said)| {
                let idf: f64 = (1.0 + (n - df + 0.5) / (df + 0.5)).ln();
                (about, said * (idf.powf(rarity) * (k1 + 1.0)))
            })
            .collect();
        // Contributions are rounded to 51 bits below the power of two above the sum of weights.
        let total: f64 = counted.iter().map(|(_, weight)| weight).sum();
        let grid = 2_f64.powi((total.log2().floor() as i32).max(-900) + 1 - 51);
        let mut hits = Vec::new();
        for (&ordinal, document) in &self.0 {
            let norm = k1 * (1.0 - b) + k1 * b / average * document.len() as f64;
            let has = |group: &Vec<(About, f64)>| group.iter().any(|(a, _)| a.tf(document) > 0.0);
            if !must.iter().all(has)
                || must_not.iter().any(has)
                || (must.is_empty() && !should.iter().any(has))
            {
                continue;
            }
            let score: f64 = counted
                .iter()
                .map(|&(about, weight)| {
                    let tf = about.tf(document);
                    (weight * tf / (tf + norm) / grid).round_ties_even() * grid
                })
                .sum();
            hits.push(TextHit { ordinal, score: score as f32 });
        }
        hits
    }

    pub(crate) fn search(
        &self,
        query: &Query,
        k: usize,
        filter: Option<&RoaringBitmap>,
        p: Bm25,
    ) -> Vec<TextHit> {
        ranked(&self.scores(query, p), k, filter)
    }
}

/// The best of them that the filter keeps.
pub(crate) fn ranked(hits: &[TextHit], k: usize, filter: Option<&RoaringBitmap>) -> Vec<TextHit> {
    let is_kept = |hit: &TextHit| filter.is_none_or(|filter| filter.contains(hit.ordinal));
    let mut hits: Vec<_> = hits.iter().copied().filter(is_kept).collect();
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.ordinal.cmp(&b.ordinal)));
    hits.truncate(k);
    hits
}

fn analyze(text: &str) -> Words {
    let mut terms = Vec::new();
    Analyzer::default().analyze(text, |t| terms.push((t.term.to_owned(), t.position)));
    terms
}
