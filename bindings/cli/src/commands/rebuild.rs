//! `memlith rebuild`: every index anew from the rows.

use crate::args::Store;
use crate::output::{Bar, Console, Outcome};
use clap::Args;
use serde::Serialize;
use std::time::Instant;

const AFTER_HELP: &str = "\
Indexes follow from the rows and are kept up to date by themselves; this is for a file whose
verify names an index.

Examples:
  memlith rebuild agent.lith
  memlith rebuild agent.lith --json";

/// Rebuild every index from the rows
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Rebuild {
    #[command(flatten)]
    store: Store,
}

#[derive(Serialize)]
struct Summary {
    rebuilt: bool,
    seconds: f64,
}

impl Rebuild {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let started = Instant::now();
        let db = super::open_to_change(&self.store.file)?;
        let bar = Bar::over_steps();
        let rebuilt = db.rebuild(&mut |done, total| bar.step("memories", done, total));
        drop(bar);
        rebuilt?;
        super::link(&db)?;
        db.close()?;
        let seconds = started.elapsed().as_secs_f64();
        let json = Summary { rebuilt: true, seconds };
        console.answer(&json, format_args!("rebuilt every index in {seconds:.2} s"))
    }
}
