//! The one filter language of Memlith: which records to keep, as text and as a tree.
//!
//! **Invariant:** the text and the tree say the same: a filter that [validates](Filter::validate)
//! prints to text that parses back to an equal filter, and what parses validates. A filter knows
//! no storage: it names [`Path`]s and is evaluated on a [`Subject`], so that memories, graph nodes
//! and collections share it.
//!
//! Anyone may call it. The planner takes the public tree apart to answer what it can from
//! indexes; [`Filter::matches`] is both the scan path and the oracle for that. The grammar and
//! the semantics are in `docs/filters.md`.
//!
//! ```
//! use memlith::filter::{Attribute, Filter};
//!
//! let written: Filter = "tag:noun.animal and importance >= 0.5".parse()?;
//! let built = Filter::tag("noun.animal").and(Filter::on(Attribute::Importance).at_least(0.5));
//! assert_eq!(written, built);
//! # Ok::<(), memlith::filter::FilterError>(())
//! ```
mod ast;
mod build;
mod check;
mod error;
mod lexer;
mod matches;
mod parser;
mod path;
mod printer;
mod regex;
mod simplify;
mod time;
mod value;

pub use ast::{Filter, Op, Predicate};
pub use check::{MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_PATH_KEYS, MAX_REGEXES, MAX_VALUES};
pub use error::FilterError;
pub use matches::Subject;
pub use path::{Attribute, AttributeType, Path};
pub use regex::Regex;
pub use time::Time;
pub use value::{Number, Value};
