//! The knowledge graph of a file, as its callers see it.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]
#![expect(clippy::float_cmp, reason = "weights come back to the last bit, and halves are exact")]

mod durable;
mod model;
mod recall;
mod search;
mod vectors;
mod walks;
mod writes;
