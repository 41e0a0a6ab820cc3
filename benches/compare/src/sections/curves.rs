//! Building, and the curve of recall and throughput.
//!
//! Each effort is measured `repeat` times, and each time for one contender after the other, so that
//! what else the machine does hits all alike.

use super::{Lost, give_up, progress};
use crate::Failure;
use crate::args::Vectors;
use crate::curve::{Point, Rate, median, rate_at};
use crate::data::Input;
use crate::protocol::{Cost, Search, Searched};
use crate::report::{Contender, RECALLS};
use crate::truth::{Allowed, Truth};
use crate::worker::Worker;

/// A curve is not followed beyond this recall.
const ENOUGH: f64 = 0.998;
/// A pass takes no less, so that clocks can tell.
pub(super) const AT_LEAST_S: f64 = 0.1;
/// A pass takes little more, so that a slow contender does not hold up all.
const AT_MOST_S: f64 = 5.0;

/// Queries a second: per CPU second while one thread searches, for then others on the machine do not
/// count; else per second.
pub(super) fn per_s(args: &Vectors, searched: &Searched) -> f64 {
    if args.threads == 1 { searched.per_cpu_s } else { searched.per_wall_s }
}

/// What is known of a contender so far.
struct Progress {
    cost: Cost,
    /// Effort, recall, and what each repeat gave.
    points: Vec<(u32, f64, Vec<Searched>)>,
    wrong: usize,
}

/// Builds all and measures their curves. Those that fail are left out, and are then no longer among
/// the workers.
pub(super) fn measure(
    args: &Vectors,
    input: &Input,
    workers: &mut Vec<Worker>,
    left_out: &mut Vec<String>,
) -> Result<Vec<Contender>, Failure> {
    let mut state = build(input, workers, left_out);
    let truth = Truth::compute(&input.vectors, &input.queries, args.source.k, Allowed::All);
    let pass = |effort| Search {
        effort,
        queries: input.queries.len(),
        filter: None,
        at_least_s: AT_LEAST_S,
        at_most_s: AT_MOST_S,
    };

    // The first pass warms up, tells the recall, and which efforts are worth repeating.
    let bar = progress(workers.len(), "recall");
    for (worker, state) in workers.iter_mut().zip(&mut state) {
        bar.set_message(worker.name);
        for effort in worker.ready.efforts.clone() {
            let quality = truth.judge(&worker.search(pass(effort))?);
            state.points.push((effort, quality.recall, Vec::new()));
            state.wrong += quality.wrong;
            if quality.recall >= ENOUGH {
                break;
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();

    let longest = state.iter().map(|state| state.points.len()).max().unwrap_or(0);
    let bar = progress(args.repeat as usize * longest, "curve");
    for _ in 0..args.repeat {
        for at in 0..longest {
            for (worker, state) in workers.iter_mut().zip(&mut state) {
                if let Some((effort, _, measured)) = state.points.get_mut(at) {
                    let searched = worker.search(pass(*effort))?;
                    measured.push(Searched { ids: Vec::new(), ..searched });
                }
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(workers
        .iter()
        .zip(state)
        .map(|(worker, state)| finish(args, input, worker, state))
        .collect())
}

fn build(input: &Input, workers: &mut Vec<Worker>, left_out: &mut Vec<String>) -> Vec<Progress> {
    let bar = progress(workers.len(), "build");
    let mut state = Vec::new();
    let mut lost: Vec<Lost> = Vec::new();
    for (at, worker) in workers.iter_mut().enumerate() {
        bar.set_message(worker.name);
        match worker.build(input.vectors.len()) {
            Ok(cost) => state.push(Progress { cost, points: Vec::new(), wrong: 0 }),
            Err(e) => lost.push((at, e.to_string())),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    give_up(workers, lost, left_out);
    state
}

fn finish(args: &Vectors, input: &Input, worker: &Worker, state: Progress) -> Contender {
    let middle =
        |measured: &[Searched], of: fn(&Searched) -> f64| median(measured.iter().map(of).collect());
    let point = |(effort, recall, measured): (u32, f64, Vec<Searched>)| Point {
        effort,
        recall,
        per_s: median(measured.iter().map(|searched| per_s(args, searched)).collect()),
        p50_us: middle(&measured, |searched| searched.p50_us),
        p99_us: middle(&measured, |searched| searched.p99_us),
    };
    let points: Vec<Point> = state.points.into_iter().map(point).collect();
    let rates: Vec<Rate> = RECALLS.iter().map(|&recall| rate_at(&points, recall)).collect();
    let count = input.vectors.len() as f64;
    Contender {
        name: worker.name.to_owned(),
        build_cpu_s: state.cost.cpu_s,
        own_bytes_per_vector: state.cost.own_bytes.map(|bytes| bytes as f64 / count),
        rss_bytes_per_vector: state.cost.rss_bytes.map(|bytes| bytes as f64 / count),
        wrong: state.wrong,
        rates,
        points,
    }
}
