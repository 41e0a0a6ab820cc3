//! Recall: what is remembered about something.

use crate::answer::{give, ml_answer};
use crate::boundary::{Growing, out, sized};
use crate::call::on;
use crate::cancellation::{Cancelling, ml_cancellation};
use crate::db::{Open, ml_db};
use crate::error::{Failure, ml_error};
use crate::handle;
use crate::new_memory::{ml_new_memory, new_memory};
use crate::options::millis;
use crate::snapshot::{Snapshot, ml_snapshot};
use crate::status::ml_status;
use crate::text::{self, ml_text};
use crate::views::{ml_floats, ml_str};
use crate::write::filter_if;
use memlith::{Cancellation, Likeness, Recall, SearchEffort};
use memlith_json::{GatheredJson, ResemblanceJson};
use std::mem::offset_of;
use std::ptr;

/// `effort`: misses less than one neighbour of a hundred.
pub const ML_EFFORT_BALANCED: i32 = 0;
/// `effort`: misses a few of a hundred, and takes a third of the time.
pub const ML_EFFORT_FAST: i32 = -1;
/// `effort`: compares with every vector, and misses none.
pub const ML_EFFORT_EXACT: i32 = -2;

/// What to recall. Begin with `ml_recall_init()`. Text, a vector, both, or a filter alone. It has what most
/// recalls need; `ml_snapshot_recall_json` takes all there is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_recall {
    /// `sizeof(ml_recall)`.
    pub struct_size: usize,
    /// Words to find, or no text. Also embedded, where the database has an embedder and there is no vector.
    pub text: ml_str,
    /// A query vector, or none.
    pub vector: ml_floats,
    /// The vector space of `vector`; no text is `default`.
    pub space: ml_str,
    /// Only of this namespace; no text is all of them.
    pub ns: ml_str,
    /// Only what this filter matches, or no text. The language: docs/filters.md.
    pub filter: ml_str,
    /// At most so many hits, up to 10,000.
    pub limit: usize,
    /// Only hits that score at least this; NAN is any.
    pub min_score: f32,
    /// How much the words count.
    pub text_weight: f32,
    /// How much the nearness counts.
    pub vector_weight: f32,
    /// How much it counts how new a memory is.
    pub recency_weight: f32,
    /// How much it counts how important a memory is.
    pub importance_weight: f32,
    /// `ML_EFFORT_BALANCED`, `ML_EFFORT_FAST`, `ML_EFFORT_EXACT`, or how many vectors the search keeps on
    /// its way, 1 to 4,096.
    pub effort: i32,
    /// After how long the score of recency has halved.
    pub half_life_ms: u64,
    /// Give up with `ML_DEADLINE_EXCEEDED` after so long; 0 is never.
    pub deadline_ms: u64,
    /// Not 0: also memories that another one supersedes.
    pub include_superseded: i32,
    /// Not 0: each hit of `ml_answer_json` says why it is there.
    pub explain: i32,
    /// What another thread may end it by, or NULL.
    pub cancellation: *const ml_cancellation,
}

impl ml_recall {
    const DEFAULT: ml_recall = ml_recall {
        struct_size: size_of::<ml_recall>(),
        text: ml_str::NONE,
        vector: ml_floats::NONE,
        space: ml_str::NONE,
        ns: ml_str::NONE,
        filter: ml_str::NONE,
        limit: 10,
        min_score: f32::NAN,
        text_weight: 1.0,
        vector_weight: 1.0,
        recency_weight: 0.0,
        importance_weight: 0.0,
        effort: ML_EFFORT_BALANCED,
        half_life_ms: 30 * 24 * 3_600_000,
        deadline_ms: 0,
        include_superseded: 0,
        explain: 0,
        cancellation: ptr::null(),
    };
}

// SAFETY: numbers and pointers behind a size.
unsafe impl Growing for ml_recall {
    const FIRST_SIZE: usize = offset_of!(ml_recall, cancellation);
}

/// Recalls from the newest state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_recall(
    db: *const ml_db,
    request: *const ml_recall,
    answer: *mut *mut ml_answer,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let place = out(answer, "answer")?;
        let request = recall(request)?;
        give(open.db.recall(&request)?, request.explain, place)
    })
}

/// Recalls from a snapshot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_recall(
    snapshot: *const ml_snapshot,
    request: *const ml_recall,
    answer: *mut *mut ml_answer,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let place = out(answer, "answer")?;
        let request = recall(request)?;
        give(snapshot.0.recall(&request)?, request.explain, place)
    })
}

