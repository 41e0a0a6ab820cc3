//! The engine by itself: what it makes of a file, how soon an opened one answers, what a search
//! beside a writer waits for, and what is left after churn.
//!
//! Memories have a vector each and nothing else. All go through the public interface of `memlith`,
//! but for the linking by one thread and by two, which the engine shares out as it sees fit.
//!
//! **Invariant:** recall is against brute force over the vectors that are alive, at the default effort.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use memlith::{DEFAULT_SPACE, Db, MemoryId, Nearest, NewMemory, Precision, Space};
use memlith_index::vectors::{Metric, VectorIndex};
use std::fs;

use crate::Failure;
use crate::args::Engine;
use crate::clock::Stopwatch;
use crate::curve::median;
use crate::data::bits::Bits;
use crate::data::generate::mix;
use crate::data::{Input, Matrix};
use crate::protocol::Searched;
use crate::report::figures::{Figures, percentile};
use crate::truth::{Allowed, Truth};

/// Memories of one transaction while the file is filled.
const BATCH: usize = 1_000;
/// How long searches are timed.
const SEARCHING: Duration = Duration::from_secs(4);

/// A file with the vectors of a matrix, and which of them each memory has.
struct Filled {
    db: Db,
    row_of: HashMap<MemoryId, u32>,
    /// Row -> its memory, while it has one.
    memory_of: Vec<Option<MemoryId>>,
}

/// Measures and prints.
pub(crate) fn run(args: &Engine) -> Result<(), Failure> {
    let input = Input::load(&args.source)?;
    let folder = match &args.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let mut figures = Figures::default();
    let mut note = |what: &str, value: f64, unit: &'static str| figures.note(what, value, unit);
    linking(args, &input.vectors, &mut note)?;

    let path = folder.path().join("vectors.lith");
    let watch = Stopwatch::start();
    let filled = Filled::create(args, &path, &input.vectors)?;
    filled.db.link(&mut |_, _| ())?;
    note("filling the file and linking", watch.wall_s(), "s");
    note("the same", watch.cpu_s(), "CPU s");
    let recall = filled.recall(args, &input, &input.vectors)?;
    note("recall at the default effort", recall, "");
    let raw = size_of_val(input.vectors.values()) as f64;
    // Before more is written, for the log keeps what was.
    let fresh = filled.at_rest()?;
    note("file at rest", fresh / raw, "x raw f32");
    searching(&filled, &input.queries, args.source.k, &mut note)?;
    filled.at_rest()?;
    drop(filled);
    opening(args, &path, &input.queries, &mut note)?;
    fs::remove_file(&path)?;

    if args.churn_rounds > 0 {
        for (name, steps) in [
            ("delete half, insert again", &[Step::Delete(2), Step::Insert] as &[Step]),
            ("overwrite half", &[Step::Overwrite]),
            ("delete all, insert again", &[Step::Delete(1), Step::Insert]),
        ] {
            let path = folder.path().join("churned.lith");
            let (recall, bytes) = churn(args, &input, &path, steps)?;
            note(&format!("{name}: least recall"), recall, "");
            note(&format!("{name}: file at rest"), bytes / fresh, "x the fresh one");
        }
    }
    figures.print()?;
    match &args.json {
        Some(path) => figures.write(path),
        None => Ok(()),
    }
}

