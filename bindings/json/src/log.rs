//! Rows of the log, and what verifying it found, as objects.

use crate::Time;
use memlith::{LogReport, LogRow};
use serde::Serialize;
use std::fmt::Write;

/// A commit: `{"seq", "time", "actor", "reason", "changes": [{"model", "id", "kind"}], "hash"}`.
#[derive(Serialize)]
pub struct LogRowJson<'a> {
    seq: u64,
    time: Time,
    #[serde(skip_serializing_if = "str::is_empty")]
    actor: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    changes: Vec<ChangeJson>,
    hash: String,
}

#[derive(Serialize)]
struct ChangeJson {
    model: &'static str,
    id: u64,
    kind: &'static str,
}

impl<'a> LogRowJson<'a> {
    /// Of this row.
    pub fn new(row: &'a LogRow) -> Self {
        let changes = row.changes.iter();
        LogRowJson {
            seq: row.seq.0,
            time: Time(row.time_ms),
            actor: &row.actor,
            reason: &row.reason,
            changes: changes
                .map(|c| ChangeJson { model: c.model.name(), id: c.id, kind: c.kind.name() })
                .collect(),
            hash: hex(&row.hash),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A log that has been verified: `{"intact": true, "rows", "first", "last"}`.
#[derive(Serialize)]
pub struct LogReportJson {
    intact: bool,
    rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
    last: u64,
}

impl LogReportJson {
    /// Of this report: there is none of a log that is broken.
    pub fn new(report: &LogReport) -> Self {
        LogReportJson {
            intact: true,
            rows: report.rows,
            first: report.first.map(|seq| seq.0),
            last: report.last.0,
        }
    }
}
