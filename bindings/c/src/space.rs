//! Vector spaces.

use crate::boundary::{Growing, sized};
use crate::call::on;
use crate::db::{Open, ml_db};
use crate::error::{Failure, ml_error};
use crate::progress::{Progress, ml_progress};
use crate::status::ml_status;
use crate::views::ml_str;
use memlith::{DEFAULT_SPACE, GraphOptions, Metric, Precision, Space};

/// `metric`: the cosine of the angle.
pub const ML_COSINE: i32 = 0;
/// `metric`: the inner product.
pub const ML_DOT: i32 = 1;
/// `metric`: the distance, of which the score is the negative.
pub const ML_L2: i32 = 2;
/// `precision`: components are kept as they are given.
pub const ML_F32: i32 = 0;
/// `precision`: components are rounded to 11 significant bits, and take half the bytes.
pub const ML_F16: i32 = 1;

/// A vector space: which vectors it holds and how they are compared. Begin with `ml_space_init()`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_space {
    /// `sizeof(ml_space)`.
    pub struct_size: usize,
    /// Its name; no text is `default`.
    pub name: ml_str,
    /// Which embedder makes its vectors; those of another are refused. No text is none.
    pub embedder: ml_str,
    /// How long its vectors are.
    pub dimension: usize,
    /// `ML_COSINE`, `ML_DOT` or `ML_L2`.
    pub metric: i32,
    /// `ML_F32` or `ML_F16`.
    pub precision: i32,
    /// Neighbours that a vector gets in the graph, 2 to 64; 0 leaves it to the library, as with all below.
    pub m: usize,
    /// Vectors that are compared when one is linked, 1 to 4,096.
    pub ef_construction: usize,
    /// About how many vectors a balanced search looks around, 1 to 4,096.
    pub ef: usize,
    /// Vectors are linked once there are so many.
    pub link_from: usize,
    /// Up to so many, a search compares with all of them.
    pub scan_below: usize,
    /// At which quantile codes cut components off, 0.5 to 1; 1 cuts nothing.
    pub clip: f32,
    /// 0.
    pub reserved: i32,
}

// SAFETY: numbers and pointers behind a size.
unsafe impl Growing for ml_space {
    const FIRST_SIZE: usize = size_of::<ml_space>();
}

pub(crate) fn space(pointer: *const ml_space) -> Result<Space, Failure> {
    let default = ml_space {
        struct_size: size_of::<ml_space>(),
        name: ml_str::NONE,
        embedder: ml_str::NONE,
        dimension: 0,
        metric: ML_COSINE,
        precision: ML_F32,
        m: 0,
        ef_construction: 0,
        ef: 0,
        link_from: 0,
        scan_below: 0,
        clip: 1.0,
        reserved: 0,
    };
    let given = sized(pointer, default, "space")?;
    let name = given.name.optional("name")?.unwrap_or(DEFAULT_SPACE);
    let mut space = Space::new(name, given.dimension).clip(given.clip);
    space.embedder = given.embedder.optional("embedder")?.map(str::to_owned);
    space.metric = match given.metric {
        ML_COSINE => Metric::Cosine,
        ML_DOT => Metric::Dot,
        ML_L2 => Metric::L2,
        _ => return Err(Failure::invalid("metric: must be ML_COSINE, ML_DOT or ML_L2")),
    };
    space.precision = match given.precision {
        ML_F32 => Precision::F32,
        ML_F16 => Precision::F16,
        _ => return Err(Failure::invalid("precision: must be ML_F32 or ML_F16")),
    };
    let or = |number: usize, default: usize| if number == 0 { default } else { number };
    let graph = GraphOptions::new();
    space.graph = graph
        .m(or(given.m, graph.m))
        .ef_construction(or(given.ef_construction, graph.ef_construction))
        .ef(or(given.ef, graph.ef))
        .link_from(or(given.link_from, graph.link_from))
        .scan_below(given.scan_below);
    Ok(space)
}

/// Creates a vector space, in a transaction of its own. `ML_ALREADY_EXISTS` if the name is taken.
///
/// One that nobody creates comes with the first vector for it, with the cosine and its dimension.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_create_space(
    db: *const ml_db,
    space: *const ml_space,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| Ok(open.db.create_space(&self::space(space)?)?))
}

/// Begins to change the embedder of the space of this name to the one that `successor` says, which must be
/// among the embedders of this database. A new space is filled in the background from the contents, over
/// any number of crashes, while the old one serves; then it takes its place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_reembed(
    db: *const ml_db,
    successor: *const ml_space,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| Ok(open.db.reembed(&space(successor)?)?))
}

/// Does what is left of that on this thread, now. `progress` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_finish_reembedding(
    db: *const ml_db,
    space: ml_str,
    progress: *const ml_progress,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let progress = Progress::of(progress)?;
        let space = space.optional("space")?.unwrap_or(DEFAULT_SPACE);
        Ok(open.db.finish_reembedding(space, &mut |done, total| progress.tell(done, total))?)
    })
}

/// Gives the change up, and drops what it has made so far. `found` tells whether there was one; it may be
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_cancel_reembedding(
    db: *const ml_db,
    space: ml_str,
    found: *mut bool,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let space = space.optional("space")?.unwrap_or(DEFAULT_SPACE);
        crate::write::set_if(found, "found", || Ok(open.db.cancel_reembedding(space)?))
    })
}