/// Recalls from a snapshot what a JSON object asks for; it can ask for more than `ml_recall`:
///
/// `{"text": "…", "vector": {"default": [0.1, …], "picture": […]}, "also_embedded_in": ["…"],
/// "namespace": "…", "filter": "kind:plan", "limit": 3, "min_score": 0.2, "weights": {"text": 1, "vector":
/// 1, "recency": 0.2, "importance": 0, "context": 1}, "half_life_seconds": 86400, "effort": "exact",
/// "deadline_ms": 50, "include_superseded": true, "explain": true, "signs": true, "offset": 10, "cut": 0.5,
/// "diversity": 0.3, "max_tokens": 2000, "snippet": 120, "neighbours": 1, "reciprocal_rank": 60}`, all of it
/// optional. `"cut"` may also be `"gap"`. Snippets and neighbours are in `ml_answer_json`. `cancellation` is what
/// another thread may end it by, or NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_recall_json(
    snapshot: *const ml_snapshot,
    request: ml_str,
    cancellation: *const ml_cancellation,
    answer: *mut *mut ml_answer,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let place = out(answer, "answer")?;
        let request = memlith_json::recall_from_json(request.bytes("request")?);
        let mut request = request.map_err(|why| Failure::invalid(format!("request: {why}")))?;
        request.cancellation = cancelling(cancellation)?;
        give(snapshot.0.recall(&request)?, request.explain, place)
    })
}

/// What an agent puts into its next prompt: the last turns of a session, what is like what was said, and
/// what else was said in the channel, of one instant and within one budget of tokens (of four bytes each):
/// `{"session": "today", "text": "…", "vector": […], "channel": "kitchen", "namespace", "filter", "limit":
/// 20, "max_tokens": 2000, "deadline_ms": 50}`, all of it optional. The answer is `{"recent": [{"id", "number",
/// "text", "agent"}], "similar": [{…, "score"}], "channel": […], "tokens", "seq", "us"}`. `cancellation` is as
/// above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_context_json(
    snapshot: *const ml_snapshot,
    request: ml_str,
    cancellation: *const ml_cancellation,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let place = out(json, "json")?;
        let request = memlith_json::context_from_json(request.bytes("request")?);
        let mut request = request.map_err(|why| Failure::invalid(format!("request: {why}")))?;
        request.cancellation = cancelling(cancellation)?;
        text::give_json(&GatheredJson::new(&snapshot.0.context(&request)?), place)
    })
}

/// What a memory that is yet to be remembered would repeat: memories in force, of its namespace, the most alike
/// first, as a JSON array of `{"number", "words", "vector"}`. One counts if at least the part `words` of the three
/// words in a row of both is common to them, or if the cosine of their vectors in one space is at least `vector`;
/// NAN leaves that to the library (0.8 and 0.97). Nothing is remembered, and nothing embedded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_resembling(
    snapshot: *const ml_snapshot,
    memory: *const ml_new_memory,
    words: f32,
    vector: f32,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let place = out(json, "json")?;
        let usual = Likeness::default();
        let or = |given: f32, usual: f32| if given.is_nan() { usual } else { given };
        let from = Likeness::new(or(words, usual.words), or(vector, usual.vector));
        let found = snapshot.0.resembling(&new_memory(memory)?, from)?;
        let found: Vec<ResemblanceJson> = found.into_iter().map(Into::into).collect();
        text::give_json(&found, place)
    })
}

fn recall(pointer: *const ml_recall) -> Result<Recall, Failure> {
    let given = sized(pointer, ml_recall::DEFAULT, "request")?;
    let owned = |text: ml_str, what| Ok::<_, Failure>(text.optional(what)?.map(str::to_owned));
    let mut recall = Recall::new();
    recall.text = owned(given.text, "text")?;
    recall.vector = given.vector.optional("vector")?.map(<[f32]>::to_vec);
    recall.space = owned(given.space, "space")?;
    recall.namespace = owned(given.ns, "ns")?;
    recall.filter = filter_if(given.filter)?;
    recall.limit = given.limit;
    recall.min_score = (!given.min_score.is_nan()).then_some(given.min_score);
    recall.weights.text = given.text_weight;
    recall.weights.vector = given.vector_weight;
    recall.weights.recency = given.recency_weight;
    recall.weights.importance = given.importance_weight;
    recall.effort = effort(given.effort)?;
    recall.half_life = millis(given.half_life_ms);
    recall.deadline = (given.deadline_ms > 0).then(|| millis(given.deadline_ms));
    recall.include_superseded = given.include_superseded != 0;
    recall.explain = given.explain != 0;
    recall.cancellation = cancelling(given.cancellation)?;
    Ok(recall)
}

/// What ends a call, if that was given.
pub(crate) fn cancelling(given: *const ml_cancellation) -> Result<Option<Cancellation>, Failure> {
    if given.is_null() {
        return Ok(None);
    }
    Ok(Some(handle::get::<Cancelling>(given)?.0.clone()))
}

pub(crate) fn effort(number: i32) -> Result<SearchEffort, Failure> {
    match number {
        ML_EFFORT_BALANCED => Ok(SearchEffort::Balanced),
        ML_EFFORT_FAST => Ok(SearchEffort::Fast),
        ML_EFFORT_EXACT => Ok(SearchEffort::Exact),
        ef => usize::try_from(ef)
            .map(SearchEffort::Ef)
            .map_err(|_| Failure::invalid("effort: must be one of ML_EFFORT_..., or 1 to 4,096")),
    }
}
