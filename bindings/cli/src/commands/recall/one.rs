//! One question, answered for people or as one JSON object.
//!
//! **Invariant:** a leg that did not run is said, with the reason, in either form.

use crate::output::table::{grouped, number, snippet, table};
use crate::output::{Console, Outcome, shown_id};
use memlith::{FilterReport, Hit, Joined, LegOutcome, Memory, Recall, Recalled, Step, View};
use memlith_json::AnswerJson;
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
        return console.json(&AnswerJson::new(&recalled, is_explained));
    }
    print(&recalled, is_explained, seconds, console)
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
            format!(
                "; read {} rows for {part}, which no index answers",
                grouped(report.scanned_rows)
            )
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
    lines.extend(explanation.joined.as_ref().map(way));
    lines.join("\n")
}

/// How one gets from a hit to this one: names, and between them which way an edge of which kind leads.
fn way(joined: &Joined) -> String {
    let Joined { path, names, .. } = joined;
    let mut text = format!("joined: {}", names.first().map_or("", String::as_str));
    for ((link, entity), name) in path.links.iter().zip(&path.entities[1..]).zip(&names[1..]) {
        let (from, to) = if link.target == *entity { (" -", "-> ") } else { (" <-", "- ") };
        text.extend([from, &link.kind, to, name]);
    }
    snippet(&text, SNIPPET_CHARS)
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