/// What links by one thread and by two take.
fn linking(
    args: &Engine,
    vectors: &Matrix,
    note: &mut impl FnMut(&str, f64, &'static str),
) -> Result<(), Failure> {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..args.repeat {
        for (threads, times) in (1..).zip(&mut times) {
            let mut index = VectorIndex::new(vectors.dimension(), Metric::Cosine);
            for (ordinal, vector) in (0..).zip(vectors.rows()) {
                index.insert(ordinal, vector, 1)?;
            }
            let view = index.view(1);
            let start = Instant::now();
            thread::scope(|scope| {
                let link = || view.link(usize::MAX, &mut || true);
                let workers: Vec<_> = (0..threads).map(|_| scope.spawn(link)).collect();
                workers
                    .into_iter()
                    .try_for_each(|worker| worker.join().expect("linking does not panic").map(drop))
            })?;
            times.push(start.elapsed().as_secs_f64());
        }
    }
    let [one, two] = times.map(median);
    note("linking by one thread", one, "s");
    note("linking by two threads", one / two, "x as fast");
    Ok(())
}

/// Searches alone, and beside a writer that commits one memory after the other.
fn searching(
    filled: &Filled,
    queries: &Matrix,
    k: usize,
    note: &mut impl FnMut(&str, f64, &'static str),
) -> Result<(), Failure> {
    let idle = latencies(&filled.db, queries, k)?;
    let stop = AtomicBool::new(false);
    let (busy, written) = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let vector = queries.row(written.len() % queries.len());
                written.push(filled.db.remember(NewMemory::new("").vector(vector))?);
            }
            Ok::<_, memlith::Error>(written)
        });
        let busy = latencies(&filled.db, queries, k);
        stop.store(true, Ordering::Relaxed);
        (busy, writer.join().expect("writing does not panic"))
    });
    let (busy, written) = (busy?, written?);
    note("one search", percentile(&idle, 50) * 1e6, "us");
    note("one search, p99", percentile(&idle, 99) * 1e6, "us");
    note(
        "p99 while memories are inserted",
        percentile(&busy, 99) / percentile(&idle, 99),
        "x idle",
    );
    note("durable inserts meanwhile", written.len() as f64 / SEARCHING.as_secs_f64(), "a second");
    filled.db.write(|tx| written.iter().try_for_each(|id| tx.forget(*id).map(drop)))?;
    Ok(())
}

