//! Memlith: one file that remembers and recalls.
//!
//! An embedded memory engine for AI agents. One file holds an agent's memories with everything
//! that finds them again: words, vectors, tags, numbers, times. One transaction changes all of it
//! or nothing, one recall searches all of it, and a crash loses nothing that was committed.
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("agent.lith");
//! use memlith::{Db, Filter, NewMemory, Recall};
//!
//! let db = Db::open(&path)?; // created if there is none
//! db.remember(
//!     NewMemory::new("Ada is allergic to peanuts")
//!         .namespace("assistant")
//!         .kind("fact")
//!         .importance(0.9)
//!         .tags(["health", "ada"]),
//! )?;
//! db.remember(NewMemory::new("Lunch with Ada on Friday").namespace("assistant").kind("event"))?;
//!
//! let safe: Filter = "kind:fact and importance >= 0.5".parse()?;
//! let answer = db.recall(
//!     &Recall::new().text("what must Ada not eat? peanuts?").namespace("assistant").filter(safe),
//! )?;
//! assert_eq!(answer.hits[0].memory.content, "Ada is allergic to peanuts");
//! # Ok::<(), memlith::Error>(())
//! ```
//!
//! # Where to begin
//! - [`Db`] is an open file, [`Options`] how it is opened.
//! - [`NewMemory`], [`Memory`] and [`Patch`] are what goes in, comes out and changes;
//!   [`Db::write`] puts several changes into one transaction ([`WriteTx`]).
//! - [`View`] is one instant of the file, for reads that must agree with each other.
//! - [`Recall`] searches by text, vector and filter at once; [`filter`] is the language of filters.
//! - [`Db::log`], [`Db::verify_log`] and [`Db::head`] show and prove the history;
//!   [`Db::compact`] gives free space back, [`Db::verify`] checks the file, and [`salvage()`] gets out of a damaged one what it still
//!   holds.
//!
//! # What holds
//! - A write that returned is durable, unless [`Durability::Relaxed`] was asked for.
//! - What is committed is found by the next read, by every index.
//! - A View never blocks a writer, and a writer never blocks a View.
//! - Scores of vectors are exact, and so is the search under [`SearchEffort::Exact`]; without, large
//!   spaces are searched through a graph that misses a few.
//! - One process owns a file for writing; threads share a handle freely.
//! - Errors say what happened and what to do ([`Error`], [`ErrorKind`]); no call panics on bad
//!   input or bad bytes.
mod access;
mod background;
mod catalog;
mod clock;
mod commit;
mod components;
mod db;
mod derived;
mod embed;
mod embeddings;
mod error;
mod file;
pub mod filter;
mod graph_options;
mod history;
mod ids;
mod knowledge;
mod memory;
mod options;
mod owner;
mod planted;
mod recall;
mod recently;
mod rows;
mod salvage;
mod schema;
mod sealed;
mod shortcuts;
mod stats;
mod sync;
mod text_settings;
#[cfg(any(test, feature = "torture"))]
#[doc(hidden)]
pub mod torture;
mod transaction;
mod verify;
mod view;
mod warm;

pub use background::{BackgroundPause, BackgroundStats, JobStats};
pub use catalog::Space;
pub use clock::{Clock, SystemClock};
pub use commit::{Change, ChangeKind, Durability, LogRow, Model, WriteOptions};
pub use components::Precision;
pub use db::{Compacted, Db};
pub use embed::{Embedder, EmbedderError};
pub use embeddings::EmbeddingStats;
pub use error::{Error, ErrorKind, Result};
pub use filter::Filter;
pub use graph_options::{GraphOptions, SearchEffort};
pub use history::{Head, LogReport, Outcome};
pub use ids::{EdgeId, MemoryId, NodeId, Seq};
pub use knowledge::*;
/// Analyses of a graph as a whole, over a [`Projected`].
pub use memlith_graph::analytics;
pub use memlith_index::text::Language;
pub use memlith_index::vectors::Metric;
pub use memory::*;
pub use options::{LogRetention, Options, Origin, Setting};
pub use recall::{
    AnswerStats, AsOf, Cancellation, Context, Cut, Explanation, FilterReport, Fusion, Gathered,
    Hit, Joined, Leg, LegOutcome, LegReport, LegScore, Likeness, Nearest, Neighbour, Noted, Recall,
    RecallCheck, Recalled, Resemblance, SearchStats, Snippet, Step, TokenCounter, Weights,
};
pub use salvage::{Loss, LostMemory, SalvageReport, Salvaged, salvage};
pub use stats::{NamespaceStats, SpaceStats, Stats, SuccessorStats};
pub use text_settings::{MAX_FIELD_BOOST, MAX_TEXT_NAMESPACES, MAX_TEXT_PATHS, TextSettings};
pub use transaction::{Committed, Transaction, WriteTx};
pub use verify::{Problem, VerifyReport};
pub use view::View;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
