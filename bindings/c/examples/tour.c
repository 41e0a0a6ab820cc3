/* Every function of memlith.h once (those of the graph: graph.c), and what it must do.
 *
 *     cc -std=c11 tour.c -lmemlith -lm -o tour && ./tour tour.lith
 */
#include "memlith.h"

#include <stdio.h>
#include <stdlib.h>

#define DIMENSION 3

static void require(int holds, const char *what, int line) {
    if (!holds) {
        fprintf(stderr, "line %d: %s\n", line, what);
        exit(1);
    }
}
#define REQUIRE(condition) require((condition), #condition, __LINE__)

static void check(ml_status status, ml_error *error, int line) {
    if (status != ML_OK) {
        ml_str why = ml_error_message(error);
        fprintf(stderr, "line %d: %s: %.*s\n", line, ml_status_name(status), (int)why.len, why.ptr);
        exit(1);
    }
}
#define CHECK(call) check((call), error, __LINE__)

static int equal(ml_str view, const char *text) {
    return view.len == strlen(text) && memcmp(view.ptr, text, view.len) == 0;
}

/* Text of the library: looked at, then given back. */
static void require_says(ml_text *text, const char *part, int line) {
    ml_str view = ml_text_view(text);
    char *copy = malloc(view.len + 1);
    REQUIRE(copy != NULL);
    memcpy(copy, view.ptr, view.len);
    copy[view.len] = '\0';
    require(strstr(copy, part) != NULL, copy, line);
    free(copy);
    REQUIRE(ml_text_free(text) == ML_OK);
}
#define REQUIRE_SAYS(text, part) require_says((text), (part), __LINE__)

/* Counts three letters: a toy that shows the shape. */
static int32_t letters(void *user, const ml_str *texts, size_t count, float *vectors) {
    *(int *)user += 1;
    for (size_t i = 0; i < count; i++) {
        float *vector = vectors + i * DIMENSION;
        vector[0] = vector[1] = vector[2] = 0.01f;
        for (size_t at = 0; at < texts[i].len; at++) {
            switch (texts[i].ptr[at]) {
            case 'a': vector[0] += 1; break;
            case 'e': vector[1] += 1; break;
            case 't': vector[2] += 1; break;
            default: break;
            }
        }
    }
    return 0;
}

static int destroyed;

static void destroy(void *user) {
    *(int *)user = 0;
    destroyed += 1;
}

static void count_progress(void *user, uint64_t done, uint64_t total) {
    (void)done;
    (void)total;
    *(int *)user += 1;
}

