//! `memlith graph`: the knowledge graph of a file.
//!
//! **Invariant:** a node is named by its external id or an alias, a memory by `memory:` and its number,
//! in what is read, in what is written and on the command line.

mod analyse;
mod dot;
mod export;
mod import;
mod nearest;
mod search;
mod separated;
mod svg;
mod walk;

use crate::args::{Store, parse_filter, time};
use crate::output::{Console, Outcome, Time};
use clap::{Args, Subcommand, ValueEnum};
use memlith::{Db, Direction, Follow, Graph, When};

const AFTER_HELP: &str = "\
Examples:
  memlith graph import agent.lith graph.json
  memlith graph search agent.lith 'countess of lovelace'
  memlith graph nearest agent.lith --node ada
  memlith graph related agent.lith ada --depth 2 --kind knows
  memlith graph path agent.lith ada babbage --cheapest
  memlith graph subgraph agent.lith ada --svg > ada.svg
  memlith graph rank agent.lith --by pagerank --write rank";

/// Nodes and edges: import, export, search, walks, ranks, communities
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct GraphArgs {
    #[command(subcommand)]
    command: GraphCommand,
}

#[derive(Debug, Subcommand)]
enum GraphCommand {
    Import(import::Import),
    Export(export::Export),
    Search(search::Search),
    Nearest(nearest::Nearest),
    Related(walk::RelatedArgs),
    Path(walk::PathArgs),
    Subgraph(walk::SubgraphArgs),
    Rank(analyse::Rank),
    Communities(analyse::CommunitiesArgs),
    Stats(analyse::StatsArgs),
}

impl GraphArgs {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        match self.command {
            GraphCommand::Import(args) => args.run(console),
            GraphCommand::Export(args) => args.run(console),
            GraphCommand::Search(args) => args.run(console),
            GraphCommand::Nearest(args) => args.run(console),
            GraphCommand::Related(args) => args.run(console),
            GraphCommand::Path(args) => args.run(console),
            GraphCommand::Subgraph(args) => args.run(console),
            GraphCommand::Rank(args) => args.run(console),
            GraphCommand::Communities(args) => args.run(console),
            GraphCommand::Stats(args) => args.run(console),
        }
    }
}

/// The file, and the namespace of the graph in it.
#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    store: Store,

    /// The namespace of the graph
    #[arg(long, short, value_name = "NS", default_value = "default")]
    namespace: String,
}

impl Place {
    /// The graph, and the handle that keeps it readable.
    fn read(&self) -> Outcome<(Db, Graph)> {
        let db = super::open_to_read(&self.store.file)?;
        let graph = db.read()?.graph(&*self.namespace);
        Ok((db, graph))
    }
}

/// Along edges, against them, or either way.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Way {
    /// Along edges
    #[default]
    Out,
    /// Against edges
    In,
    /// Either way
    Both,
}

/// Which edges are followed, to what.
#[derive(Debug, Args)]
struct Following {
    /// Along edges, against them, or both
    #[arg(long, value_name = "WAY", default_value = "both")]
    direction: Way,

    /// Only edges of this kind; may be given several times
    #[arg(long = "kind", short, value_name = "KIND")]
    kinds: Vec<String>,

    /// Only edges of at least this weight
    #[arg(long, value_name = "W", default_value_t = 0.0)]
    min_weight: f32,

    /// Only to nodes and memories that match
    #[arg(long, short, value_name = "EXPR")]
    filter: Option<String>,

    /// Only edges that hold at this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "any_time")]
    as_of: Option<Time>,

    /// Edges that hold at any time
    #[arg(long)]
    any_time: bool,
}

impl Following {
    fn follow(&self) -> Outcome<Follow> {
        let direction = match self.direction {
            Way::Out => Direction::Out,
            Way::In => Direction::In,
            Way::Both => Direction::Both,
        };
        let when = match self.as_of {
            _ if self.any_time => When::Any,
            Some(Time(at)) => When::At(at),
            None => When::Now,
        };
        let follow = Follow::new().direction(direction).kinds(&self.kinds).when(when);
        let mut follow = follow.min_weight(self.min_weight);
        follow.filter = self.filter.as_deref().map(parse_filter).transpose()?;
        Ok(follow)
    }
}
