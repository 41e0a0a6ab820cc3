//! The search for nodes: by words, and by their embeddings.

use super::follow::filter;
use super::{GraphError, node_json};
use crate::request::Effort;
use memlith::{Graph, NearestNodes, NodeSearch};
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NearestAsked {
    vector: Option<Vec<f32>>,
    text: Option<String>,
    space: Option<String>,
    filter: Option<String>,
    limit: Option<usize>,
    min_score: Option<f32>,
    effort: Option<Effort>,
    deadline_ms: Option<u64>,
}

pub(super) fn nearest(graph: &Graph, asked: NearestAsked) -> Result<Value, GraphError> {
    let mut request = match (asked.vector, asked.text) {
        (Some(vector), None) => NearestNodes::to(vector),
        (None, Some(text)) => NearestNodes::to_text(text),
        _ => {
            let what = "either \"vector\" or \"text\" says what nodes are to be near to";
            return Err(GraphError::Invalid(what.into()));
        }
    };
    request.space = asked.space;
    request.filter = asked.filter.as_deref().map(|text| filter("filter", text)).transpose()?;
    request.limit = asked.limit.unwrap_or(request.limit);
    request.min_score = asked.min_score;
    if let Some(effort) = asked.effort {
        request.effort = effort.read()?;
    }
    request.deadline = asked.deadline_ms.map(Duration::from_millis);
    let found = graph.nearest(&request)?.into_iter();
    let found = found.map(|near| json!({ "node": node_json(near.node), "score": near.score }));
    Ok(json!({ "found": found.collect::<Vec<_>>() }))
}