static void writes(ml_db *db) {
    ml_error *error = NULL;
    ml_tx *tx = NULL;
    ml_memories *memories = NULL;
    uint64_t id = 0, other = 0, count = 0, seq = 0;
    int32_t did = 0;
    bool found = false;

    const ml_str tags[] = {ML_STR("taste"), ML_STR("ada")};
    ml_new_memory memory = ml_new_memory_init();
    memory.content = ML_STR("Ada prefers tea");
    memory.external_id = ML_STR("ada/1");
    memory.kind = ML_STR("fact");
    memory.metadata = ML_STR("{\"lang\": \"en\"}");
    memory.tags = tags;
    memory.tag_count = 2;
    CHECK(ml_db_remember(db, &memory, &id, &error));

    memory.importance = 0.75f;
    CHECK(ml_db_upsert(db, &memory, NULL, &did, &error));
    REQUIRE(did == ML_UPDATED);
    CHECK(ml_db_update(db, id, ML_STR("{\"valence\": 0.5, \"add_tags\": [\"warm\"]}"), &found, &error));
    REQUIRE(found);

    memory = ml_new_memory_init();
    memory.content = ML_STR("Ada prefers green tea");
    CHECK(ml_db_supersede(db, id, &memory, &other, &error));
    REQUIRE(other > id);

    /* Many at once: columns, and one matrix. */
    const float matrix[] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    const ml_str contents[] = {ML_STR("first"), ML_STR("second"), ML_STR("third")};
    uint64_t ids[3] = {0, 0, 0};
    ml_new_memory common = ml_new_memory_init();
    common.ns = ML_STR("bulk");
    ml_batch batch = ml_batch_init();
    batch.count = 3;
    batch.common = &common;
    batch.contents = contents;
    batch.vectors = matrix;
    batch.dimension = DIMENSION;
    CHECK(ml_db_remember_batch(db, &batch, ids, &error));
    REQUIRE(ids[2] == ids[0] + 2);

    /* Under their external ids: what is there already is made the same. */
    const ml_str mine[] = {ML_STR("b/1"), ML_STR("b/2"), ML_STR("b/3")};
    int32_t dids[3] = {0, 0, 0};
    ml_new_memory other_common = ml_new_memory_init();
    other_common.ns = ML_STR("under ids");
    ml_batch again = batch;
    again.common = &other_common;
    again.external_ids = mine;
    CHECK(ml_db_upsert_batch(db, &again, NULL, dids, &error));
    REQUIRE(dids[0] == ML_CREATED);
    CHECK(ml_tx_begin(db, NULL, &tx, &error));
    CHECK(ml_tx_upsert_batch(tx, &again, NULL, dids, &error));
    REQUIRE(dids[2] == ML_UNCHANGED);
    CHECK(ml_tx_rollback(tx, &error));

    CHECK(ml_db_forget(db, ids[2], &found, &error));
    REQUIRE(found);
    CHECK(ml_db_forget_where(db, ML_STR("bulk"), ML_STR("importance > 0.9"), &count, &error));
    REQUIRE(count == 0);

    /* Any number of changes at once. */
    ml_write_options options = ml_write_options_init();
    options.actor = ML_STR("tour");
    options.reason = ML_STR("to show it");
    options.idempotency_key = ML_STR("tour/1");
    CHECK(ml_tx_begin(db, &options, &tx, &error));
    REQUIRE(ml_db_close(db, NULL) == ML_OPEN_TRANSACTIONS);
    ml_space space = ml_space_init();
    space.name = ML_STR("picture");
    space.dimension = 2;
    space.metric = ML_L2;
    CHECK(ml_tx_create_space(tx, &space, &error));
    CHECK(ml_tx_index_metadata(tx, ML_STR("lang"), &error));
    CHECK(ml_tx_set_text(tx, ML_STR("{\"tags\": 2, \"metadata\": {\"title\": 3}}"), &error));
    const float point[] = {0.5f, 0.25f};
    ml_vector vector = {ML_STR("picture"), {point, 2}};
    memory = ml_new_memory_init();
    memory.content = ML_STR("a picture");
    memory.ns = ML_STR("tx");
    memory.vectors = &vector;
    memory.vector_count = 1;
    CHECK(ml_tx_remember(tx, &memory, &id, &error));
    memory.external_id = ML_STR("p/1");
    CHECK(ml_tx_upsert(tx, &memory, &other, &did, &error));
    REQUIRE(did == ML_CREATED);
    CHECK(ml_tx_get_external(tx, ML_STR("tx"), ML_STR("p/1"), &memories, &error));
    REQUIRE(ml_memories_len(memories) == 1);
    ml_memories_free(memories);
    CHECK(ml_tx_update(tx, id, ML_STR("{\"priority\": 9}"), NULL, &error));
    CHECK(ml_tx_update_where(tx, ML_STR("tx"), ML_STR("priority = 9"),
                             ML_STR("{\"kind\": \"sight\"}"), &count, &error));
    REQUIRE(count == 1);
    memory.external_id = ml_cstr(NULL);
    CHECK(ml_tx_supersede(tx, id, &memory, NULL, &error));
    CHECK(ml_tx_forget(tx, other, &found, &error));
    CHECK(ml_tx_forget_where(tx, ML_STR("tx"), ML_STR("tag:nothing"), &count, &error));
    CHECK(ml_tx_remember_batch(tx, &batch, NULL, &error));
    CHECK(ml_tx_get(tx, id, &memories, &error));
    ml_memory seen = ml_memory_init();
    CHECK(ml_memories_at(memories, 0, &seen, &error));
    REQUIRE(equal(seen.kind, "sight") && seen.superseded_by != 0);
    ml_memories_free(memories);
    CHECK(ml_tx_commit(tx, &seq, &error));
    REQUIRE(seq > 0);

    CHECK(ml_tx_begin(db, NULL, &tx, &error));
    CHECK(ml_tx_drop_metadata_index(tx, ML_STR("lang"), &error));
    CHECK(ml_tx_drop_space(tx, ML_STR("picture"), &error));
    CHECK(ml_tx_rollback(tx, &error));
    REQUIRE(ml_tx_rollback(tx, NULL) == ML_STALE_HANDLE);
}

