//! The arguments that commands share, and the list of commands.
//!
//! **Invariant:** each command's own arguments, with its examples, stand beside its code; what two
//! commands take has one name and one meaning, here.

use crate::commands;
use crate::output::{Failure, Outcome, Time};
use clap::{Args, Parser, Subcommand};
use jiff::{Span, SpanRelativeTo};
use memlith::SearchEffort;
use memlith::filter::Filter;
use std::path::PathBuf;
use std::time::Duration;

const AFTER_HELP: &str = "\
Examples:
  memlith import agent.lith memories.jsonl.gz --vectors memories.npy
  memlith recall agent.lith \"where is the deploy key\" --limit 5
  memlith recall agent.lith --vector-file query.npy --filter 'tag:ops and importance >= 0.5'
  memlith verify agent.lith

Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 busy, 5 damaged, 6 incomplete";

/// One file that remembers and recalls.
#[derive(Debug, Parser)]
#[command(name = "memlith", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Answer in JSON: on stdout the answer, on stderr errors as {"error":{"kind","message"}}
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Import(commands::import::Import),
    Recall(commands::recall::RecallArgs),
    Context(commands::context::ContextArgs),
    Get(commands::get::Get),
    Put(commands::put::Put),
    Forget(commands::forget::Forget),
    List(commands::list::ListArgs),
    Stats(commands::stats::StatsArgs),
    Verify(commands::verify::Verify),
    Log(commands::log::Log),
    Export(commands::export::Export),
    Rebuild(commands::rebuild::Rebuild),
    Text(commands::text::TextArgs),
    Compact(commands::compact::Compact),
    Salvage(commands::salvage::Salvage),
    Graph(commands::graph::GraphArgs),
}

/// The file that every command works on.
#[derive(Debug, Args)]
pub(crate) struct Store {
    /// The Memlith file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Which memories are meant.
#[derive(Debug, Args)]
pub(crate) struct Scope {
    /// Only memories of this namespace [default: all]
    #[arg(long, short, value_name = "NS")]
    pub(crate) namespace: Option<String>,

    /// Only memories that match, such as 'tag:ops and not kind:draft and created >= 2025-01-01'
    #[arg(long, short, value_name = "EXPR")]
    pub(crate) filter: Option<String>,
}

impl Scope {
    /// The filter, parsed.
    ///
    /// # Errors
    /// With the column that is wrong.
    pub(crate) fn filter(&self) -> Outcome<Option<Filter>> {
        self.filter.as_deref().map(parse_filter).transpose()
    }
}

/// Which memories of one namespace are meant, by their ids.
#[derive(Debug, Args)]
pub(crate) struct Ids {
    /// External ids; digits that are no external id are taken as the number of a memory
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,

    /// The ids are numbers of memories, whatever external ids there are
    #[arg(long)]
    pub(crate) number: bool,
}

pub(crate) fn parse_filter(text: &str) -> Outcome<Filter> {
    text.parse().map_err(|e| Failure::Engine(memlith::Error::from(e)))
}

/// A vector as a JSON array.
pub(crate) fn parse_vector(text: &str) -> Outcome<Vec<f32>> {
    serde_json::from_str(text)
        .map_err(|e| Failure::Usage(format!("--vector is not a JSON array of numbers: {e}")))
}

/// For clap: a point in time.
pub(crate) fn time(text: &str) -> Result<Time, String> {
    Time::parse(text).ok_or_else(|| "expected RFC 3339, such as 2025-01-31T12:00:00Z".into())
}

/// Reads how hard a search is to look.
pub(crate) fn effort(text: &str) -> Result<SearchEffort, String> {
    match text {
        "fast" => Ok(SearchEffort::Fast),
        "balanced" => Ok(SearchEffort::Balanced),
        "exact" => Ok(SearchEffort::Exact),
        ef => match ef.parse() {
            Ok(ef @ 1..=4_096) => Ok(SearchEffort::Ef(ef)),
            _ => Err("must be fast, balanced, exact, or a number from 1 to 4096".into()),
        },
    }
}

/// For clap: a length of time, such as `30d`, `12h 30m` or `PT5S`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|_| "expected a duration such as 30d or 12h")?;
    span.to_duration(SpanRelativeTo::days_are_24_hours())
        .ok()
        .and_then(|d| Duration::try_from(d).ok())
        .filter(|d| !d.is_zero())
        .ok_or_else(|| {
            "expected a positive duration of weeks, days, hours, minutes, seconds".into()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let call = format!("memlith {} ", command.get_name());
            assert!(help.contains(&call), "{} has no example", command.get_name());
        }
    }

    #[test]
    fn durations_are_positive_and_of_fixed_length() {
        assert_eq!(duration("30d"), Ok(Duration::from_hours(30 * 24)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_mins(90)));
        assert_eq!(duration("PT5S"), Ok(Duration::from_secs(5)));
        for bad in ["", "5", "-1d", "0s", "1y", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
