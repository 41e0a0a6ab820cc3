//! Snapshots: one instant of the file.

use crate::boundary::{list, list_out, out};
use crate::call::on;
use crate::db::{Open, ml_db};
use crate::error::{Failure, ml_error};
use crate::handle::{self, object};
use crate::memories::{give, ml_memories, place};
use crate::new_memory::limit;
use crate::status::ml_status;
use crate::text::{self, ml_text};
use crate::views::ml_str;
use crate::write::{filter_if, set};
use memlith::{DEFAULT_NAMESPACE, DEFAULT_SPACE, MAX_LIMIT, MemoryId, View};
use memlith_json::{NamespaceJson, SpaceJson};

/// One instant of the file: what is read from it agrees, whatever is written meanwhile. Yours: give it back
/// with `ml_snapshot_free`.
///
/// Cheap to take. Held for long it keeps space in the file from being used again; beyond the age and size
/// that the options allow it is revoked (`ML_SNAPSHOT_EXPIRED`).
///
/// Threads: usable from any thread, by several at once.
pub struct ml_snapshot {
    _opaque: [u8; 0],
}

/// What a snapshot handle stands for.
pub(crate) struct Snapshot(pub(crate) View);

object!(Snapshot, ml_snapshot, 6, "snapshot");

/// Takes a snapshot of the newest state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_take(
    db: *const ml_db,
    snapshot: *mut *mut ml_snapshot,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| {
        let place = out(snapshot, "snapshot")?;
        place.set(handle::give(Snapshot(open.db.read()?))?);
        Ok(())
    })
}

/// The commit that the snapshot shows; 0 if there was none yet, or if this is no such handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_seq(snapshot: *const ml_snapshot) -> u64 {
    handle::get::<Snapshot>(snapshot).map_or(0, |snapshot| snapshot.0.seq().0)
}

/// When that commit was made; `ML_NO_TIME` if there was none yet, or if this is no such handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_time_ms(snapshot: *const ml_snapshot) -> i64 {
    let time = handle::get::<Snapshot>(snapshot).ok().and_then(|snapshot| snapshot.0.time_ms());
    time.unwrap_or(crate::ML_NO_TIME)
}

/// Gives a snapshot back. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_free(snapshot: *mut ml_snapshot) -> ml_status {
    crate::call::free::<Snapshot>(snapshot)
}

/// Memories by their numbers, each at the place of its number; those that are not there leave it empty.
/// Counts as an access of each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_get(
    snapshot: *const ml_snapshot,
    ids: *const u64,
    count: usize,
    memories: *mut *mut ml_memories,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| get(&snapshot.0, ids, count, memories))
}

/// The same from the newest state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_db_get(
    db: *const ml_db,
    ids: *const u64,
    count: usize,
    memories: *mut *mut ml_memories,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Open>(db, error, |open| get(&open.db.read()?, ids, count, memories))
}

fn get(
    view: &View,
    ids: *const u64,
    count: usize,
    memories: *mut *mut ml_memories,
) -> Result<(), Failure> {
    let place = place(memories)?;
    limit("count", count, crate::ML_MAX_BATCH)?;
    let ids: Vec<MemoryId> = list(ids, count, "ids")?.iter().copied().map(MemoryId).collect();
    give(view.get_many(&ids)?, place)
}

/// The memory under an external id: a list of one, or of none. `ns` no text is `default`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_get_external(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    external_id: ml_str,
    memories: *mut *mut ml_memories,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let place = place(memories)?;
        let ns = ns.optional("ns")?.unwrap_or(DEFAULT_NAMESPACE);
        let found = snapshot.0.get_external(ns, external_id.required("external_id")?)?;
        give(found.map(Some), place)
    })
}

/// The embedding of a memory in a space (no text is `default`), as it was given. `vector` has room for
/// `capacity` numbers; `len` gets how many there are, 0 if the memory has none. `ML_BAD_SIZE` if there is
/// too little room, and nothing is written but `len`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_vector(
    snapshot: *const ml_snapshot,
    id: u64,
    space: ml_str,
    vector: *mut f32,
    capacity: usize,
    len: *mut usize,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let space = space.optional("space")?.unwrap_or(DEFAULT_SPACE);
        let place = out(len, "len")?;
        let found = snapshot.0.vector(MemoryId(id), space)?.unwrap_or_default();
        place.set(found.len());
        if found.len() > capacity {
            let message = format!("the vector has {} numbers: there is no room", found.len());
            return Err(Failure::new(ml_status::ML_BAD_SIZE, message));
        }
        for (to, from) in list_out(vector, found.len(), "vector")?.iter_mut().zip(&found) {
            to.write(*from);
        }
        Ok(())
    })
}

/// How many memories there are, in one namespace or in all, that a filter matches, if there is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_count(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    filter: ml_str,
    count: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let (ns, filter) = (ns.optional("ns")?, filter_if(filter)?);
        set(count, "count", || Ok(snapshot.0.count(ns, filter.as_ref())?))
    })
}

/// Names of namespaces that have memories, in byte order, from behind `after` on: a JSON array of at most
/// `limit` (10,000) of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_namespaces(
    snapshot: *const ml_snapshot,
    after: ml_str,
    limit: usize,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let place = out(json, "json")?;
        crate::new_memory::limit("limit", limit, MAX_LIMIT)?;
        text::give_json(&snapshot.0.namespaces(after.optional("after")?, limit)?, place)
    })
}

/// The figures of a namespace as a JSON object: memories, kinds, tags, agents, ….
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_namespace_stats(
    snapshot: *const ml_snapshot,
    ns: ml_str,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let place = out(json, "json")?;
        let ns = ns.optional("ns")?.unwrap_or(DEFAULT_NAMESPACE);
        let stats = snapshot.0.namespace_stats(ns)?;
        text::give_json(&NamespaceJson::new(ns, &stats), place)
    })
}

/// All vector spaces with their figures: a JSON array of objects.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_snapshot_spaces(
    snapshot: *const ml_snapshot,
    json: *mut *mut ml_text,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Snapshot>(snapshot, error, |snapshot| {
        let place = out(json, "json")?;
        let spaces = snapshot.0.spaces();
        text::give_json(&spaces.iter().map(SpaceJson::new).collect::<Vec<_>>(), place)
    })
}
