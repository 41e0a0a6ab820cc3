//! Vectors that look like embeddings to an index, the same on every machine.
//!
//! A mixture on the sphere. Components lose weight from the first to the last, as the principal
//! components of embeddings do. A vector is the centre of its cluster and noise of its own; how wide
//! and along which components a cluster spreads is drawn for each, and so is how often it is met:
//! few clusters are large. A cluster's own centre lies near that of its topic, one of [`TOPICS`],
//! and the topic is the tag for filters.
//!
//! **Invariant:** a value depends on its place alone, by additions, multiplications, divisions and
//! square roots in a fixed order. IEEE 754 fixes the bits of these, of logarithms it does not, so
//! that noise is a sum of uniform numbers.

use crate::data::Matrix;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::thread;

/// Clusters of a set that is large enough for them.
const CLUSTERS: u64 = 1_000;
/// Fewest vectors of a cluster, on average.
const PER_CLUSTER: u64 = 40;
/// Groups of clusters.
const TOPICS: u64 = 40;
/// Queries are numbered behind all vectors.
const FIRST_QUERY: u64 = 1 << 40;

/// How much to generate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    count: usize,
    dimension: usize,
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (count, dimension) = text.split_once('x').ok_or("write it as 1000000x384")?;
        let shape = Shape {
            count: count.parse().map_err(|e| format!("count: {e}"))?,
            dimension: dimension.parse().map_err(|e| format!("dimension: {e}"))?,
        };
        if shape.count == 0
            || !(1..=memlith_index::vectors::MAX_DIMENSION).contains(&shape.dimension)
        {
            return Err("count or dimension is out of range".into());
        }
        Ok(shape)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.count, self.dimension)
    }
}

/// A hash of one number (splitmix64).
pub(crate) fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// From 0 to 1, by place.
fn uniform(stream: u64, place: u64) -> f32 {
    (mix(stream ^ mix(place)) >> 40) as f32 / (1 << 24) as f32
}

/// Nearly normal, of mean 0 and variance 1: the sum of four uniform numbers of 16 bits.
fn noise(stream: u64, place: u64) -> f32 {
    let bits = mix(stream ^ mix(place));
    let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
    // A uniform number has variance 1/12.
    (sum as f32 / 65_536.0 - 2.0) * 3.0_f32.sqrt()
}

/// The streams of random numbers: what each is for.
mod stream {
    pub(super) const CLUSTER: u64 = 1 << 60;
    pub(super) const TOPIC: u64 = 2 << 60;
    pub(super) const CENTRE: u64 = 3 << 60;
    pub(super) const WIDTH: u64 = 4 << 60;
    pub(super) const STRETCH: u64 = 5 << 60;
    pub(super) const OWN: u64 = 6 << 60;
}

struct Cluster {
    centre: Vec<f32>,
    /// How far members spread along each component.
    spread: Vec<f32>,
}

/// Makes rows by their numbers.
pub(crate) struct Generator {
    shape: Shape,
    clusters: Vec<Cluster>,
}

impl Generator {
    pub(crate) fn new(shape: Shape) -> Self {
        let clusters = (shape.count as u64 / PER_CLUSTER).clamp(1, CLUSTERS);
        let cluster = |number: u64| {
            // Three in four clusters spread half as far as the widest.
            let width =
                0.4 + 0.6 * uniform(stream::WIDTH, number) * uniform(stream::WIDTH, !number);
            let places = 0..shape.dimension as u64;
            let centre = |c: u64| {
                let topic = noise(stream::TOPIC ^ mix(topic_of(number)), c);
                weight(c) * (0.7 * topic + noise(stream::CENTRE ^ mix(number), c))
            };
            let spread = |c: u64| {
                let stretch = 0.4 + 1.2 * uniform(stream::STRETCH ^ mix(number), c);
                weight(c) * width * stretch
            };
            Cluster {
                centre: places.clone().map(centre).collect(),
                spread: places.map(spread).collect(),
            }
        };
        Self { shape, clusters: (0..clusters).map(cluster).collect() }
    }

