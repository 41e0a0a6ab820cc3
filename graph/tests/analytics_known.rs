//! Graphs whose figures are known: the examples of LDBC Graphalytics, and Zachary's karate club as
//! networkx 3.6.1 sees it.

use memlith_graph::analytics::{
    Betweenness, Eigenvector, Leiden, Orientation, PageRank, Projection, Run, UNREACHED,
    betweenness, cdlp, closeness, core_numbers, distances, eigenvector, hops, label_propagation,
    leiden, local_clustering, modularity, page_rank, strong_components, triangles, weak_components,
};

/// Runs an analysis that nobody stops.
fn whole<T>(
    analysis: impl FnOnce(&mut Run<'_>) -> Result<T, memlith_graph::analytics::Cancelled>,
) -> T {
    let mut progress = |_| true;
    analysis(&mut Run::new(2, &mut progress)).expect("nobody stops it")
}

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let is_near = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
        assert!(
            is_near || found.to_bits() == expected.to_bits(),
            "{found} is not {expected}, at {at}"
        );
    }
}

/// The ten vertices of the directed example; vertex 1 is node 0.
fn directed_example() -> Projection {
    let edges = [
        (1, 3, 0.5),
        (1, 5, 0.3),
        (2, 4, 0.1),
        (2, 5, 0.3),
        (2, 10, 0.12),
        (3, 1, 0.53),
        (3, 5, 0.62),
        (3, 8, 0.21),
        (3, 10, 0.52),
        (5, 3, 0.69),
        (5, 4, 0.53),
        (5, 8, 0.1),
        (6, 3, 0.23),
        (6, 4, 0.39),
        (7, 4, 0.83),
        (8, 1, 0.39),
        (9, 4, 0.69),
    ];
    let edges = edges.map(|(source, target, weight)| (source - 1, target - 1, weight));
    Projection::from_edges(10, &edges, Orientation::Directed)
}

/// The nine vertices of the undirected example; vertex 2 is node 0.
fn undirected_example() -> Projection {
    let edges = [
        (2, 3, 0.9),
        (2, 4, 0.69),
        (3, 4, 0.13),
        (3, 5, 0.5),
        (3, 8, 0.32),
        (5, 6, 0.63),
        (5, 8, 0.12),
        (6, 7, 0.53),
        (6, 8, 0.64),
        (6, 9, 0.23),
        (6, 10, 0.63),
        (7, 9, 0.36),
    ];
    let edges = edges.map(|(source, target, weight)| (source - 2, target - 2, weight));
    Projection::from_edges(9, &edges, Orientation::Undirected)
}

const GRAPHALYTICS_RANK: PageRank<'_> =
    PageRank { damping: 0.85, max_rounds: 2, tolerance: 0.0, is_weighted: false, restart: None };

#[test]
fn the_directed_example_of_graphalytics() {
    let graph = directed_example();
    let far = UNREACHED;
    assert_eq!(whole(|run| hops(&graph, 0, run)), [0, far, 1, 2, 1, far, far, 2, far, 2]);
    let ranks = whole(|run| page_rank(&graph, &GRAPHALYTICS_RANK, run));
    let expected = [
        0.147_762_916_666_666_7,
        0.047_533_75,
        0.155_046_944_444_444_4,
        0.159_757_361_111_111_1,
        0.146_24,
        0.047_533_75,
        0.047_533_75,
        0.113_574_027_777_777_8,
        0.047_533_75,
        0.087_483_75,
    ];
    assert_near(&ranks.ranks, &expected, 1e-12);
    assert_eq!(whole(|run| weak_components(&graph, run)), [0; 10]);
    let labels = whole(|run| cdlp(&graph, 2, run));
    assert_eq!(labels.map_to_vertices(1), [1, 2, 3, 4, 1, 1, 2, 3, 2, 1]);
    let clustering = whole(|run| local_clustering(&graph, run));
    let expected = [2.0 / 3.0, 1.0 / 6.0, 0.15, 0.05, 0.25, 0.0, 0.0, 5.0 / 6.0, 0.0, 0.0];
    assert_near(&clustering, &expected, 1e-12);
    let infinite = f64::INFINITY;
    let expected = [0.0, infinite, 0.5, 0.83, 0.3, infinite, infinite, 0.4, infinite, 1.02];
    assert_near(&whole(|run| distances(&graph, 0, run)), &expected, 1e-6);
}

