//! The doors to a file that processes go through.
//!
//! A library for another language joins in with a driver of its own: a program that carries out a
//! [`Script`](super::script::Script) and says what `driver.rs` says. Its door is a
//! `Scripted` with the command that starts it.
//!
//! **Invariant:** a door puts into the ledger what a process is to commit before the process starts.

mod built;
mod c;
mod cli;
mod python;
mod scripted;

use super::Outcome;
use super::ledger::{Entry, Ledger, Process};
use super::place::Place;
use fastrand::Rng;
use std::process::Command;

/// A way to a file.
pub(super) trait Door {
    /// What it is called in reports.
    fn name(&self) -> &'static str;

    /// What its processes do; each is done once by a process that nobody kills, in this order.
    fn kinds(&self) -> &'static [&'static str];

    /// One of them.
    fn any_kind(&self, rng: &mut Rng) -> &'static str {
        let kinds = self.kinds();
        kinds[rng.usize(..kinds.len())]
    }

    /// A process of a kind.
    fn job(&mut self, kind: &'static str, task: Task<'_>) -> Outcome<Job>;

    /// A kind of process that must still run to its end, so that something is complete.
    fn left_over(&self) -> Option<&'static str> {
        None
    }

    /// A process has ended in good order.
    fn finished(&mut self, _job: &Job) {}

    /// Looks at the file with the means of the door, after the check of the harness.
    fn inspect(&self, _place: &Place) -> Outcome {
        Ok(())
    }
}

/// What a job is made for.
pub(super) struct Task<'a> {
    pub(super) place: &'a Place,
    pub(super) ledger: &'a mut Ledger,
    pub(super) process: Process,
    pub(super) rng: &'a mut Rng,
}

/// A process to be started.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) kind: &'static str,
    pub(super) command: Command,
    /// Transactions that the process begins with its start, and has committed durably if it ends in
    /// good order.
    pub(super) silent: Vec<Entry>,
    /// Words that stand in the last line of one that ended in good order.
    pub(super) answer: String,
    /// Does it say, by the protocol of drivers, what it begins and what is done?
    pub(super) speaks: bool,
}

/// All doors; Python's is one of them where `MEMLITH_PYTHON` names an interpreter that has the package.
///
/// # Errors
/// If a program is missing, with what to do about it.
pub(super) fn all() -> Outcome<Vec<Box<dyn Door>>> {
    let mut all: Vec<Box<dyn Door>> =
        vec![Box::new(scripted::library()?), Box::new(cli::CommandLine::new()?), Box::new(c::c()?)];
    if let Some(python) = python::python() {
        all.push(Box::new(python));
    }
    Ok(all)
}