    /// The cluster of a row: the product of two uniform numbers, so that the first are large.
    fn cluster_of(&self, row: u64) -> u64 {
        let at = uniform(stream::CLUSTER, row) * uniform(stream::CLUSTER, !row);
        (at * self.clusters.len() as f32) as u64
    }

    fn fill(&self, row: u64, values: &mut [f32]) {
        let cluster = &self.clusters[self.cluster_of(row) as usize];
        let own = stream::OWN ^ mix(row);
        for (c, value) in (0_u64..).zip(values) {
            *value = cluster.centre[c as usize] + cluster.spread[c as usize] * noise(own, c);
        }
    }

    /// The vectors, made on all cores.
    pub(crate) fn vectors(&self) -> Matrix {
        let dimension = self.shape.dimension;
        let mut values = vec![0.0; self.shape.count * dimension];
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let rows = self.shape.count.div_ceil(threads);
        thread::scope(|scope| {
            for (part, values) in values.chunks_mut(rows * dimension).enumerate() {
                scope.spawn(move || {
                    let first = (part * rows) as u64;
                    for (row, values) in (first..).zip(values.chunks_exact_mut(dimension)) {
                        self.fill(row, values);
                    }
                });
            }
        });
        Matrix::new(values, dimension)
    }

    /// More of the same mixture, none of them among the vectors.
    pub(crate) fn queries(&self, count: usize) -> Matrix {
        let mut values = vec![0.0; count * self.shape.dimension];
        for (row, values) in (FIRST_QUERY..).zip(values.chunks_exact_mut(self.shape.dimension)) {
            self.fill(row, values);
        }
        Matrix::new(values, self.shape.dimension)
    }

    /// Topic -> its rows.
    pub(crate) fn tags(&self) -> BTreeMap<String, Vec<u32>> {
        let mut rows_of: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for row in 0..self.shape.count as u32 {
            let topic = topic_of(self.cluster_of(u64::from(row)));
            rows_of.entry(format!("topic{topic}")).or_default().push(row);
        }
        rows_of
    }
}

fn topic_of(cluster: u64) -> u64 {
    mix(cluster) % TOPICS
}

/// What a component weighs: the sixteenth half as much in square as the first.
fn weight(component: u64) -> f32 {
    (1.0 / (1.0 + component as f32 / 16.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_shape_gives_the_same_bits() {
        let generator = Generator::new("2000x24".parse().unwrap());
        let (vectors, queries) = (generator.vectors(), generator.queries(3));
        let hash = |matrix: &Matrix| {
            matrix.values().iter().fold(0, |hash, value| mix(hash ^ u64::from(value.to_bits())))
        };
        assert_eq!((vectors.len(), queries.len()), (2_000, 3));
        let expected = (0x9726_7878_26DA_4A30, 0x0B32_E179_D85B_D316);
        assert_eq!((hash(&vectors), hash(&queries)), expected);
    }

    #[test]
    fn a_row_does_not_depend_on_how_many_there_are() {
        let few = Generator::new("50000x8".parse().unwrap()).vectors();
        let many = Generator::new("60000x8".parse().unwrap()).vectors();
        assert_eq!(few.values(), &many.values()[..few.values().len()]);
    }

    #[test]
    fn each_row_has_one_topic() {
        let tags = Generator::new("5000x4".parse().unwrap()).tags();
        assert_eq!(tags.values().map(Vec::len).sum::<usize>(), 5_000);
        assert!(tags.len() > 20);
    }

    #[test]
    fn shapes_read_as_written() {
        assert_eq!("10x3".parse::<Shape>().unwrap().to_string(), "10x3");
        for wrong in ["10", "0x3", "10x0", "10x9000", "x", "-1x2"] {
            assert!(wrong.parse::<Shape>().is_err(), "{wrong}");
        }
    }
}
