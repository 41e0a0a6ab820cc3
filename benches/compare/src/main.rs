//! Memlith's vector and text indexes measured beside others: same data, same queries, one run.
//!
//! Of vectors the program drives each contender in a process of its own ([`worker`]), which is this program
//! again ([`serve`]) or `rivals.py`, over lines of JSON ([`protocol`]). So all are measured in the
//! same way, none shares a heap with another, and measurements alternate between them.
//!
//! `engine` and `passages` measure the engine itself, as nothing else has all of its parts.
//!
//! **Invariant:** a contender is told vectors, queries and filters, never the right answers; those
//! are computed here ([`truth`]), by brute force, once for all.

mod args;
mod clock;
mod contender;
mod curve;
mod data;
mod engine;
mod judged;
mod passages;
mod protocol;
mod report;
mod sections;
mod serve;
mod text;
mod truth;
mod worker;

use args::{Arguments, Command};
use clap::Parser;

/// A bench program ends at its first error and prints it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    match Arguments::parse().command {
        Command::Vectors(vectors) => sections::run(&vectors),
        Command::Judged(judged) => judged::run(&judged),
        Command::Text(text) => text::run(&text),
        Command::Engine(engine) => engine::run(&engine),
        Command::Passages(passages) => passages::run(&passages),
        Command::Serve(serve) => contender::serve(&serve),
    }
}