#[test]
fn the_undirected_example_of_graphalytics() {
    let graph = undirected_example();
    assert_eq!(graph.edge_count(), 12);
    assert_eq!(whole(|run| hops(&graph, 0, run)), [0, 1, 1, 2, 3, 4, 2, 4, 4]);
    let ranks = whole(|run| page_rank(&graph, &GRAPHALYTICS_RANK, run));
    let expected = [
        0.090_844_907_407_407_39,
        0.142_408_950_617_283_9,
        0.090_844_907_407_407_39,
        0.124_989_197_530_864_2,
        0.168_617_283_950_617_3,
        0.097_495_370_370_370_37,
        0.124_989_197_530_864_2,
        0.097_495_370_370_370_37,
        0.062_314_814_814_814_81,
    ];
    assert_near(&ranks.ranks, &expected, 1e-12);
    assert_eq!(whole(|run| weak_components(&graph, run)), [0; 9]);
    let labels = whole(|run| cdlp(&graph, 2, run));
    assert_eq!(labels.map_to_vertices(2), [2, 3, 2, 2, 6, 5, 2, 5, 5]);
    let clustering = whole(|run| local_clustering(&graph, run));
    let expected = [1.0, 1.0 / 3.0, 1.0, 2.0 / 3.0, 0.2, 1.0, 2.0 / 3.0, 1.0, 0.0];
    assert_near(&clustering, &expected, 1e-12);
    let expected = [0.0, 0.82, 0.69, 1.26, 1.78, 2.31, 1.14, 2.01, 2.41];
    assert_near(&whole(|run| distances(&graph, 0, run)), &expected, 1e-6);
}

trait Vertices {
    /// The vertices of the example, the first of which is node 0.
    fn map_to_vertices(&self, first: u32) -> Vec<u32>;
}

impl Vertices for Vec<u32> {
    fn map_to_vertices(&self, first: u32) -> Vec<u32> {
        self.iter().map(|node| node + first).collect()
    }
}

/// For each of the 34 members of the club those of higher number that they met (Zachary, 1977).
const KARATE: [&[u32]; 34] = [
    &[1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31],
    &[2, 3, 7, 13, 17, 19, 21, 30],
    &[3, 7, 8, 9, 13, 27, 28, 32],
    &[7, 12, 13],
    &[6, 10],
    &[6, 10, 16],
    &[16],
    &[],
    &[30, 32, 33],
    &[33],
    &[],
    &[],
    &[],
    &[33],
    &[32, 33],
    &[32, 33],
    &[],
    &[],
    &[32, 33],
    &[33],
    &[32, 33],
    &[],
    &[32, 33],
    &[25, 27, 29, 32, 33],
    &[25, 27, 31],
    &[31],
    &[29, 33],
    &[33],
    &[31, 33],
    &[32, 33],
    &[32, 33],
    &[32, 33],
    &[33],
    &[],
];

/// Who stayed with the instructor when the club fell apart, and who left with the administrator.
const CLUB: [u32; 34] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1,
];

fn karate() -> Projection {
    let edges: Vec<(u32, u32, f32)> = (0..)
        .zip(KARATE)
        .flat_map(|(member, others)| others.iter().map(move |&other| (member, other, 1.0)))
        .collect();
    Projection::from_edges(34, &edges, Orientation::Undirected)
}

/// Six members, and what networkx says of them.
const MEMBERS: [usize; 6] = [0, 1, 2, 33, 11, 16];

fn of_members<T: Copy>(all: &[T]) -> Vec<T> {
    MEMBERS.map(|member| all[member]).to_vec()
}

