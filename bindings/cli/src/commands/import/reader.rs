//! Lines and rows of vectors, put together into memories.
//!
//! **Invariant:** row *i* of the matrix goes to line *i* of the input, counted through blank and
//! bad lines, so that one bad line shifts nothing.

use crate::input::{Defaults, DerivedIds, Line, Lines, Matrix, Record};
use crate::output::{Failure, Outcome};
use std::path::PathBuf;

/// A matrix, and what to call it in an error.
pub(super) struct Vectors {
    pub(super) path: PathBuf,
    pub(super) rows: Matrix,
}

/// What became of a line.
pub(super) struct Numbered {
    /// The number of the line, from 1.
    pub(super) number: u64,
    /// Its memory, or what is wrong with it.
    pub(super) record: Result<Record, String>,
    /// How much of a batch it makes up.
    pub(super) len_bytes: usize,
}

/// Reads memories one after the other.
pub(super) struct Reader {
    pub(super) path: PathBuf,
    pub(super) lines: Lines,
    pub(super) vectors: Option<Vectors>,
    pub(super) defaults: Defaults,
    pub(super) derived_ids: DerivedIds,
}

impl Reader {
    /// The next line that is not blank; `None` at the end.
    ///
    /// # Errors
    /// If the input cannot be read on, or has more lines than the matrix has rows.
    pub(super) fn next(&mut self) -> Outcome<Option<Numbered>> {
        loop {
            let vector = match &mut self.vectors {
                None => None,
                Some(vectors) => {
                    vectors.rows.next_row().map_err(|e| Failure::io("reading", &vectors.path, e))?
                }
            };
            let line = self.lines.next_line();
            let line = match line.map_err(|e| Failure::io("reading", &self.path, e))? {
                None => return Ok(None),
                Some(Line::Blank) => continue,
                Some(Line::TooLong) => Err("the line is too long".to_owned()),
                Some(Line::Text(bytes)) => Ok((bytes.len(), Record::parse(bytes, &self.defaults))),
            };
            let (line_bytes, parsed) = match line {
                Ok((len, parsed)) => (len, parsed),
                Err(reason) => (0, Err(reason)),
            };
            let number = self.lines.number();
            if let (Some(vectors), None) = (&self.vectors, &vector) {
                return Err(Failure::Input(format!(
                    "{} has {} rows, and {} has a line {number}",
                    vectors.path.display(),
                    vectors.rows.count(),
                    self.path.display(),
                )));
            }
            let len_bytes = line_bytes + vector.as_ref().map_or(0, |v| v.len() * 4);
            let record = parsed.and_then(|record| self.complete(record, vector));
            return Ok(Some(Numbered { number, record, len_bytes }));
        }
    }

    /// Adds what does not stand in the line itself.
    fn complete(&mut self, mut record: Record, vector: Option<Vec<f32>>) -> Result<Record, String> {
        let memory = &mut record.memory;
        if memory.external_id.is_none() {
            let id = self.derived_ids.next(&memory.namespace, &memory.content);
            memory.external_id = Some(id);
        }
        if let Some(vector) = vector {
            let space = &self.defaults.space;
            if memory.vectors.iter().any(|(name, _)| name == space) {
                return Err("the line has an embedding and so has the file of vectors".into());
            }
            memory.vectors.push((space.clone(), vector));
        }
        Ok(record)
    }

    /// Rows of the matrix that no line came for.
    pub(super) fn rows_left(&self) -> u64 {
        self.vectors.as_ref().map_or(0, |v| v.rows.count().saturating_sub(self.lines.number()))
    }
}
