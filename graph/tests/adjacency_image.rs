//! An image depends on what it holds alone, and may be damaged.

mod model;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memlith_graph::adjacency::{
    Direction, Edge, EdgeKey, Filter, GraphIndex, GraphView, ImageWriter, Validity,
};
use memlith_graph::image::{ImageError, Source};
use memlith_graph::traverse::{
    Cost, Pattern, Related, Work, all_paths, cheapest_path, neighbours, related, shortest_path,
    subgraph,
};
use model::{Model, changes};
use proptest::prelude::*;

/// Asks about everything a graph can be asked; what comes out does not matter.
fn exercise(view: &GraphView, half_edges: u64) {
    let mut keep_going = || true;
    let work = &mut Work::new(half_edges, &mut keep_going);
    let types: Option<&[u16]> = Some(&[0, 40_000]);
    let filters = [
        Filter { direction: Direction::Both, ..Filter::default() },
        Filter { types, min_weight: 0.2, as_of: Some(2), ..Filter::default() },
    ];
    for filter in filters {
        for node in [0, 1, 5, 13, 1_501] {
            let _ = neighbours(view, node, &filter, 100, work);
            let _ = shortest_path(view, node, 3, &filter, work);
            let _ = cheapest_path(view, node, 3, &filter, Cost::Weight, work);
            let _ = all_paths(view, node, 3, 4, &filter, 50, work);
            let starts = [(node, 1.0)];
            let _ = related(view, &Related { filter, ..Related::to(&starts) }, work);
            let _ = subgraph(view, &[node, 2], 2, &filter, 100, work);
        }
        let mut pattern = Pattern::new();
        let (a, b) = (pattern.node(None), pattern.node(None));
        pattern.edge(a, b, filter);
        pattern.edge(b, a, filter);
        let _ = pattern.find(view, 10, work);
    }
    let _ = (view.for_each_edge(|_| {}), view.validate(), view.write_image());
    let key = EdgeKey { source: 1, edge_type: 0, target: 3, ordinal: 4 };
    let _ = view.edge(key);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_same_content_has_the_same_bytes(
        changes in proptest::collection::vec(changes(), 0..150),
        seals in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        step in 1_usize..40,
    ) {
        let (mut graph, mut model) = (GraphIndex::new(), Model::default());
        let seals: Vec<usize> = seals.iter().map(|at| at.index(changes.len() + 1)).collect();
        for (at, change) in changes.iter().enumerate() {
            model.apply(change, &mut graph, 1);
            if seals.contains(&at) {
                graph = GraphIndex::from_image(Arc::new(graph.write_image().unwrap())).unwrap();
            }
        }
        let image = graph.write_image().unwrap();
        prop_assert!(image == model.rebuilt().write_image().unwrap());
        let opened = GraphIndex::from_image(Arc::new(image.clone())).unwrap();
        prop_assert_eq!(opened.view().validate(), Ok(()));
        model.assert_seen_by(&opened.view());
        // Step by step, and while the graph changes.
        let mut writer = ImageWriter::new(&graph.view());
        let mut steps = 0;
        while !writer.step(step).unwrap() {
            steps += 1;
            if let Some(change) = changes.get(steps) {
                model.apply(change, &mut graph, 2);
            }
        }
        prop_assert!(writer.finish().unwrap() == image);
    }

    #[test]
    fn a_damaged_image_is_refused_or_answers(
        changes in proptest::collection::vec(changes(), 1..120),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..20),
        is_header_hit in any::<bool>(),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let (mut graph, mut model) = (GraphIndex::new(), Model::default());
        for change in &changes {
            model.apply(change, &mut graph, 1);
        }
        let mut image = graph.write_image().unwrap();
        let reach = if is_header_hit { 64 } else { image.len() };
        for (at, flip) in flips {
            image[at.index(reach)] ^= flip;
        }
        if let Some(cut) = cut {
            image.truncate(cut.index(image.len()));
        }
        let Ok(mut graph) = GraphIndex::from_image(Arc::new(image)) else { return Ok(()) };
        exercise(&graph.view(), 20_000);
        for node in [0, 5, 1_501] {
            let _ = (graph.insert_node(node + 3, 2), graph.remove_node(node, 2));
        }
        for key in model.edges.keys() {
            let _ = graph.remove(*key, 3);
            let _ = graph.insert(Edge { key: *key, weight: 0.5, valid: Validity::ALWAYS }, 3);
        }
        exercise(&graph.view(), 20_000);
    }
}

