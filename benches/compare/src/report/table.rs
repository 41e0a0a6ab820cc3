//! Tables on standard output.

use super::{Contender, RECALLS, Report, Round};
use crate::Failure;
use crate::curve::{Point, Rate};
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use std::io::{Write, stdout};

/// A table whose columns but the first `words` hold numbers.
pub(crate) fn table(header: &[&str], words: usize) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header.iter().copied());
    for column in table.column_iter_mut().skip(words) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Three digits that count, thousands apart.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    if value < 9.995 {
        return format!("{value:.2}");
    }
    if value < 99.95 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn recall(value: f64) -> String {
    if value.is_nan() { "-".into() } else { format!("{value:.4}") }
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), number)
}

fn rate(rate: Rate) -> String {
    match rate {
        Rate::At(per_s) => number(per_s),
        Rate::AtLeast(per_s) => format!(">= {}", number(per_s)),
        Rate::Never => "-".into(),
    }
}

/// `ours / theirs`, or its inverse, as a factor.
fn factor(above: Option<f64>, below: Option<f64>) -> String {
    match (above, below) {
        (Some(above), Some(below)) if below > 0.0 => format!("{:.2}x", above / below),
        _ => "-".into(),
    }
}

/// The point whose latencies are told: the first that reaches the highest of [`RECALLS`], else the
/// best there is.
fn told(points: &[Point]) -> Option<&Point> {
    let wanted = RECALLS[RECALLS.len() - 1];
    let reaches = points.iter().find(|point| point.recall >= wanted);
    reaches.or_else(|| points.iter().max_by(|a, b| a.recall.total_cmp(&b.recall)))
}

pub(crate) fn print_curves(report: &Report) -> Result<(), Failure> {
    let setup = &report.setup;
    let mut out = stdout().lock();
    writeln!(
        out,
        "{} vectors of {} components ({}), {} queries, k={}, M={}, ef_construction={}, {} thread(s), \
         {} repeats; queries per {}{}\n",
        setup.count,
        setup.dimension,
        setup.source,
        setup.queries,
        setup.k,
        setup.m,
        setup.ef_construction,
        setup.threads,
        setup.repeat,
        setup.per_s,
        setup.processor.as_ref().map(|name| format!("; {name}")).unwrap_or_default(),
    )?;
    let [low, high] = RECALLS.map(|recall| format!("q/s at {recall}"));
    let mut curves = table(
        &[
            "contender",
            "build CPU s",
            "own B/vector",
            "RSS B/vector",
            &low,
            &high,
            "p50 us",
            "p99 us",
            "at recall",
            "best recall",
        ],
        1,
    );
    for contender in &report.contenders {
        let told = told(&contender.points);
        let best = contender.points.iter().map(|point| point.recall).fold(0.0, f64::max);
        let mut row = vec![
            contender.name.clone(),
            number(contender.build_cpu_s),
            optional(contender.own_bytes_per_vector),
            optional(contender.rss_bytes_per_vector),
        ];
        row.extend(contender.rates.iter().map(|&per_s| rate(per_s)));
        row.extend([
            optional(told.map(|point| point.p50_us)),
            optional(told.map(|point| point.p99_us)),
            told.map_or_else(|| "-".into(), |point| format!("{:.4}", point.recall)),
            format!("{best:.4}"),
        ]);
        curves.add_row(row);
    }
    writeln!(out, "{curves}\n")?;
    if let Some(ours) = report.ours() {
        writeln!(
            out,
            "Memlith against each: above 1 Memlith is ahead\n\n{}\n",
            ratios(ours, report)
        )?;
    }
    let wrong = report.contenders.iter().filter(|contender| contender.wrong > 0);
    for Contender { name, wrong, .. } in wrong {
        writeln!(out, "{name} answered {wrong} ids that it does not have, or twice")?;
    }
    Ok(())
}

fn ratios(ours: &Contender, report: &Report) -> Table {
    let [low, high] = RECALLS.map(|recall| format!("q/s at {recall}"));
    let mut ratios = table(&["rival", "build", "own bytes", "RSS", &low, &high], 1);
    for rival in report.contenders.iter().filter(|contender| contender.name != ours.name) {
        let mut row = vec![
            rival.name.clone(),
            factor(Some(rival.build_cpu_s), Some(ours.build_cpu_s)),
            factor(rival.own_bytes_per_vector, ours.own_bytes_per_vector),
            factor(rival.rss_bytes_per_vector, ours.rss_bytes_per_vector),
        ];
        for (&ours, &theirs) in ours.rates.iter().zip(&rival.rates) {
            row.push(factor(ours.per_s(), theirs.per_s()));
        }
        ratios.add_row(row);
    }
    ratios
}

pub(crate) fn print_filters(report: &Report) -> Result<(), Failure> {
    let mut filters = table(
        &["filter", "contender", "kept", "effort", "recall", "q/s", "answered", "outside"],
        2,
    );
    for filtered in &report.filters {
        for point in &filtered.points {
            filters.add_row([
                filtered.filter.clone(),
                point.contender.clone(),
                format!("{:.0}", filtered.kept),
                point.effort.to_string(),
                recall(point.recall),
                number(point.per_s),
                point.answered.to_string(),
                point.wrong.to_string(),
            ]);
        }
    }
    writeln!(stdout().lock(), "Under filters\n\n{filters}\n")?;
    Ok(())
}

/// Rounds that are shown; the file has all.
fn is_shown(round: &Round, last: u32) -> bool {
    [0, 1, last / 2, last].contains(&round.number)
}

pub(crate) fn print_churn(report: &Report) -> Result<(), Failure> {
    let mut out = stdout().lock();
    for churned in &report.churn {
        let last = churned.rounds.iter().map(|round| round.number).max().unwrap_or(0);
        let mut rounds = table(
            &[
                "contender",
                "round",
                "recall",
                "q/s",
                "step CPU s",
                "own B/vector",
                "RSS B/vector",
                "removed ids",
            ],
            1,
        );
        let mut shown: Vec<_> = churned.rounds.iter().filter(|r| is_shown(r, last)).collect();
        shown.sort_by_key(|round| {
            report.contenders.iter().position(|contender| contender.name == round.contender)
        });
        for round in shown {
            rounds.add_row([
                round.contender.clone(),
                format!("{} {}", round.number, round.step),
                recall(round.recall),
                number(round.per_s),
                number(round.cpu_s),
                optional(round.own_bytes_per_vector),
                optional(round.rss_bytes_per_vector),
                round.wrong.to_string(),
            ]);
        }
        writeln!(out, "Churn: {}, {} vectors\n\n{rounds}\n", churned.kind, churned.count)?;
    }
    Ok(())
}

pub(crate) fn print_notes(report: &Report) -> Result<(), Failure> {
    let mut out = stdout().lock();
    for contender in &report.contenders {
        if let Some(note) = report.setup.notes.get(&contender.name) {
            writeln!(out, "{}: {note}", contender.name)?;
        }
    }
    for line in &report.left_out {
        writeln!(out, "left out: {line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        let shown = [0.123, 9.994, 12.34, 456.7, 12_345.6, 1_234_567.0].map(number);
        assert_eq!(shown, ["0.12", "9.99", "12.3", "457", "12,346", "1,234,567"]);
        assert_eq!(number(f64::NAN), "-");
    }

    #[test]
    fn a_ratio_needs_both() {
        assert_eq!(factor(Some(3.0), Some(2.0)), "1.50x");
        assert_eq!(factor(None, Some(2.0)), "-");
        assert_eq!(factor(Some(3.0), Some(0.0)), "-");
    }
}
