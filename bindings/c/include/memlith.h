/* Memlith: one file that remembers and recalls. The C interface; this header is its manual.
 *
 *     ml_db *db;
 *     ml_error *error;
 *     if (ml_db_open(ML_STR("agent.lith"), NULL, &db, &error) != ML_OK) {
 *         ml_str why = ml_error_message(error);
 *         fprintf(stderr, "%.*s\n", (int)why.len, why.ptr);
 *         ml_error_free(error);
 *         return 1;
 *     }
 *     ml_new_memory memory = ml_new_memory_init();
 *     memory.content = ML_STR("Ada prefers tea");
 *     ml_db_remember(db, &memory, NULL, NULL);
 *     ml_db_close(db, NULL);
 *
 * examples/agent.c is a whole program; memlith.hpp wraps all of this for C++17.
 *
 * Results.      Every call that can fail returns an ml_status, and says more through `ml_error **error`,
 *               its last argument, which may be NULL. Other results go to where an argument points,
 *               and only if the status is ML_OK.
 * Arguments.    Are borrowed for the call and copied if they are kept (but for embedders, which say what
 *               is). Text is UTF-8 with a length; `ML_STR` and `ml_cstr` make it.
 * Objects.      ml_db, ml_tx and so on are yours when you get them, and each has one call that gives it
 *               back: ..._close, ..._commit or ..._rollback, ..._free; NULL is fine there. A handle
 *               only looks like a pointer: used after that, or as another kind, it is an error
 *               (ML_STALE_HANDLE, ML_BAD_HANDLE) and nothing worse. Any other pointer must point to
 *               what its type says.
 * Views.        ml_str and arrays in results lie in an object, and are valid until it is given back.
 * Structures.   Begin with their struct_size, which an ..._init() sets with every default. So a program
 *               runs with a newer library, and an older one refuses only what it does not know.
 * Threads.      Whatever is not said to be of one thread can be used from any, by several at once; an
 *               object must not be given back while another thread reads views of it.
 * Defects.      A panic of the library becomes ML_PANIC; the handle takes no more calls then.
 */

#ifndef MEMLITH_H
#define MEMLITH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * Memories in a batch at most.
 */
#define ML_MAX_BATCH (1 << 20)

/**
 * `order`: what happened last comes first.
 */
#define ML_ORDER_NEWEST 0

/**
 * `order`: what happened first comes first.
 */
#define ML_ORDER_OLDEST 1

/**
 * `order`: what was written last comes first.
 */
#define ML_ORDER_UPDATED 2

/**
 * `order`: the most important comes first.
 */
#define ML_ORDER_IMPORTANCE 3

/**
 * `order`: the highest priority comes first.
 */
#define ML_ORDER_PRIORITY 4

/**
 * The version of the binary interface. A program that was built for one runs with every library of the
 * same one: functions, fields at the end of structures and statuses are only added.
 */
#define ML_ABI_VERSION 1

/**
 * Vectors of a search at most.
 */
#define ML_MAX_QUERIES 10000

/**
 * A time that is not given. Times are milliseconds since 1970.
 */
#define ML_NO_TIME INT64_MIN

/**
 * The importance of a memory that gives none.
 */
#define ML_DEFAULT_IMPORTANCE 0.5

/**
 * The priority of a memory that gives none.
 */
#define ML_DEFAULT_PRIORITY 5

/**
 * A number of options that leaves the choice to the library.
 */
#define ML_DEFAULT UINT64_MAX

/**
 * `durability`: as the database was opened, or `ML_DURABLE` if it does not say.
 */
#define ML_DURABILITY_DEFAULT 0

/**
 * `durability`: a write that returned survives power loss.
 */
#define ML_DURABLE 1

/**
 * `durability`: the last 100 ms may be lost when the process dies or the power goes; never torn.
 */
#define ML_RELAXED 2

/**
 * `effort`: misses less than one neighbour of a hundred.
 */
#define ML_EFFORT_BALANCED 0

/**
 * `effort`: misses a few of a hundred, and takes a third of the time.
 */
#define ML_EFFORT_FAST -1

/**
 * `effort`: compares with every vector, and misses none.
 */
#define ML_EFFORT_EXACT -2

/**
 * `metric`: the cosine of the angle.
 */
#define ML_COSINE 0

/**
 * `metric`: the inner product.
 */
#define ML_DOT 1

/**
 * `metric`: the distance, of which the score is the negative.
 */
#define ML_L2 2

/**
 * `precision`: components are kept as they are given.
 */
#define ML_F32 0

/**
 * `precision`: components are rounded to 11 significant bits, and take half the bytes.
 */
#define ML_F16 1

/**
 * `did` of an upsert: there was none under that external id.
 */
#define ML_CREATED 1

/**
 * `did` of an upsert: something about it changed.
 */
#define ML_UPDATED 2

/**
 * `did` of an upsert: it was there exactly so; nothing was written.
 */
#define ML_UNCHANGED 3

/**
 * What a call came to.
 *
 * The numbers are fixed for ever: a program may store them, send them or switch over them. New ones may
 * come; treat one that you do not know as a failure.
 */
enum ml_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It is done.
     */
    ML_OK = 0,
    /**
     * No such file, memory or vector space.
     */
    ML_NOT_FOUND = 1,
    /**
     * It exists already: a file, an external id, an idempotency key.
     */
    ML_ALREADY_EXISTS = 2,
    /**
     * Another process or handle has the file open. The error's context has `holder_pid`.
     */
    ML_IN_USE = 3,
    /**
     * The write could not start within the busy timeout: another one is still running.
     */
    ML_BUSY = 4,
    /**
     * An argument breaks a documented rule.
     */
    ML_INVALID_INPUT = 5,
    /**
     * An argument or an answer is larger than a documented limit.
     */
    ML_LIMIT_EXCEEDED = 6,
    /**
     * A vector does not have the dimension of its space.
     */
    ML_DIMENSION_MISMATCH = 7,
    /**
     * A filter does not parse. The error's context has `column`.
     */
    ML_FILTER_SYNTAX = 8,
    /**
     * The file is not a Memlith file.
     */
    ML_NOT_MEMLITH = 9,
    /**
     * The file is of a format version that this library does not read or write.
     */
    ML_UNSUPPORTED_FORMAT = 10,
    /**
     * Stored bytes are damaged. The file is left as it is.
     */
    ML_CORRUPTION = 11,
    /**
     * The operating system reported an I/O error.
     */
    ML_IO = 12,
    /**
     * The device is full.
     */
    ML_STORAGE_FULL = 13,
    /**
     * An earlier failure closed this database to writing: close it and open it again.
     */
    ML_LATCHED = 14,
    /**
     * It is unknown whether the commit is durable: open again and ask `ml_db_outcome`.
     */
    ML_OUTCOME_UNKNOWN = 15,
    /**
     * The snapshot was held for too long and was revoked: take another.
     */
    ML_SNAPSHOT_EXPIRED = 16,
    /**
     * A write to a database that was opened for reading.
     */
    ML_READ_ONLY = 17,
    /**
     * The process was forked: open the file in the child.
     */
    ML_FORKED = 18,
    /**
     * The deadline of the call passed.
     */
    ML_DEADLINE_EXCEEDED = 19,
    /**
     * The embedder callback failed.
     */
    ML_EMBEDDER = 20,
    /**
     * A defect of this library. What was committed is not lost.
     */
    ML_INTERNAL = 21,
    /**
     * Another thread ended the call by its cancellation.
     */
    ML_CANCELLED = 22,
    /**
     * A pointer that must not be NULL is, or has the wrong alignment.
     */
    ML_NULL_POINTER = 64,
    /**
     * Text is not UTF-8.
     */
    ML_BAD_UTF8 = 65,
    /**
     * A handle that this library never gave, or of another kind.
     */
    ML_BAD_HANDLE = 66,
    /**
     * A handle that was given back already.
     */
    ML_STALE_HANDLE = 67,
    /**
     * A transaction or cursor was used by another thread than the one that began it.
     */
    ML_WRONG_THREAD = 68,
    /**
     * A callback called back into the library.
     */
    ML_REENTRANT = 69,
    /**
     * The library panicked: a defect. The handle takes no further calls; give it back.
     */
    ML_PANIC = 70,
    /**
     * The handle takes no calls since one of them panicked.
     */
    ML_POISONED = 71,
    /**
     * A `struct_size`, a length or a count cannot be true.
     */
    ML_BAD_SIZE = 72,
    /**
     * The database cannot be closed while a transaction is open.
     */
    ML_OPEN_TRANSACTIONS = 73,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ml_status ml_status;
#else
typedef int32_t ml_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a recall found. Yours: give it back with `ml_answer_free`.
 *
 * Threads: usable from any thread, by several at once. It holds no snapshot and no file.
 */
typedef struct ml_answer ml_answer;

/**
 * What ends calls of another thread: requests that have it. Yours: give it back with `ml_cancellation_free`.
 *
 * Threads: usable from any thread; that is what it is for.
 */
typedef struct ml_cancellation ml_cancellation;

/**
 * A listing that is under way. Yours: give it back with `ml_cursor_free`.
 *
 * It holds the snapshot that it lists, also when that was given back.
 *
 * Threads: of the thread that opened it (`ML_WRONG_THREAD`), but for `ml_cursor_free`.
 */
typedef struct ml_cursor ml_cursor;

/**
 * An open file. Yours: give it back with `ml_db_close`.
 *
 * Threads: usable from any thread, by several at once. Opening a file costs far more than any call: keep
 * it open.
 *
 * After a `fork`, only the parent may use it: in the child every call returns `ML_FORKED`, but for
 * `ml_db_close`.
 */
typedef struct ml_db ml_db;

/**
 * What went wrong, in a call that was given a place for it. Yours: give it back with `ml_error_free`.
 *
 * Every call that can fail takes `ml_error **error` last. It may be NULL: the status says the kind all
 * the same. Otherwise `*error` is set to NULL first, and to a new object if the call fails.
 *
 * Threads: usable from any thread.
 */
