//! Embedders: callbacks that make vectors of texts.

use crate::boundary::{Growing, list, sized};
use crate::call::callback;
use crate::error::Failure;
use crate::views::ml_str;
use memlith::{DEFAULT_SPACE, Embedder, EmbedderError, MAX_DIMENSIONS};
use std::ffi::c_void;
use std::ptr;

/// What makes vectors of texts: a callback, and what it is.
///
/// Threads: `embed` may be called from any thread, by several at once; what `user` points to must bear
/// that. It must not call the library (`ML_REENTRANT`) and must not throw.
///
/// Lifetime: `destroy` is called once, when nothing uses the embedder any more: after the database is
/// closed and its last snapshot given back, or at once if opening it fails. It may be NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_embedder {
    /// `sizeof(ml_embedder)`.
    pub struct_size: usize,
    /// The vector space that it is for; no text is `default`.
    pub space: ml_str,
    /// Which model it is. The space remembers it, and refuses the vectors of another. Copied.
    pub identity: ml_str,
    /// How long its vectors are.
    pub dimension: usize,
    /// At most so many texts in a call; 0 is no limit.
    pub max_batch: usize,
    /// Writes `count` vectors of `dimension` numbers each, one behind the other, to `vectors`. Returns 0,
    /// or anything else to fail the call that needed them with `ML_EMBEDDER`.
    pub embed: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            texts: *const ml_str,
            count: usize,
            vectors: *mut f32,
        ) -> i32,
    >,
    /// Handed to `embed` and `destroy`.
    pub user: *mut c_void,
    /// Frees `user`, or NULL.
    pub destroy: Option<unsafe extern "C" fn(user: *mut c_void)>,
}

impl ml_embedder {
    const NONE: ml_embedder = ml_embedder {
        struct_size: size_of::<ml_embedder>(),
        space: ml_str::NONE,
        identity: ml_str::NONE,
        dimension: 0,
        max_batch: 0,
        embed: None,
        user: ptr::null_mut(),
        destroy: None,
    };
}

// SAFETY: numbers, pointers and optional functions behind a size.
unsafe impl Growing for ml_embedder {
    const FIRST_SIZE: usize = size_of::<ml_embedder>();
}

/// A pointer that only the caller's functions look behind.
pub(crate) struct User {
    pointer: *mut c_void,
    destroy: Option<unsafe extern "C" fn(*mut c_void)>,
}

// SAFETY: the header demands that what it points to can be used and freed on any thread.
unsafe impl Send for User {}
// SAFETY: as above, by several at once.
unsafe impl Sync for User {}

impl User {
    pub(crate) fn new(
        pointer: *mut c_void,
        destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    ) -> Self {
        User { pointer, destroy }
    }

    pub(crate) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let Some(destroy) = self.destroy else { return };
        // SAFETY: it is the function that came with this very pointer, called once, here.
        callback(|| unsafe { destroy(self.pointer) });
    }
}

/// An embedder behind the engine's trait.
struct Callback {
    identity: String,
    dimension: usize,
    max_batch: usize,
    embed: unsafe extern "C" fn(*mut c_void, *const ml_str, usize, *mut f32) -> i32,
    user: User,
}

impl Embedder for Callback {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedderError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(self.max_batch) {
            let views: Vec<ml_str> = batch.iter().map(|text| ml_str::of(text)).collect();
            let mut rows = vec![0.0; batch.len() * self.dimension];
            let (embed, user) = (self.embed, self.user.pointer());
            // SAFETY: there are so many views, and room for so many rows; the function came with `user`.
            let failed =
                callback(|| unsafe { embed(user, views.as_ptr(), views.len(), rows.as_mut_ptr()) });
            if failed != 0 {
                return Err(format!("the callback returned {failed}").into());
            }
            vectors.extend(rows.chunks(self.dimension).map(<[f32]>::to_vec));
        }
        Ok(vectors)
    }
}

/// The embedders that options name, with their spaces. Each owns its `user` from here on, whatever
/// becomes of the others.
pub(crate) fn embedders(
    pointer: *const ml_embedder,
    count: usize,
) -> Result<Vec<(String, impl Embedder)>, Failure> {
    let given = list(pointer, count, "embedders")?;
    let owned: Vec<(ml_embedder, User)> = given
        .iter()
        .map(|e| sized(e, ml_embedder::NONE, "embedder").map(|e| (e, User::new(e.user, e.destroy))))
        .collect::<Result<_, _>>()?;
    owned.into_iter().map(|(given, user)| one(&given, user)).collect()
}

fn one(given: &ml_embedder, user: User) -> Result<(String, Callback), Failure> {
    let embed = given.embed.ok_or_else(|| Failure::invalid("embed of an embedder is NULL"))?;
    if !(1..=MAX_DIMENSIONS).contains(&given.dimension) {
        let message = format!("dimension of an embedder: must be 1 to {MAX_DIMENSIONS}");
        return Err(Failure::invalid(message));
    }
    let space = given.space.optional("space of an embedder")?.unwrap_or(DEFAULT_SPACE);
    let callback = Callback {
        identity: given.identity.required("identity of an embedder")?.to_owned(),
        dimension: given.dimension,
        max_batch: if given.max_batch == 0 { usize::MAX } else { given.max_batch },
        embed,
        user,
    };
    Ok((space.to_owned(), callback))
}
