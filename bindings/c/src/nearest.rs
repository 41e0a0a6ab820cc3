//! Nearest: vectors alone, many at once.

use crate::boundary::{Growing, list, list_out, out, sized};
use crate::call::on;
use crate::cancellation::ml_cancellation;
use crate::error::{Failure, ml_error};
use crate::new_memory::limit;
use crate::options::millis;
use crate::recall::{ML_EFFORT_BALANCED, cancelling, effort};
use crate::snapshot::{Snapshot, ml_snapshot};
use crate::status::ml_status;
use crate::views::ml_str;
use crate::write::filter_if;
use memlith::{DEFAULT_SPACE, MAX_DIMENSIONS, MAX_LIMIT, MAX_SPACES, Nearest};
use std::mem::offset_of;
use std::ptr;

/// Vectors of a search at most.
pub const ML_MAX_QUERIES: usize = 10_000;

/// What to look for. Begin with `ml_nearest_init()`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_nearest {
    /// `sizeof(ml_nearest)`.
    pub struct_size: usize,
    /// A matrix of `count` rows of `dimension` numbers each.
    pub vectors: *const f32,
    /// How many vectors.
    pub count: usize,
    /// Numbers of each.
    pub dimension: usize,
    /// The vector space; no text is `default`.
    pub space: ml_str,
    /// Only of this namespace; no text is all of them.
    pub ns: ml_str,
    /// Only what this filter matches, or no text.
    pub filter: ml_str,
    /// At most so many neighbours of each, up to 10,000.
    pub limit: usize,
    /// Only neighbours that score at least this; NAN is any.
    pub min_score: f32,
    /// As that of `ml_recall`.
    pub effort: i32,
    /// Not 0: also memories that another one supersedes.
    pub include_superseded: i32,
    /// 0.
    pub reserved: i32,
    /// Vectors of other spaces for the same queries: scores of several spaces are put on one scale from 0 to
    /// 1, and a memory has the sum of them. NULL is none.
    pub also: *const ml_matrix,
    /// How many.
    pub also_count: usize,
    /// Give up with `ML_DEADLINE_EXCEEDED` after so long; 0 is never.
    pub deadline_ms: u64,
    /// What another thread may end it by, or NULL.
    pub cancellation: *const ml_cancellation,
}

/// Vectors of a space: as many rows as there are queries.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_matrix {
    /// The name of the space.
    pub space: ml_str,
    /// Rows of `dimension` numbers each.
    pub vectors: *const f32,
    /// Numbers of a row.
    pub dimension: usize,
}

impl ml_nearest {
    const DEFAULT: ml_nearest = ml_nearest {
        struct_size: size_of::<ml_nearest>(),
        vectors: ptr::null(),
        count: 0,
        dimension: 0,
        space: ml_str::NONE,
        ns: ml_str::NONE,
        filter: ml_str::NONE,
        limit: 10,
        min_score: f32::NAN,
        effort: ML_EFFORT_BALANCED,
        include_superseded: 0,
        reserved: 0,
        also: ptr::null(),
        also_count: 0,
        deadline_ms: 0,
        cancellation: ptr::null(),
    };
}

// SAFETY: numbers and pointers behind a size.
unsafe impl Growing for ml_nearest {
    const FIRST_SIZE: usize = offset_of!(ml_nearest, also);
}

/// The memories whose vectors are nearest to each of several, best first. Does not count as an access.
///
/// `ids` and `scores` are matrices with a row of `limit` places for each vector; places behind the
/// neighbours that there are get 0 and NAN.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_nearest(
    snapshot: *const ml_snapshot,
    request: *const ml_nearest,
    ids: *mut u64,
    scores: *mut f32,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let given = sized(request, ml_nearest::DEFAULT, "request")?;
        limit("limit", given.limit, MAX_LIMIT)?;
        let request = nearest(&given)?;
        // Both are bounded, so that the product is.
        let places = given.count * given.limit;
        let ids = list_out(ids, places, "ids")?;
        let scores = list_out(scores, places, "scores")?;
        let found = snapshot.0.nearest(&request)?;
        let rows = ids.chunks_mut(given.limit.max(1)).zip(scores.chunks_mut(given.limit.max(1)));
        for ((ids, scores), neighbours) in rows.zip(&found) {
            for (at, (id, score)) in ids.iter_mut().zip(scores).enumerate() {
                let neighbour = neighbours.get(at);
                id.write(neighbour.map_or(0, |n| n.id.0));
                score.write(neighbour.map_or(f32::NAN, |n| n.score));
            }
        }
        Ok(())
    })
}

fn nearest(given: &ml_nearest) -> Result<Nearest, Failure> {
    limit("count", given.count, ML_MAX_QUERIES)?;
    limit("dimension", given.dimension, MAX_DIMENSIONS)?;
    let numbers = list(given.vectors, given.count * given.dimension, "vectors")?;
    let vectors = numbers.chunks(given.dimension.max(1)).map(<[f32]>::to_vec).collect();
    let mut request = Nearest::to_each(vectors);
    request.space = given.space.optional("space")?.map(str::to_owned);
    request.namespace = given.ns.optional("ns")?.map(str::to_owned);
    request.filter = filter_if(given.filter)?;
    request.limit = given.limit;
    request.min_score = (!given.min_score.is_nan()).then_some(given.min_score);
    request.effort = effort(given.effort)?;
    request.include_superseded = given.include_superseded != 0;
    request.deadline = (given.deadline_ms > 0).then(|| millis(given.deadline_ms));
    request.cancellation = cancelling(given.cancellation)?;
    limit("also_count", given.also_count, MAX_SPACES)?;
    for matrix in list(given.also, given.also_count, "also")? {
        limit("dimension", matrix.dimension, MAX_DIMENSIONS)?;
        let numbers = list(matrix.vectors, given.count * matrix.dimension, "vectors")?;
        let rows = numbers.chunks(matrix.dimension.max(1)).map(<[f32]>::to_vec).collect();
        request = request.also_each_in(matrix.space.required("space")?, rows);
    }
    Ok(request)
}

/// How good a search is in a space (no text is `default`): searches it for `samples` of its own vectors, once
/// with `effort` (as that of `ml_recall`) and once exactly. `found` gets the share of their ten nearest that
/// it finds, from 0 to 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_check_recall(
    snapshot: *const ml_snapshot,
    space: ml_str,
    effort: i32,
    samples: usize,
    found: *mut f64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let place = out(found, "found")?;
        let space = space.optional("space")?.unwrap_or(DEFAULT_SPACE);
        let check = snapshot.0.check_recall(space, crate::recall::effort(effort)?, samples)?;
        place.set(check.recall);
        Ok(())
    })
}
