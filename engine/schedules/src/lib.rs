//! Explores schedules of the engine's threads.
//!
//! The modules below are the engine's own files. They wait through `crate::sync` alone, and here
//! that is `sync`: at each lock, wait and start of a thread the explorer decides who goes on. A
//! scenario is a handful of such threads with something that must hold in every schedule; the tests
//! of this package run each under many of them. `docs/testing.md`, "Threads", says which.
//!
//! **Invariant:** what a scenario does is a function of its schedule: no clock, no file, no thread
//! of the system's. What is not the engine's own stands in `stand_ins`.

#![expect(unexpected_cfgs, reason = "a file of the engine asks for a feature of the engine")]

mod explore;
mod scenarios;
mod stand_ins;
mod sync;

macro_rules! of_the_engine {
    ($($path:literal $name:ident)*) => {
        $(
            #[allow(
                dead_code,
                unreachable_pub,
                unused_imports,
                reason = "a file of the engine, whose own package is checked for these"
            )]
            #[path = $path]
            mod $name;
        )*
    };
}

of_the_engine! {
    "../../src/background/scheduler/mod.rs" scheduler
    "../../src/clock.rs" clock
    "../../src/commit/group.rs" group
    "../../src/error.rs" error
    "../../src/file/mod.rs" file
    "../../src/ids.rs" ids
    "../../src/planted.rs" planted
    "../../src/view.rs" view
}

pub use explore::{explore, finds};
pub use scenarios::{background, extents, group_commit, publication};

use error::{Error, ErrorKind, Result};
use stand_ins::{
    access, commit, derived, embed, embeddings, filter, knowledge, recall, rows, sealed,
};
