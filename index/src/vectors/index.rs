//! The writer of a vector index.
//!
//! An entry is numbered once: those of the image first, in its order, then those of the tail in the
//! order of insertion. Replacing or removing a vector marks its entry as dead from a sequence number
//! on; nothing is taken away until the index is written anew.
//!
//! **Invariant:** of the entries of an ordinal at most one is alive at any sequence number. The
//! engine's fold owns the one `VectorIndex` of a space and calls it in the order of the log.

use std::sync::Arc;

use super::entries::Entries;
use super::graph::{GraphParams, GraphWriter, MAX_NODES, Terrain};
use super::image::{Image, Opened};
use super::kernels::{Kernel, Lane, lanes_for};
use super::metric::{MAX_DIMENSION, Metric, VectorError};
use super::quantize::{Clip, Quantizer, StoredMargins, StoredScale};
use super::sparse::{NONE, SparseTable};
use super::view::VectorView;
use crate::arena::Appender;
use crate::image::{ImageError, SharedSource};

/// A sequence number that no death reaches: a view at it sees what is alive now.
const NOW: u64 = u64::MAX - 1;

/// What the vectors of an index have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) dimension: usize,
    pub(super) metric: Metric,
    pub(super) clip: Clip,
    pub(super) kernel: Kernel,
}

impl Shape {
    /// Lanes in a plane of a code.
    pub(super) fn lanes(self) -> usize {
        lanes_for(self.dimension)
    }
}

/// What became of entries, shared by the writer and the views.
pub(super) struct History {
    /// Entry -> sequence number from which on it is dead.
    pub(super) died: SparseTable,
    /// Ordinal -> its newest entry in the tail.
    pub(super) newest: SparseTable,
    /// Entry in the tail -> the entry in the tail that it replaced.
    pub(super) previous: SparseTable,
}

/// Exact search over the vectors of one space: the writer. See the [module](super).
pub struct VectorIndex {
    shape: Shape,
    image: Option<Image>,
    high: Appender<Lane>,
    low: Appender<Lane>,
    scales: Appender<StoredScale>,
    margins: Appender<StoredMargins>,
    ordinals: Appender<u32>,
    /// Sequence number at which an entry of the tail was inserted; ascending.
    born: Appender<u64>,
    history: Arc<History>,
    graph: GraphWriter,
    /// The last sequence number that changed something.
    last_seq: u64,
    live: usize,
    quantizer: Quantizer,
}

impl VectorIndex {
    /// An empty index.
    ///
    /// # Panics
    /// If `dimension` is zero or above [`MAX_DIMENSION`].
    pub fn new(dimension: usize, metric: Metric) -> Self {
        Self::with_params(dimension, metric, GraphParams::default(), Clip::default())
    }