static void reads(ml_db *db) {
    ml_error *error = NULL;
    ml_snapshot *snapshot = NULL;
    ml_answer *answer = NULL;
    ml_memories *memories = NULL;
    ml_cursor *cursor = NULL;
    ml_text *text = NULL;

    ml_recall request = ml_recall_init();
    request.text = ML_STR("what does Ada drink? tea?");
    request.filter = ML_STR("created >= 2020-01-01");
    request.explain = 1;
    CHECK(ml_db_recall(db, &request, &answer, &error));
    REQUIRE(ml_answer_len(answer) > 0);
    ml_hit hit = ml_hit_init();
    ml_memory memory = ml_memory_init();
    CHECK(ml_answer_hit(answer, 0, &hit, &error));
    CHECK(ml_answer_memory(answer, 0, &memory, &error));
    REQUIRE(memory.id == hit.id && equal(memory.content, "Ada prefers green tea"));
    CHECK(ml_answer_json(answer, &text, &error));
    REQUIRE_SAYS(text, "matched_terms");
    REQUIRE(ml_answer_free(answer) == ML_OK);

    /* Another thread could end it; it has been already. */
    ml_cancellation *cancellation = NULL;
    CHECK(ml_cancellation_new(&cancellation, &error));
    CHECK(ml_cancellation_cancel(cancellation, &error));
    request.cancellation = cancellation;
    REQUIRE(ml_db_recall(db, &request, &answer, NULL) == ML_CANCELLED);
    request.cancellation = NULL;
    CHECK(ml_snapshot_take(db, &snapshot, &error));
    REQUIRE(ml_snapshot_recall_json(snapshot, ML_STR("{}"), cancellation, &answer, NULL) == ML_CANCELLED);
    REQUIRE(ml_snapshot_context_json(snapshot, ML_STR("{\"text\": \"tea\"}"), cancellation, &text, NULL) == ML_CANCELLED);
    REQUIRE(ml_snapshot_graph_analyse(snapshot, ml_cstr(NULL), ML_STR("{\"what\": \"degrees\"}"), NULL, cancellation, &text, NULL) == ML_CANCELLED);
    REQUIRE(ml_snapshot_graph_search(snapshot, ml_cstr(NULL), ML_STR("{\"text\": \"tea\"}"), cancellation, &text, NULL) == ML_CANCELLED);

    REQUIRE(ml_snapshot_seq(snapshot) > 0);
    REQUIRE(ml_snapshot_time_ms(snapshot) != ML_NO_TIME);
    CHECK(ml_snapshot_context_json(snapshot, ML_STR("{\"text\": \"tea\", \"max_tokens\": 100}"), NULL, &text, &error));
    REQUIRE_SAYS(text, "\"similar\":[{");
    ml_new_memory again = ml_new_memory_init();
    again.content = ML_STR("ada prefers green tea!");
    CHECK(ml_snapshot_resembling(snapshot, &again, 0.9f, NAN, &text, &error));
    REQUIRE_SAYS(text, "\"words\":1");
    double share = 0;
    CHECK(ml_snapshot_check_recall(snapshot, ml_cstr(NULL), ML_EFFORT_EXACT, 3, &share, &error));
    REQUIRE(share == 1.0);
    CHECK(ml_snapshot_recall(snapshot, &request, &answer, &error));
    ml_answer_free(answer);
    CHECK(ml_snapshot_recall_json(snapshot, ML_STR("{\"text\": \"tea\", \"limit\": 1}"), NULL, &answer, &error));
    REQUIRE(ml_answer_len(answer) == 1);
    ml_answer_free(answer);

    const uint64_t ids[] = {hit.id, 999999};
    CHECK(ml_snapshot_get(snapshot, ids, 2, &memories, &error));
    REQUIRE(ml_memories_len(memories) == 2);
    REQUIRE(ml_memories_at(memories, 1, &memory, NULL) == ML_NOT_FOUND);
    ml_memories_free(memories);
    CHECK(ml_db_get(db, ids, 1, &memories, &error));
    ml_memories_free(memories);
    CHECK(ml_snapshot_get_external(snapshot, ML_STR("default"), ML_STR("ada/1"), &memories, &error));
    CHECK(ml_memories_at(memories, 0, &memory, &error));
    REQUIRE(memory.tag_count == 3 && equal(memory.tags[0], "ada"));
    REQUIRE(equal(memory.metadata, "{\"lang\":\"en\"}"));
    ml_memories_free(memories);

    /* Vectors alone. */
    const float query[] = {0.9f, 0.1f, 0};
    uint64_t near[2];
    float scores[2];
    ml_nearest nearest = ml_nearest_init();
    nearest.vectors = query;
    nearest.count = 1;
    nearest.dimension = DIMENSION;
    nearest.ns = ML_STR("bulk");
    nearest.limit = 2;
    CHECK(ml_snapshot_nearest(snapshot, &nearest, near, scores, &error));
    REQUIRE(near[0] != 0 && scores[0] > scores[1] - 1e-6f);
    const float other[] = {0.5f, 0.25f};
    ml_matrix also = {ML_STR("picture"), other, 2};
    nearest.also = &also;
    nearest.also_count = 1;
    nearest.deadline_ms = 60 * 1000;
    CHECK(ml_snapshot_nearest(snapshot, &nearest, near, scores, &error));
    nearest.cancellation = cancellation;
    REQUIRE(ml_snapshot_nearest(snapshot, &nearest, near, scores, NULL) == ML_CANCELLED);
    float back[DIMENSION];
    size_t len = 0;
    CHECK(ml_snapshot_vector(snapshot, near[0], ml_cstr(NULL), back, DIMENSION, &len, &error));
    REQUIRE(len == DIMENSION && back[0] == 1.0f);

    uint64_t count = 0;
    CHECK(ml_snapshot_count(snapshot, ML_STR("bulk"), ml_cstr(NULL), &count, &error));
    REQUIRE(count == 5);
    CHECK(ml_snapshot_namespaces(snapshot, ml_cstr(NULL), 10, &text, &error));
    REQUIRE_SAYS(text, "\"bulk\"");
    CHECK(ml_snapshot_namespace_stats(snapshot, ML_STR("bulk"), &text, &error));
    REQUIRE_SAYS(text, "\"memories\":5");
    CHECK(ml_snapshot_spaces(snapshot, &text, &error));
    REQUIRE_SAYS(text, "\"picture\"");

    /* All of a namespace, two a page. */
    ml_list list = ml_list_init();
    list.ns = ML_STR("bulk");
    list.order = ML_ORDER_OLDEST;
    list.limit = 2;
    list.cancellation = cancellation;
    CHECK(ml_cursor_open(snapshot, &list, &cursor, &error));
    REQUIRE(ml_cursor_next(cursor, &memories, NULL) == ML_CANCELLED);
    REQUIRE(ml_cursor_free(cursor) == ML_OK);
    REQUIRE(ml_cancellation_free(cancellation) == ML_OK);
    list.cancellation = NULL;
    list.deadline_ms = 60 * 1000;
    CHECK(ml_cursor_open(snapshot, &list, &cursor, &error));
    ml_snapshot_free(snapshot);
    size_t listed = 0;
    for (;;) {
        CHECK(ml_cursor_next(cursor, &memories, &error));
        if (memories == NULL) {
            break;
        }
        listed += ml_memories_len(memories);
        ml_memories_free(memories);
        CHECK(ml_cursor_position(cursor, &text, &error));
        ml_text_free(text);
    }
    REQUIRE(listed == 5);
    ml_cursor_free(cursor);
}

