//! `memlith graph import`: nodes and edges from a file.

use super::node_link::{self, Part};
use super::{Place, reference, separated};
use crate::output::{Bar, Console, Failure, Outcome};
use clap::{Args, ValueEnum};
use memlith::{EntityRef, GraphTx, NewEdge, NewNode, Transaction, Upserted, WriteOptions};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Nodes and edges that one transaction writes.
const BATCH: u64 = 20_000;
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
        let input = BufReader::with_capacity(1 << 20, input);
        let db = crate::commands::open_or_create(&self.place.store.file)?;
        let bar = Bar::over_steps();
        let mut writer = Writer {
            begin: &|| db.begin(WriteOptions::new().reason("graph import")),
            open: None,
            namespace: &self.place.namespace,
            default_kind: &self.default_kind,
            summary: Summary { nodes: 0, edges: 0 },
            read: 0,
            in_batch: 0,
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
        let Summary { nodes, edges } = writer.summary;
        drop(writer);
        db.close().map_err(crate::commands::at(&self.place.store.file))?;
        console
            .answer(&Summary { nodes, edges }, format_args!("{nodes} new nodes, {edges} new edges"))
    }
}

/// Writes nodes and edges in batches.
struct Writer<'a> {
    begin: &'a dyn Fn() -> memlith::Result<Transaction<'a>>,
    open: Option<Transaction<'a>>,
    namespace: &'a str,
    default_kind: &'a str,
    summary: Summary,
    /// Nodes and edges that were read.
    read: u64,
    in_batch: u64,
    failure: Option<memlith::Error>,
}

impl Writer<'_> {
    fn read_json(&mut self, input: impl Read, bar: &Bar) -> Result<(), String> {
        let read = node_link::read(input, &mut |part, object| {
            match part {
                Part::Node => self.node(object)?,
                Part::Edge => self.edge(object)?,
            }
            bar.step("nodes and edges", self.read, 0);
            Ok(())
        });
        read.map_err(|e| e.to_string())
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
        let mut edge = NewEdge::new(reference(source), kind, reference(target));
        if let Some(weight) = rest.get(1).filter(|weight| !weight.is_empty()) {
            edge.weight = weight.parse().map_err(|_| format!("{weight:?} is no weight"))?;
        }
        self.put_edge(edge)
    }

    fn node(&mut self, mut object: Map<String, Value>) -> Result<(), String> {
        let id = id_of(&mut object, "id")?;
        if let EntityRef::Number(_) = reference(&id) {
            // A memory: what it is stands elsewhere.
            return Ok(());
        }
        let mut node = NewNode::new(id);
        node.kind = text(&mut object, "kind")?;
        node.name = text(&mut object, "name")?;
        if let Some(importance) = number(&mut object, "importance")? {
            node.importance = importance as f32;
        }
        node.tags = texts(&mut object, "tags")?;
        node.aliases = texts(&mut object, "aliases")?;
        node.created_ms = instant(&mut object, "created_ms")?;
        if !object.is_empty() {
            node.properties = Value::Object(object);
        }
        let mut is_new = false;
        self.write(|graph| {
            is_new = matches!(graph.upsert_node(node)?, Upserted::Created(_));
            Ok(())
        })?;
        self.summary.nodes += u64::from(is_new);
        self.read += 1;
        Ok(())
    }

    fn edge(&mut self, mut object: Map<String, Value>) -> Result<(), String> {
        let (source, target) = (id_of(&mut object, "source")?, id_of(&mut object, "target")?);
        let kind = text(&mut object, "kind")?;
        let kind = kind.unwrap_or_else(|| self.default_kind.to_owned());
        let mut edge = NewEdge::new(reference(&source), kind, reference(&target));
        if let Some(weight) = number(&mut object, "weight")? {
            edge.weight = weight as f32;
        }
        edge.from_ms = instant(&mut object, "from_ms")?;
        edge.until_ms = instant(&mut object, "until_ms")?;
        edge.created_ms = instant(&mut object, "created_ms")?;
        // networkx numbers parallel edges: their kinds tell them apart here.
        object.remove("key");
        if !object.is_empty() {
            edge.properties = Value::Object(object);
        }
        self.put_edge(edge)
    }

    fn put_edge(&mut self, edge: NewEdge) -> Result<(), String> {
        let (mut made, mut is_new) = (0, false);
        self.write(|graph| {
            for end in [&edge.source, &edge.target] {
                if let EntityRef::Name(name) = end
                    && graph.node(&**name)?.is_none()
                {
                    graph.upsert_node(NewNode::new(name))?;
                    made += 1;
                }
            }
            is_new = matches!(graph.upsert_edge(edge)?, Upserted::Created(_));
            Ok(())
        })?;
        self.summary.nodes += made;
        self.summary.edges += u64::from(is_new);
        self.read += 1;
        Ok(())
    }

    fn write(
        &mut self,
        work: impl FnOnce(&mut GraphTx<'_, '_>) -> memlith::Result<()>,
    ) -> Result<(), String> {
        let done = self.try_write(work);
        done.map_err(|e| {
            let why = e.to_string();
            self.failure = Some(e);
            why
        })
    }

    fn try_write(
        &mut self,
        work: impl FnOnce(&mut GraphTx<'_, '_>) -> memlith::Result<()>,
    ) -> memlith::Result<()> {
        if self.in_batch == BATCH {
            self.commit()?;
        }
        if self.open.is_none() {
            self.open = Some((self.begin)()?);
        }
        if let Some(open) = &mut self.open {
            work(&mut open.graph(self.namespace))?;
        }
        self.in_batch += 1;
        Ok(())
    }

    fn commit(&mut self) -> memlith::Result<()> {
        self.in_batch = 0;
        self.open.take().map_or(Ok(()), |open| open.commit().map(drop))
    }
}

/// An id, which may be a text or a whole number.
fn id_of(object: &mut Map<String, Value>, key: &str) -> Result<String, String> {
    match object.remove(key) {
        Some(Value::String(text)) => Ok(text),
        Some(Value::Number(number)) if !number.is_f64() => Ok(number.to_string()),
        Some(other) => Err(format!("{key} is {other}, and must be a text or a whole number")),
        None => Err(format!("{key} is missing")),
    }
}

fn text(object: &mut Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("{key} is {other}, and must be a text")),
    }
}

fn number(object: &mut Map<String, Value>, key: &str) -> Result<Option<f64>, String> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(format!("{key} is {value}, and must be a number")),
        },
    }
}

fn instant(object: &mut Map<String, Value>, key: &str) -> Result<Option<i64>, String> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64() {
            Some(at) => Ok(Some(at)),
            None => Err(format!("{key} is {value}, and must be milliseconds since 1970")),
        },
    }
}

fn texts(object: &mut Map<String, Value>, key: &str) -> Result<Vec<String>, String> {
    match object.remove(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => {
            serde_json::from_value(value).map_err(|_| format!("{key} must be a list of texts"))
        }
    }
}
