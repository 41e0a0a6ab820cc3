//! Ten thousand calls with arguments that are wrong in every way that can be told: each comes back with a
//! status, and the library goes on to work.
#![expect(unsafe_code, reason = "calls what C calls")]
#![expect(clippy::multiple_unsafe_ops_per_block, reason = "one of many calls by chance")]

use fastrand::Rng;
use memlith_capi::*;
use std::ffi::c_char;
use std::ptr::{self, null, null_mut};
use std::thread;

const CALLS: usize = 10_000;

/// Arguments, right and wrong.
struct Bag {
    rng: Rng,
    /// Handles in force and given back, of every kind, and numbers that were never one.
    handles: Vec<usize>,
    text: String,
    bad_text: [u8; 3],
}

impl Bag {
    fn handle<T>(&mut self) -> *mut T {
        let any = self.rng.usize(..self.handles.len() + 3);
        ptr::without_provenance_mut(match self.handles.get(any) {
            Some(handle) => *handle,
            None if self.rng.bool() => self.rng.usize(..),
            None => 0,
        })
    }

    fn str(&mut self) -> ml_str {
        let text = self.text.as_ptr().cast::<c_char>();
        match self.rng.u32(..7) {
            0 => ml_str { ptr: null(), len: 0 },
            1 => ml_str { ptr: null(), len: 5 },
            2 => ml_str { ptr: text, len: usize::MAX },
            3 => ml_str { ptr: self.bad_text.as_ptr().cast(), len: self.bad_text.len() },
            4 => ml_str { ptr: text, len: 0 },
            _ => ml_str { ptr: text, len: self.rng.usize(..self.text.len()) },
        }
    }

    fn size(&mut self, right: usize) -> usize {
        match self.rng.u32(..8) {
            0 => 0,
            1 => usize::MAX,
            2 => right - 1,
            3 => 4_097,
            _ => right,
        }
    }

    fn count(&mut self) -> usize {
        match self.rng.u32(..4) {
            0 => usize::MAX,
            1 => 1 << 40,
            2 => 1,
            _ => 0,
        }
    }

    fn memory(&mut self) -> ml_new_memory {
        ml_new_memory {
            struct_size: self.size(size_of::<ml_new_memory>()),
            ns: self.str(),
            external_id: self.str(),
            content: self.str(),
            kind: self.str(),
            metadata: self.str(),
            agent: self.str(),
            session: self.str(),
            project: self.str(),
            channel: self.str(),
            source: self.str(),
            tags: null(),
            tag_count: self.count(),
            vectors: null(),
            vector_count: self.count(),
            importance: f32::from_bits(self.rng.u32(..)),
            valence: f32::from_bits(self.rng.u32(..)),
            priority: self.rng.i64(..),
            created_ms: self.rng.i64(..),
            expires_ms: self.rng.i64(..),
        }
    }

    fn recall(&mut self) -> ml_recall {
        ml_recall {
            struct_size: self.size(size_of::<ml_recall>()),
            text: self.str(),
            vector: ml_floats { ptr: null(), len: self.count() },
            space: self.str(),
            ns: self.str(),
            filter: self.str(),
            limit: self.rng.usize(..),
            min_score: f32::from_bits(self.rng.u32(..)),
            text_weight: f32::from_bits(self.rng.u32(..)),
            vector_weight: 1.0,
            recency_weight: 0.0,
            importance_weight: 0.0,
            effort: self.rng.i32(..),
            half_life_ms: self.rng.u64(..),
            deadline_ms: self.rng.u64(..),
            include_superseded: self.rng.i32(..),
            explain: self.rng.i32(..),
            cancellation: self.handle(),
        }
    }

    fn nodes(&mut self) -> ml_node_batch {
        ml_node_batch {
            struct_size: self.size(size_of::<ml_node_batch>()),
            count: self.count(),
            ids: null(),
            kinds: null(),
            names: null(),
            properties: null(),
            tags: null(),
            aliases: null(),
            importances: null(),
            created_ms: null(),
            space: self.str(),
            vectors: null(),
            dimension: self.count(),
            stride: self.count(),
        }
    }

    fn edges(&mut self) -> ml_edge_batch {
        ml_edge_batch {
            struct_size: self.size(size_of::<ml_edge_batch>()),
            count: self.count(),
            sources: null(),
            kinds: null(),
            targets: null(),
            properties: null(),
            weights: null(),
            from_ms: null(),
            until_ms: null(),
            created_ms: null(),
            add: self.rng.i32(..),
            reserved: 0,
        }
    }

