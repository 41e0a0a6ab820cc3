//! What the vectors of a graph lie like, measured at nodes of it where an image is written, and kept there.
//!
//! *How distances grow* from the nearest to the next ones tells a [horizon](super::horizon) that `ef` nodes lie within.
//! Where points fill `d` dimensions evenly, the square of the distance to the `r`-th nearest grows with `r` to
//! the power of `2 / d`; embeddings do about so, with few of their dimensions. It is that of distances as walks see
//! them, errors included.
//!
//! *How many starts* the way down must keep: where vectors lie in tight clusters, the nearest node of an upper layer
//! is often one of another cluster, from which no walk gets away. A walk to a node must come as near to it as its
//! neighbours are. That it finds the node itself is too much to ask: where clusters are tight, one in twenty is missed
//! in the right cluster, from however many starts.
//!
//! *By what they compare* ([`Sight`]) depends on how far apart they lie beside what upper planes err by.
//!
//! **Invariant:** growth and starts lie within their ranges, so that what walks make of them is bounded.

use super::candidate::Candidate;
use super::horizon::Breadth;
use super::lists::parted;
use super::sight::Sight;
use super::walk::{Scratch, Target, Walker};
use super::{GraphView, MAX_STRIDE};
use crate::image::ImageError;
use crate::vectors::entries::Entries;
use crate::vectors::metric::Metric;
use crate::vectors::planes::Code;
use crate::vectors::quantize::gap;

/// Nodes around which growth is measured.
const SAMPLES: u32 = 64;

/// Fewer samples do not say it.
const FEWEST: usize = SAMPLES as usize / 4;

/// The ranks between which it is measured: what most searches ask for, and what they look at.
const RANKS: [usize; 2] = [10, 40];

/// Lower planes are worth a second look if no more errors of the upper ones lie between those ranks. Where it was two, both
/// ways took as long.
const CONTRAST: f32 = 1.7;

/// Nodes that are searched for …
const SOUGHT: u32 = 256;

/// … and, where some of them are missed, these, to know how many are …
const SOUGHT_THEN: u32 = 1_024;

/// … of which so many may be missed …
const MISSED: usize = 8;

/// … by walks that look at so few that they do not get from one cluster to another.
const SOUGHT_WITHIN: usize = 16;

/// Before that is known, one start for so many nodes that a walk looks at …
const EF_PER_START: usize = 16;

/// … and so many at most.
const MOST_UNMEASURED: usize = 8;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::vectors) struct Terrain {
    /// How distances grow; `None` if it is not known, or there are none.
    pub(in crate::vectors) growth: Option<Growth>,
    /// How many starts the way down keeps; `None` if it is not known.
    pub(in crate::vectors) starts: Option<Starts>,
    /// What searches compare by.
    pub(in crate::vectors) sight: Sight,
}

impl Terrain {
    /// Measures it at the nodes of a graph.
    pub(in crate::vectors) fn measure(
        entries: &Entries,
        graph: &GraphView,
    ) -> Result<Self, ImageError> {
        let sight = sight_for(entries, graph)?;
        let growth = Growth::measure(entries, graph, sight)?;
        Ok(Self { growth, starts: Starts::measure(entries, graph, sight)?, sight })
    }

    /// How many starts a walk gets that looks at `ef` nodes.
    pub(super) fn starts_for(self, ef: usize) -> usize {
        match self.starts {
            Some(Starts(starts)) => starts.into(),
            None => (ef / EF_PER_START).clamp(1, MOST_UNMEASURED),
        }
    }
}

/// How many of these entries are linked, from the first on: of later ones more may be by now.
fn linked(entries: &Entries, graph: &GraphView) -> u32 {
    graph.shared.progress.linked().min(entries.len() as u32)
}

/// Calls `visit` with a walker and so many of the linked entries, one behind the other, each as a target.
fn visit_some(
    entries: &Entries,
    graph: &GraphView,
    count: u32,
    sight: Sight,
    mut visit: impl FnMut(&Walker<'_>, u32, Target<'_>, &mut Scratch) -> Result<(), ImageError>,
) -> Result<(), ImageError> {
    let linked = linked(entries, graph);
    let count = count.min(linked);
    let walker = Walker::new(entries, graph, linked, sight);
    let mut code = Code::default();
    graph.shared.with_scratch(|scratch| {
        for at in 0..count {
            let entry = (u64::from(at) * u64::from(linked) / u64::from(count)) as u32;
            entries.unpack(entry, &mut code)?;
            let target = Target { code: &code, measure: entries.measure(entry)? };
            visit(&walker, entry, target, scratch)?;
        }
        Ok(())
    })
}

/// How many of the nearest nodes of an upper layer a walk goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vectors) struct Starts(u8);

impl Starts {
    const MOST: u8 = 16;

    /// So many, if there can be so many.
    pub(in crate::vectors) fn new(starts: u32) -> Option<Self> {
        let starts = u8::try_from(starts).ok()?;
        (1..=Self::MOST).contains(&starts).then_some(Self(starts))
    }

