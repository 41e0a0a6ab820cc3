//! Any sequence of calls of the C interface, with handles in force, given back and made up.
//!
//! An input is a run of calls: a byte says which, and those behind it which arguments. What must hold is that each
//! comes back with a status that is not that of a panic, and that all can be given back in the end.

#![expect(unsafe_code, reason = "calls what C calls")]
#![expect(clippy::multiple_unsafe_ops_per_block, reason = "one of many calls, as the input says")]
#![allow(clippy::wildcard_imports, reason = "nearly all there is; in a test nothing is said of it")]

use memlith_capi::*;
use std::ffi::c_char;
use std::ptr::{self, null, null_mut};

/// Further calls are left out: they would take longer, and reach nothing that fewer do not.
const MAX_CALLS: usize = 200;

/// Arguments that some call takes, and some that none does.
const TEXTS: [&str; 20] = [
    "default",
    "Ada prefers tea",
    "kind:fact or importance > 0.2",
    "ada",
    "memory:1",
    r#"{"text": "tea", "limit": 3, "explain": true}"#,
    r#"{"text": "tea", "vector": [0.5, 1], "cut": "gap", "snippet": 20}"#,
    r#"{"importance": 0.9, "add_tags": ["x"], "expires_at": null}"#,
    r#"{"nodes": [{"id": "ada", "kind": "person"}], "links": [{"source": "ada", "target": "b"}]}"#,
    r#"{"of": "ada", "follow": {"direction": "both"}}"#,
    r#"{"starts": ["ada", ["memory:1", 0.5]], "paths": true}"#,
    r#"{"from": "ada", "to": "b", "how": "all"}"#,
    r#"{"nodes": {"a": null, "b": "ada"}, "edges": [{"from": "a", "to": "b"}]}"#,
    r#"{"what": "page_rank", "threads": 1}"#,
    r#"{"what": "hops", "with": {"source": "ada"}, "threads": 1}"#,
    r#"{"session": "today", "text": "tea", "max_tokens": 50}"#,
    r#"{"name": "Ada", "add_aliases": ["countess"], "properties": {"born": 1815}}"#,
    r#"{"weight": 2, "until_ms": 5}"#,
    "",
    "\u{0}\u{ffff}",
];

/// Kinds of handles, by what gives them back.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Tx,
    Cursor,
    Snapshot,
    Answer,
    Memories,
    Text,
    Db,
}

const KINDS: [Kind; 7] =
    [Kind::Tx, Kind::Cursor, Kind::Snapshot, Kind::Answer, Kind::Memories, Kind::Text, Kind::Db];

/// Makes the calls. Tells whether one came to something.
pub(crate) fn sequence(input: &[u8]) -> bool {
    let mut calls = Calls { rest: input.iter(), handles: Vec::new() };
    let mut is_any = false;
    for _ in 0..MAX_CALLS {
        let Some(which) = calls.rest.next().copied() else { break };
        let status = calls.call(which);
        assert_ne!(status, ml_status::ML_PANIC, "call {which}");
        is_any |= status == ml_status::ML_OK;
    }
    calls.give_back();
    is_any
}

struct Calls<'a> {
    rest: std::slice::Iter<'a, u8>,
    /// All that were ever given; some have been given back.
    handles: Vec<(Kind, usize)>,
}