    /// The same of the graph.
    fn graph_call(&mut self, text: *mut *mut ml_text, error: *mut *mut ml_error) -> ml_status {
        let (nodes, edges) = (self.nodes(), self.edges());
        let (number, size) = (self.rng.u64(..), self.count());
        // SAFETY: as in `call`.
        unsafe {
            match self.rng.u32(..8) {
                0 => ml_tx_graph_upsert_nodes(
                    self.handle(),
                    self.str(),
                    &raw const nodes,
                    null_mut(),
                    null_mut(),
                    error,
                ),
                1 => ml_db_graph_upsert_edges(
                    self.handle(),
                    self.str(),
                    &raw const edges,
                    null_mut(),
                    null_mut(),
                    error,
                ),
                2 => ml_tx_graph_merge_nodes(
                    self.handle(),
                    self.str(),
                    self.str(),
                    self.str(),
                    error,
                ),
                3 => ml_tx_graph_import(
                    self.handle(),
                    self.str(),
                    self.str(),
                    self.str(),
                    null_mut(),
                    null_mut(),
                    error,
                ),
                4 => ml_snapshot_graph_nodes(self.handle(), self.str(), number, size, text, error),
                5 => ml_snapshot_graph_related(
                    self.handle(),
                    self.str(),
                    self.str(),
                    self.handle(),
                    text,
                    error,
                ),
                6 => ml_snapshot_graph_analyse(
                    self.handle(),
                    self.str(),
                    self.str(),
                    null(),
                    self.handle(),
                    text,
                    error,
                ),
                7 => ml_snapshot_graph_search(
                    self.handle(),
                    self.str(),
                    self.str(),
                    self.handle(),
                    text,
                    error,
                ),
                8 => ml_snapshot_graph_nearest(
                    self.handle(),
                    self.str(),
                    self.str(),
                    self.handle(),
                    text,
                    error,
                ),
                9 => {
                    ml_snapshot_graph_embedding(self.handle(), self.str(), self.str(), text, error)
                }
                _ => ml_snapshot_graph_node(self.handle(), self.str(), self.str(), text, error),
            }
        }
    }

    /// One wrong call or, by chance, a right one. Closes nothing that is in force.
    fn call(&mut self, error: *mut *mut ml_error) -> ml_status {
        let (mut id, mut did, mut found, mut count) = (0_u64, 0_i32, false, 0_u64);
        let (mut answer, mut memories, mut text) = (null_mut(), null_mut(), null_mut());
        let memory = self.memory();
        let memory = if self.rng.u32(..9) == 0 { null() } else { &raw const memory };
        let recall = self.recall();
        let (number, size) = (self.rng.u64(..), self.count());
        // SAFETY: every pointer is NULL, a number that is to be told from a handle, or to what its type
        // says; lengths are impossible, refused by a limit, or those of what is there.
        let status = unsafe {
            match self.rng.u32(..33) {
                0 => ml_db_remember(self.handle(), memory, &raw mut id, error),
                1 => ml_db_upsert(self.handle(), memory, &raw mut id, &raw mut did, error),
                2 => ml_db_update(self.handle(), number, self.str(), &raw mut found, error),
                3 => ml_db_supersede(self.handle(), number, memory, null_mut(), error),
                4 => ml_db_forget(self.handle(), number, null_mut(), error),
                5 => {
                    ml_db_forget_where(self.handle(), self.str(), self.str(), &raw mut count, error)
                }
                6 => ml_db_recall(self.handle(), &raw const recall, &raw mut answer, error),
                7 => ml_snapshot_recall(self.handle(), &raw const recall, &raw mut answer, error),
                8 => ml_snapshot_recall_json(
                    self.handle(),
                    self.str(),
                    self.handle(),
                    &raw mut answer,
                    error,
                ),
                9 => ml_snapshot_get(self.handle(), null(), size, &raw mut memories, error),
                10 => ml_db_get(self.handle(), null(), size, null_mut(), error),
                11 => ml_snapshot_count(self.handle(), self.str(), self.str(), null_mut(), error),
                12 => ml_tx_forget(self.handle(), number, null_mut(), error),
                13 => ml_tx_remember(self.handle(), memory, null_mut(), error),
                14 => ml_tx_commit(ptr::without_provenance_mut(7), null_mut(), error),
                15 => ml_answer_memory(self.handle(), size, null_mut(), error),
                16 => ml_answer_hit(self.handle(), size, null_mut(), error),
                17 => ml_cursor_next(self.handle(), null_mut(), error),
                18 => ml_db_log(self.handle(), number, size, &raw mut text, error),
                19 => ml_db_verify_log(self.handle(), self.str(), &raw mut text, error),
                20 => ml_db_outcome(self.handle(), self.str(), null_mut(), null_mut(), error),
                21 => ml_db_open(self.str(), null(), null_mut(), error),
                22 => ml_snapshot_namespaces(self.handle(), self.str(), size, &raw mut text, error),
                31 => {
                    let (words, vector) = (f32::from_bits(self.rng.u32(..)), f32::NAN);
                    ml_snapshot_resembling(
                        self.handle(),
                        memory,
                        words,
                        vector,
                        &raw mut text,
                        error,
                    )
                }
                23..=30 => self.graph_call(&raw mut text, error),
                _ => ml_error_free(ptr::without_provenance_mut(self.rng.usize(..1 << 50))),
            }
        };
        // SAFETY: what the call gave, if it gave anything.
        unsafe {
            assert_eq!(ml_answer_free(answer), ml_status::ML_OK);
        }
        // SAFETY: as above.
        unsafe {
            assert_eq!(ml_memories_free(memories), ml_status::ML_OK);
        }
        // SAFETY: as above.
        unsafe {
            assert_eq!(ml_text_free(text), ml_status::ML_OK);
        }
        status
    }
}

