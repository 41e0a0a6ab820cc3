//! Vectors of a file over their life: linked, sealed, replaced, and the work beside the writers that does so.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod background;
mod embedded;
mod fake;
mod linked;
mod reembed;
mod sealed;
