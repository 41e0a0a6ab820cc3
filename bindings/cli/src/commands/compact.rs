//! `memlith compact`: free space back to the file system.

use crate::args::Store;
use crate::output::table::bytes;
use crate::output::{Bar, Console, Outcome};
use clap::Args;
use serde::Serialize;
use std::fs;
use std::time::Instant;

const AFTER_HELP: &str = "\
A file gives free space back by itself when it is closed or idle, where much is free. This gives
back all that can be, and takes about a second for some hundreds of MiB.

Examples:
  memlith compact agent.lith
  memlith compact agent.lith --json";

/// Give free space of the file back
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Compact {
    #[command(flatten)]
    store: Store,
}

#[derive(Serialize)]
struct Summary {
    before_bytes: u64,
    after_bytes: u64,
    seconds: f64,
}

impl Compact {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let started = Instant::now();
        let db = super::open_to_change(&self.store.file)?;
        let bar = Bar::over_steps();
        let compacted = db.compact(&mut |done, total| bar.step("bytes", done, total));
        drop(bar);
        let compacted = compacted?;
        db.close()?;
        let seconds = started.elapsed().as_secs_f64();
        let before_bytes = compacted.before_bytes;
        // Closing may have cut it further.
        let closed = fs::metadata(&self.store.file);
        let after_bytes = closed.map_or(compacted.after_bytes, |file| file.len());
        let json = Summary { before_bytes, after_bytes, seconds };
        let (before, after) = (bytes(before_bytes), bytes(after_bytes));
        console.answer(&json, format_args!("{before} before, {after} now, in {seconds:.2} s"))
    }
}
