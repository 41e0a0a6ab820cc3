//! The neighbourhood in the graph: memories that are joined to the best hits, over nodes or by themselves.
//!
//! What the other legs make of their best hits spreads over the edges ([`spread`]): half of it each step,
//! split by the weights of the edges. That is a random walk which restarts at the hits, cut off after
//! three steps: from a memory to a node, to the node or memory next to it, and to a memory there.
//!
//! **Invariant:** only memories in scope receive and hand on, and only over edges that hold now. What it
//! looks at is bounded by what there is to spread, not by the graph.

use super::fuse::LegScores;
use super::legs::Scored;
use super::{Deadline, Joined, Leg, LegOutcome, LegReport, Recall};
use crate::derived::{memory_place, of_memory};
use crate::error::Detail;
use crate::knowledge::{Direction, Entity};
use crate::view::View;
use crate::{Error, Result};
use memlith_graph::adjacency::{Filter, GraphView};
use memlith_graph::traverse::{CutShort, Spread, Spreading, Work, spread};
use roaring::RoaringBitmap;
use std::cmp::Ordering;
use std::time::Instant;

/// So many hits hand on what they score.
const MAX_SEEDS: usize = 20;
/// Steps from a hit at most.
const STEPS: u32 = 3;
/// What a step keeps.
const KEEP: f64 = 0.5;
/// Of what there is, the least part that goes over an edge: a step looks at 10,000 edges at most.
const LEAST: f64 = 1e-4;
/// More than all steps may look at, each from both ends of its edges.
const MAX_WORK: u64 = 100_000;

/// What is joined to the hits.
pub(super) struct Neighbourhood<'a>(Spreading<'a>);

impl<'a> Neighbourhood<'a> {
    /// Adds the leg, if it counts, which is if there is an adjacency; `None` if it has nothing to begin
    /// with.
    pub(super) fn around(
        view: &View,
        adjacency: Option<&'a GraphView>,
        request: &Recall,
        legs: &mut Vec<LegScores>,
        reports: &mut Vec<LegReport>,
        scope: &RoaringBitmap,
        deadline: &Deadline,
    ) -> Result<Option<Self>> {
        let Some(adjacency) = adjacency else { return Ok(None) };
        let began = Instant::now();
        let mut report = |outcome| {
            let micros = began.elapsed().as_micros() as u64;
            let leg = Leg::Neighbourhood;
            reports.push(LegReport { leg, space: None, outcome, strategy: None, micros });
        };
        let why = if legs.is_empty() {
            Some("nothing was looked for, so that nothing is to be near to")
        } else if adjacency.edge_count() == 0 {
            Some("nothing is joined to anything in the graph")
        } else {
            None
        };
        if let Some(why) = why {
            report(LegOutcome::NotRun { why });
            return Ok(None);
        }
        let seeds = LegScores::strongest(legs, MAX_SEEDS);
        let nearby = spread_from(view, adjacency, &seeds, scope, deadline)?;
        let in_scope = |(place, mass): (u32, f64)| Some((memory_place(place)?, mass as f32));
        let mut found: Vec<Scored> = nearby.masses().into_iter().filter_map(in_scope).collect();
        found.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal));
        report(LegOutcome::Ran { candidates: found.len() });
        let weight = request.weights.neighbourhood;
        legs.push(LegScores::relative(Leg::Neighbourhood, weight, &found, Vec::new(), Some(0.0)));
        Ok(Some(Neighbourhood(nearby)))
    }

    /// How a hit is joined to one of another leg; `None` if it is not.
    pub(super) fn joined(
        &self,
        view: &View,
        ordinal: u32,
        namespace: &str,
    ) -> Result<Option<Joined>> {
        let Some(place) = of_memory(ordinal) else { return Ok(None) };
        let Some(path) = self.0.path_to(place)? else { return Ok(None) };
        let graph = view.graph(namespace);
        let path = graph.path(&path)?;
        let name = |entity: &Entity| match *entity {
            Entity::Memory(id) => Ok(format!("memory:{id}")),
            Entity::Node(id) => {
                let node = graph.node(id)?;
                let gone =
                    || Error::corruption("adjacency", "nodes that there are", id.to_string());
                Ok(node.ok_or_else(gone)?.external_id)
            }
        };
        let names = path.entities.iter().map(name).collect::<Result<_>>()?;
        Ok(Some(Joined { path, names }))
    }
}

fn spread_from<'a>(
    view: &View,
    adjacency: &'a GraphView,
    seeds: &[Scored],
    scope: &RoaringBitmap,
    deadline: &Deadline,
) -> Result<Spreading<'a>> {
    let all: f64 = seeds.iter().map(|(_, part)| f64::from(*part)).sum();
    let start = |(ordinal, part): &Scored| Some((of_memory(*ordinal)?, f64::from(*part) / all));
    let starts: Vec<(u32, f64)> = seeds.iter().filter_map(start).collect();
    let as_of = Some(view.now_ms());
    let filter = Filter { direction: Direction::Both, as_of, ..Filter::default() };
    let query = Spread { filter, steps: STEPS, keep: KEEP, least: LEAST };
    let may_enter = |place| memory_place(place).is_none_or(|memory| scope.contains(memory));
    let mut keep_going = || !deadline.has_passed();
    let work = &mut Work::new(MAX_WORK, &mut keep_going);
    let nearby = spread(adjacency, &starts, &query, &may_enter, work)?;
    match nearby.cut() {
        Some(CutShort::Stopped) => {
            Err(Detail::Deadline { doing: "looking around in the graph" }.into())
        }
        _ => Ok(nearby),
    }
}
