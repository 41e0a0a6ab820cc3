//! A view keeps what it saw while the writer changes the graph, writes images and goes on from them.

#![expect(clippy::unwrap_used, reason = "an error where none belongs fails the test")]

mod model;

use std::sync::Arc;

use memlith_graph::adjacency::{Edge, EdgeKey, GraphError, GraphIndex, GraphView};
use memlith_graph::traverse::{Work, neighbours};
use model::{Change, Model, Wish, changes, wishes};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Change(Change),
    View,
    /// Write the image and open it.
    Seal,
    /// Begin to write an image aside.
    Write,
    /// Go on from the image that was written aside.
    Rebase,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        20 => changes().prop_map(Step::Change),
        2 => Just(Step::View),
        1 => Just(Step::Seal),
        1 => Just(Step::Write),
        2 => Just(Step::Rebase),
    ];
    proptest::collection::vec(step, 1..180)
}

fn assert_sees(view: &GraphView, model: &Model, wish: &Wish) {
    model.assert_seen_by(view);
    let filter = wish.filter();
    let mut keep_going = || true;
    let mut work = Work::new(u64::MAX, &mut keep_going);
    for node in (0..16).chain(1_500..1_504) {
        let found = neighbours(view, node, &filter, usize::MAX, &mut work);
        let found = found.expect("the image is whole");
        assert_eq!(found.cut, None);
        let found: Vec<(u32, Edge)> = found.found.iter().map(|n| (n.node, n.edge)).collect();
        let mut expected = model.steps(node, &filter);
        expected.retain(|(node, _)| filter.nodes.is_none_or(|nodes| nodes.contains(*node)));
        assert_eq!(found, expected, "of {node}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn views_stand_still(steps in steps(), wish in wishes()) {
        let (mut graph, mut now, mut seq) = (GraphIndex::new(), Model::default(), 1);
        let mut views: Vec<(GraphView, Model)> = Vec::new();
        let mut aside: Option<(GraphView, Vec<u8>)> = None;
        for step in steps {
            match step {
                Step::Change(change) => now.apply(&change, &mut graph, seq),
                Step::View => {
                    let view = graph.view();
                    prop_assert!(view.seq() <= seq);
                    views.push((view, now.clone()));
                    seq += 1;
                }
                Step::Seal => {
                    let image = graph.write_image().unwrap();
                    graph = GraphIndex::from_image(Arc::new(image)).unwrap();
                    prop_assert_eq!(graph.view().validate(), Ok(()));
                    prop_assert_eq!(graph.changes(), 0);
                    aside = None;
                }
                Step::Write => {
                    let view = graph.view();
                    let image = view.write_image().unwrap();
                    aside = Some((view, image));
                }
                Step::Rebase => {
                    if let Some((view, image)) = aside.take() {
                        graph = graph.rebased(Arc::new(image), &view).unwrap();
                    }
                }
            }
        }
        for (view, model) in &views {
            assert_sees(view, model, &wish);
        }
        assert_sees(&graph.view(), &now, &wish);
    }
}

fn three_nodes() -> GraphIndex {
    let mut graph = GraphIndex::new();
    for node in 0..3 {
        graph.insert_node(node, 1).unwrap();
    }
    graph
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let mut graph = three_nodes();
    graph.insert(Edge::new(0, 1, 2, 0, 1.0), 1).unwrap();
    let before = graph.view();
    let refusals = [
        (Edge::new(0, 1, 9, 1, 1.0), GraphError::NoSuchNode { node: 9 }),
        (Edge::new(9, 1, 0, 1, 1.0), GraphError::NoSuchNode { node: 9 }),
        (Edge::new(0, 1, 1, 1, -1.0), GraphError::Weight { weight: -1.0 }),
        (Edge::new(0, 1, 1, 1, f32::INFINITY), GraphError::Weight { weight: f32::INFINITY }),
    ];
    for (edge, error) in refusals {
        assert_eq!(graph.insert(edge, 2), Err(error));
    }
    let nan = graph.insert(Edge::new(0, 1, 1, 1, f32::NAN), 2);
    assert!(matches!(nan, Err(GraphError::Weight { .. })));
    assert_eq!(graph.insert_node(1 << 31, 2), Err(GraphError::NodeTooHigh { node: 1 << 31 }));
    assert_eq!(graph.view().seq(), before.seq());
    assert_eq!((graph.changes(), graph.view().edge_count()), (4, 1));
}

#[test]
fn a_node_that_went_does_not_come_back() {
    let mut graph = three_nodes();
    graph.insert(Edge::new(0, 1, 0, 0, 1.0), 1).unwrap();
    graph.insert(Edge::new(2, 1, 0, 1, 1.0), 1).unwrap();
    assert_eq!(graph.remove_node(0, 2), Ok(true));
    assert_eq!(graph.view().edge_count(), 0, "its edges went with it");
    assert_eq!(graph.remove_node(0, 2), Ok(false));
    assert_eq!(graph.insert_node(0, 2), Err(GraphError::NodeGone { node: 0 }));
}

#[test]
fn the_key_of_another_edge_removes_nothing() {
    let mut graph = three_nodes();
    let edge = Edge::new(0, 1, 2, 7, 1.0);
    graph.insert(edge, 1).unwrap();
    for sealed in [false, true] {
        if sealed {
            let image = graph.write_image().unwrap();
            graph = GraphIndex::from_image(Arc::new(image)).unwrap();
        }
        let key = edge.key;
        let others = [
            EdgeKey { source: 2, ..key },
            EdgeKey { target: 1, ..key },
            EdgeKey { edge_type: 2, ..key },
            EdgeKey { ordinal: 8, ..key },
            EdgeKey { source: u32::MAX, ..key },
        ];
        for other in others {
            assert_eq!(graph.remove(other, 2), Ok(false));
        }
        assert_eq!(graph.view().edge_count(), 1);
    }
}

#[test]
fn the_sequence_of_a_view_is_that_of_the_last_change() {
    let mut graph = three_nodes();
    graph.insert_node(0, 9).unwrap();
    assert_eq!(graph.view().seq(), 1, "it was there already");
    graph.insert(Edge::new(0, 1, 2, 7, 1.0), 12).unwrap();
    assert_eq!(graph.view().seq(), 12);
}

#[test]
fn a_view_knows_whether_an_image_holds_all_of_it() {
    let graph = three_nodes();
    assert!(!graph.view().is_image());
    let mut opened = GraphIndex::from_image(Arc::new(graph.write_image().unwrap())).unwrap();
    let before = opened.view();
    opened.insert(Edge::new(0, 1, 2, 7, 1.0), 2).unwrap();
    assert!(before.is_image() && !opened.view().is_image());
}

#[test]
fn an_image_of_another_view_is_not_gone_on_from() {
    let mut graph = three_nodes();
    let image = graph.write_image().unwrap();
    graph.insert(Edge::new(0, 1, 2, 7, 1.0), 2).unwrap();
    let refused = graph.rebased(Arc::new(image), &graph.view());
    assert!(matches!(refused, Err(GraphError::Image(_))));
}

#[test]
fn readers_on_other_threads_see_their_edges_while_the_writer_goes_on() {
    let (send, receive) = std::sync::mpsc::sync_channel::<GraphView>(4);
    let checker = std::thread::spawn(move || {
        let mut last = 0;
        for view in receive {
            let mut seen = 0;
            view.for_each_edge(|edge| {
                assert!(edge.key.ordinal < view.edge_count());
                seen += 1;
            })
            .unwrap();
            assert_eq!(seen, view.edge_count());
            last = seen;
        }
        last
    });
    let mut graph = GraphIndex::new();
    for node in 0..50 {
        graph.insert_node(node, 1).unwrap();
    }
    for ordinal in 0..5_000 {
        let edge = Edge::new(ordinal % 50, 1, ordinal * 7 % 50, ordinal, 1.0);
        graph.insert(edge, 1 + u64::from(ordinal)).unwrap();
        if ordinal % 97 == 0 {
            send.send(graph.view()).unwrap();
        }
    }
    send.send(graph.view()).unwrap();
    drop(send);
    assert_eq!(checker.join().unwrap(), 5_000);
}
