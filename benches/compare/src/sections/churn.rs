//! What deletes and overwrites do to recall, throughput and bytes.
//!
//! Three kinds, each from a new index: half are removed and come back; half are overwritten with
//! vectors of others; all are removed and come back. Each for some rounds.

use super::curves::{AT_LEAST_S, per_s};
use super::{Lost, give_up, progress};
use crate::Failure;
use crate::args::Vectors;
use crate::contender::ALL;
use crate::curve::median;
use crate::data::bits::Bits;
use crate::data::generate::mix;
use crate::data::{Input, Matrix};
use crate::protocol::{Cost, Search, Searched};
use crate::report::{Churned, Round};
use crate::truth::{Allowed, Truth};
use crate::worker::{Stage, Worker};

/// The effort of all graphs here.
const EFFORT: u32 = 100;
const AT_MOST_S: f64 = 3.0;
/// Measurements after each round.
const REPEAT: u32 = 3;

#[derive(Clone, Copy)]
enum Kind {
    DeleteHalf,
    OverwriteHalf,
    DeleteAll,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::DeleteHalf, Kind::OverwriteHalf, Kind::DeleteAll];

    fn name(self) -> &'static str {
        match self {
            Kind::DeleteHalf => "delete half, insert again",
            Kind::OverwriteHalf => "overwrite half",
            Kind::DeleteAll => "delete all, insert again",
        }
    }
}

/// One request to every contender.
enum Step {
    Build,
    Remove(Vec<u32>),
    Insert { ids: Vec<u32>, rows: Vec<u32> },
}

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Step::Build => "built",
            Step::Remove(_) => "removed",
            Step::Insert { .. } => "inserted",
        }
    }
}

/// A half of `count`, another one each round.
fn half(count: u32, round: u32) -> Vec<u32> {
    (0..count).filter(|&id| mix(u64::from(id) | u64::from(round) << 40).is_multiple_of(2)).collect()
}

/// The steps of a round; recall is measured after each.
fn steps(kind: Kind, count: u32, round: u32) -> Vec<Step> {
    let again = |ids: Vec<u32>| Step::Insert { rows: ids.clone(), ids };
    match kind {
        Kind::DeleteHalf => {
            let ids = half(count, round);
            vec![Step::Remove(ids.clone()), again(ids)]
        }
        Kind::OverwriteHalf => {
            let ids = half(count, round);
            // Each takes the vector of another, so that all neighbourhoods change.
            let row =
                |&id: &u32| (mix(u64::from(id) ^ u64::from(round) << 32) % u64::from(count)) as u32;
            let rows = ids.iter().map(row).collect();
            vec![Step::Insert { ids, rows }]
        }
        Kind::DeleteAll => {
            let ids: Vec<u32> = (0..count).collect();
            vec![Step::Remove(ids.clone()), again(ids)]
        }
    }
}

/// Measures those that can be changed, of those in `names`.
pub(super) fn measure(
    args: &Vectors,
    input: &Input,
    stage: &mut Stage,
    names: &[String],
    left_out: &mut Vec<String>,
) -> Result<Vec<Churned>, Failure> {
    let mut all = input.vectors.clone();
    all.truncate(args.churn_count);
    let bar = progress(Kind::ALL.len() * (args.churn_rounds as usize + 1), "churn");
    let mut churned = Vec::new();
    for kind in Kind::ALL {
        bar.set_message(kind.name());
        let mut workers = Vec::new();
        for &(name, home) in ALL.iter().filter(|(name, _)| names.iter().any(|n| n == name)) {
            let worker = stage.start(name, home, args)?;
            if worker.ready.can_change {
                workers.push(worker);
            }
        }
        let mut run = Run {
            args,
            queries: &input.queries,
            workers,
            vectors: all.clone(),
            live: Bits::from_fn(all.len(), |_| false),
            rounds: Vec::new(),
        };
        run.take(0, &Step::Build, &all, left_out)?;
        bar.inc(1);
        for round in 1..=args.churn_rounds {
            for step in steps(kind, all.len() as u32, round) {
                run.take(round, &step, &all, left_out)?;
            }
            bar.inc(1);
        }
        churned.push(Churned { kind: kind.name().into(), count: all.len(), rounds: run.rounds });
    }
    bar.finish_and_clear();
    Ok(churned)
}

/// One kind of churn: the contenders, and what should be in each of them.
struct Run<'a> {
    args: &'a Vectors,
    queries: &'a Matrix,
    workers: Vec<Worker>,
    /// Row `id` is the vector of `id`.
    vectors: Matrix,
    live: Bits,
    rounds: Vec<Round>,
}

impl Run<'_> {
    /// Has all contenders take the step, then measures them.
    fn take(
        &mut self,
        round: u32,
        step: &Step,
        all: &Matrix,
        left_out: &mut Vec<String>,
    ) -> Result<(), Failure> {
        self.expect(step, all);
        let (mut costs, mut lost): (Vec<Cost>, Vec<Lost>) = (Vec::new(), Vec::new());
        for (at, worker) in self.workers.iter_mut().enumerate() {
            let cost = match step {
                Step::Build => worker.build(all.len()),
                Step::Remove(ids) => worker.remove(ids.clone()),
                Step::Insert { ids, rows } => worker.insert(ids.clone(), rows.clone()),
            };
            match cost {
                Ok(cost) => costs.push(cost),
                Err(e) => lost.push((at, format!("churn, round {round}: {e}"))),
            }
        }
        give_up(&mut self.workers, lost, left_out);
        self.look(round, step.name(), &costs)
    }

    fn expect(&mut self, step: &Step, all: &Matrix) {
        match step {
            Step::Build => self.live = Bits::from_fn(all.len(), |_| true),
            Step::Remove(ids) => {
                for &id in ids {
                    self.live.set(id, false);
                }
            }
            Step::Insert { ids, rows } => {
                for (&id, &row) in ids.iter().zip(rows) {
                    self.vectors.row_mut(id as usize).copy_from_slice(all.row(row as usize));
                    self.live.set(id, true);
                }
            }
        }
    }

    /// Measures what was left by the step that had these costs.
    fn look(&mut self, round: u32, step: &str, costs: &[Cost]) -> Result<(), Failure> {
        let allowed = Allowed::Shared(&self.live);
        let truth = Truth::compute(&self.vectors, self.queries, self.args.source.k, allowed);
        let mut passes: Vec<Vec<Searched>> = self.workers.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.args.repeat.min(REPEAT) {
            for (worker, passes) in self.workers.iter_mut().zip(&mut passes) {
                passes.push(worker.search(Search {
                    effort: EFFORT,
                    queries: self.queries.len(),
                    filter: None,
                    at_least_s: AT_LEAST_S,
                    at_most_s: AT_MOST_S,
                })?);
            }
        }
        let count = self.vectors.len() as f64;
        for ((worker, passes), cost) in self.workers.iter().zip(passes).zip(costs) {
            let quality = truth.judge(&passes[0]);
            self.rounds.push(Round {
                contender: worker.name.to_owned(),
                number: round,
                step: step.to_owned(),
                recall: quality.recall,
                wrong: quality.wrong,
                per_s: median(passes.iter().map(|pass| per_s(self.args, pass)).collect()),
                cpu_s: cost.cpu_s,
                own_bytes_per_vector: cost.own_bytes.map(|bytes| bytes as f64 / count),
                rss_bytes_per_vector: cost.rss_bytes.map(|bytes| bytes as f64 / count),
            });
        }
        Ok(())
    }
}
