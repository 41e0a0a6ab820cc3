//! The commit log as callers see it: listing, verifying, heads, outcomes, and how long it is kept.
//!
//! **Invariant:** what is trimmed is replaced by an anchor that says which hash the oldest row
//! builds on, so that a trimmed chain verifies as a whole one does. Nothing is trimmed that an
//! image of an index has not taken in.

use crate::commit::log::GENESIS;
use crate::commit::{LogRow, Repair};
use crate::db::{Core, Db};
use crate::derived::ImageRow;
use crate::ids::Seq;
use crate::planted::{self, Defect};
use crate::rows::{Pinned, guarded};
use crate::schema::{self, fact, log_key};
use crate::view::View;
use crate::{Error, Result};
use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};
use serde_json::json;
use std::fmt;
use std::str::FromStr;

/// Outcomes are remembered for at least this long.
const MIN_OUTCOME_AGE_MS: i64 = 3_600_000;
/// Rows that one trimming removes at most.
const MAX_TRIMMED: usize = 10_000;
/// Rows beyond the limit that are worth a transaction.
const MIN_TRIMMED: u64 = 1_000;

/// What became of a transaction that had an idempotency key: it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Its commit.
    pub seq: Seq,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
}

/// The end of the log at some moment. Kept somewhere else it proves later that nothing before it
/// was rewritten. Its text is one line of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// Which file.
    pub file_id: [u8; 16],
    /// The newest commit that survives power loss.
    pub seq: Seq,
    /// The hash of its row.
    pub hash: [u8; 32],
    /// When it was made, in milliseconds since 1970.
    pub time_ms: i64,
}

/// A log that has been verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogReport {
    /// The oldest row that is kept; `None` if there is none.
    pub first: Option<Seq>,
    /// The newest.
    pub last: Seq,
    /// How many rows there are.
    pub rows: u64,
}

impl Db {
    /// Rows of the log in order, from `from` on.
    pub fn log(&self, from: Seq, limit: usize) -> Result<Vec<LogRow>> {
        self.read()?.log(from, limit)
    }

    /// Checks every row of the log and that each builds on the one before; with a head that was
    /// exported earlier, also that the log passes through it.
    ///
    /// # Errors
    /// [`Corruption`](crate::ErrorKind::Corruption) that names the first commit at which the chain
    /// is broken.
    pub fn verify_log(&self, head: Option<&Head>) -> Result<LogReport> {
        self.read()?.verify_log(head, self.core.committer.container().file_id())
    }

    /// The end of the log, as far as it survives power loss.
    pub fn head(&self) -> Result<Head> {
        self.flush()?;
        let chain = self.read()?.chain();
        let file_id = self.core.committer.container().file_id();
        Ok(Head { file_id, seq: chain.seq, hash: chain.hash, time_ms: chain.time_ms })
    }

    /// What became of the transaction with this idempotency key; `None` if none is committed, or
    /// if it was more than an hour ago and has been forgotten.
    pub fn outcome(&self, idempotency_key: &str) -> Result<Option<Outcome>> {
        let view = self.read()?;
        view.rows()?.read(schema::OUTCOMES, |outcomes| {
            let Some(row) = outcomes.get(idempotency_key.as_bytes())? else { return Ok(None) };
            let bad = || Error::corruption("outcome row", "16 bytes", "another length");
            decode_outcome(row.value()).map(Some).ok_or_else(bad)
        })
    }
}

fn decode_outcome(bytes: &[u8]) -> Option<Outcome> {
    let (seq, rest) = bytes.split_first_chunk()?;
    let time_ms = i64::from_le_bytes(rest.try_into().ok()?);
    Some(Outcome { seq: Seq(u64::from_le_bytes(*seq)), time_ms })
}

impl View {
    pub(crate) fn log(&self, from: Seq, limit: usize) -> Result<Vec<LogRow>> {
        self.rows()?.read(schema::LOG, |log| {
            let rows = log.range::<&[u8]>(log_key(from).as_slice()..)?;
            rows.take(limit).map(|row| LogRow::decode(row?.1.value())).collect()
        })
    }

    pub(crate) fn log_len(&self) -> Result<u64> {
        self.rows()?.read(schema::LOG, |log| Ok(log.len()?))
    }

    pub(crate) fn verify_log(&self, head: Option<&Head>, file_id: [u8; 16]) -> Result<LogReport> {
        let broken = |seq: Seq, expected: &str, found: &str| {
            Error::corruption("log", format!("commit {seq} {expected}"), found)
        };
        if let Some(head) = head.filter(|h| h.file_id != file_id) {
            return Err(broken(head.seq, "of the file that the head names", "another file"));
        }
        let rows = self.rows()?;
        let anchor = Anchor::load(&rows)?;
        let mut report = LogReport { first: None, last: anchor.seq, rows: 0 };
        let mut previous = anchor.hash;
        let mut passed = head.is_none_or(|h| h.seq < anchor.seq || h.passes(anchor.seq, previous));
        rows.read(schema::LOG, |log| {
            for entry in log.iter()? {
                let (key, value) = entry?;
                let expected = Seq(report.last.0 + 1);
                let row = LogRow::decode(value.value())
                    .map_err(|e| broken(expected, "intact", &e.to_string()))?;
                if row.seq != expected || key.value() != log_key(expected) {
                    return Err(broken(expected, "next", &format!("commit {}", row.seq)));
                }
                if row.previous != previous {
                    return Err(broken(row.seq, "built on the one before", "another hash"));
                }
                report.first = report.first.or(Some(row.seq));
                report.last = row.seq;
                report.rows += 1;
                previous = row.hash;
                passed |= head.is_some_and(|h| h.passes(row.seq, previous));
            }
            Ok(())
        })?;
        if report.last != self.seq() {
            return Err(broken(self.seq(), "at the end", &format!("commit {}", report.last)));
        }
        match head {
            Some(head) if !passed => {
                Err(broken(head.seq, "with the hash of the head", "another hash, or no such row"))
            }
            _ => Ok(report),
        }
    }
}

