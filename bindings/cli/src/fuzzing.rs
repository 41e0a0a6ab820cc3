//! The readers of foreign bytes, for fuzzers and their replays: no part of what is promised.
//!
//! **Invariant:** each does with bytes what a command does with a file, and nothing more: what must
//! hold of the outcome is said where it is called.

use crate::commands::{export, import};
use crate::input::{Defaults, Line, Lines, Matrix, Query, Record};
use memlith::{Db, NewMemory, View};
use std::io::Cursor;

/// How an input is refused, as the command line says it.
type Refused = String;

/// The lines of an input with their numbers, gzipped or not, up to where it cannot be read on.
pub fn lines(bytes: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
    let Ok(mut lines) = Lines::new(Cursor::new(bytes.to_vec()), None) else { return Vec::new() };
    let mut all = Vec::new();
    while let Ok(Some(line)) = lines.next_line() {
        let text = match line {
            Line::Text(text) => Some(text.to_vec()),
            Line::Blank | Line::TooLong => None,
        };
        all.push((lines.number(), text));
    }
    all
}

/// A line of an import: its memory, and the id that it supersedes.
///
/// # Errors
/// What is wrong with the line.
pub fn record(line: &[u8]) -> Result<(NewMemory, Option<String>), Refused> {
    Record::parse(line, &Defaults::default()).map(|r| (r.memory, r.supersedes))
}

/// A line of a file of questions: its vector in the default space.
///
/// # Errors
/// What is wrong with the line.
pub fn query(line: &[u8]) -> Result<Option<Vec<f32>>, Refused> {
    Query::parse(line).map(|mut query| query.take_vector(memlith::DEFAULT_SPACE))
}

/// The bytes of an `.npy` file: its dimensions, and its rows.
///
/// # Errors
/// What is wrong with the file.
pub fn matrix(bytes: &[u8]) -> Result<(usize, Vec<Vec<f32>>), Refused> {
    let mut matrix = Matrix::of(bytes.to_vec()).map_err(|e| e.to_string())?;
    let mut rows = Vec::new();
    while let Some(row) = matrix.next_row().map_err(|e| e.to_string())? {
        rows.push(row);
    }
    Ok((matrix.dimensions(), rows))
}

/// `memlith import` of lines and perhaps a matrix: the number of lines that are in.
///
/// # Errors
/// What is wrong with the inputs as a whole.
pub fn import(
    db: &Db,
    lines: &[u8],
    vectors: Option<&[u8]>,
    is_strict: bool,
) -> Result<u64, Refused> {
    import::import_bytes(db, lines, vectors, is_strict).map_err(|e| e.to_string())
}

/// `memlith export`: every memory with its vectors.
///
/// # Errors
/// If the file cannot be read.
pub fn export(view: &View) -> Result<Vec<u8>, Refused> {
    export::export_bytes(view).map_err(|e| e.to_string())
}