typedef struct ml_error ml_error;

/**
 * Memories that were read. Yours: give them back with `ml_memories_free`.
 *
 * Threads: usable from any thread, by several at once. They hold no snapshot and no file.
 */
typedef struct ml_memories ml_memories;

/**
 * Background work that is held up. Yours: give it back with `ml_pause_free`, which lets it go on.
 *
 * Threads: usable from any thread.
 */
typedef struct ml_pause ml_pause;

/**
 * One instant of the file: what is read from it agrees, whatever is written meanwhile. Yours: give it back
 * with `ml_snapshot_free`.
 *
 * Cheap to take. Held for long it keeps space in the file from being used again; beyond the age and size
 * that the options allow it is revoked (`ML_SNAPSHOT_EXPIRED`).
 *
 * Threads: usable from any thread, by several at once.
 */
typedef struct ml_snapshot ml_snapshot;

/**
 * Text of the library, mostly JSON. Yours: give it back with `ml_text_free`.
 *
 * Threads: usable from any thread.
 */
typedef struct ml_text ml_text;

/**
 * A write transaction. Yours: `ml_tx_commit` and `ml_tx_rollback` give it back.
 *
 * One runs at a time; whoever else wants to write waits, up to the busy timeout: keep it short. Its reads
 * see its own writes. Nobody else sees any of it before it is committed.
 *
 * Threads: of the thread that began it (`ML_WRONG_THREAD`), but for `ml_tx_rollback`.
 */
typedef struct ml_tx ml_tx;

/**
 * A hit. Begin with `ml_hit_init()`. Texts of its memory lie in the answer.
 */
typedef struct ml_hit {
    /**
     * `sizeof(ml_hit)`.
     */
    size_t struct_size;
    /**
     * Of a request with one leg: its raw score, such as the cosine. Of one with several: the sum of their
     * scores, each between 0 and 1 and times its weight.
     */
    float score;
    /**
     * 0.
     */
    uint32_t reserved;
    /**
     * The number of the memory. `ml_answer_memory` has the rest of it.
     */
    uint64_t id;
} ml_hit;

/**
 * Borrowed text: UTF-8, not ended by a zero, which may be in it.
 *
 * As an argument it is read during the call and not kept. `ptr` NULL is no text at all, which is not
 * the same as an empty one. As a result it lies in an object, and is valid until that is given back.
 * `ML_STR("literal")` and `ml_cstr(string)` make one.
 */
typedef struct ml_str {
    /**
     * The first byte.
     */
    const char *ptr;
    /**
     * How many bytes.
     */
    size_t len;
} ml_str;

/**
 * A memory that was read. Begin with `ml_memory_init()`. Its texts lie in the object that it was got
 * from, and are valid until that is given back.
 */
typedef struct ml_memory {
    /**
     * `sizeof(ml_memory)`.
     */
    size_t struct_size;
    /**
     * Its number in the file. 0 is no memory.
     */
    uint64_t id;
    /**
     * Whose memory it is.
     */
    struct ml_str ns;
    /**
     * Your own id, or no text.
     */
    struct ml_str external_id;
    /**
     * What is remembered.
     */
    struct ml_str content;
    /**
     * What sort of memory it is, or no text.
     */
    struct ml_str kind;
    /**
     * A JSON object, or no text.
     */
    struct ml_str metadata;
    /**
     * Who said or did it, or no text.
     */
    struct ml_str agent;
    /**
     * The conversation or task it belongs to, or no text.
     */
    struct ml_str session;
    /**
     * The project it belongs to, or no text.
     */
    struct ml_str project;
    /**
     * Where it came in, or no text.
     */
    struct ml_str channel;
    /**
     * Where it was taken from, or no text.
     */
    struct ml_str source;
    /**
     * Tags, sorted.
     */
    const struct ml_str *tags;
    /**
     * How many.
     */
    size_t tag_count;
    /**
     * Names of the vector spaces that have an embedding of it, sorted.
     */
    const struct ml_str *spaces;
    /**
     * How many.
     */
    size_t space_count;
    /**
     * From 0 to 1.
     */
    float importance;
    /**
     * From -1 to 1.
     */
    float valence;
    /**
     * For filters and sorting.
     */
    int64_t priority;
    /**
     * When it happened.
     */
    int64_t created_ms;
    /**
     * When it was last written.
     */
    int64_t updated_ms;
    /**
     * From when on it is no longer found, or `ML_NO_TIME`.
     */
    int64_t expires_ms;
    /**
     * The memory that this one replaces, or 0.
     */
    uint64_t supersedes;
    /**
     * The memory that replaces this one, or 0.
     */
    uint64_t superseded_by;
    /**
     * When it was superseded, or `ML_NO_TIME`.
     */
    int64_t superseded_ms;
    /**
     * How often it was read or recalled.
     */
    uint64_t accesses;
    /**
     * When it was last, or `ML_NO_TIME`.
     */
    int64_t accessed_ms;
} ml_memory;

/**
 * What to list. NULL is everything, newest first; otherwise begin with `ml_list_init()`.
 */
typedef struct ml_list {
    /**
     * `sizeof(ml_list)`.
     */
    size_t struct_size;
    /**
     * Only of this namespace; no text is all of them.
     */
    struct ml_str ns;
    /**
     * Only what this filter matches, or no text.
     */
    struct ml_str filter;
    /**
     * From behind the place that `ml_cursor_position` gave, in the same order and scope, or no text.
     */
    struct ml_str after;
    /**
     * Memories of a page, 1 to 10,000.
     */
    size_t limit;
    /**
     * One of `ML_ORDER_...`.
     */
    int32_t order;
    /**
     * 0.
     */
    int32_t reserved;
    /**
     * Give up with `ML_DEADLINE_EXCEEDED` after so long for a page; 0 is never.
     */
    uint64_t deadline_ms;
    /**
     * What another thread may end it by, or NULL.
     */
    const struct ml_cancellation *cancellation;
} ml_list;

/**
 * What makes vectors of texts: a callback, and what it is.
 *
 * Threads: `embed` may be called from any thread, by several at once; what `user` points to must bear
 * that. It must not call the library (`ML_REENTRANT`) and must not throw.
 *
 * Lifetime: `destroy` is called once, when nothing uses the embedder any more: after the database is
 * closed and its last snapshot given back, or at once if opening it fails. It may be NULL.
 */
typedef struct ml_embedder {
    /**
     * `sizeof(ml_embedder)`.
     */
    size_t struct_size;
    /**
     * The vector space that it is for; no text is `default`.
     */
    struct ml_str space;
    /**
     * Which model it is. The space remembers it, and refuses the vectors of another. Copied.
     */
    struct ml_str identity;
    /**
     * How long its vectors are.
     */
    size_t dimension;
    /**
     * At most so many texts in a call; 0 is no limit.
     */
    size_t max_batch;
    /**
     * Writes `count` vectors of `dimension` numbers each, one behind the other, to `vectors`. Returns 0,
     * or anything else to fail the call that needed them with `ML_EMBEDDER`.
     */
    int32_t (*embed)(void *user, const struct ml_str *texts, size_t count, float *vectors);
    /**
     * Handed to `embed` and `destroy`.
     */
    void *user;
    /**
     * Frees `user`, or NULL.
     */
    void (*destroy)(void *user);
} ml_embedder;

/**
 * How a database is opened. NULL is every default; otherwise begin with `ml_options_init()`, and change
 * what you mean to. Everything is read during the call, and nothing kept but the embedders.
 *
 * What is left to the library can be given by the environment: `MEMLITH_BUSY_TIMEOUT`, ….
 */
typedef struct ml_options {
    /**
     * `sizeof(ml_options)`.
     */
    size_t struct_size;
    /**
     * Not 0: open for reading only. Several processes may, while none writes.
     */
    int32_t read_only;
    /**
     * Not 0: fail with `ML_NOT_FOUND` if there is no file, rather than create it.
     */
    int32_t no_create;
    /**
     * Not 0: verify all of the file before it is used.
     */
    int32_t verify_on_open;
    /**
     * Not 0: read the file rather than map it into memory.
     */
    int32_t no_mapping;
    /**
     * `ML_DURABLE` or `ML_RELAXED`, of writes that do not say.
     */
    int32_t durability;
    /**
     * Threads for background work, 0 to 64; -1 leaves the choice to the library.
     */
    int32_t background_threads;
    /**
     * Percent of a core that each of them may take, 1 to 100; 0 leaves the choice to the library.
     */
    int32_t background_cpu;
    /**
     * Keeps `memory_limit` aligned. 0.
     */
    int32_t reserved;
    /**
     * Bytes of memory for caches and indexes, or `ML_DEFAULT`.
     */
    uint64_t memory_limit;
    /**
     * How long a write waits for its turn, and opening for the file, or `ML_DEFAULT`.
     */
    uint64_t busy_timeout_ms;
    /**
     * How long closing waits for background work, or `ML_DEFAULT`.
     */
    uint64_t close_timeout_ms;
    /**
     * Bytes a second of background work, 0 without limit, or `ML_DEFAULT`.
     */
    uint64_t background_io;
    /**
     * After how long a snapshot that is still held is revoked, or `ML_DEFAULT`.
     */
    uint64_t snapshot_max_age_ms;
    /**
     * After how many bytes of later commits, or `ML_DEFAULT`.
     */
    uint64_t snapshot_max_bytes;
    /**
     * How many rows of the log are kept, or `ML_DEFAULT`; give both or neither.
     */
    uint64_t log_max_rows;
    /**
     * And for how long, or `ML_DEFAULT`.
     */
    uint64_t log_max_age_ms;
    /**
     * Bytes of vectors that are rows before they are sealed, or `ML_DEFAULT`.
     */
    uint64_t seal_bytes;
    /**
     * Embedders, or NULL.
     */
    const struct ml_embedder *embedders;
    /**
     * How many.
     */
    size_t embedder_count;
    /**
     * Bytes that changes of the graph may take in memory before its image is written anew, or `ML_DEFAULT`.
     */
    uint64_t graph_delta_bytes;
    /**
     * Bytes that the adjacency of the graph may take in memory before walks read rows, or `ML_DEFAULT`.
     */
    uint64_t graph_bytes;
    /**
     * Bytes of answers to recalls that are kept for requests that come again, or `ML_DEFAULT`: none.
     */
    uint64_t answer_cache_bytes;
    /**
     * Bytes of subgraphs and analyses that are kept, or `ML_DEFAULT`: none.
     */
    uint64_t graph_cache_bytes;
    /**
     * Bytes of vectors that embedders made and that are kept in memory, or `ML_DEFAULT`: none.
     */
    uint64_t embedding_cache_bytes;
    /**
     * How many searches may run at once, or `ML_DEFAULT`.
     */
    uint64_t max_searches;
    /**
     * Bytes of vectors that embedders made and that are kept in the file, or `ML_DEFAULT`: none.
     */
    uint64_t embedding_file_bytes;
} ml_options;

