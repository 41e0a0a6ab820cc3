//! The process of one contender: builds, searches and changes as it is told, and measures itself.
//!
//! **Invariant:** what is timed is the contender's own work. Reading vectors, turning filters into
//! the contender's form and sorting latencies happen outside.

use crate::Failure;
use crate::args::Serve;
use crate::clock::{Stopwatch, rss_bytes};
use crate::contender::{Contender, Parameters};
use crate::data::{Matrix, npy};
use crate::protocol::{Cost, Ready, Reply, Request, Search, Searched};
use std::io::{BufRead, Write};
use std::ops::Range;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// Serves until standard input ends.
pub(crate) fn run<C: Contender>(args: &Serve) -> Result<(), Failure> {
    let mut process =
        Process::<C> { args, queries: npy::read(&args.queries)?, index: None, rss_before: None };
    let mut out = std::io::stdout().lock();
    say(&mut out, &Reply::Ready(Process::<C>::ready()))?;
    for line in std::io::stdin().lock().lines() {
        let reply = process.answer(serde_json::from_str(&line?)?);
        let reply = reply.unwrap_or_else(|e| Reply::Failed { message: e.to_string() });
        say(&mut out, &reply)?;
    }
    Ok(())
}

fn say(out: &mut impl Write, reply: &Reply) -> Result<(), Failure> {
    writeln!(out, "{}", serde_json::to_string(reply)?)?;
    out.flush()?;
    Ok(())
}

struct Process<'a, C> {
    args: &'a Serve,
    queries: Matrix,
    index: Option<C>,
    rss_before: Option<u64>,
}

impl<C: Contender> Process<'_, C> {
    fn ready() -> Ready {
        Ready {
            note: C::NOTE.to_owned(),
            efforts: C::EFFORTS.to_vec(),
            filter_efforts: C::FILTER_EFFORTS.to_vec(),
            can_change: C::CAN_CHANGE,
        }
    }

    fn answer(&mut self, request: Request) -> Result<Reply, Failure> {
        match request {
            Request::Build { count } => self.build(count),
            Request::Search(search) => self.search(&search),
            Request::Remove { ids } => {
                let index = self.index.as_mut().ok_or(NOT_BUILT)?;
                let watch = Stopwatch::start();
                index.remove(&ids)?;
                Ok(Reply::Changed(self.cost(watch.cpu_s())?))
            }
            Request::Insert { ids, rows } => {
                let vectors = npy::read(&self.args.vectors)?;
                let entries: Vec<_> = ids
                    .into_iter()
                    .zip(rows.iter().map(|&row| vectors.row(row as usize)))
                    .collect();
                let index = self.index.as_mut().ok_or(NOT_BUILT)?;
                let watch = Stopwatch::start();
                index.insert(&entries)?;
                let cpu_s = watch.cpu_s();
                drop(entries);
                drop(vectors);
                Ok(Reply::Changed(self.cost(cpu_s)?))
            }
        }
    }

    fn build(&mut self, count: usize) -> Result<Reply, Failure> {
        let Serve { m, ef_construction, ref folder, .. } = *self.args;
        // Read after the memory was looked at, and gone before it is looked at again.
        self.rss_before = rss_bytes();
        let mut vectors = npy::read(&self.args.vectors)?;
        vectors.truncate(count);
        let parameters = Parameters { m, ef_construction, folder };
        let watch = Stopwatch::start();
        self.index = Some(C::build(parameters, &vectors)?);
        let cpu_s = watch.cpu_s();
        drop(vectors);
        Ok(Reply::Built(self.cost(cpu_s)?))
    }

    fn cost(&self, cpu_s: f64) -> Result<Cost, Failure> {
        let index = self.index.as_ref().ok_or(NOT_BUILT)?;
        let grown = |(now, before): (u64, u64)| now as i64 - before as i64;
        let rss_bytes = rss_bytes().zip(self.rss_before).map(grown);
        Ok(Cost { cpu_s, own_bytes: index.bytes(), rss_bytes })
    }

    fn search(&self, search: &Search) -> Result<Reply, Failure> {
        let index = self.index.as_ref().ok_or(NOT_BUILT)?;
        let filters: Vec<C::Filter> = match &search.filter {
            Some(path) => npy::read_bits(path)?.iter().map(C::filter).collect(),
            None => Vec::new(),
        };
        let queries = search.queries.min(self.queries.len());
        let pass =
            Pass { index, queries: &self.queries, filters: &filters, k: self.args.k, search };
        let threads = self.args.threads.clamp(1, queries.max(1));
        let share = queries.div_ceil(threads).max(1);

        let watch = Stopwatch::start();
        let laps: Vec<Lap> = if threads == 1 {
            vec![pass.run(0..queries)?]
        } else {
            pass.run_in_threads(queries, share)?
        };
        let (cpu_s, wall_s) = (watch.cpu_s(), watch.wall_s());

        let mut latencies_us: Vec<f64> = Vec::new();
        let mut ids = Vec::with_capacity(queries);
        for lap in laps {
            latencies_us.extend(lap.latencies.iter().map(|t| t.as_secs_f64() * 1e6));
            ids.extend(lap.ids);
        }
        latencies_us.sort_unstable_by(f64::total_cmp);
        let searches = latencies_us.len();
        let quantile = |share: f64| {
            let at = (searches as f64 * share) as usize;
            latencies_us.get(at.min(searches.saturating_sub(1))).copied().unwrap_or(f64::NAN)
        };
        Ok(Reply::Searched(Searched {
            ids,
            per_cpu_s: searches as f64 / cpu_s,
            per_wall_s: searches as f64 / wall_s,
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
        }))
    }
}

const NOT_BUILT: &str = "nothing was built";

/// What every thread of a search shares.
struct Pass<'a, C: Contender> {
    index: &'a C,
    queries: &'a Matrix,
    /// None, one for all queries, or one each.
    filters: &'a [C::Filter],
    k: usize,
    search: &'a Search,
}

/// What one thread did.
struct Lap {
    ids: Vec<Option<Vec<u32>>>,
    latencies: Vec<Duration>,
}

impl<C: Contender> Pass<'_, C> {
    /// A thread for each `share` of the queries.
    fn run_in_threads(&self, queries: usize, share: usize) -> Result<Vec<Lap>, Failure> {
        thread::scope(|scope| {
            let workers: Vec<_> = (0..queries)
                .step_by(share)
                .map(|first| scope.spawn(move || self.run(first..(first + share).min(queries))))
                .collect();
            let join =
                |worker: ScopedJoinHandle<'_, _>| worker.join().map_err(|_| "a search panicked")?;
            workers.into_iter().map(join).collect()
        })
    }

    /// Searches for these queries, again and again while there is time.
    fn run(&self, queries: Range<usize>) -> Result<Lap, Failure> {
        let mut ids = vec![None; queries.len()];
        let mut latencies = Vec::with_capacity(queries.len());
        let begin = Instant::now();
        'time: loop {
            for (query, ids) in queries.clone().zip(&mut ids) {
                let filter = self.filters.get(if self.filters.len() == 1 { 0 } else { query });
                let values = self.queries.row(query);
                let started = Instant::now();
                let found = self.index.search(values, self.k, self.search.effort, filter)?;
                latencies.push(started.elapsed());
                ids.get_or_insert(found);
                if begin.elapsed().as_secs_f64() > self.search.at_most_s {
                    break 'time;
                }
            }
            if begin.elapsed().as_secs_f64() >= self.search.at_least_s {
                break;
            }
        }
        Ok(Lap { ids, latencies })
    }
}
