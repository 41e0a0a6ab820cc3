//! Searching within one layer: always on from the nearest node whose neighbours are not known yet.
//!
//! A walk goes by the upper [planes](crate::vectors::planes) alone, which halves the memory that it
//! reads; as many nodes find as much as by whole codes. What it found a search looks at again.
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
}

impl Batch<'_> {
    fn new(stride: usize) -> Self {
        let codes = Vec::with_capacity(stride);
        Self { nodes: [0; MAX_STRIDE], entries: [0; MAX_STRIDE], codes }
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
}

impl<'a> Walker<'a> {
    /// A walker over the entries below `mark`, all of which are among `entries`.
    pub(in crate::vectors) fn new(entries: &'a Entries, graph: &'a GraphView, mark: u32) -> Self {
        debug_assert!(mark as usize <= entries.len());
        Self { entries, codes: entries.codes(), graph, mark }
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
        Horizon::new(self.entries.shape.metric, breadth, self.graph.terrain.growth, target)
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
        let high = self.entries.shape.kernel.dot(target.code.bytes(), high);
        let near = self.similarity(target, high, entry, *scale)?;
        Ok(Some(Candidate::new(near, node)))
    }

    /// How near an entry is by its upper plane.
    #[inline]
    fn similarity(
        &self,
        target: Target<'_>,
        high: i32,
        entry: u32,
        scale: StoredScale,
    ) -> Result<f32, ImageError> {
        let dot = target.code.estimate(high) as f32;
        let measure = self.codes.measure(entry, scale)?;
        Ok(similarity(self.entries.shape.metric, dot, target.measure, measure))
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
            self.expand(layer, lists, target, of, visited, hung, &mut batch, |candidate, _| {
                if !horizon.hides(candidate)
                    && let Some(place) = keep(found, candidate, horizon.width)
                {
                    lists.prefetch(candidate.node());
                    at = at.min(place);
                    horizon.draw(found, place);
                }
                Ok(())
            })?;
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
            let looked_at = self.expand(
                layer,
                lists,
                target,
                nearest,
                visited,
                hung,
                &mut batch,
                |candidate, entry| {
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
                    Ok(())
                },
            )?;
            match allow(looked_at) {
                Reach::End => {}
                ended => return Ok(ended),
            }
        }
        Ok(Reach::End)
    }

    /// Hands the new neighbours of a node to `take`, with their entries. Returns how many there are.
    #[inline]
    #[expect(
        clippy::too_many_arguments,
        reason = "parts of the scratch space, borrowed one by one"
    )]
    fn expand(
        &self,
        layer: &Layer,
        lists: ListReader<'_>,
        target: Target<'_>,
        of: Candidate,
        visited: &mut Visited,
        hung: &mut Vec<Candidate>,
        batch: &mut Batch<'a>,
        mut take: impl FnMut(Candidate, u32) -> Result<(), ImageError>,
    ) -> Result<usize, ImageError> {
        let Batch { nodes, entries, codes } = batch;
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
        let shape = self.entries.shape;
        for (group, first) in codes.chunks(GROUP).zip((0..).step_by(GROUP)) {
            // The last stands for those that would be behind it.
            let rows = std::array::from_fn(|at| group[at.min(group.len() - 1)].0);
            let dots = shape.kernel.group(target.code.bytes(), rows);
            for (at, (&(_, scale), dot)) in (first..).zip(group.iter().zip(dots)) {
                let near = self.similarity(target, dot, entries[at], *scale)?;
                take(Candidate::new(near, nodes[at]), entries[at])?;
            }
        }
        Ok(codes.len())
    }
}
