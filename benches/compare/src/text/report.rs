//! What was measured: tables for people, JSON for programs.

use super::documents::Corpus;
use crate::Failure;
use crate::args::Text;
use crate::report::{number, table};
use serde::Serialize;
use std::fs;
use std::io::{Write, stdout};

#[derive(Serialize)]
pub(super) struct Report {
    source: String,
    documents: usize,
    text_bytes: usize,
    repeat: u32,
    contenders: Vec<Contender>,
}

/// All of one contender; without positions and with them.
#[derive(Serialize)]
pub(super) struct Contender {
    name: &'static str,
    documents_per_cpu_s: [f64; 2],
    bytes: [u64; 2],
    pub(super) latencies: Vec<Latencies>,
}

impl Contender {
    pub(super) fn new(name: &'static str, rates: [f64; 2], bytes: [u64; 2]) -> Self {
        Self { name, documents_per_cpu_s: rates, bytes, latencies: Vec::new() }
    }
}

/// Of queries of one kind.
#[derive(Serialize)]
pub(super) struct Latencies {
    mode: &'static str,
    terms: String,
    p50_us: f64,
    p99_us: f64,
    hits: usize,
}

impl Latencies {
    pub(super) fn new(mode: &'static str, terms: &str, mut us: Vec<f64>, hits: usize) -> Self {
        us.sort_by(f64::total_cmp);
        let at = |share: f64| us.get((us.len() as f64 * share) as usize).copied();
        Self {
            mode,
            terms: terms.to_owned(),
            p50_us: at(0.5).unwrap_or(f64::NAN),
            p99_us: at(0.99).unwrap_or(f64::NAN),
            hits,
        }
    }
}

impl Report {
    pub(super) fn new(corpus: &Corpus, args: &Text, contenders: Vec<Contender>) -> Self {
        Self {
            source: corpus.source.clone(),
            documents: corpus.texts.len(),
            text_bytes: corpus.texts.iter().map(String::len).sum(),
            repeat: args.repeat,
            contenders,
        }
    }

    pub(super) fn print(&self) -> Result<(), Failure> {
        let mut out = stdout().lock();
        let Self { source, documents, text_bytes, repeat, contenders } = self;
        writeln!(out, "{source}: {documents} texts, {text_bytes} bytes; {repeat} repeats\n")?;
        let mut builds =
            table(&["contender", "docs/CPU s", "with positions", "bytes", "with positions"], 1);
        for contender in contenders {
            let mut row = vec![contender.name.to_owned()];
            row.extend(contender.documents_per_cpu_s.map(number));
            row.extend(contender.bytes.map(|bytes| number(bytes as f64)));
            builds.add_row(row);
        }
        writeln!(out, "{builds}\n")?;

        let mut header = vec!["query".to_owned()];
        for contender in contenders {
            header.extend([format!("{} p50 us", contender.name), "p99 us".into()]);
        }
        header.extend(contenders.iter().skip(1).map(|rival| format!("x {}", rival.name)));
        let mut latencies = table(&header.iter().map(String::as_str).collect::<Vec<_>>(), 1);
        let rows = contenders.first().map_or(0, |ours| ours.latencies.len());
        for row in 0..rows {
            let of: Vec<_> = contenders.iter().map(|contender| &contender.latencies[row]).collect();
            let ours = of[0];
            let mut cells = vec![format!("{} {}", ours.mode, ours.terms)];
            cells.extend(of.iter().flat_map(|own| [number(own.p50_us), number(own.p99_us)]));
            cells.extend(of.iter().skip(1).map(|rival| {
                let ratios = (ours.p50_us / rival.p50_us, ours.p99_us / rival.p99_us);
                format!("{:.2} / {:.2}", ratios.0, ratios.1)
            }));
            latencies.add_row(cells);
        }
        writeln!(out, "{latencies}\n\nRatios of p50 and p99: below 1 Memlith is ahead")?;
        Ok(())
    }

    pub(super) fn save(&self, args: &Text) -> Result<(), Failure> {
        if let Some(path) = &args.json {
            fs::write(path, serde_json::to_string_pretty(self)? + "\n")?;
        }
        Ok(())
    }
}
