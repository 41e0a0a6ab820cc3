//! Writing memories batch by batch.
//!
//! **Invariant:** a batch is one commit; when loading ends early, for whatever reason but a failed
//! commit, the good lines before that point are in.

use super::reader::{Numbered, Reader};
use super::tally::Tally;
use crate::commands::spaces::Spaces;
use crate::input::Record;
use crate::output::{Bar, Console, Failure, Outcome};
use memlith::{Db, ErrorKind, NewMemory, Upsert, WriteTx};

/// A batch is committed early when its lines and vectors take this much.
const MAX_BATCH_BYTES: usize = 32 << 20;

/// An import under way.
pub(super) struct Load<'a> {
    db: &'a Db,
    spaces: Spaces,
    console: &'a Console,
    bar: Bar,
    tally: Tally,
    is_strict: bool,
    batch_lines: usize,
    batch: Vec<(u64, Record)>,
    batch_bytes: usize,
}

impl<'a> Load<'a> {
    pub(super) fn new(
        db: &'a Db,
        spaces: Spaces,
        console: &'a Console,
        (is_strict, batch_lines): (bool, u32),
        input_bytes: Option<u64>,
    ) -> Self {
        Load {
            db,
            spaces,
            console,
            bar: Bar::over_bytes(input_bytes),
            tally: Tally::new(),
            is_strict,
            batch_lines: batch_lines as usize,
            batch: Vec::new(),
            batch_bytes: 0,
        }
    }

    /// Takes the bar away and gives what was counted.
    pub(super) fn finish(self) -> Tally {
        self.tally
    }

    /// Loads every line there is.
    pub(super) fn all_of(&mut self, reader: &mut Reader) -> Outcome {
        let bytes_read = reader.lines.bytes_read();
        let ended = loop {
            match reader.next() {
                Ok(Some(Numbered { number, record: Ok(record), len_bytes })) => {
                    self.push(number, record, len_bytes)?;
                }
                Ok(Some(Numbered { number, record: Err(reason), .. })) => {
                    if let Err(failure) = self.skip(number, &reason) {
                        break Err(failure);
                    }
                }
                Ok(None) => break Ok(()),
                Err(failure) => break Err(failure),
            }
            self.bar.at(bytes_read.get(), || self.tally.so_far());
        };
        self.commit()?;
        ended
    }

    fn push(&mut self, number: u64, mut record: Record, len_bytes: usize) -> Outcome {
        self.tally.keep(std::mem::take(&mut record.kept), self.console, &self.bar);
        self.batch.push((number, record));
        self.batch_bytes += len_bytes;
        if self.batch.len() >= self.batch_lines || self.batch_bytes >= MAX_BATCH_BYTES {
            self.commit()?;
        }
        Ok(())
    }

    /// Passes over a bad line; fails if every line has to be good.
    fn skip(&mut self, number: u64, reason: &str) -> Outcome {
        if self.is_strict {
            return Err(Failure::Input(format!("line {number}: {reason}")));
        }
        self.tally.skip(number, reason, self.console, &self.bar);
        Ok(())
    }

    fn commit(&mut self) -> Outcome {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        if batch.is_empty() {
            return Ok(());
        }
        let (spaces, is_strict) = (&mut self.spaces, self.is_strict);
        let outcomes = self.db.write(|tx| write_all(tx, batch, spaces, is_strict))?;
        for (number, outcome) in outcomes {
            match outcome {
                Ok(Written { upsert, is_unlinked }) => {
                    self.tally.count(upsert);
                    self.tally.unlinked(is_unlinked);
                }
                Err(reason) => self.skip(number, &reason)?,
            }
        }
        Ok(())
    }
}

/// A line that is in.
struct Written {
    upsert: Upsert,
    /// It supersedes a memory that is not there, so nothing is linked.
    is_unlinked: bool,
}

/// Writes a batch, and says of each line what became of it. Stops behind the first one that cannot
/// be taken if it `is_strict`.
fn write_all(
    tx: &mut WriteTx<'_>,
    batch: Vec<(u64, Record)>,
    spaces: &mut Spaces,
    is_strict: bool,
) -> memlith::Result<Vec<(u64, Result<Written, String>)>> {
    let mut outcomes = Vec::with_capacity(batch.len());
    for (number, record) in batch {
        match write(tx, record, spaces) {
            Ok(written) => outcomes.push((number, Ok(written))),
            Err(e) if is_about_the_line(e.kind()) => {
                outcomes.push((number, Err(e.to_string())));
                if is_strict {
                    break;
                }
            }
            Err(e) => return Err(e),
        }
    }
    Ok(outcomes)
}

/// Writes one memory; a new one that replaces another is linked to it.
fn write(tx: &mut WriteTx<'_>, record: Record, spaces: &mut Spaces) -> memlith::Result<Written> {
    let Record { memory, supersedes, .. } = record;
    spaces.made_for(tx, memory, |tx, memory| link(tx, memory, supersedes.as_deref()))
}

fn link(
    tx: &mut WriteTx<'_>,
    memory: NewMemory,
    supersedes: Option<&str>,
) -> memlith::Result<Written> {
    let mut is_unlinked = false;
    if let (Some(old), Some(new)) = (supersedes, &memory.external_id) {
        let there = tx.get_external(&memory.namespace, new)?;
        let old = tx.get_external(&memory.namespace, old)?;
        if let (None, Some(old)) = (&there, &old) {
            let upsert = Upsert::Created(tx.supersede(old.id, memory)?);
            return Ok(Written { upsert, is_unlinked });
        }
        is_unlinked = there.is_none_or(|new| new.supersedes != old.map(|old| old.id));
    }
    Ok(Written { upsert: tx.upsert(memory)?, is_unlinked })
}

/// Is it this one line that is at fault? Such an error leaves nothing of the line behind.
fn is_about_the_line(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::InvalidInput
            | ErrorKind::LimitExceeded
            | ErrorKind::DimensionMismatch
            | ErrorKind::AlreadyExists
    )
}