/**
 * Who is told how far a long call has come. Where a function takes one, NULL is nobody.
 *
 * `call` comes on the thread that makes the call, must not call the library (`ML_REENTRANT`) and must
 * not throw. `destroy`, which may be NULL, is called once before that call returns.
 */
typedef struct ml_progress {
    /**
     * `sizeof(ml_progress)`.
     */
    size_t struct_size;
    /**
     * How much is done, and of how much; the total may grow, and is 0 where it is not known.
     */
    void (*call)(void *user, uint64_t done, uint64_t total);
    /**
     * Handed to `call` and `destroy`.
     */
    void *user;
    /**
     * Frees `user`, or NULL.
     */
    void (*destroy)(void *user);
} ml_progress;

/**
 * Nodes to be written, as columns: a node takes the entry of its row from each. Begin with
 * `ml_node_batch_init()`. A column that is NULL gives each the default.
 */
typedef struct ml_node_batch {
    /**
     * `sizeof(ml_node_batch)`.
     */
    size_t struct_size;
    /**
     * How many nodes, up to `ML_MAX_BATCH`.
     */
    size_t count;
    /**
     * Your own ids, unique in the namespace: the one column that must be there.
     */
    const struct ml_str *ids;
    /**
     * What sort of thing each is; no text is none.
     */
    const struct ml_str *kinds;
    /**
     * What people call each; no text is none.
     */
    const struct ml_str *names;
    /**
     * JSON objects; no text is none.
     */
    const struct ml_str *properties;
    /**
     * JSON arrays of tags; no text is none.
     */
    const struct ml_str *tags;
    /**
     * JSON arrays of other ids by which it is found; no text is none.
     */
    const struct ml_str *aliases;
    /**
     * How important each is.
     */
    const float *importances;
    /**
     * When each came about; `ML_NO_TIME` is now.
     */
    const int64_t *created_ms;
    /**
     * The vector space of `vectors`; no text is `default`.
     */
    struct ml_str space;
    /**
     * Their embeddings: a matrix of `count` rows of `dimension` numbers each, or NULL.
     */
    const float *vectors;
    /**
     * Numbers of a row.
     */
    size_t dimension;
    /**
     * Numbers from the beginning of a row to that of the next; 0 is `dimension`.
     */
    size_t stride;
} ml_node_batch;

/**
 * Edges to be written, likewise. Begin with `ml_edge_batch_init()`.
 */
typedef struct ml_edge_batch {
    /**
     * `sizeof(ml_edge_batch)`.
     */
    size_t struct_size;
    /**
     * How many edges, up to `ML_MAX_BATCH`.
     */
    size_t count;
    /**
     * Where each begins: an external id or an alias of a node, or `memory:` and the number of a memory.
     * Must be there, as must the next two.
     */
    const struct ml_str *sources;
    /**
     * What sort of relation each is.
     */
    const struct ml_str *kinds;
    /**
     * Where each leads.
     */
    const struct ml_str *targets;
    /**
     * JSON objects; no text is none.
     */
    const struct ml_str *properties;
    /**
     * From 0 on; 1 if NULL.
     */
    const float *weights;
    /**
     * From when on each holds; `ML_NO_TIME` is ever.
     */
    const int64_t *from_ms;
    /**
     * From when on it no longer does; `ML_NO_TIME` is never.
     */
    const int64_t *until_ms;
    /**
     * When each came about; `ML_NO_TIME` is now.
     */
    const int64_t *created_ms;
    /**
     * Not 0: add each, also where there is one of its kind between the same two, for what held before and
     * holds again. Otherwise that one is made the same.
     */
    int32_t add;
    /**
     * 0.
     */
    int32_t reserved;
} ml_edge_batch;

/**
 * Vectors of a space: as many rows as there are queries.
 */
typedef struct ml_matrix {
    /**
     * The name of the space.
     */
    struct ml_str space;
    /**
     * Rows of `dimension` numbers each.
     */
    const float *vectors;
    /**
     * Numbers of a row.
     */
    size_t dimension;
} ml_matrix;

/**
 * What to look for. Begin with `ml_nearest_init()`.
 */
typedef struct ml_nearest {
    /**
     * `sizeof(ml_nearest)`.
     */
    size_t struct_size;
    /**
     * A matrix of `count` rows of `dimension` numbers each.
     */
    const float *vectors;
    /**
     * How many vectors.
     */
    size_t count;
    /**
     * Numbers of each.
     */
    size_t dimension;
    /**
     * The vector space; no text is `default`.
     */
    struct ml_str space;
    /**
     * Only of this namespace; no text is all of them.
     */
    struct ml_str ns;
    /**
     * Only what this filter matches, or no text.
     */
    struct ml_str filter;
    /**
     * At most so many neighbours of each, up to 10,000.
     */
    size_t limit;
    /**
     * Only neighbours that score at least this; NAN is any.
     */
    float min_score;
    /**
     * As that of `ml_recall`.
     */
    int32_t effort;
    /**
     * Not 0: also memories that another one supersedes.
     */
    int32_t include_superseded;
    /**
     * 0.
     */
    int32_t reserved;
    /**
     * Vectors of other spaces for the same queries: scores of several spaces are put on one scale from 0 to
     * 1, and a memory has the sum of them. NULL is none.
     */
    const struct ml_matrix *also;
    /**
     * How many.
     */
    size_t also_count;
    /**
     * Give up with `ML_DEADLINE_EXCEEDED` after so long; 0 is never.
     */
    uint64_t deadline_ms;
    /**
     * What another thread may end it by, or NULL.
     */
    const struct ml_cancellation *cancellation;
} ml_nearest;

/**
 * Borrowed numbers: a vector, or rows of a matrix one behind the other. As `ml_str` otherwise.
 */
typedef struct ml_floats {
    /**
     * The first.
     */
    const float *ptr;
    /**
     * How many.
     */
    size_t len;
} ml_floats;

/**
 * What to recall. Begin with `ml_recall_init()`. Text, a vector, both, or a filter alone. It has what most
 * recalls need; `ml_snapshot_recall_json` takes all there is.
 */
typedef struct ml_recall {
    /**
     * `sizeof(ml_recall)`.
     */
    size_t struct_size;
    /**
     * Words to find, or no text. Also embedded, where the database has an embedder and there is no vector.
     */
    struct ml_str text;
    /**
     * A query vector, or none.
     */
    struct ml_floats vector;
    /**
     * The vector space of `vector`; no text is `default`.
     */
    struct ml_str space;
    /**
     * Only of this namespace; no text is all of them.
     */
    struct ml_str ns;
    /**
     * Only what this filter matches, or no text. The language: docs/filters.md.
     */
    struct ml_str filter;
    /**
     * At most so many hits, up to 10,000.
     */
    size_t limit;
    /**
     * Only hits that score at least this; NAN is any.
     */
    float min_score;
    /**
     * How much the words count.
     */
    float text_weight;
    /**
     * How much the nearness counts.
     */
    float vector_weight;
    /**
     * How much it counts how new a memory is.
     */
    float recency_weight;
    /**
     * How much it counts how important a memory is.
     */
    float importance_weight;
    /**
     * `ML_EFFORT_BALANCED`, `ML_EFFORT_FAST`, `ML_EFFORT_EXACT`, or how many vectors the search keeps on
     * its way, 1 to 4,096.
     */
    int32_t effort;
    /**
     * After how long the score of recency has halved.
     */
    uint64_t half_life_ms;
    /**
     * Give up with `ML_DEADLINE_EXCEEDED` after so long; 0 is never.
     */
    uint64_t deadline_ms;
    /**
     * Not 0: also memories that another one supersedes.
     */
    int32_t include_superseded;
    /**
     * Not 0: each hit of `ml_answer_json` says why it is there.
     */
    int32_t explain;
    /**
     * What another thread may end it by, or NULL.
     */
    const struct ml_cancellation *cancellation;
} ml_recall;

/**
 * A vector of a space.
 */
typedef struct ml_vector {
    /**
     * The name of the space; no text is `default`.
     */
    struct ml_str space;
    /**
     * Its components.
     */
    struct ml_floats values;
} ml_vector;

/**
 * A memory to be remembered. Begin with `ml_new_memory_init()`. All of it is copied during the call.
 */
