//! Small patterns of nodes and edges, and the places in the graph that look like them.
//!
//! The node with the fewest candidates is bound first; then the edge that leads from a bound node to
//! the fewest candidates is followed, again and again, and those between two bound nodes are checked
//! as soon as they are. No edge stands for two edges of a pattern; a node may stand for two nodes.

use std::ops::ControlFlow;

use roaring::RoaringBitmap;

use super::work::{CutShort, Work};
use crate::adjacency::{Direction, Edge, Edges, Filter, GraphView, HalfEdge};
use crate::image::ImageError;

/// The most nodes, and the most edges, of a pattern.
pub const MAX_PATTERN: usize = 16;

/// A node of a pattern, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PatternNode(usize);

/// Why a pattern cannot be looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// The image could not be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// It has no node.
    #[error("the pattern has no node")]
    Empty,
    /// It has more than [`MAX_PATTERN`] nodes or edges.
    #[error("the pattern has more than {MAX_PATTERN} nodes or edges")]
    TooLarge,
    /// It falls apart, so that its matches would be all pairs of those of its parts.
    #[error("node {node} of the pattern cannot be reached from the others over its edges")]
    Apart {
        /// A node that cannot be reached, counted from zero.
        node: usize,
    },
    /// An edge names a node of another pattern.
    #[error("an edge of the pattern has an end that is not in the pattern")]
    NoSuchNode,
}

/// Nodes, and edges between them.
///
/// ```
/// use memlith_graph::adjacency::{Edge, Filter, GraphIndex};
/// use memlith_graph::traverse::{Pattern, Work};
///
/// const WORKS_AT: u16 = 1;
/// const LIVES_IN: u16 = 2;
/// let mut graph = GraphIndex::new();
/// for node in 0..4 {
///     graph.insert_node(node, 1)?;
/// }
/// graph.insert(Edge::new(0, WORKS_AT, 1, 0, 1.0), 1)?;
/// graph.insert(Edge::new(2, WORKS_AT, 1, 1, 1.0), 1)?;
/// graph.insert(Edge::new(2, LIVES_IN, 3, 2, 1.0), 1)?;
///
/// // Where do colleagues of node 0 live?
/// let zero = [0].into_iter().collect();
/// let mut pattern = Pattern::new();
/// let [me, firm, colleague, town] =
///     [Some(&zero), None, None, None].map(|candidates| pattern.node(candidates));
/// pattern.edge(me, firm, Filter { types: Some(&[WORKS_AT]), ..Filter::default() });
/// pattern.edge(colleague, firm, Filter { types: Some(&[WORKS_AT]), ..Filter::default() });
/// pattern.edge(colleague, town, Filter { types: Some(&[LIVES_IN]), ..Filter::default() });
/// let mut keep_going = || true;
/// let matches = pattern.find(&graph.view(), 10, &mut Work::new(1_000, &mut keep_going))?;
/// assert_eq!(matches.rows[0].nodes, [0, 1, 2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Pattern<'a> {
    nodes: Vec<Option<&'a RoaringBitmap>>,
    edges: Vec<PatternEdge<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct PatternEdge<'a> {
    from: usize,
    to: usize,
    filter: Filter<'a>,
}

impl<'a> Pattern<'a> {
    /// A pattern of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node, for which those of `candidates` can stand, or any.
    pub fn node(&mut self, candidates: Option<&'a RoaringBitmap>) -> PatternNode {
        self.nodes.push(candidates);
        PatternNode(self.nodes.len() - 1)
    }

    /// Adds an edge, for which one that passes `filter` can stand, seen from `from`. Its nodes are not
    /// asked for: what can stand for a node is said of that.
    pub fn edge(&mut self, from: PatternNode, to: PatternNode, filter: Filter<'a>) {
        let filter = Filter { nodes: None, ..filter };
        self.edges.push(PatternEdge { from: from.0, to: to.0, filter });
    }

