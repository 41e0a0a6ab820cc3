//! `memlith import`: many memories from lines of JSON.
//!
//! **Invariant:** each batch is one commit, and each line is written under its external id or one
//! derived from it: an import that was cut off anywhere is completed by running it again, and
//! running it once more changes nothing.

mod load;
mod reader;
mod tally;

use super::spaces::{MetricName, Spaces};
use crate::args::Store;
use crate::input::{Defaults, DerivedIds, Lines, Matrix, NpyError};
use crate::output::{Console, Failure, Outcome};
use clap::Args;
use load::Load;
use memlith::{DEFAULT_NAMESPACE, DEFAULT_SPACE, Db};
use reader::{Reader, Vectors};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use tally::Tally;

const AFTER_HELP: &str = "\
Each line is an object with a \"text\" and any of: id, namespace, kind, tags, importance, valence,
priority, metadata, created_at, expires_at, agent, session, project, channel, source, embedding,
supersedes. Other fields are kept as metadata.

A line whose id is there already replaces that memory: what the line does not give gets its default,
except that the time of creation stays, and the embedding as long as the text does. A line without an id gets one derived from
its namespace and text, so that running an import again never duplicates; an import that was cut
off is completed by running it again.

Examples:
  memlith import agent.lith memories.jsonl
  memlith import agent.lith glosses.jsonl.gz --vectors glosses_f16.npy
  memlith import agent.lith turns.jsonl --namespace ada --strict --json
  zcat dump.jsonl.gz | memlith import agent.lith -";

/// Import memories from lines of JSON, creating FILE if there is none
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Import {
    #[command(flatten)]
    store: Store,

    /// Lines of JSON, gzipped or not; - for stdin
    #[arg(value_name = "INPUT")]
    input: PathBuf,

    /// Embeddings: a matrix of float16 or float32 whose row i belongs to line i
    #[arg(long, value_name = "V.npy")]
    vectors: Option<PathBuf>,

    /// Namespace of lines that name none
    #[arg(long, short, value_name = "NS", default_value = DEFAULT_NAMESPACE)]
    namespace: String,

    /// Vector space of the embeddings; made with the first of them if there is none yet
    #[arg(long, value_name = "NAME", default_value = DEFAULT_SPACE)]
    space: String,

    /// How the vectors of a new space are compared
    #[arg(long, value_enum, default_value_t)]
    metric: MetricName,

    /// Stop at the first bad line; the lines before it are in
    #[arg(long)]
    strict: bool,

    /// Lines to a commit
    #[arg(long, value_name = "N", default_value_t = 4_000,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: u32,
}

impl Import {
    pub(crate) fn run(self, console: &mut Console) -> Outcome {
        // The inputs first: a name that is wrong must not leave an empty file behind.
        let mut reader = self.reader()?;
        let db = super::open_or_create(&self.store.file)?;
        check_dimensions(&db, &reader)?;

        let how = (self.strict, self.batch);
        let (tally, loaded) = load(&db, &mut reader, self.metric, how, console)?;
        let linked = if loaded.is_ok() { super::link(&db) } else { Ok(()) };
        let closed = db.close();
        let rows_left = if loaded.is_ok() { reader.rows_left() } else { 0 };
        let is_all_skipped = tally.is_all_skipped();
        let summary = tally.finish(rows_left, console);
        console.answer(&summary, &summary)?;
        loaded?;
        linked?;
        closed?;
        if is_all_skipped {
            return Err(Failure::Input("not one line could be imported".into()));
        }
        Ok(())
    }

    fn reader(&self) -> Outcome<Reader> {
        let lines = Lines::open(&self.input).map_err(|e| Failure::io("opening", &self.input, e))?;
        let vectors = match self.vectors.clone() {
            Some(path) => Some(Vectors { rows: open_vectors(&path)?, path }),
            None => None,
        };
        Ok(Reader {
            path: self.input.clone(),
            lines,
            vectors,
            defaults: Defaults { namespace: self.namespace.clone(), space: self.space.clone() },
            derived_ids: DerivedIds::default(),
        })
    }
}

/// Loads all that the reader has, and counts it whatever became of it.
fn load(
    db: &Db,
    reader: &mut Reader,
    metric: MetricName,
    how: (bool, u32),
    console: &Console,
) -> Outcome<(Tally, Outcome)> {
    let spaces = Spaces::of(db, metric)?;
    let mut load = Load::new(db, spaces, console, how, reader.lines.len_bytes());
    let loaded = load.all_of(reader);
    Ok((load.finish(), loaded))
}

/// Imports bytes in place of files, with few lines to a commit. Says how many lines are in.
pub(crate) fn import_bytes(
    db: &Db,
    lines: &[u8],
    vectors: Option<&[u8]>,
    is_strict: bool,
) -> Outcome<u64> {
    const LINES_TO_A_COMMIT: u32 = 3;
    let invalid = |e: NpyError| Failure::Input(e.to_string());
    let vectors = match vectors {
        Some(bytes) => {
            Some(Vectors { path: "-".into(), rows: Matrix::of(bytes.to_vec()).map_err(invalid)? })
        }
        None => None,
    };
    let mut reader = Reader {
        path: "-".into(),
        lines: Lines::new(Cursor::new(lines.to_vec()), None).map_err(Failure::Output)?,
        vectors,
        defaults: Defaults::default(),
        derived_ids: DerivedIds::default(),
    };
    check_dimensions(db, &reader)?;
    let how = (is_strict, LINES_TO_A_COMMIT);
    let silent = Console::silent();
    let (tally, loaded) = load(db, &mut reader, MetricName::default(), how, &silent)?;
    loaded.map(|()| tally.taken())
}

/// Opens a matrix that the user named.
pub(super) fn open_vectors(path: &Path) -> Outcome<Matrix> {
    match Matrix::open(path) {
        Ok(rows) => Ok(rows),
        Err(NpyError::Io(e)) => Err(Failure::io("opening", path, e)),
        Err(e) => Err(Failure::Input(format!("{}: {e}", path.display()))),
    }
}

/// The one vector of a file.
pub(super) fn vector_of_file(path: &Path) -> Outcome<Vec<f32>> {
    let mut rows = open_vectors(path)?;
    if rows.count() != 1 {
        return Err(Failure::Usage(format!(
            "{} holds {} vectors, one is needed; `memlith recall` answers many by --queries and --vectors",
            path.display(),
            rows.count(),
        )));
    }
    let row = rows.next_row().map_err(|e| Failure::io("reading", path, e))?;
    row.ok_or_else(|| Failure::Input(format!("{}: it holds no vector", path.display())))
}

/// Says at once what every single line would fail with.
fn check_dimensions(db: &Db, reader: &Reader) -> Outcome {
    let Some(Vectors { path, rows }) = &reader.vectors else { return Ok(()) };
    let spaces = db.read()?.spaces();
    match spaces.iter().find(|space| space.name == reader.defaults.space) {
        Some(space) if space.dimension != rows.dimensions() => Err(Failure::Input(format!(
            "{} has vectors of {} dimensions, the space {:?} of the file has {}",
            path.display(),
            rows.dimensions(),
            space.name,
            space.dimension,
        ))),
        _ => Ok(()),
    }
}
