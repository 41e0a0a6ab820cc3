/* A knowledge graph beside memories: who knows whom, who lives where, and what was said of whom.
 *
 *     cc -std=c11 graph.c -lmemlith -o graph && ./graph
 */
#include "memlith.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the program with what went wrong. */
static void check(ml_status status, ml_error *error) {
    if (status == ML_OK) {
        return;
    }
    ml_str why = ml_error_message(error);
    fprintf(stderr, "%s: %.*s\n", ml_status_name(status), (int)why.len, why.ptr);
    ml_error_free(error);
    exit(1);
}
#define CHECK(call) check((call), error)

/* Prints what the library says, and gives it back. */
static void show(const char *what, ml_text *text) {
    if (text == NULL) {
        printf("%s: there is none\n", what);
        return;
    }
    ml_str view = ml_text_view(text);
    printf("%s: %.*s\n", what, (int)view.len, view.ptr);
    ml_text_free(text);
}

/* Nodes and edges are columns; several of them, and a memory that they are about, are one transaction. */
static void fill(ml_db *db) {
    ml_error *error = NULL;
    ml_tx *tx = NULL;
    uint64_t seen = 0, edges[3];
    CHECK(ml_tx_begin(db, NULL, &tx, &error));

    const ml_str ids[] = {ML_STR("ada"), ML_STR("babbage"), ML_STR("london")};
    const ml_str kinds[] = {ML_STR("person"), ML_STR("person"), ML_STR("city")};
    const ml_str tags[] = {ML_STR("[\"mathematics\"]"), ML_STR("[]"), ML_STR("[]")};
    ml_node_batch nodes = ml_node_batch_init();
    nodes.count = 3;
    nodes.ids = ids;
    nodes.kinds = kinds;
    nodes.tags = tags;
    const float vectors[] = {0.9f, 0.1f, 0.8f, 0.3f, 0.1f, 0.9f};
    nodes.vectors = vectors;
    nodes.dimension = 2;
    CHECK(ml_tx_graph_upsert_nodes(tx, ml_cstr(NULL), &nodes, NULL, NULL, &error));

    ml_new_memory memory = ml_new_memory_init();
    memory.content = ML_STR("Ada moved to London");
    CHECK(ml_tx_remember(tx, &memory, &seen, &error));
    char name[32];
    snprintf(name, sizeof name, "memory:%" PRIu64, seen);

    const ml_str sources[] = {ML_STR("ada"), ML_STR("ada"), ml_cstr(name)};
    const ml_str relations[] = {ML_STR("knows"), ML_STR("lives_in"), ML_STR("mentions")};
    const ml_str targets[] = {ML_STR("babbage"), ML_STR("london"), ML_STR("ada")};
    const float weights[] = {0.5f, 1, 1};
    ml_edge_batch batch = ml_edge_batch_init();
    batch.count = 3;
    batch.sources = sources;
    batch.kinds = relations;
    batch.targets = targets;
    batch.weights = weights;
    CHECK(ml_tx_graph_upsert_edges(tx, ml_cstr(NULL), &batch, edges, NULL, &error));

    bool found = false;
    CHECK(ml_tx_graph_update_node(tx, ml_cstr(NULL), ML_STR("ada"), ML_STR("{\"name\": \"Ada Lovelace\"}"),
                                  &found, &error));
    CHECK(ml_tx_graph_update_edge(tx, ml_cstr(NULL), edges[0], ML_STR("{\"properties\": {\"since\": 1833}}"),
                                  &found, &error));
    ml_text *text = NULL;
    CHECK(ml_tx_graph_node(tx, ml_cstr(NULL), ML_STR("ada"), &text, &error));
    show("node in the transaction", text);
    CHECK(ml_tx_graph_edge(tx, ml_cstr(NULL), edges[0], &text, &error));
    show("edge in the transaction", text);
    CHECK(ml_tx_commit(tx, NULL, &error));
}

