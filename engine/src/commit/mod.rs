//! Commits: from a write set to a durable log row and a new View.
mod group;
mod sync;
