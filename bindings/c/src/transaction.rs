//! Transactions: any number of changes at once, or none.
//!
//! **Invariant:** a transaction is worked on by the thread that began it, and by no other; it can be
//! given up by any.

use crate::batch::{memories, ml_batch, set_ids};
use crate::boundary::{Growing, out, out_if, sized_if};
use crate::call::{call, on};
use crate::db::{Open, ml_db};
use crate::error::{Failure, ml_error};
use crate::handle::{self, Held, object};
use crate::memories::{give, ml_memories, place};
use crate::new_memory::{ml_new_memory, new_memory};
use crate::options::{ML_DURABILITY_DEFAULT, durability};
use crate::space::{ml_space, space};
use crate::status::ml_status;
use crate::views::ml_str;
use crate::write::{filter, patch, set_if, set_upsert, set_upserts};
use memlith::{Db, MemoryId, Transaction, WriteOptions, WriteTx};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, ThreadId};

/// A write transaction. Yours: `ml_tx_commit` and `ml_tx_rollback` give it back.
///
/// One runs at a time; whoever else wants to write waits, up to the busy timeout: keep it short. Its reads
/// see its own writes. Nobody else sees any of it before it is committed.
///
/// Threads: of the thread that began it (`ML_WRONG_THREAD`), but for `ml_tx_rollback`.
pub struct ml_tx {
    _opaque: [u8; 0],
}

/// What is said about a transaction. NULL is nothing; otherwise begin with `ml_write_options_init()`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ml_write_options {
    /// `sizeof(ml_write_options)`.
    pub struct_size: usize,
    /// Who writes; kept in the log.
    pub actor: ml_str,
    /// Why; kept in the log.
    pub reason: ml_str,
    /// A name for the transaction: a second one of it is refused with `ML_ALREADY_EXISTS`, and
    /// `ml_db_outcome` tells whether it is committed.
    pub idempotency_key: ml_str,
    /// `ML_DURABLE` or `ML_RELAXED`; `ML_DURABILITY_DEFAULT` is that of the database.
    pub durability: i32,
    /// 0.
    pub reserved: i32,
}

// SAFETY: numbers and pointers behind a size.
unsafe impl Growing for ml_write_options {
    const FIRST_SIZE: usize = size_of::<ml_write_options>();
}

type Running<'a> = Option<Transaction<'a>>;

self_cell::self_cell!(
    /// A transaction beside the database that it is of.
    struct Owned {
        owner: Db,

        #[not_covariant]
        dependent: Running,
    }
);

/// What a transaction handle stands for.
pub(crate) struct Tx {
    thread: ThreadId,
    running: Mutex<Owned>,
    of: Arc<Held<Open>>,
}

object!(Tx, ml_tx, 5, "transaction");

impl Drop for Tx {
    fn drop(&mut self) {
        self.of.transactions.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Tx {
    fn begin(of: Arc<Held<Open>>, options: WriteOptions) -> Result<Self, Failure> {
        let running = Owned::try_new(of.db.clone(), |db| db.begin(options).map(Some))?;
        of.transactions.fetch_add(1, Ordering::AcqRel);
        Ok(Tx { thread: thread::current().id(), running: Mutex::new(running), of })
    }

    fn check_thread(&self) -> Result<(), Failure> {
        check_thread(self.thread, "transaction")
    }

    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&mut WriteTx<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.check_thread()?;
        self.running.lock().with_dependent_mut(|_, running| match running {
            Some(tx) => work(tx),
            None => Err(Failure::new(ml_status::ML_STALE_HANDLE, "the transaction has ended")),
        })
    }
}

/// Refuses another thread than the one that a handle belongs to.
pub(crate) fn check_thread(owner: ThreadId, what: &str) -> Result<(), Failure> {
    if thread::current().id() == owner {
        return Ok(());
    }
    let message = format!("the {what} belongs to the thread that began it");
    Err(Failure::new(ml_status::ML_WRONG_THREAD, message))
}

/// Begins a transaction. `ML_BUSY` if another one runs for longer than the busy timeout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_begin(
    db: *const ml_db,
    options: *const ml_write_options,
    tx: *mut *mut ml_tx,
    error: *mut *mut ml_error,
) -> ml_status {
    call(error, || {
        let open = handle::get::<Open>(db)?;
        let place = out(tx, "tx")?;
        let options = write_options(options)?;
        place.set(handle::give(Tx::begin(open, options)?)?);
        Ok(())
    })
}

