//! Recall: what an agent remembers about something, by words, nearness, time and filters.
//!
//! ```text
//! request -> plan (who is in scope) -> legs (scored candidates) -> fuse -> hits
//! ```

mod admission;
mod answer;
mod answers;
mod bounds;
mod builders;
mod clock;
mod context;
mod fuse;
mod gather;
mod legs;
mod likeness;
mod looked_into;
mod metadata;
mod nearest;
mod neighbourhood;
mod plan;
mod request;
mod rerank;
mod resembling;
mod run;
mod select;
mod tokens;

pub(crate) use admission::Admission;
pub use admission::SearchStats;
pub use answer::{
    Explanation, FilterReport, Hit, Joined, Leg, LegOutcome, LegReport, LegScore, Recalled,
    Snippet, Step,
};
pub use answers::AnswerStats;
pub(crate) use answers::Answers;
pub(crate) use answers::is_lasting_filter;
pub(crate) use bounds::{Bounds, Indexed, bounds};
pub(crate) use builders::{patience_builders, scope_builders};
pub use clock::Cancellation;
pub(crate) use clock::Deadline;
pub use gather::{Context, Gathered};
pub(crate) use legs::{Target, VectorProbe, embedded, text_error};
pub use likeness::Likeness;
pub use nearest::{Nearest, Neighbour, RecallCheck};
pub(crate) use plan::Scope;
pub use request::{AsOf, Fusion, Recall, Weights};
pub use resembling::{Noted, Resemblance};
pub use select::Cut;
pub use tokens::TokenCounter;
