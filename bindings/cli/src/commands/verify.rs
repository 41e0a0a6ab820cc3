//! `memlith verify`: every checksum, the log chain, every index against the rows.
//!
//! **Invariant:** a file that is damaged ends the command with exit code 5, whether the damage was
//! found by opening it or by looking closer.

use crate::args::Store;
use crate::output::table::{grouped, pairs, printable};
use crate::output::{Bar, Console, Failure, Outcome};
use clap::Args;
use memlith::VerifyReport;
use memlith_json::VerifyJson;
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

impl Verify {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let started = Instant::now();
        let db = super::open_to_read(&self.store.file)?;
        let bar = Bar::over_parts();
        let report = db.verify(&mut |part| bar.part(part));
        drop(bar);
        let report = report?;
        let seconds = started.elapsed().as_secs_f64();
        if console.is_json() {
            console.json(&VerifyJson::new(&report, seconds))?;
        } else {
            print(&report, seconds, console)?;
        }
        match report.problem_count {
            0 => Ok(()),
            1 => Err(Failure::Damaged("the file is damaged in 1 place".into())),
            n => Err(Failure::Damaged(format!("the file is damaged in {n} places"))),
        }
    }
}

fn print(report: &VerifyReport, seconds: f64, console: &mut Console) -> Outcome {
    let checked = report.checked.iter().map(|(name, count)| (*name, grouped(*count)));
    console.line(pairs(checked).trim_fmt())?;
    for problem in &report.problems {
        console.line(format_args!("damaged {}: {}", problem.place, printable(&problem.what)))?;
    }
    for note in &report.notes {
        console.line(format_args!("note: {note}"))?;
    }
    if report.is_clean() {
        console.line(format_args!("sound, checked in {seconds:.2} s"))?;
    }
    Ok(())
}
