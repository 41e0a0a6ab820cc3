//! Writes that are transactions of their own.

use crate::batch::{memories, ml_batch, set_ids};
use crate::boundary::{list_out, out, out_if};
use crate::call::on;
use crate::db::{Open, ml_db};
use crate::error::{Failure, ml_error};
use crate::new_memory::{ml_new_memory, new_memory};
use crate::status::ml_status;
use crate::views::ml_str;
use memlith::{Filter, MemoryId, Patch, Upsert};

/// `did` of an upsert: there was none under that external id.
pub const ML_CREATED: i32 = 1;
/// `did` of an upsert: something about it changed.
pub const ML_UPDATED: i32 = 2;
/// `did` of an upsert: it was there exactly so; nothing was written.
pub const ML_UNCHANGED: i32 = 3;

/// Remembers something new, in a transaction of its own. `id` gets its number; it may be NULL.
///
/// Without a vector, where the database has an embedder, the content is embedded first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_remember(
    db: *const ml_db,
    memory: *const ml_new_memory,
    id: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let place = out_if(id, "id")?;
        let id = open.db.remember(new_memory(memory)?)?;
        if let Some(place) = place {
            place.set(id.0);
        }
        Ok(())
    })
}

/// Remembers many things, all or none. `ids` has room for `batch->count` numbers, or is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_remember_batch(
    db: *const ml_db,
    batch: *const ml_batch,
    ids: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let found = open.db.remember_batch(memories(batch)?)?;
        set_ids(ids, &found)
    })
}

/// Remembers something under its external id: creates it, or makes what stands there the same. `id` gets
/// its number, `did` one of `ML_CREATED`, `ML_UPDATED` and `ML_UNCHANGED`; both may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_upsert(
    db: *const ml_db,
    memory: *const ml_new_memory,
    id: *mut u64,
    did: *mut i32,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| set_upsert(id, did, || Ok(open.db.upsert(new_memory(memory)?)?)))
}

/// The same for many, all or none. `ids` and `dids` have room for `batch->count` entries each, or are NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_upsert_batch(
    db: *const ml_db,
    batch: *const ml_batch,
    ids: *mut u64,
    dids: *mut i32,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let done = open.db.upsert_batch(memories(batch)?)?;
        set_upserts(&done, ids, dids)
    })
}

/// Changes parts of a memory. `patch` is a JSON object of the fields to change, as `ml_answer_json` names
/// them: `{"importance": 0.9, "add_tags": ["x"], "expires_at": null}`; null clears, `metadata` is merged
/// (RFC 7396). `found` tells whether there is such a memory; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_update(
    db: *const ml_db,
    id: u64,
    patch: ml_str,
    found: *mut bool,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let patch = self::patch(patch)?;
        set_if(found, "found", || Ok(open.db.update(MemoryId(id), &patch)?))
    })
}

/// Remembers something that replaces the memory `old`, which stays readable, and which recall leaves out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_supersede(
    db: *const ml_db,
    old: u64,
    memory: *const ml_new_memory,
    id: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        set_if(id, "id", || Ok(open.db.supersede(MemoryId(old), new_memory(memory)?)?.0))
    })
}

/// Forgets a memory. `found` tells whether there was one; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_forget(
    db: *const ml_db,
    id: u64,
    found: *mut bool,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| set_if(found, "found", || Ok(open.db.forget(MemoryId(id))?)))
}

/// Forgets every memory that a filter matches, in one namespace or, if that is no text, in all. `count`
/// gets how many; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_forget_where(
    db: *const ml_db,
    ns: ml_str,
    filter: ml_str,
    count: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let (ns, filter) = (ns.optional("ns")?, self::filter(filter)?);
        set_if(count, "count", || Ok(open.db.forget_where(ns, &filter)?))
    })
}

/// A filter that must be there.
pub(crate) fn filter(text: ml_str) -> Result<Filter, Failure> {
    let parsed: memlith::Result<Filter> =
        text.required("filter")?.parse::<Filter>().map_err(Into::into);
    Ok(parsed?)
}

/// A filter that may be missing.
pub(crate) fn filter_if(text: ml_str) -> Result<Option<Filter>, Failure> {
    if text.ptr.is_null() && text.len == 0 { Ok(None) } else { filter(text).map(Some) }
}

pub(crate) fn patch(text: ml_str) -> Result<Patch, Failure> {
    let patch = memlith_json::patch_from_json(text.bytes("patch")?);
    patch.map_err(|why| Failure::invalid(format!("patch: {why}")))
}

/// Checks the place, does it, and says what came of it.
pub(crate) fn set_if<T>(
    place: *mut T,
    what: &'static str,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<(), Failure> {
    let place = out_if(place, what)?;
    let value = work()?;
    if let Some(place) = place {
        place.set(value);
    }
    Ok(())
}

/// The same for what must be asked.
pub(crate) fn set<T>(
    place: *mut T,
    what: &'static str,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<(), Failure> {
    let place = out(place, what)?;
    place.set(work()?);
    Ok(())
}

pub(crate) fn set_upsert(
    id: *mut u64,
    did: *mut i32,
    work: impl FnOnce() -> Result<Upsert, Failure>,
) -> Result<(), Failure> {
    let (id, did) = (out_if(id, "id")?, out_if(did, "did")?);
    let upsert = work()?;
    if let Some(id) = id {
        id.set(upsert.id().0);
    }
    if let Some(did) = did {
        did.set(did_of(upsert));
    }
    Ok(())
}

fn did_of(upsert: Upsert) -> i32 {
    match upsert {
        Upsert::Created(_) => ML_CREATED,
        Upsert::Updated(_) => ML_UPDATED,
        Upsert::Unchanged(_) => ML_UNCHANGED,
    }
}

/// Writes what was done to many to where the caller wants it, if it does.
pub(crate) fn set_upserts(done: &[Upsert], ids: *mut u64, dids: *mut i32) -> Result<(), Failure> {
    set_ids(ids, &done.iter().map(|upsert| upsert.id()).collect::<Vec<_>>())?;
    let dids = list_out(dids, if dids.is_null() { 0 } else { done.len() }, "dids")?;
    for (place, upsert) in dids.iter_mut().zip(done) {
        place.write(did_of(*upsert));
    }
    Ok(())
}
