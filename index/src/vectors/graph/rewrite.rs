//! The graph of an image: that of the live entries, under their numbers there.
//!
//! Where a neighbour is dead, its own neighbours are candidates for its place, and the list is chosen
//! anew (the deletion of Singh et al. 2021, arXiv:2105.09613). Other lists are copied. For a dead node
//! stands the next of its twins that lives, in every list and in the chain, and takes over its list: being
//! the same vector, it is as near to everything.
//!
//! **Invariant:** a list names nodes of live entries that are linked, each once and not its own.

use super::layer::{Layer, Place};
use super::lists::{TWIN, parted};
use super::select::{candidates_of, choose};
use super::{GraphView, MAX_STRIDE};
use crate::image::ImageError;
use crate::vectors::entries::Entries;
use std::collections::HashMap;

/// What stands for an entry or a node that is left out.
const GONE: u32 = u32::MAX;

/// Candidates that a list is chosen anew from.
const MAX_CANDIDATES: usize = 8 * MAX_STRIDE;

/// A layer of the new image.
pub(in crate::vectors) struct RewrittenLayer {
    pub(in crate::vectors) stride: usize,
    /// Empty on the ground.
    pub(in crate::vectors) places: Vec<Place>,
    /// One list for each node, padded with `u32::MAX`.
    pub(in crate::vectors) lists: Vec<u32>,
}

/// The graph of a new image.
pub(in crate::vectors) struct Rewritten {
    pub(in crate::vectors) layers: Vec<RewrittenLayer>,
}

/// A node of a layer as it is renumbered.
struct Moved {
    /// The number of its entry in the image.
    entry: u32,
    old: u32,
}

impl Rewritten {
    /// The graph over the entries `order`, of which the first `linked` are linked.
    pub(in crate::vectors) fn of(
        entries: &Entries,
        graph: &GraphView,
        order: &[u32],
        linked: usize,
    ) -> Result<Self, ImageError> {
        let mut new_entry = vec![GONE; entries.len()];
        for (new, &old) in order.iter().enumerate() {
            new_entry[old as usize] = new as u32;
        }
        let mut layers = Vec::new();
        // Old node of the layer below -> its new number.
        let mut below: Vec<u32> = Vec::new();
        for (number, layer) in graph.layers.iter().enumerate() {
            let mut moved = Vec::new();
            for old in 0..layer.len() as u32 {
                let entry = layer.entry(old)?.and_then(|entry| new_entry.get(entry as usize));
                if let Some(&entry) = entry
                    && entry != GONE
                {
                    moved.push(Moved { entry, old });
                }
            }
            if moved.is_empty() {
                break;
            }
            moved.sort_unstable_by_key(|moved| moved.entry);
            let mut new_node = vec![GONE; layer.len()];
            for (new, moved) in moved.iter().enumerate() {
                new_node[moved.old as usize] = new as u32;
            }
            let passed = HashMap::new();
            let mut lives =
                Lives { entries, layer, new_node: &new_node, moved: &moved, linked, passed };
            let mut rewritten = RewrittenLayer {
                stride: graph.params.stride(number),
                places: Vec::new(),
                lists: Vec::new(),
            };
            for node in &moved {
                if number > 0 {
                    let old_below = layer.place(node.old)?.map(|place| place.below as usize);
                    let below = old_below.and_then(|below_node| below.get(below_node)).copied();
                    let inconsistent =
                        ImageError::Inconsistent { what: "layers of a vector index" };
                    let below = below.filter(|below| *below != GONE).ok_or(inconsistent)?;
                    rewritten.places.push(Place { entry: node.entry, below });
                }
                let end = rewritten.lists.len() + rewritten.stride;
                lives.list_of(node, rewritten.stride, &mut rewritten.lists)?;
                rewritten.lists.resize(end, GONE);
            }
            layers.push(rewritten);
            below = new_node;
        }
        Ok(Self { layers })
    }
}

/// What of a layer lives on.
struct Lives<'a> {
    entries: &'a Entries,
    layer: &'a Layer,
    new_node: &'a [u32],
    moved: &'a [Moved],
    /// Entries of the image that are linked.
    linked: usize,
    /// Nodes that do not live on -> the next of their twins that does.
    passed: HashMap<u32, Option<u32>>,
}

