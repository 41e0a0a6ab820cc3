//! The search for nodes by words.

use super::follow::filter;
use super::{GraphError, node_json};
use memlith::{Graph, NodeSearch};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchAsked {
    text: String,
    #[serde(default)]
    signs: bool,
    filter: Option<String>,
    limit: Option<usize>,
    deadline_ms: Option<u64>,
}

pub(super) fn search(graph: &Graph, asked: SearchAsked) -> Result<Value, GraphError> {
    let mut request = NodeSearch::new(asked.text).signs(asked.signs);
    request.filter = asked.filter.as_deref().map(|text| filter("filter", text)).transpose()?;
    request.limit = asked.limit.unwrap_or(request.limit);
    request.deadline = asked.deadline_ms.map(Duration::from_millis);
    let found = graph.search(&request)?.into_iter().map(|found| {
        let (score, matched_terms) = (found.score, found.matched_terms);
        json!({ "node": node_json(found.node), "score": score, "matched_terms": matched_terms })
    });
    Ok(json!({ "found": found.collect::<Vec<_>>() }))
}