#[test]
fn who_matters_in_the_karate_club() {
    let graph = karate();
    assert_eq!(graph.edge_count(), 78);
    let how = Betweenness { is_normalized: true, ..Betweenness::default() };
    let between = whole(|run| betweenness(&graph, &how, run));
    let expected = [
        0.437_635_281_385_281_4,
        0.053_936_688_311_688_304,
        0.143_656_806_156_806_18,
        0.304_074_975_949_975_96,
        0.0,
        0.0,
    ];
    assert_near(&of_members(&between), &expected, 1e-12);
    let near = whole(|run| closeness(&graph, run));
    let close: Vec<f64> = near.iter().map(|near| near.closeness).collect();
    let expected = [
        0.568_965_517_241_379_3,
        0.485_294_117_647_058_8,
        0.559_322_033_898_305,
        0.55,
        0.366_666_666_666_666_64,
        0.284_482_758_620_689_67,
    ];
    assert_near(&of_members(&close), &expected, 1e-12);
    let harmonic: Vec<f64> = near.iter().map(|near| near.harmonic).collect();
    let expected = [23.166_666_666_666_66, 19.166_666_666_666_67, 21.0, 23.25, 13.5, 11.1];
    assert_near(&of_members(&harmonic), &expected, 1e-12);
    let found = whole(|run| eigenvector(&graph, &Eigenvector::default(), run));
    assert!(found.has_converged);
    let expected = [
        0.355_491_444_524_489_55,
        0.265_959_919_552_438,
        0.317_192_504_486_406_4,
        0.373_363_470_291_557,
        0.052_855_697_493_505_83,
        0.023_635_628_104_579_7,
    ];
    assert_near(&of_members(&found.centralities), &expected, 1e-7);
    let exact = PageRank { tolerance: 1e-14, max_rounds: 1000, ..PageRank::default() };
    let ranks = whole(|run| page_rank(&graph, &exact, run)).ranks;
    let expected = [
        0.096_997_285_388_373_84,
        0.052_876_924_061_168_42,
        0.057_078_509_488_460_14,
        0.100_919_182_332_551_62,
        0.009_564_745_492_141_207,
        0.016_784_005_444_216_283,
    ];
    assert_near(&of_members(&ranks), &expected, 1e-12);
    let own = PageRank { restart: Some(&[(16, 1.0)]), ..exact };
    let ranks = whole(|run| page_rank(&graph, &own, run)).ranks;
    let expected = [
        0.128_399_585_205_308_61,
        0.031_277_800_697_494_515,
        0.026_486_366_049_867_177,
        0.024_679_838_011_455_964,
        0.006_821_227_964_030_327,
        0.209_554_557_610_752_98,
    ];
    assert_near(&of_members(&ranks), &expected, 1e-12);
}

#[test]
fn how_dense_the_karate_club_is() {
    let graph = karate();
    let found = whole(|run| triangles(&graph, run));
    assert_eq!((found.count, of_members(&found.of_node)), (45, vec![18, 12, 11, 15, 0, 1]));
    let clustering = whole(|run| local_clustering(&graph, run));
    let expected = [0.15, 1.0 / 3.0, 0.244_444_444_444_444_43, 0.110_294_117_647_058_82, 0.0, 1.0];
    assert_near(&of_members(&clustering), &expected, 1e-12);
    let cores = whole(|run| core_numbers(&graph, run));
    assert_eq!(of_members(&cores), [4, 4, 4, 4, 1, 2]);
    assert_eq!(whole(|run| strong_components(&graph, run)), [0; 34]);
}

#[test]
fn who_belongs_together_in_the_karate_club() {
    let graph = karate();
    let split = modularity(&graph, &CLUB, 1.0);
    assert!((split - 0.358_234_714_003_944_8).abs() < 1e-12, "{split}");
    for seed in 0..20 {
        // The best division there is has .41979 (Brandes and others, 2008), in four communities.
        let found = whole(|run| leiden(&graph, &Leiden { seed, ..Leiden::default() }, run));
        assert!(found.modularity > 0.4197, "{} by seed {seed}", found.modularity);
        assert_eq!(found.count, 4);
        assert_eq!(
            modularity(&graph, &found.communities, 1.0).to_bits(),
            found.modularity.to_bits()
        );
        let labels = whole(|run| label_propagation(&graph, 100, seed, run));
        assert!(labels.iter().max() < Some(&10), "communities are few: {labels:?}");
    }
    let coarse = Leiden { resolution: 0.2, ..Leiden::default() };
    assert!(whole(|run| leiden(&graph, &coarse, run)).count < 4);
    let fine = Leiden { resolution: 4.0, ..Leiden::default() };
    assert!(whole(|run| leiden(&graph, &fine, run)).count > 4);
}
