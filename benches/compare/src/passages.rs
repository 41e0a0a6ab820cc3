//! The engine with many passages: filling a file, what it takes, and how long recalls by words and an opening take.
//!
//! **Invariant:** everything goes through the public interface of `memlith`, with its defaults. The words of a query
//! are those of one passage, so that some passage has them all.

use std::fs;
use std::path::Path;
use std::time::Instant;

use memlith::{Db, NewMemory, Recall};

use crate::Failure;
use crate::args::Passages;
use crate::clock::Stopwatch;
use crate::curve::median;
use crate::report::figures::{Figures, percentile};
use crate::text::Corpus;

/// Memories of one transaction while the file is filled.
const BATCH: usize = 1_000;

/// Measures and prints.
pub(crate) fn run(args: &Passages) -> Result<(), Failure> {
    let corpus = Corpus::generate(args.count);
    let folder = match &args.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let path = folder.path().join("passages.lith");
    let mut figures = Figures::default();
    filling(&path, &corpus, &mut figures)?;
    let queries = corpus.queries(args.queries);
    let db = Db::open(&path)?;
    for (terms, queries) in &queries {
        let mut seconds = Vec::new();
        for words in queries {
            let request = Recall::new().text(words.join(" "));
            let passes = (0..args.repeat).map(|_| {
                let start = Instant::now();
                let found = db.recall(&request)?.hits.len();
                let elapsed = start.elapsed().as_secs_f64();
                if found == 0 { Err("a query found nothing".into()) } else { Ok(elapsed) }
            });
            seconds.push(median(passes.collect::<Result<_, Failure>>()?));
        }
        seconds.sort_unstable_by(f64::total_cmp);
        figures.note(
            &format!("recall by {terms} words, p50"),
            percentile(&seconds, 50) * 1e3,
            "ms",
        );
        figures.note(
            &format!("recall by {terms} words, p99"),
            percentile(&seconds, 99) * 1e3,
            "ms",
        );
    }
    db.close()?;
    opening(args, &path, &queries[1].1, &mut figures)?;
    figures.print()?;
    match &args.json {
        Some(path) => figures.write(path),
        None => Ok(()),
    }
}

fn filling(path: &Path, corpus: &Corpus, figures: &mut Figures) -> Result<(), Failure> {
    let (watch, bytes) = (Stopwatch::start(), corpus.texts.iter().map(String::len).sum::<usize>());
    let db = Db::open(path)?;
    for texts in corpus.texts.chunks(BATCH) {
        db.remember_batch(texts.iter().map(NewMemory::new).collect())?;
    }
    db.compact(&mut |_, _| ())?;
    db.close()?;
    figures.note("filling the file", watch.wall_s(), "s");
    figures.note("the same", watch.cpu_s(), "CPU s");
    figures.note("file at rest", fs::metadata(path)?.len() as f64 / bytes as f64, "x the texts");
    Ok(())
}

/// From opening a file, which the system has in its cache, to the first answer.
fn opening(
    args: &Passages,
    path: &Path,
    queries: &[Vec<String>],
    figures: &mut Figures,
) -> Result<(), Failure> {
    let mut seconds = Vec::new();
    for at in 0..args.repeat as usize {
        let request = Recall::new().text(queries[at % queries.len()].join(" "));
        let start = Instant::now();
        let db = Db::open(path)?;
        db.recall(&request)?;
        seconds.push(start.elapsed().as_secs_f64());
        db.close()?;
    }
    figures.note("open until the first answer", median(seconds) * 1e3, "ms");
    Ok(())
}