fn open() -> *mut ml_db {
    let mut db = null_mut();
    // SAFETY: no options, and a place for the result.
    let status = unsafe { ml_db_open_in_memory(null(), &raw mut db, null_mut()) };
    assert_eq!(status, ml_status::ML_OK);
    db
}

fn snapshot(db: *const ml_db) -> *mut ml_snapshot {
    let mut snapshot = null_mut();
    // SAFETY: a database, and a place for the result.
    let status = unsafe { ml_snapshot_take(db, &raw mut snapshot, null_mut()) };
    assert_eq!(status, ml_status::ML_OK);
    snapshot
}

#[test]
fn every_bad_call_gets_a_status_and_the_library_works_on() {
    let db = open();
    let (kept, freed) = (snapshot(db), snapshot(db));
    let closed = open();
    // SAFETY: handles in force.
    unsafe {
        assert_eq!(ml_snapshot_free(freed), ml_status::ML_OK);
    }
    // SAFETY: as above.
    unsafe {
        assert_eq!(ml_db_close(closed, null_mut()), ml_status::ML_OK);
    }
    let handles = [db.addr(), kept.addr(), freed.addr(), closed.addr()];
    let mut bag = Bag {
        rng: Rng::with_seed(7),
        handles: handles.to_vec(),
        text: r#"{"text": "tea", "limit": 3}"#.to_owned(),
        bad_text: [0xff, b'a', 0xfe],
    };
    let mut met = std::collections::BTreeSet::new();
    for _ in 0..CALLS {
        let mut error = null_mut();
        let place = if bag.rng.bool() { &raw mut error } else { null_mut() };
        let status = bag.call(place);
        assert_ne!(status, ml_status::ML_PANIC);
        met.insert(status as i32);
        if !error.is_null() {
            // SAFETY: an error that the call gave.
            let code = unsafe { ml_error_code(error) };
            assert_eq!(code, status);
        }
        // SAFETY: as above.
        let freed = unsafe { ml_error_free(error) };
        assert_eq!(freed, ml_status::ML_OK);
    }
    for status in [
        ml_status::ML_OK,
        ml_status::ML_INVALID_INPUT,
        ml_status::ML_LIMIT_EXCEEDED,
        ml_status::ML_FILTER_SYNTAX,
        ml_status::ML_NULL_POINTER,
        ml_status::ML_BAD_UTF8,
        ml_status::ML_BAD_HANDLE,
        ml_status::ML_STALE_HANDLE,
        ml_status::ML_BAD_SIZE,
    ] {
        assert!(met.contains(&(status as i32)), "no call came to {status:?}");
    }
    // SAFETY: in force still, whatever was called.
    let closed = unsafe { ml_db_close(db, null_mut()) };
    assert_eq!(closed, ml_status::ML_OK);
}

#[test]
fn a_transaction_is_of_its_thread_and_any_thread_gives_it_up() {
    let db = open();
    let mut tx = null_mut();
    // SAFETY: a database, and a place for the result.
    let status = unsafe { ml_tx_begin(db, null(), &raw mut tx, null_mut()) };
    assert_eq!(status, ml_status::ML_OK);
    let address = tx.addr();
    let elsewhere = move |call: fn(*mut ml_tx) -> ml_status| {
        thread::spawn(move || call(ptr::without_provenance_mut(address))).join().unwrap()
    };
    // SAFETY: a handle in force.
    let forget = |tx: *mut ml_tx| unsafe { ml_tx_forget(tx, 1, null_mut(), null_mut()) };
    assert_eq!(elsewhere(forget), ml_status::ML_WRONG_THREAD);
    // SAFETY: as above.
    let commit = |tx: *mut ml_tx| unsafe { ml_tx_commit(tx, null_mut(), null_mut()) };
    assert_eq!(elsewhere(commit), ml_status::ML_WRONG_THREAD);
    // SAFETY: as above.
    let give_up = |tx: *mut ml_tx| unsafe { ml_tx_rollback(tx, null_mut()) };
    assert_eq!(elsewhere(give_up), ml_status::ML_OK);
    assert_eq!(forget(tx), ml_status::ML_STALE_HANDLE);
    // SAFETY: a database in force, with no transaction any more.
    let closed = unsafe { ml_db_close(db, null_mut()) };
    assert_eq!(closed, ml_status::ML_OK);
}
