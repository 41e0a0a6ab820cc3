//! `memlith graph search`: nodes by words.

use super::Place;
use crate::args::parse_filter;
use crate::output::table::{number, printable, table};
use crate::output::{Console, Outcome};
use clap::Args;
use memlith::NodeSearch;
use serde_json::json;

const AFTER_HELP: &str = "\
Examples:
  memlith graph search agent.lith \"countess of lovelace\"
  memlith graph search agent.lith 'engin*' --signs --filter kind:machine --limit 20";

/// Find nodes by words of their names, and of texts in properties that are indexed
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Search {
    #[command(flatten)]
    place: Place,

    /// Words to find
    #[arg(value_name = "TEXT")]
    text: String,

    /// Read the signs in TEXT: "in a row", +required, -excluded, begin*, typo~
    #[arg(long)]
    signs: bool,

    /// Only nodes that match
    #[arg(long, short, value_name = "EXPR")]
    filter: Option<String>,

    /// Answers at most
    #[arg(long, short, value_name = "N", default_value_t = 10)]
    limit: usize,
}

impl Search {
    pub(super) fn run(self, console: &mut Console) -> Outcome {
        let (_db, graph) = self.place.read()?;
        let mut search = NodeSearch::new(self.text).signs(self.signs).limit(self.limit);
        search.filter = self.filter.as_deref().map(parse_filter).transpose()?;
        let mut rows = table(["node", "score", "kind", "name"]);
        for found in graph.search(&search)? {
            let (node, score) = (found.node, found.score);
            if console.is_json() {
                let line = json!({ "id": node.external_id, "score": score, "kind": node.kind,
                    "name": node.name, "matched_terms": found.matched_terms });
                console.json(&line)?;
                continue;
            }
            rows.add_row([
                printable(&node.external_id).into(),
                number(format!("{score:.3}")),
                printable(&node.kind.unwrap_or_default()).into(),
                printable(&node.name.unwrap_or_default()).into(),
            ]);
        }
        if console.is_json() { Ok(()) } else { console.line(rows.trim_fmt()) }
    }
}
