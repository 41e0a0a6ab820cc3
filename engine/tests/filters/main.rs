//! The filter language: its two forms, what it keeps, and what planners are given.

mod arbitrary;
mod evaluation;
mod simplify;
mod syntax;
mod text;