typedef struct ml_new_memory {
    /**
     * `sizeof(ml_new_memory)`.
     */
    size_t struct_size;
    /**
     * The persona or agent whose memory it is; no text is `default`.
     */
    struct ml_str ns;
    /**
     * Your own id, unique in the namespace, or no text.
     */
    struct ml_str external_id;
    /**
     * What is remembered.
     */
    struct ml_str content;
    /**
     * What sort of memory it is: `fact`, `event`, …, or no text.
     */
    struct ml_str kind;
    /**
     * A JSON object, or no text.
     */
    struct ml_str metadata;
    /**
     * Who said or did it, or no text.
     */
    struct ml_str agent;
    /**
     * The conversation or task it belongs to, or no text.
     */
    struct ml_str session;
    /**
     * The project it belongs to, or no text.
     */
    struct ml_str project;
    /**
     * Where it came in, or no text.
     */
    struct ml_str channel;
    /**
     * Where it was taken from: a file, a URL, or no text.
     */
    struct ml_str source;
    /**
     * Tags, or NULL.
     */
    const struct ml_str *tags;
    /**
     * How many.
     */
    size_t tag_count;
    /**
     * Embeddings, of different spaces, or NULL.
     */
    const struct ml_vector *vectors;
    /**
     * How many.
     */
    size_t vector_count;
    /**
     * From 0 (trivia) to 1 (vital).
     */
    float importance;
    /**
     * From -1 (bad) to 1 (good).
     */
    float valence;
    /**
     * For filters and sorting.
     */
    int64_t priority;
    /**
     * When it happened; `ML_NO_TIME` is now.
     */
    int64_t created_ms;
    /**
     * From when on it is no longer found; `ML_NO_TIME` is never.
     */
    int64_t expires_ms;
} ml_new_memory;

/**
 * A vector space: which vectors it holds and how they are compared. Begin with `ml_space_init()`.
 */
typedef struct ml_space {
    /**
     * `sizeof(ml_space)`.
     */
    size_t struct_size;
    /**
     * Its name; no text is `default`.
     */
    struct ml_str name;
    /**
     * Which embedder makes its vectors; those of another are refused. No text is none.
     */
    struct ml_str embedder;
    /**
     * How long its vectors are.
     */
    size_t dimension;
    /**
     * `ML_COSINE`, `ML_DOT` or `ML_L2`.
     */
    int32_t metric;
    /**
     * `ML_F32` or `ML_F16`.
     */
    int32_t precision;
    /**
     * Neighbours that a vector gets in the graph, 2 to 64; 0 leaves it to the library, as with all below.
     */
    size_t m;
    /**
     * Vectors that are compared when one is linked, 1 to 4,096.
     */
    size_t ef_construction;
    /**
     * About how many vectors a balanced search looks around, 1 to 4,096.
     */
    size_t ef;
    /**
     * Vectors are linked once there are so many.
     */
    size_t link_from;
    /**
     * Up to so many, a search compares with all of them.
     */
    size_t scan_below;
    /**
     * At which quantile codes cut components off, 0.5 to 1; 1 cuts nothing.
     */
    float clip;
    /**
     * 0.
     */
    int32_t reserved;
} ml_space;

/**
 * What is said about a transaction. NULL is nothing; otherwise begin with `ml_write_options_init()`.
 */
typedef struct ml_write_options {
    /**
     * `sizeof(ml_write_options)`.
     */
    size_t struct_size;
    /**
     * Who writes; kept in the log.
     */
    struct ml_str actor;
    /**
     * Why; kept in the log.
     */
    struct ml_str reason;
    /**
     * A name for the transaction: a second one of it is refused with `ML_ALREADY_EXISTS`, and
     * `ml_db_outcome` tells whether it is committed.
     */
    struct ml_str idempotency_key;
    /**
     * `ML_DURABLE` or `ML_RELAXED`; `ML_DURABILITY_DEFAULT` is that of the database.
     */
    int32_t durability;
    /**
     * 0.
     */
    int32_t reserved;
} ml_write_options;

/**
 * Many memories at once, as columns: a memory takes the entry of its row from each. Begin with
 * `ml_batch_init()`. A column that is NULL leaves it to `common`.
 *
 * Vectors are read where they lie, from one matrix: nothing is copied before it is written.
 */
typedef struct ml_batch {
    /**
     * `sizeof(ml_batch)`.
     */
    size_t struct_size;
    /**
     * How many memories.
     */
    size_t count;
    /**
     * What they have in common, or NULL. Its content and its vectors must be missing.
     */
    const struct ml_new_memory *common;
    /**
     * What is remembered: the one column that must be there.
     */
    const struct ml_str *contents;
    /**
     * Your own ids; no text is none.
     */
    const struct ml_str *external_ids;
    /**
     * What sort each is; no text is none.
     */
    const struct ml_str *kinds;
    /**
     * JSON objects; no text is none.
     */
    const struct ml_str *metadata;
    /**
     * When each happened; `ML_NO_TIME` is now.
     */
    const int64_t *created_ms;
    /**
     * How important each is.
     */
    const float *importances;
    /**
     * The vector space of `vectors`; no text is `default`.
     */
    struct ml_str space;
    /**
     * A matrix of `count` rows of `dimension` numbers each, or NULL.
     */
    const float *vectors;
    /**
     * Numbers of a row.
     */
    size_t dimension;
    /**
     * Numbers from the beginning of a row to that of the next; 0 is `dimension`.
     */
    size_t stride;
} ml_batch;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * How many hits there are, best first; 0 if this is no such handle.
 */
size_t ml_answer_len(const struct ml_answer *answer);

/**
 * The hit at `index`, from 0. `ML_NOT_FOUND` behind the end.
 */
ml_status ml_answer_hit(const struct ml_answer *answer,
                        size_t index,
                        struct ml_hit *hit,
                        struct ml_error **error);

/**
 * The memory of the hit at `index`, from 0. `ML_NOT_FOUND` behind the end.
 */
ml_status ml_answer_memory(const struct ml_answer *answer,
                           size_t index,
                           struct ml_memory *memory,
                           struct ml_error **error);

/**
 * All of the answer as a JSON object: `hits`, of which each has the fields of its memory and, if the
 * request said `explain`, `legs`, `matched_terms` and `age_seconds`; `legs`, and why one did not run;
 * `filter`; `seq`, the commit that it is of; `seconds`. docs/cli.md describes it.
 */
ml_status ml_answer_json(const struct ml_answer *answer,
                         struct ml_text **json,
                         struct ml_error **error);

/**
 * Gives an answer back. NULL is fine.
 */
ml_status ml_answer_free(struct ml_answer *answer);

/**
 * Makes one that has not been used yet.
 */
ml_status ml_cancellation_new(struct ml_cancellation **cancellation, struct ml_error **error);

/**
 * Ends all calls that have it, soon, with `ML_CANCELLED`; and those that get it later at once.
 */
ml_status ml_cancellation_cancel(const struct ml_cancellation *cancellation,
                                 struct ml_error **error);

/**
 * Gives a cancellation back. NULL is fine. Calls that have it go on.
 */
ml_status ml_cancellation_free(struct ml_cancellation *cancellation);

/**
 * Begins a listing of a snapshot.
 */
ml_status ml_cursor_open(const struct ml_snapshot *snapshot,
                         const struct ml_list *list,
                         struct ml_cursor **cursor,
                         struct ml_error **error);

/**
 * The next page: memories that are yours, or NULL behind the last page.
 */
ml_status ml_cursor_next(const struct ml_cursor *cursor,
                         struct ml_memories **memories,
                         struct ml_error **error);

/**
 * The place behind the last page that was given, for `after` of another listing; no object (NULL) at the
 * beginning and at the end.
 */
ml_status ml_cursor_position(const struct ml_cursor *cursor,
                             struct ml_text **position,
                             struct ml_error **error);

/**
 * Gives a cursor back. NULL is fine.
 */
ml_status ml_cursor_free(struct ml_cursor *cursor);

/**
 * Opens the file at `path`, and creates it if there is none, with mode 0600.
 *
 * Fails with `ML_IN_USE` if another process or handle has it, `ML_NOT_MEMLITH`,
 * `ML_UNSUPPORTED_FORMAT` or `ML_CORRUPTION` if it cannot be read; it is left as it is then.
 */
ml_status ml_db_open(struct ml_str path,
                     const struct ml_options *options,
                     struct ml_db **db,
                     struct ml_error **error);

/**
 * Opens a database without a file, gone when it is closed: for tests and trials.
 */
ml_status ml_db_open_in_memory(const struct ml_options *options,
                               struct ml_db **db,
                               struct ml_error **error);

/**
 * Ends background work, makes everything durable, and gives the database back. NULL is fine.
 *
 * `ML_OPEN_TRANSACTIONS` if a transaction of it is open: then it stays open. After any other status it is
 * closed; one that is not `ML_OK` says what could not be done first, as does `ML_LATCHED`.
 *
 * Snapshots and cursors stay as they are, and the file is given up with the last of them. Calls of other
 * threads that are under way come to their end.
 */
ml_status ml_db_close(struct ml_db *db,
                      struct ml_error **error);

/**
 * The newest commit that survives power loss.
 */
ml_status ml_db_durable_seq(const struct ml_db *db, uint64_t *seq, struct ml_error **error);

/**
 * The status that the call returned; `ML_OK` if this is no error.
 */
ml_status ml_error_code(const struct ml_error *error);

/**
 * What happened and what to do about it, for people. Valid until the error is given back; no text if
 * this is no error.
 */
struct ml_str ml_error_message(const struct ml_error *error);

/**
 * The same for programs: a JSON object with `kind`, and where it is known `holder_pid` (the process
 * that has the file) or `column` (where a filter stops making sense). Valid as the message is.
 */
struct ml_str ml_error_context(const struct ml_error *error);

/**
 * Gives an error back. NULL is fine.
 */
ml_status ml_error_free(struct ml_error *error);

/**
 * A node by its external id or an alias, as a JSON object: `id`, `number`, `kind`, `name`, `importance`,
 * `tags`, `aliases`, `properties`, `created_ms`, `updated_ms`; what it does not have is left out. No object
 * (NULL) if there is none. `ns` no text is `default`, here and below.
 */
ml_status ml_snapshot_graph_node(const struct ml_snapshot *snapshot,
                                 struct ml_str ns,
                                 struct ml_str node,
                                 struct ml_text **json,
                                 struct ml_error **error);

/**
 * An edge by its number, as a JSON object: `number`, `source`, `kind`, `target`, `weight`, `properties`,
 * `from_ms`, `until_ms`, `created_ms`, `updated_ms`; what it does not have is left out. No object (NULL) if
 * there is none.
 */