/// Seconds of each search, ascending.
fn latencies(db: &Db, queries: &Matrix, k: usize) -> Result<Vec<f64>, Failure> {
    let (begin, mut seconds) = (Instant::now(), Vec::new());
    while begin.elapsed() < SEARCHING {
        let request = Nearest::to(queries.row(seconds.len() % queries.len())).limit(k);
        let start = Instant::now();
        db.read()?.nearest(&request)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_unstable_by(f64::total_cmp);
    Ok(seconds)
}

/// From opening a file, which the system has in its cache, to the first answer.
fn opening(
    args: &Engine,
    path: &Path,
    queries: &Matrix,
    note: &mut impl FnMut(&str, f64, &'static str),
) -> Result<(), Failure> {
    let mut seconds = Vec::new();
    for at in 0..args.repeat as usize {
        let request = Nearest::to(queries.row(at % queries.len())).limit(args.source.k);
        let start = Instant::now();
        let db = Db::open(path)?;
        db.read()?.nearest(&request)?;
        seconds.push(start.elapsed().as_secs_f64());
        db.close()?;
    }
    note("open until the first answer", median(seconds) * 1e3, "ms");
    Ok(())
}

/// A change to about one in so many memories.
#[derive(Clone, Copy)]
enum Step {
    Delete(u64),
    Insert,
    Overwrite,
}

/// The least recall after any step, and the file after the last.
fn churn(args: &Engine, input: &Input, path: &Path, steps: &[Step]) -> Result<(f64, f64), Failure> {
    let mut vectors = input.vectors.clone();
    let mut filled = Filled::create(args, path, &vectors)?;
    let mut least = f64::INFINITY;
    for round in 0..args.churn_rounds {
        for &step in steps {
            filled.change(step, round, &mut vectors)?;
            filled.db.link(&mut |_, _| ())?;
            let recall = filled.recall(args, input, &vectors)?;
            // Nothing is there to be found.
            if !recall.is_nan() {
                least = least.min(recall);
            }
        }
    }
    let bytes = filled.at_rest()?;
    drop(filled);
    fs::remove_file(path)?;
    Ok((least, bytes))
}

impl Filled {
    fn create(args: &Engine, path: &Path, vectors: &Matrix) -> Result<Self, Failure> {
        let db = Db::open(path)?;
        let precision = if args.f16 { Precision::F16 } else { Precision::F32 };
        db.create_space(&Space::new(DEFAULT_SPACE, vectors.dimension()).precision(precision))?;
        let mut filled = Self { db, row_of: HashMap::new(), memory_of: vec![None; vectors.len()] };
        let rows: Vec<u32> = (0..vectors.len() as u32).collect();
        filled.insert(&rows, vectors)?;
        Ok(filled)
    }

    fn insert(&mut self, rows: &[u32], vectors: &Matrix) -> Result<(), Failure> {
        for rows in rows.chunks(BATCH) {
            let memory = |&row: &u32| NewMemory::new("").vector(vectors.row(row as usize));
            let ids = self.db.remember_batch(rows.iter().map(memory).collect())?;
            for (&row, id) in rows.iter().zip(ids) {
                self.row_of.insert(id, row);
                self.memory_of[row as usize] = Some(id);
            }
        }
        Ok(())
    }

    fn change(&mut self, step: Step, round: u32, vectors: &mut Matrix) -> Result<(), Failure> {
        let count = vectors.len() as u32;
        let one_in = |share: u64| {
            let is_one =
                |row: &u32| mix(u64::from(*row) | u64::from(round) << 40).is_multiple_of(share);
            (0..count).filter(is_one).collect::<Vec<u32>>()
        };
        match step {
            Step::Delete(share) => self.delete(&one_in(share)),
            Step::Insert => {
                let missing = |row: &u32| self.memory_of[*row as usize].is_none();
                self.insert(&(0..count).filter(missing).collect::<Vec<u32>>(), vectors)
            }
            Step::Overwrite => {
                let (rows, before) = (one_in(2), vectors.clone());
                for &row in &rows {
                    // Each takes the vector of another, so that all neighbourhoods change.
                    let other = mix(u64::from(row) ^ u64::from(round) << 32) % u64::from(count);
                    vectors.row_mut(row as usize).copy_from_slice(before.row(other as usize));
                }
                self.delete(&rows)?;
                self.insert(&rows, vectors)
            }
        }
    }

    fn delete(&mut self, rows: &[u32]) -> Result<(), Failure> {
        for rows in rows.chunks(BATCH) {
            let ids: Vec<_> =
                rows.iter().filter_map(|&row| self.memory_of[row as usize].take()).collect();
            self.db.write(|tx| ids.iter().try_for_each(|id| tx.forget(*id).map(drop)))?;
            for id in ids {
                self.row_of.remove(&id);
            }
        }
        Ok(())
    }

    fn recall(&self, args: &Engine, input: &Input, vectors: &Matrix) -> Result<f64, Failure> {
        let is_alive = |row: u32| self.memory_of[row as usize].is_some();
        let alive = Bits::from_fn(vectors.len(), is_alive);
        let truth = Truth::compute(vectors, &input.queries, args.source.k, Allowed::Shared(&alive));
        let queries = input.queries.rows().map(<[f32]>::to_vec).collect();
        let request = Nearest::to_each(queries).limit(args.source.k);
        let answers = self.db.read()?.nearest(&request)?;
        let ids = answers
            .iter()
            .map(|hits| Some(hits.iter().map(|hit| self.row_of[&hit.id]).collect()))
            .collect();
        let answers = Searched { ids, per_cpu_s: 0.0, per_wall_s: 0.0, p50_us: 0.0, p99_us: 0.0 };
        Ok(truth.judge(&answers).recall)
    }

    /// Bytes of the file once all background work is done.
    fn at_rest(&self) -> Result<f64, Failure> {
        self.db.link(&mut |_, _| ())?;
        self.db.compact(&mut |_, _| ())?;
        Ok(self.db.stats()?.file_bytes as f64)
    }
}
