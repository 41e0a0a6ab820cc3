//! A navigable graph over the entries of a vector index: HNSW, the hierarchical navigable small
//! world of Malkov and Yashunin (2018, arXiv:1603.09320).
//!
//! Each entry is a node of the *ground*, layer 0. One in `m` is a node of layer 1 too, one in `m²`
//! of layer 2, and so on; a search descends through the sparse layers to the neighbourhood of the
//! query and looks closely on the ground. A node of an upper layer has a number of its own there,
//! and knows its entry and its node in the layer below.
//!
//! | file | what |
//! |---|---|
//! | `layer`, `lists` | neighbour lists of one layer, of the image and behind it; chains of twins |
//! | `walk`, `visited`, `candidate` | the search within a layer |
//! | `sight`, `horizon`, `terrain` | what it compares by, where it ends and begins, and what that depends on |
//! | `select` | which of many near nodes become neighbours |
//! | `link` | taking entries into the graph |
//! | `progress` | which entries are linked |
//! | `rewrite` | the graph of an image, without dead entries |
//! | `validate` | whether it can be walked |
//!
//! An entry whose code is linked already is a *twin*: it hangs on the first that has the code, has no
//! neighbours in other directions, and is passed by until a walk has ended.
//!
//! Entries are linked in the order of their numbers, by any number of threads at once. Those below
//! [`Progress::linked`] are found by walking; a search scans the others.
//!
//! **Invariant:** a list names nodes of its layer, or nothing: whatever a list says (a damaged
//! image, a change under way), a walk reads no place that is not there, and ends. The lists below
//! the linked count were complete when that count was stored.

mod candidate;
mod horizon;
mod layer;
mod link;
mod lists;
mod progress;
mod rewrite;
mod select;
mod sight;
mod terrain;
mod validate;
mod visited;
mod walk;

use std::sync::Arc;

use parking_lot::Mutex;

pub(super) use candidate::MAX_NODES;
pub(super) use horizon::Breadth;
pub(super) use layer::{Place, StoredLayer};
pub(super) use link::link;
pub(super) use rewrite::Rewritten;
pub(super) use sight::Sight;
pub(super) use terrain::{Growth, Starts, Terrain};
pub(super) use walk::{Reach, Scratch, Target, Walker};

use crate::image::ImageError;
use layer::{Layer, LayerWriter};
use lists::parted;
use progress::Progress;

/// Layers above the ground. With two neighbours a node, as many as 32-bit entries can need.
pub(super) const UPPER_LAYERS: usize = 15;

/// The most neighbours that a node may get when it is linked.
pub const MAX_M: usize = 64;

/// The most neighbours that any list holds: those of the ground are twice as long.
const MAX_STRIDE: usize = 2 * MAX_M;

/// Of so many neighbours one at least must be kept, or an entry is linked anew.
const TORN: usize = 4;

/// Twins of a neighbour that are asked for one that is kept.
const TWINS_ASKED: usize = 1 << 6;

/// Locks of lists; a list is written under the one that its node's number falls to.
const STRIPES: usize = 256;

/// How a graph is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphParams {
    /// Neighbours that a node gets when it is linked, 2 to [`MAX_M`]; lists of the ground hold
    /// twice as many. More find more and take more memory: `8 * m` bytes a vector.
    pub m: usize,
    /// Nodes that are compared when one is linked, 1 to 4,096. More take longer and link better.
    pub ef_construction: usize,
}

impl Default for GraphParams {
    fn default() -> Self {
        Self { m: 16, ef_construction: 100 }
    }
}

impl GraphParams {
    /// The largest [`ef_construction`](Self::ef_construction).
    pub const MAX_EF_CONSTRUCTION: usize = 4_096;

    /// Parameters within their ranges, or `None`.
    pub fn new(m: usize, ef_construction: usize) -> Option<Self> {
        let is_valid =
            (2..=MAX_M).contains(&m) && (1..=Self::MAX_EF_CONSTRUCTION).contains(&ef_construction);
        is_valid.then_some(Self { m, ef_construction })
    }

    /// Length of the lists of a layer.
    pub(super) fn stride(self, layer: usize) -> usize {
        if layer == 0 { 2 * self.m } else { self.m }
    }

    /// The highest layer that an entry of this ordinal reaches: a matter of chance, but always the
    /// same.
    fn top_of(self, ordinal: u32) -> usize {
        let mixed = (u64::from(ordinal) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let mut chance = mixed ^ (mixed >> 31);
        let mut top = 0;
        while top < UPPER_LAYERS && chance.is_multiple_of(self.m as u64) {
            chance /= self.m as u64;
            top += 1;
        }
        top
    }
}

/// What the writer, its views and whoever links have in common.
pub(super) struct Shared {
    pub(super) progress: Progress,
    stripes: Box<[Mutex<()>]>,
    scratches: Mutex<Vec<Scratch>>,
}

/// Scratch spaces that are kept for the next search.
const KEPT_SCRATCHES: usize = 16;

impl Shared {
    fn new(linked: u32) -> Self {
        Self {
            progress: Progress::new(linked),
            stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(),
            scratches: Mutex::default(),
        }
    }