ml_status ml_snapshot_graph_edge(const struct ml_snapshot *snapshot,
                                 struct ml_str ns,
                                 uint64_t number,
                                 struct ml_text **json,
                                 struct ml_error **error);

/**
 * Nodes in the order of their numbers, from behind `after` on (0 for the first): a JSON array of at most
 * `limit` (10,000) objects as `ml_snapshot_graph_node` gives them.
 */
ml_status ml_snapshot_graph_nodes(const struct ml_snapshot *snapshot,
                                  struct ml_str ns,
                                  uint64_t after,
                                  size_t limit,
                                  struct ml_text **json,
                                  struct ml_error **error);

/**
 * Edges, likewise.
 */
ml_status ml_snapshot_graph_edges(const struct ml_snapshot *snapshot,
                                  struct ml_str ns,
                                  uint64_t after,
                                  size_t limit,
                                  struct ml_text **json,
                                  struct ml_error **error);

/**
 * The kinds of edges that the file has: a JSON array of their names.
 */
ml_status ml_snapshot_graph_edge_kinds(const struct ml_snapshot *snapshot,
                                       struct ml_text **json,
                                       struct ml_error **error);

/**
 * Nodes by words, the best first: `{"text": "countess lovelace", "signs": false, "filter": "kind:person",
 * "limit": 10, "deadline_ms": 50}`, of which only `text` must be there. The words are those of ids, names and
 * aliases, and of texts in properties that are indexed (`ml_tx_index_metadata`); with `signs` the text may have
 * `"words in a row"`, `+required`, `-excluded`, `begin*` and `typo~`. The answer is `{"found": [{"node": {…},
 * "score": 2.1, "matched_terms": ["lovelac"]}]}`, with nodes as `ml_snapshot_graph_node` gives them.
 * `ML_DEADLINE_EXCEEDED` if the time ran out. `cancellation` is what another thread may end it by, or NULL, here and
 * in the questions below: they answer `ML_CANCELLED` then.
 */
ml_status ml_snapshot_graph_search(const struct ml_snapshot *snapshot,
                                   struct ml_str ns,
                                   struct ml_str request,
                                   const struct ml_cancellation *cancellation,
                                   struct ml_text **json,
                                   struct ml_error **error);

/**
 * Nodes whose embeddings are near, the best first: `{"vector": [0.8, 0.6], "space": "default", "filter":
 * "kind:person", "limit": 10, "min_score": 0.5, "effort": "balanced", "deadline_ms": 50}`, of which only `vector` must
 * be there, or in its place a `text`, which the embedder of the space makes one of. The answer is `{"found": [{"node":
 * {…}, "score": 0.93}]}`, with nodes as `ml_snapshot_graph_node` gives them. `ML_NOT_FOUND` without such a space,
 * `ML_DIMENSION_MISMATCH` for a vector that it cannot have.
 */
ml_status ml_snapshot_graph_nearest(const struct ml_snapshot *snapshot,
                                    struct ml_str ns,
                                    struct ml_str request,
                                    const struct ml_cancellation *cancellation,
                                    struct ml_text **json,
                                    struct ml_error **error);

/**
 * The embedding of a node: `{"node": "ada", "space": "default"}`, of which only `node` must be there. The answer is a
 * JSON array, or null if it has none there, or if there is no such node. `ML_NOT_FOUND` without such a space.
 */
ml_status ml_snapshot_graph_embedding(const struct ml_snapshot *snapshot,
                                      struct ml_str ns,
                                      struct ml_str request,
                                      struct ml_text **json,
                                      struct ml_error **error);

/**
 * What is next to a node or memory: `{"of": "ada", "follow": {…}, "limit": 100}`. The answer is `{"found":
 * [{"node": "london", "link": {…}}], "cut": null}`, first of the edges that leave it.
 *
 * A node is called by its external id or an alias, a memory `memory:` and its number, in questions and in
 * answers. `follow` says which edges count, and is the same in all questions: `{"direction": "out" or
 * "in" or "both", "kinds": ["knows"], "min_weight": 0.5, "filter": "kind:person", "edge_filter": "…",
 * "when": "now" or "any" or a time, "max_work": 1000000, "deadline_ms": 50}`. `cut` says why there may be
 * more: `limit`, `max_work` or `deadline`.
 */
ml_status ml_snapshot_graph_neighbours(const struct ml_snapshot *snapshot,
                                       struct ml_str ns,
                                       struct ml_str request,
                                       const struct ml_cancellation *cancellation,
                                       struct ml_text **json,
                                       struct ml_error **error);

/**
 * What is related to some nodes and memories, the best first: `{"starts": ["ada", ["memory:7", 0.5]],
 * "follow", "depth": 2, "decay": 0.5, "weighted": false, "limit": 10, "paths": true}`, where each start
 * may have a score, each step leaves `decay` of it, and weights of edges count if `weighted`. The answer
 * is `{"found": [{"node", "score", "hops", "path": {"nodes": […], "links": […]}}], "cut"}`.
 */
ml_status ml_snapshot_graph_related(const struct ml_snapshot *snapshot,
                                    struct ml_str ns,
                                    struct ml_str request,
                                    const struct ml_cancellation *cancellation,
                                    struct ml_text **json,
                                    struct ml_error **error);

/**
 * The part of the graph around some: `{"starts": ["ada"], "follow", "depth": 1, "limit": 200}`. The answer
 * is `{"nodes": [{"node", "hops"}], "links": [{…}], "cut"}`, the nearest first.
 */
ml_status ml_snapshot_graph_subgraph(const struct ml_snapshot *snapshot,
                                     struct ml_str ns,
                                     struct ml_str request,
                                     const struct ml_cancellation *cancellation,
                                     struct ml_text **json,
                                     struct ml_error **error);

/**
 * How one gets from one to another: `{"from": "ada", "to": "babbage", "how": "shortest", "follow"}`; `how`
 * may be `cheapest`, with `"cost": "weight"` or `"reciprocal"`, or `all`, with `"limit": 10` and
 * `"max_length": 6`. The answer is `{"found": [{"nodes", "links", "cost"}], "cut"}`, empty if no path leads
 * there.
 */
ml_status ml_snapshot_graph_paths(const struct ml_snapshot *snapshot,
                                  struct ml_str ns,
                                  struct ml_str request,
                                  const struct ml_cancellation *cancellation,
                                  struct ml_text **json,
                                  struct ml_error **error);

/**
 * Places that look like a small graph: `{"nodes": {"me": "ada", "firm": null, "town": {"filter":
 * "kind:city"}}, "edges": [{"from": "me", "to": "firm", "follow": {"kinds": ["works_at"]}}, …], "limit":
 * 100, "max_work", "deadline_ms"}`. For `null` anything can stand. The answer is `{"found": [{"nodes":
 * {"me": "ada", …}, "links": […]}], "steps": […], "cut"}`, where `steps` say how it was found.
 */
ml_status ml_snapshot_graph_find(const struct ml_snapshot *snapshot,
                                 struct ml_str ns,
                                 struct ml_str pattern,
                                 const struct ml_cancellation *cancellation,
                                 struct ml_text **json,
                                 struct ml_error **error);

/**
 * Analyses the graph as a whole: `{"what": "page_rank", "with": {"damping": 0.85}, "follow", "orientation":
 * "directed" or "undirected", "weight": "weight" or "one", "threads": 2, "deadline_ms": 1000}`, of which
 * only `what` must be there: `degrees`, `page_rank`, `eigenvector`, `closeness`, `betweenness`,
 * `components`, `communities`, `label_propagation`, `cdlp`, `cores`, `triangles`, `clustering`, `hops` or
 * `distances`. docs/graph.md says what each can be given in `with`. The answer is `{"nodes": ["ada", …],
 * "values": [0.3, …]}`, with what else there is to say. `progress` gets thousandths; it may be NULL, and so may
 * `cancellation`, by which another thread ends it.
 */
ml_status ml_snapshot_graph_analyse(const struct ml_snapshot *snapshot,
                                    struct ml_str ns,
                                    struct ml_str request,
                                    const struct ml_progress *progress,
                                    const struct ml_cancellation *cancellation,
                                    struct ml_text **json,
                                    struct ml_error **error);

/**
 * All of the graph as node-link JSON, as networkx has it, which `ml_tx_graph_import` reads. It lies in
 * memory at once: a large one is better read by `ml_snapshot_graph_nodes` and `ml_snapshot_graph_edges`.
 */
ml_status ml_snapshot_graph_export(const struct ml_snapshot *snapshot,
                                   struct ml_str ns,
                                   struct ml_text **json,
                                   struct ml_error **error);

/**
 * Writes nodes, all or none, in a transaction of its own: creates each, or makes what stands under its id
 * the same. `numbers` and `dids` have room for `batch->count` entries each, or are NULL; a `did` is one of
 * `ML_CREATED`, `ML_UPDATED` and `ML_UNCHANGED`. `ns` no text is `default`, here and below.
 *
 * `ML_ALREADY_EXISTS` if an alias belongs to another node.
 */
ml_status ml_db_graph_upsert_nodes(const struct ml_db *db,
                                   struct ml_str ns,
                                   const struct ml_node_batch *batch,
                                   uint64_t *numbers,
                                   int32_t *dids,
                                   struct ml_error **error);

/**
 * Writes edges, likewise: creates each, or makes the newest of its kind between the same two the same.
 * `ML_NOT_FOUND` if an end of one is not in the namespace.
 */
ml_status ml_db_graph_upsert_edges(const struct ml_db *db,
                                   struct ml_str ns,
                                   const struct ml_edge_batch *batch,
                                   uint64_t *numbers,
                                   int32_t *dids,
                                   struct ml_error **error);

/**
 * As `ml_db_graph_upsert_nodes`, in a transaction.
 */
ml_status ml_tx_graph_upsert_nodes(const struct ml_tx *tx,
                                   struct ml_str ns,
                                   const struct ml_node_batch *batch,
                                   uint64_t *numbers,
                                   int32_t *dids,
                                   struct ml_error **error);

/**
 * As `ml_db_graph_upsert_edges`, in a transaction.
 */