impl Lives<'_> {
    /// The new number of an old node, if it lives and is linked.
    fn number(&self, old: u32) -> Option<u32> {
        let new = self.new_node.get(old as usize).copied().filter(|new| *new != GONE)?;
        ((self.moved[new as usize].entry as usize) < self.linked).then_some(new)
    }

    /// Appends the new list of a node.
    fn list_of(
        &mut self,
        node: &Moved,
        stride: usize,
        out: &mut Vec<u32>,
    ) -> Result<(), ImageError> {
        if node.entry as usize >= self.linked {
            return Ok(());
        }
        let mut slots = [0; MAX_STRIDE];
        let count = self.layer.lists.read(node.old, &mut slots)?;
        let (neighbours, twin) = parted(&slots[..count]);
        let twin = match twin {
            Some(twin) => self.alive_from(twin)?.filter(|twin| *twin != node.old),
            None => None,
        };
        let mut kept: Vec<u32> = Vec::with_capacity(stride);
        let mut is_whole = true;
        for &neighbour in neighbours {
            match self.alive_from(neighbour)? {
                Some(alive) if alive != node.old => {
                    if !kept.contains(&alive) {
                        kept.push(alive);
                    }
                }
                _ => is_whole = false,
            }
        }
        if !is_whole {
            let candidates = self.heirs(node.old, neighbours)?;
            let Some(entry) = self.layer.entry(node.old)? else { return Ok(()) };
            let candidates = candidates_of(self.entries, self.layer, entry, &candidates)?;
            let at_most = stride - usize::from(twin.is_some());
            let chosen = choose(self.entries, self.layer, &candidates, at_most)?;
            kept = chosen.iter().map(|chosen| chosen.node).collect();
        }
        out.extend(kept.iter().filter_map(|old| self.number(*old)));
        out.extend(twin.and_then(|old| self.number(old)).map(|twin| twin | TWIN));
        Ok(())
    }

    /// The first node from this one on, along its twins, that lives on: who stands for it.
    fn alive_from(&mut self, first: u32) -> Result<Option<u32>, ImageError> {
        let (mut next, mut passed) = (Some(first), Vec::new());
        let alive = loop {
            let Some(node) = next.filter(|node| (*node as usize) < self.layer.len()) else {
                break None;
            };
            if self.number(node).is_some() {
                break Some(node);
            }
            if let Some(known) = self.passed.get(&node) {
                break *known;
            }
            // Until it is known, so that a chain that comes back ends.
            self.passed.insert(node, None);
            passed.push(node);
            next = self.layer.lists.twin(node)?;
        };
        self.passed.extend(passed.into_iter().map(|node| (node, alive)));
        Ok(alive)
    }

    /// Who stands for `neighbours`, and those that are reached through the ones for whom nobody but
    /// `of` does.
    fn heirs(&mut self, of: u32, neighbours: &[u32]) -> Result<Vec<u32>, ImageError> {
        let mut heirs: Vec<u32> = Vec::new();
        let mut dead: Vec<u32> = Vec::new();
        let mut next = 0;
        let layer = self.layer;
        let mut sort = |old: u32, heirs: &mut Vec<u32>, dead: &mut Vec<u32>| {
            if old == of {
                return Ok(());
            }
            let (side, node) = match self.alive_from(old)?.filter(|alive| *alive != of) {
                Some(alive) => (heirs, alive),
                None => (dead, old),
            };
            if !side.contains(&node) {
                side.push(node);
            }
            Ok(())
        };
        for &old in neighbours {
            sort(old, &mut heirs, &mut dead)?;
        }
        let mut list = [0; MAX_STRIDE];
        // Further than the neighbours of dead neighbours only while nobody is found.
        let near = dead.len();
        while next < dead.len()
            && heirs.len() < MAX_CANDIDATES
            && (next < near || heirs.is_empty())
            && dead.len() < MAX_CANDIDATES
        {
            let node = dead[next];
            next += 1;
            if (node as usize) < layer.len() {
                let count = layer.lists.read(node, &mut list)?;
                for &slot in &list[..count] {
                    sort(slot & !TWIN, &mut heirs, &mut dead)?;
                }
            }
        }
        Ok(heirs)
    }
}
