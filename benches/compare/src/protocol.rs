//! What is said between the driver and the process of a contender: one JSON object a line.
//!
//! A process says [`Reply::Ready`] unasked, then answers each request with one reply, and ends with
//! its standard input. `rivals.py` speaks the same.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Request {
    /// Index the first `count` vectors of the file; the number of a row is its id.
    Build { count: usize },
    /// Search for each query in turn.
    Search(Search),
    /// Take these away.
    Remove { ids: Vec<u32> },
    /// Give each id the vector of the row at the same place, whether it has one or not.
    Insert { ids: Vec<u32>, rows: Vec<u32> },
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Search {
    /// `ef` for graphs.
    pub(crate) effort: u32,
    /// Only the first so many queries.
    pub(crate) queries: usize,
    /// A matrix of bits, eight to a byte, the lowest first: one row for all queries, or a row each.
    pub(crate) filter: Option<PathBuf>,
    /// Begin again with the first query until this time is over.
    pub(crate) at_least_s: f64,
    /// Stop behind the query that passes this time, even before the last.
    pub(crate) at_most_s: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(crate) enum Reply {
    Ready(Ready),
    Built(Cost),
    Searched(Searched),
    Changed(Cost),
    Failed { message: String },
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Version, and what a reader of its figures should know.
    pub(crate) note: String,
    /// Efforts worth measuring, ascending.
    pub(crate) efforts: Vec<u32>,
    /// Efforts under filters; empty if it has none.
    pub(crate) filter_efforts: Vec<u32>,
    /// Can it remove and overwrite?
    pub(crate) can_change: bool,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// CPU seconds of the process for the request.
    pub(crate) cpu_s: f64,
    /// What the index says of itself.
    pub(crate) own_bytes: Option<u64>,
    /// Growth of the resident memory since before the index was built.
    pub(crate) rss_bytes: Option<i64>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Searched {
    /// The ids found for each query, best first; `None` for those that time did not reach.
    pub(crate) ids: Vec<Option<Vec<u32>>>,
    /// Queries per CPU second of the process.
    pub(crate) per_cpu_s: f64,
    /// Queries per second.
    pub(crate) per_wall_s: f64,
    /// Of single searches, wall clock.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}