ml_status ml_tx_graph_upsert_edges(const struct ml_tx *tx,
                                   struct ml_str ns,
                                   const struct ml_edge_batch *batch,
                                   uint64_t *numbers,
                                   int32_t *dids,
                                   struct ml_error **error);

/**
 * Changes parts of a node. `patch` is a JSON object of `kind`, `name`, `importance`, `properties` (merged,
 * RFC 7396), `add_tags`, `remove_tags`, `add_aliases` and `remove_aliases`, as far as they change; null
 * clears. `found` tells whether there is such a node; it may be NULL, here and below.
 */
ml_status ml_tx_graph_update_node(const struct ml_tx *tx,
                                  struct ml_str ns,
                                  struct ml_str node,
                                  struct ml_str patch,
                                  bool *found,
                                  struct ml_error **error);

/**
 * Changes parts of an edge: `weight`, `properties`, `from_ms`, `until_ms`. So it is ended.
 */
ml_status ml_tx_graph_update_edge(const struct ml_tx *tx,
                                  struct ml_str ns,
                                  uint64_t number,
                                  struct ml_str patch,
                                  bool *found,
                                  struct ml_error **error);

/**
 * Deletes a node with all of its edges.
 */
ml_status ml_tx_graph_delete_node(const struct ml_tx *tx,
                                  struct ml_str ns,
                                  struct ml_str node,
                                  bool *found,
                                  struct ml_error **error);

/**
 * Deletes an edge.
 */
ml_status ml_tx_graph_delete_edge(const struct ml_tx *tx,
                                  struct ml_str ns,
                                  uint64_t number,
                                  bool *found,
                                  struct ml_error **error);

/**
 * Makes one node of two: `from` goes, its edges and names become those of `into`. `ML_NOT_FOUND` if one of
 * them is not there.
 */
ml_status ml_tx_graph_merge_nodes(const struct ml_tx *tx,
                                  struct ml_str ns,
                                  struct ml_str from,
                                  struct ml_str into,
                                  struct ml_error **error);

/**
 * Sets a property of `count` nodes, such as what an analysis made of them, to as many JSON values; null
 * takes it away. `written` gets how many are there; it may be NULL.
 */
ml_status ml_tx_graph_write_property(const struct ml_tx *tx,
                                     struct ml_str ns,
                                     struct ml_str name,
                                     const struct ml_str *nodes,
                                     const struct ml_str *values,
                                     size_t count,
                                     uint64_t *written,
                                     struct ml_error **error);

/**
 * Reads node-link JSON, as networkx has it: `nodes` with an `id` each, `links` or `edges` with a `source`
 * and a `target` each. What has no field here becomes a property; nodes that only edges name are made, and
 * edges without a kind are of `default_kind`. `nodes` and `edges` get how many are new; they may be NULL.
 */
ml_status ml_tx_graph_import(const struct ml_tx *tx,
                             struct ml_str ns,
                             struct ml_str document,
                             struct ml_str default_kind,
                             uint64_t *nodes,
                             uint64_t *edges,
                             struct ml_error **error);

/**
 * As `ml_snapshot_graph_node`, as this transaction sees it.
 */
ml_status ml_tx_graph_node(const struct ml_tx *tx,
                           struct ml_str ns,
                           struct ml_str node,
                           struct ml_text **json,
                           struct ml_error **error);

/**
 * As `ml_snapshot_graph_edge`, as this transaction sees it.
 */
ml_status ml_tx_graph_edge(const struct ml_tx *tx,
                           struct ml_str ns,
                           uint64_t number,
                           struct ml_text **json,
                           struct ml_error **error);

/**
 * Rows of the log in order, from the commit `from` on: a JSON array of at most `limit` (10,000) objects
 * with `seq`, `time`, `actor`, `reason`, `changes` and `hash`. The log never holds content.
 */
ml_status ml_db_log(const struct ml_db *db,
                    uint64_t from,
                    size_t limit,
                    struct ml_text **json,
                    struct ml_error **error);

/**
 * The end of the log, as far as it survives power loss: a line of JSON. Kept elsewhere, it proves later
 * that nothing before it was rewritten.
 */
ml_status ml_db_head(const struct ml_db *db,
                     struct ml_text **head,
                     struct ml_error **error);

/**
 * Checks every row of the log, and that each builds on the one before; with a head that `ml_db_head` gave,
 * also that the log passes through it. `json` gets an object with `rows`, `first` and `last`.
 * `ML_CORRUPTION` names the first commit at which the chain is broken.
 */
ml_status ml_db_verify_log(const struct ml_db *db,
                           struct ml_str head,
                           struct ml_text **json,
                           struct ml_error **error);

/**
 * What became of the transaction with this idempotency key: its commit, and its time if `time_ms` is not
 * NULL. `ML_NOT_FOUND` if none is committed, or if it was long ago (more than an hour).
 */
ml_status ml_db_outcome(const struct ml_db *db,
                        struct ml_str idempotency_key,
                        uint64_t *seq,
                        int64_t *time_ms,
                        struct ml_error **error);

/**
 * The version of the interface of the library that is loaded: compare it with `ML_ABI_VERSION`.
 */
uint32_t ml_abi_version(void);

/**
 * The version of the library, such as `"0.1.0"`. Lives for ever.
 */
const char *ml_version(void);

/**
 * The name of a status, such as `"ML_NOT_FOUND"`; `"ML_UNKNOWN"` if it is none. Lives for ever.
 */
const char *ml_status_name(int32_t status);

/**
 * How many there are; 0 if this is no such handle.
 */
size_t ml_memories_len(const struct ml_memories *memories);

/**
 * The memory at `index`, from 0. `ML_NOT_FOUND` behind the end, and at the place of an id that there is
 * no memory of.
 */
ml_status ml_memories_at(const struct ml_memories *memories,
                         size_t index,
                         struct ml_memory *memory,
                         struct ml_error **error);

/**
 * Gives memories back. NULL is fine.
 */
ml_status ml_memories_free(struct ml_memories *memories);

/**
 * The memories whose vectors are nearest to each of several, best first. Does not count as an access.
 *
 * `ids` and `scores` are matrices with a row of `limit` places for each vector; places behind the
 * neighbours that there are get 0 and NAN.
 */
ml_status ml_snapshot_nearest(const struct ml_snapshot *snapshot,
                              const struct ml_nearest *request,
                              uint64_t *ids,
                              float *scores,
                              struct ml_error **error);

/**
 * How good a search is in a space (no text is `default`): searches it for `samples` of its own vectors, once
 * with `effort` (as that of `ml_recall`) and once exactly. `found` gets the share of their ten nearest that
 * it finds, from 0 to 1.
 */
ml_status ml_snapshot_check_recall(const struct ml_snapshot *snapshot,
                                   struct ml_str space,
                                   int32_t effort,
                                   size_t samples,
                                   double *found,
                                   struct ml_error **error);

/**
 * Recalls from the newest state.
 */
ml_status ml_db_recall(const struct ml_db *db,
                       const struct ml_recall *request,
                       struct ml_answer **answer,
                       struct ml_error **error);

/**
 * Recalls from a snapshot.
 */
ml_status ml_snapshot_recall(const struct ml_snapshot *snapshot,
                             const struct ml_recall *request,
                             struct ml_answer **answer,
                             struct ml_error **error);

/**
 * Recalls from a snapshot what a JSON object asks for; it can ask for more than `ml_recall`:
 *
 * `{"text": "…", "vector": {"default": [0.1, …], "picture": […]}, "also_embedded_in": ["…"],
 * "namespace": "…", "filter": "kind:plan", "limit": 3, "min_score": 0.2, "weights": {"text": 1, "vector":
 * 1, "recency": 0.2, "importance": 0, "context": 1}, "half_life_seconds": 86400, "effort": "exact",
 * "deadline_ms": 50, "include_superseded": true, "explain": true, "signs": true, "offset": 10, "cut": 0.5,
 * "diversity": 0.3, "max_tokens": 2000, "snippet": 120, "neighbours": 1, "reciprocal_rank": 60}`, all of it
 * optional. `"cut"` may also be `"gap"`. Snippets and neighbours are in `ml_answer_json`. `cancellation` is what
 * another thread may end it by, or NULL.
 */
ml_status ml_snapshot_recall_json(const struct ml_snapshot *snapshot,
                                  struct ml_str request,
                                  const struct ml_cancellation *cancellation,
                                  struct ml_answer **answer,
                                  struct ml_error **error);

/**
 * What an agent puts into its next prompt: the last turns of a session, what is like what was said, and
 * what else was said in the channel, of one instant and within one budget of tokens (of four bytes each):
 * `{"session": "today", "text": "…", "vector": […], "channel": "kitchen", "namespace", "filter", "limit":
 * 20, "max_tokens": 2000, "deadline_ms": 50}`, all of it optional. The answer is `{"recent": [{"id", "number",
 * "text", "agent"}], "similar": [{…, "score"}], "channel": […], "tokens", "seq", "us"}`. `cancellation` is as
 * above.
 */
ml_status ml_snapshot_context_json(const struct ml_snapshot *snapshot,
                                   struct ml_str request,
                                   const struct ml_cancellation *cancellation,
                                   struct ml_text **json,
                                   struct ml_error **error);

/**
 * What a memory that is yet to be remembered would repeat: memories in force, of its namespace, the most alike
 * first, as a JSON array of `{"number", "words", "vector"}`. One counts if at least the part `words` of the three
 * words in a row of both is common to them, or if the cosine of their vectors in one space is at least `vector`;
 * NAN leaves that to the library (0.8 and 0.97). Nothing is remembered, and nothing embedded.
 */
ml_status ml_snapshot_resembling(const struct ml_snapshot *snapshot,
                                 const struct ml_new_memory *memory,
                                 float words,
                                 float vector,
                                 struct ml_text **json,
                                 struct ml_error **error);

/**
 * The figures of the file and of this database as a JSON object.
 */
