//! What was measured: tables for people, JSON for programs.

use crate::Failure;
use crate::args::Rivals;
use crate::clock::quantile;
use crate::contender::Loaded;
use crate::data::Input;
use crate::run::OURS;
use crate::task::Task;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;
use std::fs;
use std::io::{Write, stdout};
use std::path::Path;

/// All figures of a run.
#[derive(Serialize)]
pub(crate) struct Report {
    source: String,
    repeat: u32,
    leiden_rounds: u32,
    pub(crate) loading: Vec<Loading>,
    pub(crate) rows: Vec<Row>,
    /// What could not be measured, and what found something else than Memlith did.
    pub(crate) left_out: Vec<String>,
}

/// What it took to take the edges in.
#[derive(Serialize)]
pub(crate) struct Loading {
    name: String,
    edges_per_s: f64,
    edges_per_cpu_s: f64,
    lies: &'static str,
}

impl Loading {
    pub(crate) fn new(name: &str, loaded: &Loaded, input: &Input) -> Self {
        let edges = input.edges.len() as f64;
        Self {
            name: name.into(),
            edges_per_s: edges / loaded.wall_s,
            edges_per_cpu_s: edges / loaded.cpu_s,
            lies: loaded.lies,
        }
    }
}

/// One contender at one task.
#[derive(Serialize)]
pub(crate) struct Row {
    name: String,
    task: Task,
    p50_us: f64,
    p99_us: f64,
    /// Queries that were answered; of a task how often it was done.
    count: usize,
    /// The mean of what was found.
    found: f64,
    #[serde(skip)]
    pub(crate) answers: Vec<f64>,
}

impl Row {
    pub(crate) fn new(name: &str, task: Task, us: Vec<f64>, answers: Vec<f64>) -> Self {
        Self {
            name: name.into(),
            task,
            p50_us: quantile(us.clone(), 0.5),
            p99_us: quantile(us, 0.99),
            count: answers.len(),
            found: answers.iter().sum::<f64>() / answers.len() as f64,
            answers,
        }
    }
}

impl Report {
    pub(crate) fn new(source: &str, args: &Rivals) -> Self {
        Self {
            source: source.into(),
            repeat: args.repeat,
            leiden_rounds: args.leiden_rounds,
            loading: Vec::new(),
            rows: Vec::new(),
            left_out: Vec::new(),
        }
    }

    pub(crate) fn print(&self) -> Result<(), Failure> {
        let mut out = stdout().lock();
        writeln!(out, "{}; {} repeats\n", self.source, self.repeat)?;
        let mut loading = table(&["contender", "edges lie in", "edges/s", "edges/CPU s"], 2);
        for Loading { name, edges_per_s, edges_per_cpu_s, lies } in &self.loading {
            loading.add_row([
                name.clone(),
                (*lies).into(),
                number(*edges_per_s),
                number(*edges_per_cpu_s),
            ]);
        }
        writeln!(out, "{loading}\n")?;
        let header =
            ["task", "contender", "p50 us", "p99 us", "x ours", "count", "found, mean", ""];
        let mut rows = table(&header, 2);
        let mut ours = f64::NAN;
        for row in &self.rows {
            if row.name == OURS {
                ours = row.p50_us;
            }
            let p99 = if row.task.is_query() { row.p99_us } else { f64::NAN };
            rows.add_row([
                row.task.name().to_owned(),
                row.name.clone(),
                number(row.p50_us),
                number(p99),
                number(row.p50_us / ours),
                row.count.to_string(),
                format!("{:.6}", row.found),
                row.task.answer().to_owned(),
            ]);
        }
        writeln!(out, "{rows}\n\nx ours: above 1 Memlith is ahead")?;
        for left_out in &self.left_out {
            writeln!(out, "{left_out}")?;
        }
        Ok(())
    }

    pub(crate) fn save(&self, path: Option<&Path>) -> Result<(), Failure> {
        save(self, path)
    }
}

/// Writes figures, if there is to be a file.
pub(crate) fn save(figures: &impl Serialize, path: Option<&Path>) -> Result<(), Failure> {
    if let Some(path) = path {
        fs::write(path, serde_json::to_string_pretty(figures)? + "\n")?;
    }
    Ok(())
}

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
