//! Memories that the library hands out.

use crate::boundary::{Growing, Out, out, set_sized};
use crate::call::on;
use crate::error::{Failure, ml_error};
use crate::handle::{self, object};
use crate::new_memory::ML_NO_TIME;
use crate::status::ml_status;
use crate::views::ml_str;
use memlith::Memory;
use serde_json::Value;
use std::ptr;
use std::sync::OnceLock;

/// Memories that were read. Yours: give them back with `ml_memories_free`.
///
/// Threads: usable from any thread, by several at once. They hold no snapshot and no file.
pub struct ml_memories {
    _opaque: [u8; 0],
}

/// A memory that was read. Begin with `ml_memory_init()`. Its texts lie in the object that it was got
/// from, and are valid until that is given back.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_memory {
    /// `sizeof(ml_memory)`.
    pub struct_size: usize,
    /// Its number in the file. 0 is no memory.
    pub id: u64,
    /// Whose memory it is.
    pub ns: ml_str,
    /// Your own id, or no text.
    pub external_id: ml_str,
    /// What is remembered.
    pub content: ml_str,
    /// What sort of memory it is, or no text.
    pub kind: ml_str,
    /// A JSON object, or no text.
    pub metadata: ml_str,
    /// Who said or did it, or no text.
    pub agent: ml_str,
    /// The conversation or task it belongs to, or no text.
    pub session: ml_str,
    /// The project it belongs to, or no text.
    pub project: ml_str,
    /// Where it came in, or no text.
    pub channel: ml_str,
    /// Where it was taken from, or no text.
    pub source: ml_str,
    /// Tags, sorted.
    pub tags: *const ml_str,
    /// How many.
    pub tag_count: usize,
    /// Names of the vector spaces that have an embedding of it, sorted.
    pub spaces: *const ml_str,
    /// How many.
    pub space_count: usize,
    /// From 0 to 1.
    pub importance: f32,
    /// From -1 to 1.
    pub valence: f32,
    /// For filters and sorting.
    pub priority: i64,
    /// When it happened.
    pub created_ms: i64,
    /// When it was last written.
    pub updated_ms: i64,
    /// From when on it is no longer found, or `ML_NO_TIME`.
    pub expires_ms: i64,
    /// The memory that this one replaces, or 0.
    pub supersedes: u64,
    /// The memory that replaces this one, or 0.
    pub superseded_by: u64,
    /// When it was superseded, or `ML_NO_TIME`.
    pub superseded_ms: i64,
    /// How often it was read or recalled.
    pub accesses: u64,
    /// When it was last, or `ML_NO_TIME`.
    pub accessed_ms: i64,
}

// SAFETY: numbers and pointers behind a size.
unsafe impl Growing for ml_memory {
    const FIRST_SIZE: usize = size_of::<ml_memory>();
}

/// What C needs beside a memory. Made when somebody looks: many have neither metadata nor tags.
#[derive(Default)]
pub(crate) struct Shown(OnceLock<Views>);

struct Views {
    metadata: Option<String>,
    tags: Vec<ml_str>,
    spaces: Vec<ml_str>,
}

// SAFETY: the pointers lead into strings of the memory that stands beside it, which nothing changes or moves.
unsafe impl Send for Views {}
// SAFETY: as above: they are only read.
unsafe impl Sync for Views {}

impl Shown {
    /// The memory that this stands beside, as C sees it.
    pub(crate) fn view(&self, memory: &Memory) -> ml_memory {
        let shown = self.0.get_or_init(|| Views {
            metadata: (memory.metadata != Value::Null).then(|| memory.metadata.to_string()),
            tags: memory.tags.iter().map(|tag| ml_str::of(tag)).collect(),
            spaces: memory.spaces.iter().map(|space| ml_str::of(space)).collect(),
        });
        let text = |text: &Option<String>| ml_str::of_option(text.as_deref());
        ml_memory {
            struct_size: size_of::<ml_memory>(),
            id: memory.id.0,
            ns: ml_str::of(&memory.namespace),
            external_id: text(&memory.external_id),
            content: ml_str::of(&memory.content),
            kind: text(&memory.kind),
            metadata: text(&shown.metadata),
            agent: text(&memory.agent),
            session: text(&memory.session),
            project: text(&memory.project),
            channel: text(&memory.channel),
            source: text(&memory.source),
            tags: array(&shown.tags),
            tag_count: shown.tags.len(),
            spaces: array(&shown.spaces),
            space_count: shown.spaces.len(),
            importance: memory.importance,
            valence: memory.valence,
            priority: memory.priority,
            created_ms: memory.created_ms,
            updated_ms: memory.updated_ms,
            expires_ms: memory.expires_ms.unwrap_or(ML_NO_TIME),
            supersedes: memory.supersedes.map_or(0, |id| id.0),
            superseded_by: memory.superseded_by.map_or(0, |id| id.0),
            superseded_ms: memory.superseded_ms.unwrap_or(ML_NO_TIME),
            accesses: memory.accesses,
            accessed_ms: memory.accessed_ms.unwrap_or(ML_NO_TIME),
        }
    }
}

fn array(views: &[ml_str]) -> *const ml_str {
    if views.is_empty() { ptr::null() } else { views.as_ptr() }
}

/// What a handle of memories stands for; places may be empty.
pub(crate) struct Memories(Vec<Option<(Memory, Shown)>>);

object!(Memories, ml_memories, 4, "list of memories");

/// Hands memories out.
pub(crate) fn give(
    memories: impl IntoIterator<Item = Option<Memory>>,
    to: Out<*mut ml_memories>,
) -> Result<(), Failure> {
    let items = memories
        .into_iter()
        .map(|memory| memory.map(|memory| (memory, Shown::default())))
        .collect();
    to.set(handle::give(Memories(items))?);
    Ok(())
}

/// How many there are; 0 if this is no such handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_memories_len(memories: *const ml_memories) -> usize {
    handle::get::<Memories>(memories).map_or(0, |memories| memories.0.len())
}

/// The memory at `index`, from 0. `ML_NOT_FOUND` behind the end, and at the place of an id that there is
/// no memory of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_memories_at(
    memories: *const ml_memories,
    index: usize,
    memory: *mut ml_memory,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Memories>(memories, error, |memories| {
        let found = memories.0.get(index).and_then(Option::as_ref);
        let (found, shown) = found.ok_or_else(|| {
            Failure::new(ml_status::ML_NOT_FOUND, format!("there is no memory at {index}"))
        })?;
        set_sized(memory, &shown.view(found), "memory")
    })
}

/// Gives memories back. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_memories_free(memories: *mut ml_memories) -> ml_status {
    crate::call::free::<Memories>(memories)
}

/// A place for one.
pub(crate) fn place(memories: *mut *mut ml_memories) -> Result<Out<*mut ml_memories>, Failure> {
    out(memories, "memories")
}
