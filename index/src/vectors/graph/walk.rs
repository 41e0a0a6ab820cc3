//! Searching within one layer: always on from the nearest node whose neighbours are not known yet.
//!
//! A walk goes by the upper [planes](crate::vectors::planes) alone, which halves the memory that it
//! reads, or has a second look at what may be near: its [`Sight`] says. What it found a search looks at again.
//!
//! Where it ends, and how many nodes it keeps, its [`Horizon`] says.
//!
//! Copies of one vector would fill what it keeps, and it would end among them. So it passes by
//! [twins](TWIN), and adds them when it has ended.
//!
//! **Invariant:** a walk looks at a node once, sees only entries below its mark, and ends. What it
//! found is sorted, the nearest first. Searches and whoever links call it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::candidate::Candidate;
use super::horizon::{Breadth, Horizon};
use super::layer::Layer;
use super::lists::{ListReader, TWIN};
use super::sight::{Sight, glance};
use super::visited::Visited;
use super::{GraphView, MAX_STRIDE};
use crate::image::ImageError;
use crate::vectors::entries::{Codes, Entries};
use crate::vectors::kernels::{GROUP, prefetch};
use crate::vectors::planes::Code;
use crate::vectors::quantize::{Measure, StoredScale, similarity};

/// What walks reuse. A walk leaves what it found in [`found`](Self::found).
#[derive(Default)]
pub(in crate::vectors) struct Scratch {
    pub(in crate::vectors) found: Vec<Candidate>,
    /// Where the next walk begins.
    starts: Vec<Candidate>,
    frontier: BinaryHeap<Reverse<Candidate>>,
    visited: Visited,
    /// Nodes that twins hang on.
    hung: Vec<Candidate>,
}

/// Twins of a node that a walk passes at most.
const MAX_TWINS: usize = 1 << 10;

/// The neighbours of one node that are new.
struct Batch<'a> {
    nodes: [u32; MAX_STRIDE],
    entries: [u32; MAX_STRIDE],
    codes: Vec<(&'a [u8], &'a StoredScale)>,
    /// Those of them that are worth a second look.
    near: Vec<Near<'a>>,
    /// What was compared of them, with its entry.
    seen: Vec<(Candidate, u32)>,
}

/// A new neighbour that may be near by its upper plane.
struct Near<'a> {
    /// Which one.
    at: usize,
    /// The dot product with that plane.
    high: i32,
    low: &'a [u8],
    measure: Measure,
}

impl Batch<'_> {
    fn new(stride: usize) -> Self {
        Self {
            nodes: [0; MAX_STRIDE],
            entries: [0; MAX_STRIDE],
            codes: Vec::with_capacity(stride),
            near: Vec::new(),
            seen: Vec::with_capacity(stride),
        }
    }
}

/// What is walked towards.
#[derive(Clone, Copy)]
pub(in crate::vectors) struct Target<'a> {
    pub(in crate::vectors) code: &'a Code,
    pub(in crate::vectors) measure: Measure,
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vectors) enum Reach {
    /// Nothing nearer is left.
    End,
    /// Nothing is left that there is a way to, though more was wanted.
    Dry,
    /// It had looked at as many nodes as it was allowed.
    Allowance,
    /// It was told to stop.
    Stop,
}

/// The nearest `width` of `found`, which is sorted, and one more. Returns where it stands now.
#[inline]
fn keep(found: &mut Vec<Candidate>, candidate: Candidate, width: usize) -> Option<usize> {
    if found.len() >= width {
        if found.last().is_none_or(|last| *last <= candidate) {
            return None;
        }
        found.pop();
    }
    let at = found.partition_point(|kept| *kept < candidate);
    found.insert(at, candidate);
    Some(at)
}

/// See the module.
#[derive(Clone, Copy)]
pub(in crate::vectors) struct Walker<'a> {
    pub(super) entries: &'a Entries,
    codes: Codes<'a>,
    pub(super) graph: &'a GraphView,
    /// Entries from here on are not there.
    mark: u32,
    sight: Sight,
}

impl<'a> Walker<'a> {
    /// A walker over the entries below `mark`, all of which are among `entries`, that compares by this.
    pub(in crate::vectors) fn new(
        entries: &'a Entries,
        graph: &'a GraphView,
        mark: u32,
        sight: Sight,
    ) -> Self {
        debug_assert!(mark as usize <= entries.len());
        Self { entries, codes: entries.codes(), graph, mark, sight }
    }

