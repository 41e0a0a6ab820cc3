//! Many memories at once, as columns.

use crate::boundary::{Growing, list, list_if, list_out, sized};
use crate::error::Failure;
use crate::new_memory::{common, limit, metadata, ml_new_memory, time};
use crate::views::ml_str;
use memlith::{DEFAULT_SPACE, MAX_DIMENSIONS, MemoryId, NewMemory};
use std::ptr;

/// Memories in a batch at most.
pub const ML_MAX_BATCH: usize = 1 << 20;

/// Many memories at once, as columns: a memory takes the entry of its row from each. Begin with
/// `ml_batch_init()`. A column that is NULL leaves it to `common`.
///
/// Vectors are read where they lie, from one matrix: nothing is copied before it is written.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_batch {
    /// `sizeof(ml_batch)`.
    pub struct_size: usize,
    /// How many memories.
    pub count: usize,
    /// What they have in common, or NULL. Its content and its vectors must be missing.
    pub common: *const ml_new_memory,
    /// What is remembered: the one column that must be there.
    pub contents: *const ml_str,
    /// Your own ids; no text is none.
    pub external_ids: *const ml_str,
    /// What sort each is; no text is none.
    pub kinds: *const ml_str,
    /// JSON objects; no text is none.
    pub metadata: *const ml_str,
    /// When each happened; `ML_NO_TIME` is now.
    pub created_ms: *const i64,
    /// How important each is.
    pub importances: *const f32,
    /// The vector space of `vectors`; no text is `default`.
    pub space: ml_str,
    /// A matrix of `count` rows of `dimension` numbers each, or NULL.
    pub vectors: *const f32,
    /// Numbers of a row.
    pub dimension: usize,
    /// Numbers from the beginning of a row to that of the next; 0 is `dimension`.
    pub stride: usize,
}

impl ml_batch {
    const EMPTY: ml_batch = ml_batch {
        struct_size: size_of::<ml_batch>(),
        count: 0,
        common: ptr::null(),
        contents: ptr::null(),
        external_ids: ptr::null(),
        kinds: ptr::null(),
        metadata: ptr::null(),
        created_ms: ptr::null(),
        importances: ptr::null(),
        space: ml_str::NONE,
        vectors: ptr::null(),
        dimension: 0,
        stride: 0,
    };
}

// SAFETY: numbers and pointers behind a size.
unsafe impl Growing for ml_batch {
    const FIRST_SIZE: usize = size_of::<ml_batch>();
}

/// The memories of a batch.
pub(crate) fn memories(pointer: *const ml_batch) -> Result<Vec<NewMemory>, Failure> {
    let batch = sized(pointer, ml_batch::EMPTY, "batch")?;
    limit("count of a batch", batch.count, ML_MAX_BATCH)?;
    let mut template = NewMemory::new("");
    if !batch.common.is_null() {
        let given = sized(batch.common, ml_new_memory::DEFAULT, "common")?;
        if !given.content.ptr.is_null() || given.vector_count > 0 {
            return Err(Failure::invalid("content and vectors cannot be in common"));
        }
        template = common(&given)?;
    }
    let contents = list(batch.contents, batch.count, "contents")?;
    let external_ids = list_if(batch.external_ids, batch.count, "external_ids")?;
    let kinds = list_if(batch.kinds, batch.count, "kinds")?;
    let metadatas = list_if(batch.metadata, batch.count, "metadata")?;
    let created = list_if(batch.created_ms, batch.count, "created_ms")?;
    let importances = list_if(batch.importances, batch.count, "importances")?;
    let rows = MatrixRows::of(batch.vectors, batch.count, (batch.dimension, batch.stride))?;
    let space = batch.space.optional("space")?.unwrap_or(DEFAULT_SPACE);

    let mut memories = Vec::with_capacity(batch.count);
    for (at, content) in contents.iter().enumerate() {
        let mut memory = template.clone();
        memory.content = content.required("content")?.into();
        if let Some(id) = external_ids.get(at) {
            memory.external_id = id.optional("external_id")?.map(str::to_owned);
        }
        if let Some(kind) = kinds.get(at) {
            memory.kind = kind.optional("kind")?.map(str::to_owned);
        }
        if let Some(text) = metadatas.get(at)
            && let Some(text) = text.optional("metadata")?
        {
            memory.metadata = metadata(text)?;
        }
        if let Some(ms) = created.get(at) {
            memory.created_ms = time(*ms);
        }
        if let Some(importance) = importances.get(at) {
            memory.importance = *importance;
        }
        if let Some(row) = rows.map(|rows| rows.row(at)) {
            memory.vectors.push((space.to_owned(), row.to_vec()));
        }
        memories.push(memory);
    }
    Ok(memories)
}

/// A matrix with a row for each entry of a batch.
#[derive(Clone, Copy)]
pub(crate) struct MatrixRows {
    /// From its first number to its last.
    numbers: &'static [f32],
    dimension: usize,
    stride: usize,
}

impl MatrixRows {
    /// That of `count` rows; none without numbers.
    pub(crate) fn of(
        vectors: *const f32,
        count: usize,
        (dimension, stride): (usize, usize),
    ) -> Result<Option<Self>, Failure> {
        if vectors.is_null() || count == 0 {
            return Ok(None);
        }
        limit("dimension", dimension, MAX_DIMENSIONS)?;
        let stride = if stride == 0 { dimension } else { stride };
        if stride < dimension {
            return Err(Failure::invalid("stride: must be 0, or at least the dimension"));
        }
        let too_many = || Failure::new(crate::ml_status::ML_BAD_SIZE, "vectors: impossible length");
        let len = (count - 1).checked_mul(stride).and_then(|n| n.checked_add(dimension));
        let numbers = list(vectors, len.ok_or_else(too_many)?, "vectors")?;
        Ok(Some(MatrixRows { numbers, dimension, stride }))
    }

    /// That of an entry of the batch.
    pub(crate) fn row(self, at: usize) -> &'static [f32] {
        &self.numbers[at * self.stride..at * self.stride + self.dimension]
    }
}

/// Writes the numbers of new memories to where the caller wants them, if it does.
pub(crate) fn set_ids(ids: *mut u64, found: &[MemoryId]) -> Result<(), Failure> {
    if ids.is_null() {
        return Ok(());
    }
    for (place, id) in list_out(ids, found.len(), "ids")?.iter_mut().zip(found) {
        place.write(id.0);
    }
    Ok(())
}
