//! Every analysis finds what its definition says, written down once more, and the same with any number
//! of threads.

#![expect(clippy::unwrap_used, reason = "an error where none belongs fails the test")]
#![expect(clippy::float_cmp, reason = "what is computed alike has the same bits")]
#![expect(clippy::needless_for_each, reason = "an oracle says one thing a line")]

mod model;

use std::collections::BTreeSet;
use std::sync::Arc;

use memlith_graph::adjacency::GraphIndex;
use memlith_graph::analytics::{
    Betweenness, Cancelled, EdgeWeight, Eigenvector, Leiden, Orientation, PageRank, Project,
    Projection, ProjectionError, Run, UNREACHED, betweenness, cdlp, closeness, core_numbers,
    degrees, distances, eigenvector, hops, label_propagation, leiden, local_clustering, modularity,
    page_rank, strong_components, triangles, weak_components,
};
use memlith_graph::traverse::{CutShort, Work};
use model::{Model, changes, wishes};
use proptest::prelude::*;

/// Runs an analysis that nobody stops.
fn whole<T>(analysis: impl FnOnce(&mut Run<'_>) -> Result<T, Cancelled>) -> T {
    let mut progress = |_| true;
    analysis(&mut Run::new(2, &mut progress)).unwrap()
}

/// Weights between nodes; zero where no edge is.
type Matrix = Vec<Vec<f64>>;

/// A simple graph, as projection and as matrix.
fn graphs(orientation: Orientation) -> impl Strategy<Value = (Projection, Matrix)> {
    (1_usize..13).prop_flat_map(move |count| {
        let edge = (0..count as u32, 0..count as u32, 1_u8..5);
        proptest::collection::vec(edge, 0..40).prop_map(move |edges| {
            let edges: Vec<(u32, u32, f32)> =
                edges.into_iter().map(|(a, b, weight)| (a, b, f32::from(weight))).collect();
            let mut matrix = vec![vec![0.0; count]; count];
            for &(source, target, weight) in edges.iter().filter(|edge| edge.0 != edge.1) {
                matrix[source as usize][target as usize] += f64::from(weight);
                if orientation == Orientation::Undirected {
                    matrix[target as usize][source as usize] += f64::from(weight);
                }
            }
            (Projection::from_edges(count as u32, &edges, orientation), matrix)
        })
    })
}

fn any_graphs() -> impl Strategy<Value = (Projection, Matrix)> {
    prop_oneof![graphs(Orientation::Directed), graphs(Orientation::Undirected)]
}

/// Floyd and Warshall.
fn all_distances(matrix: &Matrix, length: impl Fn(f64) -> f64) -> Matrix {
    let count = matrix.len();
    let mut all = vec![vec![f64::INFINITY; count]; count];
    for a in 0..count {
        for b in 0..count {
            if matrix[a][b] > 0.0 {
                all[a][b] = length(matrix[a][b]);
            }
        }
        all[a][a] = 0.0;
    }
    for middle in 0..count {
        for a in 0..count {
            for b in 0..count {
                all[a][b] = all[a][b].min(all[a][middle] + all[middle][b]);
            }
        }
    }
    all
}

/// Number of shortest paths between nodes, by ascending distance.
fn path_counts(matrix: &Matrix, distances: &Matrix, length: impl Fn(f64) -> f64) -> Matrix {
    let count = matrix.len();
    let mut paths = vec![vec![0.0; count]; count];
    for source in 0..count {
        let mut order: Vec<usize> =
            (0..count).filter(|&to| distances[source][to].is_finite()).collect();
        order.sort_by(|&a, &b| distances[source][a].total_cmp(&distances[source][b]));
        for node in order {
            paths[source][node] = if node == source {
                1.0
            } else {
                (0..count)
                    .filter(|&before| matrix[before][node] > 0.0 && before != node)
                    .filter(|&before| {
                        distances[source][before] + length(matrix[before][node])
                            == distances[source][node]
                    })
                    .map(|before| paths[source][before])
                    .sum()
            };
        }
    }
    paths
}

fn assert_near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let is_near = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
        assert!(is_near || found == expected, "{found} is not {expected}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_projection_has_the_edges_that_pass(
        changes in proptest::collection::vec(changes(), 0..120),
        wish in wishes(),
        is_undirected in any::<bool>(),
        is_counted in any::<bool>(),
    ) {
        let (mut graph, mut model) = (GraphIndex::new(), Model::default());
        for (at, change) in changes.iter().enumerate() {
            if at == changes.len() / 2 {
                graph = GraphIndex::from_image(Arc::new(graph.write_image().unwrap())).unwrap();
            }
            model.apply(change, &mut graph, 1);
        }
        let orientation =
            if is_undirected { Orientation::Undirected } else { Orientation::Directed };
        let weight = if is_counted { EdgeWeight::One } else { EdgeWeight::Weight };
        let filter = wish.filter();
        let project = Project { filter, orientation, weight, max_bytes: None };
        let mut keep_going = || true;
        let mut work = Work::new(u64::MAX, &mut keep_going);
        let found = Projection::new(&graph.view(), &project, &mut work).unwrap();
        let is_in = |node: &u32| filter.nodes.is_none_or(|nodes| nodes.contains(*node));
        let nodes: Vec<u32> = model.nodes.iter().copied().filter(is_in).collect();
        prop_assert_eq!(found.nodes(), &nodes);
        let place = |node: u32| nodes.binary_search(&node).ok().map(|place| place as u32);
        let edges: Vec<(u32, u32, f32)> = model
            .edges()
            .filter(|edge| Model::passes(&filter, edge))
            .filter_map(|edge| {
                let weight = if is_counted { 1.0 } else { edge.weight };
                Some((place(edge.key.source)?, place(edge.key.target)?, weight))
            })
            .collect();
        let expected = Projection::from_edges(nodes.len() as u32, &edges, orientation);
        prop_assert_eq!(degrees(&found), degrees(&expected));
        prop_assert_eq!(found.edge_count(), expected.edge_count());
        for source in 0..nodes.len() {
            let of = |graph| whole(|run| distances(graph, source, run));
            prop_assert_eq!(of(&found), of(&expected));
        }
    }

    #[test]
    fn distances_are_those_of_floyd_and_warshall((graph, matrix) in any_graphs()) {
        let (counted, weighed) = (all_distances(&matrix, |_| 1.0), all_distances(&matrix, |w| w));
        for source in 0..graph.len() {
            let found = whole(|run| hops(&graph, source, run));
            let found = found.iter().map(|&hops| match hops {
                UNREACHED => f64::INFINITY,
                hops => f64::from(hops),
            });
            prop_assert!(found.eq(counted[source].iter().copied()));
            prop_assert_eq!(&whole(|run| distances(&graph, source, run)), &weighed[source]);
        }
    }

    #[test]
    fn components_are_classes_of_reachability((graph, matrix) in any_graphs()) {
        let reach = all_distances(&matrix, |_| 1.0);
        let strong = whole(|run| strong_components(&graph, run));
        let expected = (0..graph.len()).map(|a| {
            let is_mutual = |b: &usize| reach[a][*b].is_finite() && reach[*b][a].is_finite();
            (0..graph.len()).find(is_mutual).unwrap() as u32
        });
        prop_assert!(strong.into_iter().eq(expected));
        let mut both = matrix.clone();
        for a in 0..graph.len() {
            for b in 0..graph.len() {
                both[a][b] += matrix[b][a];
            }
        }
        let reach = all_distances(&both, |_| 1.0);
        let weak = whole(|run| weak_components(&graph, run));
        let expected = (0..graph.len())
            .map(|a| (0..graph.len()).find(|&b| reach[a][b].is_finite()).unwrap() as u32);
        prop_assert!(weak.into_iter().eq(expected));
    }

    #[test]
    fn ranks_are_those_of_the_matrix(
        (graph, matrix) in any_graphs(),
        (max_rounds, is_weighted) in (0_u32..20, any::<bool>()),
        damping in prop_oneof![Just(0.85), 0.0..=1.0],
        restart in prop::option::of(proptest::collection::vec((0_usize..13, 0.1..2.0), 1..4)),
    ) {
        let count = graph.len();
        let restart = restart.map(|chosen| {
            chosen.into_iter().map(|(node, share)| (node % count, share)).collect::<Vec<_>>()
        });
        let mut shares = vec![1.0; count];
        if let Some(restart) = &restart {
            shares.fill(0.0);
            restart.iter().for_each(|&(node, share)| shares[node] += share);
        }
        let sum: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= sum);
        let mut expected = shares.clone();
        for _ in 0..max_rounds {
            let mut next: Vec<f64> = shares.iter().map(|share| (1.0 - damping) * share).collect();
            for from in 0..count {
                let weigh = |weight: f64| {
                    if is_weighted { weight } else { f64::from(u8::from(weight > 0.0)) }
                };
                let all: f64 = matrix[from].iter().map(|&weight| weigh(weight)).sum();
                for to in 0..count {
                    let part =
                        if all > 0.0 { weigh(matrix[from][to]) / all } else { shares[to] };
                    next[to] += damping * expected[from] * part;
                }
            }
            expected = next;
        }
        let how = PageRank {
            damping, max_rounds, tolerance: 0.0, is_weighted, restart: restart.as_deref(),
        };
        let found = whole(|run| page_rank(&graph, &how, run));
        assert_near(&found.ranks, &expected);
        prop_assert_eq!(found.rounds, max_rounds);
        prop_assert!((found.ranks.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn labels_spread_by_the_definition((graph, matrix) in any_graphs(), rounds in 0_u32..6) {
        let count = graph.len();
        let is_undirected = graph.orientation() == Orientation::Undirected;
        let mut labels: Vec<u32> = (0..count as u32).collect();
        for _ in 0..rounds {
            let next = (0..count).map(|node| {
                let mut votes = vec![0; count];
                for other in 0..count {
                    let label = labels[other] as usize;
                    votes[label] += u32::from(matrix[node][other] > 0.0);
                    votes[label] += u32::from(!is_undirected && matrix[other][node] > 0.0);
                }
                let most = votes.iter().copied().max().unwrap();
                let first = votes.iter().position(|&vote| vote == most).unwrap();
                if most == 0 { labels[node] } else { first as u32 }
            });
            labels = next.collect();
        }
        prop_assert_eq!(whole(|run| cdlp(&graph, rounds, run)), labels);
    }

    #[test]
    fn neighbours_are_joined_as_often_as_counted((graph, matrix) in any_graphs()) {
        let count = graph.len();
        let is_edge = |a: usize, b: usize| matrix[a][b] > 0.0;
        let is_joined = |a: usize, b: usize| is_edge(a, b) || is_edge(b, a);
        let coefficients = (0..count).map(|node| {
            let around: Vec<usize> = (0..count).filter(|&other| is_joined(node, other)).collect();
            let pairs = around.iter().flat_map(|&a| around.iter().map(move |&b| (a, b)));
            let among = pairs.filter(|&(a, b)| is_edge(a, b)).count() as f64;
            let size = around.len() as f64;
            if size < 2.0 { 0.0 } else { among / (size * (size - 1.0)) }
        });
        let coefficients: Vec<f64> = coefficients.collect();
        assert_near(&whole(|run| local_clustering(&graph, run)), &coefficients);
        let mut of_node = vec![0; count];
        for a in 0..count {
            for b in 0..a {
                for c in 0..b {
                    if is_joined(a, b) && is_joined(b, c) && is_joined(a, c) {
                        [a, b, c].into_iter().for_each(|node| of_node[node] += 1);
                    }
                }
            }
        }
        let found = whole(|run| triangles(&graph, run));
        prop_assert_eq!(found.count, of_node.iter().sum::<u64>() / 3);
        prop_assert_eq!(found.of_node, of_node);
        // Peel off, for each k, whoever has fewer than k.
        let mut cores = vec![0; count];
        for k in 1..=count {
            let mut left: BTreeSet<usize> = (0..count).collect();
            loop {
                let degree = |node: usize| left.iter().filter(|&&o| is_joined(node, o)).count();
                let weak: Vec<usize> = left.iter().copied().filter(|&n| degree(n) < k).collect();
                if weak.is_empty() {
                    break;
                }
                weak.iter().for_each(|node| assert!(left.remove(node)));
            }
            left.into_iter().for_each(|node| cores[node] = k as u32);
        }
        prop_assert_eq!(whole(|run| core_numbers(&graph, run)), cores);
    }

    #[test]
    fn betweenness_is_the_part_of_paths_through_a_node(
        (graph, matrix) in any_graphs(),
        is_weighted in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let count = graph.len();
        let length = |weight: f64| if is_weighted { weight } else { 1.0 };
        let distances = all_distances(&matrix, length);
        let paths = path_counts(&matrix, &distances, length);
        let mut expected = vec![0.0; count];
        for a in 0..count {
            for b in (0..count).filter(|&b| b != a && distances[a][b].is_finite()) {
                for node in (0..count).filter(|&node| node != a && node != b) {
                    if distances[a][node] + distances[node][b] == distances[a][b] {
                        expected[node] += paths[a][node] * paths[node][b] / paths[a][b];
                    }
                }
            }
        }
        if graph.orientation() == Orientation::Undirected {
            expected.iter_mut().for_each(|pairs| *pairs /= 2.0);
        }
        let how = Betweenness { is_weighted, ..Betweenness::default() };
        let exact = whole(|run| betweenness(&graph, &how, run));
        assert_near(&exact, &expected);
        let all = Betweenness { sources: Some(count), seed, ..how };
        prop_assert_eq!(&whole(|run| betweenness(&graph, &all, run)), &exact);
        let others = count as f64 - 1.0;
        let pairs = others * (others - 1.0)
            / if graph.orientation() == Orientation::Undirected { 2.0 } else { 1.0 };
        let normal = Betweenness { is_normalized: true, ..how };
        let expected: Vec<f64> = expected.iter().map(|e| e / pairs.max(1.0)).collect();
        assert_near(&whole(|run| betweenness(&graph, &normal, run)), &expected);
    }

    #[test]
    fn closeness_is_one_by_the_mean_distance((graph, matrix) in any_graphs()) {
        let distances = all_distances(&matrix, |_| 1.0);
        for (node, found) in whole(|run| closeness(&graph, run)).into_iter().enumerate() {
            let to_here = (0..graph.len()).filter(|&from| from != node);
            let near: Vec<f64> =
                to_here.map(|from| distances[from][node]).filter(|d| d.is_finite()).collect();
            let (reached, sum) = (near.len() as f64, near.iter().sum::<f64>());
            let part = reached / (graph.len() as f64 - 1.0).max(1.0);
            let expected = if near.is_empty() { 0.0 } else { reached / sum * part };
            let harmonic = near.iter().map(|distance| 1.0 / distance).sum();
            assert_near(&[found.closeness, found.harmonic], &[expected, harmonic]);
        }
    }

    #[test]
    fn centralities_are_an_eigenvector(
        (graph, matrix) in graphs(Orientation::Undirected),
        is_weighted in any::<bool>(),
    ) {
        let how = Eigenvector { max_rounds: 100_000, tolerance: 1e-13, is_weighted };
        let found = whole(|run| eigenvector(&graph, &how, run));
        let x = &found.centralities;
        prop_assert!((x.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-9);
        prop_assert!(x.iter().all(|x| *x >= 0.0));
        let weigh =
            |weight: f64| if is_weighted { weight } else { f64::from(u8::from(weight > 0.0)) };
        let image: Vec<f64> = (0..graph.len())
            .map(|to| (0..graph.len()).map(|from| weigh(matrix[from][to]) * x[from]).sum())
            .collect();
        let value: f64 = image.iter().zip(x).map(|(y, x)| y * x).sum();
        for (y, x) in image.iter().zip(x) {
            prop_assert!((y - value * x).abs() < 1e-5 * value.max(1.0), "{y} is not {value} x {x}");
        }
    }

    #[test]
    fn no_node_would_rather_be_elsewhere(
        (graph, matrix) in any_graphs(),
        seed in any::<u64>(),
        resolution in prop_oneof![Just(1.0), 0.1..3.0],
    ) {
        let count = graph.len();
        let how = Leiden { seed, resolution, max_rounds: 1000, ..Leiden::default() };
        let found = whole(|run| leiden(&graph, &how, run));
        prop_assert_eq!(&found, &whole(|run| leiden(&graph, &how, run)));
        // The definition, pair by pair.
        let both = |a: usize, b: usize| match graph.orientation() {
            Orientation::Directed => matrix[a][b] + matrix[b][a],
            Orientation::Undirected => matrix[a][b],
        };
        let strengths: Vec<f64> =
            (0..count).map(|a| (0..count).map(|b| both(a, b)).sum()).collect();
        let all: f64 = strengths.iter().sum();
        let quality = |communities: &[u32]| {
            let mut sum = 0.0;
            for a in 0..count {
                for b in (0..count).filter(|&b| communities[a] == communities[b]) {
                    sum += both(a, b) - resolution * strengths[a] * strengths[b] / all;
                }
            }
            if all > 0.0 { sum / all } else { 0.0 }
        };
        assert_near(&[found.modularity], &[quality(&found.communities)]);
        assert_near(&[modularity(&graph, &found.communities, resolution)], &[found.modularity]);
        for node in 0..count {
            for community in 0..=found.count as u32 {
                let mut moved = found.communities.clone();
                moved[node] = community;
                prop_assert!(quality(&moved) <= found.modularity + 1e-9);
            }
        }
        // Each community hangs together.
        for community in 0..found.count as u32 {
            let members: Vec<usize> =
                (0..count).filter(|&node| found.communities[node] == community).collect();
            let mut reached = BTreeSet::from([members[0]]);
            for _ in &members {
                let next = members.iter().filter(|&&m| reached.iter().any(|&r| both(r, m) > 0.0));
                reached.extend(next.copied().collect::<Vec<_>>());
            }
            prop_assert_eq!(reached.len(), members.len());
        }
    }

    #[test]
    fn labels_settle_where_most_weight_is((graph, matrix) in any_graphs(), seed in any::<u64>()) {
        let count = graph.len();
        let labels = whole(|run| label_propagation(&graph, 1000, seed, run));
        prop_assert_eq!(&labels, &whole(|run| label_propagation(&graph, 1000, seed, run)));
        for node in 0..count {
            let mut weights = vec![0.0; count];
            for other in 0..count {
                let is_undirected = graph.orientation() == Orientation::Undirected;
                let back = if is_undirected { 0.0 } else { matrix[other][node] };
                weights[labels[other] as usize] += matrix[node][other] + back;
            }
            let most = weights.iter().copied().fold(0.0, f64::max);
            prop_assert!(most == 0.0 || weights[labels[node] as usize] == most);
        }
    }
}

/// 2,500 nodes in groups of fifty that hang together here and there: more than a piece.
fn large(orientation: Orientation) -> Projection {
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let count = 2_500;
    let edges: Vec<(u32, u32, f32)> = (0..9_000)
        .map(|_| {
            let source = next(count);
            let near = source - source % 50 + next(50);
            let target = if next(10) == 0 { next(count) } else { near };
            (source as u32, target as u32, 0.5 + next(100) as f32 / 64.0)
        })
        .collect();
    Projection::from_edges(count as u32, &edges, orientation)
}

#[test]
fn any_number_of_threads_finds_the_same_bits() {
    for orientation in [Orientation::Directed, Orientation::Undirected] {
        let graph = large(orientation);
        let with = |threads| {
            let mut progress = |_| true;
            let run = &mut Run::new(threads, &mut progress);
            let sampled = Betweenness { sources: Some(150), seed: 3, ..Betweenness::default() };
            (
                page_rank(&graph, &PageRank::default(), run).unwrap(),
                eigenvector(&graph, &Eigenvector { max_rounds: 50, ..Eigenvector::default() }, run),
                betweenness(&graph, &sampled, run).unwrap(),
                closeness(&graph, run).unwrap(),
                local_clustering(&graph, run).unwrap(),
                triangles(&graph, run).unwrap(),
                cdlp(&graph, 10, run).unwrap(),
                leiden(&graph, &Leiden::default(), run).unwrap(),
            )
        };
        let alone = with(1);
        assert_eq!(alone, with(2));
        assert_eq!(alone, with(7));
    }
}

#[test]
fn a_sample_is_near_what_is_exact() {
    let graph = large(Orientation::Directed);
    let exact = whole(|run| betweenness(&graph, &Betweenness::default(), run));
    let how = Betweenness { sources: Some(600), seed: 1, ..Betweenness::default() };
    let sampled = whole(|run| betweenness(&graph, &how, run));
    let (all, found) = (exact.iter().sum::<f64>(), sampled.iter().sum::<f64>());
    assert!((found / all - 1.0).abs() < 0.1, "{found} of {all}");
}

#[test]
fn whoever_says_no_stops_every_analysis() {
    let graph = large(Orientation::Directed);
    macro_rules! check {
        ($analysis:expr) => {{
            let analysis = $analysis;
            let mut calls = 0;
            let mut count = |part: f64| {
                assert!((0.0..=1.0).contains(&part));
                calls += 1;
                true
            };
            assert!(analysis(&mut Run::new(2, &mut count)).is_ok());
            assert!(calls > 0, "it reports");
            let mut never = |_| false;
            assert_eq!(analysis(&mut Run::new(2, &mut never)).err(), Some(Cancelled));
        }};
    }
    let few = Betweenness { sources: Some(20), ..Betweenness::default() };
    check!(|run: &mut Run<'_>| hops(&graph, 0, run));
    check!(|run: &mut Run<'_>| distances(&graph, 0, run));
    check!(|run: &mut Run<'_>| page_rank(&graph, &PageRank::default(), run));
    check!(|run: &mut Run<'_>| eigenvector(&graph, &Eigenvector::default(), run));
    check!(|run: &mut Run<'_>| weak_components(&graph, run));
    check!(|run: &mut Run<'_>| strong_components(&graph, run));
    check!(|run: &mut Run<'_>| cdlp(&graph, 5, run));
    check!(|run: &mut Run<'_>| label_propagation(&graph, 5, 1, run));
    check!(|run: &mut Run<'_>| leiden(&graph, &Leiden::default(), run));
    check!(|run: &mut Run<'_>| betweenness(&graph, &few, run));
    check!(|run: &mut Run<'_>| closeness(&graph, run));
    check!(|run: &mut Run<'_>| triangles(&graph, run));
    check!(|run: &mut Run<'_>| local_clustering(&graph, run));
    check!(|run: &mut Run<'_>| core_numbers(&graph, run));
}

#[test]
fn a_projection_is_whole_or_there_is_none() {
    let mut graph = GraphIndex::new();
    for node in 0..100 {
        graph.insert_node(node, 1).unwrap();
    }
    for ordinal in 0..500 {
        let edge =
            memlith_graph::adjacency::Edge::new(ordinal % 100, 0, ordinal % 97, ordinal, 1.0);
        graph.insert(edge, 1).unwrap();
    }
    let view = graph.view();
    let mut keep_going = || true;
    let cut = Projection::new(&view, &Project::default(), &mut Work::new(499, &mut keep_going));
    assert_eq!(cut, Err(ProjectionError::Cut(CutShort::Work)));
    let small = Project { max_bytes: Some(2_000), ..Project::default() };
    let refused = Projection::new(&view, &small, &mut Work::new(500, &mut keep_going));
    assert!(matches!(refused, Err(ProjectionError::TooLarge { limit: 2_000, .. })));
    let whole = Projection::new(&view, &Project::default(), &mut Work::new(500, &mut keep_going));
    assert!(whole.is_ok());
}

#[test]
fn a_graph_without_nodes_has_nothing_to_find() {
    for orientation in [Orientation::Directed, Orientation::Undirected] {
        let graph = Projection::from_edges(0, &[], orientation);
        assert_eq!(whole(|run| page_rank(&graph, &PageRank::default(), run)).ranks, [0.0; 0]);
        assert!(whole(|run| weak_components(&graph, run)).is_empty());
        assert!(whole(|run| strong_components(&graph, run)).is_empty());
        assert!(whole(|run| core_numbers(&graph, run)).is_empty());
        assert_eq!(whole(|run| leiden(&graph, &Leiden::default(), run)).count, 0);
        assert!(whole(|run| betweenness(&graph, &Betweenness::default(), run)).is_empty());
        assert!(whole(|run| closeness(&graph, run)).is_empty());
        assert!(whole(|run| eigenvector(&graph, &Eigenvector::default(), run)).has_converged);
        assert_eq!(whole(|run| triangles(&graph, run)).count, 0);
        assert!(whole(|run| label_propagation(&graph, 3, 1, run)).is_empty());
        assert!(whole(|run| cdlp(&graph, 3, run)).is_empty());
    }
}