static void upkeep(ml_db *db) {
    ml_error *error = NULL;
    ml_text *text = NULL, *head = NULL;
    uint64_t seq = 0, before = 0, after = 0;
    int64_t time_ms = 0;
    int told = 0;
    bool found = true;

    CHECK(ml_db_log(db, 1, 100, &text, &error));
    REQUIRE_SAYS(text, "\"actor\":\"tour\"");
    CHECK(ml_db_head(db, &head, &error));
    CHECK(ml_db_verify_log(db, ml_text_view(head), &text, &error));
    REQUIRE_SAYS(text, "\"intact\":true");
    ml_text_free(head);
    CHECK(ml_db_outcome(db, ML_STR("tour/1"), &seq, &time_ms, &error));
    REQUIRE(seq > 0 && time_ms > 0);
    REQUIRE(ml_db_outcome(db, ML_STR("tour/2"), &seq, NULL, NULL) == ML_NOT_FOUND);

    ml_space successor = ml_space_init();
    successor.dimension = DIMENSION;
    successor.embedder = ML_STR("letters-v1");
    CHECK(ml_db_reembed(db, &successor, &error));
    CHECK(ml_db_finish_reembedding(db, ml_cstr(NULL), NULL, &error));
    CHECK(ml_db_cancel_reembedding(db, ml_cstr(NULL), &found, &error));
    REQUIRE(!found);
    successor.name = ML_STR("another");
    CHECK(ml_db_create_space(db, &successor, &error));

    ml_progress progress = ml_progress_init();
    progress.call = count_progress;
    progress.user = &told;
    CHECK(ml_db_flush(db, &error));
    CHECK(ml_db_checkpoint(db, &error));
    CHECK(ml_db_rebuild(db, &progress, &error));
    CHECK(ml_db_link(db, &progress, &error));
    CHECK(ml_db_warm(db, &progress, &error));
    CHECK(ml_db_warm_space(db, ML_STR("picture"), NULL, &error));
    ml_pause *pause = NULL;
    CHECK(ml_db_pause_background(db, &pause, &error));
    REQUIRE(ml_pause_free(pause) == ML_OK);
    CHECK(ml_db_compact(db, &progress, &before, &after, &error));
    CHECK(ml_db_verify(db, &progress, &text, &error));
    REQUIRE_SAYS(text, "\"clean\":true");
    REQUIRE(told > 0);
    CHECK(ml_db_stats(db, &text, &error));
    REQUIRE_SAYS(text, "\"spaces\"");
    CHECK(ml_db_durable_seq(db, &seq, &error));
    REQUIRE(seq > 0);
}

