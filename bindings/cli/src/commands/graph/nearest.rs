//! `memlith graph nearest`: nodes by their embeddings.

use super::Place;
use crate::args::{effort, parse_filter, parse_vector};
use crate::commands::import::vector_of_file;
use crate::output::table::{number, printable, table};
use crate::output::{Console, Failure, Outcome};
use clap::Args;
use memlith::{DEFAULT_SPACE, Graph, NearestNodes, SearchEffort};
use memlith_json::entity_ref;
use serde_json::json;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Examples:
  memlith graph nearest agent.lith --node ada --filter kind:person
  memlith graph nearest agent.lith --vector '[0.1, 0.2, 0.3]' --limit 20
  memlith graph nearest agent.lith --vector-file query.npy --space pictures";

/// Find nodes whose embeddings are near to that of a node, or to a vector
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Nearest {
    #[command(flatten)]
    place: Place,

    #[command(flatten)]
    to: To,

    /// The vector space
    #[arg(long, value_name = "SPACE", default_value = DEFAULT_SPACE)]
    space: String,

    /// Only nodes that match
    #[arg(long, short, value_name = "EXPR")]
    filter: Option<String>,

    /// Answers at most
    #[arg(long, short, value_name = "N", default_value_t = 10)]
    limit: usize,

    /// Only those that score at least this
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    min_score: Option<f32>,

    /// How hard to look: fast, balanced, exact or a number of candidates
    #[arg(long, value_name = "EFFORT", default_value = "balanced", value_parser = effort)]
    effort: SearchEffort,
}

/// What nodes are to be near to.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct To {
    /// Near to this node, which is not among the answers
    #[arg(long, value_name = "NODE")]
    node: Option<String>,

    /// Near to this vector, a JSON array
    #[arg(long, value_name = "[…]")]
    vector: Option<String>,

    /// Near to the vector in this file
    #[arg(long, value_name = "FILE")]
    vector_file: Option<PathBuf>,
}

impl To {
    fn read(&self, graph: &Graph, space: &str) -> Outcome<Vec<f32>> {
        if let Some(text) = &self.vector {
            return parse_vector(text);
        }
        if let Some(path) = &self.vector_file {
            return vector_of_file(path);
        }
        let node = self.node.as_deref().unwrap_or_default();
        let vector = graph.vector(entity_ref(node), space)?;
        let lacking = || Failure::Input(format!("node {node:?} has no embedding in {space:?}"));
        vector.ok_or_else(lacking)
    }
}

impl Nearest {
    pub(super) fn run(self, console: &mut Console) -> Outcome {
        let (_db, graph) = self.place.read()?;
        let own = match &self.to.node {
            Some(node) => graph.node(entity_ref(node))?.map(|node| node.id),
            None => None,
        };
        let vector = self.to.read(&graph, &self.space)?;
        // The node itself is one of them.
        let limit = self.limit.saturating_add(usize::from(own.is_some()));
        let mut request = NearestNodes::to(vector).space(self.space).limit(limit);
        request.effort = self.effort;
        request.min_score = self.min_score;
        request.filter = self.filter.as_deref().map(parse_filter).transpose()?;
        let mut rows = table(["node", "score", "kind", "name"]);
        let found = graph.nearest(&request)?.into_iter();
        for near in found.filter(|near| Some(near.node.id) != own).take(self.limit) {
            let (node, score) = (near.node, near.score);
            if console.is_json() {
                let line = json!({ "id": node.external_id, "score": score, "kind": node.kind,
                    "name": node.name });
                console.json(&line)?;
                continue;
            }
            rows.add_row([
                printable(&node.external_id).into(),
                number(format!("{score:.4}")),
                printable(&node.kind.unwrap_or_default()).into(),
                printable(&node.name.unwrap_or_default()).into(),
            ]);
        }
        if console.is_json() { Ok(()) } else { console.line(rows.trim_fmt()) }
    }
}
