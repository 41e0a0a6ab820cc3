//! The stored form of a vector index, read in place.
//!
//! ```text
//!   0   magic "MLVECT" and two digits of version
//!   8   dimension u32 | metric u32 (0 cosine, 1 dot, 2 l2) | entries u32 | of these, linked u32
//!  24   m u32 | ef_construction u32 | nodes of each of 15 upper layers u32
//!  92   quantile at which components are cut f32
//!  96   exponent by which squares of distances grow with the rank f32, 0 if it is not known
//! 100   nodes that a walk goes on from u32, 0 if it is not known
//! 104   planes that walks go by u32 (0 the upper ones, 1 both)              zeros up to 128
//! 128   ordinals      u32 each: the linked ascending, then the others ascending
//!       scales        f32 each
//!       margins       residual, norm, coarse: three f32 each
//!       high          upper nibbles of component + 128, two a byte: byte j of 64 has those of the
//!                     components j and j + 64 of 128, the lower in its lower half; a code takes a
//!                     multiple of 64 bytes, filled up with components of zero
//!       low           lower nibbles, likewise
//!       lists         2 m nodes u32 an entry, FF FF FF FF behind the last, whose highest bit is set if
//!                     it is the next twin
//!       per upper layer that has nodes
//!         places      entry u32, node in the layer below u32; by ascending entry
//!         lists       m nodes u32 a node, FF FF FF FF behind the last
//! ```
//!
//! All numbers are little-endian; each section begins at a multiple of 64, with zeros before it, and
//! the image ends with the last one. The order of the entries depends on what is linked alone: where
//! nothing is, the same vectors give the same bytes whatever their history.
//!
//! **Invariant:** of an open [`Image`] the length fits its header and the ordinals ascend; the rest
//! is whatever the bytes say, and nothing relies on it but the quality of an answer. Opening reads
//! header and ordinals. Only this folder calls it.

use std::ops::Range;
use std::sync::Arc;

use super::entries::Entries;
use super::graph::{
    GraphParams, GraphView, Growth, MAX_NODES, Place, Rewritten, Sight, Starts, StoredLayer,
    Terrain, UPPER_LAYERS,
};
use super::index::Shape;
use super::kernels::{LANE_BYTES, lanes_for};
use super::metric::{MAX_DIMENSION, Metric};
use super::quantize::{Clip, Forms, StoredMargins, StoredScale};
use crate::image::{ImageError, SharedSource};

const MAGIC: [u8; 8] = *b"MLVECT08";
const HEADER_BYTES: usize = 2 * LANE_BYTES;
const ORDINAL_BYTES: usize = size_of::<StoredOrdinal>();
const SCALE_BYTES: usize = size_of::<StoredScale>();
const MARGIN_BYTES: usize = size_of::<StoredMargins>();

/// The field of the header that says where components are cut.
const CLIP_FIELD: usize = 6 + UPPER_LAYERS;

/// The first of the three that say what the vectors lie like.
const TERRAIN_FIELD: usize = CLIP_FIELD + 1;

const SLOT_BYTES: usize = size_of::<u32>();

const _: () = assert!(MAGIC.len() + (TERRAIN_FIELD + 3) * 4 <= HEADER_BYTES);

/// A stored ordinal, little-endian.
pub(super) type StoredOrdinal = [u8; 4];

fn metric_code(metric: Metric) -> u32 {
    match metric {
        Metric::Cosine => 0,
        Metric::Dot => 1,
        Metric::L2 => 2,
    }
}

fn metric_of(code: u32) -> Option<Metric> {
    [Metric::Cosine, Metric::Dot, Metric::L2].into_iter().find(|&m| metric_code(m) == code)
}

/// Where the sections of an image lie.
#[derive(Clone, Debug)]
struct Layout {
    entries: usize,
    plane_bytes: usize,
    scales: usize,
    margins: usize,
    /// Where the upper plane begins, and the lower.
    planes: [usize; 2],
    /// Places and lists of each layer, the ground first; the ground has no places.
    layers: Vec<[Range<usize>; 2]>,
    end: usize,
}

impl Layout {
    /// `None` if this machine cannot address such an image.
    fn new(
        dimension: usize,
        entries: usize,
        params: GraphParams,
        upper: impl Iterator<Item = usize>,
    ) -> Option<Self> {
        let plane_bytes = lanes_for(dimension) * LANE_BYTES;
        let mut end = HEADER_BYTES;
        let mut section = |items: usize, width: usize| {
            let start = end.checked_next_multiple_of(LANE_BYTES)?;
            end = items.checked_mul(width)?.checked_add(start)?;
            Some(start..end)
        };
        section(entries, ORDINAL_BYTES)?;
        let scales = section(entries, SCALE_BYTES)?.start;
        let margins = section(entries, MARGIN_BYTES)?.start;
        let high = section(entries, plane_bytes)?.start;
        let low = section(entries, plane_bytes)?.start;
        let mut layers = vec![[0..0, section(entries, params.stride(0) * SLOT_BYTES)?]];
        for nodes in upper.take_while(|nodes| *nodes > 0) {
            let places = section(nodes, Place::BYTES)?;
            layers.push([places, section(nodes, params.stride(1) * SLOT_BYTES)?]);
        }
        Some(Self { entries, plane_bytes, scales, margins, planes: [high, low], layers, end })
    }

