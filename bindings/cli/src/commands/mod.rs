//! One module per command, and how they open the file.
//!
//! **Invariant:** commands that only read open the file for reading, so that several run side by
//! side; only `import`, `put`, `graph import` and `salvage` create a file.

pub(crate) mod compact;
pub(crate) mod context;
pub(crate) mod export;
pub(crate) mod forget;
pub(crate) mod get;
pub(crate) mod graph;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod log;
mod lookup;
pub(crate) mod put;
pub(crate) mod rebuild;
pub(crate) mod recall;
pub(crate) mod salvage;
mod spaces;
pub(crate) mod stats;
pub(crate) mod text;
pub(crate) mod verify;

use crate::args::Command;
use crate::output::{Bar, Console, Failure, Outcome};
use memlith::{Db, Options};
use std::path::Path;
use std::time::Duration;

/// A command reads from one instant for as long as it runs; no writer of this process waits for it.
const LONGEST_READ: Duration = Duration::from_hours(7 * 24);

/// Runs a command to its end.
pub(crate) fn run(command: Command, console: &mut Console) -> Outcome {
    match command {
        Command::Import(args) => args.run(console),
        Command::Recall(args) => args.run(console),
        Command::Context(args) => args.run(console),
        Command::Get(args) => args.run(console),
        Command::Put(args) => args.run(console),
        Command::Forget(args) => args.run(console),
        Command::List(args) => args.run(console),
        Command::Stats(args) => args.run(console),
        Command::Verify(args) => args.run(console),
        Command::Log(args) => args.run(console),
        Command::Export(args) => args.run(console),
        Command::Rebuild(args) => args.run(console),
        Command::Text(args) => args.run(console),
        Command::Compact(args) => args.run(console),
        Command::Salvage(args) => args.run(console),
        Command::Graph(args) => args.run(console),
    }
}

fn open_to_read(file: &Path) -> Outcome<Db> {
    let options = Options::new().snapshot_max_age(LONGEST_READ);
    options.open_read_only(file).map_err(at(file))
}

fn open_to_change(file: &Path) -> Outcome<Db> {
    Options::new().create(false).open(file).map_err(at(file))
}

fn open_or_create(file: &Path) -> Outcome<Db> {
    Options::new().open(file).map_err(at(file))
}

fn at(file: &Path) -> impl FnOnce(memlith::Error) -> Failure {
    move |source| Failure::Open { file: file.to_owned(), source }
}

/// Takes all vectors into the graphs of their spaces: a file that is left to readers gets no better
/// by itself.
fn link(db: &Db) -> memlith::Result<()> {
    let bar = Bar::over_steps();
    db.link(&mut |done, total| bar.step("vectors linked", done, total))
}