impl Calls<'_> {
    fn byte(&mut self) -> u8 {
        self.rest.next().copied().unwrap_or(0)
    }

    /// Mostly a handle of the kind, sometimes any, sometimes a number.
    fn handle<T>(&mut self, kind: Kind) -> *mut T {
        let which = usize::from(self.byte());
        let bits = if which >= 0xf8 {
            [0, 1, usize::MAX, 3 << 56, 5 << 56 | 1 << 24, 1 << 55, 6, 7][which - 0xf8]
        } else {
            let is_any = which >= 0xe0;
            let among = self.handles.iter().filter(|(of, _)| is_any || *of == kind);
            let among: Vec<usize> = among.map(|(_, bits)| *bits).collect();
            // The newest first: it is likeliest to be in force.
            among.iter().rev().nth(which % among.len().max(1)).copied().unwrap_or(0)
        };
        ptr::without_provenance_mut(bits)
    }

    fn text(&mut self) -> ml_str {
        let which = usize::from(self.byte());
        let Some(text) = TEXTS.get(which) else {
            return ml_str { ptr: null(), len: if which == 0xff { 9 } else { 0 } };
        };
        ml_str { ptr: text.as_ptr().cast::<c_char>(), len: text.len() }
    }

    fn number(&mut self) -> u64 {
        match self.byte() {
            0xff => u64::MAX,
            small => u64::from(small),
        }
    }

    fn keep<T>(&mut self, kind: Kind, handle: *mut T) {
        if !handle.is_null() {
            self.handles.push((kind, handle.addr()));
        }
    }

    fn memory(&mut self) -> ml_new_memory {
        let none = ml_str { ptr: null(), len: 0 };
        ml_new_memory {
            struct_size: size_of::<ml_new_memory>(),
            ns: none,
            external_id: self.text(),
            content: self.text(),
            kind: self.text(),
            metadata: self.text(),
            agent: none,
            session: self.text(),
            project: none,
            channel: none,
            source: none,
            tags: null(),
            tag_count: 0,
            vectors: null(),
            vector_count: 0,
            importance: f32::from(self.byte()) / 200.0,
            valence: 0.0,
            priority: 5,
            created_ms: ML_NO_TIME,
            expires_ms: ML_NO_TIME,
        }
    }

    fn call(&mut self, which: u8) -> ml_status {
        // So that it cannot wait for itself, nor be disturbed.
        match which % 44 {
            0 => self.open(),
            1..=10 => self.write(which),
            11..=20 => self.read(which),
            21..=34 => self.graph(which),
            _ => self.free(which),
        }
    }

    fn open(&mut self) -> ml_status {
        let options = ml_options {
            struct_size: size_of::<ml_options>(),
            read_only: 0,
            no_create: 0,
            verify_on_open: 0,
            no_mapping: 0,
            durability: 0,
            background_threads: 0,
            background_cpu: 0,
            reserved: 0,
            memory_limit: 8 << 20,
            busy_timeout_ms: 0,
            close_timeout_ms: ML_DEFAULT,
            background_io: ML_DEFAULT,
            snapshot_max_age_ms: ML_DEFAULT,
            snapshot_max_bytes: ML_DEFAULT,
            log_max_rows: ML_DEFAULT,
            log_max_age_ms: ML_DEFAULT,
            seal_bytes: ML_DEFAULT,
            embedders: null(),
            embedder_count: 0,
            graph_delta_bytes: ML_DEFAULT,
            graph_bytes: ML_DEFAULT,
            answer_cache_bytes: ML_DEFAULT,
            graph_cache_bytes: ML_DEFAULT,
            embedding_cache_bytes: ML_DEFAULT,
            max_searches: ML_DEFAULT,
            embedding_file_bytes: ML_DEFAULT,
        };
        if self.handles.iter().filter(|(kind, _)| *kind == Kind::Db).count() >= 4 {
            return ml_status::ML_BUSY;
        }
        let mut db = null_mut();
        // SAFETY: options, and a place for the result.
        let status = unsafe { ml_db_open_in_memory(&raw const options, &raw mut db, null_mut()) };
        self.keep(Kind::Db, db);
        status
    }

    fn write(&mut self, which: u8) -> ml_status {
        let (mut id, mut count, mut found) = (0_u64, 0_u64, false);
        let (mut tx, mut memories) = (null_mut(), null_mut());
        let memory = self.memory();
        // SAFETY: texts that live for ever, and places for results; handles are told from what is none.
        let status = unsafe {
            match which % 44 {
                1 => ml_tx_begin(self.handle(Kind::Db), null(), &raw mut tx, null_mut()),
                2 => ml_tx_remember(
                    self.handle(Kind::Tx),
                    &raw const memory,
                    &raw mut id,
                    null_mut(),
                ),
                3 => ml_db_remember(
                    self.handle(Kind::Db),
                    &raw const memory,
                    &raw mut id,
                    null_mut(),
                ),
                4 => ml_db_upsert(
                    self.handle(Kind::Db),
                    &raw const memory,
                    null_mut(),
                    null_mut(),
                    null_mut(),
                ),
                5 => ml_db_update(
                    self.handle(Kind::Db),
                    self.number(),
                    self.text(),
                    &raw mut found,
                    null_mut(),
                ),
                6 => ml_tx_forget(self.handle(Kind::Tx), self.number(), &raw mut found, null_mut()),
                7 => ml_tx_supersede(
                    self.handle(Kind::Tx),
                    self.number(),
                    &raw const memory,
                    null_mut(),
                    null_mut(),
                ),
                8 => ml_db_forget_where(
                    self.handle(Kind::Db),
                    self.text(),
                    self.text(),
                    &raw mut count,
                    null_mut(),
                ),
                9 => ml_tx_get(self.handle(Kind::Tx), self.number(), &raw mut memories, null_mut()),
                _ => ml_tx_index_metadata(self.handle(Kind::Tx), self.text(), null_mut()),
            }
        };
        self.keep(Kind::Tx, tx);
        self.keep(Kind::Memories, memories);
        status
    }

    fn read(&mut self, which: u8) -> ml_status {
        let (mut snapshot, mut cursor, mut answer) = (null_mut(), null_mut(), null_mut());
        let (mut memories, mut text) = (null_mut(), null_mut());
        let ids = [self.number(), self.number()];
        // SAFETY: as in `write`.
        let status = unsafe {
            match which % 44 {
                11 => ml_snapshot_take(self.handle(Kind::Db), &raw mut snapshot, null_mut()),
                12 => ml_snapshot_recall_json(
                    self.handle(Kind::Snapshot),
                    self.text(),
                    null(),
                    &raw mut answer,
                    null_mut(),
                ),
                13 => ml_answer_json(self.handle(Kind::Answer), &raw mut text, null_mut()),
                14 => {
                    ml_db_get(self.handle(Kind::Db), ids.as_ptr(), 2, &raw mut memories, null_mut())
                }
                15 => {
                    ml_cursor_open(self.handle(Kind::Snapshot), null(), &raw mut cursor, null_mut())
                }
                16 => ml_cursor_next(self.handle(Kind::Cursor), &raw mut memories, null_mut()),
                17 => ml_cursor_position(self.handle(Kind::Cursor), &raw mut text, null_mut()),
                18 => ml_snapshot_context_json(
                    self.handle(Kind::Snapshot),
                    self.text(),
                    null(),
                    &raw mut text,
                    null_mut(),
                ),
                19 => ml_db_log(self.handle(Kind::Db), 0, 10, &raw mut text, null_mut()),
                _ => ml_db_stats(self.handle(Kind::Db), &raw mut text, null_mut()),
            }
        };
        self.keep(Kind::Snapshot, snapshot);
        self.keep(Kind::Cursor, cursor);
        self.keep(Kind::Answer, answer);
        self.keep(Kind::Memories, memories);
        self.keep(Kind::Text, text);
        status
    }

    fn graph(&mut self, which: u8) -> ml_status {
        let mut json = null_mut();
        let ns = ml_str { ptr: null(), len: 0 };
        let which = which % 44;
        let status = if which <= 26 {
            let tx = self.handle::<ml_tx>(Kind::Tx);
            let (first, second, number) = (self.text(), self.text(), self.number());
            // SAFETY: as in `write`.
            unsafe {
                match which {
                    21 => ml_tx_graph_import(
                        tx,
                        ns,
                        first,
                        second,
                        null_mut(),
                        null_mut(),
                        null_mut(),
                    ),
                    22 => ml_tx_graph_update_node(tx, ns, first, second, null_mut(), null_mut()),
                    23 => ml_tx_graph_update_edge(tx, ns, number, second, null_mut(), null_mut()),
                    24 => ml_tx_graph_delete_node(tx, ns, first, null_mut(), null_mut()),
                    25 => ml_tx_graph_merge_nodes(tx, ns, first, second, null_mut()),
                    _ => ml_tx_graph_node(tx, ns, first, &raw mut json, null_mut()),
                }
            }
        } else {
            let snapshot = self.handle::<ml_snapshot>(Kind::Snapshot);
            let (request, stop, out) = (self.text(), null(), &raw mut json);
            // SAFETY: as in `write`.
            unsafe {
                match which {
                    27 => {
                        ml_snapshot_graph_neighbours(snapshot, ns, request, stop, out, null_mut())
                    }
                    28 => ml_snapshot_graph_related(snapshot, ns, request, stop, out, null_mut()),
                    29 => ml_snapshot_graph_subgraph(snapshot, ns, request, stop, out, null_mut()),
                    30 => ml_snapshot_graph_paths(snapshot, ns, request, stop, out, null_mut()),
                    31 => ml_snapshot_graph_find(snapshot, ns, request, stop, out, null_mut()),
                    32 => {
                        let told = null();
                        ml_snapshot_graph_analyse(
                            snapshot,
                            ns,
                            request,
                            told,
                            stop,
                            out,
                            null_mut(),
                        )
                    }
                    33 => ml_snapshot_graph_export(snapshot, ns, out, null_mut()),
                    _ => ml_snapshot_graph_edges(snapshot, ns, 0, 10, out, null_mut()),
                }
            }
        };
        self.keep(Kind::Text, json);
        status
    }

    fn free(&mut self, which: u8) -> ml_status {
        if which % 44 == 42 {
            let tx = self.handle(Kind::Tx);
            // SAFETY: a handle is told from what is none.
            return unsafe { ml_tx_commit(tx, null_mut(), null_mut()) };
        }
        let kind = KINDS[usize::from(which % 44) % KINDS.len()];
        let bits = self.handle::<u8>(kind).addr();
        freed(kind, bits)
    }

    /// Everything that is left; transactions before their databases.
    fn give_back(self) {
        for kind in KINDS {
            for (_, bits) in self.handles.iter().filter(|(of, _)| *of == kind) {
                let status = freed(kind, *bits);
                let is_given_back = [ml_status::ML_OK, ml_status::ML_STALE_HANDLE];
                assert!(is_given_back.contains(&status), "{status:?}");
            }
        }
    }
}

fn freed(kind: Kind, bits: usize) -> ml_status {
    // SAFETY: a handle is told from what is none.
    unsafe {
        match kind {
            Kind::Tx => ml_tx_rollback(ptr::without_provenance_mut(bits), null_mut()),
            Kind::Cursor => ml_cursor_free(ptr::without_provenance_mut(bits)),
            Kind::Snapshot => ml_snapshot_free(ptr::without_provenance_mut(bits)),
            Kind::Answer => ml_answer_free(ptr::without_provenance_mut(bits)),
            Kind::Memories => ml_memories_free(ptr::without_provenance_mut(bits)),
            Kind::Text => ml_text_free(ptr::without_provenance_mut(bits)),
            Kind::Db => ml_db_close(ptr::without_provenance_mut(bits), null_mut()),
        }
    }
}