    /// Finds the nodes of the ground that are nearest.
    pub(in crate::vectors) fn nearest(
        &self,
        target: Target<'_>,
        breadth: Breadth,
        scratch: &mut Scratch,
    ) -> Result<Reach, ImageError> {
        let Some(ground) = self.land(target, breadth, scratch)? else { return Ok(Reach::Dry) };
        let mut horizon = self.horizon(target, breadth);
        self.beam_within(ground, target, usize::MAX, &mut horizon, scratch)?;
        self.finish(ground, breadth, &horizon, |_| Ok(true), scratch)
    }

    /// Finds the nodes of the ground that are nearest and that `admits` takes, also through others. `allow`
    /// is told how many nodes were looked at, and may end the walk.
    pub(in crate::vectors) fn nearest_of(
        &self,
        target: Target<'_>,
        breadth: Breadth,
        mut admits: impl FnMut(u32) -> Result<bool, ImageError>,
        allow: impl FnMut(usize) -> Reach,
        scratch: &mut Scratch,
    ) -> Result<Reach, ImageError> {
        let Some(ground) = self.land(target, breadth, scratch)? else { return Ok(Reach::Dry) };
        let mut horizon = self.horizon(target, breadth);
        match self.sift(ground, target, &mut horizon, &mut admits, allow, scratch)? {
            Reach::End => self.finish(ground, breadth, &horizon, admits, scratch),
            ended => Ok(ended),
        }
    }

    fn horizon(&self, target: Target<'_>, breadth: Breadth) -> Horizon {
        let metric = self.entries.shape.metric;
        let error = self.sight.error(metric, target.measure);
        Horizon::new(metric, breadth, self.graph.terrain.growth, error)
    }

    /// Leaves what a walk has found that may be among the nearest, and twins of it.
    fn finish(
        &self,
        ground: &Layer,
        breadth: Breadth,
        horizon: &Horizon,
        admits: impl FnMut(u32) -> Result<bool, ImageError>,
        scratch: &mut Scratch,
    ) -> Result<Reach, ImageError> {
        self.unfold(ground, breadth, admits, scratch)?;
        if horizon.is_dry(&scratch.found) {
            return Ok(Reach::Dry);
        }
        horizon.cut(&mut scratch.found);
        Ok(Reach::End)
    }

    /// Adds the twins of what was found, or might have been: `ef` of them at most.
    fn unfold(
        &self,
        layer: &Layer,
        breadth: Breadth,
        mut admits: impl FnMut(u32) -> Result<bool, ImageError>,
        scratch: &mut Scratch,
    ) -> Result<(), ImageError> {
        let Scratch { found, visited, hung, .. } = scratch;
        if hung.is_empty() {
            return Ok(());
        }
        hung.sort_unstable();
        let last = found.last().copied().filter(|_| found.len() >= breadth.k);
        let most = found.len() + breadth.ef;
        for of in hung.iter().take_while(|of| last.is_none_or(|last| **of <= last)) {
            let mut next = layer.lists.twin(of.node())?;
            for _ in 0..MAX_TWINS {
                let Some(twin) = next.filter(|_| found.len() < most) else { break };
                let Some(entry) = layer.entry(twin)? else { break };
                if entry < self.mark && visited.insert(twin) && admits(entry)? {
                    found.push(Candidate::new(of.similarity(), twin));
                }
                next = layer.lists.twin(twin)?;
            }
        }
        found.sort_unstable();
        Ok(())
    }

