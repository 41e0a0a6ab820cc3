//! `memlith graph export`: nodes and edges to standard output.

use super::import::Format;
use super::{Place, separated};
use crate::output::{Console, Failure, Outcome};
use clap::Args;
use memlith::Graph;
use memlith_json::{Names, WriteError, write_node_link};
use std::io::{self, Write};

const AFTER_HELP: &str = "\
Examples:
  memlith graph export agent.lith > graph.json
  memlith graph export agent.lith --format tsv > edges.tsv";

/// Write all nodes and edges of a namespace
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Export {
    #[command(flatten)]
    place: Place,

    /// How to write it: node-link JSON has everything, an edge list the kinds and weights of edges
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: Format,
}

impl Export {
    pub(super) fn run(self, console: &mut Console) -> Outcome {
        let (_db, graph) = self.place.read()?;
        match self.format {
            Format::Json => write_node_link(&graph, console.out()).map_err(|e| match e {
                WriteError::Engine(e) => e.into(),
                WriteError::Output(e) => Failure::Output(e),
            }),
            format => write_list(&graph, format.separator(), console),
        }
    }
}

/// Runs what writes to `out` from within a callback of the library, which cannot fail otherwise.
fn streamed(
    walk: impl FnOnce(&mut dyn FnMut(io::Result<()>) -> bool) -> memlith::Result<()>,
) -> Outcome {
    let mut failed = None;
    walk(&mut |written| match written {
        Ok(()) => true,
        Err(e) => {
            failed = Some(e);
            false
        }
    })?;
    failed.map_or(Ok(()), |e| Err(Failure::Output(e)))
}

fn write_list(graph: &Graph, separator: char, console: &mut Console) -> Outcome {
    let out = console.out();
    let row = |fields: [&str; 4]| {
        fields.map(|field| separated::quoted(field, separator)).join(&separator.to_string())
    };
    writeln!(out, "{}", row(["source", "target", "kind", "weight"])).map_err(Failure::Output)?;
    let mut names = Names::of(graph);
    streamed(|keep| {
        graph.for_each_edge(|edge| {
            let (source, target) = (names.get(edge.source)?, names.get(edge.target)?);
            let weight = edge.weight.to_string();
            Ok(keep(writeln!(out, "{}", row([&source, &target, &edge.kind, &weight]))))
        })
    })
}
