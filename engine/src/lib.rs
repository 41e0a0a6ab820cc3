//! Memlith: one file that remembers and recalls.
mod access;
mod catalog;
mod clock;
mod commit;
mod db;
mod derived;
mod embed;
mod error;
mod file;
pub mod filter;
mod history;
mod ids;
mod maintenance;
mod memory;
mod options;
mod recall;
mod rows;
mod schema;
mod shortcuts;
mod stats;
mod transaction;
mod verify;
mod view;

pub use catalog::Space;
pub use clock::{Clock, SystemClock};
pub use commit::{Change, ChangeKind, Durability, LogRow, Model, WriteOptions};
pub use db::Db;
pub use embed::{Embedder, EmbedderError};
pub use error::{Error, ErrorKind, Result};
pub use filter::Filter;
pub use history::{Head, LogReport, Outcome};
pub use ids::{MemoryId, Seq};
pub use memlith_index::vectors::Metric;
pub use memory::*;
pub use options::{LogRetention, Options, Origin, Setting};
pub use recall::{
    Explanation, FilterReport, Hit, Leg, LegOutcome, LegReport, LegScore, Recall, Recalled, Weights,
};
pub use stats::{NamespaceStats, SpaceStats, Stats};
pub use transaction::{Committed, Transaction, WriteTx};
pub use verify::{Problem, VerifyReport};
pub use view::View;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
