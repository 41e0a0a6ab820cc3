//! A pattern as an object, in which nodes have names.

use super::ask::cut;
use super::follow::{FollowJson, filter};
use super::record::links_json;
use super::{GraphError, Names, entity_ref};
use memlith::{Direction, Graph, GraphPattern, PatternNode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PatternJson {
    nodes: BTreeMap<String, Option<Candidates>>,
    #[serde(default)]
    edges: Vec<EdgeJson>,
    limit: Option<usize>,
    max_work: Option<u64>,
    deadline_ms: Option<u64>,
}

/// What can stand for a node; null is anything.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a node of a pattern must be null, a name or {\"filter\": \"…\"}")]
enum Candidates {
    One(String),
    Matching(FilterJson),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterJson {
    filter: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeJson {
    from: String,
    to: String,
    #[serde(default)]
    follow: FollowJson,
}

pub(super) fn find(graph: &Graph, asked: PatternJson) -> Result<Value, GraphError> {
    let mut pattern = GraphPattern::new();
    let mut nodes: Vec<(String, PatternNode)> = Vec::with_capacity(asked.nodes.len());
    for (name, candidates) in asked.nodes {
        let node = match candidates {
            None => pattern.any(),
            Some(Candidates::One(entity)) => pattern.one(entity_ref(&entity)),
            Some(Candidates::Matching(FilterJson { filter: text })) => {
                pattern.matching(filter("filter", &text)?)
            }
        };
        nodes.push((name, node));
    }
    let node = |name: &str| {
        let found = nodes.iter().find(|(known, _)| known == name);
        found.map(|(_, node)| *node).ok_or_else(|| format!("the pattern has no node {name:?}"))
    };
    for edge in asked.edges {
        pattern.edge(node(&edge.from)?, node(&edge.to)?, edge.follow.read_edge()?);
    }
    if let Some(edges) = asked.max_work {
        pattern.max_work(edges);
    }
    if let Some(ms) = asked.deadline_ms {
        pattern.deadline(Duration::from_millis(ms));
    }
    let matches = graph.find(&pattern, asked.limit.unwrap_or(100))?;
    let names = &mut Names::of(graph);
    let row = |entities: &[memlith::Entity], names: &mut Names<'_>| {
        let bound = nodes.iter().zip(entities);
        bound
            .map(|((name, _), entity)| Ok((name.clone(), names.get(*entity)?.into())))
            .collect::<memlith::Result<Map<_, _>>>()
    };
    let found = matches.rows.iter().map(|place| {
        let bound = row(&place.entities, names)?;
        Ok(json!({ "nodes": bound, "links": links_json(&place.links, names)? }))
    });
    let found = found.collect::<memlith::Result<Vec<_>>>()?;
    let name = |at: usize| nodes.get(at).map(|(name, _)| name);
    let steps = matches.steps.iter().map(|step| {
        json!({
            "edge": step.edge,
            "from": name(step.from),
            "to": name(step.to),
            "direction": match step.direction {
                Direction::Out => "out",
                Direction::In => "in",
                Direction::Both => "both",
            },
            "candidates": step.candidates,
            "looked_at": step.looked_at,
            "passed": step.passed,
        })
    });
    let steps: Vec<Value> = steps.collect();
    Ok(json!({ "found": found, "steps": steps, "cut": cut(matches.cut) }))
}
