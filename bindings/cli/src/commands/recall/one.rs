//! One question, answered for people or as one JSON object.
//!
//! **Invariant:** a leg that did not run is said, with the reason, in either form.

use crate::output::table::{grouped, number, snippet, table};
use crate::output::{Console, Outcome, Time, shown_id};
use memlith::{FilterReport, Hit, LegOutcome, LegReport, LegScore, Recall, Recalled, View};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::time::Instant;

/// Characters of a memory's text that a table shows.
const SNIPPET_CHARS: usize = 240;

pub(super) fn answer(
    view: &View,
    request: &Recall,
    is_explained: bool,
    console: &mut Console,
) -> Outcome {
    let started = Instant::now();
    let request = request.clone().explain(is_explained || console.is_json());
    let recalled = view.recall(&request)?;
    let seconds = started.elapsed().as_secs_f64();
    if console.is_json() {
        let ids: Vec<String> = recalled.hits.iter().map(|hit| shown_id(&hit.memory)).collect();
        let hits = recalled.hits.iter().zip(&ids);
        return console.json(&AnswerJson {
            hits: hits.map(|(hit, id)| HitJson::new(id, hit, is_explained)).collect(),
            legs: Legs(&recalled.legs),
            filter: FilterJson::new(&recalled.filter),
            seq: recalled.seq.0,
            seconds,
        });
    }
    print(&recalled, is_explained, seconds, console)
}

#[derive(serde::Serialize)]
struct AnswerJson<'a> {
    hits: Vec<HitJson<'a>>,
    legs: Legs<'a>,
    filter: FilterJson<'a>,
    seq: u64,
    seconds: f64,
}

#[derive(serde::Serialize)]
struct HitJson<'a> {
    id: &'a str,
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
}

impl<'a> HitJson<'a> {
    fn new(id: &'a str, hit: &'a Hit, is_explained: bool) -> Self {
        let memory = &hit.memory;
        let explanation = hit.explanation.as_ref();
        let asked_for = explanation.filter(|_| is_explained);
        HitJson {
            id,
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
        }
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
            map.serialize_entry(leg.leg.name(), &LegScoreJson { rank, raw, score, weight })?;
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
            map.serialize_entry(report.leg.name(), &leg)?;
        }
        map.end()
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

fn print(recalled: &Recalled, is_explained: bool, seconds: f64, console: &mut Console) -> Outcome {
    if !recalled.hits.is_empty() {
        let mut rows = if is_explained {
            table(["#", "score", "id", "memory", "why"])
        } else {
            table(["#", "score", "id", "memory", "tags"])
        };
        for (place, hit) in recalled.hits.iter().enumerate() {
            rows.add_row([
                number((place + 1).to_string()),
                number(format!("{:.3}", hit.score)),
                snippet(&shown_id(&hit.memory), 40).into(),
                snippet(&hit.memory.content, SNIPPET_CHARS).into(),
                if is_explained { why(hit) } else { tags(hit) }.into(),
            ]);
        }
        console.line(rows.trim_fmt())?;
    }
    let hits = match recalled.hits.len() {
        1 => "1 hit".to_owned(),
        n => format!("{} hits", grouped(n as u64)),
    };
    console.line(format_args!("{hits} in {:.2} ms", seconds * 1e3))?;
    for leg in &recalled.legs {
        match leg.outcome {
            LegOutcome::NotRun { why } => {
                console.line(format_args!("  {}: did not run: {why}", leg.leg.name()))?;
            }
            LegOutcome::Ran { candidates } if is_explained => {
                let (name, candidates) = (leg.leg.name(), grouped(candidates as u64));
                let by = leg.strategy.map(|s| format!(" by {s}")).unwrap_or_default();
                let us = leg.micros;
                console.line(format_args!("  {name}: {candidates} candidates{by}, {us} us"))?;
            }
            _ => {}
        }
    }
    if is_explained {
        console.line(filter_line(&recalled.filter))?;
    }
    Ok(())
}

fn filter_line(report: &FilterReport) -> String {
    let matching = grouped(report.matching);
    let scanned = match &report.scanned_filter {
        Some(part) => {
            format!("; read {} rows for {part}, which has no index", grouped(report.scanned_rows))
        }
        None => String::new(),
    };
    format!("  filter: {matching} memories match{scanned}, {} us", report.micros)
}

fn tags(hit: &Hit) -> String {
    snippet(&hit.memory.tags.join(", "), 60)
}

fn why(hit: &Hit) -> String {
    let Some(explanation) = &hit.explanation else { return String::new() };
    let mut lines: Vec<String> = explanation
        .legs
        .iter()
        .map(|leg| {
            let rank = leg.rank.map(|rank| format!(" (#{rank})")).unwrap_or_default();
            let (name, part) = (leg.leg.name(), leg.normalised * leg.weight);
            format!("{name} {part:.3} = {:.3} x {}{rank}", leg.normalised, leg.weight)
        })
        .collect();
    if !explanation.matched_terms.is_empty() {
        lines.push(format!("words: {}", snippet(&explanation.matched_terms.join(", "), 80)));
    }
    lines.join("\n")
}