static void ask(ml_db *db) {
    ml_error *error = NULL;
    ml_snapshot *snapshot = NULL;
    ml_text *text = NULL;
    CHECK(ml_snapshot_take(db, &snapshot, &error));

    CHECK(ml_snapshot_graph_node(snapshot, ml_cstr(NULL), ML_STR("nobody"), &text, &error));
    show("nobody", text);
    CHECK(ml_snapshot_graph_nodes(snapshot, ml_cstr(NULL), 0, 100, &text, &error));
    show("nodes", text);
    CHECK(ml_snapshot_graph_edges(snapshot, ml_cstr(NULL), 0, 1, &text, &error));
    show("first edge", text);
    CHECK(ml_snapshot_graph_edge(snapshot, ml_cstr(NULL), 999999, &text, &error));
    show("an edge that is not there", text);
    CHECK(ml_snapshot_graph_edge_kinds(snapshot, &text, &error));
    show("kinds", text);

    CHECK(ml_snapshot_graph_search(snapshot, ml_cstr(NULL), ML_STR("{\"text\": \"lovelace\", \"filter\": \"kind:person\"}"),
                                   NULL, &text, &error));
    show("by name", text);
    CHECK(ml_snapshot_graph_nearest(snapshot, ml_cstr(NULL), ML_STR("{\"vector\": [0, 1], \"limit\": 1}"),
                                    NULL, &text, &error));
    show("nearest", text);
    CHECK(ml_snapshot_graph_embedding(snapshot, ml_cstr(NULL), ML_STR("{\"node\": \"london\"}"), &text, &error));
    show("its embedding", text);
    CHECK(ml_snapshot_graph_neighbours(snapshot, ml_cstr(NULL), ML_STR("{\"of\": \"ada\", \"follow\": {\"kinds\": [\"knows\"]}}"),
                                       NULL, &text, &error));
    show("neighbours", text);
    CHECK(ml_snapshot_graph_related(snapshot, ml_cstr(NULL),
                                    ML_STR("{\"starts\": [\"london\"], \"depth\": 2, \"follow\": {\"direction\": \"both\"}}"),
                                    NULL, &text, &error));
    show("related", text);
    CHECK(ml_snapshot_graph_subgraph(snapshot, ml_cstr(NULL), ML_STR("{\"starts\": [\"ada\"]}"), NULL, &text, &error));
    show("around Ada", text);
    CHECK(ml_snapshot_graph_paths(snapshot, ml_cstr(NULL), ML_STR("{\"from\": \"ada\", \"to\": \"london\"}"), NULL, &text, &error));
    show("a path", text);
    CHECK(ml_snapshot_graph_find(snapshot, ml_cstr(NULL),
                                 ML_STR("{\"nodes\": {\"who\": {\"filter\": \"kind:person\"}, \"where\": null},"
                                        " \"edges\": [{\"from\": \"who\", \"to\": \"where\", \"follow\": {\"kinds\": [\"lives_in\"]}}]}"),
                                 NULL, &text, &error));
    show("who lives where", text);
    CHECK(ml_snapshot_graph_analyse(snapshot, ml_cstr(NULL), ML_STR("{\"what\": \"page_rank\"}"), NULL, NULL, &text, &error));
    show("ranks", text);

    /* As networkx has it; into another namespace. */
    ml_text *document = NULL;
    ml_tx *tx = NULL;
    uint64_t nodes = 0, edges = 0;
    CHECK(ml_snapshot_graph_export(snapshot, ml_cstr(NULL), &document, &error));
    ml_snapshot_free(snapshot);
    show("document", document);
    CHECK(ml_tx_begin(db, NULL, &tx, &error));
    CHECK(ml_tx_graph_import(tx, ML_STR("copy"), ML_STR("{\"nodes\": [{\"id\": \"a\"}], \"links\": [{\"source\": \"a\", \"target\": \"b\"}]}"),
                             ML_STR("related"), &nodes, &edges, &error));
    printf("imported: %" PRIu64 " nodes, %" PRIu64 " edges\n", nodes, edges);
    CHECK(ml_tx_rollback(tx, &error));
}

/* What was found out is written back, and what turns out to be one becomes one. */
static void change(ml_db *db) {
    ml_error *error = NULL;
    ml_tx *tx = NULL;
    uint64_t number = 0, written = 0;
    int32_t did = 0;
    bool found = false;

    const ml_str id = ML_STR("countess");
    ml_node_batch nodes = ml_node_batch_init();
    nodes.count = 1;
    nodes.ids = &id;
    CHECK(ml_db_graph_upsert_nodes(db, ml_cstr(NULL), &nodes, &number, &did, &error));
    const ml_str from = ML_STR("countess"), kind = ML_STR("knows"), to = ML_STR("babbage");
    ml_edge_batch edges = ml_edge_batch_init();
    edges.count = 1;
    edges.sources = &from;
    edges.kinds = &kind;
    edges.targets = &to;
    CHECK(ml_db_graph_upsert_edges(db, ml_cstr(NULL), &edges, &number, &did, &error));

    CHECK(ml_tx_begin(db, NULL, &tx, &error));
    CHECK(ml_tx_graph_merge_nodes(tx, ml_cstr(NULL), ML_STR("countess"), ML_STR("ada"), &error));
    const ml_str names[] = {ML_STR("ada"), ML_STR("nobody")}, ranks[] = {ML_STR("0.4"), ML_STR("0.1")};
    CHECK(ml_tx_graph_write_property(tx, ml_cstr(NULL), ML_STR("rank"), names, ranks, 2, &written, &error));
    printf("ranks written: %" PRIu64 "\n", written);
    CHECK(ml_tx_graph_delete_edge(tx, ml_cstr(NULL), number, &found, &error));
    printf("the edge of the countess is there: %d\n", found);
    CHECK(ml_tx_graph_delete_node(tx, ml_cstr(NULL), ML_STR("countess"), &found, &error));
    printf("Ada, by her other name, was there: %d\n", found);
    CHECK(ml_tx_rollback(tx, &error));
}

int main(int argc, char **argv) {
    ml_error *error = NULL;
    ml_db *db = NULL;
    if (argc > 1) {
        CHECK(ml_db_open(ml_cstr(argv[1]), NULL, &db, &error));
    } else {
        CHECK(ml_db_open_in_memory(NULL, &db, &error));
    }
    fill(db);
    ask(db);
    change(db);
    CHECK(ml_db_close(db, &error));
    return 0;
}
