//! Text search: indexing, size, and the best ten for queries of one to five terms.
//!
//! All contenders run in this process, one after the other, by one thread: an index of words has no
//! pools or caches that would reach over. Measurements alternate: every contender answers all queries
//! once, then all again.
//!
//! **Invariant:** all get the same documents in the same order, and the same terms.

mod documents;
mod fts5;
mod memlith;
mod report;
mod tantivy;

use crate::Failure;
use crate::args::Text;
use crate::clock::Stopwatch;
pub(crate) use documents::Corpus;
use report::{Contender, Latencies, Report};
use std::path::Path;
use std::time::Instant;

/// What a document must have of the terms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Any,
    All,
}

impl Mode {
    const ALL: [Self; 2] = [Mode::Any, Mode::All];

    fn name(self) -> &'static str {
        match self {
            Mode::Any => "OR",
            Mode::All => "AND",
        }
    }
}

/// Hits that are asked for.
const HITS: usize = 10;

/// An index of texts, by BM25.
trait Searcher {
    /// The number of hits.
    fn search(&self, terms: &[String], mode: Mode) -> Result<usize, Failure>;

    /// Bytes that the index takes where it is kept.
    fn bytes(&self) -> u64;
}

type Build = fn(&Corpus, bool, &Path) -> Result<Box<dyn Searcher>, Failure>;

const CONTENDERS: [(&str, Build); 3] =
    [("memlith", memlith::build), ("tantivy", tantivy::build), ("fts5", fts5::build)];

/// Measures, prints a table and writes a file.
pub(crate) fn run(args: &Text) -> Result<(), Failure> {
    let corpus = Corpus::load(args)?;
    let queries = corpus.queries(args.queries);
    let folder = tempfile::tempdir()?;
    let mut searchers = Vec::new();
    let mut contenders = Vec::new();
    let is_chosen = |name: &str| {
        name == CONTENDERS[0].0
            || args.rivals.as_ref().is_none_or(|rivals| rivals.iter().any(|rival| rival == name))
    };
    for (name, build) in CONTENDERS.into_iter().filter(|&(name, _)| is_chosen(name)) {
        let mut rates = [Vec::new(), Vec::new()];
        let mut bytes = [0, 0];
        let mut kept = None;
        for round in 0..args.builds.max(1) {
            for (at, with_positions) in [false, true].into_iter().enumerate() {
                let home = folder.path().join(format!("{name}-{round}-{with_positions}"));
                std::fs::create_dir(&home)?;
                let watch = Stopwatch::start();
                let searcher = build(&corpus, with_positions, &home)?;
                rates[at].push(corpus.texts.len() as f64 / watch.cpu_s());
                bytes[at] = searcher.bytes();
                kept = Some(searcher);
            }
        }
        let [without, with] = rates.map(median);
        contenders.push(Contender::new(name, [without, with], bytes));
        searchers.extend(kept);
    }
    for mode in Mode::ALL {
        for (what, queries) in &queries {
            // By contender, query and repetition.
            let mut times = vec![vec![Vec::new(); queries.len()]; searchers.len()];
            let mut found = vec![0; searchers.len()];
            for repeat in 0..=args.repeat {
                for (at, searcher) in searchers.iter().enumerate() {
                    for (times, terms) in times[at].iter_mut().zip(queries) {
                        let start = Instant::now();
                        let hits = searcher.search(terms, mode)?;
                        // The first pass warms up.
                        if repeat > 0 {
                            times.push(start.elapsed().as_secs_f64() * 1e6);
                            found[at] += hits;
                        }
                    }
                }
            }
            for ((contender, times), found) in contenders.iter_mut().zip(times).zip(found) {
                let times: Vec<_> = times.into_iter().map(median).collect();
                contender.latencies.push(Latencies::new(mode.name(), what, times, found));
            }
        }
    }
    let report = Report::new(&corpus, args, contenders);
    report.print()?;
    report.save(args)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
