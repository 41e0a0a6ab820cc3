//! The command line.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

use crate::data::generate::Shape;

/// Memlith beside others.
#[derive(Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Vector search: build, recall, throughput, bytes; with filters and under churn.
    Vectors(Vectors),
    /// How well a recall ranks what people judged.
    Judged(Judged),
    /// Text search: indexing, bytes, and the best ten for queries of one to five terms.
    Text(Text),
    /// The whole engine by itself: file, opening, searches beside writes, churn.
    Engine(Engine),
    /// The engine with many passages: filling, recalls by words, opening.
    Passages(Passages),
    /// Be one contender, over standard input and output.
    #[command(hide = true)]
    Serve(Serve),
}

/// Vectors and queries.
#[derive(Args)]
#[group(skip)]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub(crate) struct Source {
    /// Folder with the vectors, the queries and the tags.
    #[arg(long, value_name = "DIR", group = "source")]
    pub(crate) data: Option<PathBuf>,
    /// Generate clustered vectors instead, such as 1000000x384.
    #[arg(long, value_name = "COUNTxDIMENSION", group = "source")]
    pub(crate) generate: Option<Shape>,
    /// Vectors, in the folder: a matrix of float16 or float32.
    #[arg(long, value_name = "FILE", default_value = "glosses_f16.npy")]
    pub(crate) vector_file: PathBuf,
    /// Queries, in the folder: as the vectors.
    #[arg(long, value_name = "FILE", default_value = "queries_f16.npy")]
    pub(crate) query_file: PathBuf,
    /// Tags of the vectors, in the folder: JSON lines with `tags`, gzipped. May be missing.
    #[arg(long, value_name = "FILE", default_value = "glosses.jsonl.gz")]
    pub(crate) tag_file: PathBuf,

    /// Take only the first so many vectors.
    #[arg(long)]
    pub(crate) count: Option<usize>,
    /// Queries at most.
    #[arg(long, default_value_t = 500)]
    pub(crate) queries: usize,
    /// Neighbours asked for.
    #[arg(short, default_value_t = 10)]
    pub(crate) k: usize,
}

/// What `engine` measures.
#[derive(Args)]
pub(crate) struct Engine {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Openings that are timed, and builds with one thread and with two.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) repeat: u32,
    /// Rounds of each kind of churn; none if it is 0.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(crate) churn_rounds: u32,
    /// Have the file round components to f16. Recall is that of the vectors as they were.
    #[arg(long)]
    pub(crate) f16: bool,
    /// Where the file is made [default: the folder for temporary files].
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What `passages` measures.
#[derive(Args)]
pub(crate) struct Passages {
    /// Passages, of words by a power law.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) count: usize,
    /// Queries of each length.
    #[arg(long, default_value_t = 200)]
    pub(crate) queries: usize,
    /// Times that each is asked, and openings; medians are reported.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) repeat: u32,
    /// Where the file is made [default: the folder for temporary files].
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What `vectors` measures.
#[derive(Args)]
pub(crate) struct Vectors {
    #[command(flatten)]
    pub(crate) source: Source,
    /// Threads that search. Building takes one.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) threads: u32,
    /// Measurements of each point, alternating between contenders; medians are reported.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) repeat: u32,
    /// Rivals by name, separated by commas; without it all that can run.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) rivals: Option<Vec<String>>,

    /// Measure searches under filters too.
    #[arg(long)]
    pub(crate) filters: bool,
    /// Queries of the filter section at most.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub(crate) filter_queries: usize,
    /// Measure deletes and overwrites too.
    #[arg(long)]
    pub(crate) churn: bool,
    /// Vectors of the churn section at most: rivals take long to build again and again.
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub(crate) churn_count: usize,
    /// Rounds of each kind of churn.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(crate) churn_rounds: u32,

    /// Links of a node, twice as many on the lowest level.
    #[arg(short, default_value_t = 16)]
    pub(crate) m: usize,
    /// Candidates while a node is linked.
    #[arg(long, default_value_t = 100)]
    pub(crate) ef_construction: usize,

    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Draw the curves of recall and throughput.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// The interpreter that has the Python rivals [default: that of `setup`, if it was run].
    #[arg(long, value_name = "FILE")]
    pub(crate) python: Option<PathBuf>,
}

/// What `judged` measures.
#[derive(Args)]
pub(crate) struct Judged {
    /// Folder with the sets.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The sets, each the beginning of the names of its files.
    #[arg(long, value_delimiter = ',', value_name = "NAMES", default_value = "dialogue,cacm")]
    pub(crate) sets: Vec<String>,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What `text` measures.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("texts").required(true))]
pub(crate) struct Text {
    /// Folder with the texts.
    #[arg(long, value_name = "DIR", group = "texts")]
    pub(crate) data: Option<PathBuf>,
    /// Generate so many passages instead, of words by a power law.
    #[arg(long, value_name = "COUNT", group = "texts")]
    pub(crate) generate: Option<usize>,
    /// Texts, in the folder: gzipped lines, of JSON with `text` or of fields whose last is the text.
    #[arg(long = "text-file", value_name = "FILE", default_value = "glosses.jsonl.gz")]
    pub(crate) file: PathBuf,
    /// Take only the first so many texts.
    #[arg(long)]
    pub(crate) count: Option<usize>,
    /// Queries of each length.
    #[arg(long, default_value_t = 200)]
    pub(crate) queries: usize,
    /// Passes over the queries, alternating between contenders; medians are reported.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) repeat: u32,
    /// Builds of each index; medians are reported.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) builds: u32,
    /// Rivals by name, separated by commas: tantivy, fts5; without it all.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) rivals: Option<Vec<String>>,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What a contender's process is told at its start. `rivals.py` takes the same.
#[derive(Args, Clone)]
pub(crate) struct Serve {
    #[arg(long)]
    pub(crate) contender: String,
    #[arg(long)]
    pub(crate) vectors: PathBuf,
    #[arg(long)]
    pub(crate) queries: PathBuf,
    /// A folder for those that need files.
    #[arg(long)]
    pub(crate) folder: PathBuf,
    #[arg(long)]
    pub(crate) k: usize,
    #[arg(long)]
    pub(crate) m: usize,
    #[arg(long)]
    pub(crate) ef_construction: usize,
    #[arg(long)]
    pub(crate) threads: usize,
}
