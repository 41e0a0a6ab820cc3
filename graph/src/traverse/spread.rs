//! How much of what some nodes hold arrives at those around them.
//!
//! Each start has some mass. A step keeps a part of it and splits that over the edges of a node in
//! proportion to their weights, but sends nothing back to where it came from: a random walk that restarts
//! (personalised PageRank), cut off after a few steps. So what has few edges passes on much over each, and
//! what everything is joined to says little of anything, which a score that only decays by hops cannot
//! tell.
//!
//! **Invariant:** an edge over which less than `least` would go is not walked, and neither are the others
//! of its node. As no mass comes about, a step looks at no more edges than fit into it: the mass of all
//! starts over `least`, however large the graph is.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use super::path::Path;
use super::work::{CutShort, Work};
use crate::adjacency::{Edges, Filter, GraphView, HalfEdge};
use crate::image::ImageError;

/// How mass spreads. Numbers outside of their range count as the nearest one inside.
#[derive(Clone, Copy, Debug)]
pub struct Spread<'a> {
    /// Which edges are followed, to which nodes.
    pub filter: Filter<'a>,
    /// Steps at most.
    pub steps: u32,
    /// What a step keeps of the mass, from zero to one.
    pub keep: f64,
    /// The least mass that goes over an edge of average weight.
    pub least: f64,
}

/// Mass that came over an edge, from a place of the step before.
struct Arrival {
    from: u32,
    half: HalfEdge,
    mass: f64,
}

/// A node that mass arrived at in one step.
struct Place {
    node: u32,
    mass: f64,
    /// Among those of its step.
    arrivals: Range<usize>,
}

#[derive(Default)]
struct Step {
    /// By ascending node.
    places: Vec<Place>,
    arrivals: Vec<Arrival>,
}

/// See [`spread`].
pub struct Spreading<'a> {
    edges: Edges<'a>,
    /// The first one is that of the starts.
    steps: Vec<Step>,
    cut: Option<CutShort>,
}

/// Spreads mass over the edges around some nodes. `starts` has where it begins and how much is there, from
/// zero on; `may_enter` is asked for nodes besides the filter.
pub fn spread<'a>(
    view: &'a GraphView,
    starts: &[(u32, f64)],
    query: &Spread<'a>,
    may_enter: &dyn Fn(u32) -> bool,
    work: &mut Work<'_>,
) -> Result<Spreading<'a>, ImageError> {
    let mut begun: BTreeMap<u32, f64> = BTreeMap::new();
    for &(node, mass) in starts {
        if view.contains_node(node)? {
            *begun.entry(node).or_default() += mass.max(0.0);
        }
    }
    let places = begun.into_iter().map(|(node, mass)| Place { node, mass, arrivals: 0..0 });
    let first = Step { places: places.collect(), arrivals: Vec::new() };
    let edges = view.edges(&query.filter)?;
    let mut spreading = Spreading { edges, steps: vec![first], cut: None };
    for _ in 0..query.steps {
        let (step, flow) = spreading.next(query, may_enter, work)?;
        let is_last = step.places.is_empty() || flow.is_break();
        spreading.steps.push(step);
        if flow.is_break() {
            spreading.cut = work.take_cut();
        }
        if is_last {
            break;
        }
    }
    Ok(spreading)
}

