//! Every walk finds what a naive one finds, whatever lies in the image and what in the delta.

#![expect(clippy::unwrap_used, reason = "an error where none belongs fails the test")]
#![expect(clippy::float_cmp, reason = "what is computed alike has the same bits")]

mod model;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use memlith_graph::adjacency::{Direction, Edge, EdgeStore, Filter, GraphIndex, GraphView};
use memlith_graph::image::ImageError;
use memlith_graph::traverse::{
    Cost, CutShort, Path, Pattern, Related, Spread, Work, all_paths, cheapest_path, neighbours,
    related, shortest_path, spread, subgraph,
};
use model::{Change, Model, Wish, changes, wishes};
use proptest::prelude::*;
use roaring::RoaringBitmap;

/// The edges of a model, as they lie elsewhere.
struct Elsewhere(BTreeSet<u32>, Vec<Edge>);

impl EdgeStore for Elsewhere {
    fn contains_node(&self, node: u32) -> Result<bool, ImageError> {
        Ok(self.0.contains(&node))
    }

    fn edges_at(
        &self,
        node: u32,
        enters: bool,
        types: Option<&[u16]>,
        found: &mut dyn FnMut(Edge) -> ControlFlow<()>,
    ) -> Result<(), ImageError> {
        let end = |edge: &Edge| if enters { edge.key.target } else { edge.key.source };
        let is_wanted = |edge: &Edge| types.is_none_or(|some| some.contains(&edge.key.edge_type));
        let edges = self.1.iter().rev().filter(|edge| end(edge) == node && is_wanted(edge));
        let _ = edges.copied().try_for_each(found);
        Ok(())
    }

    fn edge(&self, ordinal: u32) -> Result<Edge, ImageError> {
        Ok(*self.1.iter().find(|edge| edge.key.ordinal == ordinal).unwrap())
    }
}

/// A graph of which a part lies in the image, or all of it elsewhere.
fn graphs() -> impl Strategy<Value = (GraphView, Model)> {
    let changes = proptest::collection::vec(changes(), 20..140);
    (changes, any::<prop::sample::Index>(), 0..4_u8).prop_map(|(changes, sealed, place)| {
        let (mut graph, mut model) = (GraphIndex::new(), Model::default());
        for node in 0..10 {
            model.apply(&Change::Node(node), &mut graph, 1);
        }
        let sealed = sealed.index(changes.len() + 1);
        for (at, change) in changes.iter().enumerate() {
            if at == sealed {
                graph = GraphIndex::from_image(Arc::new(graph.write_image().unwrap())).unwrap();
            }
            model.apply(change, &mut graph, 1);
        }
        let mut view = graph.view();
        if place == 0 {
            let store = Elsewhere(model.nodes.iter().copied().collect(), model.edges().collect());
            let (bound, nodes) = (view.node_bound(), view.node_count());
            view = GraphView::over(Arc::new(store), bound, nodes, view.edge_count());
        }
        (view, model)
    })
}