impl Head {
    fn passes(&self, seq: Seq, hash: [u8; 32]) -> bool {
        self.seq == seq && self.hash == hash
    }
}

/// What lies before the oldest row: the last one trimmed.
struct Anchor {
    seq: Seq,
    hash: [u8; 32],
}

impl Anchor {
    fn load(rows: &Pinned) -> Result<Anchor> {
        guarded(|| {
            let facts = rows.transaction().open_table(schema::FACTS)?;
            let Some(row) = facts.get(fact::LOG_ANCHOR)? else {
                return Ok(Anchor { seq: Seq(0), hash: GENESIS });
            };
            let bad = || Error::corruption("log anchor", "40 bytes", "another length");
            let (seq, hash) = row.value().split_first_chunk().ok_or_else(bad)?;
            let hash = hash.try_into().map_err(|_| bad())?;
            Ok(Anchor { seq: Seq(u64::from_le_bytes(*seq)), hash })
        })
    }

    fn encode(&self) -> Vec<u8> {
        [self.seq.0.to_le_bytes().as_slice(), &self.hash].concat()
    }
}

impl Core {
    /// What of the log is beyond the retention, if that is worth a transaction.
    pub(crate) fn log_trimming(&self) -> Result<Option<Trim>> {
        let view = self.committer.current();
        let retention = self.settings.log_retention;
        let excess = view.log_len()?.saturating_sub(retention.max_rows.max(1));
        let now_ms = view.now_ms();
        let max_age_ms = i64::try_from(retention.max_age.as_millis()).unwrap_or(i64::MAX);
        let horizon_ms = now_ms.saturating_sub(max_age_ms);
        let Some(oldest) = view.log(Seq(0), 1)?.pop() else { return Ok(None) };
        let is_old = oldest.time_ms < horizon_ms && oldest.seq < view.seq();
        if excess < MIN_TRIMMED && !is_old {
            return Ok(None);
        }
        let images = ImageRow::load_all(&*view.rows()?)?;
        // What no image has taken in is needed to bring the indexes up to date.
        let saved = images.values().map(|row| row.watermark).min().unwrap_or(Seq(0));
        let saved = if planted::is(Defect::LogTrimmedTooFar) { view.seq() } else { saved };
        let last = saved.min(Seq(view.seq().0.saturating_sub(1)));
        let trim = Trim { excess, horizon_ms, last, now_ms };
        Ok(trim.takes(&oldest, 0).then_some(trim))
    }

    /// Removes a bounded part of it.
    pub(crate) fn trim_log(&self) -> Result<()> {
        let Some(trim) = self.log_trimming()? else { return Ok(()) };
        self.committer.maintain(Repair::Walk, |transaction| {
            trim.run(transaction)?;
            trim_outcomes(transaction, trim.now_ms)
        })
    }
}

/// Which rows of the log go.
pub(crate) struct Trim {
    excess: u64,
    horizon_ms: i64,
    last: Seq,
    now_ms: i64,
}

impl Trim {
    fn takes(&self, row: &LogRow, removed: u64) -> bool {
        row.seq <= self.last && (removed < self.excess || row.time_ms < self.horizon_ms)
    }

    fn run(&self, transaction: &WriteTransaction) -> Result<()> {
        let mut log = transaction.open_table(schema::LOG)?;
        let mut anchor = None;
        for removed in 0..MAX_TRIMMED as u64 {
            let oldest = match log.first()? {
                Some((_, value)) => LogRow::decode(value.value())?,
                None => break,
            };
            if !self.takes(&oldest, removed) {
                break;
            }
            log.remove(log_key(oldest.seq).as_slice())?;
            anchor = Some(Anchor { seq: oldest.seq, hash: oldest.hash });
        }
        if let Some(anchor) = anchor {
            let mut facts = transaction.open_table(schema::FACTS)?;
            facts.insert(fact::LOG_ANCHOR, anchor.encode().as_slice())?;
        }
        Ok(())
    }
}

/// Forgets outcomes that are old enough. It runs with the trimming of the log, so there are no more of
/// them than rows of the log and commits of an hour.
fn trim_outcomes(transaction: &WriteTransaction, now_ms: i64) -> Result<()> {
    let mut outcomes = transaction.open_table(schema::OUTCOMES)?;
    outcomes.retain(|_, value| {
        decode_outcome(value).is_some_and(|o| now_ms.saturating_sub(o.time_ms) < MIN_OUTCOME_AGE_MS)
    })?;
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = json!({
            "file_id": hex(&self.file_id),
            "seq": self.seq.0,
            "hash": hex(&self.hash),
            "time_ms": self.time_ms,
        });
        head.fmt(f)
    }
}

impl FromStr for Head {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::invalid("head", "must be the JSON line that was exported");
        let head: serde_json::Value = serde_json::from_str(text).map_err(|_| bad())?;
        let parsed = (|| {
            Some(Head {
                file_id: unhex(head["file_id"].as_str()?)?,
                seq: Seq(head["seq"].as_u64()?),
                hash: unhex(head["hash"].as_str()?)?,
                time_ms: head["time_ms"].as_i64()?,
            })
        })();
        parsed.ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_back() {
        let head = Head { file_id: [7; 16], seq: Seq(9), hash: [0xab; 32], time_ms: -3 };
        assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
        assert!("{}".parse::<Head>().is_err());
        assert!("no JSON".parse::<Head>().is_err());
    }
}