/* What goes wrong is said, and breaks nothing. */
static void mistakes(ml_db *db) {
    ml_error *error = NULL;
    ml_answer *answer = NULL;
    ml_recall request = ml_recall_init();
    request.filter = ML_STR("kind:fact and and");
    REQUIRE(ml_db_recall(db, &request, &answer, &error) == ML_FILTER_SYNTAX);
    REQUIRE(ml_error_code(error) == ML_FILTER_SYNTAX);
    REQUIRE(ml_error_message(error).len > 0);
    REQUIRE(ml_error_context(error).len > 2);
    REQUIRE(ml_error_free(error) == ML_OK);
    REQUIRE(ml_error_free(error) == ML_STALE_HANDLE);
    REQUIRE(ml_error_free(NULL) == ML_OK);
    REQUIRE(ml_db_flush((ml_db *)answer, NULL) == ML_NULL_POINTER);
}

int main(int argc, char **argv) {
    ml_error *error = NULL;
    ml_db *db = NULL;
    int calls = 0;

    REQUIRE(ml_abi_version() == ML_ABI_VERSION);
    REQUIRE(strlen(ml_version()) > 0);

    ml_embedder embedder = ml_embedder_init();
    embedder.identity = ML_STR("letters-v1");
    embedder.dimension = DIMENSION;
    embedder.max_batch = 2;
    embedder.embed = letters;
    embedder.user = &calls;
    embedder.destroy = destroy;
    ml_options options = ml_options_init();
    options.embedders = &embedder;
    options.embedder_count = 1;
    options.background_threads = 1;
    if (argc > 1) {
        CHECK(ml_db_open(ml_cstr(argv[1]), &options, &db, &error));
    } else {
        CHECK(ml_db_open_in_memory(&options, &db, &error));
    }
    writes(db);
    REQUIRE(calls > 0);
    reads(db);
    upkeep(db);
    mistakes(db);
    CHECK(ml_db_close(db, &error));
    REQUIRE(destroyed == 1);
    REQUIRE(ml_db_close(db, NULL) == ML_STALE_HANDLE);

    /* What a damaged file still holds goes into a new one; this one is whole. */
    ml_text *report = NULL;
    if (argc > 1) {
        char *into = malloc(strlen(argv[1]) + sizeof ".salvaged");
        REQUIRE(into != NULL);
        strcat(strcpy(into, argv[1]), ".salvaged");
        CHECK(ml_salvage(ml_cstr(argv[1]), ml_cstr(into), NULL, &report, &error));
        REQUIRE_SAYS(report, "\"complete\":true");
        free(into);
    } else {
        REQUIRE(ml_salvage(ML_STR("none.lith"), ML_STR("new.lith"), NULL, &report, NULL) == ML_NOT_FOUND);
    }
    printf("every function did what it must\n");
    return 0;
}
