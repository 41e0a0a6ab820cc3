//! The file: how it is opened, damaged, verified and made smaller, and what calls refuse.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod damaged;
mod errors;
mod opening;
mod space;
mod verified;
