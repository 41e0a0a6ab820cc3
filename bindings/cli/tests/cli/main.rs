//! The built binary as a script meets it: answers, exit codes, files left behind.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod compact;
mod context;
mod exit_codes;
mod export;
mod graph;
mod import;
mod interrupted;
mod log;
mod recall;
mod records;
mod salvage;
mod streams;
mod support;