/// Runs `walk` with all the work it wants.
fn unbounded<T>(walk: impl FnOnce(&mut Work<'_>) -> T) -> T {
    let mut keep_going = || true;
    walk(&mut Work::new(u64::MAX, &mut keep_going))
}

/// Where a walk that goes to `goal` may go from `node`.
fn steps(model: &Model, node: u32, goal: u32, filter: &Filter<'_>) -> Vec<(u32, Edge)> {
    let mut steps = model.steps(node, filter);
    steps.retain(|(node, _)| *node == goal || filter.nodes.is_none_or(|n| n.contains(*node)));
    steps
}

/// Asserts that the path exists.
fn assert_walkable(model: &Model, path: &Path, goal: u32, filter: &Filter<'_>) {
    assert_eq!(path.nodes.len(), path.edges.len() + 1);
    for (ends, edge) in path.nodes.windows(2).zip(&path.edges) {
        let ways = steps(model, ends[0], goal, filter);
        assert!(ways.contains(&(ends[1], *edge)), "{edge:?} does not lead from {ends:?}");
    }
}

/// Adds what arrives around `node` of the mass that came there from `from`.
fn naive_spread(
    model: &Model,
    query: &Spread<'_>,
    (node, from): (u32, Option<u32>),
    mass: f64,
    steps_left: u32,
    arrived: &mut BTreeMap<u32, f64>,
) {
    let mut ways = steps(model, node, u32::MAX, &query.filter);
    ways.retain(|(to, edge)| Some(*to) != from && edge.weight > 0.0);
    let whole: f64 = ways.iter().map(|(_, edge)| f64::from(edge.weight)).sum();
    if steps_left == 0 {
        return;
    }
    for (to, edge) in ways {
        let passed = mass * query.keep * f64::from(edge.weight) / whole;
        *arrived.entry(to).or_default() += passed;
        naive_spread(model, query, (to, Some(node)), passed, steps_left - 1, arrived);
    }
}

fn node_or_near() -> impl Strategy<Value = u32> {
    0_u32..12
}

/// Score and hops of the best path to each node, by layers.
fn naive_related(model: &Model, query: &Related<'_>) -> BTreeMap<u32, (f64, u32)> {
    let mut best: BTreeMap<u32, (f64, u32)> = BTreeMap::new();
    for &(node, score) in query.starts {
        if model.nodes.contains(&node) && best.get(&node).is_none_or(|best| score > best.0) {
            best.insert(node, (score, 0));
        }
    }
    for hops in 1..=query.depth {
        let layer = best.clone();
        for (&node, &(score, _)) in &layer {
            for (to, edge) in steps(model, node, u32::MAX, &query.filter) {
                let weight = if query.is_weighted { f64::from(edge.weight.min(1.0)) } else { 1.0 };
                let score = score * query.decay * weight;
                if best.get(&to).is_none_or(|best| score > best.0) {
                    best.insert(to, (score, hops));
                }
            }
        }
    }
    for (start, _) in query.starts {
        best.remove(start);
    }
    best
}

/// Nodes and how many edges they are from the start.
fn naive_hops(model: &Model, start: u32, goal: u32, filter: &Filter<'_>) -> BTreeMap<u32, u32> {
    let mut hops = BTreeMap::from([(start, 0)]);
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for (to, _) in steps(model, node, goal, filter) {
            if !hops.contains_key(&to) {
                hops.insert(to, hops[&node] + 1);
                queue.push_back(to);
            }
        }
    }
    hops
}

fn cost_of(cost: Cost, edge: &Edge) -> f64 {
    match cost {
        Cost::Weight => f64::from(edge.weight),
        Cost::Reciprocal => 1.0 / f64::from(edge.weight),
    }
}

/// Bellman and Ford.
fn naive_cost(model: &Model, start: u32, goal: u32, filter: &Filter<'_>, cost: Cost) -> f64 {
    let mut costs = BTreeMap::from([(start, 0.0)]);
    loop {
        let before = costs.clone();
        for (&node, &so_far) in &before {
            for (to, edge) in steps(model, node, goal, filter) {
                let reached = so_far + cost_of(cost, &edge);
                let known = costs.entry(to).or_insert(f64::INFINITY);
                *known = known.min(reached);
            }
        }
        if costs == before {
            return costs.get(&goal).copied().unwrap_or(f64::INFINITY);
        }
    }
}