    /// An empty index whose graph is built by `params`, with codes that are cut by `clip`.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn with_params(dimension: usize, metric: Metric, params: GraphParams, clip: Clip) -> Self {
        assert!((1..=MAX_DIMENSION).contains(&dimension), "dimension {dimension} is in range");
        let shape = Shape { dimension, metric, clip, kernel: Kernel::detect() };
        Self::over(None, shape, GraphWriter::new(params, Vec::new(), 0, Terrain::default()))
    }

    /// The index whose image is `source`, which it reads in place.
    ///
    /// # Errors
    /// [`ImageError`] if the header, the length or the order of the entries is not that of an image.
    pub fn from_image(source: SharedSource) -> Result<Self, ImageError> {
        let Opened { image, dimension, metric, clip, params, terrain, layers } =
            Image::open(source)?;
        let shape = Shape { dimension, metric, clip, kernel: Kernel::detect() };
        let graph = GraphWriter::new(params, layers, image.linked() as u32, terrain);
        Ok(Self::over(Some(image), shape, graph))
    }

    fn over(image: Option<Image>, shape: Shape, graph: GraphWriter) -> Self {
        let live = image.as_ref().map_or(0, Image::len);
        let history = History {
            died: SparseTable::new(),
            newest: SparseTable::new(),
            previous: SparseTable::new(),
        };
        Self {
            shape,
            image,
            high: Appender::with_width(shape.lanes()),
            low: Appender::with_width(shape.lanes()),
            scales: Appender::new(),
            margins: Appender::new(),
            ordinals: Appender::new(),
            born: Appender::new(),
            history: Arc::new(history),
            graph,
            last_seq: 0,
            live,
            quantizer: Quantizer::default(),
        }
    }

    /// Number of components of each vector.
    pub fn dimension(&self) -> usize {
        self.shape.dimension
    }

    /// How vectors are compared.
    pub fn metric(&self) -> Metric {
        self.shape.metric
    }

    /// Has views taken from now on use `kernel`: for benches and tests, as results are the same.
    pub fn use_kernel(&mut self, kernel: Kernel) {
        self.shape.kernel = kernel;
    }

    /// Gives `ordinal` the vector `vector` from `seq` on, in place of the one it may have.
    ///
    /// `seq` does not go back. Costs about three nanoseconds per component.
    ///
    /// # Errors
    /// [`VectorError`]; nothing has changed then.
    pub fn insert(&mut self, ordinal: u32, vector: &[f32], seq: u64) -> Result<(), VectorError> {
        self.shape.metric.check(self.shape.dimension, vector)?;
        let replaced = self.live_entry(ordinal)?;
        let entries = self.entries();
        if entries >= MAX_NODES {
            return Err(VectorError::Full { entries });
        }
        let entry = entries as u32;

        let Shape { kernel, metric, clip, .. } = self.shape;
        let form = self.quantizer.quantize(kernel, metric, clip, vector);
        self.high.push_row(&self.quantizer.planes.high);
        self.low.push_row(&self.quantizer.planes.low);
        let (scale, margins) = form.to_stored();
        self.scales.push(scale);
        self.margins.push(margins);
        self.ordinals.push(ordinal);
        self.born.push(seq);
        self.graph.push(entry, ordinal);

        let previous = self.history.newest.get(ordinal);
        if previous != NONE {
            self.history.previous.store(entry, previous);
        }
        // Last of the two: who sees the entry as the newest sees what it replaced.
        self.history.newest.store(ordinal, u64::from(entry));
        match replaced {
            Some(old) => self.history.died.store(old, seq),
            None => self.live += 1,
        }
        self.advance(seq);
        Ok(())
    }

    /// Takes the vector of `ordinal` away from `seq` on. Was there one?
    ///
    /// # Errors
    /// [`ImageError`]; nothing has changed then.
    pub fn remove(&mut self, ordinal: u32, seq: u64) -> Result<bool, ImageError> {
        let Some(entry) = self.live_entry(ordinal)? else { return Ok(false) };
        self.history.died.store(entry, seq);
        self.live -= 1;
        self.advance(seq);
        Ok(true)
    }

    fn advance(&mut self, seq: u64) {
        debug_assert!(seq >= self.last_seq, "sequence numbers ascend");
        self.last_seq = seq;
    }

    fn live_entry(&self, ordinal: u32) -> Result<Option<u32>, ImageError> {
        self.entries_at(NOW, self.scales.len(), self.live).entry_of(ordinal)
    }

    /// The index as it was after the changes up to `seq`, and stays for ever.
    ///
    /// O(1) for the present. A view of the past (back to when this index was made or opened) counts
    /// what was alive.
    pub fn view(&self, seq: u64) -> VectorView {
        if seq >= self.last_seq {
            return self.over_entries(self.entries_at(seq, self.scales.len(), self.live));
        }
        let (mut low, mut high) = (0, self.born.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.born.get(middle).is_some_and(|&born| born <= seq) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut entries = self.entries_at(seq, low, 0);
        entries.recount();
        self.over_entries(entries)
    }

    fn over_entries(&self, entries: Entries) -> VectorView {
        VectorView { entries, graph: self.graph.view() }
    }

    fn entries_at(&self, seq: u64, tail: usize, live: usize) -> Entries {
        Entries {
            shape: self.shape,
            image: self.image.clone(),
            high: self.high.reader().truncated(tail),
            low: self.low.reader().truncated(tail),
            scales: self.scales.reader().truncated(tail),
            margins: self.margins.reader().truncated(tail),
            ordinals: self.ordinals.reader().truncated(tail),
            history: Arc::clone(&self.history),
            seq,
            live,
        }
    }

    /// The image of what is alive at `seq`; the same vectors give the same bytes.
    ///
    /// # Errors
    /// [`ImageError`] if the image under this index cannot be read.
    pub fn write_image(&self, seq: u64) -> Result<Vec<u8>, ImageError> {
        self.view(seq).write_image()
    }

    /// How the graph is built.
    pub fn params(&self) -> GraphParams {
        self.graph.params()
    }

    /// Number of entries that a search scans because they are not linked yet.
    pub fn unlinked(&self) -> usize {
        self.entries() - self.graph.linked()
    }

    /// Number of entries that were linked since the image was written.
    pub fn newly_linked(&self) -> usize {
        self.graph.linked() - self.image.as_ref().map_or(0, Image::linked)
    }

    /// Number of vectors.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Number of entries that were replaced or removed and still take space and time.
    pub fn dead(&self) -> usize {
        self.entries() - self.live
    }

    fn entries(&self) -> usize {
        self.image.as_ref().map_or(0, Image::len) + self.scales.len()
    }

    /// Memory of the tail and the marks; the image is the source's.
    pub fn heap_bytes(&self) -> usize {
        let planes = self.high.heap_bytes() + self.low.heap_bytes();
        let forms = self.scales.heap_bytes() + self.margins.heap_bytes();
        let tail = planes + forms + self.ordinals.heap_bytes();
        let History { died, newest, previous } = &*self.history;
        let marks = died.heap_bytes() + newest.heap_bytes() + previous.heap_bytes();
        tail + self.born.heap_bytes() + marks + self.graph.heap_bytes()
    }
}

impl std::fmt::Debug for VectorIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VectorIndex")
            .field("shape", &self.shape)
            .field("live", &self.live)
            .field("dead", &self.dead())
            .finish_non_exhaustive()
    }
}
