//! Memlith's knowledge graph measured beside others: same graph, same queries, one run.
//!
//! Rivals in Rust run in this process, by one thread and one after the other; those that come as Python
//! packages in a process each (`rivals.py`), over lines of JSON. Measurements alternate: each contender
//! once, then all again. What Memlith alone has (its file) stands in [`own`].
//!
//! **Invariant:** all get the same edges and the same queries, and what they find is compared: one that
//! disagrees is named, whatever time it took.

mod args;
mod check;
mod clock;
mod contender;
mod data;
mod own;
mod report;
mod run;
mod task;

use args::{Arguments, Command};
use clap::Parser;

/// A bench program ends at its first error and prints it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    match Arguments::parse().command {
        Command::Rivals(rivals) => run::run(&rivals),
        Command::Own(own) => own::run(&own),
        Command::Check(check) => check::run(&check),
    }
}