    /// Up to `limit` places that look like the pattern.
    ///
    /// # Errors
    /// [`PatternError`] says what is wrong with the pattern, or that the image cannot be read.
    pub fn find(
        &self,
        view: &GraphView,
        limit: usize,
        work: &mut Work<'_>,
    ) -> Result<Matches, PatternError> {
        let plan = self.plan(view)?;
        let steps =
            plan.iter().map(|step| view.edges(&step.filter)).collect::<Result<Vec<_>, _>>()?;
        let mut run = Run {
            view,
            plan: &plan,
            steps,
            bound: vec![u32::MAX; self.nodes.len()],
            taken: vec![None; plan.len()],
            counts: vec![Counts::default(); plan.len()],
            edge_count: self.edges.len(),
            rows: Vec::new(),
            limit,
        };
        let flow = run.begin(work)?;
        let cut = flow.is_break().then(|| work.take_cut().unwrap_or(CutShort::Results));
        let Run { rows, counts, .. } = run;
        let steps = plan.iter().zip(counts).map(|(step, counts)| step.explain(counts)).collect();
        Ok(Matches { rows, steps, cut })
    }

    /// How many nodes can stand for node `node`.
    fn candidates(&self, view: &GraphView, node: usize) -> u64 {
        self.nodes[node].map_or(u64::from(view.node_count()), RoaringBitmap::len)
    }

    /// The order in which nodes are bound and edges are followed.
    fn plan(&self, view: &GraphView) -> Result<Vec<Step<'a>>, PatternError> {
        if self.nodes.len() > MAX_PATTERN || self.edges.len() > MAX_PATTERN {
            return Err(PatternError::TooLarge);
        }
        if self.edges.iter().any(|edge| edge.from.max(edge.to) >= self.nodes.len()) {
            return Err(PatternError::NoSuchNode);
        }
        let estimate = |node: usize| self.candidates(view, node);
        let first = (0..self.nodes.len()).min_by_key(|&node| estimate(node));
        let first = first.ok_or(PatternError::Empty)?;
        let mut is_bound = vec![false; self.nodes.len()];
        is_bound[first] = true;
        let mut plan = vec![Step {
            edge: None,
            from: first,
            to: first,
            closes: false,
            candidates: self.nodes[first],
            filter: Filter::default(),
        }];
        let mut open: Vec<usize> = (0..self.edges.len()).collect();
        while !open.is_empty() {
            // What an edge leads to costs nothing if that is bound already.
            let cost = |&edge: &usize| {
                let PatternEdge { from, to, .. } = self.edges[edge];
                match (is_bound[from], is_bound[to]) {
                    (true, true) => Some(0),
                    (true, false) => Some(estimate(to) + 1),
                    (false, true) => Some(estimate(from) + 1),
                    (false, false) => None,
                }
            };
            let next = open.iter().copied().filter_map(|edge| Some((cost(&edge)?, edge))).min();
            let Some((_, edge)) = next else { break };
            open.retain(|&other| other != edge);
            let PatternEdge { from, to, filter } = self.edges[edge];
            let is_forward = is_bound[from];
            let (near, far) = if is_forward { (from, to) } else { (to, from) };
            let direction = if is_forward { filter.direction } else { filter.direction.reversed() };
            plan.push(Step {
                edge: Some(edge),
                from: near,
                to: far,
                closes: is_bound[far],
                candidates: self.nodes[far],
                filter: Filter { direction, ..filter },
            });
            is_bound[far] = true;
        }
        match is_bound.iter().position(|is_bound| !is_bound) {
            Some(node) => Err(PatternError::Apart { node }),
            None => Ok(plan),
        }
    }
}

/// A step of a plan: the first binds a node, the others follow an edge.
#[derive(Clone, Copy)]
struct Step<'a> {
    edge: Option<usize>,
    from: usize,
    to: usize,
    /// Is `to` bound already?
    closes: bool,
    candidates: Option<&'a RoaringBitmap>,
    filter: Filter<'a>,
}

