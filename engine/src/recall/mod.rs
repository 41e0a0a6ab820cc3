//! Recall: what an agent remembers about something, by words, nearness, time and filters.
//!
//! ```text
//! request -> plan (who is in scope) -> legs (scored candidates) -> fuse -> hits
//! ```

mod answer;
mod bounds;
mod builders;
mod clock;
mod context;
mod fuse;
mod gather;
mod legs;
mod metadata;
mod nearest;
mod neighbourhood;
mod plan;
mod request;
mod run;
mod select;
mod tokens;

pub use answer::{
    Explanation, FilterReport, Hit, Joined, Leg, LegOutcome, LegReport, LegScore, Recalled,
    Snippet, Step,
};
pub(crate) use bounds::{Bounds, Indexed, bounds};
pub(crate) use builders::scope_builders;
pub use clock::Cancellation;
pub(crate) use clock::Deadline;
pub use gather::{Context, Gathered};
pub(crate) use legs::text_error;
pub use nearest::{Nearest, Neighbour, RecallCheck};
pub(crate) use plan::Scope;
pub use request::{Fusion, Recall, Weights};
pub use select::Cut;
pub use tokens::TokenCounter;