    /// Runs `work` with a scratch space.
    pub(super) fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let mut scratch = self.scratches.lock().pop().unwrap_or_default();
        let done = work(&mut scratch);
        let mut kept = self.scratches.lock();
        if kept.len() < KEPT_SCRATCHES {
            kept.push(scratch);
        }
        done
    }
}

/// The graph as the writer of the index has it.
pub(super) struct GraphWriter {
    params: GraphParams,
    layers: Vec<LayerWriter>,
    terrain: Terrain,
    shared: Arc<Shared>,
}

impl GraphWriter {
    /// The graph over the layers of an image, the ground first, of which `linked` entries are linked and
    /// whose nodes lie so.
    pub(super) fn new(
        params: GraphParams,
        stored: Vec<StoredLayer>,
        linked: u32,
        terrain: Terrain,
    ) -> Self {
        let mut stored = stored.into_iter();
        let layer = |layer| LayerWriter::new(params.stride(layer), layer == 0, stored.next());
        let layers = (0..=UPPER_LAYERS).map(layer).collect();
        Self { params, layers, terrain, shared: Arc::new(Shared::new(linked)) }
    }

    pub(super) fn params(&self) -> GraphParams {
        self.params
    }

    /// Makes the nodes of the next entry, without neighbours.
    pub(super) fn push(&mut self, entry: u32, ordinal: u32) {
        let mut below = entry;
        for layer in &mut self.layers[..=self.params.top_of(ordinal)] {
            below = layer.push(Place { entry, below });
        }
    }

    pub(super) fn view(&self) -> GraphView {
        let used = self.layers.iter().take_while(|layer| !layer.is_empty());
        let layers = used.map(LayerWriter::layer).collect();
        let Self { params, terrain, .. } = *self;
        GraphView { params, layers, terrain, shared: Arc::clone(&self.shared) }
    }

    pub(super) fn linked(&self) -> usize {
        self.shared.progress.linked() as usize
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.layers.iter().map(LayerWriter::heap_bytes).sum()
    }
}

/// The graph as a view of the index has it.
#[derive(Clone)]
pub(super) struct GraphView {
    pub(super) params: GraphParams,
    /// The ground first; none is empty.
    layers: Arc<[Layer]>,
    /// As it was when the image was written.
    terrain: Terrain,
    pub(super) shared: Arc<Shared>,
}

impl GraphView {
    /// How a search for `k` looks at `ef` nodes.
    pub(super) fn breadth(&self, k: usize, ef: usize) -> Breadth {
        Breadth { k, ef: ef.max(k), starts: self.terrain.starts_for(ef) }
    }

    /// What a search compares by.
    pub(super) fn sight(&self) -> Sight {
        self.terrain.sight
    }

    /// Does an entry lose most of its neighbours on the ground, if the others are kept? Those who take
    /// their place are as likely to be torn off themselves: it is better linked anew.
    ///
    /// A neighbour is not lost where a twin of it is kept. A twin that hangs on one that is not kept may
    /// have to stand for it, and counts that one's neighbours.
    pub(super) fn is_torn(&self, entry: u32, is_kept: &[bool]) -> Result<bool, ImageError> {
        let Some(ground) = self.layers.first() else { return Ok(false) };
        let is_kept = |node: u32| is_kept.get(node as usize).is_some_and(|kept| *kept);
        let mut slots = [0; MAX_STRIDE];
        let mut count = ground.lists.read(entry, &mut slots)?;
        if let ([of], _) = parted(&slots[..count])
            && !is_kept(*of)
        {
            count = ground.lists.read(*of, &mut slots)?;
        }
        let (neighbours, _) = parted(&slots[..count]);
        let mut kept = 0;
        for &neighbour in neighbours {
            let mut next = Some(neighbour);
            for _ in 0..TWINS_ASKED {
                let Some(node) = next.filter(|node| (*node as usize) < ground.len()) else { break };
                if is_kept(node) {
                    kept += 1;
                    break;
                }
                next = ground.lists.twin(node)?;
            }
        }
        Ok(kept * TORN < neighbours.len())
    }

    /// Where a walk over entries below `mark` begins, at the first node: the highest layer that has one.
    fn entrance(&self, mark: u32) -> Result<Option<usize>, ImageError> {
        for (number, layer) in self.layers.iter().enumerate().rev() {
            if layer.entry(0)?.is_some_and(|entry| entry < mark) {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}
