//! `memlith verify`: every checksum, the log chain, every index against the rows.
//!
//! **Invariant:** a file that is damaged ends the command with exit code 5, whether the damage was
//! found by opening it or by looking closer.

use crate::args::Store;
use crate::output::table::{grouped, pairs, printable};
use crate::output::{Bar, Console, Failure, Outcome};
use clap::Args;
use serde::Serialize;
use std::time::Instant;

const AFTER_HELP: &str = "\
Examples:
  memlith verify agent.lith
  memlith verify agent.lith --json && echo sound";

/// Check a file: every checksum, the log chain, every index against the rows
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Verify {
    #[command(flatten)]
    store: Store,
}

#[derive(Serialize)]
struct Report {
    clean: bool,
    checked: serde_json::Map<String, serde_json::Value>,
    problems: Vec<ProblemJson>,
    notes: Vec<&'static str>,
    seconds: f64,
}

#[derive(Serialize)]
struct ProblemJson {
    place: String,
    what: String,
}

impl Verify {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let started = Instant::now();
        let db = super::open_to_read(&self.store.file)?;
        let bar = Bar::over_parts();
        let report = db.verify(&mut |part| bar.part(part));
        drop(bar);
        let report = report?;
        let problems = report
            .problems
            .iter()
            .map(|p| ProblemJson { place: p.place.clone(), what: p.what.clone() });
        let json = Report {
            clean: report.is_clean(),
            checked: report.checked.iter().map(|(n, c)| (n.to_string(), (*c).into())).collect(),
            problems: problems.collect(),
            notes: report.notes.clone(),
            seconds: started.elapsed().as_secs_f64(),
        };
        if console.is_json() {
            console.json(&json)?;
        } else {
            print(&json, console)?;
        }
        match report.problem_count {
            0 => Ok(()),
            1 => Err(Failure::Damaged("the file is damaged in 1 place".into())),
            n => Err(Failure::Damaged(format!("the file is damaged in {n} places"))),
        }
    }
}

fn print(report: &Report, console: &mut Console) -> Outcome {
    let checked = report.checked.iter().map(|(name, count)| {
        (name.as_str(), count.as_u64().map_or_else(|| count.to_string(), grouped))
    });
    console.line(pairs(checked).trim_fmt())?;
    for problem in &report.problems {
        console.line(format_args!("damaged {}: {}", problem.place, printable(&problem.what)))?;
    }
    for note in &report.notes {
        console.line(format_args!("note: {note}"))?;
    }
    if report.clean {
        console.line(format_args!("sound, checked in {:.2} s", report.seconds))?;
    }
    Ok(())
}