fn write_options(pointer: *const ml_write_options) -> Result<WriteOptions, Failure> {
    let nothing = ml_write_options {
        struct_size: size_of::<ml_write_options>(),
        actor: ml_str::NONE,
        reason: ml_str::NONE,
        idempotency_key: ml_str::NONE,
        durability: ML_DURABILITY_DEFAULT,
        reserved: 0,
    };
    let given = sized_if(pointer, nothing, "options")?;
    let mut options = WriteOptions::new()
        .actor(given.actor.optional("actor")?.unwrap_or_default())
        .reason(given.reason.optional("reason")?.unwrap_or_default());
    if let Some(key) = given.idempotency_key.optional("idempotency_key")? {
        options = options.idempotency_key(key);
    }
    if let Some(durability) = durability(given.durability)? {
        options = options.durability(durability);
    }
    Ok(options)
}

/// As `ml_db_remember`, in a transaction; a missing vector is made inside of it, so give one if you can.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_remember(
    tx: *const ml_tx,
    memory: *const ml_new_memory,
    id: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        tx.with(|tx| set_if(id, "id", || Ok(tx.remember(new_memory(memory)?)?.0)))
    })
}

/// As `ml_db_remember_batch`, in a transaction. If it fails, what came before the one that failed is in
/// the transaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_remember_batch(
    tx: *const ml_tx,
    batch: *const ml_batch,
    ids: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        tx.with(|tx| {
            let found = tx.remember_batch(memories(batch)?)?;
            set_ids(ids, &found)
        })
    })
}

/// As `ml_db_upsert`, in a transaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_upsert(
    tx: *const ml_tx,
    memory: *const ml_new_memory,
    id: *mut u64,
    did: *mut i32,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        tx.with(|tx| set_upsert(id, did, || Ok(tx.upsert(new_memory(memory)?)?)))
    })
}

/// As `ml_db_upsert_batch`, in a transaction. If it fails, what came before the one that failed is in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_upsert_batch(
    tx: *const ml_tx,
    batch: *const ml_batch,
    ids: *mut u64,
    dids: *mut i32,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        tx.with(|tx| {
            let done = tx.upsert_batch(memories(batch)?)?;
            set_upserts(&done, ids, dids)
        })
    })
}

/// As `ml_db_update`, in a transaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_update(
    tx: *const ml_tx,
    id: u64,
    patch: ml_str,
    found: *mut bool,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        let patch = self::patch(patch)?;
        tx.with(|tx| set_if(found, "found", || Ok(tx.update(MemoryId(id), &patch)?)))
    })
}

/// Changes parts of every memory that a filter matches, in one namespace or, if that is no text, in all.
/// `count` gets how many match; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_update_where(
    tx: *const ml_tx,
    ns: ml_str,
    filter: ml_str,
    patch: ml_str,
    count: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        let (ns, filter) = (ns.optional("ns")?, self::filter(filter)?);
        let patch = self::patch(patch)?;
        tx.with(|tx| set_if(count, "count", || Ok(tx.update_many(ns, &filter, &patch)?)))
    })
}

/// As `ml_db_supersede`, in a transaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_supersede(
    tx: *const ml_tx,
    old: u64,
    memory: *const ml_new_memory,
    id: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        tx.with(|tx| set_if(id, "id", || Ok(tx.supersede(MemoryId(old), new_memory(memory)?)?.0)))
    })
}

/// As `ml_db_forget`, in a transaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_forget(
    tx: *const ml_tx,
    id: u64,
    found: *mut bool,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| tx.with(|tx| set_if(found, "found", || Ok(tx.forget(MemoryId(id))?))))
}

/// As `ml_db_forget_where`, in a transaction.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_forget_where(
    tx: *const ml_tx,
    ns: ml_str,
    filter: ml_str,
    count: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        let (ns, filter) = (ns.optional("ns")?, self::filter(filter)?);
        tx.with(|tx| set_if(count, "count", || Ok(tx.forget_where(ns, &filter)?)))
    })
}

