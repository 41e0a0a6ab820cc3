//! `memlith log`: the commit log, its chain and its head.
//!
//! **Invariant:** rows are shown in the order of their commits; a chain that is broken ends the
//! command with exit code 5 and names the first bad row.

use crate::args::Store;
use crate::output::table::{grouped, hex, number, snippet, table};
use crate::output::{Console, Failure, Outcome, Time};
use clap::Args;
use memlith::{Db, Head, LogRow, Seq};
use memlith_json::{LogReportJson, LogRowJson};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Examples:
  memlith log agent.lith
  memlith log agent.lith --from 100 --limit 50 --json
  memlith log agent.lith --head > head.json
  memlith log agent.lith --verify --expect head.json";

/// Show or check the log of commits
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Log {
    #[command(flatten)]
    store: Store,

    /// First commit to show [default: so that the newest are shown]
    #[arg(long, value_name = "SEQ")]
    from: Option<u64>,

    /// At most so many commits
    #[arg(long, short, value_name = "K", default_value_t = 20)]
    limit: usize,

    /// Check the chain of hashes instead
    #[arg(long, conflicts_with_all = ["from", "head"])]
    verify: bool,

    /// A head kept from earlier, as a file of --head: the log must go on from it
    #[arg(long, value_name = "HEAD", requires = "verify")]
    expect: Option<PathBuf>,

    /// Print the head of the log, to be kept elsewhere
    #[arg(long, conflicts_with = "from")]
    head: bool,
}

impl Log {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let expected = self.expect.as_deref().map(head_in).transpose()?;
        let db = super::open_to_read(&self.store.file)?;
        if self.head {
            // The form in which it is kept is JSON, for people too.
            return console.line(db.head()?);
        }
        if self.verify {
            return verify(&db, expected.as_ref(), console);
        }
        let from = match self.from {
            Some(from) => Seq(from),
            None => Seq((db.read()?.seq().0 + 1).saturating_sub(self.limit as u64)),
        };
        show(&db.log(from, self.limit)?, console)
    }
}

fn head_in(path: &Path) -> Outcome<Head> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::io("reading", path, e))?;
    let bad = |_| Failure::Input(format!("{} is not a head that log gave", path.display()));
    text.trim().parse().map_err(bad)
}

fn verify(db: &Db, expected: Option<&Head>, console: &mut Console) -> Outcome {
    let report = db.verify_log(expected)?;
    let json = LogReportJson::new(&report);
    let through = if expected.is_some() { ", and goes on from the head" } else { "" };
    let rows = grouped(report.rows);
    console.answer(&json, format_args!("the chain of {rows} commits is intact{through}"))
}

fn show(log: &[LogRow], console: &mut Console) -> Outcome {
    if console.is_json() {
        for row in log {
            console.json(&LogRowJson::new(row))?;
        }
        return Ok(());
    }
    if log.is_empty() {
        return Ok(());
    }
    let mut rows = table(["seq", "time", "changes", "actor", "reason", "hash"]);
    for row in log {
        rows.add_row([
            number(row.seq.to_string()),
            Time(row.time_ms).to_string().into(),
            changed(row).into(),
            snippet(&row.actor, 30).into(),
            snippet(&row.reason, 60).into(),
            hex(&row.hash[..6]).into(),
        ]);
    }
    console.line(rows.trim_fmt())
}

/// What a commit changed, counted: `3 memory created, 1 memory updated`.
fn changed(row: &LogRow) -> String {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for change in &row.changes {
        *counts.entry((change.model.name(), change.kind.name())).or_default() += 1;
    }
    let parts = counts.iter().map(|((model, kind), n)| format!("{} {model} {kind}", grouped(*n)));
    parts.collect::<Vec<_>>().join(", ")
}
