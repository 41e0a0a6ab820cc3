//! What a recall found.

use crate::boundary::{Growing, Out, out, set_sized};
use crate::call::on;
use crate::error::{Failure, ml_error};
use crate::handle::{self, object};
use crate::memories::{Shown, ml_memory};
use crate::status::ml_status;
use crate::text::{self, ml_text};
use memlith::{Hit, Recalled};
use memlith_json::AnswerJson;

/// What a recall found. Yours: give it back with `ml_answer_free`.
///
/// Threads: usable from any thread, by several at once. It holds no snapshot and no file.
pub struct ml_answer {
    _opaque: [u8; 0],
}

/// A hit. Begin with `ml_hit_init()`. Texts of its memory lie in the answer.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_hit {
    /// `sizeof(ml_hit)`.
    pub struct_size: usize,
    /// Of a request with one leg: its raw score, such as the cosine. Of one with several: the sum of their
    /// scores, each between 0 and 1 and times its weight.
    pub score: f32,
    /// 0.
    pub reserved: u32,
    /// The number of the memory. `ml_answer_memory` has the rest of it.
    pub id: u64,
}

// SAFETY: numbers behind a size.
unsafe impl Growing for ml_hit {
    const FIRST_SIZE: usize = size_of::<ml_hit>();
}

/// What an answer handle stands for.
pub(crate) struct Answer {
    recalled: Recalled,
    /// Beside each hit.
    shown: Vec<Shown>,
    is_explained: bool,
}

object!(Answer, ml_answer, 7, "answer");

impl Answer {
    fn hit(&self, index: usize) -> Result<(&Hit, &Shown), Failure> {
        let hit = self.recalled.hits.get(index).zip(self.shown.get(index));
        let message = || format!("there is no hit at {index}");
        hit.ok_or_else(|| Failure::new(ml_status::ML_NOT_FOUND, message()))
    }
}

/// Hands an answer out.
pub(crate) fn give(
    recalled: Recalled,
    is_explained: bool,
    to: Out<*mut ml_answer>,
) -> Result<(), Failure> {
    let shown = recalled.hits.iter().map(|_| Shown::default()).collect();
    to.set(handle::give(Answer { recalled, shown, is_explained })?);
    Ok(())
}

/// How many hits there are, best first; 0 if this is no such handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_answer_len(answer: *const ml_answer) -> usize {
    handle::get::<Answer>(answer).map_or(0, |answer| answer.recalled.hits.len())
}

/// The hit at `index`, from 0. `ML_NOT_FOUND` behind the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_answer_hit(
    answer: *const ml_answer,
    index: usize,
    hit: *mut ml_hit,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Answer>(answer, error, |answer| {
        let (found, _) = answer.hit(index)?;
        let (score, id) = (found.score, found.memory.id.0);
        let struct_size = size_of::<ml_hit>();
        set_sized(hit, &ml_hit { struct_size, score, reserved: 0, id }, "hit")
    })
}

/// The memory of the hit at `index`, from 0. `ML_NOT_FOUND` behind the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_answer_memory(
    answer: *const ml_answer,
    index: usize,
    memory: *mut ml_memory,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Answer>(answer, error, |answer| {
        let (found, shown) = answer.hit(index)?;
        set_sized(memory, &shown.view(&found.memory), "memory")
    })
}

/// All of the answer as a JSON object: `hits`, of which each has the fields of its memory and, if the
/// request said `explain`, `legs`, `matched_terms` and `age_seconds`; `legs`, and why one did not run;
/// `filter`; `seq`, the commit that it is of; `seconds`. docs/cli.md describes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_answer_json(
    answer: *const ml_answer,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Answer>(answer, error, |answer| {
        let place = out(json, "json")?;
        text::give_json(&AnswerJson::new(&answer.recalled, answer.is_explained), place)
    })
}

/// Gives an answer back. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_answer_free(answer: *mut ml_answer) -> ml_status {
    crate::call::free::<Answer>(answer)
}