ml_status ml_db_stats(const struct ml_db *db, struct ml_text **json, struct ml_error **error);

/**
 * Checks the file: every checksum, the log, every index against the rows. `json` gets an object with
 * `clean`, `checked`, `problems` and `notes`: damage that was found is no failure of the call. `progress`
 * gets the number of parts that are done; it may be NULL.
 */
ml_status ml_db_verify(const struct ml_db *db,
                       const struct ml_progress *progress,
                       struct ml_text **json,
                       struct ml_error **error);

/**
 * Takes a snapshot of the newest state.
 */
ml_status ml_snapshot_take(const struct ml_db *db,
                           struct ml_snapshot **snapshot,
                           struct ml_error **error);

/**
 * The commit that the snapshot shows; 0 if there was none yet, or if this is no such handle.
 */
uint64_t ml_snapshot_seq(const struct ml_snapshot *snapshot);

/**
 * When that commit was made; `ML_NO_TIME` if there was none yet, or if this is no such handle.
 */
int64_t ml_snapshot_time_ms(const struct ml_snapshot *snapshot);

/**
 * Gives a snapshot back. NULL is fine.
 */
ml_status ml_snapshot_free(struct ml_snapshot *snapshot);

/**
 * Memories by their numbers, each at the place of its number; those that are not there leave it empty.
 * Counts as an access of each.
 */
ml_status ml_snapshot_get(const struct ml_snapshot *snapshot,
                          const uint64_t *ids,
                          size_t count,
                          struct ml_memories **memories,
                          struct ml_error **error);

/**
 * The same from the newest state.
 */
ml_status ml_db_get(const struct ml_db *db,
                    const uint64_t *ids,
                    size_t count,
                    struct ml_memories **memories,
                    struct ml_error **error);

/**
 * The memory under an external id: a list of one, or of none. `ns` no text is `default`.
 */
ml_status ml_snapshot_get_external(const struct ml_snapshot *snapshot,
                                   struct ml_str ns,
                                   struct ml_str external_id,
                                   struct ml_memories **memories,
                                   struct ml_error **error);

/**
 * The embedding of a memory in a space (no text is `default`), as it was given. `vector` has room for
 * `capacity` numbers; `len` gets how many there are, 0 if the memory has none. `ML_BAD_SIZE` if there is
 * too little room, and nothing is written but `len`.
 */
ml_status ml_snapshot_vector(const struct ml_snapshot *snapshot,
                             uint64_t id,
                             struct ml_str space,
                             float *vector,
                             size_t capacity,
                             size_t *len,
                             struct ml_error **error);

/**
 * How many memories there are, in one namespace or in all, that a filter matches, if there is one.
 */
ml_status ml_snapshot_count(const struct ml_snapshot *snapshot,
                            struct ml_str ns,
                            struct ml_str filter,
                            uint64_t *count,
                            struct ml_error **error);

/**
 * Names of namespaces that have memories, in byte order, from behind `after` on: a JSON array of at most
 * `limit` (10,000) of them.
 */
ml_status ml_snapshot_namespaces(const struct ml_snapshot *snapshot,
                                 struct ml_str after,
                                 size_t limit,
                                 struct ml_text **json,
                                 struct ml_error **error);

/**
 * The figures of a namespace as a JSON object: memories, kinds, tags, agents, ….
 */
ml_status ml_snapshot_namespace_stats(const struct ml_snapshot *snapshot,
                                      struct ml_str ns,
                                      struct ml_text **json,
                                      struct ml_error **error);

/**
 * All vector spaces with their figures: a JSON array of objects.
 */
ml_status ml_snapshot_spaces(const struct ml_snapshot *snapshot,
                             struct ml_text **json,
                             struct ml_error **error);

/**
 * Creates a vector space, in a transaction of its own. `ML_ALREADY_EXISTS` if the name is taken.
 *
 * One that nobody creates comes with the first vector for it, with the cosine and its dimension.
 */
ml_status ml_db_create_space(const struct ml_db *db,
                             const struct ml_space *space,
                             struct ml_error **error);

/**
 * Begins to change the embedder of the space of this name to the one that `successor` says, which must be
 * among the embedders of this database. A new space is filled in the background from the contents, over
 * any number of crashes, while the old one serves; then it takes its place.
 */
ml_status ml_db_reembed(const struct ml_db *db,
                        const struct ml_space *successor,
                        struct ml_error **error);

/**
 * Does what is left of that on this thread, now. `progress` may be NULL.
 */
ml_status ml_db_finish_reembedding(const struct ml_db *db,
                                   struct ml_str space,
                                   const struct ml_progress *progress,
                                   struct ml_error **error);

/**
 * Gives the change up, and drops what it has made so far. `found` tells whether there was one; it may be
 * NULL.
 */
ml_status ml_db_cancel_reembedding(const struct ml_db *db,
                                   struct ml_str space,
                                   bool *found,
                                   struct ml_error **error);

/**
 * What it says: UTF-8, valid until the text is given back. No text if this is no such handle.
 */
struct ml_str ml_text_view(const struct ml_text *text);

/**
 * Gives text back. NULL is fine.
 */
ml_status ml_text_free(struct ml_text *text);

/**
 * Begins a transaction. `ML_BUSY` if another one runs for longer than the busy timeout.
 */
ml_status ml_tx_begin(const struct ml_db *db,
                      const struct ml_write_options *options,
                      struct ml_tx **tx,
                      struct ml_error **error);

/**
 * As `ml_db_remember`, in a transaction; a missing vector is made inside of it, so give one if you can.
 */
ml_status ml_tx_remember(const struct ml_tx *tx,
                         const struct ml_new_memory *memory,
                         uint64_t *id,
                         struct ml_error **error);

/**
 * As `ml_db_remember_batch`, in a transaction. If it fails, what came before the one that failed is in
 * the transaction.
 */
ml_status ml_tx_remember_batch(const struct ml_tx *tx,
                               const struct ml_batch *batch,
                               uint64_t *ids,
                               struct ml_error **error);

/**
 * As `ml_db_upsert`, in a transaction.
 */
ml_status ml_tx_upsert(const struct ml_tx *tx,
                       const struct ml_new_memory *memory,
                       uint64_t *id,
                       int32_t *did,
                       struct ml_error **error);

/**
 * As `ml_db_upsert_batch`, in a transaction. If it fails, what came before the one that failed is in it.
 */
ml_status ml_tx_upsert_batch(const struct ml_tx *tx,
                             const struct ml_batch *batch,
                             uint64_t *ids,
                             int32_t *dids,
                             struct ml_error **error);

/**
 * As `ml_db_update`, in a transaction.
 */
ml_status ml_tx_update(const struct ml_tx *tx,
                       uint64_t id,
                       struct ml_str patch,
                       bool *found,
                       struct ml_error **error);

/**
 * Changes parts of every memory that a filter matches, in one namespace or, if that is no text, in all.
 * `count` gets how many match; it may be NULL.
 */
ml_status ml_tx_update_where(const struct ml_tx *tx,
                             struct ml_str ns,
                             struct ml_str filter,
                             struct ml_str patch,
                             uint64_t *count,
                             struct ml_error **error);

/**
 * As `ml_db_supersede`, in a transaction.
 */
ml_status ml_tx_supersede(const struct ml_tx *tx,
                          uint64_t old,
                          const struct ml_new_memory *memory,
                          uint64_t *id,
                          struct ml_error **error);

/**
 * As `ml_db_forget`, in a transaction.
 */
ml_status ml_tx_forget(const struct ml_tx *tx, uint64_t id, bool *found, struct ml_error **error);

/**
 * As `ml_db_forget_where`, in a transaction.
 */
ml_status ml_tx_forget_where(const struct ml_tx *tx,
                             struct ml_str ns,
                             struct ml_str filter,
                             uint64_t *count,
                             struct ml_error **error);

/**
 * A memory by its number, as this transaction sees it: a list of one, or of none.
 */
ml_status ml_tx_get(const struct ml_tx *tx,
                    uint64_t id,
                    struct ml_memories **memories,
                    struct ml_error **error);

/**
 * The memory under an external id, as this transaction sees it: a list of one, or of none.
 */
ml_status ml_tx_get_external(const struct ml_tx *tx,
                             struct ml_str ns,
                             struct ml_str external_id,
                             struct ml_memories **memories,
                             struct ml_error **error);

/**
 * Creates a vector space. `ML_ALREADY_EXISTS` if the name is taken.
 */
ml_status ml_tx_create_space(const struct ml_tx *tx,
                             const struct ml_space *space,
                             struct ml_error **error);

/**
 * Drops a vector space with all its vectors. `ML_NOT_FOUND` if there is none.
 */
ml_status ml_tx_drop_space(const struct ml_tx *tx, struct ml_str name, struct ml_error **error);

/**
 * Declares an index over a metadata path such as `lang` or `author.name`, for filters on it.
 */
ml_status ml_tx_index_metadata(const struct ml_tx *tx, struct ml_str path, struct ml_error **error);

/**
 * Sets what of memories is found by its words, and in which language words are brought to their stems, by a JSON
 * object: `language`, a name such as `"german"` or null (`"english"` if absent), under `namespaces` the languages of
 * those that have one of their own, how often `tags` count, and under `metadata` how often texts at each path do, 1
 * to 8. The index of words is made anew.
 */
ml_status ml_tx_set_text(const struct ml_tx *tx,
                         struct ml_str settings,
                         struct ml_error **error);

/**
 * Drops the index over a metadata path. Filters on it go on to work, by reading rows.
 */
ml_status ml_tx_drop_metadata_index(const struct ml_tx *tx,
                                    struct ml_str path,
                                    struct ml_error **error);

/**
 * Makes all of it visible and durable, and gives the transaction back. `seq` gets its place in the log, 0
 * if it wrote nothing; it may be NULL.
 *
 * Whatever the status is, the transaction has ended, but for `ML_WRONG_THREAD`, `ML_POISONED` and those of
 * a handle that is none. After `ML_OUTCOME_UNKNOWN` it may be durable.
 */