    pub(in crate::vectors) fn count(self) -> u32 {
        self.0.into()
    }

    /// As many as it takes to get near to nodes of the graph; `None` if there are few.
    fn measure(
        entries: &Entries,
        graph: &GraphView,
        sight: Sight,
    ) -> Result<Option<Self>, ImageError> {
        if linked(entries, graph) < SOUGHT {
            return Ok(None);
        }
        let mut starts = 1;
        while starts < Self::MOST && !Self(starts).suffice(entries, graph, sight)? {
            starts *= 2;
        }
        Ok(Some(Self(starts)))
    }

    /// Do walks from so many get near to nearly all nodes?
    fn suffice(
        self,
        entries: &Entries,
        graph: &GraphView,
        sight: Sight,
    ) -> Result<bool, ImageError> {
        let missed = |of| missed(entries, graph, self.0.into(), sight, of);
        Ok(missed(SOUGHT)? == 0 || missed(SOUGHT_THEN)? <= MISSED)
    }
}

/// To how many of so many nodes a walk from so many starts comes no nearer than the middle one of their
/// neighbours.
fn missed(
    entries: &Entries,
    graph: &GraphView,
    starts: usize,
    sight: Sight,
    of: u32,
) -> Result<usize, ImageError> {
    let mut missed = 0;
    let breadth = Breadth { k: SOUGHT_WITHIN, ef: SOUGHT_WITHIN, starts };
    let ground = &graph.layers[0];
    let mut slots = [0; MAX_STRIDE];
    let mut neighbours = Vec::with_capacity(MAX_STRIDE);
    visit_some(entries, graph, of, sight, |walker, entry, target, scratch| {
        walker.nearest(target, breadth, scratch)?;
        let count = ground.lists.read(entry, &mut slots)?;
        neighbours.clear();
        for &node in parted(&slots[..count]).0 {
            neighbours.extend(walker.candidate(ground, target, node)?);
        }
        neighbours.sort_unstable();
        let middle = neighbours.get(neighbours.len() / 2);
        let is_missed = |middle: &Candidate| {
            let nearest = scratch.found.first();
            nearest.is_none_or(|nearest| nearest.similarity() < middle.similarity())
        };
        missed += usize::from(middle.is_some_and(is_missed));
        Ok(())
    })?;
    Ok(missed)
}

/// The exponent by which squares of distances grow with the rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::vectors) struct Growth(f32);

impl Growth {
    /// Where hundreds of dimensions are filled, and where one is not.
    const RANGE: [f32; 2] = [1.0 / 128.0, 4.0];

    /// The growth of this exponent, if there can be such a one.
    pub(in crate::vectors) fn new(exponent: f32) -> Option<Self> {
        let [least, most] = Self::RANGE;
        (least..=most).contains(&exponent).then_some(Self(exponent))
    }

    pub(in crate::vectors) fn exponent(self) -> f32 {
        self.0
    }

    /// How many times as far, in squares, the `far`-th nearest is as the `near`-th.
    pub(super) fn between(self, near: usize, far: usize) -> f32 {
        (far as f32 / near as f32).powf(self.0)
    }

    /// The exponent around a node, to which those of the two ranks are this similar; `None` if the first is not far
    /// enough from it.
    fn of(metric: Metric, ranked: [f32; 2]) -> Option<f32> {
        let [near, far] = ranked.map(|similarity| gap(metric, similarity));
        let exponent = (far / near).ln() / (RANKS[1] as f32 / RANKS[0] as f32).ln();
        (near > 0.0).then_some(exponent)
    }

    /// Measures it; `None` if there are too few nodes, or there are no distances.
    fn measure(
        entries: &Entries,
        graph: &GraphView,
        sight: Sight,
    ) -> Result<Option<Self>, ImageError> {
        if entries.shape.metric == Metric::Dot {
            return Ok(None);
        }
        let mut exponents = Vec::with_capacity(SAMPLES as usize);
        let metric = entries.shape.metric;
        visit_some(entries, graph, SAMPLES, sight, |walker, _, target, scratch| {
            let ranked = ranked(walker, target, scratch)?;
            exponents.extend(ranked.and_then(|ranked| Self::of(metric, ranked)));
            Ok(())
        })?;
        let [least, most] = Self::RANGE;
        Ok(median(exponents).and_then(|median| Self::new(median.clamp(least, most))))
    }
}

/// What searches of a graph go by.
fn sight_for(entries: &Entries, graph: &GraphView) -> Result<Sight, ImageError> {
    let metric = entries.shape.metric;
    let mut contrasts = Vec::with_capacity(SAMPLES as usize);
    visit_some(entries, graph, SAMPLES, Sight::Both, |walker, _, target, scratch| {
        let error = Sight::Upper.error(metric, target.measure);
        if let Some([near, far]) = ranked(walker, target, scratch)?
            && error > 0.0
        {
            contrasts.push((near - far) / error);
        }
        Ok(())
    })?;
    let is_blurred = median(contrasts).is_some_and(|contrast| contrast < CONTRAST);
    Ok(if is_blurred { Sight::Both } else { Sight::Upper })
}

