//! `memlith export`: memories as lines of JSON that `import` takes back.
//!
//! **Invariant:** all lines are of one View. A file that is named appears whole or not at all, and
//! is never the store itself.

mod lines;
mod target;

use crate::args::{Scope, Store};
use crate::output::table::grouped;
use crate::output::{Console, Failure, Outcome};
use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use lines::LineWriter;
use memlith::{List, Order, View};
use serde::Serialize;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use target::Target;

/// Memories read at a time.
const PAGE: usize = 1_000;

const AFTER_HELP: &str = "\
A memory without an external id is exported under the one that import would derive for it.

Examples:
  memlith export agent.lith > memories.jsonl
  memlith export agent.lith --out memories.jsonl.gz
  memlith export agent.lith --namespace ada --filter 'kind:fact' --no-vectors
  memlith export old.lith | memlith import new.lith -";

/// Export memories as lines of JSON that import takes back
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Export {
    #[command(flatten)]
    store: Store,

    #[command(flatten)]
    scope: Scope,

    /// Write to this file, gzipped if its name ends in .gz [default: stdout]
    #[arg(long, short, value_name = "OUT")]
    out: Option<PathBuf>,

    /// Leave the vectors out
    #[arg(long)]
    no_vectors: bool,
}

#[derive(Serialize)]
struct Summary {
    exported: u64,
    seconds: f64,
}

impl Export {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        let started = Instant::now();
        let list = self.list()?;
        let db = super::open_to_read(&self.store.file)?;
        let view = db.read()?;
        let Some(out) = &self.out else {
            return self.write(&view, &list, console.out()).map(drop);
        };
        let exported = self.write_to(out, &view, &list)?;
        let summary = Summary { exported, seconds: started.elapsed().as_secs_f64() };
        let (count, seconds) = (grouped(exported), summary.seconds);
        console.answer(&summary, format_args!("exported {count} memories in {seconds:.2} s"))
    }

    fn list(&self) -> Outcome<List> {
        let mut list = List::new().order(Order::Oldest).limit(PAGE);
        if let Some(namespace) = &self.scope.namespace {
            list = list.namespace(namespace);
        }
        if let Some(filter) = self.scope.filter()? {
            list = list.filter(filter);
        }
        Ok(list)
    }

    fn write_to(&self, out: &Path, view: &View, list: &List) -> Outcome<u64> {
        let io = |e| Failure::io("writing", out, e);
        let in_file = |failure| match failure {
            Failure::Output(e) => io(e),
            other => other,
        };
        let target = Target::create(out, &self.store.file)?;
        let exported;
        if out.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz")) {
            // With vectors an export is mostly digits: more effort takes five times as long and
            // makes the file a quarter smaller.
            let mut packed = buffered(GzEncoder::new(target.file(), Compression::fast()));
            exported = self.write(view, list, &mut packed).map_err(in_file)?;
            let encoder = packed.into_inner().map_err(|e| io(e.into_error()))?;
            encoder.finish().map_err(io)?;
        } else {
            let mut plain = buffered(target.file());
            exported = self.write(view, list, &mut plain).map_err(in_file)?;
            plain.flush().map_err(io)?;
        }
        target.keep().map_err(io)?;
        Ok(exported)
    }

    fn write(&self, view: &View, list: &List, out: &mut impl Write) -> Outcome<u64> {
        LineWriter::new(view, out, !self.no_vectors).all_of(list)
    }
}

/// Every memory with its vectors, as `export` writes it.
pub(crate) fn export_bytes(view: &View) -> Outcome<Vec<u8>> {
    let mut out = Vec::new();
    let list = List::new().order(Order::Oldest).limit(PAGE);
    LineWriter::new(view, &mut out, true).all_of(&list)?;
    Ok(out)
}

/// Lines are written in small pieces, which neither a file nor a packer takes well.
fn buffered<W: Write>(out: W) -> BufWriter<W> {
    BufWriter::with_capacity(256 << 10, out)
}

/// The stream was closed, is full, or the like.
fn output(e: io::Error) -> Failure {
    Failure::Output(e)
}