/// Every byte of a small image, each bit of it: nothing that is wrong passes `validate` and then answers
/// differently without an error.
#[test]
fn no_flipped_bit_of_the_lists_validates() {
    let mut graph = GraphIndex::new();
    for node in 0..5 {
        graph.insert_node(node, 1).unwrap();
    }
    let ends = [(0, 1), (0, 1), (1, 2), (2, 2), (3, 1), (4, 0)];
    for (ordinal, (source, target)) in (3..).zip(ends) {
        let edge = Edge::new(source, ordinal % 2, target, u32::from(ordinal), f32::from(ordinal));
        graph.insert(edge.during(Validity { from: ordinal.into(), until: 90 }), 1).unwrap();
    }
    let image = graph.write_image().unwrap();
    let contents = |view: &GraphView| {
        let mut edges = BTreeMap::new();
        let all = view.for_each_edge(|edge| {
            edges.insert(edge.key, (edge.weight.to_bits(), edge.valid));
        });
        all.map(|()| (view.node_count(), edges))
    };
    let whole = contents(&graph.view()).unwrap();
    let mut differing = 0;
    for bit in 0..image.len() * 8 {
        let mut image = image.clone();
        image[bit / 8] ^= 1 << (bit % 8);
        let Ok(graph) = GraphIndex::from_image(Arc::new(image)) else { continue };
        exercise(&graph.view(), 500);
        if graph.view().validate().is_ok() && contents(&graph.view()).as_ref() != Ok(&whole) {
            differing += 1;
        }
    }
    // A flip in a table (types, weights, instants) or in an ordinal gives another graph that is as
    // consistent; only checksums can tell.
    assert!(differing > 0 && differing < 400, "{differing} other graphs");
}

#[test]
fn refusals_name_the_rule() {
    let image = GraphIndex::new().write_image().unwrap();
    let open = |image: Vec<u8>| GraphIndex::from_image(Arc::new(image)).map(|_| ());
    assert_eq!(open(image.clone()), Ok(()));
    let truncated = |end, len| Err(ImageError::Truncated { end, len });
    assert_eq!(open(Vec::new()), truncated(64, 0));
    let short = image[..image.len() - 1].to_vec();
    assert_eq!(open(short), truncated(image.len(), image.len() - 1));
    let expected = "an adjacency of version 1";
    let mut other = image.clone();
    other[7] = b'2';
    assert_eq!(open(other), Err(ImageError::WrongFormat { expected }));
    let mut longer = image.clone();
    longer.push(0);
    assert_eq!(open(longer), Err(ImageError::Inconsistent { what: "length of an adjacency" }));
    let mut huge = image;
    huge[8..20].fill(0xff);
    let what = "number of nodes of an adjacency";
    assert_eq!(open(huge), Err(ImageError::Inconsistent { what }));
}

/// A source that is never verified as a whole, and counts what it is asked for.
struct Counted(Vec<u8>, AtomicUsize);

impl Source for Counted {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, range: Range<usize>) -> Result<&[u8], ImageError> {
        self.1.fetch_add(range.len(), Ordering::Relaxed);
        Source::get(&self.0, range)
    }
}

#[test]
fn an_image_is_read_where_it_is_asked_for_only() {
    let mut graph = GraphIndex::new();
    for node in 0..10_000 {
        graph.insert_node(node, 1).unwrap();
    }
    for ordinal in 0..50_000 {
        let edge = Edge::new(ordinal % 10_000, 1, ordinal * 7 % 10_000, ordinal, 1.0);
        graph.insert(edge, 1).unwrap();
    }
    let image = graph.write_image().unwrap();
    let source = Arc::new(Counted(image, AtomicUsize::new(0)));
    let opened = GraphIndex::from_image(source.clone()).unwrap().view();
    let mut keep_going = || true;
    let mut work = Work::new(100, &mut keep_going);
    let found = neighbours(&opened, 17, &Filter::default(), 10, &mut work).unwrap();
    assert_eq!(found.found.len(), 5);
    let read = source.1.load(Ordering::Relaxed);
    assert!(read < 2_000, "{read} bytes were read of {}", source.len());
}

/// 17 bits of node, three of type and a weight of its own: seven bytes a half edge, three for the ordinal
/// of an edge, three for the start of each of two lists of a node, and a bit for the node.
#[test]
fn a_half_edge_takes_as_many_bytes_as_it_needs() {
    let (nodes, edges) = (70_000_u32, 80_000_u32);
    let mut graph = GraphIndex::new();
    for node in 0..nodes {
        graph.insert_node(node, 1).unwrap();
    }
    for ordinal in 0..edges {
        let target = (ordinal.wrapping_mul(2_654_435_761) >> 8) % nodes;
        let weight = ordinal as f32 / edges as f32;
        let edge_type = (ordinal % 8) as u16;
        graph
            .insert(Edge::new(ordinal % nodes, edge_type, target, edges - ordinal, weight), 1)
            .unwrap();
    }
    let image = graph.write_image().unwrap();
    let body = (edges * (2 * 7 + 3) + (nodes + 1) * 2 * 3 + nodes / 8) as usize;
    assert!((body..body + 300).contains(&image.len()), "{} are not about {body}", image.len());
}
