//! Searches that may find only part of the vectors.

use super::curves::{AT_LEAST_S, per_s};
use super::progress;
use crate::Failure;
use crate::args::Vectors;
use crate::curve::median;
use crate::data::bits::{Bits, by_distance};
use crate::data::generate::mix;
use crate::data::{Input, npy};
use crate::protocol::{Search, Searched};
use crate::report::{Filtered, FilteredPoint};
use crate::truth::{Allowed, Truth};
use crate::worker::{Stage, Worker};

/// A pass stops here: some rivals need seconds for a search under a narrow filter.
const AT_MOST_S: f64 = 3.0;
/// Measurements of a point at most: differences are large here.
const REPEAT: u32 = 3;

/// A filter of all queries, or one each.
struct Case {
    name: String,
    sets: Vec<Bits>,
}

impl Case {
    fn allowed(&self) -> Allowed<'_> {
        match &self.sets[..] {
            [one] => Allowed::Shared(one),
            each => Allowed::Each(each),
        }
    }
}

/// Random shares, tags from common to rare, and filters that depend on the query.
fn cases(input: &Input, queries: usize) -> Vec<Case> {
    let count = input.vectors.len();
    let mut cases = Vec::new();
    for (name, one_in) in [("50%", 2), ("10%", 10), ("1%", 100), ("0.1%", 1_000)] {
        let keeps = |id| mix(u64::from(id) ^ 0xF117_E400).is_multiple_of(one_in);
        let name = format!("random {name}");
        cases.push(Case { name, sets: vec![Bits::from_fn(count, keeps)] });
    }
    let mut tags: Vec<_> = input.tags.iter().filter(|(_, rows)| !rows.is_empty()).collect();
    tags.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    if let [first, .., last] = tags[..] {
        for (tag, rows) in [first, tags[tags.len() / 2], last] {
            let mut set = Bits::from_fn(count, |_| false);
            for &row in rows {
                set.set(row, true);
            }
            cases.push(Case { name: format!("tag {tag}"), sets: vec![set] });
        }
    }
    for (name, kept, nearest) in [
        ("far half", count / 2, false),
        ("far 10%", count / 10, false),
        ("near 10%", count / 10, true),
    ] {
        let set = |query| by_distance(&input.vectors, input.queries.row(query), kept, nearest);
        cases.push(Case { name: name.into(), sets: (0..queries).map(set).collect() });
    }
    // One set for one query would read as one for all.
    cases.retain(|case| case.sets.len() == 1 || case.sets.len() == queries);
    cases
}

/// Measures all that can filter, under each filter.
pub(super) fn measure(
    args: &Vectors,
    input: &Input,
    stage: &Stage,
    workers: &mut [Worker],
) -> Result<Vec<Filtered>, Failure> {
    let queries = args.filter_queries.min(input.queries.len());
    let mut asked = input.queries.clone();
    asked.truncate(queries);
    let cases = cases(input, queries);
    let bar = progress(cases.len(), "filters");
    let mut measured = Vec::new();
    for case in &cases {
        bar.set_message(case.name.clone());
        let file = stage.file("filter.npy");
        npy::write_bits(&file, &case.sets)?;
        let truth = Truth::compute(&input.vectors, &asked, args.source.k, case.allowed());
        let kept = case.sets.iter().map(Bits::len).sum::<usize>() as f64 / case.sets.len() as f64;
        let mut points = Vec::new();
        for worker in workers.iter() {
            for &effort in &worker.ready.filter_efforts {
                points.push((worker.name, effort, Vec::new()));
            }
        }
        for _ in 0..args.repeat.min(REPEAT) {
            for (name, effort, passes) in &mut points {
                let worker = workers.iter_mut().find(|worker| worker.name == *name);
                let search = Search {
                    effort: *effort,
                    queries,
                    filter: Some(file.clone()),
                    at_least_s: AT_LEAST_S,
                    at_most_s: AT_MOST_S,
                };
                passes.push(worker.ok_or("a worker is gone")?.search(search)?);
            }
        }
        let point = |(name, effort, passes): (&str, u32, Vec<Searched>)| {
            let quality = truth.judge(&passes[0]);
            FilteredPoint {
                contender: name.to_owned(),
                effort,
                recall: quality.recall,
                wrong: quality.wrong,
                per_s: median(passes.iter().map(|pass| per_s(args, pass)).collect()),
                answered: passes[0].ids.iter().flatten().count(),
            }
        };
        measured.push(Filtered {
            filter: case.name.clone(),
            kept,
            points: points.into_iter().map(point).collect(),
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(measured)
}