    fn ordinals(&self) -> Range<usize> {
        HEADER_BYTES..HEADER_BYTES + self.entries * ORDINAL_BYTES
    }
}

/// An open image.
#[derive(Clone)]
pub(super) struct Image {
    source: SharedSource,
    layout: Arc<Layout>,
    linked: usize,
}

/// An image, and what its header says about its vectors and their graph.
pub(super) struct Opened {
    pub(super) image: Image,
    pub(super) dimension: usize,
    pub(super) metric: Metric,
    pub(super) clip: Clip,
    pub(super) params: GraphParams,
    pub(super) terrain: Terrain,
    /// The ground first.
    pub(super) layers: Vec<StoredLayer>,
}

impl Image {
    pub(super) fn open(source: SharedSource) -> Result<Opened, ImageError> {
        let inconsistent = |what| ImageError::Inconsistent { what };
        let header = source.get(0..HEADER_BYTES)?;
        if !header.starts_with(&MAGIC) {
            return Err(ImageError::WrongFormat { expected: "a vector index of version 8" });
        }
        let (fields, _) = header[MAGIC.len()..].as_chunks::<4>();
        let field = |at: usize| u32::from_le_bytes(fields[at]);
        let dimension = field(0) as usize;
        if dimension == 0 || dimension > MAX_DIMENSION {
            return Err(inconsistent("dimension of a vector index"));
        }
        let metric = metric_of(field(1)).ok_or_else(|| inconsistent("metric of a vector index"))?;
        let (entries, linked) = (field(2) as usize, field(3) as usize);
        if linked > entries || entries > MAX_NODES {
            return Err(inconsistent("number of entries of a vector index"));
        }
        let params = GraphParams::new(field(4) as usize, field(5) as usize)
            .ok_or_else(|| inconsistent("parameters of a vector index"))?;
        let clip = Clip::new(f32::from_bits(field(CLIP_FIELD)))
            .ok_or_else(|| inconsistent("quantile of a vector index"))?;
        let known = |at: usize| Some(field(TERRAIN_FIELD + at)).filter(|bits| *bits != 0);
        let growth = known(0).map(|bits| Growth::new(f32::from_bits(bits)));
        let starts = known(1).map(Starts::new);
        if growth == Some(None) || starts == Some(None) {
            return Err(inconsistent("terrain of a vector index"));
        }
        let sight = Sight::new(field(TERRAIN_FIELD + 2))
            .ok_or_else(|| inconsistent("terrain of a vector index"))?;
        let terrain = Terrain { growth: growth.flatten(), starts: starts.flatten(), sight };
        let nodes: [usize; UPPER_LAYERS] = std::array::from_fn(|at| field(6 + at) as usize);
        // A layer has no more nodes than the one below, and none above one without.
        if !nodes.is_sorted_by(|below, above| below >= above) || nodes[0] > entries {
            return Err(inconsistent("layers of a vector index"));
        }
        let layout = Layout::new(dimension, entries, params, nodes.into_iter())
            .ok_or_else(|| inconsistent("number of entries of a vector index"))?;
        if source.len() < layout.end {
            return Err(ImageError::Truncated { end: layout.end, len: source.len() });
        }
        if source.len() > layout.end {
            return Err(inconsistent("length of a vector index"));
        }
        let layers = layout.layers.iter().map(|[places, lists]| StoredLayer {
            source: source.clone(),
            places: places.clone(),
            lists: lists.clone(),
        });
        let layers = layers.collect();
        let image = Self { source, layout: Arc::new(layout), linked };
        let ascends = |run: &[StoredOrdinal]| {
            run.is_sorted_by(|a, b| u32::from_le_bytes(*a) < u32::from_le_bytes(*b))
        };
        let (linked, others) = image.ordinals()?.split_at(linked);
        if !ascends(linked) || !ascends(others) {
            return Err(inconsistent("order of the ordinals of a vector index"));
        }
        Ok(Opened { image, dimension, metric, clip, params, terrain, layers })
    }

    /// Number of entries, from the first on, that are linked.
    pub(super) fn linked(&self) -> usize {
        self.linked
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.layout.entries
    }

    pub(super) fn ordinals(&self) -> Result<&[StoredOrdinal], ImageError> {
        Ok(self.source.get(self.layout.ordinals())?.as_chunks().0)
    }

    pub(super) fn ordinal(&self, entry: usize) -> Result<u32, ImageError> {
        let start = HEADER_BYTES + entry * ORDINAL_BYTES;
        let bytes = self.source.get(start..start + ORDINAL_BYTES)?;
        Ok(u32::from_le_bytes(bytes.as_chunks().0[0]))
    }

