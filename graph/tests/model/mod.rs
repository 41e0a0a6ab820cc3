//! A graph as a map, and histories of changes.

#![expect(dead_code, reason = "each test uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};

use memlith_graph::adjacency::{
    Direction, Edge, EdgeKey, EdgeTest, Filter, GraphIndex, GraphView, Validity,
};
use proptest::prelude::*;
use roaring::RoaringBitmap;

/// What a view must see.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    pub(crate) nodes: BTreeSet<u32>,
    pub(crate) edges: BTreeMap<EdgeKey, (f32, Validity)>,
    /// Nodes that were removed: they cannot come back.
    gone: BTreeSet<u32>,
    next_ordinal: u32,
}

/// A change of a graph. Indexes choose among what is there.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Node(u32),
    RemoveNode(prop::sample::Index),
    Edge(prop::sample::Index, u16, prop::sample::Index, f32, Validity),
    Reweigh(prop::sample::Index, f32),
    RemoveEdge(prop::sample::Index),
}

pub(crate) fn changes() -> impl Strategy<Value = Change> {
    // Few nodes, so that they have many edges; some far away.
    let node = prop_oneof![12 => 0_u32..14, 1 => 1_500_u32..1_503];
    let weight = || prop_oneof![Just(1.0_f32), Just(0.0), Just(0.25), 0.0_f32..4.0];
    let instant = || prop_oneof![Just(i64::MIN), Just(i64::MAX), -3_i64..6];
    let valid = prop_oneof![
        3 => Just(Validity::ALWAYS),
        2 => (instant(), instant()).prop_map(|(from, until)| Validity { from, until }),
    ];
    let edge_type = prop_oneof![Just(0_u16), Just(1), Just(2), Just(40_000)];
    let index = any::<prop::sample::Index>;
    prop_oneof![
        8 => node.prop_map(Change::Node),
        1 => index().prop_map(Change::RemoveNode),
        20 => (index(), edge_type, index(), weight(), valid)
            .prop_map(|(source, edge_type, target, weight, valid)| {
                Change::Edge(source, edge_type, target, weight, valid)
            }),
        3 => (index(), weight()).prop_map(|(edge, weight)| Change::Reweigh(edge, weight)),
        5 => index().prop_map(Change::RemoveEdge),
    ]
}

impl Model {
    fn nth_node(&self, index: prop::sample::Index) -> Option<u32> {
        let nodes: Vec<u32> = self.nodes.iter().copied().collect();
        (!nodes.is_empty()).then(|| nodes[index.index(nodes.len())])
    }

    fn nth_edge(&self, index: prop::sample::Index) -> Option<EdgeKey> {
        let edges: Vec<EdgeKey> = self.edges.keys().copied().collect();
        (!edges.is_empty()).then(|| edges[index.index(edges.len())])
    }

    /// Makes a change here and there.
    pub(crate) fn apply(&mut self, change: &Change, graph: &mut GraphIndex, seq: u64) {
        match *change {
            Change::Node(node) => {
                if self.gone.contains(&node) {
                    return;
                }
                let is_new = graph.insert_node(node, seq).expect("the node fits");
                assert_eq!(is_new, self.nodes.insert(node));
            }
            Change::RemoveNode(index) => {
                let Some(node) = self.nth_node(index) else { return };
                assert_eq!(graph.remove_node(node, seq), Ok(true));
                self.nodes.remove(&node);
                self.gone.insert(node);
                self.edges.retain(|key, _| key.source != node && key.target != node);
            }
            Change::Edge(source, edge_type, target, weight, valid) => {
                let ends = (self.nth_node(source), self.nth_node(target));
                let (Some(source), Some(target)) = ends else { return };
                let edge = Edge::new(source, edge_type, target, self.next_ordinal, weight);
                self.next_ordinal += 1;
                assert_eq!(graph.insert_new(edge.during(valid), seq), Ok(false));
                self.edges.insert(edge.key, (weight, valid));
            }
            Change::Reweigh(index, weight) => {
                let Some(key) = self.nth_edge(index) else { return };
                let slot = self.edges.get_mut(&key).expect("it was chosen among them");
                slot.0 = weight;
                assert_eq!(graph.insert(Edge { key, weight, valid: slot.1 }, seq), Ok(true));
            }
            Change::RemoveEdge(index) => {
                let Some(key) = self.nth_edge(index) else { return };
                assert_eq!(graph.remove(key, seq), Ok(true));
                assert_eq!(graph.remove(key, seq), Ok(false));
                self.edges.remove(&key);
            }
        }
    }

    pub(crate) fn edges(&self) -> impl Iterator<Item = Edge> {
        self.edges.iter().map(|(&key, &(weight, valid))| Edge { key, weight, valid })
    }

    /// Does the edge pass the filter, whatever the nodes at its ends?
    pub(crate) fn passes(filter: &Filter<'_>, edge: &Edge) -> bool {
        filter.types.is_none_or(|types| types.contains(&edge.key.edge_type))
            && edge.weight >= filter.min_weight
            && filter.edges.is_none_or(|edges| edges.admits(edge.key.ordinal) == Ok(true))
            && filter.as_of.is_none_or(|instant| edge.valid.holds_at(instant))
    }

