//! The answer to a recall as an object.
//!
//! **Invariant:** a leg that did not run is there, with the reason; no two legs have the same key, for that of a
//! vector space other than the default one says which.

use crate::{Time, shown_id};
use memlith::{
    DEFAULT_SPACE, FilterReport, Hit, Joined, Leg, LegOutcome, LegReport, LegScore, Memory,
    Recalled, Step,
};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::borrow::Cow;

/// A whole answer: `{"hits": […], "legs": {…}, "filter": {…}, "steps": {…}, "seq", "seconds"}`, with
/// `"tokens"` where there is a budget of them, and `"kept": true` of an answer that was kept.
#[derive(serde::Serialize)]
pub struct AnswerJson<'a> {
    hits: Vec<HitJson<'a>>,
    legs: Legs<'a>,
    filter: FilterJson<'a>,
    steps: Steps<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    kept: bool,
    seq: u64,
    seconds: f64,
}

impl<'a> AnswerJson<'a> {
    /// Of what was recalled; `is_explained` adds to each hit what only an explanation has.
    pub fn new(recalled: &'a Recalled, is_explained: bool) -> Self {
        AnswerJson {
            hits: recalled.hits.iter().map(|hit| HitJson::new(hit, is_explained)).collect(),
            legs: Legs(&recalled.legs),
            filter: FilterJson::new(&recalled.filter),
            steps: Steps(&recalled.steps),
            tokens: recalled.tokens,
            kept: recalled.is_kept,
            seq: recalled.seq.0,
            seconds: recalled.micros as f64 / 1e6,
        }
    }
}

#[derive(serde::Serialize)]
struct HitJson<'a> {
    id: String,
    score: f32,
    text: &'a str,
    tags: &'a [String],
    legs: LegScores<'a>,
    number: u64,
    namespace: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    importance: f32,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Value::is_null")]
    metadata: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    matched_terms: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    joined: Option<JoinedJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snippet: Option<SnippetJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<TurnJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    behind: Vec<TurnJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    duplicates: Vec<u64>,
}

/// `{"text", "start", "marks": [[from, to], …]}`, in bytes.
#[derive(serde::Serialize)]
struct SnippetJson<'a> {
    text: &'a str,
    start: usize,
    marks: Vec<(usize, usize)>,
}

/// The way through the graph from a hit of another leg: `{"nodes": […], "kinds": […]}`.
#[derive(serde::Serialize)]
struct JoinedJson<'a> {
    nodes: &'a [String],
    kinds: Vec<&'a str>,
}

impl<'a> JoinedJson<'a> {
    fn new(joined: &'a Joined) -> Self {
        let kinds = joined.path.links.iter().map(|link| &*link.kind).collect();
        JoinedJson { nodes: &joined.names, kinds }
    }
}

/// A turn beside a hit.
#[derive(serde::Serialize)]
struct TurnJson<'a> {
    id: String,
    text: &'a str,
}

fn turns(memories: &[Memory]) -> Vec<TurnJson<'_>> {
    memories.iter().map(|m| TurnJson { id: shown_id(m), text: &m.content }).collect()
}

impl<'a> HitJson<'a> {
    fn new(hit: &'a Hit, is_explained: bool) -> Self {
        let memory = &hit.memory;
        let explanation = hit.explanation.as_ref();
        let asked_for = explanation.filter(|_| is_explained);
        HitJson {
            id: shown_id(memory),
            score: hit.score,
            text: &memory.content,
            tags: &memory.tags,
            legs: LegScores(explanation.map_or(&[], |e| &e.legs)),
            number: memory.id.0,
            namespace: &memory.namespace,
            kind: memory.kind.as_deref(),
            importance: memory.importance,
            created_at: Time(memory.created_ms),
            agent: memory.agent.as_deref(),
            session: memory.session.as_deref(),
            project: memory.project.as_deref(),
            channel: memory.channel.as_deref(),
            source: memory.source.as_deref(),
            metadata: &memory.metadata,
            matched_terms: asked_for.map(|e| &e.matched_terms[..]),
            age_seconds: asked_for.map(|e| e.age_ms as f64 / 1e3),
            joined: asked_for.and_then(|e| e.joined.as_ref()).map(JoinedJson::new),
            snippet: hit.snippet.as_ref().map(|snippet| SnippetJson {
                text: &snippet.text,
                start: snippet.range.start,
                marks: snippet.marks.iter().map(|mark| (mark.start, mark.end)).collect(),
            }),
            before: turns(&hit.before),
            behind: turns(&hit.behind),
            duplicates: hit.duplicates.iter().map(|id| id.0).collect(),
        }
    }
}