ml_status ml_tx_commit(struct ml_tx *tx,
                       uint64_t *seq,
                       struct ml_error **error);

/**
 * Drops all of it, and gives the transaction back. NULL is fine. Any thread may, so that one whose thread
 * has ended can be given up.
 */
ml_status ml_tx_rollback(struct ml_tx *tx,
                         struct ml_error **error);

/**
 * Makes every relaxed commit durable.
 */
ml_status ml_db_flush(const struct ml_db *db, struct ml_error **error);

/**
 * Writes the images of all indexes, so that the next opening has nothing to fold.
 */
ml_status ml_db_checkpoint(const struct ml_db *db, struct ml_error **error);

/**
 * Links all vectors into the graphs of their spaces. `progress` may be NULL, here and below.
 */
ml_status ml_db_link(const struct ml_db *db,
                     const struct ml_progress *progress,
                     struct ml_error **error);

/**
 * Gives every byte of the file back that can be. `before_bytes` and `after_bytes` get its length; both may
 * be NULL.
 */
ml_status ml_db_compact(const struct ml_db *db,
                        const struct ml_progress *progress,
                        uint64_t *before_bytes,
                        uint64_t *after_bytes,
                        struct ml_error **error);

/**
 * Deletes every derived index, and makes it anew from the rows.
 */
ml_status ml_db_rebuild(const struct ml_db *db,
                        const struct ml_progress *progress,
                        struct ml_error **error);

/**
 * Reads and verifies the images of all indexes, before the first search has to.
 */
ml_status ml_db_warm(const struct ml_db *db,
                     const struct ml_progress *progress,
                     struct ml_error **error);

/**
 * The same of one vector space.
 */
ml_status ml_db_warm_space(const struct ml_db *db,
                           struct ml_str space,
                           const struct ml_progress *progress,
                           struct ml_error **error);

/**
 * Holds up background work, for a moment in which the machine is needed for something else. What keeps a
 * promise (making relaxed commits durable) goes on, and so does the step that is under way.
 */
ml_status ml_db_pause_background(const struct ml_db *db,
                                 struct ml_pause **pause,
                                 struct ml_error **error);

/**
 * Lets background work go on, and gives the pause back. NULL is fine.
 */
ml_status ml_pause_free(struct ml_pause *pause);

/**
 * Gets out of a damaged file what it provably still holds, into a new one: docs/salvage.md. `json` gets an
 * object with `complete`, how much of each sort is `recovered` and `lost`, and what of it. `progress` may be
 * NULL. `ML_CORRUPTION` if nothing can be proved.
 */
ml_status ml_salvage(struct ml_str damaged,
                     struct ml_str into,
                     const struct ml_progress *progress,
                     struct ml_text **json,
                     struct ml_error **error);

/**
 * Remembers something new, in a transaction of its own. `id` gets its number; it may be NULL.
 *
 * Without a vector, where the database has an embedder, the content is embedded first.
 */
ml_status ml_db_remember(const struct ml_db *db,
                         const struct ml_new_memory *memory,
                         uint64_t *id,
                         struct ml_error **error);

/**
 * Remembers many things, all or none. `ids` has room for `batch->count` numbers, or is NULL.
 */
ml_status ml_db_remember_batch(const struct ml_db *db,
                               const struct ml_batch *batch,
                               uint64_t *ids,
                               struct ml_error **error);

/**
 * Remembers something under its external id: creates it, or makes what stands there the same. `id` gets
 * its number, `did` one of `ML_CREATED`, `ML_UPDATED` and `ML_UNCHANGED`; both may be NULL.
 */
ml_status ml_db_upsert(const struct ml_db *db,
                       const struct ml_new_memory *memory,
                       uint64_t *id,
                       int32_t *did,
                       struct ml_error **error);

/**
 * The same for many, all or none. `ids` and `dids` have room for `batch->count` entries each, or are NULL.
 */
ml_status ml_db_upsert_batch(const struct ml_db *db,
                             const struct ml_batch *batch,
                             uint64_t *ids,
                             int32_t *dids,
                             struct ml_error **error);

/**
 * Changes parts of a memory. `patch` is a JSON object of the fields to change, as `ml_answer_json` names
 * them: `{"importance": 0.9, "add_tags": ["x"], "expires_at": null}`; null clears, `metadata` is merged
 * (RFC 7396). `found` tells whether there is such a memory; it may be NULL.
 */
ml_status ml_db_update(const struct ml_db *db,
                       uint64_t id,
                       struct ml_str patch,
                       bool *found,
                       struct ml_error **error);

/**
 * Remembers something that replaces the memory `old`, which stays readable, and which recall leaves out.
 */
ml_status ml_db_supersede(const struct ml_db *db,
                          uint64_t old,
                          const struct ml_new_memory *memory,
                          uint64_t *id,
                          struct ml_error **error);

/**
 * Forgets a memory. `found` tells whether there was one; it may be NULL.
 */
ml_status ml_db_forget(const struct ml_db *db, uint64_t id, bool *found, struct ml_error **error);

/**
 * Forgets every memory that a filter matches, in one namespace or, if that is no text, in all. `count`
 * gets how many; it may be NULL.
 */
ml_status ml_db_forget_where(const struct ml_db *db,
                             struct ml_str ns,
                             struct ml_str filter,
                             uint64_t *count,
                             struct ml_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/* Text of a literal, with its length. */
#ifdef __cplusplus
#define ML_STR(literal) (ml_str{(literal), sizeof(literal) - 1})
#else
#define ML_STR(literal) ((ml_str){(literal), sizeof(literal) - 1})
#endif

/* Text that a zero ends; NULL is no text. */
static inline ml_str ml_cstr(const char *text) {
    ml_str view;
    view.ptr = text;
    view.len = text == NULL ? 0 : strlen(text);
    return view;
}

/* A vector. */
static inline ml_floats ml_floats_of(const float *numbers, size_t count) {
    ml_floats view;
    view.ptr = numbers;
    view.len = count;
    return view;
}

/* Every default. */
static inline ml_options ml_options_init(void) {
    ml_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.background_threads = -1;
    options.memory_limit = ML_DEFAULT;
    options.busy_timeout_ms = ML_DEFAULT;
    options.close_timeout_ms = ML_DEFAULT;
    options.background_io = ML_DEFAULT;
    options.snapshot_max_age_ms = ML_DEFAULT;
    options.snapshot_max_bytes = ML_DEFAULT;
    options.log_max_rows = ML_DEFAULT;
    options.log_max_age_ms = ML_DEFAULT;
    options.seal_bytes = ML_DEFAULT;
    options.graph_delta_bytes = ML_DEFAULT;
    options.graph_bytes = ML_DEFAULT;
    options.answer_cache_bytes = ML_DEFAULT;
    options.graph_cache_bytes = ML_DEFAULT;
    options.embedding_cache_bytes = ML_DEFAULT;
    options.max_searches = ML_DEFAULT;
    options.embedding_file_bytes = ML_DEFAULT;
    return options;
}

/* An embedder that says nothing yet: give identity, dimension and embed. */
static inline ml_embedder ml_embedder_init(void) {
    ml_embedder embedder;
    memset(&embedder, 0, sizeof embedder);
    embedder.struct_size = sizeof embedder;
    return embedder;
}

/* Nobody is told: give call. */
static inline ml_progress ml_progress_init(void) {
    ml_progress progress;
    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    return progress;
}

/* Nothing said. */
static inline ml_write_options ml_write_options_init(void) {
    ml_write_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    return options;
}

/* Every default: give the content. */
static inline ml_new_memory ml_new_memory_init(void) {
    ml_new_memory memory;
    memset(&memory, 0, sizeof memory);
    memory.struct_size = sizeof memory;
    memory.importance = (float)ML_DEFAULT_IMPORTANCE;
    memory.priority = ML_DEFAULT_PRIORITY;
    memory.created_ms = ML_NO_TIME;
    memory.expires_ms = ML_NO_TIME;
    return memory;
}

/* No memories: give count and contents. */
static inline ml_batch ml_batch_init(void) {
    ml_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    return batch;
}

/* No nodes: give count and ids. */
static inline ml_node_batch ml_node_batch_init(void) {
    ml_node_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    return batch;
}

/* No edges: give count, sources, kinds and targets. */
static inline ml_edge_batch ml_edge_batch_init(void) {
    ml_edge_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    return batch;
}

/* A place for a memory that is read. */
static inline ml_memory ml_memory_init(void) {
    ml_memory memory;
    memset(&memory, 0, sizeof memory);
    memory.struct_size = sizeof memory;
    return memory;
}

/* A place for a hit. */
static inline ml_hit ml_hit_init(void) {
    ml_hit hit;
    memset(&hit, 0, sizeof hit);
    hit.struct_size = sizeof hit;
    return hit;
}

/* Every default, and nothing to look for yet. */
static inline ml_recall ml_recall_init(void) {
    ml_recall request;
    memset(&request, 0, sizeof request);
    request.struct_size = sizeof request;
    request.limit = 10;
    request.min_score = NAN;
    request.text_weight = 1.0f;
    request.vector_weight = 1.0f;
    request.half_life_ms = (uint64_t)30 * 24 * 3600 * 1000;
    return request;
}

/* Every default: give vectors, count and dimension. */
static inline ml_nearest ml_nearest_init(void) {
    ml_nearest request;
    memset(&request, 0, sizeof request);
    request.struct_size = sizeof request;
    request.limit = 10;
    request.min_score = NAN;
    return request;
}

/* Everything, newest first, a hundred a page. */
static inline ml_list ml_list_init(void) {
    ml_list list;
    memset(&list, 0, sizeof list);
    list.struct_size = sizeof list;
    list.limit = 100;
    return list;
}

/* Compared by cosine, of no embedder: give the dimension. */
static inline ml_space ml_space_init(void) {
    ml_space space;
    memset(&space, 0, sizeof space);
    space.struct_size = sizeof space;
    space.clip = 1.0f;
    return space;
}

#endif  /* MEMLITH_H */
