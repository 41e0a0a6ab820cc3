//! The whole engine over a simulated disk: power loss at any instant, failing I/O, flipped bytes.
//!
//! ```text
//! actions ------> workload over a SimDisk ------> record of every write and sync,
//! (per model)     (transactions, checkpoints,      and the state after every commit
//!                  rebuilds, reopenings)                |
//! invariants <--- reopened image <----------------------+  crash points x crash modes,
//! (per model)                                              faults, damage
//! ```
//!
//! **Invariant:** a run is a function of its seed, apart from bytes that the engine draws at random
//! (salts and ids), whose number and place do not depend on their value. Nothing but the tests of
//! this crate and `engine/torture`, which runs all seeds and counts, may use this module.
//!
//! A model joins in by adding what one does with it to `actions::ACTIONS` and what must hold of
//! it to `invariants::INVARIANTS`. That its rows are those of one commit is checked already: a
//! `State` is every row of every table in the schema.

#![expect(clippy::unwrap_used, reason = "a panic is how a seed fails")]

mod actions;
mod container;
mod crashes;
mod creation;
mod damage;
mod faults;
mod graph;
mod invariants;
mod lies;
mod outages;
mod planted;
mod points;
mod setup;
mod state;
mod tables;
mod tally;
mod workload;

pub use damage::{HeapGauge, measure_heap};
pub use planted::{PLANTED, Planted};
pub use tally::{Tally, at};

use tally::{COMPOUND, CRASHES, run, words};

/// One way to torture the engine.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Part {
    /// What to call it by.
    pub name: &'static str,
    /// What happens, in a line.
    pub about: &'static str,
    /// Seeds of an ordinary run, from 0.
    pub seeds: u64,
    /// Seeds beyond them that failed once.
    pub pinned: &'static [u64],
    /// Are there more seeds than that?
    pub is_endless: bool,
    run: fn(u64, &mut Tally),
}

/// All of them.
pub const PARTS: &[Part] = &[
    Part::new("tables", "power loss under redb alone", 60, tables::torture),
    Part::new(
        "container",
        "power loss under the file alone: tables, segments, maps, rewriting",
        60,
        container::torture,
    ),
    Part::new(
        "crashes",
        "power loss under the engine at work, and again in the recovery or behind it",
        420,
        crashes::torture,
    ),
    Part::new(
        "creation",
        "power loss at every instant of a file's first moments, in every way",
        4,
        creation::torture,
    ),
    Part::new("lies", "a sync that the device acknowledged is lost", 60, lies::torture),
    Part::new("faults", "every I/O call of a workload fails in turn", 3, faults::torture),
    Part::new(
        "damage",
        "flipped bytes all over a file that was closed in good order",
        16,
        damage::flips,
    ),
    Part::new(
        "metadata",
        "every byte of a small file that says how others are to be read, flipped",
        1,
        damage::metadata,
    ),
    Part::new("cuts", "a file cut or extended at every kind of border", 2, damage::cuts),
    Part {
        pinned: &[18, 22, 42, 45],
        ..Part::new(
            "swaps",
            "bytes of another place, another file or an earlier time, or wiped",
            16,
            damage::swaps,
        )
    },
    Part {
        is_endless: false,
        ..Part::new(
            "planted",
            "a defect is planted in the engine, and the other parts must find it",
            PLANTED.len() as u64,
            planted::torture,
        )
    },
];

impl Part {
    /// One without end, of which nothing is pinned. `run` panics if something does not hold.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        seeds: u64,
        run: fn(u64, &mut Tally),
    ) -> Self {
        Part { name, about, seeds, pinned: &[], is_endless: true, run }
    }

    /// Runs one seed.
    ///
    /// # Errors
    /// In words, what did not hold, and where.
    pub fn run(&self, seed: u64) -> Result<Tally, String> {
        run(self.run, seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few seeds, for whoever is changing something; `engine/torture` runs them all.
    #[test]
    fn the_first_seed_of_every_part_holds() {
        for part in PARTS {
            for seed in 0..part.seeds.min(1) {
                let tally = part.run(seed).unwrap_or_else(|e| panic!("{}: {e}", part.name));
                assert!(tally.iter().next().is_some(), "{} counted nothing", part.name);
            }
        }
    }
}
