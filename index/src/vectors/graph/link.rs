//! Taking entries into the graph (algorithm 1 of the paper), by any number of threads at once.
//!
//! An entry first gets its own lists in all of its layers, then becomes a neighbour of its
//! neighbours: whoever meets it finds the way on. One whose code is linked already is hung behind that.
//!
//! **Invariant:** a list is changed under the lock of its node, and no thread holds two of them.

use super::horizon::Horizon;
use super::layer::Layer;
use super::lists::{TWIN, parted};
use super::select::{Chosen, candidates_of, choose};
use super::sight::Sight;
use super::walk::{Scratch, Target, Walker};
use super::{GraphView, MAX_STRIDE, STRIPES};
use crate::image::ImageError;
use crate::vectors::entries::Entries;
use crate::vectors::planes::Code;

/// Links up to `at_most` of the entries that are not linked, while `keep_going`. Returns how many.
///
/// # Errors
/// [`ImageError`] if the image cannot be read; the entry that it was about stays unlinked.
pub(in crate::vectors) fn link(
    entries: &Entries,
    graph: &GraphView,
    at_most: usize,
    keep_going: &mut dyn FnMut() -> bool,
) -> Result<usize, ImageError> {
    graph.shared.with_scratch(|scratch| {
        let mut linked = 0;
        while linked < at_most && keep_going() {
            let Some(claim) = graph.shared.progress.claim(entries.len() as u32) else { break };
            link_one(entries, graph, claim.entry, scratch)?;
            claim.finish();
            linked += 1;
        }
        Ok(linked)
    })
}

/// Of `width` candidates for neighbours, those whose own neighbours are looked at. The others are too far
/// to lead to nearer ones, but are as good for other directions.
fn depth_of(width: usize) -> usize {
    (7 * width).div_ceil(12)
}

/// How an entry is tied into a layer.
enum Tie {
    Neighbours(Vec<Chosen>),
    /// Behind this node, whose code is the same.
    Twin(u32),
}

fn link_one(
    entries: &Entries,
    graph: &GraphView,
    entry: u32,
    scratch: &mut Scratch,
) -> Result<(), ImageError> {
    let mut code = Code::default();
    entries.unpack(entry, &mut code)?;
    let target = Target { code: &code, measure: entries.measure(entry)? };
    let walker = Walker::new(entries, graph, entry, Sight::Upper);
    let linked = graph.shared.progress.linked().min(entry);
    let Some(highest) = graph.entrance(linked)? else { return Ok(()) };
    let mut ties: Vec<(usize, u32, Tie)> = Vec::new();
    let mut start = None;
    for number in (0..=highest).rev() {
        let layer = &graph.layers[number];
        let Some(node) = layer.node_of(entry)? else { continue };
        let has_start = match start {
            None => walker.descend(target, linked, number, 1, scratch)?,
            Some(node) => walker.start_at(layer, target, node, scratch)?,
        };
        if !has_start {
            continue;
        }
        let width = graph.params.ef_construction;
        let mut horizon = Horizon::of_width(width);
        walker.beam_within(layer, target, depth_of(width), &mut horizon, scratch)?;
        let Some(nearest) = scratch.found.first().copied() else { continue };
        start = layer.place(nearest.node())?.map(|place| place.below);
        if let Some(twin) = layer.entry(nearest.node())?
            && entries.are_twins(entry, twin)?
        {
            ties.push((number, node, Tie::Twin(nearest.node())));
            continue;
        }
        let neighbours = choose(entries, layer, &scratch.found, graph.params.m)?;
        let nodes: Vec<u32> = neighbours.iter().map(|chosen| chosen.node).collect();
        layer.lists.write(node, &nodes)?;
        ties.push((number, node, Tie::Neighbours(neighbours)));
    }
    // From the ground up: who finds the entry in a layer can go on below.
    for (number, node, tie) in ties.into_iter().rev() {
        let layer = &graph.layers[number];
        match tie {
            Tie::Neighbours(neighbours) => {
                for neighbour in neighbours {
                    add(entries, graph, layer, neighbour, node)?;
                }
            }
            Tie::Twin(twin) => hang(graph, layer, twin, node)?,
        }
    }
    Ok(())
}

/// Hangs `node`, which nobody knows yet, behind its twin `of`, before those that hang there.
fn hang(graph: &GraphView, layer: &Layer, of: u32, node: u32) -> Result<(), ImageError> {
    let _alone = graph.shared.stripes[of as usize % STRIPES].lock();
    let mut slots = [0; MAX_STRIDE];
    let stride = layer.lists.stride();
    let count = layer.lists.read(of, &mut slots[..stride])?;
    let (neighbours, next) = parted(&slots[..count]);
    // In a full list the place of a neighbour.
    let at = neighbours.len().min(stride - 1);
    match next {
        Some(next) => layer.lists.write(node, &[of, next | TWIN])?,
        None => layer.lists.write(node, &[of])?,
    }
    slots[at] = node | TWIN;
    layer.lists.write(of, &slots[..=at])
}

/// Makes `node` a neighbour of `of`, in the place of others if its list is full.
fn add(
    entries: &Entries,
    graph: &GraphView,
    layer: &Layer,
    of: Chosen,
    node: u32,
) -> Result<(), ImageError> {
    let _alone = graph.shared.stripes[of.node as usize % STRIPES].lock();
    let mut slots = [0; MAX_STRIDE];
    let stride = layer.lists.stride();
    let count = layer.lists.read(of.node, &mut slots[..stride])?;
    let (neighbours, twin) = parted(&slots[..count]);
    if neighbours.contains(&node) || twin == Some(node) {
        return Ok(());
    }
    let mut nodes = [neighbours, &[node]].concat();
    if count == stride {
        let candidates = candidates_of(entries, layer, of.entry, &nodes)?;
        let at_most = stride - usize::from(twin.is_some());
        let kept = choose(entries, layer, &candidates, at_most)?;
        nodes.clear();
        nodes.extend(kept.iter().map(|chosen| chosen.node));
    }
    nodes.extend(twin.map(|twin| twin | TWIN));
    layer.lists.write(of.node, &nodes)
}