/// A memory by its number, as this transaction sees it: a list of one, or of none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_get(
    tx: *const ml_tx,
    id: u64,
    memories: *mut *mut ml_memories,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        let place = place(memories)?;
        let found = tx.with(|tx| Ok(tx.get(MemoryId(id))?))?;
        give(found.map(Some), place)
    })
}

/// The memory under an external id, as this transaction sees it: a list of one, or of none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_get_external(
    tx: *const ml_tx,
    ns: ml_str,
    external_id: ml_str,
    memories: *mut *mut ml_memories,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        let place = place(memories)?;
        let ns = ns.optional("ns")?.unwrap_or(memlith::DEFAULT_NAMESPACE);
        let external_id = external_id.required("external_id")?;
        let found = tx.with(|tx| Ok(tx.get_external(ns, external_id)?))?;
        give(found.map(Some), place)
    })
}

/// Creates a vector space. `ML_ALREADY_EXISTS` if the name is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_create_space(
    tx: *const ml_tx,
    space: *const ml_space,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        let space = self::space(space)?;
        tx.with(|tx| Ok(tx.create_space(&space)?))
    })
}

/// Drops a vector space with all its vectors. `ML_NOT_FOUND` if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_drop_space(
    tx: *const ml_tx,
    name: ml_str,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        let name = name.required("name")?;
        tx.with(|tx| Ok(tx.drop_space(name)?))
    })
}

/// Declares an index over a metadata path such as `lang` or `author.name`, for filters on it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_index_metadata(
    tx: *const ml_tx,
    path: ml_str,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        let path = path.required("path")?;
        tx.with(|tx| Ok(tx.index_metadata(path)?))
    })
}

/// Sets what of memories is found by its words, and in which language words are brought to their stems, by a JSON
/// object: `language`, a name such as `"german"` or null (`"english"` if absent), under `namespaces` the languages of
/// those that have one of their own, how often `tags` count, and under `metadata` how often texts at each path do, 1
/// to 8. The index of words is made anew.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_set_text(
    tx: *const ml_tx,
    settings: ml_str,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        let settings = memlith_json::text_settings_from_json(settings.bytes("settings")?);
        let settings = settings.map_err(|why| Failure::invalid(format!("settings: {why}")))?;
        tx.with(|tx| Ok(tx.set_text(&settings)?))
    })
}

/// Drops the index over a metadata path. Filters on it go on to work, by reading rows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_drop_metadata_index(
    tx: *const ml_tx,
    path: ml_str,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |tx| {
        let path = path.required("path")?;
        tx.with(|tx| Ok(tx.drop_metadata_index(path)?))
    })
}

/// Makes all of it visible and durable, and gives the transaction back. `seq` gets its place in the log, 0
/// if it wrote nothing; it may be NULL.
///
/// Whatever the status is, the transaction has ended, but for `ML_WRONG_THREAD`, `ML_POISONED` and those of
/// a handle that is none. After `ML_OUTCOME_UNKNOWN` it may be durable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_commit(
    tx: *mut ml_tx,
    seq: *mut u64,
    error: *mut *mut ml_error,
) -> ml_status {
    on::<Tx>(tx, error, |held| {
        held.check_thread()?;
        let place = out_if(seq, "seq")?;
        handle::take::<Tx>(tx)?;
        let committed = held
            .running
            .lock()
            .with_dependent_mut(|_, running| running.take().map_or(Ok(None), Transaction::commit));
        let seq = committed?.map_or(0, |seq| seq.0);
        if let Some(place) = place {
            place.set(seq);
        }
        Ok(())
    })
}

/// Drops all of it, and gives the transaction back. NULL is fine. Any thread may, so that one whose thread
/// has ended can be given up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ml_tx_rollback(tx: *mut ml_tx, error: *mut *mut ml_error) -> ml_status {
    call(error, || {
        if !tx.is_null() {
            let held = handle::take::<Tx>(tx)?;
            held.running.lock().with_dependent_mut(|_, running| running.take());
        }
        Ok(())
    })
}