    /// Goes down to the ground, which it returns, if there is a way.
    fn land(
        &self,
        target: Target<'_>,
        breadth: Breadth,
        scratch: &mut Scratch,
    ) -> Result<Option<&'a Layer>, ImageError> {
        scratch.found.clear();
        let has_landed = self.descend(target, self.mark, 0, breadth.starts, scratch)?;
        Ok(self.graph.layers.first().filter(|_| has_landed))
    }

    /// Goes down to `layer`, each time from the nearest `width` nodes of the layer above. False if no layer
    /// from there up has a node below `linked`.
    pub(super) fn descend(
        &self,
        target: Target<'_>,
        linked: u32,
        layer: usize,
        width: usize,
        scratch: &mut Scratch,
    ) -> Result<bool, ImageError> {
        let Some(mut number) = self.graph.entrance(linked)? else { return Ok(false) };
        if number < layer {
            return Ok(false);
        }
        let mut at = &self.graph.layers[number];
        let mut has_start = self.start_at(at, target, 0, scratch)?;
        while number > layer && has_start {
            self.beam(at, target, width, scratch)?;
            number -= 1;
            let Scratch { found, starts, .. } = &mut *scratch;
            let above = std::mem::replace(&mut at, &self.graph.layers[number]);
            starts.clear();
            for nearest in found {
                if let Some(place) = above.place(nearest.node())?
                    && at.entry(place.below)? == Some(place.entry)
                {
                    starts.push(Candidate::new(nearest.similarity(), place.below));
                }
            }
            has_start = !starts.is_empty();
        }
        Ok(has_start)
    }

    /// Has the next walk begin at a node, if there is such a node.
    pub(super) fn start_at(
        &self,
        layer: &Layer,
        target: Target<'_>,
        node: u32,
        scratch: &mut Scratch,
    ) -> Result<bool, ImageError> {
        scratch.starts.clear();
        scratch.starts.extend(self.candidate(layer, target, node)?);
        Ok(!scratch.starts.is_empty())
    }

    /// The candidate of one node, if there is such a node.
    pub(super) fn candidate(
        &self,
        layer: &Layer,
        target: Target<'_>,
        node: u32,
    ) -> Result<Option<Candidate>, ImageError> {
        let Some(entry) = layer.entry(node)?.filter(|&entry| entry < self.mark) else {
            return Ok(None);
        };
        let (high, scale) = self.codes.high(entry)?;
        let measure = self.codes.measure(entry, *scale)?;
        let dot = |plane| self.entries.shape.kernel.dot(target.code.bytes(), plane);
        let near = match self.sight {
            Sight::Upper => self.glance(target, dot(high), measure),
            Sight::Both => self.look(target, dot(high), dot(self.codes.low(entry)?), measure),
        };
        Ok(Some(Candidate::new(near, node)))
    }

    /// How near an entry is by the dot product with its upper plane.
    #[inline]
    fn glance(&self, target: Target<'_>, high: i32, measure: Measure) -> f32 {
        let dot = target.code.estimate(high) as f32;
        similarity(self.entries.shape.metric, dot, target.measure, measure)
    }

    /// How near it is by those with both.
    #[inline]
    fn look(&self, target: Target<'_>, high: i32, low: i32, measure: Measure) -> f32 {
        let dot = target.code.exact(high, low) as f32;
        similarity(self.entries.shape.metric, dot, target.measure, measure)
    }

    /// Finds the `width` nearest nodes.
    fn beam(
        &self,
        layer: &Layer,
        target: Target<'_>,
        width: usize,
        scratch: &mut Scratch,
    ) -> Result<(), ImageError> {
        self.beam_within(layer, target, width, &mut Horizon::of_width(width), scratch)
    }

    /// Finds the nearest nodes, the last of them less surely: it ends when it has looked at the neighbours of
    /// the nearest `depth`.
    pub(super) fn beam_within(
        &self,
        layer: &Layer,
        target: Target<'_>,
        depth: usize,
        horizon: &mut Horizon,
        scratch: &mut Scratch,
    ) -> Result<(), ImageError> {
        let Scratch { found, starts, visited, hung, .. } = scratch;
        let lists = layer.lists.reader();
        let mut batch = Batch::new(layer.lists.stride());
        visited.clear(layer.len());
        hung.clear();
        found.clear();
        for &start in starts.iter() {
            if visited.insert(start.node()) {
                keep(found, start, horizon.width);
            }
        }
        let mut at = 0;
        while at < found.len().min(depth) && !horizon.hides(found[at]) {
            if !found[at].expand() {
                at += 1;
                continue;
            }
            let of = found[at];
            at += 1;
            self.gather(layer, lists, of, visited, hung, &mut batch)?;
            self.compare(target, horizon.bar(found), &mut batch)?;
            if batch.seen.len() < batch.codes.len() {
                horizon.meet();
            }
            for &(candidate, _) in &batch.seen {
                if !horizon.hides(candidate)
                    && let Some(place) = keep(found, candidate, horizon.width)
                {
                    lists.prefetch(candidate.node());
                    at = at.min(place);
                    horizon.draw(found, place);
                }
            }
        }
        Ok(())
    }

    /// Finds the nearest nodes of entries that `admits` takes, also through others.
    ///
    /// `allow` is told how many nodes are about to be looked at, and may end the walk.
    fn sift(
        &self,
        layer: &Layer,
        target: Target<'_>,
        horizon: &mut Horizon,
        mut admits: impl FnMut(u32) -> Result<bool, ImageError>,
        mut allow: impl FnMut(usize) -> Reach,
        scratch: &mut Scratch,
    ) -> Result<Reach, ImageError> {
        let Scratch { found, starts, frontier, visited, hung } = scratch;
        let lists = layer.lists.reader();
        let mut batch = Batch::new(layer.lists.stride());
        visited.clear(layer.len());
        hung.clear();
        found.clear();
        frontier.clear();
        for &start in starts.iter() {
            if visited.insert(start.node()) {
                frontier.push(Reverse(start));
                if let Some(entry) = layer.entry(start.node())?
                    && admits(entry)?
                {
                    keep(found, start, horizon.width);
                }
            }
        }
        while let Some(Reverse(nearest)) = frontier.pop() {
            let is_last = |last: &Candidate| *last < nearest && found.len() >= horizon.width;
            if found.last().is_some_and(is_last) || horizon.hides(nearest) {
                break;
            }
            self.gather(layer, lists, nearest, visited, hung, &mut batch)?;
            self.compare(target, horizon.bar(found), &mut batch)?;
            if batch.seen.len() < batch.codes.len() {
                horizon.meet();
            }
            for &(candidate, entry) in &batch.seen {
                let has_room = found.len() < horizon.width;
                let is_near = has_room || found.last().is_some_and(|last| candidate < *last);
                if is_near && !horizon.hides(candidate) {
                    frontier.push(Reverse(candidate));
                    lists.prefetch(candidate.node());
                    if admits(entry)?
                        && let Some(place) = keep(found, candidate, horizon.width)
                    {
                        horizon.draw(found, place);
                    }
                }
            }
            match allow(batch.codes.len()) {
                Reach::End => {}
                ended => return Ok(ended),
            }
        }
        Ok(Reach::End)
    }

    /// Fills a batch with the new neighbours of a node, and asks for the memory of their upper planes.
    #[inline]
    fn gather(
        &self,
        layer: &Layer,
        lists: ListReader<'_>,
        of: Candidate,
        visited: &mut Visited,
        hung: &mut Vec<Candidate>,
        batch: &mut Batch<'a>,
    ) -> Result<(), ImageError> {
        let Batch { nodes, entries, codes, .. } = batch;
        let count = lists.read(of.node(), nodes)?;
        let end = layer.len() as u32;
        codes.clear();
        for at in 0..count {
            let node = nodes[at];
            if node >= end {
                if node & TWIN != 0 {
                    hung.push(of);
                }
                continue;
            }
            let entry = if layer.is_ground() { Some(node) } else { layer.entry(node)? };
            if let Some(entry) = entry
                && entry < self.mark
                && visited.insert(node)
            {
                (nodes[codes.len()], entries[codes.len()]) = (node, entry);
                let (code, scale) = self.codes.high(entry)?;
                prefetch(code);
                prefetch(scale);
                codes.push((code, scale));
            }
        }
        Ok(())
    }

    /// Compares those of a batch that do not seem to lie behind `bar` for certain.
    #[inline]
    fn compare(
        &self,
        target: Target<'_>,
        bar: Candidate,
        batch: &mut Batch<'a>,
    ) -> Result<(), ImageError> {
        let Batch { nodes, entries, codes, near, seen } = batch;
        seen.clear();
        if self.sight == Sight::Upper {
            return self.for_each(target, codes, entries, |at, high, measure| {
                let similarity = self.glance(target, high, measure);
                seen.push((Candidate::new(similarity, nodes[at]), entries[at]));
                Ok(())
            });
        }
        near.clear();
        let nearer = glance(self.entries.shape.metric, target);
        self.for_each(target, codes, entries, |at, high, measure| {
            let similarity = self.glance(target, high, measure) + nearer * measure.scale;
            if Candidate::first_of(similarity) <= bar {
                let low = self.codes.low(entries[at])?;
                prefetch(low);
                near.push(Near { at, high, low, measure });
            }
            Ok(())
        })?;
        for group in near.chunks(GROUP) {
            let rows = std::array::from_fn(|at| group[at.min(group.len() - 1)].low);
            let lows = self.entries.shape.kernel.group(target.code.bytes(), rows);
            for (&Near { at, high, measure, .. }, low) in group.iter().zip(lows) {
                let similarity = self.look(target, high, low, measure);
                seen.push((Candidate::new(similarity, nodes[at]), entries[at]));
            }
        }
        Ok(())
    }

    /// Calls `visit` for each of a batch with the dot product with its upper plane.
    #[inline]
    fn for_each(
        &self,
        target: Target<'_>,
        codes: &[(&[u8], &StoredScale)],
        entries: &[u32],
        mut visit: impl FnMut(usize, i32, Measure) -> Result<(), ImageError>,
    ) -> Result<(), ImageError> {
        for (group, first) in codes.chunks(GROUP).zip((0..).step_by(GROUP)) {
            // The last stands for those that would be behind it.
            let rows = std::array::from_fn(|at| group[at.min(group.len() - 1)].0);
            let dots = self.entries.shape.kernel.group(target.code.bytes(), rows);
            for (at, (&(_, scale), dot)) in (first..).zip(group.iter().zip(dots)) {
                visit(at, dot, self.codes.measure(entries[at], *scale)?)?;
            }
        }
        Ok(())
    }
}
