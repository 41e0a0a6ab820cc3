//! What an import did, and what it says about lines that were not as they should be.
//!
//! **Invariant:** imported + updated + skipped is the number of lines that are not blank; however
//! many lines are bad, only the first [`MOST_SHOWN`] are shown one by one.

use crate::output::{Bar, Console, table::grouped};
use memlith::{MemoryId, Upsert};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Instant;

/// Bad lines shown with their reason, and names of unknown fields shown.
const MOST_SHOWN: u64 = 1_000;

/// Counts, and what was said already.
pub(super) struct Tally {
    started: Instant,
    imported: u64,
    updated: u64,
    unchanged: u64,
    skipped: u64,
    repeated: u64,
    unlinked: u64,
    first_created: Option<MemoryId>,
    kept: BTreeSet<String>,
}

/// The last line of an import.
#[derive(Serialize)]
pub(super) struct Summary {
    /// Memories that were not there before.
    imported: u64,
    /// Lines whose memory was there before.
    updated: u64,
    /// Lines that could not be taken.
    skipped: u64,
    seconds: f64,
    /// How many of `updated` stood there exactly so.
    unchanged: u64,
}

#[derive(Serialize)]
struct BadLine<'a> {
    line: u64,
    message: &'a str,
}

#[derive(Serialize)]
struct Remark<'a> {
    message: &'a str,
}

impl Tally {
    pub(super) fn new() -> Self {
        Tally {
            started: Instant::now(),
            imported: 0,
            updated: 0,
            unchanged: 0,
            skipped: 0,
            repeated: 0,
            unlinked: 0,
            first_created: None,
            kept: BTreeSet::new(),
        }
    }

    /// Counts a memory that is in.
    pub(super) fn count(&mut self, upsert: Upsert) {
        match upsert {
            Upsert::Created(id) => {
                self.imported += 1;
                self.first_created.get_or_insert(id);
            }
            Upsert::Updated(id) | Upsert::Unchanged(id) => {
                self.updated += 1;
                self.unchanged += u64::from(upsert == Upsert::Unchanged(id));
                // Numbers only rise: this one was given to an earlier line of this run.
                self.repeated += u64::from(self.first_created.is_some_and(|first| id >= first));
            }
        }
    }

    /// Counts a memory that could not be linked to the one it supersedes.
    pub(super) fn unlinked(&mut self, is_unlinked: bool) {
        self.unlinked += u64::from(is_unlinked);
    }

    /// Counts a line that is not in, and says why.
    pub(super) fn skip(&mut self, line: u64, reason: &str, console: &Console, bar: &Bar) {
        self.skipped += 1;
        if self.skipped <= MOST_SHOWN {
            let json = BadLine { line, message: reason };
            bar.aside(|| console.warn(&json, format_args!("line {line} skipped: {reason}")));
        }
    }

    /// Says once of each unknown field where it went.
    pub(super) fn keep(&mut self, fields: Vec<String>, console: &Console, bar: &Bar) {
        for name in fields {
            if self.kept.len() < MOST_SHOWN as usize && !self.kept.contains(&name) {
                let message = format!("the unknown field {name:?} is kept as metadata");
                bar.aside(|| console.warn(&Remark { message: &message }, &message));
                self.kept.insert(name);
            }
        }
    }

    /// Lines dealt with so far.
    pub(super) fn lines(&self) -> u64 {
        self.imported + self.updated + self.skipped
    }

    /// Lines whose memory is in.
    pub(super) fn taken(&self) -> u64 {
        self.imported + self.updated
    }

    /// Was there something, and could none of it be taken?
    pub(super) fn is_all_skipped(&self) -> bool {
        self.skipped > 0 && self.skipped == self.lines()
    }

    /// For a progress bar: how many, and how many a second.
    pub(super) fn so_far(&self) -> String {
        let per_second = self.lines() as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
        format!("{} memories, {}/s", grouped(self.lines()), grouped(per_second as u64))
    }

    /// Says what was not said line by line, and sums up.
    pub(super) fn finish(self, rows_left: u64, console: &Console) -> Summary {
        if self.skipped > MOST_SHOWN {
            let message = format!("{} more lines skipped", grouped(self.skipped - MOST_SHOWN));
            console.warn(&Remark { message: &message }, &message);
        }
        if self.repeated > 0 {
            let repeated = grouped(self.repeated);
            let message =
                format!("{repeated} lines have the id of an earlier line, and replace it");
            console.warn(&Remark { message: &message }, &message);
        }
        if self.unlinked > 0 {
            let message = format!(
                "{} lines supersede a memory that was not there when they came, and are not linked \
                 to it: put the older line first, into a new file",
                grouped(self.unlinked)
            );
            console.warn(&Remark { message: &message }, &message);
        }
        if rows_left > 0 {
            let message = format!("{} rows of vectors have no line", grouped(rows_left));
            console.warn(&Remark { message: &message }, &message);
        }
        Summary {
            imported: self.imported,
            updated: self.updated,
            skipped: self.skipped,
            seconds: self.started.elapsed().as_secs_f64(),
            unchanged: self.unchanged,
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self.imported + self.updated + self.skipped;
        write!(
            f,
            "imported {}, updated {} ({} of them unchanged), skipped {} in {:.2} s ({}/s)",
            grouped(self.imported),
            grouped(self.updated),
            grouped(self.unchanged),
            grouped(self.skipped),
            self.seconds,
            grouped((lines as f64 / self.seconds.max(1e-3)) as u64),
        )
    }
}
