//! The command line.

use crate::Failure;
use crate::data::Input;
use crate::task::Task;
use clap::{Args, Parser, Subcommand};
use std::path::{Path, PathBuf};

/// Memlith's knowledge graph beside others.
#[derive(Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Loading, walks and analyses, beside other libraries.
    Rivals(Rivals),
    /// What Memlith's file costs: memory, opening, single durable edges.
    Own(Own),
    /// Are results those of networkx? Ends with an error if one is not.
    Check(Check),
}

/// The graph.
#[derive(Args)]
#[group(skip)]
pub(crate) struct Source {
    /// Folder with `wordnet_edges.tsv.gz`: lines of source, type and target. Without it a graph is generated.
    #[arg(long, value_name = "DIR")]
    pub(crate) wordnet: Option<PathBuf>,
    /// Nodes of a generated graph.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) nodes: u32,
    /// Edges of a generated graph.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) edges: u32,
}

impl Source {
    pub(crate) fn load(&self) -> Result<Input, Failure> {
        match &self.wordnet {
            Some(folder) => Input::wordnet(folder),
            None => Ok(Input::generated(self.nodes, self.edges)),
        }
    }
}

/// What `rivals` measures.
#[derive(Args)]
pub(crate) struct Rivals {
    #[command(flatten)]
    pub(crate) source: Source,
    /// What is measured, by name, separated by commas; without it all.
    #[arg(long, value_delimiter = ',', value_enum, value_name = "TASKS")]
    pub(crate) tasks: Option<Vec<Task>>,
    /// Rivals by name, separated by commas; without it all that can run.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) rivals: Option<Vec<String>>,
    /// Measurements of each, alternating between contenders; medians are reported.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) repeat: u32,
    /// Queries of each kind; who is slow answers only the first of them.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) queries: usize,
    /// Seconds that a contender has for the queries of a kind.
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    pub(crate) at_most: f64,
    /// Seeds for communities; means are reported.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(crate) seeds: u32,
    /// Rounds of Leiden; until nothing gets better if it is 0.
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub(crate) leiden_rounds: u32,
    #[command(flatten)]
    pub(crate) script: Script,
    /// Where files are made [default: the folder for temporary files].
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What `own` measures.
#[derive(Args)]
pub(crate) struct Own {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Openings that are timed.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) repeat: u32,
    /// Single edges that are written, each durable.
    #[arg(long, default_value_t = 300)]
    pub(crate) commits: usize,
    /// Where the file is made [default: the folder for temporary files].
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What `check` compares.
#[derive(Args)]
pub(crate) struct Check {
    /// Nodes of the graph.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) nodes: u32,
    /// Its edges.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) edges: u32,
    #[command(flatten)]
    pub(crate) script: Script,
}

/// Who runs scripts.
#[derive(Args)]
#[group(skip)]
pub(crate) struct Script {
    /// The interpreter that has the Python rivals [default: that of `setup`, if it was run].
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
}

impl Script {
    /// The interpreter, if there is one.
    pub(crate) fn python(&self) -> Option<PathBuf> {
        if let Some(python) = &self.python {
            return Some(python.clone());
        }
        // Beside the folder in which this program lies.
        let program = std::env::current_exe().ok()?;
        let python = program.ancestors().nth(2)?.join("rivals/bin/python");
        python.exists().then_some(python)
    }
}

/// A script of this crate.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
