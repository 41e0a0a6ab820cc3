//! What is measured, and what came out.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// What a contender is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// Two steps along edges of some kinds and some weight.
    Related,
    /// A path with the fewest edges.
    ShortestPath,
    /// A path of the least sum of weights.
    CheapestPath,
    /// PageRank.
    PageRank,
    /// Betweenness from 100 sources.
    Betweenness,
    /// Weakly connected components.
    Components,
    /// Strongly connected components.
    StrongComponents,
    /// Communities of high modularity.
    Leiden,
}

impl Task {
    /// Is it asked of many pairs of nodes, rather than of the whole graph?
    pub(crate) fn is_query(self) -> bool {
        matches!(self, Task::Related | Task::ShortestPath | Task::CheapestPath)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Task::Related => "two steps, filtered",
            Task::ShortestPath => "shortest path",
            Task::CheapestPath => "cheapest path",
            Task::PageRank => "PageRank",
            Task::Betweenness => "betweenness, 100 sources",
            Task::Components => "weak components",
            Task::StrongComponents => "strong components",
            Task::Leiden => "Leiden",
        }
    }

    /// What an answer is.
    pub(crate) fn answer(self) -> &'static str {
        match self {
            Task::Related => "nodes found",
            Task::ShortestPath => "edges of a path",
            Task::CheapestPath => "sum of weights",
            Task::PageRank => "sum of squared ranks",
            Task::Betweenness => "mean",
            Task::Components | Task::StrongComponents => "components",
            Task::Leiden => "modularity",
        }
    }

    /// How far an answer may be from ours: sampled sources and communities are everyone's own.
    pub(crate) fn tolerance(self) -> f64 {
        match self {
            Task::Betweenness | Task::Leiden => f64::INFINITY,
            Task::CheapestPath | Task::PageRank => 1e-5,
            _ => 0.0,
        }
    }
}

/// One measurement.
#[derive(Deserialize)]
pub(crate) struct Measured {
    /// Microseconds of the CPU or, of queries, of the clock; each query in order, or the one task.
    pub(crate) us: Vec<f64>,
    /// What was found, likewise; a path that does not exist is -1 long.
    pub(crate) answers: Vec<f64>,
}

/// What a task is told.
pub(crate) struct Asked<'a> {
    pub(crate) pairs: &'a [(u32, u32)],
    pub(crate) at_most_s: f64,
    pub(crate) seed: u64,
    pub(crate) leiden_rounds: u32,
}

impl Asked<'_> {
    /// Times one query after the other, until the time is up.
    pub(crate) fn each<E>(
        &self,
        mut query: impl FnMut(u32, u32) -> Result<f64, E>,
    ) -> Result<Measured, E> {
        let mut measured = Measured { us: Vec::new(), answers: Vec::new() };
        let begin = Instant::now();
        for &(start, goal) in self.pairs {
            let started = Instant::now();
            let answer = query(start, goal)?;
            measured.us.push(started.elapsed().as_secs_f64() * 1e6);
            measured.answers.push(answer);
            if begin.elapsed().as_secs_f64() > self.at_most_s {
                break;
            }
        }
        Ok(measured)
    }

    /// Times one task, by the CPU.
    pub(crate) fn once<E>(work: impl FnOnce() -> Result<f64, E>) -> Result<Measured, E> {
        let watch = crate::clock::Stopwatch::start();
        let answer = work()?;
        Ok(Measured { us: vec![watch.cpu_s() * 1e6], answers: vec![answer] })
    }
}