impl Spreading<'_> {
    /// Nodes that mass arrived at, in ascending order, with how much that was in all steps together. A
    /// start is among them if something came from another one.
    pub fn masses(&self) -> Vec<(u32, f64)> {
        let mut masses: BTreeMap<u32, f64> = BTreeMap::new();
        for place in self.steps.iter().skip(1).flat_map(|step| &step.places) {
            *masses.entry(place.node).or_default() += place.mass;
        }
        masses.into_iter().collect()
    }

    /// Why there may be more.
    pub fn cut(&self) -> Option<CutShort> {
        self.cut
    }

    /// The shortest way by which mass came to a node; of those the one over which most came last, and so
    /// on back to a start. `None` if none came.
    pub fn path_to(&self, node: u32) -> Result<Option<Path>, ImageError> {
        let found = (1..self.steps.len()).find_map(|at| Some((at, self.steps[at].place(node)?)));
        let Some((at, mut place)) = found else { return Ok(None) };
        let (mut halves, mut next) = (Vec::with_capacity(at), None);
        for at in (1..=at).rev() {
            let (step, before) = (&self.steps[at], &self.steps[at - 1]);
            let sender = |arrival: &Arrival| &before.places[arrival.from as usize];
            // Nothing goes straight back, so what went on came from elsewhere.
            let came = step.arrivals[place.arrivals.clone()].iter();
            let came = came.filter(|arrival| next != Some(sender(arrival).node));
            let Some(most) = came.reduce(|a, b| if b.mass > a.mass { b } else { a }) else {
                return Ok(None);
            };
            next = Some(place.node);
            halves.push(most.half);
            place = sender(most);
        }
        let mut path = Path::at(place.node);
        for half in halves.iter().rev() {
            path.push(&self.edges, half)?;
        }
        Ok(Some(path))
    }

    fn next(
        &self,
        query: &Spread<'_>,
        may_enter: &dyn Fn(u32) -> bool,
        work: &mut Work<'_>,
    ) -> Result<(Step, ControlFlow<()>), ImageError> {
        let before = &self.steps[self.steps.len() - 1];
        let mut arrivals = Vec::new();
        let mut flow = ControlFlow::Continue(());
        for (from, place) in (0_u32..).zip(&before.places) {
            let mass = place.mass * query.keep.clamp(0.0, 1.0);
            let may_walk = mass / query.least.max(0.0);
            let (mut looked_at, mut ways) = (0_usize, Vec::new());
            let mut spend = |half_edges: usize| {
                looked_at += half_edges;
                if looked_at as f64 > may_walk {
                    return ControlFlow::Break(());
                }
                flow = work.spend(half_edges);
                flow
            };
            let walked =
                self.edges.visit(query.filter.direction, place.node, &mut spend, |half| {
                    if half.weight > 0.0 && query.filter.admits(half.node) && may_enter(half.node) {
                        ways.push(half);
                    }
                    ControlFlow::Continue(())
                })?;
            if flow.is_break() {
                break;
            }
            if walked.is_continue() {
                split(&ways, mass, &before.senders(place, &self.steps), |half, mass| {
                    arrivals.push(Arrival { from, half, mass });
                });
            }
        }
        Ok((Step::of(arrivals), flow))
    }
}

impl Step {
    fn of(mut arrivals: Vec<Arrival>) -> Self {
        // Stable: those of a node stay in the order of their senders.
        arrivals.sort_by_key(|arrival| arrival.half.node);
        let mut places: Vec<Place> = Vec::new();
        for (at, arrival) in arrivals.iter().enumerate() {
            match places.last_mut() {
                Some(place) if place.node == arrival.half.node => {
                    place.mass += arrival.mass;
                    place.arrivals.end = at + 1;
                }
                _ => places.push(Place {
                    node: arrival.half.node,
                    mass: arrival.mass,
                    arrivals: at..at + 1,
                }),
            }
        }
        Step { places, arrivals }
    }

    fn place(&self, node: u32) -> Option<&Place> {
        let at = self.places.binary_search_by_key(&node, |place| place.node).ok()?;
        self.places.get(at)
    }

    /// Which part of the mass of a place came from which node; it is the last step of `steps`.
    fn senders(&self, place: &Place, steps: &[Step]) -> BTreeMap<u32, f64> {
        let mut senders = BTreeMap::new();
        let before = steps.len().checked_sub(2).map(|at| &steps[at]);
        for arrival in &self.arrivals[place.arrivals.clone()] {
            if let Some(sender) = before.and_then(|step| step.places.get(arrival.from as usize)) {
                *senders.entry(sender.node).or_insert(0.0) += arrival.mass / place.mass;
            }
        }
        senders
    }
}

/// Splits mass over edges in proportion to their weights; what came from a node goes to the others alone.
fn split(
    ways: &[HalfEdge],
    mass: f64,
    senders: &BTreeMap<u32, f64>,
    mut sent: impl FnMut(HalfEdge, f64),
) {
    let weight = |half: &HalfEdge| f64::from(half.weight);
    let whole: f64 = ways.iter().map(weight).sum();
    let mut back: BTreeMap<u32, f64> = senders.keys().map(|node| (*node, 0.0)).collect();
    for half in ways {
        if let Some(sum) = back.get_mut(&half.node) {
            *sum += weight(half);
        }
    }
    // By how much a unit of weight is worth of what came from each; from a start, of all.
    let unit = |part: f64, back: f64| {
        let others = whole - back;
        if others > whole * f64::EPSILON * 16.0 { part / others } else { 0.0 }
    };
    let units: BTreeMap<u32, f64> =
        senders.iter().map(|(node, part)| (*node, unit(*part, back[node]))).collect();
    let all = if senders.is_empty() { unit(1.0, 0.0) } else { units.values().sum() };
    for half in ways {
        let unit = all - units.get(&half.node).copied().unwrap_or(0.0);
        let passed = mass * unit * weight(half);
        // What only came from there leaves nothing, or what rounding leaves of it.
        if passed > mass * f64::EPSILON * 16.0 {
            sent(*half, passed);
        }
    }
}
