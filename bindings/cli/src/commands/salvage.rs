//! `memlith salvage`: what a damaged file still provably holds, in a new one.
//!
//! **Invariant:** the damaged file is only read. Exit code 0 says that nothing of it is lost, 6
//! that the new file is there and something is missing in it, 5 that nothing could be proved and
//! there is no new file.

use crate::output::table::{grouped, number, printable, table};
use crate::output::{Bar, Console, Failure, Outcome};
use clap::Args;
use memlith::SalvageReport;
use memlith_json::SalvageJson;
use std::path::PathBuf;
use std::time::Instant;

/// Lost memories that are shown to people one by one.
const MAX_SHOWN: usize = 20;

const AFTER_HELP: &str = "\
Only what is proved comes out: by the checksums that lead from the last commit to a row, or by the
log's commitment to it. Memories keep their numbers, times, links, vectors and access counts. The
log stays behind; that of the new file says where its memories come from.

Examples:
  memlith salvage damaged.lith new.lith
  memlith salvage damaged.lith new.lith --json > report.json";

/// Get out of a damaged file what it still provably holds, into a new one
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Salvage {
    /// The damaged file; it is only read
    #[arg(value_name = "DAMAGED")]
    damaged: PathBuf,

    /// The file to make
    #[arg(value_name = "NEW")]
    new: PathBuf,
}

impl Salvage {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let started = Instant::now();
        let bar = Bar::over_steps();
        let salvaged = memlith::salvage(&self.damaged, &self.new, &mut |part, done, total| {
            bar.step(part, done, total);
        });
        drop(bar);
        // An error names the one of the two files that it is about.
        let report = salvaged?;
        if console.is_json() {
            console.json(&SalvageJson::new(&report, started.elapsed().as_secs_f64()))?;
        } else {
            print(&report, console)?;
        }
        if report.is_complete() {
            Ok(())
        } else {
            Err(Failure::Incomplete(what_is_missing(&report)))
        }
    }
}

fn print(report: &SalvageReport, console: &mut Console) -> Outcome {
    let mut counts = table(["", "recovered", "lost"]);
    for (what, count) in [
        ("memories", report.memories),
        ("vectors", report.vectors),
        ("spaces, indexes, kinds", report.catalogue),
        ("nodes", report.nodes),
        ("edges", report.edges),
        ("access counts", report.accesses),
        ("log rows, read", report.log),
    ] {
        let cells = [number(grouped(count.recovered)), number(grouped(count.lost))];
        counts.add_row([what.into()].into_iter().chain(cells));
    }
    console.line(counts.trim_fmt())?;
    for problem in &report.damage {
        console.line(format_args!("damage: the {} {}", problem.place, problem.what))?;
    }
    for lost in report.lost.iter().take(MAX_SHOWN) {
        let name = lost.external_id.as_ref().map(|(namespace, id)| format!(", {namespace}: {id}"));
        let name = printable(&name.unwrap_or_default());
        console.line(format_args!("lost memory {}{name} ({})", lost.id, lost.why.name()))?;
    }
    for (id, space) in report.lost_vectors.iter().take(MAX_SHOWN) {
        console.line(format_args!("lost vector of memory {id} in {}", printable(space)))?;
    }
    for (id, space) in report.lost_vectors_of_nodes.iter().take(MAX_SHOWN) {
        console.line(format_args!("lost vector of node {id} in {}", printable(space)))?;
    }
    let lists = [report.lost.len(), report.lost_vectors.len(), report.lost_vectors_of_nodes.len()];
    let hidden: usize = lists.iter().map(|len| len.saturating_sub(MAX_SHOWN)).sum();
    if hidden > 0 {
        console.line(format_args!("{} more; --json names all", grouped(hidden as u64)))?;
    }
    if report.unidentified > 0 {
        let count = grouped(report.unidentified);
        console.line(format_args!("lost memories of unknown number: {count}"))?;
    }
    if !report.unproven.is_empty() {
        let count = grouped(report.unproven.len() as u64);
        console.line(format_args!(
            "note: of {count} more numbers a row was found that nothing proves; they may have been \
             forgotten long before"
        ))?;
    }
    match report.seq {
        Some(seq) => console.line(format_args!("as of commit {seq}")),
        None => console.line("as of a commit whose number is lost"),
    }
}

/// Why the exit code is not 0.
fn what_is_missing(report: &SalvageReport) -> String {
    let lost = [
        ("memory", "memories", report.memories),
        ("vector", "vectors", report.vectors),
        ("space, index or kind", "spaces, indexes or kinds", report.catalogue),
        ("node", "nodes", report.nodes),
        ("edge", "edges", report.edges),
        ("access count", "access counts", report.accesses),
    ];
    let mut missing: Vec<String> = lost
        .into_iter()
        .filter(|(.., count)| count.lost > 0)
        .map(|(one, many, count)| {
            format!("{} {}", grouped(count.lost), if count.lost == 1 { one } else { many })
        })
        .collect();
    if !report.is_newest {
        missing.push("perhaps what was committed last".into());
    }
    format!("the new file is there, without {}", missing.join(", "))
}
