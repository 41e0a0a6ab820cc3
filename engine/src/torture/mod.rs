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
    Part {
        name: "tables",
        about: "power loss under redb alone",
        seeds: 60,
        pinned: &[],
        is_endless: true,
        run: tables::torture,
    },
    Part {
        name: "container",
        about: "power loss under the file alone: tables, segments, maps, rewriting",
        seeds: 60,
        pinned: &[],
        is_endless: true,
        run: container::torture,
    },
    Part {
        name: "crashes",
        about: "power loss under the engine at work, and again in the recovery or behind it",
        seeds: 420,
        pinned: &[],
        is_endless: true,
        run: crashes::torture,
    },
    Part {
        name: "creation",
        about: "power loss at every instant of a file's first moments, in every way",
        seeds: 4,
        pinned: &[],
        is_endless: true,
        run: creation::torture,
    },
    Part {
        name: "lies",
        about: "a sync that the device acknowledged is lost",
        seeds: 60,
        pinned: &[],
        is_endless: true,
        run: lies::torture,
    },
    Part {
        name: "faults",
        about: "every I/O call of a workload fails in turn",
        seeds: 3,
        pinned: &[],
        is_endless: true,
        run: faults::torture,
    },
    Part {
        name: "damage",
        about: "flipped bytes all over a file that was closed in good order",
        seeds: 16,
        pinned: &[],
        is_endless: true,
        run: damage::flips,
    },
    Part {
        name: "metadata",
        about: "every byte of a small file that says how others are to be read, flipped",
        seeds: 1,
        pinned: &[],
        is_endless: true,
        run: damage::metadata,
    },
    Part {
        name: "cuts",
        about: "a file cut or extended at every kind of border",
        seeds: 2,
        pinned: &[],
        is_endless: true,
        run: damage::cuts,
    },
    Part {
        name: "swaps",
        about: "bytes of another place, another file or an earlier time, or wiped",
        seeds: 16,
        pinned: &[],
        is_endless: true,
        run: damage::swaps,
    },
    Part {
        name: "planted",
        about: "a defect is planted in the engine, and the other parts must find it",
        seeds: PLANTED.len() as u64,
        pinned: &[],
        is_endless: false,
        run: planted::torture,
    },
];

impl Part {
    /// A way that lies outside of this crate. `run` panics if something does not hold.
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
    fn a_few_seeds_of_every_part_hold() {
        for part in PARTS {
            for seed in 0..part.seeds.min(2) {
                let tally = part.run(seed).unwrap_or_else(|e| panic!("{}: {e}", part.name));
                assert!(tally.iter().next().is_some(), "{} counted nothing", part.name);
            }
        }
    }
}
