//! SQLite's FTS5, without a copy of the texts.

use super::documents::Corpus;
use super::{HITS, Mode, Searcher};
use crate::Failure;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

struct Fts5 {
    connection: Connection,
    path: PathBuf,
}

pub(super) fn build(
    corpus: &Corpus,
    with_positions: bool,
    folder: &Path,
) -> Result<Box<dyn Searcher>, Failure> {
    let path = folder.join("fts5.db");
    let connection = Connection::open(&path)?;
    connection.pragma_update(None, "cache_size", -262_144)?;
    let detail = if with_positions { "full" } else { "none" };
    connection.execute_batch(&format!(
        "CREATE VIRTUAL TABLE t USING fts5(text, content='', detail={detail}, \
         tokenize='unicode61'); BEGIN;"
    ))?;
    {
        let mut insert = connection.prepare("INSERT INTO t(rowid, text) VALUES (?, ?)")?;
        for (id, text) in (1_i64..).zip(&corpus.texts) {
            insert.execute((id, text))?;
        }
    }
    connection.execute_batch("COMMIT; INSERT INTO t(t) VALUES('optimize'); VACUUM;")?;
    Ok(Box::new(Fts5 { connection, path }))
}

impl Searcher for Fts5 {
    fn search(&self, terms: &[String], mode: Mode) -> Result<usize, Failure> {
        let quoted: Vec<_> = terms.iter().map(|term| format!("\"{term}\"")).collect();
        let query = quoted.join(match mode {
            Mode::Any => " OR ",
            Mode::All => " AND ",
        });
        let sql = "SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank LIMIT ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map((query, HITS as i64), |row| row.get::<_, i64>(0))?;
        Ok(rows.count())
    }

    fn bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }
}
