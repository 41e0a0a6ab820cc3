//! Runs the crash harness: every seed of an ordinary run, a failing one again, or all day long.
//!
//! ```text
//! cargo run -p memlith-torture -- run                     what the tests of the project run
//! cargo run -p memlith-torture -- run crashes --seeds 17  one seed again
//! cargo run -p memlith-torture --release -- soak --minutes 600
//! ```

mod heap;
#[cfg(unix)]
mod kill;
mod progress;
mod run;
mod seeds;
mod soak;
mod work;

use clap::{Parser, Subcommand, value_parser};
use seeds::Seeds;
#[cfg(unix)]
use std::path::PathBuf;
use std::process::ExitCode;

/// Of a soak: a year of them.
const MOST_MINUTES: u64 = 366 * 24 * 60;

/// Tortures the engine: crashes, failing I/O, damage, killed processes.
#[derive(Debug, Parser)]
#[command(name = "memlith-torture", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Seeds that run at the same time; as many as there are cores, if not given.
    #[arg(long, global = true, value_name = "N")]
    jobs: Option<usize>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the parts, how many seeds an ordinary run has of each, and what can be planted.
    List,
    /// Runs parts, all of them if none is named, and counts.
    Run {
        /// Names, as `list` shows them.
        #[arg(value_name = "PART")]
        parts: Vec<String>,
        /// One seed, or a range such as 100..200, in place of an ordinary run's.
        #[arg(long)]
        seeds: Option<Seeds>,
        /// Plants a defect in the engine, to see how it is found.
        #[arg(long, value_name = "NAME")]
        planted: Option<String>,
    },
    /// Runs seed after seed of all parts, until a failure or the time is over.
    Soak {
        /// How long.
        #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=MOST_MINUTES))]
        minutes: u64,
        /// Parts to run, all of them if none is named.
        #[arg(value_name = "PART")]
        parts: Vec<String>,
        /// The first seed. By itself behind those of an ordinary run, and each time the same.
        #[arg(long, value_name = "SEED", value_parser = value_parser!(u64).range(..u64::MAX))]
        from: Option<u64>,
    },
    /// Carries out a script on a file: the process that is killed.
    #[cfg(unix)]
    #[command(hide = true)]
    Drive { file: PathBuf, script: PathBuf },
}

fn main() -> ExitCode {
    memlith::torture::measure_heap(heap::GAUGE);
    let Args { command, jobs } = Args::parse();
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = jobs.unwrap_or_else(cores).max(1);
    let done = match command {
        Command::List => {
            run::list();
            Ok(())
        }
        Command::Run { parts, seeds, planted } => {
            run::run(&parts, seeds.as_ref(), planted.as_deref(), jobs)
        }
        Command::Soak { minutes, parts, from } => soak::soak(&parts, minutes, from, jobs),
        #[cfg(unix)]
        Command::Drive { file, script } => kill::drive(&file, &script),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            #[expect(clippy::print_stderr, reason = "the last word of a command")]
            {
                eprintln!("{why}");
            }
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soak_ends_and_has_seeds() {
        let soak = |flag: &str, number: &str| {
            let minutes = ["memlith-torture", "soak", "--minutes=1", flag, number];
            Args::try_parse_from(minutes).is_ok()
        };
        assert!(soak("--from", "18446744073709551614"));
        assert!(!soak("--from", "18446744073709551615"));
        for (minutes, is_taken) in
            [("0", false), ("1", true), ("527040", true), ("18446744073709551615", false)]
        {
            let args = ["memlith-torture", "soak", "--minutes", minutes];
            assert_eq!(Args::try_parse_from(args).is_ok(), is_taken, "{minutes} minutes");
        }
    }
}
