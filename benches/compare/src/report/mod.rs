//! What was measured: tables for people, JSON for programs, a drawing of the curves.

pub(crate) mod figures;
mod svg;
mod table;

pub(crate) use table::{number, print_churn, print_curves, print_filters, print_notes, table};

use crate::Failure;
use crate::args::Vectors;
use crate::contender::OURS;
use crate::curve::{Point, Rate};
use crate::data::Input;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;

/// Where curves are read off.
pub(crate) const RECALLS: [f64; 2] = [0.965, 0.99];

/// All figures of a run.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) setup: Setup,
    pub(crate) contenders: Vec<Contender>,
    pub(crate) filters: Vec<Filtered>,
    pub(crate) churn: Vec<Churned>,
    /// Contenders that could not be measured, or not to the end, and why.
    pub(crate) left_out: Vec<String>,
}

/// What all had in common.
#[derive(Serialize)]
pub(crate) struct Setup {
    pub(crate) source: String,
    pub(crate) count: usize,
    pub(crate) dimension: usize,
    pub(crate) queries: usize,
    pub(crate) k: usize,
    pub(crate) m: usize,
    pub(crate) ef_construction: usize,
    pub(crate) threads: u32,
    pub(crate) repeat: u32,
    /// What "a second" means: of the CPU, or of the clock.
    pub(crate) per_s: &'static str,
    pub(crate) processor: Option<String>,
    /// By contender.
    pub(crate) notes: BTreeMap<String, String>,
}

impl Setup {
    pub(crate) fn of(args: &Vectors, input: &Input, notes: BTreeMap<String, String>) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").ok();
        let processor = cpuinfo.as_deref().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        Self {
            source: input.source.clone(),
            count: input.vectors.len(),
            dimension: input.vectors.dimension(),
            queries: input.queries.len(),
            k: args.source.k,
            m: args.m,
            ef_construction: args.ef_construction,
            threads: args.threads,
            repeat: args.repeat,
            per_s: if args.threads == 1 { "CPU second" } else { "second" },
            processor,
            notes,
        }
    }
}

/// The curve of one contender.
#[derive(Serialize)]
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) build_cpu_s: f64,
    pub(crate) own_bytes_per_vector: Option<f64>,
    pub(crate) rss_bytes_per_vector: Option<f64>,
    /// Answers that may not be: unknown ids, or one twice.
    pub(crate) wrong: usize,
    /// At each of [`RECALLS`].
    pub(crate) rates: Vec<Rate>,
    /// By ascending effort.
    pub(crate) points: Vec<Point>,
}

/// All contenders under one filter.
#[derive(Serialize)]
pub(crate) struct Filtered {
    pub(crate) filter: String,
    /// Vectors that it keeps; the mean, if queries have one each.
    pub(crate) kept: f64,
    pub(crate) points: Vec<FilteredPoint>,
}

#[derive(Serialize)]
pub(crate) struct FilteredPoint {
    pub(crate) contender: String,
    pub(crate) effort: u32,
    pub(crate) recall: f64,
    /// Answers outside the filter.
    pub(crate) wrong: usize,
    pub(crate) per_s: f64,
    /// Queries that were answered before time was up.
    pub(crate) answered: usize,
}

/// All contenders under one kind of churn.
#[derive(Serialize)]
pub(crate) struct Churned {
    pub(crate) kind: String,
    pub(crate) count: usize,
    pub(crate) rounds: Vec<Round>,
}

/// One contender after one step.
#[derive(Serialize)]
pub(crate) struct Round {
    pub(crate) contender: String,
    /// From 1; 0 is the new index.
    pub(crate) number: u32,
    pub(crate) step: String,
    pub(crate) recall: f64,
    /// Answers that were removed.
    pub(crate) wrong: usize,
    pub(crate) per_s: f64,
    /// What the step took.
    pub(crate) cpu_s: f64,
    pub(crate) own_bytes_per_vector: Option<f64>,
    pub(crate) rss_bytes_per_vector: Option<f64>,
}

impl Report {
    pub(crate) fn new(setup: Setup, left_out: Vec<String>) -> Self {
        Self { setup, contenders: Vec::new(), filters: Vec::new(), churn: Vec::new(), left_out }
    }

    /// Ours, if it was measured.
    fn ours(&self) -> Option<&Contender> {
        self.contenders.iter().find(|contender| contender.name == OURS)
    }

    /// Writes the files that were asked for.
    pub(crate) fn save(&self, args: &Vectors) -> Result<(), Failure> {
        if let Some(path) = &args.json {
            fs::write(path, serde_json::to_string_pretty(self)? + "\n")?;
        }
        if let Some(path) = &args.svg {
            svg::draw(self, path)?;
        }
        Ok(())
    }
}
