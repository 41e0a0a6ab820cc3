//! `memlith graph import`: nodes and edges from a file.

use super::{Place, separated};
use crate::input::{BytesRead, Counted};
use crate::output::{Bar, Console, Failure, Outcome};
use clap::{Args, ValueEnum};
use memlith::{Db, NewEdge, WriteOptions};
use memlith_json::{Item, Put, entity_ref, read_node_link};
use serde::Serialize;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Nodes and edges that one transaction writes.
const BATCH: usize = 20_000;
/// Fewer if they take so much of the input: what is read waits in memory.
const BATCH_BYTES: u64 = 8 << 20;
/// Longest line of an edge list, in bytes.
const MAX_LINE_BYTES: u64 = 1 << 20;

const AFTER_HELP: &str = "\
Examples:
  memlith graph import agent.lith graph.json
  memlith graph import agent.lith edges.tsv --default-kind cites
  cat edges.csv | memlith graph import agent.lith - --format csv

Node-link JSON has \"nodes\" with an \"id\" each, and \"links\" (or \"edges\") with a \"source\" and a
\"target\" each. Of a node kind, name, importance, tags and aliases are what they say, of an edge kind,
weight, from_ms and until_ms; everything else becomes a property. Nodes that only edges name are made.";

/// Read nodes and edges from node-link JSON or an edge list
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Import {
    #[command(flatten)]
    place: Place,

    /// The file to read; - for standard input
    #[arg(value_name = "INPUT")]
    input: PathBuf,

    /// How it is written [default: by the name of the file]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,

    /// The kind of edges that say none
    #[arg(long, value_name = "KIND", default_value = "related")]
    default_kind: String,
}

/// How a graph is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Node-link JSON, as networkx has it
    Json,
    /// An edge list, its fields separated by commas
    Csv,
    /// An edge list, its fields separated by tabs
    Tsv,
}

impl Format {
    /// What the name of a file says of it.
    pub(super) fn of(path: &Path) -> Self {
        match path.extension().and_then(|ext| ext.to_str()) {
            Some("csv") => Format::Csv,
            Some("tsv" | "txt") => Format::Tsv,
            _ => Format::Json,
        }
    }

    pub(super) fn separator(self) -> char {
        if self == Format::Tsv { '\t' } else { ',' }
    }
}

/// How many are new.
#[derive(Serialize)]
struct Summary {
    nodes: u64,
    edges: u64,
}

impl Import {
    pub(super) fn run(self, console: &mut Console) -> Outcome {
        let input: Box<dyn Read> = if self.input.as_os_str() == "-" {
            Box::new(std::io::stdin().lock())
        } else {
            let file = File::open(&self.input);
            Box::new(file.map_err(|e| Failure::io("opening", &self.input, e))?)
        };
        let input = Counted::new(input);
        let bytes_read = input.bytes_read();
        let input = BufReader::with_capacity(1 << 20, input);
        let db = crate::commands::open_or_create(&self.place.store.file)?;
        let bar = Bar::over_steps();
        let mut writer = Writer {
            db: &db,
            namespace: &self.place.namespace,
            default_kind: &self.default_kind,
            bytes_read,
            batch: Vec::new(),
            written_bytes: 0,
            summary: Put::default(),
            read: 0,
            failure: None,
        };
        let written = match self.format.unwrap_or_else(|| Format::of(&self.input)) {
            Format::Json => writer.read_json(input, &bar),
            format => writer.read_lines(input, format.separator(), &bar),
        };
        // What the library says goes before what the reader makes of it.
        if let Some(failure) = writer.failure.take() {
            return Err(failure.into());
        }
        let at = |why| Failure::Input(format!("{}: {why}", self.input.display()));
        written.map_err(at)?;
        writer.commit()?;
        let Put { nodes, edges } = writer.summary;
        db.close().map_err(crate::commands::at(&self.place.store.file))?;
        console
            .answer(&Summary { nodes, edges }, format_args!("{nodes} new nodes, {edges} new edges"))
    }
}

/// Writes nodes and edges in batches.
struct Writer<'a> {
    db: &'a Db,
    namespace: &'a str,
    default_kind: &'a str,
    bytes_read: BytesRead,
    batch: Vec<Item>,
    /// As much of the input is in the file.
    written_bytes: u64,
    summary: Put,
    /// Nodes and edges that were read.
    read: u64,
    failure: Option<memlith::Error>,
}

impl Writer<'_> {
    fn read_json(&mut self, input: impl Read, bar: &Bar) -> Result<(), String> {
        let mut document = serde_json::Deserializer::from_reader(input);
        let kind = self.default_kind;
        let read = read_node_link(&mut document, kind, &mut |item| {
            self.put(item)?;
            bar.step("nodes and edges", self.read, 0);
            Ok(())
        });
        read.and_then(|()| document.end()).map_err(|e| e.to_string())
    }

    fn read_lines(
        &mut self,
        mut input: impl BufRead,
        separator: char,
        bar: &Bar,
    ) -> Result<(), String> {
        let mut line = String::new();
        for number in 1_u64.. {
            line.clear();
            let read = input.by_ref().take(MAX_LINE_BYTES).read_line(&mut line);
            let len = read.map_err(|e| format!("line {number}: {e}"))?;
            if len == 0 {
                break;
            }
            if len as u64 == MAX_LINE_BYTES {
                return Err(format!("line {number}: it is too long"));
            }
            let text = line.trim_end_matches(['\n', '\r']);
            if text.trim().is_empty() || text.starts_with('#') {
                continue;
            }
            let fields = separated::fields(text, separator);
            let fields = fields.map_err(|why| format!("line {number}: {why}"))?;
            if number == 1 && fields.len() > 1 && fields[0] == "source" && fields[1] == "target" {
                continue;
            }
            self.line(&fields).map_err(|why| format!("line {number}: {why}"))?;
            bar.step("edges", self.read, 0);
        }
        Ok(())
    }

    fn line(&mut self, fields: &[String]) -> Result<(), String> {
        let [source, target, rest @ ..] = fields else {
            return Err("an edge needs a source and a target".into());
        };
        let kind = rest.first().filter(|kind| !kind.is_empty());
        let kind = kind.map_or(self.default_kind, String::as_str);
        let mut edge = NewEdge::new(entity_ref(source), kind, entity_ref(target));
        if let Some(weight) = rest.get(1).filter(|weight| !weight.is_empty()) {
            edge.weight = weight.parse().map_err(|_| format!("{weight:?} is no weight"))?;
        }
        self.put(Item::Edge(edge))
    }

    fn put(&mut self, item: Item) -> Result<(), String> {
        self.batch.push(item);
        self.read += 1;
        let bytes = self.bytes_read.get() - self.written_bytes;
        if self.batch.len() < BATCH && bytes < BATCH_BYTES {
            return Ok(());
        }
        self.commit().map_err(|e| {
            let why = e.to_string();
            self.failure = Some(e);
            why
        })
    }

    /// Writes what was read since the last time, as one transaction.
    fn commit(&mut self) -> memlith::Result<()> {
        let batch = std::mem::take(&mut self.batch);
        let options = WriteOptions::new().reason("graph import");
        let put = self.db.transact(options, |tx| {
            let (mut graph, mut put) = (tx.graph(self.namespace), Put::default());
            for item in batch {
                put += item.put(&mut graph)?;
            }
            Ok(put)
        })?;
        self.summary += put.value;
        self.written_bytes = self.bytes_read.get();
        Ok(())
    }
}
