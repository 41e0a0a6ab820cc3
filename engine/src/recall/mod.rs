//! Recall: what an agent remembers about something, by words, nearness, time and filters.
//!
//! ```text
//! request -> plan (who is in scope) -> legs (scored candidates) -> fuse -> hits
//! ```

mod answer;
mod builders;
mod clock;
mod context;
mod fuse;
mod legs;
mod metadata;
mod nearest;
mod plan;
mod request;
mod run;

pub use answer::{Explanation, FilterReport, Hit, Leg, LegOutcome, LegReport, LegScore, Recalled};
pub(crate) use builders::scope_builders;
pub(crate) use clock::Deadline;
pub use nearest::{Nearest, Neighbour, RecallCheck};
pub(crate) use plan::Scope;
pub use request::{Fusion, Recall, Weights};
