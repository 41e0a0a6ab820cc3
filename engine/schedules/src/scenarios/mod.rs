//! What threads do to each other, and what must hold whoever goes first.
//!
//! **Invariant:** a scenario that returns has checked what its name says; one that does not hold
//! panics or deadlocks.
#![expect(clippy::missing_panics_doc, reason = "what does not hold panics: that is their answer")]

pub mod background;
pub mod extents;
pub mod group_commit;
pub mod publication;
