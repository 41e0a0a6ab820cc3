//! The `memlith` command line: import, recall, inspect and verify a file.
//!
//! It is a library only so that its readers of foreign bytes can be tested from outside; what is
//! promised is the command line itself, to scripts (exit codes, shapes of JSON) in `docs/cli.md`.
//!
//! **Invariant:** a door without logic of its own: every answer comes from the engine.

mod args;
mod commands;
#[doc(hidden)]
pub mod fuzzing;
mod input;
mod output;

use clap::Parser;
use output::{Console, Failure, report};
use std::process::ExitCode;

/// Runs the command line of the process.
pub fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&error),
    };
    let mut console = Console::new(cli.json);
    let done = commands::run(cli.command, &mut console);
    let flushed = console.flush();
    match done.and(flushed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report(cli.json);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Help and version were asked for, or the arguments do not parse.
fn not_parsed(error: &clap::Error) -> ExitCode {
    let is_json = std::env::args_os().take_while(|a| a != "--").any(|a| a == "--json");
    if is_json && error.use_stderr() {
        let text = error.render().to_string();
        report("usage", text.trim_start_matches("error: ").trim_end(), true);
    } else {
        // Nothing is left to be done about a stream that cannot be written.
        let _ = error.print();
    }
    if error.use_stderr() {
        ExitCode::from(Failure::Usage(String::new()).exit_code())
    } else {
        ExitCode::SUCCESS
    }
}