fn naive_paths(
    model: &Model,
    path: &mut Vec<u32>,
    edges: &mut Vec<Edge>,
    goal: u32,
    left: u32,
    filter: &Filter<'_>,
    found: &mut Vec<Path>,
) {
    let node = *path.last().expect("a path has a start");
    if node == goal {
        found.push(Path { nodes: path.clone(), edges: edges.clone() });
        return;
    }
    if left == 0 {
        return;
    }
    for (to, edge) in steps(model, node, goal, filter) {
        if !path.contains(&to) {
            path.push(to);
            edges.push(edge);
            naive_paths(model, path, edges, goal, left - 1, filter, found);
            edges.pop();
            path.pop();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_changes_before_the_next_change(
        (view, model) in graphs(),
        instant in prop_oneof![Just(i64::MIN), Just(i64::MAX), -8_i64..9],
    ) {
        let ends = model.edges().flat_map(|edge| [edge.valid.from, edge.valid.until]);
        let expected = ends.filter(|&end| end > instant && end != i64::MAX).min();
        let image = Arc::new(view.write_image().unwrap());
        let imaged = GraphIndex::from_image(image).unwrap().view();
        prop_assert_eq!(imaged.next_change(instant).unwrap(), expected);
        // Of what has gone since an image was written the delta may still speak.
        let next = view.next_change(instant).unwrap();
        prop_assert!(next.is_none_or(|next| next > instant));
        prop_assert!(expected.is_none_or(|end| next.is_some_and(|next| next <= end)));
    }

    #[test]
    fn the_same_path_is_found_wherever_edges_lie(
        (view, model) in graphs(),
        wish in wishes(),
    ) {
        let image = Arc::new(view.write_image().unwrap());
        let imaged = GraphIndex::from_image(image).unwrap().view();
        let store = Elsewhere(model.nodes.iter().copied().collect(), model.edges().collect());
        let (bound, nodes) = (view.node_bound(), view.node_count());
        let stored = GraphView::over(Arc::new(store), bound, nodes, view.edge_count());
        let filter = wish.filter();
        for (start, goal) in (0..10).flat_map(|start| (0..10).map(move |goal| (start, goal))) {
            let path = |view| unbounded(|work| shortest_path(view, start, goal, &filter, work));
            let found = path(&view).unwrap();
            prop_assert_eq!(&path(&imaged).unwrap(), &found);
            prop_assert_eq!(&path(&stored).unwrap(), &found);
        }
    }

    #[test]
    fn mass_spreads_as_if_every_path_were_walked(
        (view, model) in graphs(),
        wish in wishes(),
        starts in proptest::collection::btree_map(node_or_near(), 0.1..3.0_f64, 1..4),
        steps_at_most in 0_u32..4,
    ) {
        let starts: Vec<(u32, f64)> = starts.into_iter().collect();
        let query =
            Spread { filter: wish.filter(), steps: steps_at_most, keep: 0.5, least: 0.0 };
        let spreading = unbounded(|work| spread(&view, &starts, &query, &|_| true, work)).unwrap();
        let mut expected = BTreeMap::new();
        for (node, mass) in starts.iter().filter(|(node, _)| model.nodes.contains(node)) {
            naive_spread(&model, &query, (*node, None), *mass, steps_at_most, &mut expected);
        }
        let found = spreading.masses();
        prop_assert_eq!(found.len(), expected.len());
        for ((node, mass), (expected_node, expected)) in found.iter().zip(&expected) {
            prop_assert_eq!(node, expected_node);
            prop_assert!((mass - expected).abs() <= 1e-9 * expected, "{} is not {}", mass, expected);
            let path = spreading.path_to(*node).unwrap().unwrap();
            prop_assert!(starts.iter().any(|(start, _)| *start == path.nodes[0]));
            prop_assert_eq!(path.nodes.last(), Some(node));
            assert_walkable(&model, &path, u32::MAX, &query.filter);
            prop_assert!(path.nodes.windows(3).all(|three| three[0] != three[2]));
        }
        prop_assert_eq!(spreading.path_to(99).unwrap(), None);
    }

    #[test]
    fn related_nodes_have_their_best_paths(
        (view, model) in graphs(),
        wish in wishes(),
        starts in proptest::collection::vec(
            (node_or_near(), prop_oneof![Just(1.0), 0.0..2.0]),
            1..4,
        ),
        (depth, decay, is_weighted) in (0_u32..5, 0.1..=1.0, any::<bool>()),
        limit in 0_usize..16,
    ) {
        let filter = wish.filter();
        let (with_paths, all) = (true, usize::MAX);
        let query = Related {
            starts: &starts, filter, depth, decay, is_weighted, limit: all, with_paths,
        };
        let answer = unbounded(|work| related(&view, &query, work)).unwrap();
        prop_assert_eq!(answer.cut, None);
        let best = naive_related(&model, &query);
        let found: BTreeMap<u32, (f64, u32)> =
            answer.found.iter().map(|found| (found.node, (found.score, found.hops))).collect();
        prop_assert_eq!(&found, &best);
        prop_assert_eq!(answer.reached, best.len());
        let is_ranked = answer.found.is_sorted_by(|a, b| {
            (b.score, a.hops, a.node) < (a.score, b.hops, b.node)
        });
        prop_assert!(is_ranked);
        for found in &answer.found {
            let path = found.path.as_ref().expect("paths were asked for");
            assert_walkable(&model, path, u32::MAX, &filter);
            prop_assert_eq!(path.edges.len(), found.hops as usize);
            prop_assert_eq!(path.nodes.last(), Some(&found.node));
            let weight = |edge: &Edge| if is_weighted { edge.weight.min(1.0) } else { 1.0 };
            let by_path = |start: f64| {
                path.edges.iter().fold(start, |score, e| score * decay * f64::from(weight(e)))
            };
            let of_start = starts.iter().filter(|(node, _)| *node == path.nodes[0]);
            prop_assert!(of_start.map(|(_, score)| by_path(*score)).any(|s| s == found.score));
        }
        let few = Related { limit, ..query };
        let few = unbounded(|work| related(&view, &few, work)).unwrap();
        prop_assert_eq!(&few.found[..], &answer.found[..limit.min(answer.found.len())]);
    }

    #[test]
    fn a_subgraph_has_what_is_near_and_all_edges_of_it(
        (view, model) in graphs(),
        wish in wishes(),
        starts in proptest::collection::vec(node_or_near(), 0..3),
        (depth, limit) in (0_u32..4, 0_usize..14),
    ) {
        let filter = wish.filter();
        let all = unbounded(|work| subgraph(&view, &starts, depth, &filter, 99, work)).unwrap();
        prop_assert_eq!(all.cut, None);
        let mut near: BTreeMap<u32, u32> = BTreeMap::new();
        for &start in starts.iter().filter(|&start| model.nodes.contains(start)) {
            for (node, hops) in naive_hops(&model, start, u32::MAX, &filter) {
                if hops <= depth {
                    let known = near.entry(node).or_insert(hops);
                    *known = hops.min(*known);
                }
            }
        }
        prop_assert!(all.nodes.iter().copied().eq(near.clone()));
        let among = |edge: &Edge| {
            near.contains_key(&edge.key.source) && near.contains_key(&edge.key.target)
        };
        let edges: Vec<Edge> =
            model.edges().filter(|edge| among(edge) && Model::passes(&filter, edge)).collect();
        prop_assert_eq!(all.edges, edges);
        let few = unbounded(|work| subgraph(&view, &starts, depth, &filter, limit, work)).unwrap();
        prop_assert_eq!(few.nodes.len(), limit.min(near.len()));
        prop_assert_eq!(few.cut, (limit < near.len()).then_some(CutShort::Results));
        let farthest = few.nodes.iter().map(|node| node.1).max().unwrap_or(0);
        let left_out = near.iter().filter(|(node, hops)| !few.nodes.contains(&(**node, **hops)));
        prop_assert!(left_out.map(|(_, &hops)| hops).all(|hops| hops >= farthest));
    }

    #[test]
    fn shortest_paths_are_shortest(
        (view, model) in graphs(),
        wish in wishes(),
        (start, goal) in (node_or_near(), node_or_near()),
    ) {
        let filter = wish.filter();
        let found = unbounded(|work| shortest_path(&view, start, goal, &filter, work)).unwrap();
        let are_there = [start, goal].iter().all(|node| model.nodes.contains(node));
        let hops = naive_hops(&model, start, goal, &filter).get(&goal).copied();
        let hops = hops.filter(|_| are_there);
        prop_assert_eq!(found.path.as_ref().map(|path| path.edges.len() as u32), hops);
        prop_assert_eq!(found.cost, hops.map_or(f64::INFINITY, f64::from));
        if let Some(path) = &found.path {
            prop_assert_eq!((path.nodes[0], path.nodes.last()), (start, Some(&goal)));
            assert_walkable(&model, path, goal, &filter);
        }
    }

    #[test]
    fn cheapest_paths_are_cheapest(
        (view, model) in graphs(),
        wish in wishes(),
        (start, goal) in (node_or_near(), node_or_near()),
        cost in prop_oneof![Just(Cost::Weight), Just(Cost::Reciprocal)],
    ) {
        let filter = wish.filter();
        let found =
            unbounded(|work| cheapest_path(&view, start, goal, &filter, cost, work)).unwrap();
        let are_there = [start, goal].iter().all(|node| model.nodes.contains(node));
        let least =
            if are_there { naive_cost(&model, start, goal, &filter, cost) } else { f64::INFINITY };
        prop_assert_eq!(found.path.is_some(), least.is_finite());
        if let Some(path) = &found.path {
            prop_assert_eq!((path.nodes[0], path.nodes.last()), (start, Some(&goal)));
            assert_walkable(&model, path, goal, &filter);
            let sum: f64 = path.edges.iter().map(|edge| cost_of(cost, edge)).sum();
            for reached in [sum, found.cost] {
                prop_assert!((reached - least).abs() <= 1e-9 * least, "{reached} is not {least}");
            }
        }
    }

    #[test]
    fn all_paths_are_found_once(
        (view, model) in graphs(),
        wish in wishes(),
        (start, goal) in (node_or_near(), node_or_near()),
        (max_length, limit) in (0_u32..5, 0_usize..40),
    ) {
        let filter = wish.filter();
        let all = |limit| {
            unbounded(|work| all_paths(&view, start, goal, max_length, &filter, limit, work))
        };
        let found = all(usize::MAX).unwrap();
        let mut expected = Vec::new();
        if [start, goal].iter().all(|node| model.nodes.contains(node)) {
            let path = &mut vec![start];
            naive_paths(&model, path, &mut Vec::new(), goal, max_length, &filter, &mut expected);
        }
        // Stable: those of one length stay in the order of the edges.
        expected.sort_by_key(|path| path.edges.len());
        prop_assert_eq!(&found.found, &expected);
        prop_assert_eq!(found.cut, None);
        let few = all(limit).unwrap();
        prop_assert_eq!(&few.found[..], &expected[..limit.min(expected.len())]);
        prop_assert_eq!(few.cut, (limit < expected.len()).then_some(CutShort::Results));
    }

    #[test]
    fn what_was_not_cut_short_is_whole(
        (view, _) in graphs(),
        (start, goal) in (node_or_near(), node_or_near()),
        budget in 0_u64..200,
    ) {
        let filter = Filter { direction: Direction::Both, ..Filter::default() };
        let starts = [(start, 1.0)];
        let query = Related { filter, ..Related::to(&starts) };
        macro_rules! check {
            ($walk:expr) => {{
                let walk = $walk;
                let whole = unbounded(|work| walk(work)).unwrap();
                let mut keep_going = || true;
                let mut work = Work::new(budget, &mut keep_going);
                let bounded = walk(&mut work).unwrap();
                prop_assert!(work.spent() <= budget);
                prop_assert!(bounded.cut == Some(CutShort::Work) || bounded == whole);
                let mut never = || false;
                let stopped = walk(&mut Work::new(u64::MAX, &mut never)).unwrap();
                prop_assert!(stopped.cut == Some(CutShort::Stopped) || stopped == whole);
            }};
        }
        check!(|work: &mut Work<'_>| neighbours(&view, start, &filter, 99, work));
        check!(|work: &mut Work<'_>| related(&view, &query, work));
        check!(|work: &mut Work<'_>| subgraph(&view, &[start], 2, &filter, 99, work));
        check!(|work: &mut Work<'_>| shortest_path(&view, start, goal, &filter, work));
        check!(|work: &mut Work<'_>| {
            cheapest_path(&view, start, goal, &filter, Cost::Weight, work)
        });
        check!(|work: &mut Work<'_>| all_paths(&view, start, goal, 3, &filter, 50, work));
    }
}

#[test]
fn a_start_that_the_filter_leaves_out_is_not_walked_onto() {
    let mut graph = GraphIndex::new();
    for node in 0..3 {
        graph.insert_node(node, 1).unwrap();
    }
    graph.insert(Edge::new(0, 0, 1, 0, 1.0), 1).unwrap();
    graph.insert(Edge::new(1, 0, 2, 1, 1.0), 1).unwrap();
    let only: RoaringBitmap = [2].into_iter().collect();
    let filter = Filter { nodes: Some(&only), ..Filter::default() };
    let starts = [(0, 1.0), (1, 0.1)];
    let query = Related { filter, ..Related::to(&starts) };
    let found = unbounded(|work| related(&graph.view(), &query, work)).unwrap().found;
    assert_eq!((found[0].node, found[0].score, found[0].hops), (2, 0.05, 1));
}

/// Up to three nodes and edges of a pattern: candidates, and (from, to, filter).
type Shape = (Vec<Option<RoaringBitmap>>, Vec<(usize, usize, Wish)>);

fn shapes() -> impl Strategy<Value = Shape> {
    let candidates = || {
        let some = proptest::collection::vec(0_u32..14, 1..8)
            .prop_map(|nodes| Some(nodes.into_iter().collect::<RoaringBitmap>()));
        prop_oneof![1 => Just(None), 1 => some]
    };
    let ends = (0_usize..3, 0_usize..3);
    (
        proptest::collection::vec(candidates(), 1..=3),
        proptest::collection::vec((ends, wishes()), 0..=3),
    )
        .prop_map(|(nodes, edges)| {
            let count = nodes.len();
            let edges = edges
                .into_iter()
                .map(|((from, to), wish)| (from % count, to % count, Wish { nodes: None, ..wish }));
            (nodes, edges.collect())
        })
}

/// Assigns nodes and then edges in every way there is.
fn naive_matches(model: &Model, (nodes, edges): &Shape) -> BTreeSet<(Vec<u32>, Vec<u32>)> {
    let mut rows: Vec<Vec<u32>> = vec![Vec::new()];
    for candidates in nodes {
        let fits = |node: &u32| candidates.as_ref().is_none_or(|some| some.contains(*node));
        let fitting: Vec<u32> = model.nodes.iter().copied().filter(fits).collect();
        rows = rows
            .iter()
            .flat_map(|row| fitting.iter().map(|&node| [row.as_slice(), &[node]].concat()))
            .collect();
    }
    let mut found = BTreeSet::new();
    for row in rows {
        let mut ways: Vec<Vec<u32>> = vec![Vec::new()];
        for (from, to, wish) in edges {
            let steps = model.steps(row[*from], &wish.filter());
            let fitting = steps.iter().filter(|(node, _)| *node == row[*to]);
            let fitting: Vec<u32> = fitting.map(|(_, edge)| edge.key.ordinal).collect();
            ways = ways
                .iter()
                .flat_map(|way| fitting.iter().map(|&edge| [way.as_slice(), &[edge]].concat()))
                .collect();
        }
        ways.retain(|way| way.iter().collect::<BTreeSet<_>>().len() == way.len());
        found.extend(ways.into_iter().map(|way| (row.clone(), way)));
    }
    found
}

fn is_connected((nodes, edges): &Shape) -> bool {
    let mut reached = BTreeSet::from([0]);
    for _ in nodes {
        for (from, to, _) in edges {
            if reached.contains(from) || reached.contains(to) {
                reached.extend([*from, *to]);
            }
        }
    }
    reached.len() == nodes.len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn patterns_are_found_wherever_they_are(
        (view, model) in graphs(),
        shape in shapes(),
        limit in 0_usize..20,
    ) {
        let mut pattern = Pattern::new();
        let nodes: Vec<_> = shape.0.iter().map(|some| pattern.node(some.as_ref())).collect();
        for (from, to, wish) in &shape.1 {
            pattern.edge(nodes[*from], nodes[*to], wish.filter());
        }
        let found = unbounded(|work| pattern.find(&view, usize::MAX, work));
        prop_assert_eq!(found.is_ok(), is_connected(&shape));
        let Ok(found) = found else { return Ok(()) };
        let rows = found.rows.iter().map(|row| {
            let edges = row.edges.iter().map(|edge| edge.key.ordinal).collect();
            (row.nodes.clone(), edges)
        });
        let rows: BTreeSet<(Vec<u32>, Vec<u32>)> = rows.collect();
        prop_assert_eq!(rows.len(), found.rows.len(), "each once");
        prop_assert_eq!(&rows, &naive_matches(&model, &shape));
        prop_assert_eq!(found.cut, None);
        // The explanation: every edge once, and the last step passed what was found.
        let mut edges: Vec<usize> = found.steps.iter().filter_map(|step| step.edge).collect();
        edges.sort_unstable();
        prop_assert!(edges.into_iter().eq(0..shape.1.len()));
        prop_assert_eq!(found.steps.last().map(|step| step.passed), Some(rows.len() as u64));
        let are_fewer = found.steps.iter().all(|step| step.passed <= step.looked_at);
        prop_assert!(are_fewer);
        let few = unbounded(|work| pattern.find(&view, limit, work)).unwrap();
        prop_assert_eq!(&few.rows[..], &found.rows[..limit.min(rows.len())]);
        prop_assert_eq!(few.cut, (limit < rows.len()).then_some(CutShort::Results));
    }
}

#[test]
fn what_everything_is_joined_to_passes_nothing_on() {
    let mut graph = GraphIndex::new();
    for node in 0..102 {
        graph.insert_node(node, 1).unwrap();
    }
    // Node 0 is joined to a hub of a hundred, and to node 101, which is joined to the hub too.
    for (ordinal, (from, to)) in (1..101).map(|to| (100, to - 1)).chain([(0, 101)]).enumerate() {
        graph.insert(Edge::new(from, 0, to, ordinal as u32, 1.0), 1).unwrap();
    }
    let filter = Filter { direction: Direction::Both, ..Filter::default() };
    let starts = [(0, 1.0)];
    let view = graph.view();
    let reached = |least| {
        let query = Spread { filter, steps: 2, keep: 0.5, least };
        let mut keep_going = || true;
        let mut work = Work::new(u64::MAX, &mut keep_going);
        let found = spread(&view, &starts, &query, &|_| true, &mut work).unwrap().masses().len();
        (found, work.spent())
    };
    assert_eq!(reached(0.0).0, 101, "the hub, its other leaves and node 101");
    let (found, spent) = reached(0.01);
    assert_eq!(found, 2, "the hub and node 101");
    assert!(spent <= 2 * 50, "{spent} edges were looked at");
}