/// What a leg is called: `text`, `vector`, or `vector:NAME` in another space than the default one.
fn key(leg: Leg, space: Option<&str>) -> Cow<'static, str> {
    match space.filter(|space| *space != DEFAULT_SPACE) {
        Some(space) => format!("{}:{space}", leg.name()).into(),
        None => leg.name().into(),
    }
}

/// `{"text": {"rank", "raw", "score", "weight"}, …}`
struct LegScores<'a>(&'a [LegScore]);

#[derive(serde::Serialize)]
struct LegScoreJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<usize>,
    raw: f32,
    score: f32,
    weight: f32,
}

impl Serialize for LegScores<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for leg in self.0 {
            let LegScore { rank, raw, normalised: score, weight, .. } = *leg;
            map.serialize_entry(
                &key(leg.leg, leg.space.as_deref()),
                &LegScoreJson { rank, raw, score, weight },
            )?;
        }
        map.end()
    }
}

/// `{"text": {"ran": true, "candidates", "us"}, "vector": {"ran": false, "why"}}`
struct Legs<'a>(&'a [LegReport]);

#[derive(serde::Serialize)]
struct LegJson {
    ran: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strategy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    us: u64,
}

impl Serialize for Legs<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for report in self.0 {
            let (us, strategy) = (report.micros, report.strategy);
            let leg = match report.outcome {
                LegOutcome::NotRun { why } => {
                    LegJson { ran: false, candidates: None, strategy, why: Some(why), us }
                }
                LegOutcome::Ran { candidates } => {
                    LegJson { ran: true, candidates: Some(candidates), strategy, why: None, us }
                }
                _ => LegJson { ran: true, candidates: None, strategy, why: None, us },
            };
            map.serialize_entry(&key(report.leg, report.space.as_deref()), &leg)?;
        }
        map.end()
    }
}

/// `{"filter": us, "legs": us, …}`
struct Steps<'a>(&'a [Step]);

impl Serialize for Steps<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|step| (step.name, step.micros)))
    }
}

#[derive(serde::Serialize)]
struct FilterJson<'a> {
    matching: u64,
    scanned_rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scanned_filter: Option<&'a str>,
    us: u64,
}

impl<'a> FilterJson<'a> {
    fn new(report: &'a FilterReport) -> Self {
        FilterJson {
            matching: report.matching,
            scanned_rows: report.scanned_rows,
            scanned_filter: report.scanned_filter.as_deref(),
            us: report.micros,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memlith::{NewMemory, Options, Recall, Space};

    #[test]
    fn legs_of_several_spaces_have_keys_of_their_own() {
        let db = Options::new().threads(false).in_memory().unwrap();
        db.create_space(&Space::new("picture", 2)).unwrap();
        let cat = NewMemory::new("a cat").vector([1.0, 0.0]).vector_in("picture", [0.0, 1.0]);
        db.remember(cat).unwrap();
        let request = Recall::new().vector([1.0, 0.0]).also_in("picture", [0.0, 1.0]);
        let recalled = db.recall(&request.explain(true)).unwrap();
        let text = serde_json::to_string(&AnswerJson::new(&recalled, true)).unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        for legs in [&answer["legs"], &answer["hits"][0]["legs"]] {
            let keys: Vec<_> = legs.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["vector", "vector:picture"]);
        }
        // Two entries of one key would have become one.
        assert_eq!(text.matches("\"vector\":").count(), 2);
    }
}