    /// The edges of a node that pass and the nodes at their other ends, in the order of a view, whether
    /// or not the filter admits those.
    pub(crate) fn steps(&self, node: u32, filter: &Filter<'_>) -> Vec<(u32, Edge)> {
        let mut steps = Vec::new();
        if filter.direction != Direction::In {
            let out = self.edges().filter(|edge| edge.key.source == node);
            steps.extend(out.map(|edge| (edge.key.target, edge)));
        }
        if filter.direction != Direction::Out {
            let is_loop = |edge: &Edge| edge.key.source == edge.key.target;
            let skips_loops = filter.direction == Direction::Both;
            let incoming = self.edges().filter(|edge| edge.key.target == node);
            let incoming = incoming.filter(|edge| !(skips_loops && is_loop(edge)));
            let mut incoming: Vec<_> = incoming.map(|edge| (edge.key.source, edge)).collect();
            incoming.sort_by_key(|(node, edge)| (edge.key.edge_type, *node, edge.key.ordinal));
            steps.extend(incoming);
        }
        steps.retain(|(_, edge)| Self::passes(filter, edge));
        steps
    }

    /// The same content without the history.
    pub(crate) fn rebuilt(&self) -> GraphIndex {
        let mut graph = GraphIndex::new();
        for &node in &self.nodes {
            graph.insert_node(node, 1).expect("the node fits");
        }
        for edge in self.edges() {
            graph.insert(edge, 1).expect("the edge fits");
        }
        graph
    }

    pub(crate) fn assert_seen_by(&self, view: &GraphView) {
        assert_eq!(view.node_count() as usize, self.nodes.len());
        assert_eq!(view.edge_count() as usize, self.edges.len());
        for node in (0..20).chain(1_499..1_505).chain([u32::MAX]) {
            assert_eq!(view.contains_node(node), Ok(self.nodes.contains(&node)));
            let mut seen = Vec::new();
            view.edges_at(node, |key| seen.push(key)).expect("the image is whole");
            let steps =
                self.steps(node, &Filter { direction: Direction::Both, ..Filter::default() });
            assert_eq!(seen, steps.iter().map(|(_, edge)| edge.key).collect::<Vec<_>>());
        }
        let mut seen = Vec::new();
        view.for_each_edge(|edge| seen.push(edge)).expect("the image is whole");
        assert!(seen.iter().copied().eq(self.edges()), "{seen:?} are not {:?}", self.edges);
        for edge in self.edges() {
            assert_eq!(view.edge(edge.key), Ok(Some(edge)));
            let other = EdgeKey { ordinal: u32::MAX, ..edge.key };
            assert_eq!(view.edge(other), Ok(None));
            let EdgeKey { source, edge_type, target, .. } = edge.key;
            let twins = self.edges.range(EdgeKey { ordinal: 0, ..edge.key }..=other);
            let twins: Vec<u32> = twins.map(|(key, _)| key.ordinal).collect();
            assert_eq!(view.edges_between(source, edge_type, target), Ok(twins));
            assert_eq!(view.edges_between(source, 3, target), Ok(Vec::new()));
        }
    }
}

/// Owned parts of a filter.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) direction: Direction,
    pub(crate) types: Option<Vec<u16>>,
    pub(crate) min_weight: f32,
    pub(crate) nodes: Option<RoaringBitmap>,
    pub(crate) edges: Option<RoaringBitmap>,
    pub(crate) as_of: Option<i64>,
}

impl Wish {
    pub(crate) fn filter(&self) -> Filter<'_> {
        Filter {
            direction: self.direction,
            types: self.types.as_deref(),
            min_weight: self.min_weight,
            nodes: self.nodes.as_ref(),
            edges: self.edges.as_ref().map(|edges| edges as &dyn EdgeTest),
            as_of: self.as_of,
        }
    }
}

pub(crate) fn directions() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Out), Just(Direction::In), Just(Direction::Both)]
}

pub(crate) fn wishes() -> impl Strategy<Value = Wish> {
    let types = proptest::collection::vec(
        prop_oneof![Just(0_u16), Just(1), Just(2), Just(3), Just(40_000)],
        0..4,
    );
    let bitmap = |below: u32, most: usize| {
        proptest::collection::vec(0..below, most / 2..=most)
            .prop_map(|numbers| numbers.into_iter().collect::<RoaringBitmap>())
    };
    (
        directions(),
        prop_oneof![2 => Just(None), 1 => types.prop_map(Some)],
        prop_oneof![2 => Just(0.0_f32), 1 => Just(0.25), 1 => 0.0_f32..2.0],
        prop_oneof![2 => Just(None), 1 => bitmap(14, 24).prop_map(Some)],
        prop_oneof![3 => Just(None), 1 => bitmap(80, 160).prop_map(Some)],
        prop_oneof![
            2 => Just(None),
            1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), -4_i64..7].prop_map(Some),
        ],
    )
        .prop_map(|(direction, types, min_weight, nodes, edges, as_of)| Wish {
            direction,
            types,
            min_weight,
            nodes,
            edges,
            as_of,
        })
}