impl Step<'_> {
    fn explain(&self, counts: Counts) -> ExplainedStep {
        ExplainedStep {
            edge: self.edge,
            from: self.from,
            to: self.to,
            direction: self.filter.direction,
            candidates: self.candidates.map(RoaringBitmap::len),
            looked_at: counts.looked_at,
            passed: counts.passed,
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Counts {
    looked_at: u64,
    passed: u64,
}

/// A place that looks like the pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternMatch {
    /// By the nodes of the pattern.
    pub nodes: Vec<u32>,
    /// By the edges of the pattern.
    pub edges: Vec<Edge>,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedStep {
    /// The edge of the pattern that it followed; the first step binds a node without one.
    pub edge: Option<usize>,
    /// The node of the pattern that was bound before.
    pub from: usize,
    /// The one that it bound, or checked.
    pub to: usize,
    /// How it followed the edge.
    pub direction: Direction,
    /// How many nodes can stand for `to`, if not any can.
    pub candidates: Option<u64>,
    /// Half edges, or nodes in the first step, that it looked at.
    pub looked_at: u64,
    /// How many of them went on to the next step.
    pub passed: u64,
}

/// See [`Pattern::find`].
#[derive(Clone, Debug, PartialEq)]
pub struct Matches {
    /// The places.
    pub rows: Vec<PatternMatch>,
    /// How they were found, in the order in which it was done.
    pub steps: Vec<ExplainedStep>,
    /// Why there may be others.
    pub cut: Option<CutShort>,
}

/// A search under way.
struct Run<'r, 'a> {
    view: &'r GraphView,
    plan: &'r [Step<'a>],
    /// The edges of each step.
    steps: Vec<Edges<'r>>,
    /// Node of the pattern -> node.
    bound: Vec<u32>,
    /// Step -> the half edge that was followed.
    taken: Vec<Option<HalfEdge>>,
    counts: Vec<Counts>,
    edge_count: usize,
    rows: Vec<PatternMatch>,
    limit: usize,
}

impl Run<'_, '_> {
    fn begin(&mut self, work: &mut Work<'_>) -> Result<ControlFlow<()>, ImageError> {
        let Step { to, candidates, .. } = self.plan[0];
        let all = 0..self.view.node_bound();
        let nodes: &mut dyn Iterator<Item = u32> = match candidates {
            Some(candidates) => &mut candidates.iter(),
            None => &mut all.into_iter(),
        };
        for node in nodes {
            if work.spend(1).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.counts[0].looked_at += 1;
            if self.view.contains_node(node)? {
                self.counts[0].passed += 1;
                self.bound[to] = node;
                let flow = self.follow(1, work)?;
                if flow.is_break() {
                    return Ok(flow);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes step `at` in all ways, and what follows it; [`MAX_PATTERN`] deep at most.
    fn follow(&mut self, at: usize, work: &mut Work<'_>) -> Result<ControlFlow<()>, ImageError> {
        let Some(&Step { from, to, closes, candidates, .. }) = self.plan.get(at) else {
            return self.keep();
        };
        let Self { steps, bound, counts, .. } = self;
        let mut ways = Vec::new();
        let mut spend = |half_edges: usize| {
            counts[at].looked_at += half_edges as u64;
            work.spend(half_edges)
        };
        let flow =
            steps[at].visit(steps[at].filter.direction, bound[from], &mut spend, |half| {
                let fits = if closes {
                    half.node == bound[to]
                } else {
                    candidates.is_none_or(|candidates| candidates.contains(half.node))
                };
                if fits {
                    ways.push(half);
                }
                ControlFlow::Continue(())
            })?;
        if flow.is_break() {
            return Ok(flow);
        }
        for half in ways {
            if self.is_taken(at, &half)? {
                continue;
            }
            self.counts[at].passed += 1;
            self.bound[to] = half.node;
            self.taken[at] = Some(half);
            let flow = self.follow(at + 1, work)?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn edge_of(&self, at: usize, half: &HalfEdge) -> Result<Edge, ImageError> {
        self.steps[at].edge(self.bound[self.plan[at].from], half)
    }

    /// Does the edge stand for one of the pattern already?
    fn is_taken(&self, at: usize, half: &HalfEdge) -> Result<bool, ImageError> {
        let here = [self.bound[self.plan[at].from], half.node];
        for before in 1..at {
            let Some(taken) = &self.taken[before] else { continue };
            let there = [self.bound[self.plan[before].from], taken.node];
            let may_be = here == there || here == [there[1], there[0]];
            if may_be && self.edge_of(before, taken)?.key == self.edge_of(at, half)?.key {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn keep(&mut self) -> Result<ControlFlow<()>, ImageError> {
        if self.rows.len() == self.limit {
            return Ok(ControlFlow::Break(()));
        }
        let mut edges = vec![None; self.edge_count];
        for (at, step) in self.plan.iter().enumerate() {
            if let (Some(edge), Some(half)) = (step.edge, &self.taken[at]) {
                edges[edge] = Some(self.edge_of(at, half)?);
            }
        }
        let edges = edges.into_iter().flatten().collect();
        self.rows.push(PatternMatch { nodes: self.bound.clone(), edges });
        Ok(ControlFlow::Continue(()))
    }
}
