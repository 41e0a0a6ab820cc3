//! One question, answered for people or as one JSON object.
//!
//! **Invariant:** a leg that did not run is said, with the reason, in either form.

use crate::output::table::{grouped, number, snippet, table};
use crate::output::{Console, Outcome, Time, shown_id};
use memlith::{
    FilterReport, Hit, LegOutcome, LegReport, LegScore, Memory, Recall, Recalled, Step, View,
};
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
            steps: Steps(&recalled.steps),
            tokens: recalled.tokens,
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
    steps: Steps<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<usize>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    snippet: Option<SnippetJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<TurnJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    behind: Vec<TurnJson<'a>>,
}

/// `{"text", "start", "marks": [[from, to], …]}`, in bytes
#[derive(serde::Serialize)]
struct SnippetJson<'a> {
    text: &'a str,
    start: usize,
    marks: Vec<(usize, usize)>,
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
            snippet: hit.snippet.as_ref().map(|snippet| SnippetJson {
                text: &snippet.text,
                start: snippet.range.start,
                marks: snippet.marks.iter().map(|mark| (mark.start, mark.end)).collect(),
            }),
            before: turns(&hit.before),
            behind: turns(&hit.behind),
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
                text(hit).into(),
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
    if let Some(tokens) = recalled.tokens {
        console.line(format_args!("  {} tokens", grouped(tokens as u64)))?;
    }
    if is_explained {
        console.line(filter_line(&recalled.filter))?;
        let step = |step: &Step| format!("{} {} us", step.name, step.micros);
        let steps: Vec<String> = recalled.steps.iter().map(step).collect();
        console.line(format_args!("  steps: {}", steps.join(", ")))?;
    }
    Ok(())
}

/// What a table shows of a hit: its text or the piece that was asked for, between the turns around it.
fn text(hit: &Hit) -> String {
    let own = match &hit.snippet {
        Some(piece) => snippet(&piece.text, SNIPPET_CHARS),
        None => snippet(&hit.memory.content, SNIPPET_CHARS),
    };
    if hit.before.is_empty() && hit.behind.is_empty() {
        return own;
    }
    let turn = |memory: &Memory| format!("  {}", snippet(&memory.content, SNIPPET_CHARS));
    let before = hit.before.iter().map(turn);
    before
        .chain([format!("> {own}")])
        .chain(hit.behind.iter().map(turn))
        .collect::<Vec<_>>()
        .join("\n")
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
    lines.push(format!("age: {}", age(explanation.age_ms)));
    if !explanation.matched_terms.is_empty() {
        lines.push(format!("words: {}", snippet(&explanation.matched_terms.join(", "), 80)));
    }
    lines.join("\n")
}

/// An age in the unit that fits.
fn age(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