/// The middle one of samples, if there are enough of them.
fn median(mut samples: Vec<f32>) -> Option<f32> {
    if samples.len() < FEWEST {
        return None;
    }
    let middle = samples.len() / 2;
    Some(*samples.select_nth_unstable_by(middle, f32::total_cmp).1)
}

/// How similar to a node of the graph those of the ranks are among which all is measured, if there are so many.
fn ranked(
    walker: &Walker<'_>,
    target: Target<'_>,
    scratch: &mut Scratch,
) -> Result<Option<[f32; 2]>, ImageError> {
    let width = 2 * RANKS[1];
    walker.nearest(target, Breadth { k: width, ef: width, starts: 1 }, scratch)?;
    let [near, far] = RANKS.map(|rank| scratch.found.get(rank).map(|found| found.similarity()));
    Ok(near.zip(far).map(<[f32; 2]>::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{Clip, GraphParams, VectorIndex};

    /// Growth among points that fill so many of 32 dimensions evenly.
    fn of_points_in(dimensions: usize, metric: Metric) -> Option<f32> {
        let mut state = 7_u64;
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        let mut index =
            VectorIndex::with_params(32, metric, GraphParams::default(), Clip::default());
        for ordinal in 0..3_000 {
            let mut vector = [0.0; 32];
            vector[..dimensions].fill_with(&mut number);
            index.insert(ordinal, &vector, 1).unwrap();
        }
        let view = index.view(1);
        let nothing = Terrain::measure(&view.entries, &view.graph).unwrap();
        assert_eq!(nothing, Terrain::default(), "nothing is linked");
        view.link(usize::MAX, &mut || true).unwrap();
        let terrain = Terrain::measure(&view.entries, &view.graph).unwrap();
        assert_eq!(terrain.starts, Starts::new(1), "all lie together");
        terrain.growth.map(Growth::exponent)
    }

    #[test]
    fn distances_grow_the_slower_the_more_dimensions_are_filled() {
        let [six, twelve, all] =
            [6, 12, 32].map(|filled| of_points_in(filled, Metric::L2).unwrap());
        // 2 / d, but for the rims and for what estimates err by.
        assert!((0.29..0.37).contains(&six), "{six}");
        assert!((0.16..0.24).contains(&twelve), "{twelve}");
        assert!((0.07..0.13).contains(&all), "{all}");
        assert_eq!(of_points_in(8, Metric::Dot), None, "no distances, no growth");
    }

    #[test]
    fn clusters_that_lie_apart_take_more_starts() {
        let mut state = 3_u64;
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        let topics: [[f32; 32]; 20] = std::array::from_fn(|_| std::array::from_fn(|_| number()));
        let near = |of: [f32; 32], width: f32, number: &mut dyn FnMut() -> f32| {
            of.map(|x| x + width * number())
        };
        let centres: Vec<[f32; 32]> =
            (0..200).map(|at| near(topics[at % 20], 0.5, &mut number)).collect();
        let few = GraphParams::new(4, 20).unwrap();
        let mut index = VectorIndex::with_params(32, Metric::Cosine, few, Clip::default());
        for ordinal in 0..10_000 {
            let vector = near(centres[ordinal as usize % centres.len()], 0.05, &mut number);
            index.insert(ordinal, &vector, 1).unwrap();
        }
        let view = index.view(1);
        view.link(usize::MAX, &mut || true).unwrap();
        let starts = Terrain::measure(&view.entries, &view.graph).unwrap().starts.unwrap();
        assert!(starts.count() > 1);
        let missed =
            |starts| missed(&view.entries, &view.graph, starts, Sight::Upper, SOUGHT_THEN).unwrap();
        assert!(missed(starts.count() as usize) < missed(1));
    }

    #[test]
    fn a_view_measures_what_it_sees_though_more_is_linked() {
        let params = GraphParams::default();
        let mut index = VectorIndex::with_params(4, Metric::L2, params, Clip::default());
        let mut insert = |ordinals: std::ops::Range<u32>, seq| {
            for ordinal in ordinals {
                index.insert(ordinal, &[ordinal as f32, 1.0, 0.0, 0.0], seq).unwrap();
            }
            index.view(seq)
        };
        let (before, after) = (insert(0..300, 1), insert(300..900, 2));
        after.link(usize::MAX, &mut || true).unwrap();
        assert_eq!(linked(&before.entries, &before.graph), 300);
        assert!(Terrain::measure(&before.entries, &before.graph).unwrap().starts.is_some());
    }

    #[test]
    fn what_cannot_be_is_none() {
        assert_eq!([0, 17, 1 << 20].map(Starts::new), [None; 3]);
        for exponent in [0.0, -0.1, 4.1, f32::NAN, f32::INFINITY] {
            assert_eq!(Growth::new(exponent), None);
        }
        let growth = Growth::new(0.5).unwrap();
        assert!((growth.between(10, 40) - 2.0).abs() < 1e-6);
        assert!((growth.between(10, 10) - 1.0).abs() < 1e-6);
    }
}
