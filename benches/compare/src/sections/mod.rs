//! What is measured, in this order: curves, filters, churn.

mod churn;
mod curves;
mod filters;

use crate::Failure;
use crate::args::Vectors;
use crate::contender::{ALL, Home, OURS};
use crate::data::{Input, npy};
use crate::report::{self, Report, Setup};
use crate::worker::{Stage, Worker};
use indicatif::{ProgressBar, ProgressStyle};

/// Measures, prints tables and writes files.
pub(crate) fn run(args: &Vectors) -> Result<(), Failure> {
    let chosen = chosen(args)?;
    let steps = note("reading the vectors");
    let input = Input::load(&args.source)?;
    let mut stage = Stage::new(args)?;
    npy::write(&stage.file("vectors.npy"), &input.vectors)?;
    npy::write(&stage.file("queries.npy"), &input.queries)?;
    steps.finish_and_clear();

    let (mut workers, mut left_out) = (Vec::new(), Vec::new());
    for (name, home) in chosen {
        if matches!(home, Home::Python) && !stage.has_python() {
            left_out.push(format!("{name}: run `setup` first"));
            continue;
        }
        match stage.start(name, home, args) {
            Ok(worker) => workers.push(worker),
            Err(e) => left_out.push(format!("{name}: {e}")),
        }
    }
    let notes = workers.iter().map(|w| (w.name.to_owned(), w.ready.note.clone())).collect();
    let mut report = Report::new(Setup::of(args, &input, notes), left_out);
    report.contenders = curves::measure(args, &input, &mut workers, &mut report.left_out)?;
    report::print_curves(&report)?;
    if args.filters {
        report.filters = filters::measure(args, &input, &stage, &mut workers)?;
        report::print_filters(&report)?;
    }
    drop(workers);
    if args.churn {
        let names: Vec<_> = report.contenders.iter().map(|c| c.name.clone()).collect();
        report.churn = churn::measure(args, &input, &mut stage, &names, &mut report.left_out)?;
        report::print_churn(&report)?;
    }
    report::print_notes(&report)?;
    report.save(args)
}

/// Ours, and the rivals that were named.
fn chosen(args: &Vectors) -> Result<Vec<(&'static str, Home)>, Failure> {
    let Some(rivals) = &args.rivals else { return Ok(ALL.to_vec()) };
    if let Some(unknown) = rivals.iter().find(|rival| ALL.iter().all(|(name, _)| name != rival)) {
        let known: Vec<_> = ALL.iter().map(|&(name, _)| name).collect();
        return Err(format!("no rival {unknown}; there are {}", known.join(", ")).into());
    }
    let is_chosen = |name: &str| name == OURS || rivals.iter().any(|rival| rival == name);
    Ok(ALL.iter().copied().filter(|(name, _)| is_chosen(name)).collect())
}

/// Steps of long work, on standard error.
fn progress(steps: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:>8} {bar:30} {pos}/{len} {elapsed} {msg}");
    let bar = ProgressBar::new(steps as u64).with_prefix(what);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// Work whose steps are not counted.
fn note(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(what);
    bar.tick();
    bar
}

/// A worker, and why it was given up.
type Lost = (usize, String);

/// Takes away workers that failed, so that one cannot end the run of all.
fn give_up(workers: &mut Vec<Worker>, lost: Vec<Lost>, left_out: &mut Vec<String>) {
    for (at, why) in lost.into_iter().rev() {
        left_out.push(format!("{}: {why}", workers.remove(at).name));
    }
}