    pub(super) fn forms(&self, entries: Range<usize>) -> Result<Forms<'_>, ImageError> {
        let bytes = |section: usize, width: usize| {
            self.source.get(section + entries.start * width..section + entries.end * width)
        };
        let scales = bytes(self.layout.scales, SCALE_BYTES)?.as_chunks().0;
        let fields = bytes(self.layout.margins, MARGIN_BYTES)?.as_chunks().0;
        Ok(Forms { scales, margins: fields.as_chunks().0 })
    }

    /// The upper planes of entries, and the lower.
    pub(super) fn planes(&self, entries: Range<usize>) -> Result<[&[u8]; 2], ImageError> {
        let [high, low] = self.layout.planes;
        let bytes = |plane: usize| {
            let at = |entry: usize| plane + entry * self.layout.plane_bytes;
            self.source.get(at(entries.start)..at(entries.end))
        };
        Ok([bytes(high)?, bytes(low)?])
    }
}

/// The planes and scales of an image, all of which are verified.
#[derive(Clone, Copy)]
pub(super) struct VerifiedCodes<'a> {
    pub(super) high: &'a [u8],
    pub(super) low: &'a [u8],
    pub(super) scales: &'a [StoredScale],
}

impl Image {
    /// Planes and scales, if every byte of the image is verified.
    pub(super) fn verified(&self) -> Option<VerifiedCodes<'_>> {
        let Layout { entries, plane_bytes, scales, planes: [high, low], .. } = *self.layout;
        let all = self.source.verified()?;
        let section = |start: usize, width: usize| all.get(start..start + entries * width);
        let scales = section(scales, SCALE_BYTES)?.as_chunks().0;
        let [high, low] = [section(high, plane_bytes)?, section(low, plane_bytes)?];
        Some(VerifiedCodes { high, low, scales })
    }
}

/// Writes the image of the entries `order`, of which the first `linked` are linked.
///
/// # Errors
/// [`ImageError`] if the image under the index cannot be read, or this machine cannot address such
/// an image.
pub(super) fn write(
    entries: &Entries,
    graph: &GraphView,
    order: &[(u32, u32)],
    linked: usize,
) -> Result<Vec<u8>, ImageError> {
    let numbers: Vec<u32> = order.iter().map(|&(_, entry)| entry).collect();
    let Rewritten { layers } = Rewritten::of(entries, graph, &numbers, linked)?;
    let Shape { dimension, metric, clip, .. } = entries.shape;
    let upper = layers.get(1..).unwrap_or_default();
    let nodes = |at: usize| upper.get(at).map_or(0, |layer| layer.places.len());
    let layout = Layout::new(dimension, order.len(), graph.params, (0..UPPER_LAYERS).map(nodes))
        .ok_or(ImageError::Inconsistent { what: "number of entries of a vector index" })?;
    let mut bytes = Vec::with_capacity(layout.end);
    bytes.extend_from_slice(&MAGIC);
    let GraphParams { m, ef_construction } = graph.params;
    let fields = [dimension, metric_code(metric) as usize, order.len(), linked, m, ef_construction];
    for field in fields.into_iter().chain((0..UPPER_LAYERS).map(nodes)) {
        bytes.extend_from_slice(&(field as u32).to_le_bytes());
    }
    bytes.extend_from_slice(&clip.quantile().to_le_bytes());
    let Terrain { growth, starts, sight } = Terrain::measure(entries, graph)?;
    bytes.extend_from_slice(&growth.map_or(0.0, Growth::exponent).to_le_bytes());
    bytes.extend_from_slice(&starts.map_or(0, Starts::count).to_le_bytes());
    bytes.extend_from_slice(&sight.number().to_le_bytes());
    bytes.resize(HEADER_BYTES, 0);
    bytes.extend(order.iter().flat_map(|(ordinal, _)| ordinal.to_le_bytes()));
    bytes.resize(layout.scales, 0);
    for &entry in &numbers {
        bytes.extend_from_slice(&entries.form(entry)?.to_stored().0);
    }
    bytes.resize(layout.margins, 0);
    for &entry in &numbers {
        bytes.extend_from_slice(entries.form(entry)?.to_stored().1.as_flattened());
    }
    for (plane, start) in layout.planes.into_iter().enumerate() {
        bytes.resize(start, 0);
        for &entry in &numbers {
            let rows = entries.rows(entry as usize, 1)?;
            bytes.extend_from_slice([rows.high, rows.low][plane]);
        }
    }
    for (layer, [places, lists]) in layers.iter().zip(&layout.layers) {
        if !layer.places.is_empty() {
            bytes.resize(places.start, 0);
            bytes.extend(layer.places.iter().flat_map(|place| place.to_bytes()));
        }
        bytes.resize(lists.start, 0);
        bytes.extend(layer.lists.iter().flat_map(|node| node.to_le_bytes()));
    }
    bytes.resize(layout.end, 0);
    Ok(bytes)
}
