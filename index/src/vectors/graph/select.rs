//! Which of many near nodes become neighbours: those that are nearer to the node than to any
//! neighbour chosen before, so that neighbours lie in all directions (algorithm 4 of the paper).
//!
//! **Invariant:** the choice depends on the candidates and their order alone.

use super::candidate::Candidate;
use super::layer::Layer;
use crate::image::ImageError;
use crate::vectors::entries::Entries;
use crate::vectors::kernels::{GROUP, prefetch};
use crate::vectors::planes::Code;
use crate::vectors::quantize::{Measure, similarity};

/// A node that was chosen, and its entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen {
    pub(super) node: u32,
    pub(super) entry: u32,
}

/// Of so many candidates one is likely to be chosen next: their lower planes are asked for.
const LIKELY: usize = 3;

/// A candidate that may still be chosen.
#[derive(Clone, Copy)]
struct Open<'a> {
    node: u32,
    /// To the node that chooses.
    similarity: f32,
    entry: u32,
    high: &'a [u8],
    measure: Measure,
}

/// Chooses up to `at_most` of `candidates`, which are sorted.
///
/// Each that is chosen is compared with all that are left, so that only its own code is unpacked, and
/// of theirs the upper plane is read, as where candidates come from.
pub(super) fn choose(
    entries: &Entries,
    layer: &Layer,
    candidates: &[Candidate],
    at_most: usize,
) -> Result<Vec<Chosen>, ImageError> {
    let codes = entries.codes();
    let mut open = Vec::with_capacity(candidates.len());
    for &candidate in candidates {
        if let Some(entry) = layer.entry(candidate.node())? {
            let (high, scale) = codes.high(entry)?;
            let measure = codes.measure(entry, *scale)?;
            let (node, similarity) = (candidate.node(), candidate.similarity());
            open.push(Open { node, similarity, entry, high, measure });
        }
    }
    let mut chosen: Vec<Chosen> = Vec::with_capacity(at_most);
    let mut code = Code::default();
    let mut left = open.as_mut_slice();
    while let Some((nearest, others)) = left.split_first_mut() {
        chosen.push(Chosen { node: nearest.node, entry: nearest.entry });
        if chosen.len() == at_most || others.is_empty() {
            break;
        }
        entries.unpack(nearest.entry, &mut code)?;
        for likely in others.iter().take(LIKELY) {
            entries.prefetch_low(likely.entry)?;
        }
        let kept = drop_nearer_to(entries, &code, nearest.measure, others);
        left = &mut others[..kept];
    }
    Ok(chosen)
}

/// Moves those of `open` that are not too near to `code` to the front, in their order; returns how many.
fn drop_nearer_to(
    entries: &Entries,
    code: &Code,
    measure: Measure,
    open: &mut [Open<'_>],
) -> usize {
    let shape = entries.shape;
    let mut kept = 0;
    for first in (0..open.len()).step_by(GROUP) {
        let end = open.len().min(first + GROUP);
        let rows = std::array::from_fn(|at| open[(first + at).min(end - 1)].high);
        let dots = shape.kernel.group(code.bytes(), rows);
        for (at, dot) in (first..end).zip(dots) {
            let other = open[at];
            let near = similarity(shape.metric, code.estimate(dot) as f32, measure, other.measure);
            let is_too_near = near > other.similarity;
            open[kept] = other;
            kept += usize::from(!is_too_near);
        }
    }
    kept
}

/// The candidates of nodes as `node` sees them, sorted. Nodes that are not there are left out.
pub(super) fn candidates_of(
    entries: &Entries,
    layer: &Layer,
    entry: u32,
    nodes: &[u32],
) -> Result<Vec<Candidate>, ImageError> {
    let mut code = Code::default();
    entries.unpack(entry, &mut code)?;
    let codes = entries.codes();
    let measure = entries.measure(entry)?;
    let shape = entries.shape;
    let mut others = Vec::with_capacity(nodes.len());
    for &node in nodes {
        if let Some(entry) = layer.entry(node)?.filter(|&e| (e as usize) < entries.len()) {
            let (high, scale) = codes.high(entry)?;
            prefetch(high);
            prefetch(scale);
            others.push((node, entry, high, scale));
        }
    }
    let mut candidates = Vec::with_capacity(others.len());
    for group in others.chunks(GROUP) {
        let rows = std::array::from_fn(|at| group[at.min(group.len() - 1)].2);
        let dots = shape.kernel.group(code.bytes(), rows);
        for (&(node, entry, _, scale), dot) in group.iter().zip(dots) {
            let dot = code.estimate(dot) as f32;
            let other = codes.measure(entry, *scale)?;
            let near = similarity(shape.metric, dot, measure, other);
            candidates.push(Candidate::new(near, node));
        }
    }
    candidates.sort_unstable();
    Ok(candidates)
}
