//! Ours: the vector index of `memlith-index`, as an engine has it after a checkpoint.
//!
//! The index holds codes and a graph, not vectors; a search reads those that it scores in full. As in
//! the engine the image is a mapped file, or is read into memory; the vectors lie in memory here, and both
//! count as its bytes.

use super::{Contender, Parameters};
use crate::Failure;
use crate::data::Matrix;
use crate::data::bits::Bits;
use memlith_index::image::{ImageError, Source};
use memlith_index::vectors::{
    Clip, Effort, GraphParams, Metric, Search, SearchLimits, VectorIndex, VectorView, Vectors,
};
use memmap2::{Mmap, MmapMut};
use roaring::RoaringBitmap;
use std::convert::Infallible;
use std::fs::{self, File};
use std::marker::PhantomData;
use std::ops::Deref;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Dead and unsaved entries, as a part of the live ones, from which on the engine writes the image anew.
const UNSAVED_SHARE: usize = 4;

pub(crate) struct Memlith<I> {
    index: VectorIndex,
    /// Of the last change: what is searched.
    view: VectorView,
    /// Row `id` is the vector of `id`.
    vectors: Matrix,
    seq: u64,
    /// Where images are written.
    folder: PathBuf,
    /// Entries since the image was written, …
    unsaved: usize,
    /// … and its length.
    image_bytes: usize,
    _image: PhantomData<I>,
}

impl<I: Keep> Memlith<I> {
    /// Does what the engine does in the background: links, and writes the image where it pays.
    fn settle(&mut self) -> Result<(), Failure> {
        self.view = self.index.view(self.seq);
        self.view.link(usize::MAX, &mut || true)?;
        if self.unsaved + self.view.dead() >= (self.view.live() / UNSAVED_SHARE).max(1) {
            let image = Image(I::keep(&self.folder, &self.view.write_image()?)?);
            self.image_bytes = image.len();
            self.index = VectorIndex::from_image(Arc::new(image))?;
            self.view = self.index.view(self.seq);
            self.unsaved = 0;
        }
        Ok(())
    }

    fn put(&mut self, id: u32, vector: &[f32]) -> Result<(), Failure> {
        self.index.insert(id, vector, self.seq)?;
        self.unsaved += 1;
        Ok(())
    }
}

impl<I: Keep> Contender for Memlith<I> {
    type Filter = RoaringBitmap;

    const NOTE: &'static str = I::NOTE;

    fn build(parameters: Parameters<'_>, vectors: &Matrix) -> Result<Self, Failure> {
        let Parameters { m, ef_construction, folder } = parameters;
        let params = GraphParams::new(m, ef_construction).ok_or("no graph has such parameters")?;
        let dimension = vectors.dimension();
        let index = VectorIndex::with_params(dimension, Metric::Cosine, params, Clip::default());
        let view = index.view(0);
        let mut memlith = Self {
            index,
            view,
            vectors: vectors.clone(),
            seq: 1,
            folder: folder.to_path_buf(),
            unsaved: 0,
            image_bytes: 0,
            _image: PhantomData,
        };
        for (id, vector) in (0..).zip(vectors.rows()) {
            memlith.put(id, vector)?;
        }
        memlith.settle()?;
        Ok(memlith)
    }

    fn filter(bits: &Bits) -> RoaringBitmap {
        bits.to_roaring()
    }

    fn search(
        &self,
        query: &[f32],
        k: usize,
        effort: u32,
        filter: Option<&RoaringBitmap>,
    ) -> Result<Vec<u32>, Failure> {
        let search =
            Search { query, k, filter, effort: Effort::Ef(effort as usize), scan_below: 0 };
        let found = self.view.find(search, SearchLimits::none(), &mut Rows(&self.vectors))?;
        Ok(found.hits.iter().map(|hit| hit.ordinal).collect())
    }

    fn bytes(&self) -> Option<u64> {
        let vectors = size_of_val(self.vectors.values());
        Some((self.index.heap_bytes() + self.image_bytes + vectors) as u64)
    }

    fn remove(&mut self, ids: &[u32]) -> Result<(), Failure> {
        self.seq += 1;
        for &id in ids {
            self.index.remove(id, self.seq)?;
        }
        self.settle()
    }

    fn insert(&mut self, entries: &[(u32, &[f32])]) -> Result<(), Failure> {
        self.seq += 1;
        for &(id, vector) in entries {
            self.put(id, vector)?;
            self.vectors.row_mut(id as usize).copy_from_slice(vector);
        }
        self.settle()
    }
}

/// The vectors as they lie in memory.
struct Rows<'a>(&'a Matrix);

impl Vectors for Rows<'_> {
    type Error = Infallible;

    fn read(&mut self, id: u32, out: &mut [f32]) -> Result<(), Infallible> {
        out.copy_from_slice(self.0.row(id as usize));
        Ok(())
    }

    fn expect(&mut self, ids: &[u32]) {
        for &id in ids {
            prefetch(self.0.row(id as usize));
        }
    }
}

/// Asks for the cache lines of a vector.
fn prefetch(vector: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in vector.chunks(64 / size_of::<f32>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[expect(unsafe_code, reason = "a prefetch takes a pointer")]
        // SAFETY: every x86-64 has the instruction, and it faults on no address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = vector;
}

/// How an image is kept where searches read it.
pub(crate) trait Keep: Deref<Target = [u8]> + Send + Sync + Sized + 'static {
    const NOTE: &'static str;

    fn keep(folder: &Path, image: &[u8]) -> Result<Self, Failure>;
}

/// As the engine has it unless it is told otherwise.
impl Keep for Mmap {
    const NOTE: &'static str = "own bytes include the vectors in full precision";

    /// Writes the image to a file of the folder and maps it, all of it in memory.
    fn keep(folder: &Path, image: &[u8]) -> Result<Self, Failure> {
        let path = folder.join("memlith");
        fs::write(&path, image)?;
        let file = File::open(&path)?;
        #[expect(unsafe_code, reason = "maps a file, which others must not change")]
        // SAFETY: the folder is this process's own; the name is taken away, so that the next image
        // gets a file of its own.
        let map = unsafe { Mmap::map(&file)? };
        fs::remove_file(&path)?;
        #[cfg(target_os = "linux")]
        map.advise(memmap2::Advice::PopulateRead)?;
        Ok(map)
    }
}

/// As the engine has it where mapping is off.
impl Keep for MmapMut {
    const NOTE: &'static str = "its image is read into memory, in large pages";

    fn keep(_: &Path, image: &[u8]) -> Result<Self, Failure> {
        let mut memory = MmapMut::map_anon(image.len())?;
        #[cfg(target_os = "linux")]
        memory.advise(memmap2::Advice::HugePage)?;
        memory.copy_from_slice(image);
        Ok(memory)
    }
}

struct Image<I>(I);

impl<I: Keep> Source for Image<I> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, range: Range<usize>) -> Result<&[u8], ImageError> {
        let (end, len) = (range.end, self.0.len());
        self.0.get(range).ok_or(ImageError::Truncated { end, len })
    }

    fn verified(&self) -> Option<&[u8]> {
        Some(&self.0)
    }
}
